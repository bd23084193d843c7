"""From webhook to mirror: a delivery names what to read again, a worker reads it (INV-4, INV-5).

A delivery is never applied. It raises the generation of a hint; a worker leases the hint, notes
the generation, reads the entity through the API and closes the hint up to what it noted. A hint
raised meanwhile stays open. What a delivery does not name is found through the mirror, and what
that does not know comes with the nightly sweep.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import orjson
from django.db import connection, transaction
from django.db.models import F

from memberships import tasks
from memberships.mirror import book, contracts, people
from memberships.mirror.staging import Written
from memberships.models import Appointment, Guest, Location, Membership
from memberships.streams import FAILURES, announce, clock_from
from platforms import dead_letters, inbox
from platforms.models import EntityHint, InboxDelivery
from platforms.records import AppointmentRecord, GuestRecord, MembershipDetail, Page
from platforms.zenoti.adapter import Gone, Zenoti

log = logging.getLogger(__name__)

CONNECTION = "zenoti"
LEASE = timedelta(minutes=3)
BATCH = 40
MAX_ATTEMPTS = 8
# A read that was refused is tried again after this, doubled each time.
FIRST_WAIT = timedelta(seconds=10)

GUEST, MEMBERSHIPS, APPOINTMENT = "guest", "memberships", "appointment"
GROUP, CONTRACT, MEMBER_LIST = "group", "contract", "member-list"
R = TypeVar("R")


@dataclass(frozen=True)
class Named:
    """An entity a delivery names; `location` is the platform's id, empty when not told."""

    kind: str
    external_id: str
    location: str = ""


# --- Deliveries ----------------------------------------------------------------------------------
def handle_delivery(delivery: InboxDelivery, now: datetime) -> None:
    """Raise hints for what a delivery names. Raises inbox.Unreadable for what is no event."""
    try:
        envelope = orjson.loads(bytes(delivery.body))
    except orjson.JSONDecodeError as error:
        raise inbox.Unreadable("The delivery is not JSON.") from error
    if not isinstance(envelope, dict):
        raise inbox.Unreadable("The delivery is not an event.")
    # Some samples show only the data; on the wire there is an envelope.
    data = envelope.get("data", envelope)
    event = str(envelope.get("event_type") or delivery.event_type)
    found = named_in(event, data if isinstance(data, dict) else {})
    if found is None:
        raise inbox.Unreadable(f"No such event is known: {event[:60]!r}.")
    raise_hints(found, now=now)
    if found:
        transaction.on_commit(tasks.wake_hints, robust=True)


def _id(data: Any, *path: str) -> str:
    """A platform id under a path of keys, empty when there is none."""
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    text = str(data or "").strip().lower()
    return "" if text.startswith("00000000-0000") or len(text) > 64 else text


def _rows(data: dict[str, Any], key: str) -> list[Any]:
    rows = data.get(key)
    return rows if isinstance(rows, list) else []


def named_in(event: str, data: dict[str, Any]) -> list[Named] | None:
    """The entities an event names, by its type without regard to case and dots; None for a type
    that concerns nothing we know. Types we may ignore give an empty list."""
    word = event.replace(".", "").replace("_", "").replace(" ", "").lower()
    location = _id(data, "center_id") or _id(data, "center", "id")
    if word.startswith("guestmembership"):
        return _named_by_membership(data, location)
    if word.startswith(("guestpackage", "class", "employee")):
        return []
    if word.startswith("guest"):
        ids = [_id(data, name) for name in ("id", "guest_id", "target_guest_id", "source_guest_id")]
        ids += [_id(data, "guest", "id")]
        return [Named(GUEST, guest, location) for guest in dict.fromkeys(ids) if guest]
    if word.startswith("appointment"):
        return _named_by_appointment(data, location)
    if word.startswith("invoice"):
        invoice = data.get("invoice") if isinstance(data.get("invoice"), dict) else data
        return _named_by_invoice(invoice, location)
    return None


def _named_by_membership(data: dict[str, Any], location: str) -> list[Named]:
    """Created names the guest; Freeze and Cancelled name only the contract and the centre."""
    location = location or _id(data, "invoice_center_id")
    guest = _id(data, "guest_id") or _id(data, "guest", "id")
    contract = _id(data, "user_membership_id")
    if guest:
        return [Named(MEMBERSHIPS, guest, location)]
    if contract:
        return [Named(CONTRACT, contract, location)]
    return [Named(MEMBER_LIST, location, location)] if location else []


def _named_by_appointment(data: dict[str, Any], location: str) -> list[Named]:
    """Created and Completed list the bookings; Status names only their group."""
    found = [
        Named(APPOINTMENT, external_id, location)
        for row in _rows(data, "appointments")
        if (external_id := _id(row, "id") or _id(row, "appointment_id"))
    ]
    group = _id(data, "appointment_group_id")
    if group and not found:
        return [Named(GROUP, group, location)]
    return found


