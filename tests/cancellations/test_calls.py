"""One call: one holder, one outcome, logged once, and back again."""

from __future__ import annotations

import itertools
import threading
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from audit.models import LedgerEntry
from cancellations.hours import call_back_times, may_call
from cancellations.models import Call, CallTry, PhoneFlag
from cancellations.rules import CallChanged, CallHeld, CallOver, NoSuchRow, WrongTime
from cancellations.services import (
    ask_call,
    build_call_list,
    enter_line,
    hold_call,
    log_call,
    put_off_call,
    release_call,
    undo_call,
)
from memberships.models import Guest, Location
from outreach.gate.hours import Hours
from outreach.models import Suppression
from staff.models import User
from tests.factories.cancellations import listed, row_for, shaky_booking, shaky_member
from tests.factories.memberships import NOW, GuestFactory
from tests.factories.staff import UserFactory

pytestmark = pytest.mark.django_db
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def row(location: Any) -> Call:
    return row_for(location)


@pytest.fixture
def colleague(location: Any) -> User:
    return UserFactory(first_name="Ines", last_name="Park", locations=[location])


def log(row: Call, outcome: str, by: User, **given: Any) -> Call:
    given = {"version": row.version, "now": NOW, **given}
    return log_call(call_id=row.pk, outcome=outcome, by=by, **given)


def test_one_person_holds_a_call(row: Call, desk: User, colleague: User) -> None:
    hold_call(call_id=row.pk, by=desk, now=NOW)
    with pytest.raises(CallHeld, match=r"Dana Roe.* is on this call"):
        hold_call(call_id=row.pk, by=colleague, now=NOW + timedelta(minutes=9))
    with pytest.raises(CallHeld):
        log(row, "booked", colleague)
    hold_call(call_id=row.pk, by=colleague, now=NOW + timedelta(minutes=11))
    row.refresh_from_db()
    assert row.held_by == colleague


def test_who_takes_another_call_lets_go_of_the_first(location: Any, desk: User) -> None:
    first, second = row_for(location), row_for(location)
    hold_call(call_id=first.pk, by=desk, now=NOW)
    hold_call(call_id=second.pk, by=desk, now=NOW)
    first.refresh_from_db()
    assert first.held_by is None


def test_a_hold_is_let_go_by_its_holder_only(row: Call, desk: User, colleague: User) -> None:
    hold_call(call_id=row.pk, by=desk, now=NOW)
    release_call(call_id=row.pk, by=colleague)
    row.refresh_from_db()
    assert row.held_by == desk
    release_call(call_id=row.pk, by=desk)
    row.refresh_from_db()
    assert row.held_by is None


@pytest.mark.parametrize(
    "outcome", ["booked", "thinking", "voicemail", "wrong_number", "do_not_call"]
)
def test_an_outcome_closes_the_row(row: Call, desk: User, outcome: str) -> None:
    hold_call(call_id=row.pk, by=desk, now=NOW)
    done = log(row, outcome, desk, note="  left word with her sister ")
    assert (done.status, done.outcome, done.tries, done.held_by) == ("done", outcome, 1, None)
    assert (done.note, done.version) == ("left word with her sister", 2)


def test_nobody_answered_comes_back_later_the_same_day(row: Call, desk: User) -> None:
    again = log(row, "no_answer", desk)
    assert (again.status, again.due_at) == ("later", NOW + timedelta(hours=2))
    log(again, "no_answer", desk, now=NOW + timedelta(hours=2))
    again.refresh_from_db()
    last = log(again, "no_answer", desk, now=NOW + timedelta(hours=4))
    assert (last.status, last.tries) == ("done", 3)


def test_nobody_answered_in_the_evening_is_enough_for_the_day(row: Call, desk: User) -> None:
    assert log(row, "no_answer", desk, now=NOW + timedelta(hours=7)).status == "done"


def test_a_second_press_of_the_same_key_does_nothing(row: Call, desk: User) -> None:
    log(row, "no_answer", desk)
    again = log(row, "no_answer", desk, now=NOW + timedelta(seconds=1))
    assert (again.tries, again.version) == (1, 2)
    assert CallTry.objects.count() == 1
    assert LedgerEntry.objects.filter(event="call.logged").count() == 1


def test_who_comes_second_learns_what_was_decided(row: Call, desk: User, colleague: User) -> None:
    log(row, "booked", desk)
    with pytest.raises(CallOver, match=r"Dana Roe\d+ logged “booked” at 12:00"):
        log(row, "thinking", colleague)


