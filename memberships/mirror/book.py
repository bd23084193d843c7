"""Appointments, what the report adds to them, the waitlist and reviews."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from memberships.mirror.catalogue import ensure_services, ensure_therapists
from memberships.mirror.people import ensure_guests
from memberships.mirror.rollups import forget_touched, rebuild_touched
from memberships.mirror.staging import (
    Written,
    differs,
    distinct,
    fetch,
    not_older,
    run,
    stage,
    taken_over,
)
from platforms.records import (
    AppointmentNote,
    AppointmentRecord,
    GuestStub,
    ReviewRecord,
    WaitlistRecord,
)

KEPT = (
    "group_external_id",
    "invoice_external_id",
    "location_id",
    "guest_id",
    "service_id",
    "therapist_id",
    "status",
    "booked_at",
    "starts_at",
    "ends_at",
    "starts_on",
    "cancelled_at",
    "is_late_cancellation",
    "price_cents",
    "vanished_at",
)

# When a cancellation happened is not on the wire: it is the first time we see it, at most the
# start. One that lies in the past when the mirror meets the booking has no known time.
_MERGE = f"""
WITH said AS (
    SELECT i.*, g.id AS guest_id, s.id AS service_id, t.id AS therapist_id, l.id AS location_id,
        l.late_cancel_hours,
        CASE WHEN i.status = 'cancelled' THEN COALESCE(old.cancelled_at,
            CASE WHEN old.status <> 'cancelled' OR i.starts_at > %(asked_at)s
                 THEN LEAST(%(asked_at)s, i.starts_at) END) END AS cancelled_at
    FROM incoming_appointment i
    JOIN memberships_location l ON l.id = %(location)s
    JOIN memberships_guest g ON g.external_id = i.guest
    LEFT JOIN memberships_service s ON s.external_id = i.service
    LEFT JOIN memberships_therapist t ON t.external_id = i.therapist
    LEFT JOIN memberships_appointment old ON old.external_id = i.external_id
), written AS (
    INSERT INTO memberships_appointment (external_id, {", ".join(KEPT)}, cancel_reason, channel,
           read_at)
    SELECT external_id, group_external_id, invoice_external_id, location_id, guest_id, service_id,
        therapist_id, status, booked_at, starts_at, ends_at, starts_on, cancelled_at,
        cancelled_at IS NOT NULL
            AND cancelled_at > starts_at - make_interval(hours => late_cancel_hours),
        price_cents, NULL, '', '', %(asked_at)s
    FROM said ORDER BY external_id
    ON CONFLICT (external_id) DO UPDATE SET {taken_over(KEPT)}, read_at = EXCLUDED.read_at
    WHERE {not_older("memberships_appointment")} AND {differs("memberships_appointment", KEPT)}
    RETURNING id, guest_id, location_id, starts_on, starts_at
), noted AS (
    INSERT INTO touched_day SELECT guest_id, location_id, starts_on FROM written
)
SELECT id, starts_at > %(asked_at)s - interval '2 days' FROM written
"""  # noqa: S608 - column names are ours


def store_appointments(
    records: Sequence[AppointmentRecord],
    *,
    location_id: int,
    asked_at: datetime,
    roll_up: bool = True,
) -> Written:
    """Upsert bookings of one location and rebuild the roll-ups of the days they touch; a
    backfill counts the days once, at its end (`roll_up=False`).

    `appointment_ids` of the answer are the changed ones that are recent or to come."""
    stage(
        "incoming_appointment",
        {
            "external_id": "text",
            "group_external_id": "text",
            "invoice_external_id": "text",
            "guest": "text",
            "service": "text",
            "therapist": "text",
            "status": "text",
            "booked_at": "timestamptz",
            "starts_at": "timestamptz",
            "ends_at": "timestamptz",
            "starts_on": "date",
            "price_cents": "bigint",
        },
        distinct(
            (
                r.external_id,
                r.group,
                r.invoice,
                r.guest.external_id,
                r.service.external_id if r.service else None,
                r.therapist.external_id if r.therapist else None,
                r.status,
                r.booked_at,
                r.starts_at,
                r.ends_at,
                r.starts_on,
                r.price_cents,
            )
            for r in records
        ),
    )
    ensure_guests((r.guest for r in records), location_id=location_id)
    ensure_services(r.service for r in records if r.service)
    ensure_therapists((r.therapist for r in records if r.therapist), location_id=location_id)
    forget_touched()
    if roll_up:
        # A booking that moves leaves a day behind, which must be counted anew as well.
        run(
            """
            INSERT INTO touched_day
            SELECT old.guest_id, old.location_id, old.starts_on
            FROM incoming_appointment i
            JOIN memberships_appointment old ON old.external_id = i.external_id
            WHERE old.starts_on <> i.starts_on OR old.location_id <> %(location)s
            """,
            {"location": location_id},
        )
    changed = fetch(_MERGE, {"location": location_id, "asked_at": asked_at})
    if changed and roll_up:
        rebuild_touched()
    return Written(
        rows=len(records),
        changed=len(changed),
        appointment_ids=[pk for pk, is_recent in changed if is_recent],
    )


def appointments_missing_from(
    seen: Sequence[str], *, location_id: int, first: date, last: date
) -> list[str]:
    """Ids the mirror has on first..last (local dates) that a whole read of them did not bring."""
    stage(
        "seen_appointment", {"external_id": "text"}, ((external_id,) for external_id in set(seen))
    )
    rows = fetch(
        """
        SELECT a.external_id FROM memberships_appointment a
        LEFT JOIN seen_appointment s ON s.external_id = a.external_id
        WHERE a.location_id = %(location)s AND a.starts_on BETWEEN %(first)s AND %(last)s
          AND a.vanished_at IS NULL AND s.external_id IS NULL
        ORDER BY a.starts_at, a.id
        """,
        {"location": location_id, "first": first, "last": last},
    )
    return [external_id for (external_id,) in rows]


def mark_vanished(external_ids: Sequence[str], *, asked_at: datetime) -> Written:
    """The platform says it knows these bookings no more: they stop to count."""
    forget_touched()
    rows = fetch(
        """
        WITH gone AS (
            UPDATE memberships_appointment SET vanished_at = %(at)s, read_at = %(at)s
            WHERE external_id = ANY(%(ids)s) AND vanished_at IS NULL
              AND (read_at IS NULL OR read_at <= %(at)s)
            RETURNING id, guest_id, location_id, starts_on
        ), noted AS (
            INSERT INTO touched_day SELECT guest_id, location_id, starts_on FROM gone
        )
        SELECT id FROM gone
        """,
        {"ids": list(external_ids), "at": asked_at},
    )
    if rows:
        rebuild_touched()
    return Written(changed=len(rows), appointment_ids=[pk for (pk,) in rows])


def store_notes(
    records: Sequence[AppointmentNote], *, asked_at: datetime, roll_up: bool = True
) -> Written:
    """What the report says about bookings the mirror has. A cancellation time it names holds."""
    stage(
        "incoming_note",
        {
            "external_id": "text",
            "channel": "text",
            "is_first_visit": "boolean",
            "cancelled_at": "timestamptz",
            "cancel_reason": "text",
        },
        distinct(
            (r.external_id, r.channel, r.is_first_visit, r.cancelled_at, r.cancel_reason)
            for r in records
        ),
    )
    forget_touched()
    changed = fetch(
        """
        WITH said AS (
            SELECT a.id, COALESCE(NULLIF(i.channel, ''), a.channel) AS channel,
                COALESCE(i.is_first_visit, a.is_first_visit) AS is_first_visit,
                COALESCE(NULLIF(i.cancel_reason, ''), a.cancel_reason) AS cancel_reason,
                CASE WHEN a.status = 'cancelled'
                     THEN COALESCE(i.cancelled_at, a.cancelled_at) END AS cancelled_at,
                l.late_cancel_hours
            FROM incoming_note i
            JOIN memberships_appointment a ON a.external_id = i.external_id
            JOIN memberships_location l ON l.id = a.location_id
        ), noted AS (
            UPDATE memberships_appointment a SET channel = s.channel,
                is_first_visit = s.is_first_visit, cancel_reason = s.cancel_reason,
                cancelled_at = s.cancelled_at,
                is_late_cancellation = s.cancelled_at IS NOT NULL
                    AND s.cancelled_at > a.starts_at - make_interval(hours => s.late_cancel_hours)
            FROM said s
            WHERE a.id = s.id AND (a.channel, a.is_first_visit, a.cancel_reason, a.cancelled_at)
                IS DISTINCT FROM (s.channel, s.is_first_visit, s.cancel_reason, s.cancelled_at)
            RETURNING a.id, a.guest_id, a.location_id, a.starts_on, a.status, a.starts_at
        ), touched AS (
            INSERT INTO touched_day
            SELECT guest_id, location_id, starts_on FROM noted WHERE status = 'cancelled'
        )
        SELECT id, starts_at > %(asked_at)s - interval '2 days' FROM noted
        """,
        {"asked_at": asked_at},
    )
    if changed and roll_up:
        rebuild_touched()
    return Written(
        rows=len(records),
        changed=len(changed),
        appointment_ids=[pk for pk, is_recent in changed if is_recent],
    )


def store_waitlist(records: Sequence[WaitlistRecord], *, location_id: int) -> Written:
    """Upsert waitlist entries of a location."""
    ensure_guests((r.guest for r in records), location_id=location_id)
    stage(
        "incoming_waitlist",
        {
            "external_id": "text",
            "guest": "text",
            "service": "text",
            "therapist": "text",
            "status": "text",
            "from_at": "timestamptz",
            "until_at": "timestamptz",
            "added_at": "timestamptz",
        },
        distinct(
            (
                r.external_id,
                r.guest.external_id,
                r.service,
                r.therapist,
                r.status,
                r.from_at,
                r.until_at,
                r.added_at,
            )
            for r in records
        ),
    )
    kept = (
        "location_id",
        "guest_id",
        "service_id",
        "therapist_id",
        "status",
        "from_at",
        "until_at",
        "added_at",
    )
    changed = run(
        f"""
        INSERT INTO memberships_waitlistentry (external_id, {", ".join(kept)})
        SELECT i.external_id, %(location)s, g.id, s.id, t.id, i.status, i.from_at, i.until_at,
               i.added_at
        FROM incoming_waitlist i
        JOIN memberships_guest g ON g.external_id = i.guest
        LEFT JOIN memberships_service s ON s.external_id = i.service
        LEFT JOIN memberships_therapist t ON t.external_id = i.therapist
        ORDER BY i.external_id
        ON CONFLICT (external_id) DO UPDATE SET {taken_over(kept)}
        WHERE {differs("memberships_waitlistentry", kept)}
        """,  # noqa: S608
        {"location": location_id},
    )
    return Written(rows=len(records), changed=changed)


def withdraw_waitlist_missing_from(seen: Sequence[str], *, location_id: int) -> int:
    """Open entries that a whole read did not bring are withdrawn."""
    return run(
        """
        UPDATE memberships_waitlistentry SET status = 'withdrawn'
        WHERE location_id = %(location)s AND status = 'open' AND NOT external_id = ANY(%(seen)s)
        """,
        {"location": location_id, "seen": list(seen)},
    )


def store_reviews(records: Sequence[ReviewRecord], *, location_id: int) -> Written:
    """Upsert what guests said."""
    ensure_guests((GuestStub(r.guest) for r in records), location_id=location_id)
    stage(
        "incoming_review",
        {
            "external_id": "text",
            "guest": "text",
            "appointment": "text",
            "rating": "float8",
            "comment": "text",
            "written_at": "timestamptz",
        },
        distinct(
            (r.external_id, r.guest, r.appointment, r.rating, r.comment, r.written_at)
            for r in records
        ),
    )
    kept = ("location_id", "guest_id", "appointment_id", "rating", "comment", "written_at")
    changed = run(
        f"""
        INSERT INTO memberships_review (external_id, {", ".join(kept)})
        SELECT i.external_id, %(location)s, g.id, a.id, i.rating, i.comment, i.written_at
        FROM incoming_review i
        JOIN memberships_guest g ON g.external_id = i.guest
        LEFT JOIN memberships_appointment a ON a.external_id = i.appointment
        ORDER BY i.external_id
        ON CONFLICT (external_id) DO UPDATE SET {taken_over(kept)}
        WHERE {differs("memberships_review", kept)}
        """,  # noqa: S608
        {"location": location_id},
    )
    return Written(rows=len(records), changed=changed)
