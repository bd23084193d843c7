"""The daily watch and the life of a model: what is kept, what is found, what follows from it."""

from __future__ import annotations

from datetime import date, timedelta
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from audit.models import JobRun, LedgerEntry
from memberships.models import Appointment
from risk import causes, registry, selectors, services, tasks
from risk.engine import drift
from risk.models import (
    BookingScoreDay,
    ChurnScore,
    ChurnScoreDay,
    DriftAlarm,
    ModelReference,
    ModelVersion,
    OutcomeDay,
    OutcomeGroup,
    ScoringDay,
    Target,
)
from risk.quality import alarms, outcomes, watch, words
from tests.factories import mirror
from tests.factories.memberships import AppointmentFactory, MembershipFactory

pytestmark = pytest.mark.django_db
Status = ModelVersion.Status


@pytest.fixture
def now(today: date) -> Any:
    return mirror.midday(today)


@pytest.fixture
def champion(db: None, now: Any) -> ModelVersion:
    return services.serving_model(Target.CANCELLATION, now=now)[0]


def stored(champion: ModelVersion, name: str, status: str, at: Any, **fields: Any) -> ModelVersion:
    """Another version with the same tables."""
    return ModelVersion.objects.create(
        target=champion.target, name=name, kind="additive", status=status, trained_at=at,
        artefact=champion.artefact, signature=champion.signature, **fields,
    )  # fmt: skip


# --- nights


def test_a_night_is_counted_and_one_that_is_not_like_the_past_raises_an_alarm(
    business: mirror.Mirror, today: date, now: Any
) -> None:
    version = services.train(target=Target.CANCELLATION, as_of_on=today, now=now)
    if version.status != Status.CHAMPION:
        services.put_to_work(name=version.name, now=now)
    for place in business.location_ids:
        services.score_bookings(location_id=place, as_of_on=today, now=now)
    nights = ScoringDay.objects.filter(model=version)
    assert {night.location_id for night in nights} == set(business.location_ids)
    tomorrow = Appointment.objects.coming().filter(starts_on=today + timedelta(1)).count()
    assert sum(sum(night.inputs["lead_days"]) for night in nights) == tomorrow
    assert "month" not in nights[0].inputs, "the calendar is no drift"
    assert BookingScoreDay.objects.count() == tomorrow
    assert alarms.check(target=Target.CANCELLATION, on=today, now=now).raised == []

    Appointment.objects.filter(starts_on=today + timedelta(1)).update(channel="")
    later = now + timedelta(minutes=1)
    JobRun.objects.filter(job=services.scores.BOOKINGS_JOB).delete()
    for place in business.location_ids:
        services.score_bookings(location_id=place, as_of_on=today, now=later)
    (raised,) = alarms.check(target=Target.CANCELLATION, on=today, now=later).raised
    assert (raised.kind, raised.input, raised.location_id) == ("missing", "channel", None)
    assert raised.sentence == (
        "The mix of booking channels: not known for 100 % of bookings, before for 0 %."
    )
    assert selectors.drifting(Target.CANCELLATION)
    assert not selectors.drifting(Target.CHURN)


def test_members_who_asked_to_cancel_do_not_count_as_a_night(
    small: mirror.Mirror, today: date, now: Any
) -> None:
    services.train(target=Target.CHURN, as_of_on=today, now=now)
    place = small.location_ids[0]
    counts = services.score_members(location_id=place, as_of_on=today, now=now)
    noticed = ChurnScore.objects.filter(location=place).earliest("pk").membership
    noticed.cancel_requested_on = today - timedelta(3)
    noticed.save()
    services.score_members(location_id=place, as_of_on=today + timedelta(1), now=now)
    first, second = ScoringDay.objects.order_by("as_of_on")
    assert (first.rows, second.rows) == (counts["scored"], counts["scored"])
    assert sum(first.inputs["next_days"]) == sum(second.inputs["next_days"]) + 1


def test_a_model_without_a_past_is_not_judged_by_it(champion: ModelVersion, today: date) -> None:
    assert not ModelReference.objects.exists()
    assert watch.findings(champion, on=today) == []


def test_nights_that_are_late_are_left_to_the_next_check(
    champion: ModelVersion, today: date, location: Any, elsewhere: Any
) -> None:
    bins = {"lead_days": drift.Bins("lead_days", "number", np.array([1.0, 5.0]))}
    ModelReference.objects.create(model=champion, bins=drift.dump_bins(bins))
    for back, place in [(0, location), (1, location), (20, location), (5, elsewhere)]:
        ScoringDay.objects.create(
            target=champion.target, location=place, as_of_on=today - timedelta(back),
            model=champion, rows=back + 1, inputs={"lead_days": [1, 2, back, 0]},
        )  # fmt: skip
    locations, nights, rows = watch._nights(champion, today, bins)
    assert locations == [location.pk]
    assert rows[:, 0].tolist() == [21] + [0] * 18 + [2, 1]
    assert nights["lead_days"][-1, 0].tolist() == [1, 2, 0, 0]


