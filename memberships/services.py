"""Keeping the mirror: the first whole read, the repeated one, the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.apps import apps
from django.db import connection, transaction

from audit import services as audit
from memberships.events import SYNC_FINISHED
from memberships.location_sync import AHEAD_DAYS, BACK_MONTHS, LocationSync, months_back
from memberships.mirror import catalogue, rollups
from memberships.mirror.staging import Written
from memberships.models import WHOLE, Location, SyncCursor
from memberships.streams import (
    FAILURES,
    AlreadyRunning,
    Progress,
    Stream,
    SyncFailed,
    clock_from,
    only_one,
    silent,
)
from platforms import dead_letters
from platforms.records import (
    LocationRecord,
    Page,
    PlanRecord,
    ServiceRecord,
    TherapistRecord,
)
from platforms.zenoti.adapter import Zenoti

__all__ = [
    "AlreadyRunning",
    "SyncFailed",
    "backfill_location",
    "rebuild_days",
    "sync_directory",
    "sync_location",
]

DIRECTORY_EVERY = timedelta(hours=20)
WHOLE_ACCOUNT = 0


def sync_directory(
    *, now: datetime, progress: Progress = silent, zones: Mapping[str, str] | None = None
) -> dict[str, int]:
    """Locations, plans and services of the account, and each location's staff.

    `zones` gives the IANA zone of a location (by its code) whose platform names none; without it
    such a location is parked. Raises AlreadyRunning, and what a read raises."""
    with only_one(WHOLE_ACCOUNT):
        platform = Zenoti(clock=clock_from(now))
        counts: dict[str, int] = {}
        stream = Stream("locations", None, now=now, progress=progress, quiet=True)
        stream.begin(resume=False)
        try:
            page = _with_zones(platform.locations(), zones or {})
            stream.store(page, lambda: catalogue.store_locations(page.records))
        except FAILURES as error:
            stream.fail(error)
            raise
        stream.finish()
        counts["locations"] = stream.total.rows
        counts["changed"] = stream.total.changed
        locations = list(Location.objects.filter(is_active=True).order_by("external_id"))
        for name, read in (("plans", _plans), ("services", _services), ("therapists", _staff)):
            stream = Stream(name, None, now=now, progress=progress, quiet=True)
            stream.begin(resume=False)
            try:
                read(stream, platform, locations, now)
            except FAILURES as error:
                stream.fail(error)
                raise
            stream.finish()
            counts[name] = stream.total.rows
            counts["changed"] += stream.total.changed
    return counts


def _with_zones(page: Page[LocationRecord], zones: Mapping[str, str]) -> Page[LocationRecord]:
    """Locations with a zone; one nobody knows the zone of is parked: quiet hours need it."""
    known = dict(Location.objects.values_list("external_id", "time_zone"))
    sane, poisons = [], list(page.poisons)
    for record in page.records:
        zone = zones.get(record.code) or record.time_zone or known.get(record.external_id, "")
        if zone:
            sane.append(replace(record, time_zone=ZoneInfo(zone).key))
        else:
            poisons.append(
                dead_letters.Poison(
                    payload=repr(record),
                    reason="The platform names no IANA time zone for this location. Run "
                    f"`manage.py sync --zone {record.code}=America/New_York` with its zone.",
                    external_id=record.external_id,
                    location_external_id=record.external_id,
                )
            )
    return replace(page, records=sane, poisons=poisons)


def _plans(stream: Stream, platform: Zenoti, locations: list[Location], now: datetime) -> None:
    """Plans are told per location; the catalogue is their union, the first location's word."""
    found: dict[str, PlanRecord] = {}
    poisons: list[dead_letters.Poison] = []
    for location in locations:
        page = platform.plans(location.external_id)
        poisons += page.poisons
        for record in page.records:
            found.setdefault(record.external_id, record)
    records = list(found.values())
    page = Page(records, poisons, now)
    stream.store(page, lambda: catalogue.store_plans(records))


