"""A night of scores, a changed booking, a model put to work: each once and on the ledger."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import JobRun, LedgerEntry
from memberships.models import Appointment, Membership
from memberships.signals import appointments_changed
from risk import registry, services, signals, writing
from risk.engine.additive import Artefact
from risk.models import (
    Band,
    BandThreshold,
    BookingScore,
    ChurnScore,
    ChurnScoreDay,
    ModelVersion,
    Target,
)
from tests.factories import mirror
from tests.factories.memberships import AppointmentFactory, MembershipFactory

Status = ModelVersion.Status


@pytest.fixture
def now(today: date) -> Any:
    return mirror.midday(today)


@pytest.fixture
def trained(business: mirror.Mirror, today: date, now: Any) -> mirror.Mirror:
    for target in Target.values:
        services.train(target=target, as_of_on=today, now=now)
    return business


def test_a_trained_model_serves_and_tells_who_leaves(
    trained: mirror.Mirror, today: date, now: Any
) -> None:
    champion = ModelVersion.objects.get(target=Target.CHURN, status=Status.CHAMPION)
    assert champion.kind == "additive"
    assert champion.metrics["test"]["auc"] > champion.metrics["base"]["auc"] + 0.1
    assert champion.metrics["against"]["scorecard"]["mean"] < 0
    assert champion.data_until_on < today - timedelta(60), "the newest cases were not taught"
    for location in trained.location_ids:
        services.score_members(location_id=location, as_of_on=today, now=now)
    scores = {s.membership_id: s for s in ChurnScore.objects.all()}
    assert len(scores) == Membership.objects.running().count()
    truth = trained.memberships.set_index("membership_id")
    lonely = [s.p for pk, s in scores.items() if truth.lonely[pk]]
    others = [s.p for pk, s in scores.items() if not truth.lonely[pk]]
    assert np.mean(lonely) > 1.3 * np.mean(others), "those who drift away stand out"
    worst = max(scores.values(), key=lambda s: s.p)
    assert worst.reasons[0]["direction"] == "raises"
    assert 1 <= len(worst.reasons) <= 3
    assert worst.p_voluntary is None or worst.p_voluntary <= worst.p


def test_a_second_call_of_the_same_night_changes_nothing(
    small: mirror.Mirror, today: date, now: Any
) -> None:
    place = small.location_ids[0]
    first = services.score_members(location_id=place, as_of_on=today, now=now)
    before = list(ChurnScore.objects.order_by("pk").values())
    entries = LedgerEntry.objects.count()
    later = now + timedelta(hours=1)
    assert services.score_members(location_id=place, as_of_on=today, now=later) == first
    assert list(ChurnScore.objects.order_by("pk").values()) == before
    assert LedgerEntry.objects.count() == entries


def test_the_next_night_replaces_scores_and_drops_the_ended(
    small: mirror.Mirror, today: date, now: Any
) -> None:
    place = small.location_ids[0]
    services.score_members(location_id=place, as_of_on=today, now=now)
    left = Membership.objects.running().filter(location=place).first()
    assert left is not None
    left.status, left.ended_on, left.ending = "cancelled", today, "voluntary"
    left.save()
    week = today + timedelta(7)
    counts = services.score_members(location_id=place, as_of_on=week, now=now + timedelta(7))
    assert counts["removed"] == 1
    assert not ChurnScore.objects.filter(membership=left).exists()
    one = ChurnScore.objects.filter(location=place).first()
    assert one is not None
    assert one.as_of_on == week
    day = ChurnScoreDay.objects.get(membership=one.membership, as_of_on=today)
    assert one.score_week_ago == day.score


def test_an_older_run_never_replaces_a_newer_score(
    small: mirror.Mirror, today: date, now: Any
) -> None:
    place = small.location_ids[0]
    services.score_members(location_id=place, as_of_on=today, now=now)
    before = list(ChurnScore.objects.order_by("pk").values("membership_id", "as_of_on", "p"))
    services.score_members(location_id=place, as_of_on=today - timedelta(20), now=now)
    assert before == list(
        ChurnScore.objects.order_by("pk").values("membership_id", "as_of_on", "p")
    )


def test_a_failing_run_leaves_no_scores_says_why_and_may_run_again(
    small: mirror.Mirror, today: date, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = small.location_ids[0]

    def broken(**kwargs: Any) -> None:
        raise RuntimeError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(writing, "keep_days", broken)
        with pytest.raises(RuntimeError):
            services.score_members(location_id=place, as_of_on=today, now=now)
    assert not ChurnScore.objects.exists()
    run = JobRun.objects.get(job=services.scores.MEMBERS_JOB)
    assert (run.status, run.error) == ("failed", "RuntimeError: disk full")
    assert services.score_members(location_id=place, as_of_on=today, now=now)["scored"] > 0


def test_a_run_held_by_another_worker_is_not_taken_for_done(
    small: mirror.Mirror, today: date, now: Any
) -> None:
    place = small.location_ids[0]
    services.score_members(location_id=place, as_of_on=today, now=now)
    JobRun.objects.filter(job=services.scores.MEMBERS_JOB).update(
        status="running", leased_until=now + timedelta(minutes=5), finished_at=None
    )
    with pytest.raises(services.Busy):
        services.score_members(location_id=place, as_of_on=today, now=now)


def test_few_outcomes_let_the_scorecard_serve_and_say_so(
    small: mirror.Mirror, today: date, now: Any
) -> None:
    version = services.train(target=Target.CHURN, as_of_on=today, now=now)
    assert (version.kind, version.status) == ("scorecard", Status.CHAMPION)
    assert "too few outcomes" in version.metrics["verdict"]
    services.score_members(location_id=small.location_ids[0], as_of_on=today, now=now)
    for score in ChurnScore.objects.exclude(confidence="low"):
        assert score.confidence == "fair"
        assert "until there are enough outcomes" in score.confidence_note


def test_a_model_serves_only_if_it_beats_the_scorecard_on_the_newest_cases(
    db: None, today: date, now: Any
) -> None:
    mirror.build(members=1500, months=18, today=today, signal=0.0, base=-3.0)
    version = services.train(target=Target.CHURN, as_of_on=today, now=now)
    served = ModelVersion.objects.get(target=Target.CHURN, status=Status.CHAMPION)
    assert version.metrics["test"]["auc"] < 0.6, "there is nothing to learn"
    beaten = version.metrics["against"]["scorecard"]["mean"] < 0
    assert (served == version) == beaten


def test_a_member_who_asked_to_cancel_is_shown_as_leaving(db: None, today: date, now: Any) -> None:
    one = MembershipFactory(cancel_requested_on=today - timedelta(3))
    services.score_members(location_id=one.location_id, as_of_on=today, now=now)
    score = ChurnScore.objects.get(membership=one)
    assert score.band == Band.VERY_HIGH
    assert [r["text"] for r in score.reasons] == ["asked to cancel 3 days ago"]


def test_somebody_new_is_not_judged(db: None, today: date, now: Any) -> None:
    one = MembershipFactory(started_on=today - timedelta(4))
    services.score_members(location_id=one.location_id, as_of_on=today, now=now)
    score = ChurnScore.objects.get(membership=one)
    assert (score.band, score.confidence) == (Band.UNKNOWN, "low")
    assert "joined only lately" in score.confidence_note


# --- bookings


def test_coming_bookings_are_scored_and_past_ones_lose_their_score(
    small: mirror.Mirror, today: date, now: Any
) -> None:
    place = small.location_ids[0]
    counts = services.score_bookings(location_id=place, as_of_on=today, now=now)
    coming = Appointment.objects.coming().filter(
        location=place, starts_at__gt=now, starts_on__lt=today + timedelta(14)
    )
    assert counts["scored"] == BookingScore.objects.count() == coming.count() > 0
    for score in BookingScore.objects.all():
        assert score.score == round(score.p * 100)
    soon = now + timedelta(days=2)
    services.score_bookings(location_id=place, as_of_on=today + timedelta(2), now=soon)
    assert not BookingScore.objects.filter(appointment__starts_at__lte=soon).exists()


def test_a_changed_booking_is_scored_at_once(
    db: None, now: Any, django_capture_on_commit_callbacks: Any
) -> None:
    stands = AppointmentFactory(starts_at=now + timedelta(days=3))
    heard: list[list[int]] = []

    def hear(sender: Any, *, bands: dict[int, str], **kwargs: Any) -> None:
        heard.append([*bands])

    signals.bookings_scored.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        assert services.score_appointments(appointment_ids=[stands.pk], now=now) == 1
    signals.bookings_scored.disconnect(hear)
    assert heard == [[stands.pk]]
    first = BookingScore.objects.get(appointment=stands)
    assert first.as_of_on == stands.location.today(now)
    stands.status = "confirmed"
    stands.save()
    later = now + timedelta(minutes=5)
    services.score_appointments(appointment_ids=[stands.pk], now=later)
    assert BookingScore.objects.get(appointment=stands).p < first.p
    stands.status = "cancelled"
    stands.save()
    assert services.score_appointments(appointment_ids=[stands.pk], now=later) == 0
    assert not BookingScore.objects.filter(appointment=stands).exists()


def test_the_mirrors_signal_asks_for_a_score(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from risk import tasks

    asked: list[list[int]] = []
    monkeypatch.setattr(
        tasks.score_appointments, "apply_async", lambda args, **_: asked.append(args[0])
    )
    appointments_changed.send(sender=None, appointment_ids=[*range(700)], now=None)
    assert [len(ids) for ids in asked] == [500, 200]


def test_a_live_score_takes_few_statements(db: None, now: Any) -> None:
    one = AppointmentFactory(starts_at=now + timedelta(days=3))
    for _ in range(2):  # the scorecard is made, then verified
        services.score_appointments(appointment_ids=[one.pk], now=now)
    with CaptureQueriesContext(connection) as queries:
        services.score_appointments(appointment_ids=[one.pk], now=now)
    said = [q["sql"].split()[0] for q in queries if "SAVEPOINT" not in q["sql"]]
    assert said == ["SELECT", "WITH", "INSERT"], "what serves, the inputs, the score"


def test_what_serves_and_the_bands_count_at_once(
    small: mirror.Mirror, today: date, now: Any, admin: Any
) -> None:
    old, _ = services.serving_model(Target.CANCELLATION, now=now)
    new = services.train(target=Target.CANCELLATION, as_of_on=today, now=now)
    services.put_to_work(name=new.name, now=now)
    one = Appointment.objects.coming().filter(starts_at__gt=now).first()
    assert one is not None

    def scored() -> BookingScore:
        services.score_appointments(appointment_ids=[one.pk], now=now)
        score: BookingScore = BookingScore.objects.get(appointment=one)
        return score

    assert scored().model == new
    services.put_to_work(name=old.name, now=now)
    assert scored().model == old
    services.change_thresholds(
        target=Target.CANCELLATION,
        begins={"watch": 1, "high": 2, "very_high": 3},
        by=admin,
        now=now,
    )
    assert scored().band == Band.VERY_HIGH
    ModelVersion.objects.filter(pk=old.pk).update(signature="forged")
    assert scored().model != old, "a model whose signature changed is verified again"


# --- models


def test_a_tampered_model_is_refused_and_the_last_good_one_serves(
    small: mirror.Mirror, today: date, now: Any
) -> None:
    good, _ = services.serving_model(Target.CHURN, now=now)
    newer = services.train(target=Target.CHURN, as_of_on=today, now=now)
    assert newer.status == Status.CHAMPION
    ModelVersion.objects.filter(pk=newer.pk).update(artefact=newer.artefact.replace("0", "1"))
    registry.forget()
    served, artefact = services.serving_model(Target.CHURN, now=now)
    assert served == good
    assert isinstance(artefact, Artefact)
    newer.refresh_from_db()
    assert newer.status == Status.REFUSED
    assert LedgerEntry.objects.filter(event="model.refused", target_id=str(newer.pk)).exists()


def test_a_model_for_another_target_or_of_another_format_is_refused(db: None, now: Any) -> None:
    _, artefact = services.serving_model(Target.CHURN, now=now)
    for text, target in [
        (artefact.dump(), Target.CANCELLATION),
        (artefact.dump().replace('"format":2', '"format":1'), Target.CHURN),
        ('{"format":1}', Target.CHURN),
        ("not json", Target.CHURN),
    ]:
        with pytest.raises(registry.Refused):
            registry.verify(text, registry.sign(text), target)
    with pytest.raises(registry.Refused, match="signature"):
        registry.verify(artefact.dump(), registry.sign("something else"), Target.CHURN)


def test_a_roll_back_is_one_call(small: mirror.Mirror, today: date, now: Any) -> None:
    old, _ = services.serving_model(Target.CHURN, now=now)
    new = services.train(target=Target.CHURN, as_of_on=today, now=now)
    services.put_to_work(name=old.name, now=now)
    assert services.serving_model(Target.CHURN, now=now)[0] == old
    new.refresh_from_db()
    assert new.status == Status.RETIRED
    with pytest.raises(services.UnknownModel):
        services.put_to_work(name="churn-nothing", now=now)


def test_each_step_is_on_the_ledger(small: mirror.Mirror, today: date, now: Any) -> None:
    services.train(target=Target.CHURN, as_of_on=today, now=now)
    services.score_members(location_id=small.location_ids[0], as_of_on=today, now=now)
    events = list(LedgerEntry.objects.order_by("pk").values_list("event", flat=True))
    assert events == ["model.serves", "model.trained", "model.serves", "score.run"]


# --- bands


def test_changed_bands_move_the_scores_that_exist(
    small: mirror.Mirror, today: date, now: Any, admin: Any
) -> None:
    services.score_members(location_id=small.location_ids[0], as_of_on=today, now=now)
    begins = {"watch": 2, "high": 3, "very_high": 4}
    services.change_thresholds(target=Target.CHURN, begins=begins, by=admin, now=now)
    assert BandThreshold.objects.filter(target=Target.CHURN).count() == 3
    known = ChurnScore.objects.exclude(band=Band.UNKNOWN)
    assert known.filter(score__gte=4).exclude(band=Band.VERY_HIGH).count() == 0
    assert LedgerEntry.objects.filter(event="thresholds.changed", actor_id=admin.pk).exists()


def test_bands_must_rise(admin: Any, now: Any) -> None:
    for watch, high, very_high in [(40, 40, 90), (0, 50, 90), (40, 75, 101)]:
        with pytest.raises(services.BadThresholds):
            services.change_thresholds(
                target=Target.CHURN,
                begins={"watch": watch, "high": high, "very_high": very_high},
                by=admin,
                now=now,
            )
    assert not BandThreshold.objects.exists()