def _named_by_invoice(invoice: Any, location: str) -> list[Named]:
    """A closed invoice may complete visits and pay for memberships."""
    location = location or _id(invoice, "center_id")
    found = _named_by_appointment(invoice, location) if isinstance(invoice, dict) else []
    sells_membership = any(
        isinstance(row, dict) and row.get("type") == 3 for row in _rows(invoice, "invoice_items")
    )
    guest = _id(invoice, "guest", "id") or _id(invoice, "guest_id")
    if guest and (sells_membership or not found):
        found.append(Named(MEMBERSHIPS, guest, location))
    return found


def raise_hints(found: Sequence[Named], *, now: datetime) -> None:
    """Ask for these entities to be read again. One statement, whatever their number."""
    named = {(item.kind, item.external_id): item.location for item in found}
    if not named:
        return
    keys = sorted(named)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO platforms_entityhint (connection, kind, external_id, location_external_id,
                   sync_gen, done_gen, raised_at, due_at, attempt, error)
            SELECT %(connection)s, kind, external_id, location, 1, 0, %(now)s, %(now)s, 0, ''
            FROM unnest(%(kinds)s::text[], %(ids)s::text[], %(locations)s::text[])
                 AS named (kind, external_id, location)
            ON CONFLICT (connection, kind, external_id) DO UPDATE SET
                sync_gen = platforms_entityhint.sync_gen + 1, raised_at = EXCLUDED.raised_at,
                due_at = EXCLUDED.due_at, attempt = 0, error = '',
                location_external_id = COALESCE(NULLIF(EXCLUDED.location_external_id, ''),
                                                platforms_entityhint.location_external_id)
            """,
            {
                "connection": CONNECTION,
                "now": now,
                "kinds": [kind for kind, _ in keys],
                "ids": [external_id for _, external_id in keys],
                "locations": [named[key] for key in keys],
            },
        )


# --- Reading again -------------------------------------------------------------------------------
@dataclass
class Round:
    """One batch of leased hints on its way through the platform and into the mirror."""

    platform: Zenoti
    clock: Callable[[], datetime]
    now: datetime
    done: list[EntityHint] = field(default_factory=list)
    failed: list[tuple[EntityHint, str]] = field(default_factory=list)
    zones: dict[str, ZoneInfo] = field(default_factory=dict)
    pks: dict[str, int] = field(default_factory=dict)


def refresh_hints(*, now: datetime, limit: int = 2000) -> dict[str, int]:
    """Read again what webhooks named, until nothing is due. Counts of read, failed."""
    clock = clock_from(now)
    platform = Zenoti(clock=clock, interactive=True)
    counts: Counter[str] = Counter()
    while counts["read"] + counts["failed"] < limit:
        hints = _lease(clock(), BATCH)
        if not hints:
            break
        work = Round(platform, clock, now)
        for location in Location.objects.all():
            work.zones[location.external_id] = location.zone
            work.pks[location.external_id] = location.pk
        try:
            _read_batch(work, hints)
        except FAILURES as error:
            # The platform is away or the limit is reached: all of them wait.
            untouched = {hint.pk for hint in hints} - {hint.pk for hint in work.done}
            work.failed = [(hint, str(error)) for hint in hints if hint.pk in untouched]
        _postpone(work)
        counts["read"] += len(work.done)
        counts["failed"] += len(work.failed)
        if work.failed and not work.done:
            break
    return dict(counts)


@transaction.atomic(durable=True)
def _lease(now: datetime, limit: int) -> list[EntityHint]:
    """One leased fetch per entity at a time, the oldest due first."""
    rows = EntityHint.objects.raw(
        """
        UPDATE platforms_entityhint SET attempt = attempt + 1, leased_until = %(until)s
        WHERE id = ANY(ARRAY(
            SELECT id FROM platforms_entityhint
            WHERE sync_gen > done_gen AND due_at <= %(now)s AND connection = %(connection)s
              AND (leased_until IS NULL OR leased_until < %(now)s)
            ORDER BY due_at, id FOR UPDATE SKIP LOCKED LIMIT %(limit)s
        ))
        RETURNING *
        """,
        {"now": now, "until": now + LEASE, "connection": CONNECTION, "limit": limit},
    )
    return list(rows)


def _close(hints: Sequence[EntityHint]) -> None:
    """Mark as read up to the generation that was noted when the lease was taken."""
    if not hints:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE platforms_entityhint h
            SET done_gen = n.gen, leased_until = NULL, error = '',
                attempt = CASE WHEN h.sync_gen > n.gen THEN h.attempt ELSE 0 END
            FROM unnest(%s::bigint[], %s::bigint[]) AS n (id, gen)
            WHERE h.id = n.id AND h.done_gen < n.gen
            """,
            [[hint.pk for hint in hints], [hint.sync_gen for hint in hints]],
        )


