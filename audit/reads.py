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
from typing import Any

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
    while batch := _note_batch(Look) + _note_batch(ListLook):
        count += batch
    for kind in (Look, ListLook):
        kind._default_manager.filter(is_noted=True, at__lt=now - KEEP).delete()
    return count


@transaction.atomic
def _note_batch(kind: type[Look] | type[ListLook]) -> int:
    looks: list[Look | ListLook] = list(
        kind._default_manager.select_for_update(skip_locked=True)
        .filter(is_noted=False)
        .order_by("at", "pk")[:BATCH]
    )
    people = get_user_model()._default_manager.in_bulk({look.person_id for look in looks})
    kind._default_manager.filter(pk__in=[look.pk for look in looks]).update(is_noted=True)
    services.record_many([_entry(look, by=people[look.person_id]) for look in looks])
    return len(looks)


def _entry(look: Look | ListLook, *, by: Any) -> Entry:
    seen: dict[str, Any] = {"at": look.at, "by": by, "location_id": look.location_id}
    if isinstance(look, Look):
        return Entry(
            event=GUEST_VIEWED, guest_id=look.guest_id, detail={"where": look.place}, **seen
        )
    return Entry(
        event=GUESTS_LISTED,
        detail={
            "where": look.place,
            "filters": look.filters,
            "count": len(look.guests),
            "guests": look.guests,
        },
        **seen,
    )
