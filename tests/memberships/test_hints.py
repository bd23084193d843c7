from __future__ import annotations

import json
from datetime import timedelta

import pytest
import responses

from memberships import hints
from memberships.models import Appointment, Guest, Membership
from memberships.signals import appointments_changed, guests_changed
from platforms import inbox
from platforms.models import DeadLetter, EntityHint, InboxDelivery
from tests.factories.memberships import (
    AppointmentFactory,
    GuestFactory,
    LocationFactory,
    MembershipFactory,
)
from tests.memberships import wire

pytestmark = pytest.mark.django_db


@pytest.fixture
def here():
    return LocationFactory(external_id="center-1")


@pytest.fixture
def told():
    """What the apps above hear."""
    heard = {"appointments": [], "guests": []}

    def appointments(sender, appointment_ids, now, **kwargs):
        heard["appointments"] += appointment_ids

    def guests(sender, guest_ids, now, **kwargs):
        heard["guests"] += guest_ids

    appointments_changed.connect(appointments)
    guests_changed.connect(guests)
    yield heard
    appointments_changed.disconnect(appointments)
    guests_changed.disconnect(guests)


def deliver(event, data, now, number="d1"):
    body = json.dumps({"id": number, "event_type": event, "data": data}).encode()
    inbox.receive(connection="zenoti", delivery_id=number, body=body, now=now, event_type=event)
    return inbox.work_through(now=now)


def named():
    return set(EntityHint.objects.values_list("kind", "external_id", "location_external_id"))


@pytest.mark.parametrize(
    ("event", "data", "expected"),
    [
        ("Guest.Created", {"id": "G1", "center_id": "c"}, {("guest", "g1", "c")}),
        (
            "Guest.Membership.Created",
            {"guest_id": "g1", "user_membership_id": "um1", "center": {"id": "c"}},
            {("memberships", "g1", "c")},
        ),
        (
            "guestmembership.cancelled",
            {"user_membership_id": "um1", "center": {"id": "c"}},
            {("contract", "um1", "c")},
        ),
        (
            "AppointmentGroup.Created",
            {"center_id": "c", "appointments": [{"id": "a1"}, {"id": "a2"}]},
            {("appointment", "a1", "c"), ("appointment", "a2", "c")},
        ),
        (
            "AppointmentGroup.Status",
            {"appointment_group_id": "ag1", "appointment_group_status": -1},
            {("group", "ag1", "")},
        ),
        (
            "Appointment.Completed",
            {"center_id": "c", "appointments": [{"id": "a1", "serviceduration_in_miutes": 60}]},
            {("appointment", "a1", "c")},
        ),
        (
            "Invoice.Closed",
            {
                "invoice": {
                    "id": "i1",
                    "center_id": "c",
                    "guest": {"id": "g1"},
                    "invoice_items": [{"type": 3}],
                    "appointments": [],
                }
            },
            {("memberships", "g1", "c")},
        ),
        ("Employee.Updated", {"id": "e1"}, set()),
    ],
)
def test_a_delivery_names_what_to_read_again(event, data, expected, now):
    assert deliver(event, data, now) == {"done": 1}
    assert named() == expected


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"event_type":"Moon.Rising","data":{}}'])
def test_what_nobody_understands_is_parked_with_its_reason(body, now):
    inbox.receive(connection="zenoti", delivery_id="d1", body=body, now=now)
    assert inbox.work_through(now=now) == {"parked": 1}
    assert InboxDelivery.objects.get().error


def test_a_second_delivery_raises_the_generation(now):
    deliver("Guest.Updated", {"id": "g1"}, now, "d1")
    deliver("Guest.Updated", {"id": "g1"}, now, "d2")
    hint = EntityHint.objects.get()
    assert (hint.sync_gen, hint.done_gen) == (2, 0)


