"""What win-back changes: who had left is a member again, or not."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memberships.models import Guest, Location, Membership, Plan
from outreach.autonomy import tallies
from outreach.autonomy.evidence import numbers
from outreach.experiments import experiment_words
from outreach.experiments.effects import Experiment, experiments
from outreach.experiments.experiment_counts import KEPT_DAYS, arms_at
from outreach.library.play_library import WIN_BACK
from outreach.library.seed import AT_RISK, seed_library
from outreach.models import Holdout, Play
from tests.factories.memberships import NOW, GuestFactory, LocationFactory, MembershipFactory

pytestmark = pytest.mark.django_db
DRAWN = NOW - timedelta(days=100)
ON = DRAWN.date()
LEFT = ON - timedelta(days=45)


@pytest.fixture(autouse=True)
def library(db: None) -> None:
    seed_library(by=None, now=NOW)


def ended(guest: Guest, plan: Plan | None = None) -> Membership:
    more = {"plan": plan} if plan else {}
    return MembershipFactory.build(
        guest=guest, location=guest.location, started_on=LEFT - timedelta(days=400),
        ended_on=LEFT, ending="voluntary", status="cancelled", **more,
    )  # fmt: skip


def drawn(location: Location, *, held: bool = False, at: datetime = DRAWN) -> Membership:
    """A guest who left six weeks before, and the contract that ended."""
    guest = GuestFactory(location=location)
    contract = MembershipFactory(
        guest=guest, started_on=LEFT - timedelta(days=400), ended_on=LEFT, ending="voluntary",
        status="cancelled",
    )  # fmt: skip
    Holdout.objects.create(guest=guest, play_id=WIN_BACK, is_held_out=held, assigned_at=at)
    return contract


def counted(*locations: Location) -> list[Experiment]:
    """The experiments as the night counts them."""
    for place in locations:
        tallies.count_location(location_id=place.pk, now=NOW)
    return experiments(location_ids=[place.pk for place in locations])


def found(location: Location) -> Experiment:
    return counted(location)[0]


def back(location: Location) -> dict[int, tuple[int, int]]:
    """Days -> how many of the written-to arm are known, and how many of them are members."""
    arms = {one.days: one.found.treated for one in found(location).kept}
    return {days: (arm.n, round(arm.mean * arm.n)) for days, arm in arms.items()}


def test_everybody_it_drew_counts_though_none_was_a_member(location: Location) -> None:
    drawn(location)
    drawn(location, held=True)
    told = found(location)
    assert (told.main.treated.n, told.main.held_out.n) == (1, 1)
    assert told.drawn == {False: 1, True: 1}
    assert back(location) == {30: (1, 0), 60: (1, 0), 90: (1, 0)}


def test_a_new_contract_counts_from_the_day_it_runs(location: Location) -> None:
    guest = drawn(location).guest
    MembershipFactory(guest=guest, started_on=ON + timedelta(days=45))
    assert back(location) == {30: (1, 0), 60: (1, 1), 90: (1, 1)}


def test_the_very_contract_that_runs_again_counts(location: Location) -> None:
    """The platform then no longer tells that it had ended."""
    contract = drawn(location)
    contract.ended_on, contract.ending, contract.status = None, "", "active"
    contract.save()
    assert back(location)[60] == (1, 1)


def test_who_came_back_and_left_again_is_not_back(location: Location) -> None:
    guest = drawn(location).guest
    MembershipFactory(
        guest=guest, started_on=ON + timedelta(days=10), ended_on=ON + timedelta(days=50),
        ending="voluntary", status="cancelled",
    )  # fmt: skip
    assert back(location) == {30: (1, 1), 60: (1, 0), 90: (1, 0)}


def test_a_play_that_keeps_still_leaves_out_who_was_no_member(location: Location) -> None:
    guest = drawn(location).guest
    Holdout.objects.create(guest=guest, play_id=AT_RISK, is_held_out=False, assigned_at=DRAWN)
    assert [one.play.pk for one in counted(location)] == [WIN_BACK]


def many(location: Location, *, held: bool, n: int, returned: int) -> None:
    """`n` guests who had left, of whom `returned` are members again within 60 days."""
    plan = MembershipFactory(guest=GuestFactory(location=location)).plan
    guests = Guest.objects.bulk_create(GuestFactory.build_batch(n, location=location))
    again = {"location": location, "plan": plan, "started_on": ON + timedelta(days=20)}
    Membership.objects.bulk_create(
        [ended(guest, plan) for guest in guests]
        + [MembershipFactory.build(guest=guest, **again) for guest in guests[:returned]]
    )
    Holdout.objects.bulk_create(
        Holdout(guest=guest, play_id=WIN_BACK, is_held_out=held, assigned_at=DRAWN)
        for guest in guests
    )


def test_it_speaks_of_people_won_back(location: Location) -> None:
    many(location, held=False, n=300, returned=120)
    many(location, held=True, n=100, returned=5)
    said = experiment_words.told(found(location))
    assert (said.verdict, said.tone) == ("wins people back", "ok")
    assert "after 60 days 40.0 % are members again, of those left alone 5.0 %" in said.sentence
    assert said.rows[1].name == "Members again after 60 days"
    assert said.rows[1].n_treated == "of 300"
    assert said.rows[1].low is not None
    assert not any("kept" in row.name or "keep" in said.sentence for row in said.rows)


def test_a_harmful_one_says_stop(location: Location) -> None:
    many(location, held=False, n=300, returned=6)
    many(location, held=True, n=100, returned=50)
    said = experiment_words.told(found(location))
    assert said.verdict == "keeps people away"
    assert said.sentence.endswith("Stop it.")


def test_too_few_are_counted_as_people(location: Location) -> None:
    many(location, held=False, n=60, returned=3)
    many(location, held=True, n=7, returned=1)
    said = experiment_words.told(found(location))
    assert said.sentence.startswith("Not enough data yet: 7 of 50 people known")


def test_the_page_of_a_promotion_counts_as_the_quality_page_does(location: Location) -> None:
    many(location, held=False, n=12, returned=4)
    many(location, held=True, n=5, returned=1)
    elsewhere = LocationFactory()
    arms = numbers([location.pk, elsewhere.pk], now=NOW)[WIN_BACK, location.pk].arms
    assert (arms.treated, arms.treated_kept, arms.held_out, arms.held_out_kept) == (12, 4, 5, 1)
    main = found(location).main
    assert (main.treated.n, main.held_out.n) == (12, 5)


# --- Against a second reckoning ---------------------------------------------------------------

_spans = st.lists(
    st.tuples(st.integers(-20, 95), st.one_of(st.none(), st.integers(1, 90))), max_size=2
)
_lives = st.lists(
    st.tuples(st.booleans(), st.integers(20, 130), _spans, st.booleans()), min_size=1, max_size=12
)


def _is_back(day: int, spans: list[tuple[int, int | None]], reopened: bool) -> bool:
    """Whether one of the contracts, as (first day from the draw, days or endless), runs that
    day; a contract binds up to the day before it ends."""
    return reopened or any(
        begins <= day and (lasts is None or day < begins + lasts) for begins, lasts in spans
    )


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lives=_lives)
def test_counts_are_those_of_plain_reckoning(location: Location, lives: list) -> None:
    Holdout.objects.all().delete()
    plan = MembershipFactory(guest=GuestFactory(location=location)).plan
    expected: dict[tuple[int, bool], list[int]] = {}
    contracts, arms = [], []
    for held, ago, spans, reopened in lives:
        guest = GuestFactory(location=location)
        at = NOW - timedelta(days=ago)
        on: date = at.astimezone(location.zone).date()
        old = ended(guest, plan)
        if reopened:
            old.ended_on, old.ending, old.status = None, "", "active"
        contracts.append(old)
        for begins, lasts in spans:
            until = None if lasts is None else on + timedelta(days=begins + lasts)
            contracts.append(
                MembershipFactory.build(
                    guest=guest, location=location, plan=plan,
                    started_on=on + timedelta(days=begins), ended_on=until,
                    ending="voluntary" if until else "",
                    status="cancelled" if until else "active",
                )
            )  # fmt: skip
        arms.append(Holdout(guest=guest, play_id=WIN_BACK, is_held_out=held, assigned_at=at))
        for days in KEPT_DAYS:
            if ago > days:
                n_and_yes = expected.setdefault((days, held), [0, 0])
                n_and_yes[0] += 1
                n_and_yes[1] += _is_back(days, spans, reopened)
    Membership.objects.bulk_create(contracts)
    Holdout.objects.bulk_create(arms)
    experiment = found(location)
    for one in experiment.kept:
        for held, arm in ((False, one.found.treated), (True, one.found.held_out)):
            n, yes = expected.get((one.days, held), [0, 0])
            assert (arm.n, round(arm.mean * arm.n)) == (n, yes), (one.days, held)
    at_60 = arms_at(location_ids=[location.pk], now=NOW).get((WIN_BACK, location.pk), (0, 0, 0, 0))
    assert list(at_60) == [*expected.get((60, False), [0, 0]), *expected.get((60, True), [0, 0])]


def test_the_delivered_win_back_is_the_one_play_that_wins_back() -> None:
    assert list(Play.objects.filter(wins_back=True).values_list("pk", flat=True)) == [WIN_BACK]
