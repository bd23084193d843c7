"""The whole round trip: the simulated business over HTTP into the mirror."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from audit.models import LedgerEntry
from memberships import services
from memberships.location_sync import months_back
from memberships.models import (
    Appointment,
    Benefit,
    Charge,
    Guest,
    GuestDay,
    Location,
    LocationDay,
    Membership,
    Plan,
    Review,
    Service,
    SyncCursor,
    Therapist,
    WaitlistEntry,
)
from platforms.models import DeadLetter

pytestmark = pytest.mark.django_db


@pytest.fixture
def mirrored(platform, today):
    """One location of the simulated business, read once."""
    services.sync_directory(now=today)
    location = Location.objects.order_by("pk").first()
    services.sync_location(location_id=location.pk, now=today)
    return location


def test_backfill_brings_everything_and_a_second_run_changes_nothing(
    mirrored, platform, today, subtests
):
    location = mirrored
    center = location.external_id

    with subtests.test("catalogue"):
        assert Location.objects.count() == len(platform.rows("/v1/centers", "centers"))
        assert Plan.objects.filter(is_on_sale=True).count() > 0
        assert Service.objects.exclude(category="").count() > 0
        assert Therapist.objects.filter(location=location, is_active=True).exists()
        assert location.time_zone == "America/New_York" or "/" in location.time_zone

    with subtests.test("every guest, with phone and consents"):
        roster = platform.rows("/v1/guests", "guests", center_id=center)
        mirror = {guest.external_id: guest for guest in Guest.objects.filter(location=location)}
        assert set(mirror) >= {row["id"] for row in roster}
        with_phone = [row for row in roster if row["personal_info"]["mobile_phone"]]
        assert all(mirror[row["id"]].phone.startswith("+1") for row in with_phone)
        row = roster[0]
        assert mirror[row["id"]].sms_marketing is row["preferences"]["receive_marketing_sms"]
        assert mirror[row["id"]].consents_at is not None

    with subtests.test("every membership with its status"):
        listed = platform.rows(f"/v1/centers/{center}/members", "members")
        mirror = dict(Membership.objects.values_list("external_id", "status"))
        assert {row["id"]: row["status"].lower() for row in listed} == {
            row["id"]: mirror[row["id"]].replace("_", "") for row in listed
        }
        ended = Membership.objects.exclude(ended_on=None)
        assert not ended.filter(ending="").exists()
        assert not Membership.objects.running().exclude(ended_on=None).exists()
        assert Membership.objects.running().exclude(detailed_at=None).exists()
        assert Benefit.objects.exists()
        assert Charge.objects.exclude(membership=None).exists()

    with subtests.test("24 months of bookings and the coming 60 days"):
        cursor = SyncCursor.objects.get(location=location, stream="appointments")
        assert cursor.backfilled_to <= months_back(location.today(today), 24) + timedelta(days=6)
        assert Appointment.objects.filter(location=location).coming().exists()
        assert Appointment.objects.exclude(channel="").exists()
        assert Appointment.objects.filter(status="cancelled").exclude(cancel_reason="").exists()

    with subtests.test("extras"):
        assert WaitlistEntry.objects.exists()
        assert Review.objects.filter(rating__gte=1).exists()

    with subtests.test("roll-ups agree with the book"):
        visits = Appointment.objects.filter(location=location, status="completed").count()
        assert sum(GuestDay.objects.values_list("visits", flat=True)) == visits
        assert sum(LocationDay.objects.values_list("visits", flat=True)) == visits
        today_row = LocationDay.objects.get(location=location, on=location.today(today))
        assert (
            today_row.members
            == Membership.objects.filter(location=location, started_on__lte=today_row.on)
            .exclude(ended_on__lte=today_row.on)
            .count()
        )

    with subtests.test("nothing was parked, the ledger knows"):
        assert not DeadLetter.objects.exists()
        assert LedgerEntry.objects.filter(event="sync.finished").count() == 1

    with subtests.test("a second run changes no row"):
        before = _versions()
        counts = services.sync_location(location_id=location.pk, now=today + timedelta(minutes=5))
        assert counts["changed"] == 0
        assert counts["appointments"] > 0
        assert _versions() == before

    with subtests.test("reading everything again changes no row either"):
        counts = services.backfill_location(
            location_id=location.pk, now=today + timedelta(minutes=9)
        )
        assert counts["changed"] == 0
        assert _versions() == before


def _versions() -> dict[str, int]:
    """The newest row version of each mirror table: any write would raise it."""
    from django.db import connection

    tables = ["guest", "membership", "appointment", "charge", "benefit", "plan", "service"]
    tables += ["guestday", "locationday", "waitlistentry", "review"]
    with connection.cursor() as cursor:
        versions = {}
        for table in tables:
            cursor.execute(
                f"SELECT count(*), max(cmax::text || ctid::text) FROM memberships_{table}"  # noqa: S608
            )
            versions[table] = cursor.fetchone()
    return versions


def test_months_are_counted_by_the_calendar():
    assert months_back(date(2026, 11, 21), 24) == date(2024, 11, 1)
    assert months_back(date(2026, 1, 31), 1) == date(2025, 12, 1)


def test_through_faults_nothing_is_lost_and_afterwards_nothing_is_missing(
    mirrored, platform, today, monkeypatch
):
    """Calls fail, bodies break off, pages repeat, rows are poison: the mirror stays what it was,
    says what is not whole, and heals by itself."""
    monkeypatch.setattr("platforms.zenoti.client.time.sleep", lambda seconds: None)
    monkeypatch.setattr("platforms.zenoti.client.budget.close_for", lambda **given: None)
    location = mirrored
    before = _versions()
    platform.faults(
        http_500=0.1, truncated_body=0.1, repeated_page=0.1, hang_before=0.05, bad_date=3,
        unknown_status=2, missing_id=2, broken_encoding=2,
    )  # fmt: skip
    try:
        services.sync_location(location_id=location.pk, now=today + timedelta(minutes=5))
    except services.SyncFailed:
        assert SyncCursor.objects.exclude(error="").exists()
    finally:
        platform.faults()
    assert not Appointment.objects.exclude(vanished_at=None).exists()
    assert not Guest.objects.exclude(vanished_at=None).exists()
    services.sync_location(location_id=location.pk, now=today + timedelta(minutes=10))
    assert _versions() == before
    assert not SyncCursor.objects.filter(location=location).exclude(error="").exists()
    unresolved = DeadLetter.objects.filter(resolved_at=None)
    assert not unresolved.exclude(external_id="").exists()