def _postpone(work: Round) -> None:
    """What could not be read waits longer each time, and is parked in the end: the nightly sweep
    reads everything anyway."""
    given_up = []
    for hint, words in work.failed:
        if hint.attempt >= MAX_ATTEMPTS:
            given_up.append((hint, words))
            continue
        EntityHint.objects.filter(pk=hint.pk, attempt=hint.attempt).update(
            due_at=work.clock() + FIRST_WAIT * 2 ** (hint.attempt - 1),
            leased_until=None,
            error=words[:2000],
        )
    if given_up:
        with transaction.atomic():
            dead_letters.park(
                source="hook:zenoti",
                poisons=[
                    dead_letters.Poison(
                        payload=f"{hint.kind} {hint.external_id}",
                        reason=f"It could not be read again: {words}",
                        external_id=hint.external_id,
                        location_external_id=hint.location_external_id,
                    )
                    for hint, words in given_up
                ],
                now=work.now,
            )
            _close([hint for hint, _ in given_up])


def _read_batch(work: Round, hints: Sequence[EntityHint]) -> None:
    by_kind: dict[str, list[EntityHint]] = defaultdict(list)
    for hint in hints:
        by_kind[hint.kind].append(hint)
    _follow(work, by_kind.pop(GROUP, []), _bookings_of_groups)
    _follow(work, by_kind.pop(CONTRACT, []), _members_of_contracts)
    _read_appointments(work, by_kind.pop(APPOINTMENT, []))
    _read_guests(work, by_kind.pop(GUEST, []))
    _read_memberships(work, by_kind.pop(MEMBERSHIPS, []))
    for hint in by_kind.pop(MEMBER_LIST, []):
        _read_member_list(work, hint)
    for rest in by_kind.values():
        work.failed += [(hint, f"Nobody reads a {hint.kind}.") for hint in rest]


def _follow(
    work: Round,
    hints: list[EntityHint],
    resolve: Callable[[list[EntityHint]], dict[str, list[Named]]],
) -> None:
    """Hints that name a thing the platform cannot be asked for: what the mirror knows of it is
    read instead. Not known yet: tried again, the sync may bring it."""
    if not hints:
        return
    found = resolve(hints)
    known = [hint for hint in hints if found.get(hint.external_id)]
    with transaction.atomic():
        raise_hints([item for hint in known for item in found[hint.external_id]], now=work.now)
        _close(known)
    work.done += known
    work.failed += [
        (hint, f"The mirror knows no {hint.kind} {hint.external_id} yet.")
        for hint in hints
        if hint not in known
    ]


def _bookings_of_groups(hints: list[EntityHint]) -> dict[str, list[Named]]:
    found: dict[str, list[Named]] = defaultdict(list)
    rows = Appointment.objects.filter(
        group_external_id__in=[hint.external_id for hint in hints]
    ).values_list("group_external_id", "external_id", "location__external_id")
    for group, external_id, location in rows:
        found[group].append(Named(APPOINTMENT, external_id, location))
    return found


def _members_of_contracts(hints: list[EntityHint]) -> dict[str, list[Named]]:
    rows = Membership.objects.filter(
        external_id__in=[hint.external_id for hint in hints]
    ).values_list("external_id", "guest__external_id", "location__external_id")
    found = {contract: [Named(MEMBERSHIPS, guest, location)] for contract, guest, location in rows}
    for hint in hints:
        if hint.external_id not in found and hint.location_external_id:
            location = hint.location_external_id
            found[hint.external_id] = [Named(MEMBER_LIST, location, location)]
    return found


def _read_appointments(work: Round, hints: list[EntityHint]) -> None:
    """#15 for each, stored per location."""
    if not hints:
        return
    known = dict(
        Appointment.objects.filter(
            external_id__in=[hint.external_id for hint in hints]
        ).values_list("external_id", "location__external_id")
    )
    located, asked = [], []
    for hint in hints:
        location = hint.location_external_id or known.get(hint.external_id, "")
        if location in work.zones:
            located.append((location, work.zones[location]))
            asked.append(hint)
        else:
            work.failed.append((hint, "Its location is not known."))
    asked_at = work.clock()
    answers = work.platform.appointments_by_id([hint.external_id for hint in asked], located)
    records: dict[str, list[AppointmentRecord]] = defaultdict(list)
    read: dict[str, list[EntityHint]] = defaultdict(list)
    gone: list[EntityHint] = []
    poisons: list[dead_letters.Poison] = []
    for hint, (location, _), answer in zip(asked, located, answers, strict=True):
        if isinstance(answer, Page):
            records[location] += answer.records
            poisons += answer.poisons
            read[location].append(hint)
        elif isinstance(answer, Gone):
            gone.append(hint)
        else:
            work.failed.append((hint, str(answer)))
    for location, found in records.items():
        with transaction.atomic():
            written = book.store_appointments(
                found, location_id=work.pks[location], asked_at=asked_at
            )
            dead_letters.resolve(
                source="sync:appointments",
                external_ids=[record.external_id for record in found],
                now=work.now,
            )
            _close(read[location])
            announce(written, work.now)
        work.done += read[location]
    with transaction.atomic():
        dead_letters.park(source="sync:appointments", poisons=poisons, now=work.now)
        # A row that could not be read is parked; asking again at once would not help.
        unread = [hint for hints_ in read.values() for hint in hints_ if hint not in work.done]
        if gone:
            written = book.mark_vanished([hint.external_id for hint in gone], asked_at=asked_at)
            announce(written, work.now)
        _close([*gone, *unread])
    work.done += [*gone, *unread]