# --- alarms


def odd(name: str = "lead_days", location: int | None = None, **fields: Any) -> drift.Finding:
    shares = {"before": (0.5, 0.4, 0.1, 0.0), "now": (0.1, 0.2, 0.7, 0.0)}
    return drift.Finding(name, location, 1, 0.6, 1e-9, **(shares | fields))


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[drift.Finding]:
    """What the watch is made to find."""
    results: list[drift.Finding] = []
    monkeypatch.setattr(watch, "findings", lambda version, *, on: list(results))
    return results


def test_an_alarm_is_raised_once_stands_and_is_cleared(
    champion: ModelVersion, found: list[drift.Finding], location: Any, today: date, now: Any
) -> None:
    found += [odd(), odd("price", location.pk)]
    first = alarms.check(target=champion.target, on=today, now=now)
    assert (len(first.raised), first.standing, first.learn_again) == (2, 2, True)
    again = alarms.check(target=champion.target, on=today, now=now + timedelta(days=1))
    assert (again.raised, again.standing, again.learn_again) == ([], 2, False)
    alarm = DriftAlarm.objects.get(input="price")
    assert alarm.sentence.startswith("North: Prices: ")
    assert alarm.seen_at > alarm.raised_at
    found.clear()
    assert alarms.check(target=champion.target, on=today, now=now).cleared == 2
    assert not selectors.drifting(champion.target)
    events = list(LedgerEntry.objects.order_by("pk").values_list("event", flat=True))
    assert events == ["model.serves", *["drift.raised"] * 2, *["drift.cleared"] * 2]


def test_another_model_starts_without_alarms(
    champion: ModelVersion, found: list[drift.Finding], today: date, now: Any
) -> None:
    found.append(odd())
    alarms.check(target=champion.target, on=today, now=now)
    services.put_to_work(name=stored(champion, "newer", Status.SHADOW, now).name, now=now)
    found.clear()
    assert alarms.check(target=champion.target, on=today, now=now).cleared == 1


def test_a_feed_that_stopped_is_not_to_be_learned(
    champion: ModelVersion, found: list[drift.Finding], today: date, now: Any
) -> None:
    found += [odd(before=(1.0, 0.0), now=(0.2, 0.8)), odd("rows", before=(), now=())]
    checked = alarms.check(target=champion.target, on=today, now=now)
    assert {alarm.kind for alarm in checked.raised} == {"missing", "volume"}
    assert not checked.learn_again


def test_every_input_that_can_drift_has_a_name_and_every_kind_an_advice() -> None:
    for target in Target.values:
        assert {one.name for one in watch.watched(target)} <= causes.INPUTS.keys()
    assert words.ADVICE.keys() == set(DriftAlarm.Kind)


