"""Whom the plays beside the at-risk check-in find, whom they leave alone, and what ends them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from memberships.models import Charge, GuestDay, Location, Membership
from outreach.drafting.candidates import Candidate
from outreach.gate import leaving
from outreach.library.play_library import CARD, PAYMENT, UNUSED, WIN_BACK
from outreach.models import Draft, Leave, Play, Run
from retention.plays import PLAYS, card, payment, unused, win_back
from retention.services import draft_plays
from tests.factories.memberships import (
    NOW,
    AppointmentFactory,
    BenefitFactory,
    ChargeFactory,
    LocationFactory,
    MembershipFactory,
)
from tests.retention.conftest import TODAY

pytestmark = pytest.mark.usefixtures("library")

FINDERS = {PAYMENT: payment, CARD: card, UNUSED: unused, WIN_BACK: win_back}
CAUSES = {PAYMENT: "payment", CARD: "card", UNUSED: "unused_benefits", WIN_BACK: "left"}


def days(n: int) -> date:
    return TODAY + timedelta(days=n)


def came(contract: Membership, on: date) -> None:
    GuestDay.objects.create(guest=contract.guest, location=contract.location, on=on, visits=1)


def failing(**fields: Any) -> Membership:
    contract: Membership = MembershipFactory(**fields)
    ChargeFactory(membership=contract, status="failed", charged_on=days(-1))
    return contract


def expiring(**fields: Any) -> Membership:
    contract: Membership = MembershipFactory(
        **{"next_charge_on": days(14), "card_expires_on": date(2026, 11, 30)} | fields
    )
    return contract


def idle(away: int = 45, **fields: Any) -> Membership:
    contract: Membership = MembershipFactory(**fields)
    BenefitFactory(membership=contract, total=4, balance=3)
    came(contract, days(-away))
    return contract


def gone(**fields: Any) -> Membership:
    contract: Membership = MembershipFactory(
        **{"status": "cancelled", "ended_on": days(-40), "ending": "voluntary"} | fields
    )
    return contract


MAKERS = {PAYMENT: failing, CARD: expiring, UNUSED: idle, WIN_BACK: gone}


def found(key: str, location: Location) -> list[Candidate]:
    return list(FINDERS[key].find(location.pk, TODAY, NOW))


@pytest.mark.parametrize("key", FINDERS)
def test_a_play_finds_its_people_at_its_location_with_their_reason(
    key: str, location: Location
) -> None:
    contract = MAKERS[key](guest__location=location)
    MAKERS[key](guest__location=LocationFactory())
    (candidate,) = found(key, location)
    assert (candidate.guest_id, candidate.membership_id) == (contract.guest_id, contract.pk)
    assert candidate.cause == CAUSES[key]
    reasons = candidate.evidence["reasons"]
    assert reasons[0]["cause"] == candidate.cause
    assert all(one["text"] for one in reasons)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        (PAYMENT, {"cancel_requested_on": days(-1)}),
        (PAYMENT, {"status": "cancelled"}),
        (CARD, {"cancel_requested_on": days(-1)}),
        (CARD, {"status": "frozen"}),
        (CARD, {"status": "suspended"}),
        (CARD, {"next_charge_on": days(15)}),
        (CARD, {"next_charge_on": days(0)}),
        (CARD, {"next_charge_on": None}),
        (CARD, {"card_expires_on": days(14)}),
        (CARD, {"card_expires_on": None}),
        (UNUSED, {"away": 29}),
        (UNUSED, {"away": 60}),
        (UNUSED, {"status": "frozen"}),
        (UNUSED, {"cancel_requested_on": days(-1)}),
        (WIN_BACK, {"ended_on": days(-29)}),
        (WIN_BACK, {"ended_on": days(-91)}),
        (WIN_BACK, {"ending": "involuntary"}),
        (WIN_BACK, {"status": "refunded"}),
        (WIN_BACK, {"status": "active"}),
    ],
    ids=str,
)
def test_who_is_left_alone(key: str, change: dict[str, Any], location: Location) -> None:
    MAKERS[key](guest__location=location, **change)
    assert found(key, location) == []


@pytest.mark.parametrize("away", [30, 59])
def test_a_month_away_begins_and_ends_on_its_day(away: int, location: Location) -> None:
    idle(away, guest__location=location)
    assert len(found(UNUSED, location)) == 1


@pytest.mark.parametrize(("paid_on", "is_found"), [(days(-2), True), (days(-1), False)])
def test_a_payment_made_since_settles_it(paid_on: date, is_found: bool, location: Location) -> None:
    contract = failing(guest__location=location)
    ChargeFactory(membership=contract, status="paid", charged_on=paid_on)
    assert bool(found(PAYMENT, location)) == is_found


@pytest.mark.parametrize(("failed_on", "is_found"), [(days(-10), True), (days(-11), False)])
def test_an_old_failure_is_past_its_moment(
    failed_on: date, is_found: bool, location: Location
) -> None:
    contract = failing(guest__location=location)
    Charge.objects.filter(membership=contract).update(charged_on=failed_on)
    assert bool(found(PAYMENT, location)) == is_found


@pytest.mark.parametrize(("paid_on", "is_found"), [(days(-20), True), (days(-19), False)])
def test_a_card_charged_after_its_date_has_been_renewed(
    paid_on: date, is_found: bool, location: Location
) -> None:
    contract = expiring(guest__location=location, card_expires_on=days(-20))
    ChargeFactory(membership=contract, status="paid", charged_on=paid_on)
    assert bool(found(CARD, location)) == is_found


def test_benefits_that_have_run_out_are_no_reason(location: Location) -> None:
    contract = idle(guest__location=location)
    contract.benefits.update(expires_on=days(-1))
    assert found(UNUSED, location) == []
    contract.benefits.update(expires_on=days(0))
    assert len(found(UNUSED, location)) == 1


@pytest.mark.parametrize("key", [UNUSED, WIN_BACK])
def test_who_has_a_booking_is_met_in_person(key: str, location: Location) -> None:
    contract = MAKERS[key](guest__location=location)
    AppointmentFactory(guest=contract.guest)
    assert found(key, location) == []


def test_who_still_comes_or_has_another_plan_is_not_asked_back(location: Location) -> None:
    came(gone(guest__location=location), days(-39))
    came(before := gone(guest__location=location), days(-40))
    MembershipFactory(guest=gone(guest__location=location).guest)
    later = gone(guest__location=location)
    gone(guest=later.guest, ended_on=days(-60))
    assert [c.membership_id for c in found(WIN_BACK, location)] == [before.pk, later.pk]


@pytest.mark.parametrize("key", FINDERS)
def test_finding_takes_one_query_for_any_number(key: str, location: Location) -> None:
    for _ in range(3):
        MAKERS[key](guest__location=location)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(found(key, location)) == 3
    assert len(queries) == 1


# --- The night ------------------------------------------------------------------------------------


@pytest.fixture
def everybody(location: Location, now: datetime) -> dict[str, Membership]:
    Play.objects.update(holdout_percent=0)
    Location.objects.update(phone="+12125550100")  # notes about money name it
    return {key: make(guest__location=location) for key, make in MAKERS.items()}


def night(location: Location, now: datetime) -> dict[str, int]:
    return draft_plays(location_id=location.pk, as_of_on=TODAY, now=now)


def test_the_night_begins_a_sequence_of_each_play(
    everybody: dict[str, Membership], location: Location, now: datetime
) -> None:
    counts = night(location, now)
    assert {key: counts[f"{key}: drafted"] for key in MAKERS} == dict.fromkeys(MAKERS, 1)
    runs = Run.objects.values_list("play", "membership")
    assert dict(runs) == {key: contract.pk for key, contract in everybody.items()}
    assert night(location, now)  # the same night again
    assert Draft.objects.count() == len(MAKERS)


def test_a_guest_hears_of_one_thing_at_a_time(
    everybody: dict[str, Membership], location: Location, now: datetime
) -> None:
    contract = everybody[UNUSED]
    ChargeFactory(membership=contract, status="failed", charged_on=days(-1))
    counts = night(location, now)
    assert counts[f"{UNUSED}: another_play"] == 1
    assert set(Draft.objects.filter(guest=contract.guest).values_list("play", flat=True)) == {
        PAYMENT
    }


def test_a_play_that_is_not_laid_out_does_not_stop_the_night(
    everybody: dict[str, Membership], location: Location, now: datetime
) -> None:
    Play.objects.filter(pk=WIN_BACK).delete()
    counts = night(location, now)
    assert counts[f"{WIN_BACK}: not in the library"] == 1
    assert counts[f"{PAYMENT}: drafted"] == 1


def pay(contract: Membership) -> None:
    ChargeFactory(membership=contract, charged_on=TODAY)


def new_card(contract: Membership) -> None:
    Membership.objects.filter(pk=contract.pk).update(card_expires_on=date(2029, 1, 31))


def same_card(contract: Membership) -> None:
    Membership.objects.filter(pk=contract.pk).update(card_expires_on=date(2026, 11, 30))


def book(contract: Membership) -> None:
    AppointmentFactory(guest=contract.guest, booked_at=NOW + timedelta(hours=1))


def reinstate(contract: Membership) -> None:
    Membership.objects.filter(pk=contract.pk).update(status="active", ended_on=None, ending="")


def join(contract: Membership) -> None:
    MembershipFactory(guest=contract.guest, started_on=TODAY)


@pytest.mark.parametrize(
    ("key", "what", "why"),
    [
        (PAYMENT, pay, Leave.PAID),
        (PAYMENT, book, None),  # a booking pays nothing
        (PAYMENT, same_card, None),
        (CARD, pay, Leave.PAID),
        (CARD, new_card, Leave.CARD),
        (CARD, same_card, None),
        (UNUSED, book, Leave.BOOKED),
        (UNUSED, pay, None),
        (WIN_BACK, book, Leave.BOOKED),
        (WIN_BACK, join, Leave.RENEWED),
        (WIN_BACK, reinstate, Leave.RENEWED),
        (WIN_BACK, same_card, None),
    ],
)
def test_what_ends_the_sequence_of_each_play(
    everybody: dict[str, Membership],
    location: Location,
    now: datetime,
    key: str,
    what: Any,
    why: Leave | None,
) -> None:
    night(location, now)
    run = Run.objects.get(play=key)
    assert leaving.of_runs([run.pk]) == {}
    what(everybody[key])
    assert leaving.of_runs([run.pk]) == ({run.pk: why} if why else {})


def test_a_payment_sequence_leaves_on_a_new_card_where_the_old_one_was_known(
    location: Location, now: datetime
) -> None:
    Play.objects.update(holdout_percent=0)
    Location.objects.update(phone="+12125550100")
    contract = failing(guest__location=location, card_expires_on=date(2026, 10, 31))
    night(location, now)
    run = Run.objects.get(play=PAYMENT)
    new_card(contract)
    assert leaving.of_runs([run.pk]) == {run.pk: Leave.CARD}


def test_every_play_of_the_night_is_in_the_library() -> None:
    assert set(PLAYS) == set(Play.objects.values_list("pk", flat=True))
