"""Who looked at which guest: noted in front of the page, brought into the ledger a minute later.
A page about a guest is one look at each guest it shows, a list one look at all of them.

A page may not wait for the head of a chain, which a night may hold for a moment. So a look is first
a row of its own, one statement for all guests of a page; `note_pending` carries the rows into the
ledger. A person, a guest, a kind of page and a day make one look, however often it is repeated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction

from audit import services
from audit.models import GUEST_VIEWED, GUESTS_LISTED, ListLook, Look
from audit.services import Entry

BATCH = 2_000
# Looks of today have to be known to be counted once; older ones stand in the ledger.
KEEP = timedelta(days=2)

_NOTE = """
INSERT INTO audit_look (person_id, guest_id, location_id, place, on_day, at, is_noted)
SELECT %(person)s, seen.guest_id, seen.location_id, %(place)s, %(on)s, %(at)s, false
FROM unnest(%(guests)s::bigint[], %(locations)s::bigint[]) AS seen (guest_id, location_id)
ON CONFLICT (person_id, guest_id, place, on_day) DO NOTHING
"""

_NOTE_LIST = """
INSERT INTO audit_listlook (person_id, location_id, place, filters, guests, content, on_day, at,
    is_noted)
VALUES (%(person)s, %(location)s, %(place)s, %(filters)s, %(guests)s, %(content)s, %(on)s, %(at)s,
    false)
ON CONFLICT (person_id, place, on_day, content) DO NOTHING
"""


def note_read(
    *,
    by: AbstractBaseUser,
    place: str,
    guests: Iterable[tuple[int | None, int | None]],
    now: datetime,
) -> None:
    """Note that `by` was shown these guests: pairs of guest and location (guests that are not
    known are passed over). `place` says on which page, in words for staff. One statement."""
    seen = {guest: location for guest, location in guests if guest is not None}
    if not seen:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _NOTE,
            {
                "person": by.pk,
                "place": place,
                "on": now.astimezone(UTC).date(),
                "at": now,
                "guests": list(seen),
                "locations": list(seen.values()),
            },
        )


def note_list(
    *,
    by: AbstractBaseUser,
    place: str,
    guests: Sequence[tuple[int, int | None]],
    filters: Iterable[str],
    now: datetime,
) -> None:
    """Note that `by` was shown a list of these guests (pairs of guest and location), found by
    filters of these names: never by what was typed. One statement; a list of nobody is none."""
    if not guests:
        return
    shown = json.dumps([guest for guest, _location in guests])
    named = json.dumps(sorted(filters))
    locations = {location for _guest, location in guests}
    with connection.cursor() as cursor:
        cursor.execute(
            _NOTE_LIST,
            {
                "person": by.pk,
                "location": locations.pop() if len(locations) == 1 else None,
                "place": place,
                "filters": named,
                "guests": shown,
                "content": hashlib.sha256(f"{named}{shown}".encode()).hexdigest(),
                "on": now.astimezone(UTC).date(),
                "at": now,
            },
        )


def note_pending(*, now: datetime) -> int:
    """Bring the looks noted so far into the ledger, each with the instant it happened; how many.
    Rows that another worker has are left to it."""
    count = 0
    while batch := _note_batch() + _note_lists():
        count += batch
    for kind in (Look, ListLook):
        kind._default_manager.filter(is_noted=True, at__lt=now - KEEP).delete()
    return count


@transaction.atomic
def _note_lists() -> int:
    looks = list(
        ListLook.objects.select_for_update(skip_locked=True)
        .filter(is_noted=False)
        .order_by("at", "pk")[:BATCH]
    )
    people = get_user_model()._default_manager.in_bulk({look.person_id for look in looks})
    ListLook.objects.filter(pk__in=[look.pk for look in looks]).update(is_noted=True)
    services.record_many(
        [
            Entry(
                event=GUESTS_LISTED,
                at=look.at,
                by=people[look.person_id],
                location_id=look.location_id,
                detail={
                    "where": look.place,
                    "filters": look.filters,
                    "count": len(look.guests),
                    "guests": look.guests,
                },
            )
            for look in looks
        ]
    )
    return len(looks)


@transaction.atomic
def _note_batch() -> int:
    looks = list(
        Look.objects.select_for_update(skip_locked=True)
        .filter(is_noted=False)
        .order_by("at", "pk")[:BATCH]
    )
    people = get_user_model()._default_manager.in_bulk({look.person_id for look in looks})
    Look.objects.filter(pk__in=[look.pk for look in looks]).update(is_noted=True)
    services.record_many(
        [
            Entry(
                event=GUEST_VIEWED,
                at=look.at,
                by=people[look.person_id],
                location_id=look.location_id,
                guest_id=look.guest_id,
                detail={"where": look.place},
            )
            for look in looks
        ]
    )
    return len(looks)
