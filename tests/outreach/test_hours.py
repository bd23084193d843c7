"""Calling hours: a message leaves only if the business's hours and those of every place the guest
may be in allow it, on every clock the guest may live by."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from audit.models import LedgerEntry
from outreach import services
from outreach.errors import Conflict, NotAllowed
from outreach.gate import conditions
from outreach.gate.hours import DELIVERED, EVERY_DAY, Hours, Line, lay_out, place_of
from outreach.gate.places import Place, number_jurisdictions, number_zones, state_code
from outreach.models import CallingHours, Message, OutreachPolicy, Play
from outreach.sending import sender
from platforms.outcome import Outcome, Result
from tests.factories.memberships import NOW
from tests.factories.outreach import make_draft, mirror_is_fresh

MINUTE = timedelta(minutes=1)


def hours(*lines: Line, quiet_from: time = time(23, 59), quiet_until: time = time(0)) -> Hours:
    """Hours of the law alone: the business itself is open nearly always."""
    return Hours(quiet_from, quiet_until, lines or delivered())


def delivered() -> tuple[Line, ...]:
    rows = [{"also_zone": "", "marketing_only": True} | row for row in DELIVERED]
    return tuple(
        Line(**{k: tuple(v) if k == "weekdays" else v for k, v in row.items() if k in FIELDS})
        for row in rows
    )


FIELDS = set(Line.__dataclass_fields__)


def place(zone="America/New_York", country="US", region="NY", dialling="+1212", kind="marketing"):
    return Place(zone, country, region, dialling, kind)


def local(text: str, zone: str = "America/New_York", fold: int = 0) -> datetime:
    at = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone), fold=fold)
    return at.astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "where", "is_open"),
    [
        # Federal: 8 to 21.
        ("2026-11-20 07:59", {}, False),
        ("2026-11-20 08:00", {}, True),
        ("2026-11-20 20:58", {}, True),
        ("2026-11-20 20:59", {}, False),  # the call could ring at 21:00
        # Florida, Connecticut: stricter for offers, not for a note about a booking.
        ("2026-11-20 20:30", {"region": "FL", "dialling": "+1305"}, False),
        ("2026-11-20 20:30", {"region": "FL", "dialling": "+1305", "kind": "service"}, True),
        ("2026-11-20 08:30", {"region": "CT", "dialling": "+1203"}, False),
        # Rhode Island: 9 to 18, at weekends 10 to 17.
        ("2026-11-20 17:30", {"region": "RI", "dialling": "+1401"}, True),
        ("2026-11-21 17:30", {"region": "RI", "dialling": "+1401"}, False),
        ("2026-11-21 09:30", {"region": "RI", "dialling": "+1401"}, False),
        # Texas: Sundays from noon.
        ("2026-11-21 10:30", {"region": "TX", "dialling": "+1214"}, True),
        ("2026-11-22 12:30", {"region": "TX", "dialling": "+1214"}, False),  # 11:30 Central
        ("2026-11-22 13:30", {"region": "TX", "dialling": "+1214"}, True),
        # An e-mail does not ring: only the business's own hours.
        ("2026-11-20 22:30", {"kind": "mail"}, True),
        # A treated guest of New York whose number is from California: both clocks.
        ("2026-11-20 10:30", {"dialling": "+1213"}, False),
        ("2026-11-20 11:00", {"dialling": "+1213"}, True),
        # ... or from Florida: Florida's evening holds.
        ("2026-11-20 20:30", {"dialling": "+1305"}, False),
        # A toll-free number says nothing about the hour.
        ("2026-11-20 08:30", {"dialling": "+1800"}, True),
    ],
)
def test_hours_of_the_law(at, where, is_open):
    assert hours().is_open(local(at), place(**where)) is is_open


def test_el_paso_keeps_to_central_time_too():
    texas = place(zone="America/Denver", region="TX", dialling="+1915")
    assert not hours().is_open(local("2026-11-20 20:30", "America/Denver"), texas)
    assert not hours().is_open(local("2026-11-20 08:30", "America/Denver"), texas)
    assert hours().is_open(local("2026-11-20 19:30", "America/Denver"), texas)


def test_the_hours_of_the_business_hold_besides_the_law():
    own = hours(quiet_from=time(18), quiet_until=time(10))
    assert not own.is_open(local("2026-11-20 18:30"), place())
    assert own.is_open(local("2026-11-20 17:30"), place())
    assert not own.is_open(local("2026-11-20 18:30"), place(kind="mail"))


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "EST5EDT7XYZ"])
def test_a_zone_nobody_knows_is_shut(zone):
    assert not hours().is_open(local("2026-11-20 12:00"), place(zone=zone))
    assert hours().opens_at(local("2026-11-20 12:00"), place(zone=zone)) is None


def test_a_number_from_the_other_side_of_the_world_never_suits():
    assert hours().opens_at(local("2026-11-20 12:00"), place(dialling="+800")) is not None
    nowhere = hours(Line("NZ", tuple(EVERY_DAY), time(9), time(10), True, ""))
    assert nowhere.opens_at(local("2026-11-20 12:00"), place(dialling="+642")) is None


def test_a_day_without_hours_is_shut():
    weekdays = hours(Line("US", (1, 2, 3, 4, 5), time(9), time(18), True, ""))
    assert not weekdays.is_open(local("2026-11-21 12:00"), place())
    assert weekdays.opens_at(local("2026-11-21 12:00"), place()) == local("2026-11-23 09:00")


def test_the_clock_change_moves_the_opening_by_an_hour_of_utc():
    before, after = local("2026-10-31 23:00"), local("2026-11-01 23:00")
    assert hours().opens_at(before, place()) == datetime(2026, 11, 1, 13, 0, tzinfo=UTC)
    assert hours().opens_at(after, place()) == datetime(2026, 11, 2, 13, 0, tzinfo=UTC)
    spring = local("2026-03-07 23:00")
    assert hours().opens_at(spring, place()) == datetime(2026, 3, 8, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "where", [{}, {"dialling": "+1808"}, {"region": "TX", "dialling": "+1915"}, {"dialling": "+34"}]
)
def test_the_opening_named_is_the_first_open_minute(where):
    rules = hours(quiet_from=time(20), quiet_until=time(9))
    at = local("2026-10-31 18:17")
    opening = rules.opens_at(at, place(**where))
    minute = at
    while not rules.is_open(minute, place(**where)):
        minute += MINUTE
    assert opening is not None
    assert opening.replace(second=0) == minute.replace(second=0)


# --- Places -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialling", "jurisdictions", "zones"),
    [
        ("+1212", {"US", "US-NY"}, ("America/New_York",)),
        ("+1915", {"US", "US-TX"}, ("America/Denver",)),
        ("+1850", {"US", "US-FL"}, ("America/New_York", "America/Chicago")),
        ("+1800", {"US"}, ()),
        ("+1787", {"US", "PR"}, ("America/Puerto_Rico",)),
        ("+346", {"ES"}, ("Africa/Ceuta", "Atlantic/Canary", "Europe/Madrid")),
        ("+1", {"US"}, ()),
        ("", set(), ()),
    ],
)
def test_a_number_says_where_it_is_from(dialling, jurisdictions, zones):
    assert number_jurisdictions(dialling) == jurisdictions
    assert number_zones(dialling) == zones


def test_a_number_of_toronto_is_canadian_and_every_canadian_clock_counts():
    assert number_jurisdictions("+1416") == {"CA"}
    assert {"America/Toronto", "America/Vancouver"} <= set(number_zones("+1416"))


def test_states_are_known_by_code_and_by_name():
    assert [state_code(text) for text in ("fl", "Florida", " FL ", "Atlantis")] == [
        "FL", "FL", "FL", "",
    ]  # fmt: skip


def test_a_key_is_read_back_as_the_same_place():
    odd = place(region="a|b")
    assert Place.of_key(odd.key) == odd


# --- The gate -----------------------------------------------------------------------------------


@pytest.fixture
def message(library, fresh, location, manager, now) -> Message:
    """A message approved at noon, New York, for a guest with a number of New York."""
    draft = make_draft(location, phone="+12125550142")
    return services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)


def held(message: Message, at: datetime) -> str:
    mirror_is_fresh(message.location, at)
    return conditions.held_reasons([message.pk], now=at)[message.pk]


@pytest.mark.parametrize(
    ("guest", "place", "channel", "is_marketing"),
    [
        ({}, {}, "sms", True),
        ({"time_zone": "Pacific/Honolulu"}, {}, "sms", True),
        ({"phone": "+34612345678"}, {}, "sms", True),
        ({}, {"country": "ES", "region": "MD", "time_zone": "Europe/Madrid"}, "sms", True),
        ({}, {}, "sms", False),
        ({}, {}, "email", True),
    ],
)
def test_the_claim_builds_the_place_the_check_asked_about(
    message, monkeypatch, guest, place, channel, is_marketing
):
    for thing, fields in ((message.guest, guest), (message.location, place)):
        for name, value in fields.items():
            setattr(thing, name, value)
        thing.save()
    Message.objects.update(channel=channel)
    Play.objects.update(is_marketing=is_marketing)
    monkeypatch.setattr(conditions.hours.Hours, "is_open", lambda *_: True)
    wanted = place_of(message.guest, message.location, channel=channel, is_marketing=is_marketing)
    assert conditions.open_places(now=NOW, policy=OutreachPolicy.current()) == [wanted.key]


def test_the_gate_holds_by_the_state_of_the_number(message, now, monkeypatch):
    OutreachPolicy.objects.update(quiet_from=time(22))
    evening = local("2026-11-20 20:30")
    assert held(message, evening) == ""
    message.guest.phone = message.address = "+13055550142"
    message.guest.save()
    Message.objects.filter(pk=message.pk).update(address=message.address)
    assert held(message, evening) == "hours"
    calls: list[object] = []
    monkeypatch.setattr(
        sender.sms, "send", lambda **call: calls.append(call) or Outcome(Result.SENT)
    )
    assert sender.dispatch_due(now=evening) == 0
    assert calls == []


def test_the_gate_holds_by_the_state_of_the_location(message):
    OutreachPolicy.objects.update(quiet_from=time(22))
    message.location.region = "Florida"
    message.location.save()
    assert held(message, local("2026-11-20 20:30")) == "hours"
    assert held(message, local("2026-11-20 19:30")) == ""


def test_an_empty_table_is_not_an_open_gate(message):
    OutreachPolicy.objects.update(quiet_from=time(23), quiet_until=time(1))
    CallingHours.objects.all().delete()
    assert held(message, local("2026-11-20 21:30")) == "hours"


def test_changed_hours_hold_from_the_next_claim_on(message, admin, now):
    noon = local("2026-11-20 12:00")
    assert held(message, noon) == ""
    federal = CallingHours.objects.get(jurisdiction="US")
    data = {
        "jurisdiction": "US", "weekdays": EVERY_DAY, "opens": time(13), "closes": time(21),
        "marketing_only": False, "also_zone": "", "source": "a test", "note": "",
    }  # fmt: skip
    services.set_hours(data=data, by=admin, now=now, replaces_id=federal.pk)
    assert held(message, noon) == "hours"


# --- The settings -------------------------------------------------------------------------------


TYPED = {
    "jurisdiction": "US-WA", "weekdays": ["1", "2"], "opens": "08:00", "closes": "20:00",
    "marketing_only": "on", "also_zone": "", "source": "RCW 80.36.390", "note": "",
}  # fmt: skip


def test_hours_are_added_changed_and_ended_with_a_ledger_entry_each(client, admin):
    client.force_login(admin)
    assert client.post(reverse("settings-hours-add"), TYPED).status_code == 302
    row = CallingHours.objects.get(jurisdiction="US-WA")
    assert (row.weekdays, row.changed_by) == ([1, 2], admin)
    change = reverse("settings-hours-change", args=[row.pk])
    assert client.post(change, TYPED | {"closes": "19:00"}).status_code == 302
    row = CallingHours.objects.get(jurisdiction="US-WA", in_force=True)
    assert client.post(reverse("settings-hours-end", args=[row.pk])).status_code == 302
    assert CallingHours.objects.filter(jurisdiction="US-WA").count() == 2
    assert not CallingHours.objects.filter(jurisdiction="US-WA", in_force=True).exists()
    events = LedgerEntry.objects.order_by("pk").values_list("event", flat=True)
    assert list(events)[-3:] == ["hours.set", "hours.set", "hours.ended"]
    page = client.get(reverse("settings-hours") + "?all=1").content.decode()
    assert "no longer in force" in page


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"closes": "07:00"}, "must be later than"),
        ({"weekdays": []}, "required"),
        ({"also_zone": "Central"}, "no time zone Central"),
        ({"jurisdiction": "US-ZZ"}, "Select a valid choice"),
        ({"jurisdiction": "US-FL"}, "Florida has hours for Mon, Tue already"),
        ({"source": ""}, "required"),
    ],
)
def test_what_cannot_be_is_said(client, admin, typed, words):
    client.force_login(admin)
    lay_out()
    page = client.post(reverse("settings-hours-add"), TYPED | typed)
    assert page.status_code == 422
    assert words in page.content.decode()


def test_only_who_serves_every_location_changes_hours(manager, regional, elsewhere, now):
    lay_out()
    row = CallingHours.objects.get(jurisdiction="US")
    for user in (manager, regional):
        with pytest.raises(NotAllowed):
            services.end_hours(hours_id=row.pk, by=user, now=now)


def test_hours_changed_by_somebody_first_are_a_conflict(admin, now):
    lay_out()
    row = CallingHours.objects.get(jurisdiction="US")
    services.end_hours(hours_id=row.pk, by=admin, now=now)
    with pytest.raises(Conflict, match="changed meanwhile"):
        services.end_hours(hours_id=row.pk, by=admin, now=now)


def test_laid_out_once(db):
    assert lay_out() == len(DELIVERED)
    assert lay_out() == 0


def test_the_list_takes_few_queries(client, manager, django_assert_max_num_queries):
    client.force_login(manager)
    client.get(reverse("settings-hours"))
    with django_assert_max_num_queries(12):
        page = client.get(reverse("settings-hours"))
    assert "Rhode Island" in page.content.decode()
    assert reverse("settings-hours-add") not in page.content.decode()