def _services(stream: Stream, platform: Zenoti, locations: list[Location], now: datetime) -> None:
    found: dict[str, ServiceRecord] = {}
    poisons: list[dead_letters.Poison] = []
    for location in locations:
        for page in platform.services(location.external_id):
            poisons += page.poisons
            for record in page.records:
                found.setdefault(record.external_id, record)
    records = list(found.values())
    stream.store(Page(records, poisons, now), lambda: catalogue.store_services(records))


def _staff(stream: Stream, platform: Zenoti, locations: list[Location], now: datetime) -> None:
    for location in locations:
        records: list[TherapistRecord] = []
        poisons: list[dead_letters.Poison] = []
        for page in platform.therapists(location.external_id, location.today(now)):
            records += page.records
            poisons += page.poisons
        stream.store(
            Page(records, poisons, now),
            _staff_writer(records, location.pk),
        )


def _staff_writer(records: list[TherapistRecord], pk: int) -> Callable[[], Written]:
    return lambda: catalogue.store_therapists(records, location_id=pk)


def _refresh_directory(now: datetime) -> None:
    """The catalogue, when it was not read lately. Another worker may be at it: that is enough."""
    newest = (
        SyncCursor.objects.filter(location=None, stream="therapists")
        .values_list("complete_at", flat=True)
        .first()
    )
    if newest is not None and now - newest < DIRECTORY_EVERY:
        return
    try:
        sync_directory(now=now)
    except AlreadyRunning:
        return


def is_backfilled(location_id: int) -> bool:
    """Whether the first whole read of the location is behind us."""
    return SyncCursor.objects.filter(
        location_id=location_id, stream=WHOLE, complete_at__isnull=False
    ).exists()


def backfill_location(
    *, location_id: int, now: datetime, progress: Progress = silent
) -> dict[str, int]:
    """The first whole read of a location: 24 months back, 60 days ahead. Goes on where a killed
    run stopped. Raises AlreadyRunning, SyncFailed (what arrived is kept)."""
    return _read(location_id, now, progress, backfill=True)


def sync_location(
    *, location_id: int, now: datetime, progress: Progress = silent
) -> dict[str, int]:
    """Bring a location up to date: what changed since the last run, with an overlap, and the
    days around today again. The first run is the backfill. Raises AlreadyRunning, SyncFailed."""
    _refresh_directory(now)
    return _read(location_id, now, progress, backfill=not is_backfilled(location_id))


def _read(location_id: int, now: datetime, progress: Progress, *, backfill: bool) -> dict[str, int]:
    location = Location.objects.get(pk=location_id)
    with only_one(location_id):
        clock = clock_from(now)
        work = LocationSync(
            location=location,
            platform=Zenoti(clock=clock),
            now=now,
            clock=clock,
            progress=progress,
            backfill=backfill,
        )
        counts = work.run()
        if backfill:
            refresh_statistics()
        with transaction.atomic():
            SyncCursor.objects.update_or_create(
                location=location,
                stream=WHOLE,
                defaults={"started_at": now, "complete_at": now, "covered_until": now},
            )
            audit.record(
                SYNC_FINISHED,
                at=now,
                location_id=location_id,
                detail={"rows": sum(_rows(counts)), "changed": counts["changed"]},
            )
    return counts


def refresh_statistics() -> None:
    """Tell the planner what the mirror holds by now. After a first read the autovacuum is a minute
    late, and what is planned as if the tables were empty takes minutes instead of seconds."""
    tables = [model._meta.db_table for model in apps.get_app_config("memberships").get_models()]
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(tables)}")


def _rows(counts: Mapping[str, int]) -> list[int]:
    return [count for name, count in counts.items() if not name.endswith("changed")]


@transaction.atomic
def rebuild_days(*, location_id: int, now: datetime) -> int:
    """Count all roll-ups of a location anew, as after a restore. Guest days counted."""
    location = Location.objects.get(pk=location_id)
    today = location.today(now)
    touched = rollups.touch_all(location_id=location_id)
    rollups.rebuild_touched()
    rollups.rebuild_member_days(
        location_id=location_id,
        first=months_back(today, BACK_MONTHS),
        last=today + timedelta(days=AHEAD_DAYS),
    )
    return touched
