"""What a run concludes from what came, and what it never concludes from what did not."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
import responses

from memberships import services
from memberships.location_sync import LocationSync
from memberships.mirror import book
from memberships.models import WHOLE, Appointment, Guest, GuestDay, LocationDay, SyncCursor
from memberships.streams import AlreadyRunning, SyncFailed, clock_from, only_one
from platforms.models import DeadLetter
from platforms.zenoti import wire as zenoti
from platforms.zenoti.adapter import Zenoti
from tests.factories.memberships import (
    AppointmentFactory,
    GuestFactory,
    LocationFactory,
    MembershipFactory,
)
from tests.memberships import wire

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(monkeypatch, settings):
    # Neither waits for a token nor, without the sleep, spins until there is one.
    settings.PLATFORM = {**settings.PLATFORM, "rate_per_minute": 60_000}
    monkeypatch.setattr("platforms.zenoti.client.time.sleep", lambda seconds: None)
    return LocationFactory(external_id="center-1")


def work(location, now, *, backfill=False):
    return LocationSync(
        location=location,
        platform=Zenoti(clock=clock_from(now)),
        now=now,
        clock=clock_from(now),
        backfill=backfill,
    )


def read(location, now, stream, *, backfill=False):
    run = work(location, now, backfill=backfill)
    with run._stream(stream) as opened:
        getattr(run, f"_{stream}")(opened)
    return run


class Book:
    """The platform's book: each window answers the rows that start in it."""

    def __init__(self, rows, *, broken_from=None):
        self.rows = rows
        self.broken_from = broken_from
        self.asked = []
        responses.add_callback("GET", f"{wire.BASE}/v1/appointments", callback=self.window)

    def window(self, request):
        first, end = request.params["start_date"], request.params["end_date"]
        self.asked.append(first)
        if self.broken_from and first < self.broken_from:
            return 503, {}, ""
        rows = [row for row in self.rows if first <= str(row.get("start_time"))[:10] < end]
        return 200, {}, json.dumps(rows)


@responses.activate
def test_a_vanished_booking_is_asked_for_before_it_counts_as_gone(here, now):
    Book([wire.appointment()])
    read(here, now, "appointments")
    responses.reset()
    Book([])
    wire.answer("GET", "/v1/appointments/a1", {"error": {"code": 404, "message": "no"}}, status=404)
    read(here, now + timedelta(hours=1), "appointments")
    assert Appointment.objects.get().vanished_at is not None
    assert not GuestDay.objects.exists()
    assert LocationDay.objects.get(on=date(2026, 11, 23)).booked == 0


@responses.activate
def test_a_moved_booking_is_found_by_its_id_and_leaves_its_old_day(here, now):
    Book([wire.appointment()])
    read(here, now, "appointments")
    responses.reset()
    Book([])
    moved = {"start_time_utc": "2027-03-01T15:00:00", "end_time_utc": "2027-03-01T16:00:00"}
    wire.answer("GET", "/v1/appointments/a1", [wire.appointment(**moved)])
    read(here, now + timedelta(hours=1), "appointments")
    assert Appointment.objects.get().starts_on == date(2027, 3, 1)
    assert list(GuestDay.objects.values_list("on", flat=True)) == [date(2027, 3, 1)]


@responses.activate
def test_a_broken_run_removes_nothing_and_says_so(here, now):
    Book([wire.appointment()])
    read(here, now, "appointments")
    responses.reset()
    Book([], broken_from="2026-11-20")
    run = read(here, now + timedelta(hours=1), "appointments")
    assert "appointments" in run.failures
    assert Appointment.objects.get().vanished_at is None
    cursor = SyncCursor.objects.get(stream="appointments")
    assert cursor.error
    assert cursor.complete_at == now


@responses.activate
def test_when_everything_is_missing_the_platform_is_doubted(here, now):
    for number in range(60):
        AppointmentFactory(location=here, external_id=f"a{number}", starts_at=now)
    Book([])
    run = read(here, now, "appointments")
    assert "looks like a fault" in str(run.failures["appointments"])
    assert not Appointment.objects.exclude(vanished_at=None).exists()


@responses.activate
def test_a_killed_backfill_goes_on_where_it_was(here, now):
    Book([wire.appointment()], broken_from="2026-06-01")
    read(here, now, "appointments", backfill=True)
    position = SyncCursor.objects.get(stream="appointments").cursor
    assert "2026-06" <= position < "2026-07"
    responses.reset()
    again = Book([wire.appointment()])
    read(here, now + timedelta(minutes=5), "appointments", backfill=True)
    assert again.asked[0] < position
    assert min(again.asked) <= "2024-11-07"
    cursor = SyncCursor.objects.get(stream="appointments")
    assert (cursor.error, cursor.cursor) == ("", "")
    assert cursor.backfilled_to <= date(2024, 11, 1)


