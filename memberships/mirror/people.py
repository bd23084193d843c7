"""Guests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

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
from platforms.records import GuestRecord, GuestStub

KEPT = (
    "code",
    "location_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "phone_as_given",
    "gender",
    "language",
    "registered_at",
    "sms_marketing",
    "sms_transactional",
    "email_marketing",
    "tags",
    "consents_at",
    "vanished_at",
)


def ensure_guests(stubs: Iterable[GuestStub], *, location_id: int) -> None:
    """Guests named inside other records whom the roster has not brought yet. No consent is
    assumed; the profile replaces the stub when it is read."""
    stage(
        "named_guest",
        {
            "external_id": "text",
            "code": "text",
            "first_name": "text",
            "last_name": "text",
            "email": "text",
            "phone": "text",
            "phone_as_given": "text",
        },
        distinct(
            (s.external_id, s.code, s.first_name, s.last_name, s.email, s.phone, s.phone_as_given)
            for s in stubs
        ),
    )
    run(
        """
        INSERT INTO memberships_guest (external_id, code, location_id, first_name, last_name,
               email, phone, phone_as_given, gender, language, time_zone, sms_marketing,
               sms_transactional, email_marketing, tags)
        SELECT n.external_id, n.code, %(location)s, n.first_name, n.last_name, n.email, n.phone,
               n.phone_as_given, '', '', '', FALSE, FALSE, FALSE, '{}'
        FROM named_guest n
        WHERE NOT EXISTS (SELECT FROM memberships_guest g WHERE g.external_id = n.external_id)
        ORDER BY n.external_id
        ON CONFLICT (external_id) DO NOTHING
        """,
        {"location": location_id},
    )


def store_guests(
    records: Sequence[GuestRecord], *, location_id: int | None, asked_at: datetime
) -> Written:
    """Upsert guests; `location_id` holds where a record names no known location (None: such a
    guest must be in the mirror already). What the platform does not say is kept."""
    stage(
        "incoming_guest",
        {
            "external_id": "text",
            "location": "text",
            "code": "text",
            "first_name": "text",
            "last_name": "text",
            "email": "text",
            "phone": "text",
            "phone_as_given": "text",
            "gender": "text",
            "registered_at": "timestamptz",
            "sms_marketing": "boolean",
            "sms_transactional": "boolean",
            "email_marketing": "boolean",
            "language": "text",
            "tags": "text[]",
        },
        distinct(
            (
                r.external_id,
                r.location,
                r.code,
                r.first_name,
                r.last_name,
                r.email,
                r.phone,
                r.phone_as_given,
                r.gender,
                r.registered_at,
                r.sms_marketing,
                r.sms_transactional,
                r.email_marketing,
                r.language,
                r.tags,
            )
            for r in records
        ),
    )
    changed = fetch(
        f"""
        INSERT INTO memberships_guest (external_id, {", ".join(KEPT)}, time_zone, read_at)
        SELECT i.external_id, i.code, COALESCE(l.id, old.location_id, %(location)s),
               i.first_name, i.last_name, i.email, i.phone, i.phone_as_given, i.gender,
               COALESCE(i.language, old.language, ''),
               COALESCE(i.registered_at, old.registered_at),
               COALESCE(i.sms_marketing, old.sms_marketing, FALSE),
               COALESCE(i.sms_transactional, old.sms_transactional, FALSE),
               COALESCE(i.email_marketing, old.email_marketing, FALSE),
               COALESCE(i.tags, old.tags, '{{}}'),
               CASE WHEN i.sms_marketing IS NULL AND i.email_marketing IS NULL
                    THEN old.consents_at ELSE COALESCE(old.consents_at, %(asked_at)s) END,
               NULL, COALESCE(old.time_zone, ''), %(asked_at)s
        FROM incoming_guest i
        LEFT JOIN memberships_guest old ON old.external_id = i.external_id
        LEFT JOIN memberships_location l ON l.external_id = i.location
        WHERE COALESCE(l.id, old.location_id, %(location)s) IS NOT NULL
        ORDER BY i.external_id
        ON CONFLICT (external_id) DO UPDATE SET {taken_over(KEPT)}, read_at = EXCLUDED.read_at
        WHERE {not_older("memberships_guest")} AND {differs("memberships_guest", KEPT)}
        RETURNING id
        """,  # noqa: S608
        {"location": location_id, "asked_at": asked_at},
    )
    return Written(
        rows=len(records), changed=len(changed), guest_ids=[guest_id for (guest_id,) in changed]
    )


def guests_missing_from(seen: Iterable[str], *, location_id: int) -> list[str]:
    """Ids of a location's present guests that a whole roster did not name."""
    stage("seen_guest", {"external_id": "text"}, ((external_id,) for external_id in set(seen)))
    rows = fetch(
        """
        SELECT g.external_id FROM memberships_guest g
        LEFT JOIN seen_guest s ON s.external_id = g.external_id
        WHERE g.location_id = %(location)s AND g.vanished_at IS NULL
          AND g.merged_into_id IS NULL AND s.external_id IS NULL
        ORDER BY g.id
        """,
        {"location": location_id},
    )
    return [external_id for (external_id,) in rows]


def mark_vanished(external_ids: Sequence[str], *, asked_at: datetime) -> list[int]:
    """The platform says it knows these guests no more. Ids of those that were present."""
    rows = fetch(
        """
        UPDATE memberships_guest SET vanished_at = %(at)s, read_at = %(at)s
        WHERE external_id = ANY(%(ids)s) AND vanished_at IS NULL
          AND (read_at IS NULL OR read_at <= %(at)s)
        RETURNING id
        """,
        {"ids": list(external_ids), "at": asked_at},
    )
    return [guest_id for (guest_id,) in rows]
