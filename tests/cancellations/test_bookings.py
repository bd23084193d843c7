"""The shaky bookings of a day, who waits for their slots, and tomorrow's forecast."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cancellations import bookings
from cancellations.models import Call
from memberships.models import Appointment, WaitlistEntry
from risk.models import Band
from staff.models import User
from tests.cancellations.test_pages import HTMX, MOST_QUERIES, signed_in
from tests.factories.cancellations import row_for, score_booking, shaky_booking
from tests.factories.memberships import (
    NOW,
    AppointmentFactory,
    GuestFactory,
    LocationFactory,
    ServiceFactory,
    TherapistFactory,
)
from tests.factories.staff import UserFactory

pytestmark = pytest.mark.django_db
TOMORROW = date(2026, 11, 21)


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: Any) -> None:
    monkeypatch.setattr("audit.clock.now", lambda: NOW)


def shown(client: Client, **query: Any) -> list[Any]:
    return [row.appointment for row in page(client, **query).context["result"].rows]


def page(client: Client, **query: Any) -> Any:
    return client.get(reverse("bookings"), query)


def test_tomorrows_shaky_bookings_are_shown_by_time(manager: User, location: Any) -> None:
    late = shaky_booking(location, starts_at=NOW + timedelta(hours=27), band=Band.HIGH)
    early = shaky_booking(location, starts_at=NOW + timedelta(hours=22))
    shaky_booking(location, starts_at=NOW + timedelta(hours=3))  # today
    shaky_booking(location, band=Band.LOW)
    shaky_booking(location, status=Appointment.Status.CANCELLED)
    AppointmentFactory(guest=GuestFactory(location=location))  # not scored yet
    answer = page(signed_in(manager))
    assert [row.appointment for row in answer.context["result"].rows] == [early, late]
    assert "3 checked, 2 shaky" in answer.content.decode()
    assert "1 not checked yet" in answer.content.decode()


def test_a_manager_sees_the_chance_and_the_desk_does_not(
    manager: User, desk: User, location: Any
) -> None:
    shaky_booking(location, p=0.41)
    assert "about 4 in 10" in page(signed_in(manager)).content.decode()
    words = page(signed_in(desk)).content.decode()
    assert "in 10" not in words
    assert "Priority" in words
    assert "Very high" not in words


def test_the_desk_cannot_ask_for_a_band(desk: User, location: Any) -> None:
    booking = shaky_booking(location, band=Band.WATCH)
    assert shown(signed_in(desk), band="watch") == []
    assert shown(signed_in(desk), band="all") == [booking]


def test_filters_narrow_and_the_counts_agree(manager: User, location: Any) -> None:
    kim = TherapistFactory(location=location)
    hers = shaky_booking(location, therapist=kim)
    watch = shaky_booking(location, band=Band.WATCH)
    client = signed_in(manager)
    assert shown(client, therapist=kim.pk) == [hers]
    assert shown(client, band="watch") == [watch]
    assert shown(client, band="all") == [hers, watch]
    assert shown(client, hour=3) == []
    assert "fits the filters" in page(client, hour=3).content.decode()
    assert shown(client, hour=12) == [hers]  # noon in New York


def test_nothing_shaky_says_how_many_were_checked(manager: User, location: Any) -> None:
    for _ in range(3):
        shaky_booking(location, band=Band.LOW)
    assert "3 checked, none shaky" in page(signed_in(manager)).content.decode()


def test_what_nobody_has_checked_is_not_called_safe(
    manager: User, regional: User, location: Any
) -> None:
    for _ in range(2):
        AppointmentFactory(guest=GuestFactory(location=location))
    shown = page(signed_in(manager)).content.decode()
    assert "2 bookings, none checked yet" in shown
    assert "none shaky" not in shown
    forecast = (
        signed_in(regional)
        .get(reverse("overview-bookings"), headers={"HX-Request": "true"})
        .content.decode()
    )
    assert "None of them has been checked yet" in forecast
    assert "0.0" not in forecast


def wait(location: Any, **fields: Any) -> WaitlistEntry:
    values = {
        "external_id": f"w{WaitlistEntry.objects.count()}",
        "location": location,
        "guest": fields.pop("guest", None) or GuestFactory(location=location),
        "added_at": NOW,
        **fields,
    }
    return WaitlistEntry.objects.create(**values)


def test_who_would_take_the_slot_is_named(manager: User, location: Any) -> None:
    booking = shaky_booking(location, therapist=TherapistFactory(location=location))
    same = wait(location, service=booking.service)
    similar = wait(location, service=ServiceFactory(category="Face"))
    anything = wait(location)
    wait(location, service=ServiceFactory(category="Nails"))
    wait(location, therapist=TherapistFactory(location=location))  # wants somebody else
    wait(location, until_at=booking.starts_at - timedelta(hours=1))  # only earlier
    wait(location, from_at=booking.starts_at + timedelta(hours=1))  # only later
    wait(location, guest=booking.guest)  # themselves
    wait(location, status=WaitlistEntry.Status.BOOKED)
    wait(LocationFactory())
    row = page(signed_in(manager)).context["result"].rows[0]
    assert row.matches == [same, similar, anything]
    assert row.waiting == 3


def test_a_listed_guest_shows_the_row_instead_of_the_button(desk: User, location: Any) -> None:
    row = row_for(location)
    other = shaky_booking(location)
    words = page(signed_in(desk)).content.decode()
    assert f"on the list, row {row.row_no}" in words
    assert words.count("To calls") == 1
    assert f'name="appointment" value="{other.pk}"' in words


def test_a_booking_can_be_put_on_the_list(desk: User, location: Any) -> None:
    booking = shaky_booking(location)
    answer = signed_in(desk).post(
        reverse("call-ask"),
        {"appointment": booking.pk},
        headers=HTMX,
    )
    assert "row 1" in answer.content.decode()
    assert Call.objects.get().appointment == booking


def test_bookings_elsewhere_stay_elsewhere(outsider: User, location: Any) -> None:
    shaky_booking(location)
    client = signed_in(outsider)
    assert shown(client) == []
    assert page(client, location=location.pk).status_code == 404


def test_the_page_costs_the_same_queries_for_any_length(manager: User, location: Any) -> None:
    client = signed_in(manager)

    def queries() -> int:
        page(client)
        with CaptureQueriesContext(connection) as captured:
            page(client)
        return len(captured)

    wait(location)
    shaky_booking(location, therapist=TherapistFactory(location=location))
    few = queries()
    for _ in range(10):
        shaky_booking(location, therapist=TherapistFactory(location=location))
    assert queries() == few <= MOST_QUERIES


def test_the_forecast_adds_up_chances_by_location(regional: User, location: Any) -> None:
    other = LocationFactory(name="West", time_zone="America/Los_Angeles")
    regional.locations.add(other)
    for p in (0.5, 0.25):
        shaky_booking(location, p=p)
    score_booking(shaky_booking(other), p=0.9)
    AppointmentFactory(guest=GuestFactory(location=location))
    lines = bookings.tomorrow(regional, places=[location, other], now=NOW)
    assert [(one.location, one.bookings, one.scored, round(one.expected, 2)) for one in lines] == [
        (other, 1, 1, 0.9),
        (location, 3, 2, 0.75),
    ]
    assert lines[1].hours[0][0] == 12  # noon in New York
    assert lines[0].hours[0][0] == 9  # the same instant in Los Angeles


def test_each_number_of_the_forecast_links_to_exactly_those(regional: User, location: Any) -> None:
    for hours in (22, 24, 24):
        shaky_booking(location, starts_at=NOW + timedelta(hours=hours))
    shaky_booking(location, band=Band.LOW)
    client = signed_in(regional)
    line = bookings.tomorrow(regional, places=[location], now=NOW)[0]
    query = {"location": location.pk, "day": line.on.isoformat()}
    assert len(shown(client, **query)) == line.shaky == 3
    assert len(shown(client, **query, band="all")) == line.bookings == 4
    for hour, _expected, n in line.hours:
        assert len(shown(client, **query, band="all", hour=hour)) == n


def test_the_forecast_is_a_fragment_and_a_page_for_who_may(
    regional: User, manager: User, location: Any
) -> None:
    shaky_booking(location)
    url = reverse("overview-bookings")
    client = signed_in(regional)
    fragment, whole = client.get(url, headers=HTMX), client.get(url)
    assert "<html" not in fragment.content.decode()
    assert "<html" in whole.content.decode()
    assert "Of 1 booking about" in fragment.content.decode()
    assert signed_in(manager).get(url).status_code == 403


def test_the_forecast_asks_once_per_time_zone(regional: User, location: Any) -> None:
    places = [LocationFactory() for _ in range(6)] + [location]
    viewer = UserFactory(role="regional", locations=places)
    for place in places:
        shaky_booking(place)
    viewer.location_ids()
    with CaptureQueriesContext(connection) as captured:
        bookings.tomorrow(viewer, places=places, now=NOW)
    assert len(captured) == 1
