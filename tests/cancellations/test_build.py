"""The morning list: who is on it, in which order, and who is left in peace."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from cancellations.models import Call, CallList, CallRules, CallTry, PhoneFlag
from cancellations.services import add_live_bookings, ask_call, build_call_list, log_call
from cancellations.services.lists import DayIsOver, settle_calls
from memberships.models import Appointment, Charge, Guest, GuestDay, Membership
from outreach.models import CallTask, Leave, Play, Run, Suppression
from outreach.services import leave_runs
from risk.models import Band
from staff.models import User
from tests.factories.cancellations import (
    listed,
    reason,
    row_for,
    score_booking,
    score_member,
    shaky_booking,
    shaky_member,
)
from tests.factories.memberships import (
    NOW,
    AppointmentFactory,
    GuestFactory,
    MembershipFactory,
    TherapistFactory,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 20)


def build(location: Any, now: datetime = NOW, on: date | None = None) -> dict[str, int]:
    return build_call_list(location_id=location.pk, on=on or location.today(now), now=now)


def guests_listed(location: Any, on: date = TODAY) -> list[int]:
    return list(
        Call.objects.filter(location=location, on=on)
        .order_by("row_no")
        .values_list("guest", flat=True)
    )


def test_shaky_bookings_of_today_and_the_next_days_are_listed(location: Any) -> None:
    tomorrow = shaky_booking(location)
    today = shaky_booking(location, starts_at=NOW + timedelta(hours=3), band=Band.HIGH)
    shaky_booking(location, starts_at=NOW + timedelta(days=5))  # too far off
    shaky_booking(location, band=Band.WATCH)
    shaky_booking(location, starts_at=NOW - timedelta(hours=1))  # already begun
    shaky_booking(location, status=Appointment.Status.CANCELLED)
    counts = build(location)
    assert sorted(guests_listed(location)) == sorted([tomorrow.guest_id, today.guest_id])
    assert (counts["added"], counts["bookings"]) == (2, 2)


def test_the_list_starts_with_what_a_call_today_saves_most(location: Any) -> None:
    small = shaky_booking(location, price_cents=4_000)
    large = shaky_booking(location, price_cents=20_000)
    later = shaky_booking(location, price_cents=20_000, starts_at=NOW + timedelta(days=2, hours=3))
    build(location)
    assert guests_listed(location) == [large.guest_id, later.guest_id, small.guest_id]


def test_a_guest_with_two_shaky_bookings_is_called_once(location: Any) -> None:
    cheap = shaky_booking(location, price_cents=4_000)
    dear = shaky_booking(location, guest=cheap.guest, price_cents=9_000)
    assert build(location)["added"] == 1
    assert Call.objects.get().appointment == dear


def test_building_twice_changes_nothing(location: Any) -> None:
    for _ in range(3):
        shaky_booking(location)
    build(location)
    before = list(Call.objects.values())
    assert build(location)["added"] == 0
    assert list(Call.objects.values()) == before


def test_a_second_build_adds_below_and_never_reorders(location: Any) -> None:
    first = shaky_booking(location, price_cents=4_000)
    build(location)
    dear = shaky_booking(location, price_cents=50_000)
    build(location, NOW + timedelta(minutes=5))
    assert guests_listed(location) == [first.guest_id, dear.guest_id]


def test_the_list_holds_no_more_than_the_day_can_take(location: Any) -> None:
    rules = CallRules.current()
    rules.rows_per_day = 2
    rules.save()
    for price in (1_000, 2_000, 3_000):
        shaky_booking(location, price_cents=price)
    counts = build(location)
    assert (counts["added"], counts["left_out"]) == (2, 1)
    assert build(location)["added"] == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"phone": ""},
        {"vanished_at": NOW},
    ],
    ids=["no number", "gone from the platform"],
)
def test_who_cannot_be_called_is_not_listed(location: Any, fields: dict[str, Any]) -> None:
    shaky_booking(location, guest=GuestFactory(location=location, **fields))
    assert build(location)["added"] == 0


def test_who_asked_not_to_be_called_is_not_listed(location: Any, desk: User) -> None:
    booking = shaky_booking(location)
    PhoneFlag.objects.create(
        kind="do_not_call",
        phone="+12125550000",  # an older number: the wish follows the guest
        guest=booking.guest,
        location=location,
        added_at=NOW,
        added_by=desk,
    )
    assert build(location)["added"] == 0


def test_a_number_somebody_else_forbade_is_not_dialled(location: Any, desk: User) -> None:
    shared = "+12125559999"
    booking = shaky_booking(location, guest=GuestFactory(location=location, phone=shared))
    other = GuestFactory(location=location, phone=shared)
    PhoneFlag.objects.create(
        kind="do_not_call",
        phone=shared,
        guest=other,
        location=location,
        added_at=NOW,
        added_by=desk,
    )
    assert build(location)["added"] == 0
    assert booking.guest.phone == shared


def test_a_number_suppressed_for_calls_is_not_dialled(location: Any) -> None:
    booking = shaky_booking(location)
    Suppression.objects.create(
        channel="call", address=booking.guest.phone, source="staff", reason="asked", added_at=NOW
    )
    assert build(location)["added"] == 0


def test_nobody_is_called_within_an_hour_of_a_try(location: Any, desk: User) -> None:
    row = row_for(location)
    log_call(call_id=row.pk, version=1, outcome="voicemail", by=desk, now=NOW)
    Call.objects.all().update(on=TODAY - timedelta(days=1))  # as if it had been another list
    assert build(location, NOW + timedelta(minutes=59))["added"] == 0
    assert build(location, NOW + timedelta(minutes=61))["added"] == 1


def test_a_member_whose_cause_wants_a_person_is_called(location: Any) -> None:
    member = shaky_member(location, cause="dissatisfaction")
    shaky_member(location, cause="usage_drop")  # a message will do
    build(location)
    assert guests_listed(location) == [member.guest_id]


def test_a_member_no_message_may_reach_is_called(location: Any) -> None:
    guest = GuestFactory(location=location, sms_marketing=False, email_marketing=False)
    shaky_member(location, cause="usage_drop", guest=guest)
    build(location)
    assert guests_listed(location) == [guest.pk]


def test_only_members_at_very_high_risk_are_called(location: Any) -> None:
    member = shaky_member(location)
    score_member(member, band=Band.HIGH)
    assert build(location)["added"] == 0


def test_sleeping_members_are_left_alone(location: Any) -> None:
    """They pay and do not come: a call reminds them to cancel."""
    asleep = shaky_member(location, started_on=date(2024, 1, 1))
    awake = shaky_member(location, started_on=date(2024, 1, 1))
    GuestDay.objects.create(
        guest=awake.guest, location=location, on=TODAY - timedelta(days=100), visits=1
    )
    unpaid = shaky_member(location, started_on=date(2024, 1, 1), cause="payment")
    Charge.objects.create(
        external_id="c1",
        membership=unpaid,
        guest=unpaid.guest,
        location=location,
        charged_on=TODAY - timedelta(days=2),
        status="failed",
        amount_cents=8_900,
    )
    build(location)
    assert set(guests_listed(location)) == {awake.guest_id, unpaid.guest_id}
    assert asleep.guest_id not in guests_listed(location)


def test_a_member_who_said_stop_is_not_called_about_the_plan(location: Any) -> None:
    member = shaky_member(location)
    Suppression.objects.create(
        channel="sms", address=member.guest.phone, source="reply", reason="STOP", added_at=NOW
    )
    assert build(location)["added"] == 0


def test_a_member_who_comes_this_week_is_met_in_person(location: Any) -> None:
    member = shaky_member(location)
    AppointmentFactory(guest=member.guest, starts_at=NOW + timedelta(days=4))
    assert build(location)["added"] == 0


def test_a_member_reached_lately_is_left_alone(location: Any, desk: User) -> None:
    member = shaky_member(location)
    row = listed(member.guest)
    log_call(call_id=row.pk, version=1, outcome="thinking", by=desk, now=NOW)
    for days, added in ((1, 0), (29, 0), (31, 1)):
        later = NOW + timedelta(days=days)
        assert build(location, later)["added"] == added


def test_a_guest_held_out_for_measuring_is_not_called(location: Any) -> None:
    from outreach.models import Holdout, Play

    member = shaky_member(location)
    play = Play.objects.get_or_create(key="at-risk-check-in", defaults={"name": "At risk"})[0]
    Holdout.objects.create(guest=member.guest, play=play, is_held_out=True, assigned_at=NOW)
    assert build(location)["added"] == 0


def test_a_row_says_why_in_words_and_what_to_say(location: Any) -> None:
    booking = shaky_booking(
        location, therapist=TherapistFactory(name="Kim Lee"), starts_at=NOW + timedelta(days=1)
    )
    score_booking(booking, reasons=[reason(), {**reason(text="on time"), "direction": "lowers"}])
    row = listed(booking.guest)
    assert row.reasons == ["cancelled 3 of the last 8 bookings"]
    assert len(row.say) == 3
    assert "with Kim Lee tomorrow at 12:00" in row.say[0]
    assert booking.service.name not in " ".join(row.say)


def test_the_best_time_is_when_the_guest_picked_up_before(location: Any, desk: User) -> None:
    earlier = row_for(location)
    booking = shaky_booking(location)
    CallTry.objects.create(
        call=earlier,
        call_version=99,
        guest=booking.guest,
        location=location,
        by=desk,
        at=NOW - timedelta(days=30, hours=2),
        outcome="thinking",
    )
    assert listed(booking.guest).best_time == "mornings"


def test_a_call_must_be_made_before_the_notice_window(location: Any) -> None:
    soon = shaky_booking(location, starts_at=NOW + timedelta(hours=3))
    far = shaky_booking(location, starts_at=NOW + timedelta(hours=40))
    build(location)
    rows = {row.guest_id: row.call_by_at for row in Call.objects.all()}
    assert rows[far.guest_id] == NOW + timedelta(hours=16)
    assert rows[soon.guest_id] == soon.starts_at  # the window has passed: until the start


def test_a_past_day_is_refused(location: Any) -> None:
    with pytest.raises(DayIsOver, match="is over at North"):
        build(location, on=TODAY - timedelta(days=1))


def test_rows_of_days_gone_by_are_closed(location: Any) -> None:
    row = row_for(location, starts_at=NOW + timedelta(days=2))
    build(location, NOW + timedelta(days=1))
    row.refresh_from_db()
    assert (row.status, row.outcome, row.closed_why) == ("done", "closed", "The day ended")


def settled(row: Call) -> str:
    count = settle_calls(
        appointment_ids=list(row.guest.appointments.values_list("pk", flat=True)), now=NOW
    )
    row.refresh_from_db()
    assert (row.status == "done") == bool(count)
    return row.closed_why


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (Appointment.Status.CANCELLED, "Cancelled by themselves"),
        (Appointment.Status.CHECKED_IN, "Came in"),
        (Appointment.Status.BOOKED, ""),
        (Appointment.Status.CONFIRMED, ""),  # still shaky
    ],
)
def test_a_booking_row_closes_when_the_booking_is_settled(
    location: Any, status: str, why: str
) -> None:
    row = row_for(location)
    Appointment.objects.update(status=status)
    assert settled(row) == why


def test_a_confirmed_booking_that_is_no_longer_shaky_needs_no_call(location: Any) -> None:
    row = row_for(location)
    Appointment.objects.update(status=Appointment.Status.CONFIRMED)
    score_booking(row.appointment, band=Band.LOW, p=0.1)
    assert settled(row) == "Confirmed by themselves"


def test_a_member_row_closes_when_they_book(location: Any) -> None:
    row = listed(shaky_member(location).guest)
    AppointmentFactory(guest=row.guest, booked_at=NOW + timedelta(minutes=1))
    assert settled(row) == "Booked by themselves"


def test_a_row_somebody_is_on_stays_open(location: Any, desk: User) -> None:
    row = row_for(location)
    Call.objects.update(held_by=desk, held_until=NOW + timedelta(minutes=5))
    Appointment.objects.update(status=Appointment.Status.CANCELLED)
    assert settled(row) == ""


def test_a_same_day_booking_that_turns_joins_the_list(location: Any) -> None:
    build(location)
    turned = shaky_booking(location, starts_at=NOW + timedelta(hours=4))
    shaky_booking(location, starts_at=NOW + timedelta(hours=4), band=Band.HIGH)
    shaky_booking(location, starts_at=NOW + timedelta(days=1))
    ids = list(Appointment.objects.values_list("pk", flat=True))
    assert add_live_bookings(appointment_ids=ids, now=NOW) == 1
    assert add_live_bookings(appointment_ids=ids, now=NOW) == 0
    assert guests_listed(location) == [turned.guest_id]


def test_before_the_list_is_built_nothing_is_added_live(location: Any) -> None:
    turned = shaky_booking(location, starts_at=NOW + timedelta(hours=4))
    assert add_live_bookings(appointment_ids=[turned.pk], now=NOW) == 0


def test_live_rows_stop_at_the_extra_room(location: Any) -> None:
    CallRules.current()
    CallRules.objects.update(extra_rows=2)
    build(location)
    for _ in range(3):
        shaky_booking(location, starts_at=NOW + timedelta(hours=4))
    ids = list(Appointment.objects.values_list("pk", flat=True))
    assert add_live_bookings(appointment_ids=ids, now=NOW) == 2
    assert add_live_bookings(appointment_ids=ids, now=NOW) == 0


def test_a_promised_call_back_is_on_the_list_of_its_day(location: Any, desk: User) -> None:
    row = listed(shaky_member(location).guest)
    at = NOW + timedelta(days=2)
    log_call(call_id=row.pk, version=1, outcome="call_back", call_back_at=at, by=desk, now=NOW)
    assert build(location, NOW + timedelta(days=1))["added"] == 0
    assert build(location, at - timedelta(hours=4))["promised"] == 1
    again = Call.objects.get(on=location.today(at))
    assert (again.kind, again.status, again.due_at) == ("back", "later", at)
    assert again.reasons[0] == "Asked to be called back"


def test_a_promise_is_kept_when_its_day_had_no_list(location: Any, desk: User) -> None:
    row = listed(shaky_member(location).guest)
    at = NOW + timedelta(days=2)
    log_call(call_id=row.pk, version=1, outcome="call_back", call_back_at=at, by=desk, now=NOW)
    assert build(location, NOW + timedelta(days=4))["promised"] == 1


def test_building_costs_the_same_statements_for_any_number(location: Any) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            build(location)
        return len(captured)

    build(location)
    for _ in range(2):
        shaky_booking(location)
        shaky_member(location)
    few = statements()
    Call.objects.all().delete()
    for _ in range(10):
        shaky_booking(location)
        shaky_member(location)
    assert statements() == few


def test_every_build_is_in_the_ledger(location: Any) -> None:
    shaky_booking(location)
    build(location)
    entry = LedgerEntry.objects.get(event="call_list.built")
    assert (entry.location_id, entry.actor_label) == (location.pk, "Tenure")
    assert '"added":1' in entry.body


def test_a_colleague_can_ask_for_a_call(location: Any, manager: User) -> None:
    member = MembershipFactory(guest=GuestFactory(location=location))
    row = ask_call(guest_id=member.guest_id, by=manager, now=NOW)
    assert (row.kind, row.on, row.row_no, row.asked_by) == ("asked", TODAY, 1, manager)
    assert row.reasons[0].startswith("Asked for by Dana")
    assert ask_call(guest_id=member.guest_id, by=manager, now=NOW).pk == row.pk
    assert LedgerEntry.objects.filter(event="call.asked").count() == 1


def test_asked_after_hours_the_row_is_for_the_next_day(location: Any, manager: User) -> None:
    evening = NOW + timedelta(hours=9)  # 21:00 there
    guest = GuestFactory(location=location)
    assert ask_call(guest_id=guest.pk, by=manager, now=evening).on == TODAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"phone": ""}, "has no phone number"),
        ({"vanished_at": NOW}, "no longer in the booking platform"),
    ],
)
def test_asking_for_somebody_who_cannot_be_called_says_why(
    location: Any, manager: User, fields: dict[str, Any], says: str
) -> None:
    from cancellations.rules import NotCallable

    guest = GuestFactory(location=location, **fields)
    with pytest.raises(NotCallable, match=says):
        ask_call(guest_id=guest.pk, by=manager, now=NOW)
    assert not Call.objects.exists()


def test_asked_rows_come_on_top_of_the_capacity(location: Any, manager: User) -> None:
    CallRules.current()
    CallRules.objects.update(rows_per_day=1)
    ask_call(guest_id=GuestFactory(location=location).pk, by=manager, now=NOW)
    shaky_booking(location)
    assert build(location)["added"] == 1


def test_a_failed_ledger_write_undoes_the_build(location: Any, monkeypatch: Any) -> None:
    from audit import services as audit

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    shaky_booking(location)
    monkeypatch.setattr(audit, "record_many", fail)
    with pytest.raises(RuntimeError):
        build(location)
    assert not Call.objects.exists()
    assert not CallList.objects.exists()
    assert Guest.objects.exists()
    assert not Membership.objects.exists()


def asked_by_a_sequence(location: Any) -> CallTask:
    """A member whose sequence has come to a call."""
    membership = MembershipFactory(guest=GuestFactory(location=location))
    play, _ = Play.objects.get_or_create(key="at-risk-check-in", defaults={"name": "Check-in"})
    run = Run.objects.create(
        guest=membership.guest,
        play=play,
        location=location,
        membership=membership,
        step=3,
        begun_at=NOW,
        started_at=NOW - timedelta(days=7),
        cause="price",
        evidence={"reasons": [{"text": "pays more than others", "direction": "raises"}]},
    )
    return CallTask.objects.create(
        run=run,
        step=3,
        guest=run.guest,
        location=location,
        note="Two messages stayed unanswered",
        asked_at=NOW,
        expires_at=NOW + timedelta(days=5),
    )


def test_a_call_of_a_sequence_is_listed_with_what_it_is_about(location: Any, desk: User) -> None:
    task = asked_by_a_sequence(location)
    assert build(location)["steps"] == 1
    row = Call.objects.get()
    assert (row.kind, row.guest_id) == (Call.Kind.STEP, task.guest_id)
    assert row.reasons == ["Two messages stayed unanswered", "pays more than others"]
    log_call(call_id=row.pk, version=row.version, outcome="thinking", by=desk, now=NOW)
    task.refresh_from_db()
    assert (task.state, task.closed_at) == (CallTask.State.DONE, NOW)


def test_a_call_of_a_paused_or_ended_sequence_is_not_made(location: Any) -> None:
    asked_by_a_sequence(location)
    paused = asked_by_a_sequence(location).run
    Run.objects.filter(pk=paused.pk).update(state="paused", paused_at=NOW)
    build(location)
    row = Call.objects.get()
    leave_runs({run.pk: Leave.REPLIED for run in Run.objects.all()}, now=NOW)
    build(location)
    row.refresh_from_db()
    assert (row.outcome, row.closed_why) == (Call.Outcome.CLOSED, "Its sequence ended")