def test_an_old_page_cannot_log_over_a_newer_try(row: Call, desk: User, colleague: User) -> None:
    log(row, "no_answer", desk)
    with pytest.raises(CallChanged, match="has changed since"):
        log(row, "booked", colleague)


def test_a_call_back_today_waits_for_its_time(row: Call, desk: User) -> None:
    at = NOW + timedelta(hours=3)
    later = log(row, "call_back", desk, call_back_at=at)
    assert (later.status, later.due_at) == ("later", at)


@pytest.mark.parametrize(
    ("at", "says"),
    [
        (None, "Say when"),
        (NOW - timedelta(hours=1), "next 60 days"),
        (NOW + timedelta(days=90), "next 60 days"),
        (NOW + timedelta(hours=10), "09:00 to 20:00"),
    ],
)
def test_a_call_back_needs_a_time_that_can_be_kept(
    row: Call, desk: User, at: datetime | None, says: str
) -> None:
    with pytest.raises(WrongTime, match=says):
        log(row, "call_back", desk, call_back_at=at)
    assert not CallTry.objects.exists()


def test_a_wrong_number_is_never_listed_again(location: Any, desk: User, row: Call) -> None:
    log(row, "wrong_number", desk)
    other = shaky_booking(location, guest=GuestFactory(location=location, phone=row.guest.phone))
    tomorrow = NOW + timedelta(hours=14)
    build_call_list(location_id=location.pk, on=location.today(tomorrow), now=tomorrow)
    assert not Call.objects.filter(guest=other.guest).exists()


def test_do_not_call_holds_for_asking_too(row: Call, desk: User, manager: User) -> None:
    from cancellations.rules import NotCallable

    log(row, "do_not_call", desk)
    with pytest.raises(NotCallable, match="asked not to be called"):
        ask_call(guest_id=row.guest_id, by=manager, now=NOW)
    assert LedgerEntry.objects.filter(event="phone.flagged").count() == 1


def test_undo_takes_the_try_and_its_flag_back(row: Call, desk: User) -> None:
    done = log(row, "do_not_call", desk)
    undone = undo_call(call_id=row.pk, version=done.version, by=desk, now=NOW)
    assert (undone.status, undone.outcome, undone.tries) == ("todo", "", 0)
    assert not PhoneFlag.objects.filter(lifted_at__isnull=True).exists()
    assert CallTry.objects.get().undone_at == NOW  # kept, struck out


def test_undo_goes_back_to_the_try_before(row: Call, desk: User) -> None:
    first = log(row, "no_answer", desk)
    done = log(first, "booked", desk, now=NOW + timedelta(hours=2))
    back = undo_call(call_id=row.pk, version=done.version, by=desk, now=NOW + timedelta(hours=2))
    assert (back.status, back.outcome, back.due_at) == (
        "later",
        "no_answer",
        NOW + timedelta(hours=2),
    )


def test_after_undo_the_same_outcome_can_be_logged_anew(row: Call, desk: User) -> None:
    done = log(row, "thinking", desk)
    undone = undo_call(call_id=row.pk, version=done.version, by=desk, now=NOW)
    assert log(undone, "thinking", desk).status == "done"


def test_yesterdays_call_is_not_undone(row: Call, desk: User) -> None:
    done = log(row, "booked", desk)
    with pytest.raises(CallOver, match="nothing to take back"):
        undo_call(call_id=row.pk, version=done.version, by=desk, now=NOW + timedelta(days=1))


def test_later_is_not_a_try(row: Call, desk: User) -> None:
    later = put_off_call(call_id=row.pk, version=1, by=desk, now=NOW)
    again = put_off_call(call_id=row.pk, version=1, by=desk, now=NOW)
    assert (later.status, later.tries, later.due_at) == ("later", 0, NOW + timedelta(hours=1))
    assert again.version == later.version == 2


def test_every_step_of_a_call_is_in_the_ledger(row: Call, desk: User) -> None:
    hold_call(call_id=row.pk, by=desk, now=NOW)
    hold_call(call_id=row.pk, by=desk, now=NOW + timedelta(minutes=1))  # the same hold, longer
    done = log(row, "booked", desk, note="secret words")
    undo_call(call_id=row.pk, version=done.version, by=desk, now=NOW)
    told = LedgerEntry.objects.filter(guest_id=row.guest_id).order_by("seq")
    assert [entry.event for entry in told] == ["call.opened", "call.logged", "call.undone"]
    assert not LedgerEntry.objects.filter(body__contains="secret words").exists()