def _read_guests(work: Round, hints: list[EntityHint]) -> None:
    """#4 for each."""
    if not hints:
        return
    zone = next(iter(work.zones.values()), ZoneInfo("UTC"))
    asked_at = work.clock()
    records: list[GuestRecord] = []
    poisons: list[dead_letters.Poison] = []
    gone: list[str] = []
    closed: list[EntityHint] = []
    ids = [hint.external_id for hint in hints]
    for hint, answer in zip(hints, work.platform.guests_by_id(ids, zone), strict=True):
        if isinstance(answer, Page):
            records += answer.records
            poisons += answer.poisons
            closed.append(hint)
        elif isinstance(answer, Gone):
            gone.append(hint.external_id)
            closed.append(hint)
        else:
            work.failed.append((hint, str(answer)))
    fallback = next((work.pks.get(hint.location_external_id) for hint in closed), None)
    with transaction.atomic():
        dead_letters.park(source="sync:guests", poisons=poisons, now=work.now)
        written = people.store_guests(records, location_id=fallback, asked_at=asked_at)
        if gone:
            written.guest_ids += people.mark_vanished(gone, asked_at=asked_at)
        dead_letters.resolve(
            source="sync:guests", external_ids=[r.external_id for r in records], now=work.now
        )
        _close(closed)
        announce(written, work.now)
    work.done += closed


def _read_memberships(work: Round, hints: list[EntityHint]) -> None:
    """#9 for each guest; the platform wants the centre as well."""
    if not hints:
        return
    home = dict(
        Guest.objects.filter(external_id__in=[hint.external_id for hint in hints]).values_list(
            "external_id", "location__external_id"
        )
    )
    asked: dict[str, list[EntityHint]] = defaultdict(list)
    for hint in hints:
        location = hint.location_external_id or home.get(hint.external_id, "")
        if location in work.pks:
            asked[location].append(hint)
        else:
            work.failed.append((hint, "The guest's location is not known."))
    for location, group in asked.items():
        asked_at = work.clock()
        records: list[MembershipDetail] = []
        poisons: list[dead_letters.Poison] = []
        closed: list[EntityHint] = []
        answers = work.platform.memberships_of([(hint.external_id, location) for hint in group])
        for hint, answer in zip(group, answers, strict=True):
            if isinstance(answer, Page):
                records += answer.records
                poisons += answer.poisons
                closed.append(hint)
            elif isinstance(answer, Gone):
                closed.append(hint)
            else:
                work.failed.append((hint, str(answer)))
        with transaction.atomic():
            written = Written()
            if records:
                written = contracts.store_details(
                    records,
                    location_id=work.pks[location],
                    asked_at=asked_at,
                    today=work.now.astimezone(work.zones[location]).date(),
                )
            dead_letters.park(source="sync:details", poisons=poisons, now=work.now)
            _close(closed)
            announce(written, work.now)
        work.done += closed


def _read_member_list(work: Round, hint: EntityHint) -> None:
    """#7 narrowed to today and yesterday: an event named a contract nobody knows."""
    location = hint.location_external_id
    if location not in work.pks:
        work.failed.append((hint, "Its location is not known."))
        return
    today = work.now.astimezone(work.zones[location]).date()
    for page in work.platform.members(location, updated_since=today - timedelta(days=1)):
        with transaction.atomic():
            written = contracts.store_memberships(
                page.records, location_id=work.pks[location], asked_at=page.asked_at, today=today
            )
            dead_letters.park(source="sync:members", poisons=page.poisons, now=work.now)
            announce(written, work.now)
    with transaction.atomic():
        _close([hint])
    work.done.append(hint)


def waiting_hints(now: datetime) -> int:
    """Entities that should have been read again by now."""
    return EntityHint.objects.filter(sync_gen__gt=F("done_gen"), due_at__lte=now).count()
