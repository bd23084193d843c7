"""The roll-up behind the member list says what the mirror says."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from memberships.models import Location
from retention.models import AtRiskDay, MemberRow
from retention.services import refresh_guests, refresh_location
from tests.factories.memberships import NOW, AppointmentFactory
from tests.retention.conftest import TODAY, MakeMember


def test_a_row_repeats_contract_guest_score_and_visits(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    member = make_member(
        guest__first_name="José",
        guest__last_name="Núñez",
        guest__phone="+12125550142",
        ends_on=date(2026, 12, 4),
        plan__period_months=12,
        plan__name="Glow",
        price_cents=120_000,
    )
    soon = AppointmentFactory(guest=member.guest, starts_at=now + timedelta(days=3))
    AppointmentFactory(guest=member.guest, starts_at=now + timedelta(days=1), status="cancelled")

    refresh_location(location_id=location.pk, now=now)

    row = MemberRow.objects.get()
    assert (row.membership_id, row.guest_id) == (member.pk, member.guest_id)
    assert (row.score, row.band, row.cause) == (82, "high", "usage_drop")
    assert row.sort_name == "nunez jose"
    assert "jose nunez" in row.search
    assert "12125550142" in row.search
    assert row.monthly_cents == 10_000
    assert row.renews_on == date(2026, 12, 4)
    assert row.last_visit_on == TODAY - timedelta(days=74)
    assert row.next_booking_at == soon.starts_at
    assert row.sms_allowed
    assert row.is_running
    assert row.is_current


def test_the_running_contract_stands_for_a_guest_with_several(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    member = make_member(started_on=date(2024, 1, 1))
    ended = make_member(
        guest=member.guest,
        score=None,
        status="cancelled",
        started_on=date(2025, 1, 1),
        ended_on=date(2025, 6, 1),
    )
    refresh_location(location_id=location.pk, now=now)
    current = MemberRow.objects.filter(is_current=True)
    assert [row.membership_id for row in current] == [member.pk]
    assert MemberRow.objects.filter(is_current=False).get().pk == ended.pk
    assert not MemberRow.objects.left(date(2025, 6, 1), date(2025, 6, 1)).exists()


def test_a_score_of_an_ended_contract_is_not_repeated(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    make_member(status="cancelled", ended_on=TODAY)
    refresh_location(location_id=location.pk, now=now)
    row = MemberRow.objects.get()
    assert row.score is None
    assert row.band == "unknown"


def test_a_vanished_or_merged_guest_leaves_the_list(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    gone, merged, kept = make_member(), make_member(), make_member()
    refresh_location(location_id=location.pk, now=now)
    assert MemberRow.objects.count() == 3
    gone.guest.vanished_at = now
    gone.guest.save()
    merged.guest.merged_into = kept.guest
    merged.guest.save()
    counts = refresh_guests(guest_ids=[gone.guest_id, merged.guest_id], now=now)
    assert counts["dropped"] == 2
    assert [row.membership_id for row in MemberRow.objects.all()] == [kept.pk]


def test_a_second_refresh_writes_no_row(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    make_member()
    make_member(score=None)
    assert refresh_location(location_id=location.pk, now=now)["written"] == 2
    assert refresh_location(location_id=location.pk, now=now) == {"written": 0, "dropped": 0}


def test_the_number_of_statements_does_not_grow_with_members(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            refresh_location(location_id=location.pk, now=now)
        return len(seen)

    make_member()
    few = statements()
    for _ in range(8):
        make_member()
    assert statements() == few


def test_the_day_is_noted_with_the_local_date_and_the_money_at_risk(
    location: Location, make_member: MakeMember
) -> None:
    make_member(score=82, band="high", price_cents=8_900)
    make_member(score=95, band="very_high", price_cents=10_000)
    make_member(score=20, band="low")
    make_member(score=None)
    late = NOW.replace(day=21, hour=3)  # still the 20th in New York
    refresh_location(location_id=location.pk, now=late)
    day = AtRiskDay.objects.get()
    assert (day.on, day.members, day.at_risk, day.at_risk_cents) == (TODAY, 4, 2, 18_900)


def test_a_changed_guest_is_followed(
    location: Location,
    make_member: MakeMember,
    now: datetime,
    django_capture_on_commit_callbacks: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from memberships.signals import appointments_changed, guests_changed
    from retention import tasks
    from risk.signals import members_scored

    asked: list[object] = []
    monkeypatch.setattr(
        tasks.refresh_guests, "apply_async", lambda args, **_: asked.append(args[0])
    )
    monkeypatch.setattr(
        tasks.refresh_members, "apply_async", lambda args, **_: asked.append(args[0])
    )
    member = make_member()
    booking = AppointmentFactory(guest=member.guest)
    guests_changed.send(None, guest_ids=[member.guest_id], now=now)
    appointments_changed.send(None, appointment_ids=[booking.pk], now=now)
    members_scored.send(None, location_id=location.pk, as_of_on=TODAY, now=now)
    assert asked == [[member.guest_id], [member.guest_id], location.pk]
