"""How a membership runs and ends."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from memberships.mirror import contracts, rollups
from memberships.models import Charge, LocationDay, Membership
from platforms.zenoti import wire as zenoti
from tests.factories.memberships import LocationFactory
from tests.memberships import wire

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)


@pytest.fixture
def here():
    return LocationFactory(external_id="center-1")


def list_says(here, now, **given):
    record = zenoti.MemberRow.model_validate(wire.member(**given)).record()
    return contracts.store_memberships(
        [record], location_id=here.pk, asked_at=now, today=TODAY
    ).changed


def detail_says(here, now, recurring=None, **given):
    row = wire.membership(**given)
    row["recurring_details"] |= recurring or {}
    record = zenoti.GuestMembershipRow.model_validate(row).record("g1")
    return contracts.store_details([record], location_id=here.pk, asked_at=now, today=TODAY).changed


def charge(here, on, *, paid, invoice="i9", **more):
    row = {
        "payment_date": on,
        "invoice_id": invoice,
        "guest_id": "g1",
        "amount_paid": 89 if paid else 0,
        "due": 0 if paid else 89,
        "user_membership_id": "um1",
        **more,
    }
    record = zenoti.CollectionRow.model_validate(row).record()
    return contracts.store_charges([record], location_id=here.pk).changed


def only():
    return Membership.objects.get()


def test_list_and_detail_complete_each_other_and_then_rest(here, now):
    assert list_says(here, now) == 1
    assert detail_says(here, now) > 0
    membership = only()
    assert membership.started_on == date(2025, 2, 3)
    assert membership.next_charge_on == date(2026, 12, 3)
    assert membership.auto_renews is True
    assert list_says(here, now) == 0
    assert detail_says(here, now) == 0


def test_a_contract_seen_first_in_detail_starts_when_the_guest_became_a_member(here, now):
    detail_says(here, now)
    assert only().started_on == date(2025, 2, 3)


def test_a_cancelled_contract_ends_on_the_day_it_says(here, now):
    list_says(here, now)
    list_says(here, now, status="Cancelled", cancelled_date="2026-11-10T00:00:00")
    assert (only().ended_on, only().ending) == (date(2026, 11, 10), "voluntary")


def test_asking_to_cancel_does_not_end_it_yet(here, now):
    list_says(here, now)
    detail_says(
        here,
        now,
        {"cancellation_initiated_on": "2026-11-18", "termination_date": "2026-12-03"},
        recurrence_status=4,
    )
    membership = only()
    assert (membership.status, membership.ended_on) == ("active", None)
    assert membership.cancel_requested_on == date(2026, 11, 18)
    assert membership.terminates_on == date(2026, 12, 3)


def test_an_end_without_a_date_is_dated_when_first_seen_and_stays(here, now):
    list_says(here, now)
    list_says(here, now, status="Closed", end_date=None)
    assert only().ended_on == TODAY or only().ended_on <= TODAY
    first = only().ended_on
    record = zenoti.MemberRow.model_validate(wire.member(status="Closed", end_date=None)).record()
    contracts.store_memberships(
        [record], location_id=here.pk, asked_at=now, today=TODAY + timedelta(days=3)
    )
    assert only().ended_on == first


def test_an_end_is_never_in_the_future_nor_before_the_start(here, now):
    list_says(here, now, status="Expired", end_date="2027-02-02T00:00:00")
    assert only().ended_on == TODAY
    list_says(here, now, status="Cancelled", cancelled_date="2024-01-01T00:00:00")
    assert only().ended_on == only().started_on


def test_suspended_then_closed_is_want_of_payment(here, now):
    list_says(here, now)
    list_says(here, now, status="Suspended")
    assert only().suspended_on == TODAY
    list_says(here, now, status="Closed", closed_date="2026-11-19T00:00:00")
    assert (only().ending, only().ended_on) == ("involuntary", date(2026, 11, 19))


def test_a_paid_suspension_is_forgotten(here, now):
    list_says(here, now, status="Suspended")
    list_says(here, now, status="Active")
    assert only().suspended_on is None


def test_an_end_unasked_right_after_a_failed_charge_is_want_of_payment(here, now):
    list_says(here, now, status="Cancelled", cancelled_date="2026-11-10T00:00:00")
    charge(here, "2026-11-03", paid=False)
    assert contracts.settle_endings(location_id=here.pk) == 1
    assert only().ending == "involuntary"
    # The next reads of the same state do not undo it.
    assert list_says(here, now, status="Cancelled", cancelled_date="2026-11-10T00:00:00") == 0
    assert contracts.settle_endings(location_id=here.pk) == 0


def test_an_end_asked_for_stays_voluntary_whatever_the_card_did(here, now):
    detail_says(here, now, {"cancellation_initiated_on": "2026-10-18"})
    list_says(here, now, status="Cancelled", cancelled_date="2026-11-10T00:00:00")
    charge(here, "2026-11-03", paid=False)
    assert contracts.settle_endings(location_id=here.pk) == 0


def test_a_failure_stays_known_after_the_retry_succeeded(here, now):
    list_says(here, now)
    charge(here, "2026-11-03", paid=False)
    charge(here, "2026-11-06", paid=True)
    assert list(Charge.objects.order_by("charged_on").values_list("status", flat=True)) == [
        "failed",
        "paid",
    ]
    assert set(Charge.objects.values_list("membership__external_id", flat=True)) == {"um1"}


def test_a_payment_cured_before_we_looked_was_open_until_then(here, now):
    list_says(here, now)
    charge(here, "2026-11-06", paid=True, due_date="2026-11-03T00:00:00", attempts=2)
    assert list(Charge.objects.order_by("charged_on").values_list("charged_on", "status")) == [
        (date(2026, 11, 3), "failed"),
        (date(2026, 11, 6), "paid"),
    ]
    # Had we looked on the third, the same row would have been written then.
    assert charge(here, "2026-11-03", paid=False) == 0


def test_an_older_answer_changes_nothing(here, now):
    list_says(here, now, status="Frozen")
    assert list_says(here, now - timedelta(hours=1), status="Active") == 0
    assert only().status == "frozen"


def test_benefits_that_are_gone_are_removed(here, now):
    detail_says(here, now)
    assert only().benefits.count() == 1
    detail_says(here, now, services=[])
    assert only().benefits.count() == 0


def test_members_are_counted_at_the_end_of_each_day(here, now):
    list_says(here, now, id="um1", start_date="2026-11-02T00:00:00")
    list_says(
        here,
        now,
        id="um2",
        start_date="2026-10-01T00:00:00",
        status="Cancelled",
        cancelled_date="2026-11-04T00:00:00",
    )
    rollups.rebuild_member_days(
        location_id=here.pk, first=date(2026, 11, 1), last=date(2026, 11, 5)
    )
    rows = LocationDay.objects.order_by("on").values_list("members", "joined", "left")
    assert list(rows) == [(1, 0, 0), (2, 1, 0), (2, 0, 0), (1, 0, 1), (1, 0, 0)]