@responses.activate
def test_poison_is_parked_once_and_resolved_when_it_comes_sane(here, now):
    Book([wire.appointment(status=77), wire.appointment("a2")])
    read(here, now, "appointments")
    read(here, now + timedelta(hours=1), "appointments")
    parked = DeadLetter.objects.get()
    assert (parked.external_id, parked.seen, parked.resolved_at) == ("a1", 2, None)
    assert parked.location_external_id == "center-1"
    assert Appointment.objects.get().external_id == "a2"
    responses.reset()
    Book([wire.appointment(), wire.appointment("a2")])
    read(here, now + timedelta(hours=2), "appointments")
    parked.refresh_from_db()
    assert parked.resolved_at is not None


@responses.activate
def test_a_parked_booking_is_not_taken_for_a_vanished_one(here, now):
    Book([wire.appointment()])
    read(here, now, "appointments")
    responses.reset()
    Book([wire.appointment(status=77)])
    read(here, now + timedelta(hours=1), "appointments")
    assert Appointment.objects.get().vanished_at is None


@responses.activate
def test_a_guest_missing_from_the_roster_is_asked_for(here, now):
    GuestFactory(external_id="g1", location=here)
    moved = GuestFactory(external_id="g2", location=here)
    other = LocationFactory(external_id="center-2")
    wire.answer("GET", "/v1/guests", {"guests": [], "page_Info": wire.info(0)})
    wire.answer("GET", "/v1/guests/g1", {"error": {"code": 404, "message": "no"}}, status=404)
    wire.answer("GET", "/v1/guests/g2", wire.guest("g2", center_id="center-2"))
    read(here, now, "guests")
    assert Guest.objects.get(external_id="g1").vanished_at is not None
    moved.refresh_from_db()
    assert (moved.location, moved.vanished_at) == (other, None)


@responses.activate
def test_a_guest_who_never_said_yes_is_not_assumed_to(here, now):
    """A booking names somebody the roster has not brought."""
    Book([wire.appointment()])
    read(here, now, "appointments")
    guest = Guest.objects.get()
    assert (guest.sms_marketing, guest.email_marketing, guest.consents_at) == (False, False, None)
    assert (guest.first_name, guest.phone) == ("Ada", "+12125550101")


def test_statements_do_not_grow_with_the_rows(here, now, django_assert_num_queries):
    for size in (5, 200):
        rows = [wire.appointment(f"{size}-{n}", guest={"id": f"{size}-{n}"}) for n in range(size)]
        good, _ = zenoti.read_rows(
            zenoti.AppointmentRow, rows, lambda row: row.record(here.zone), "center-1"
        )
        book.store_appointments(good[:1], location_id=here.pk, asked_at=now)  # temporary tables
        with django_assert_num_queries(27):
            assert (
                book.store_appointments(good, location_id=here.pk, asked_at=now).changed == size - 1
            )


def test_only_one_worker_reads_a_location(here):
    from django.db import connection

    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [7_310, here.pk])
        with pytest.raises(AlreadyRunning), only_one(here.pk):
            pass
        cursor.execute("SELECT pg_advisory_unlock_all()")
    other.close()
    with only_one(here.pk):
        pass


@responses.activate
def test_a_location_is_fresh_only_when_everything_needed_came(here, now):
    SyncCursor.objects.create(stream="therapists", location=None, complete_at=now)
    responses.add("GET", f"{wire.BASE}/v1/guests", status=403, body="no")
    with pytest.raises(SyncFailed, match="guests"):
        services.sync_location(location_id=here.pk, now=now)
    assert not SyncCursor.objects.filter(stream=WHOLE).exists()


@responses.activate
def test_what_ended_is_read_in_detail_once_to_learn_when_its_end_was_asked_for(here, now):
    ended = MembershipFactory(
        location=here, guest__external_id="g1", external_id="um1", status="cancelled",
        started_on=date(2025, 2, 3), ended_on=date(2026, 11, 3), ending="voluntary",
    )  # fmt: skip
    row = wire.membership(status=4)
    row["recurring_details"] |= {"cancellation_initiated_on": "2026-10-18T00:00:00"}
    wire.answer("GET", "/v1/guests/g1/memberships", {"guest_memberships": [row]})
    read(here, now, "details")
    ended.refresh_from_db()
    assert ended.cancel_requested_on == date(2026, 10, 18)
    read(here, now + timedelta(days=30), "details")
    assert len(responses.calls) == 1