def test_a_line_from_paper_logs_its_row(location: Any, row: Call, desk: User) -> None:
    entered = enter_line(
        location_id=location.pk, on=row.on, line="1 3 asked for Kim", by=desk, now=NOW
    )
    assert entered.text == f"Row 1, {row.guest.name}: voicemail"
    assert (entered.call.outcome, entered.call.note) == ("voicemail", "asked for Kim")


def test_the_same_line_twice_in_a_minute_is_one_call(location: Any, row: Call, desk: User) -> None:
    for seconds in (0, 2):
        enter_line(
            location_id=location.pk,
            on=row.on,
            line="1 4",
            by=desk,
            now=NOW + timedelta(seconds=seconds),
        )
    assert CallTry.objects.count() == 1


@pytest.mark.parametrize(
    ("line", "error", "says"),
    [
        ("9 3", NoSuchRow, "There is no row 9. Rows go from 1 to 1."),
        ("1 8", NoSuchRow, "like 12 3"),
        ("hello", NoSuchRow, "like 12 3"),
        ("", NoSuchRow, "like 12 3"),
        ("1 5", WrongTime, "1 = Fri 20 Nov, 13:00"),
    ],
)
def test_a_wrong_line_says_what_is_right(
    location: Any, row: Call, desk: User, line: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        enter_line(location_id=location.pk, on=row.on, line=line, by=desk, now=NOW)
    assert not CallTry.objects.exists()


def test_a_call_back_from_paper_takes_one_of_four_times(
    location: Any, row: Call, desk: User
) -> None:
    entered = enter_line(location_id=location.pk, on=row.on, line="1 5 2", by=desk, now=NOW)
    assert entered.call.due_at == datetime(2026, 11, 20, 17, 0, tzinfo=NEW_YORK)


def test_the_four_times_offered_are_inside_the_hours_and_apart() -> None:
    hours = Hours.current()
    row = Call(
        guest=Guest(phone="+12125550100"),
        location=Location(time_zone="America/New_York", region="NY"),
    )
    for hour in range(24):
        now = datetime(2026, 11, 20, hour, 7, tzinfo=NEW_YORK)
        times = call_back_times(now, row, hours)
        assert len(times) == 4
        assert all(may_call(at, row, hours) and at > now for at in times)
        assert all(b - a >= timedelta(hours=1) for a, b in itertools.pairwise(times))


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_open_a_call_at_once_one_gets_it(location: Any, desk: User) -> None:
    row = listed(shaky_member(location).guest)
    rival = UserFactory(locations=[location])
    barrier = threading.Barrier(2)
    got: list[str] = []

    def take(user: User) -> None:
        try:
            barrier.wait(5)
            hold_call(call_id=row.pk, by=user, now=NOW)
            got.append("held")
        except CallHeld:
            got.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(user,)) for user in (desk, rival)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == ["held", "refused"]


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_log_one_call(location: Any, desk: User) -> None:
    row = listed(shaky_member(location).guest)
    barrier = threading.Barrier(2)

    def press() -> None:
        try:
            barrier.wait(5)
            log_call(call_id=row.pk, version=1, outcome="booked", by=desk, now=NOW)
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert CallTry.objects.count() == 1


def test_who_wants_no_calls_gets_no_texts_either_and_undo_lifts_both(row: Call, desk: User) -> None:
    done = log(row, "do_not_call", desk)
    standing = Suppression.objects.filter(lifted_at__isnull=True)
    assert set(standing.values_list("channel", "address")) == {
        ("call", row.guest.phone),
        ("sms", row.guest.phone),
    }
    undo_call(call_id=row.pk, version=done.version, by=desk, now=NOW)
    assert not standing.exists()


def test_undo_leaves_a_stop_the_guest_had_texted_before(row: Call, desk: User) -> None:
    Suppression.objects.create(
        channel="sms", address=row.guest.phone, source="reply", reason="STOP", added_at=NOW
    )
    done = log(row, "do_not_call", desk)
    undo_call(call_id=row.pk, version=done.version, by=desk, now=NOW)
    assert Suppression.objects.get(lifted_at__isnull=True).reason == "STOP"