@responses.activate
def test_the_entity_is_read_and_those_above_are_told(
    here, told, now, django_capture_on_commit_callbacks
):
    wire.answer("GET", "/v1/appointments/a1", [wire.appointment()])
    deliver(
        "AppointmentGroup.Created", {"center_id": "center-1", "appointments": [{"id": "a1"}]}, now
    )
    with django_capture_on_commit_callbacks(execute=True):
        assert hints.refresh_hints(now=now) == {"read": 1, "failed": 0}
    booked = Appointment.objects.get(external_id="a1")
    assert (booked.status, booked.guest.name, booked.starts_at.hour) == ("booked", "Ada Moss", 15)
    assert told["appointments"] == [booked.pk]
    assert hints.refresh_hints(now=now) == {}


@responses.activate
def test_webhook_content_is_never_applied(here, now):
    """The delivery says cancelled; the platform, asked, says booked: that counts."""
    AppointmentFactory(external_id="a1", location=here, group_external_id="ag1")
    wire.answer("GET", "/v1/appointments/a1", [wire.appointment()])
    deliver(
        "AppointmentGroup.Status",
        {"appointment_group_id": "ag1", "appointment_group_status": -1},
        now,
    )
    assert hints.refresh_hints(now=now)["read"] == 2  # the group, then its booking
    assert Appointment.objects.get().status == "booked"


@responses.activate
def test_a_cancellation_is_dated_when_first_seen(here, now):
    AppointmentFactory(external_id="a1", location=here)
    wire.answer("GET", "/v1/appointments/a1", [wire.appointment(status=-1)])
    deliver(
        "AppointmentGroup.Created", {"center_id": "center-1", "appointments": [{"id": "a1"}]}, now
    )
    hints.refresh_hints(now=now)
    cancelled = Appointment.objects.get()
    assert cancelled.cancelled_at - now < timedelta(seconds=5)
    assert not cancelled.is_late_cancellation  # three days before the visit


@responses.activate
def test_an_older_answer_never_replaces_a_newer_one(here, now):
    """The nightly sweep asked before the webhook's read, and stores after it."""
    from memberships.mirror import book
    from platforms.zenoti import wire as zenoti

    wire.answer("GET", "/v1/appointments/a1", [wire.appointment(status=4)])
    deliver(
        "AppointmentGroup.Created", {"center_id": "center-1", "appointments": [{"id": "a1"}]}, now
    )
    hints.refresh_hints(now=now)
    old, _ = zenoti.read_rows(
        zenoti.AppointmentRow,
        [wire.appointment(status=0)],
        lambda row: row.record(here.zone),
        "center-1",
    )
    written = book.store_appointments(old, location_id=here.pk, asked_at=now - timedelta(minutes=1))
    assert written.changed == 0
    assert Appointment.objects.get().status == "confirmed"


@responses.activate
def test_raised_again_while_it_is_read_it_is_read_again(here, now):
    wire.answer("GET", "/v1/guests/g1", wire.guest())
    deliver("Guest.Updated", {"id": "g1", "center_id": "center-1"}, now)
    leased = hints._lease(now, 10)
    hints.raise_hints([hints.Named("guest", "g1", "center-1")], now=now)
    work = hints.Round(hints.Zenoti(clock=lambda: now, interactive=True), lambda: now, now)
    work.zones["center-1"], work.pks["center-1"] = here.zone, here.pk
    hints._read_batch(work, leased)
    hint = EntityHint.objects.get()
    assert (hint.done_gen, hint.sync_gen) == (1, 2)
    assert hints.refresh_hints(now=now)["read"] == 1


@responses.activate
def test_one_fetch_of_an_entity_at_a_time(now):
    deliver("Guest.Updated", {"id": "g1"}, now)
    assert len(hints._lease(now, 10)) == 1
    assert hints._lease(now, 10) == []
    assert len(hints._lease(now + hints.LEASE * 2, 10)) == 1


