"""A score says how far to trust it, and what a person does not want used is not used."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import override_settings

from audit.models import LedgerEntry
from memberships.models import Appointment, Guest, Membership, SyncCursor
from risk import past, registry, scoring, services, terms
from risk.engine import support
from risk.engine.additive import AdditiveModel, Artefact, BadArtefact, Pair, Shape
from risk.engine.additive import Axis as PairAxis
from risk.engine.scorecard import scorecard
from risk.models import BookingScore, ChurnScore, InputExclusion, ModelVersion, Target
from risk.targets import CANCELLATION, CHURN, DECLARATIONS
from risk.withheld import SAME_FACT, Withheld, blind, whole
from tests.factories import mirror
from tests.factories.memberships import MembershipFactory
from tests.risk.test_reasons import members

NAN = float("nan")


@pytest.fixture
def now(today: Any) -> Any:
    return mirror.midday(today)


def model(names: list[str], pairs: tuple[Pair, ...] = ()) -> AdditiveModel:
    steps = np.array([2.0, 5.0, 8.0])
    values = np.array([-0.6, -0.2, 0.2, 0.6])
    shapes = tuple(
        Shape(name, "number", steps, values, 0.1, least=0.0, most=10.0) for name in names
    )
    return AdditiveModel(-2.0, shapes, pairs=pairs)


# --- unusual cases


def test_a_combination_nobody_has_is_unusual_though_each_number_is_ordinary() -> None:
    rng = np.random.default_rng(1)
    first = rng.uniform(0, 10, 20_000)
    columns = {"a": first, "b": np.clip(first + rng.normal(0, 0.4, 20_000), 0, 10)}
    both = model(["a", "b"])
    found = support.of(both, columns, np.arange(20_000.0))
    assert found is not None
    apart = found.distance(both.contributions({"a": np.array([9.0, 1]), "b": np.array([9.0, 9])}))
    assert (apart > found.limit).tolist() == [False, True]
    fresh = rng.uniform(0, 10, 20_000)
    ordinary = {"a": fresh, "b": np.clip(fresh + rng.normal(0, 0.4, 20_000), 0, 10)}
    share = np.mean(found.distance(both.contributions(ordinary)) > found.limit)
    assert share <= 0.02, "an alarm that always rings is none"


def test_what_is_usually_known_is_missed_and_what_is_often_unknown_is_not() -> None:
    rng = np.random.default_rng(1)
    columns = {"always": rng.uniform(0, 10, 2_000), "often": rng.uniform(0, 10, 2_000)}
    columns["often"][::10] = NAN
    found = support.of(model(["always", "often"]), columns, np.arange(2_000.0))
    assert found is not None
    unknown = {"always": np.array([1.0, NAN]), "often": np.array([NAN, NAN])}
    assert found.missing(unknown).tolist() == [0, 1]
    assert support.of(model(["always"]), {"always": np.ones(50)}, np.arange(50.0)) is None


def test_the_support_is_part_of_the_signed_text() -> None:
    rng = np.random.default_rng(1)
    columns = {"a": rng.uniform(0, 10, 500), "b": rng.uniform(0, 10, 500)}
    both = model(["a", "b"])
    whole_ = Artefact("churn", "additive", {"any": both}, support=support.of(
        both, columns, np.arange(500.0)))  # fmt: skip
    again = Artefact.parse(whole_.dump())
    assert again.dump() == whole_.dump()
    assert again.support is not None
    short = json.loads(whole_.dump())
    short["support"]["centre"].pop()
    with pytest.raises(BadArtefact, match="does not fit"):
        Artefact.parse(json.dumps(short))


def test_each_doubt_has_a_flag_and_any_flag_asks_for_a_person() -> None:
    frame = members(tenure_days=[900, 10], visits_365=[50, 0], paid_365=[12, 0], own_gap=20,
                    habit_90=9, days_since_visit=10, visits_90=5)  # fmt: skip
    plain = Artefact("churn", "additive", {"any": model(["visits_90"])})
    sure = scoring.score_members(plain, frame)
    assert sure.flags == [[], ["thin_history"]]
    doubts = scoring.Doubts(drifting=True, stale_locations=frozenset({1}))
    found = scoring.score_members(plain, frame, doubts)
    assert found.flags == [["model_drift"], ["thin_history", "stale_sync", "model_drift"]]
    assert [scoring.TRUST[level] for level in found.confidence] == ["fair", "low"]
    assert found.notes[1].startswith("joined only lately"), "the greatest doubt speaks"
    assert scoring.score_members(scorecard(CHURN), frame).flags[0] == ["scorecard"]
    assert ChurnScore(confidence="good").may_act
    assert not ChurnScore(confidence="low").may_act
    assert not ChurnScore(confidence="fair", flags=["model_drift"]).may_act
    assert ChurnScore(flags=["stale_sync"]).doubts == ["data is behind"]


def test_a_location_whose_sync_is_behind_is_in_doubt(
    small: mirror.Mirror, today: Any, now: Any
) -> None:
    late, fresh = small.location_ids
    for place, age in ((late, 48), (fresh, 1)):
        SyncCursor.objects.create(
            location_id=place, stream="whole", complete_at=now - timedelta(hours=age)
        )
        services.score_members(location_id=place, as_of_on=today, now=now)
    flagged = ChurnScore.objects.filter(flags__contains=["stale_sync"])
    assert {score.location_id for score in flagged} == {late}
    booking = Appointment.objects.coming().filter(location=late, starts_at__gt=now).first()
    assert booking is not None
    for _ in range(2):  # by the whole way round, then by the short one
        services.score_appointments(appointment_ids=[booking.pk], now=now)
        assert "stale_sync" in BookingScore.objects.get(appointment=booking).flags


# --- inputs left out


def test_what_is_left_out_adds_nothing_alone_or_with_another() -> None:
    cuts = np.array([5.0])
    axes = [PairAxis(name, "number", cuts) for name in ("visits_90", "failed_90")]
    pair = Pair(*axes, np.array([[0.3, -0.3, 0.0], [-0.3, 0.3, 0.0], [0.0, 0.0, 0.0]]))
    artefact = Artefact("churn", "additive", {"any": model(["visits_90", "failed_90"], (pair,))})
    without = blind(artefact, frozenset({"visits_90"})).main
    answers = [
        without.probability({"visits_90": np.array([x]), "failed_90": np.array([3.0])})[0]
        for x in (0.0, 4.0, 9.0, NAN)
    ]
    assert len(set(answers)) == 1
    alone = model(["failed_90"])
    assert answers[0] == pytest.approx(alone.probability({"failed_90": np.array([3.0])})[0])


def test_only_the_guest_who_asked_is_scored_without_it_and_rows_keep_their_order() -> None:
    frame = members(days_since_visit=[80, 80, 80], own_gap=20, gap_ratio=4, tenure_days=900,
                    visits_365=50, paid_365=12, habit_90=9, visits_90=5)  # fmt: skip
    card = scorecard(CHURN)
    none = scoring.Doubts()
    usual = scoring.score("churn", card, frame, withheld=Withheld(), doubts=none)
    asked = Withheld.of([("days_since_visit", 1)])
    found = scoring.score("churn", card, frame, withheld=asked, doubts=none)
    assert found.p[[0, 2]].tolist() == usual.p[[0, 2]].tolist()
    assert found.p[1] < usual.p[1]
    assert "no_visits" in {reason["cause"] for reason in found.reasons[0]}
    assert "no_visits" not in {reason["cause"] for reason in found.reasons[1]}
    assert not any("80 days" in reason["text"] for reason in found.reasons[1])
    everybody = Withheld.of([("gap_ratio", None)])
    all_ = scoring.score("churn", card, frame, withheld=everybody, doubts=none)
    assert all_.p.tolist() == pytest.approx([found.p[1]] * 3), "the same fact, whichever is named"


def test_every_fact_names_inputs_there_are() -> None:
    declared = {one.name for one in (*CHURN.inputs, *CANCELLATION.inputs)}
    assert set().union(*SAME_FACT) <= declared
    assert whole(["rating", "month"]) == {"rating", "rating_norm", "lowest_rating_180", "month"}


def test_a_guests_wish_counts_at_once_and_is_on_the_ledger(
    small: mirror.Mirror, today: Any, now: Any, admin: Any
) -> None:
    place = small.location_ids[0]
    services.score_members(location_id=place, as_of_on=today, now=now)
    told = [
        score
        for score in ChurnScore.objects.filter(location=place)
        if any(reason["cause"] == "no_visits" for reason in score.reasons)
    ]
    one, other = told[:2]
    later = now + timedelta(minutes=1)
    ask = {"target": Target.CHURN, "name": "days_since_visit", "guest_id": one.guest_id}
    services.exclude_input(**ask, reason="asked by phone", by=admin, now=later)
    after = ChurnScore.objects.get(pk=one.pk)
    assert all(reason["cause"] != "no_visits" for reason in after.reasons)
    assert ChurnScore.objects.get(pk=other.pk).p == other.p
    entry = LedgerEntry.objects.get(event="input.excluded")
    assert (entry.guest_id, entry.actor_id) == (one.guest_id, admin.pk)
    services.exclude_input(**ask, reason="again", by=admin, now=later)
    assert LedgerEntry.objects.filter(event="input.excluded").count() == 1
    services.include_input(**ask, by=admin, now=later + timedelta(minutes=1))
    assert ChurnScore.objects.get(pk=one.pk).p == pytest.approx(one.p)
    with pytest.raises(services.UnknownInput):
        services.exclude_input(**{**ask, "name": "name"}, reason="", by=admin, now=now)


def test_a_live_booking_heeds_a_wish_and_a_setting(
    small: mirror.Mirror, now: Any, admin: Any
) -> None:
    one = Appointment.objects.coming().filter(starts_at__gt=now).first()
    assert one is not None

    def p() -> float:
        services.score_appointments(appointment_ids=[one.pk], now=now)
        return float(BookingScore.objects.get(appointment=one).p)

    p()
    usual = p()
    services.exclude_input(
        target=Target.CANCELLATION, name="own_rate", reason="", by=admin, now=now,
        guest_id=one.guest_id,
    )  # fmt: skip
    wished = p()
    assert wished != usual
    InputExclusion.objects.all().delete()
    assert p() == usual
    services.exclude_input(
        target=Target.CANCELLATION, name="own_rate", reason="", by=admin, now=now
    )
    assert p() == wished


# --- no identity


@pytest.mark.django_db
def test_training_knows_a_guest_by_a_pseudonym_only(small: mirror.Mirror, today: Any) -> None:
    cases = past.of(Target.CHURN, as_of_on=today).cases
    ids = set(Guest.objects.values_list("pk", flat=True))
    assert not ids & set(cases.guest.tolist())
    assert len(set(cases.guest.tolist())) <= len(ids)
    twice = past.pseudonyms(np.array([7, 8, 7]))
    assert twice[0] == twice[2] != twice[1]
    with override_settings(SECRET_KEY="another-key-of-another-deployment"):
        assert past.pseudonyms(np.array([7]))[0] != twice[0]


def test_no_model_names_anybody_nor_learns_what_is_left_out(
    business: mirror.Mirror, today: Any, now: Any, admin: Any
) -> None:
    Guest.objects.update(first_name="Xanthippe", last_name="Quizzenberry", phone="+15550199887",
                         email="xanthippe@example.net")  # fmt: skip
    services.exclude_input(target=Target.CHURN, name="rating", reason="", by=admin, now=now)
    assert terms.left_out(Target.CHURN) == whole(["rating"])
    services.serving_model(Target.CANCELLATION, now=now)
    learned = services.train(target=Target.CHURN, as_of_on=today, now=now)
    assert learned.kind != "scorecard"
    assert not set(learned.features) & whole(["rating"])
    assert registry.load(learned).support is not None
    people = Membership.objects.values("guest").distinct().count()
    for version in ModelVersion.objects.all():
        text = version.artefact + json.dumps([version.metrics, version.features])
        for word in ("Xanthippe", "Quizzenberry", "5550199887", "example.net", "guest_id",
                     "membership_id", "appointment_id"):  # fmt: skip
            assert word not in text
        for head in registry.load(version).heads.values():
            assert {shape.name for shape in head.shapes} <= {
                one.name for one in DECLARATIONS[version.target].inputs
            }
            for shape in head.shapes:
                assert shape.kind == "number" or len(shape.cuts) < people / 10


def test_a_score_from_the_scorecard_has_no_interval_but_a_flag(
    today: Any, now: Any, db: None
) -> None:
    one = MembershipFactory()
    services.score_members(location_id=one.location_id, as_of_on=today, now=now)
    score = ChurnScore.objects.get(membership=one)
    assert (score.p_low, score.p_high, score.may_act) == (None, None, False)
    assert "scorecard" in score.flags