def test_sentences_say_what_moved() -> None:
    bins = drift.Bins("lead_days", "number", np.array([2.0, 10.0, 30.0, 60.0]))
    moved = odd(before=(0.6, 0.3, 0.1, 0.0, 0.0, 0.0), now=(0.1, 0.2, 0.7, 0.0, 0.0, 0.0))
    assert words.sentence("cancellation", moved, bins, "") == (
        "Days between booking and visit: the middle value was about 2 and is about 20 now."
    )
    beyond = odd(before=(0.6, 0.3, 0.1, 0.0, 0.0, 0.0), now=(0.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    assert "Has a unit changed?" in words.sentence("cancellation", beyond, bins, "")
    volume = drift.Finding("rows", 1, 1, 0.85, 1e-9)
    assert words.sentence("churn", volume, None, "North") == (
        "North: 85 % of the usual number of members did not come in to be scored."
    )
    said = drift.Calibrated(200, 24.0, 48.0, 0.8, 1.0, 1.4, "level")
    assert words.outcome_sentence("cancellation", said) == (
        "Of 100 bookings 24 fell through; the scores had said 12."
    )


# --- outcomes


def roll_up(target: str, on: date) -> int:
    with transaction.atomic():
        cases = outcomes.roll_up(target, on=on)
        with connection.cursor() as cursor:  # within a test the transaction goes on
            cursor.execute("DROP TABLE risk_case")
    return cases


def test_bookings_that_are_over_are_counted_by_day_band_and_group(
    champion: ModelVersion, today: date, now: Any, location: Any
) -> None:
    shadow = stored(champion, "other", Status.SHADOW, now)
    for n, (p, status) in enumerate(
        [(0.1, "completed"), (0.1, "cancelled"), (0.6, "no_show"), (0.6, "booked")]
    ):
        day = today - timedelta(days=2)
        one = AppointmentFactory(
            location=location, starts_at=mirror.midday(day), starts_on=day, status=status,
            booked_at=mirror.midday(day) - timedelta(days=2 + 20 * (n == 1)), channel="online",
        )  # fmt: skip
        BookingScoreDay.objects.create(
            appointment=one, as_of_on=day - timedelta(1), p=p, score=round(100 * p),
            model=champion, shadow_model=shadow, shadow_p=0.3,
        )  # fmt: skip
    for _ in range(2):  # made twice it is the same
        assert roll_up(Target.CANCELLATION, today) == 3
    (kept,) = OutcomeDay.objects.all()
    assert (sum(kept.n), sum(kept.seen), kept.paired) == (3, 2, 3)
    assert sum(kept.expected) == pytest.approx(0.8)
    assert kept.loss == pytest.approx(-np.log([0.9, 0.1, 0.6]).sum())
    assert kept.shadow_loss == pytest.approx(-np.log([0.7, 0.3, 0.3]).sum())
    groups = {
        (one.division, one.value): (one.n, one.seen)
        for one in OutcomeGroup.objects.exclude(division="score")
    }
    assert groups == {
        ("band", "low"): (2, 1),
        ("band", "very_high"): (1, 1),
        ("channel", "online"): (3, 2),
        ("lead", "to_3_days"): (2, 1),
        ("lead", "longer"): (1, 1),
    }
    duel = outcomes.duel(champion, shadow)
    assert duel is not None
    assert duel.mean == pytest.approx((kept.shadow_loss - kept.loss) / 3)


def test_members_are_counted_when_their_two_months_are_over(
    db: None, today: date, now: Any, location: Any
) -> None:
    version = services.serving_model(Target.CHURN, now=now)[0]
    first = date(2026, 8, 1)
    left = first + timedelta(20)
    cases = [
        MembershipFactory(location=location, status="cancelled", ended_on=left, ending="voluntary"),
        MembershipFactory(location=location),
        MembershipFactory(
            location=location, status="cancelled", ended_on=left, ending="voluntary",
            cancel_requested_on=first - timedelta(5),
        ),
    ]  # fmt: skip
    renewed = MembershipFactory(
        location=location, status="cancelled", ended_on=left, ending="voluntary"
    )
    MembershipFactory(location=location, guest=renewed.guest, started_on=left)
    for one in [*cases, renewed]:
        for day in (first, first + timedelta(9)):
            ChurnScoreDay.objects.create(
                membership=one, as_of_on=day, p=0.2, score=57, model=version
            )
    known = first + timedelta(outcomes.CHURN_KNOWN_DAYS)
    assert roll_up(Target.CHURN, known) == 0, "not known before its day is over"
    assert roll_up(Target.CHURN, known + timedelta(1)) == 3
    whole = OutcomeGroup.objects.filter(division="score")
    assert sum(one.n for one in whole) == 3, "who had asked to cancel is left out"
    assert sum(one.seen for one in whole) == 1, "who renewed has not left"


def test_chances_that_no_longer_hold_raise_an_alarm(
    champion: ModelVersion, today: date, now: Any
) -> None:
    bins = outcomes.BINS
    for back in range(1, 15):
        n = np.zeros(bins)
        n[8] = 200
        OutcomeDay.objects.create(
            target=champion.target, model=champion, known_on=today - timedelta(back),
            n=n.tolist(), expected=(n * 0.1).tolist(), seen=(n * 0.25).tolist(),
        )  # fmt: skip
    (alarm,) = alarms.check(target=champion.target, on=today, now=now).raised
    assert (alarm.kind, alarm.input) == ("level", "outcomes")
    assert alarm.detail["n"] == 2800


# --- shadows, roll-back, archive


def shadowed(champion: ModelVersion, now: Any, today: date, *, gain: float) -> ModelVersion:
    """A shadow whose log loss was lower by `gain` per case on each of forty days."""
    shadow = stored(champion, "shadow", Status.SHADOW, now)
    for back in range(40):
        OutcomeDay.objects.create(
            target=champion.target, model=champion, shadow_model=shadow,
            known_on=today - timedelta(back), n=[50.0], expected=[6.0], seen=[6.0], paired=50,
            loss=20.0 + back % 3, shadow_loss=20.0 + back % 3 - 50 * gain,
        )  # fmt: skip
    return shadow


def test_a_shadow_that_proves_better_on_what_came_true_serves(
    champion: ModelVersion, now: Any, today: date
) -> None:
    shadow = shadowed(champion, now, today, gain=0.01)
    assert services.consider_shadow(target=champion.target, now=now) == shadow
    assert services.serving_model(champion.target, now=now)[0] == shadow
    entry = LedgerEntry.objects.get(event="model.proved")
    assert f'"before":"{champion.name}"' in entry.body
    assert '"n":2000' in entry.body


@pytest.mark.parametrize("gain", [0.0, -0.01])
def test_one_that_does_not_stays_in_shadow(
    champion: ModelVersion, now: Any, today: date, gain: float
) -> None:
    shadowed(champion, now, today, gain=gain)
    assert services.consider_shadow(target=champion.target, now=now) is None


def test_the_newest_shadow_scores_each_night(small: mirror.Mirror, today: date, now: Any) -> None:
    serving = services.serving_model(Target.CHURN, now=now)[0]
    shadow = stored(serving, "shadow", Status.SHADOW, now)
    services.score_members(location_id=small.location_ids[0], as_of_on=today, now=now)
    rows = ChurnScoreDay.objects.filter(as_of_on=today)
    assert rows.count() > 0
    assert not rows.exclude(shadow_model=shadow).exists()
    assert all(row.shadow_p == pytest.approx(row.p) for row in rows), "its tables are the same"


def test_a_shadow_that_fails_its_check_disturbs_nobody(
    small: mirror.Mirror, today: date, now: Any
) -> None:
    serving = services.serving_model(Target.CHURN, now=now)[0]
    broken = stored(serving, "broken", Status.SHADOW, now)
    ModelVersion.objects.filter(pk=broken.pk).update(artefact="{}")
    registry.forget()
    services.score_members(location_id=small.location_ids[0], as_of_on=today, now=now)
    assert not ChurnScoreDay.objects.exclude(shadow_model=None).exists()


def test_roll_back_by_one_command(champion: ModelVersion, now: Any) -> None:
    with pytest.raises(CommandError, match="before this one"):
        call_command("models", "--roll-back", "cancellation")
    newer = stored(champion, "newer", Status.SHADOW, now)
    services.put_to_work(name=newer.name, now=now)
    out = StringIO()
    call_command("models", "--roll-back", "cancellation", stdout=out)
    assert out.getvalue() == f"{champion.name} serves now.\n"
    call_command("models", stdout=out)
    assert "newer" in out.getvalue()


def test_a_model_of_another_format_says_so_and_the_one_before_serves(
    champion: ModelVersion, now: Any
) -> None:
    text = champion.artefact.replace('"format":', '"format":9')
    newer = stored(champion, "newer", Status.SHADOW, now)
    ModelVersion.objects.filter(pk=newer.pk).update(artefact=text, signature=registry.sign(text))
    with pytest.raises(CommandError, match="Format 9"):
        call_command("models", "--serve", "newer")
    ModelVersion.objects.filter(pk=champion.pk).update(status=Status.RETIRED)
    ModelVersion.objects.filter(pk=newer.pk).update(status=Status.CHAMPION)
    assert services.serving_model(champion.target, now=now)[0] == champion
    assert "Format 9" in LedgerEntry.objects.get(event="model.refused").body


def test_old_models_keep_their_facts_and_lose_their_tables(
    champion: ModelVersion, now: Any
) -> None:
    old = now - timedelta(days=500)
    forgotten = stored(champion, "forgotten", Status.SHADOW, old)
    for n in range(5):
        stored(champion, f"served-{n}", Status.RETIRED, old, served_at=old + timedelta(days=n))
    recent = stored(champion, "recent", Status.SHADOW, now)
    assert services.archive_old(target=champion.target, now=now) == 3
    gone = ModelVersion.objects.filter(status=Status.ARCHIVED)
    assert {one.name for one in gone} == {"forgotten", "served-0", "served-1"}
    assert all(one.artefact == "" for one in gone)
    recent.refresh_from_db()
    assert recent.artefact
    with pytest.raises(services.UnknownModel):
        services.put_to_work(name=forgotten.name, now=now)


# --- the task


def test_the_watch_runs_once_a_day_and_asks_for_learning_when_something_is_new(
    champion: ModelVersion, found: list[drift.Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(tasks, "nudge", lambda task, *args: asked.append(args[0]))
    found.append(odd())
    tasks.check_drift()
    tasks.check_drift()
    assert asked == ["cancellation"]
    run = JobRun.objects.get(job="risk.check_drift")
    assert (run.status, run.counts["raised"]) == ("done", 1)


def test_learning_again_after_a_drift_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[str] = []

    def train(**what: Any) -> ModelVersion:
        trained.append(what["target"])
        return ModelVersion(rows=1, positives=1, status="shadow")

    monkeypatch.setattr(services, "train", train)
    for _ in range(3):
        tasks.train_after_drift("cancellation")
        tasks.train_after_drift("churn")
    assert trained == ["cancellation", "churn"]