@responses.activate
def test_consent_withdrawn_at_the_desk_arrives_at_once(
    here, told, now, django_capture_on_commit_callbacks
):
    known = GuestFactory(external_id="g1", location=here, sms_marketing=True)
    wire.answer("GET", "/v1/guests/g1", wire.guest())
    deliver("Guest.Updated", {"id": "g1", "center_id": "center-1"}, now)
    with django_capture_on_commit_callbacks(execute=True):
        hints.refresh_hints(now=now)
    known.refresh_from_db()
    assert known.sms_marketing is False
    assert told["guests"] == [known.pk]


@responses.activate
def test_a_freeze_without_a_guest_is_found_through_the_mirror(here, now):
    known = GuestFactory(external_id="g1", location=here)
    MembershipFactory(external_id="um1", guest=known)
    wire.answer(
        "GET", "/v1/guests/g1/memberships", {"guest_memberships": [wire.membership(status=3)]}
    )
    deliver(
        "Guest.Membership.Freeze", {"user_membership_id": "um1", "center": {"id": "center-1"}}, now
    )
    hints.refresh_hints(now=now)
    assert Membership.objects.get().status == "frozen"


@responses.activate
def test_an_unknown_contract_makes_the_member_list_be_read(here, now):
    wire.answer(
        "GET",
        "/v1/centers/center-1/members",
        {"members": [wire.member()], "page_info": wire.info(1)},
    )
    deliver(
        "Guest.Membership.Freeze", {"user_membership_id": "um1", "center": {"id": "center-1"}}, now
    )
    hints.refresh_hints(now=now)
    assert Membership.objects.get().guest.external_id == "g1"


@responses.activate
def test_a_deleted_guest_vanishes_and_stays_in_the_mirror(here, now):
    known = GuestFactory(external_id="g1", location=here)
    wire.answer("GET", "/v1/guests/g1", {"error": {"code": 404, "message": "none"}}, status=404)
    deliver("Guest.Deleted", {"id": "g1"}, now)
    hints.refresh_hints(now=now)
    known.refresh_from_db()
    assert known.vanished_at is not None
    assert not Guest.objects.present().exists()


@responses.activate
def test_while_the_platform_is_away_hints_wait_longer_each_time(here, now, monkeypatch):
    monkeypatch.setattr("platforms.zenoti.client.time.sleep", lambda seconds: None)
    wire.answer("GET", "/v1/guests/g1", {}, status=503)
    deliver("Guest.Updated", {"id": "g1", "center_id": "center-1"}, now)
    assert hints.refresh_hints(now=now) == {"read": 0, "failed": 1}
    hint = EntityHint.objects.get()
    assert hint.due_at > now + timedelta(seconds=9)
    assert hint.error
    assert hints.refresh_hints(now=now) == {}


@responses.activate
def test_what_cannot_be_read_in_many_tries_is_parked(here, now, monkeypatch):
    monkeypatch.setattr("platforms.zenoti.client.time.sleep", lambda seconds: None)
    wire.answer("GET", "/v1/guests/g1", {}, status=503)
    deliver("Guest.Updated", {"id": "g1", "center_id": "center-1"}, now)
    for day in range(hints.MAX_ATTEMPTS):
        hints.refresh_hints(now=now + timedelta(days=day))
    assert "could not be read again" in DeadLetter.objects.get().reason
    assert hints.waiting_hints(now + timedelta(days=30)) == 0


@responses.activate
def test_a_poison_answer_is_parked_and_does_not_stop_the_others(here, now):
    wire.answer("GET", "/v1/appointments/a1", [wire.appointment(start_time_utc="soon")])
    wire.answer("GET", "/v1/appointments/a2", [wire.appointment("a2")])
    deliver(
        "AppointmentGroup.Created",
        {"center_id": "center-1", "appointments": [{"id": "a1"}, {"id": "a2"}]},
        now,
    )
    hints.refresh_hints(now=now)
    assert Appointment.objects.get().external_id == "a2"
    parked = DeadLetter.objects.get()
    assert (parked.external_id, parked.source) == ("a1", "sync:appointments")
    assert "start_time_utc" in parked.reason
