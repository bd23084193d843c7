"""What changes below reaches the list: by a hint at once, by the sweep when the hint is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from kombu.exceptions import OperationalError

from cancellations import tasks
from cancellations.models import Call
from cancellations.services import build_call_list, sweep_calls
from memberships.models import Appointment
from memberships.signals import appointments_changed
from risk.models import Band
from risk.signals import bookings_scored
from tests.factories.cancellations import row_for, shaky_booking
from tests.factories.memberships import NOW, LocationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: Any) -> None:
    monkeypatch.setattr("audit.clock.now", lambda: NOW)


@pytest.fixture
def at_once(settings: Any, monkeypatch: Any) -> None:
    """Tasks run where they are called."""
    for task in (tasks.add_live_bookings, tasks.settle_calls, tasks.build_call_list):
        monkeypatch.setattr(task, "apply_async", lambda args, task=task, **_: task(*args))


def tell(signal: Any, *bookings: Any) -> None:
    ids = [booking.pk for booking in bookings]
    bands = dict.fromkeys(ids, Band.VERY_HIGH)
    signal.send(sender=None, location_id=None, appointment_ids=ids, bands=bands, now=NOW)


def test_a_cancelled_booking_closes_its_row_at_once(at_once: None, location: Any) -> None:
    row = row_for(location)
    Appointment.objects.update(status=Appointment.Status.CANCELLED)
    tell(appointments_changed, row.appointment)
    row.refresh_from_db()
    assert (row.status, row.closed_why) == ("done", "Cancelled by themselves")


def test_a_booking_that_turns_joins_the_list_at_once(at_once: None, location: Any) -> None:
    build_call_list(location_id=location.pk, on=location.today(NOW), now=NOW)
    tell(bookings_scored, shaky_booking(location, starts_at=NOW + timedelta(hours=3)))
    assert Call.objects.count() == 1


def test_a_booking_in_a_lower_band_asks_nobody(monkeypatch: Any) -> None:
    asked: list[list[int]] = []
    monkeypatch.setattr(
        tasks.add_live_bookings, "apply_async", lambda args, **_: asked.append(args[0])
    )
    bands = {1: Band.HIGH, 2: Band.VERY_HIGH, 3: Band.LOW}
    bookings_scored.send(sender=None, location_id=None, bands=bands, now=NOW)
    assert asked == [[2]]


def test_without_the_broker_the_sender_goes_on_and_the_sweep_finds_it(
    location: Any, monkeypatch: Any
) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise OperationalError

    row = row_for(location)
    for task in (tasks.add_live_bookings, tasks.settle_calls):
        monkeypatch.setattr(task, "apply_async", away)
    Appointment.objects.update(status=Appointment.Status.CANCELLED)
    turned = shaky_booking(location, starts_at=NOW + timedelta(hours=3))
    tell(appointments_changed, row.appointment)
    tell(bookings_scored, turned)
    assert sweep_calls(now=NOW) == {"settled": 1, "added": 1}
    assert sweep_calls(now=NOW) == {"settled": 0, "added": 0}


def test_every_location_in_use_gets_its_list(at_once: None, location: Any) -> None:
    west = LocationFactory(time_zone="Pacific/Auckland")  # already tomorrow there
    LocationFactory(is_active=False)
    shaky_booking(location)
    shaky_booking(west, starts_at=NOW + timedelta(hours=30))
    assert tasks.build_call_lists() == 2
    assert {(call.location_id, call.on.day) for call in Call.objects.all()} == {
        (location.pk, 20),
        (west.pk, 21),
    }
