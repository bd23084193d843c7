"""Locations, plans, services, therapists: what the business offers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from memberships.mirror.staging import Written, differs, distinct, run, stage, taken_over
from platforms.records import LocationRecord, PlanRecord, ServiceRecord, TherapistRecord


def store_locations(records: Sequence[LocationRecord]) -> Written:
    """Upsert locations; those missing from a whole list close. An empty list closes nothing."""
    if not records:
        return Written()
    columns = ("code", "name", "time_zone", "currency", "country", "region", "phone", "email")
    stage(
        "incoming_location",
        {"external_id": "text", **dict.fromkeys(columns, "text"), "late_cancel_hours": "int"},
        distinct(
            (
                record.external_id,
                *(getattr(record, name) for name in columns),
                record.late_cancel_hours,
            )
            for record in records
        ),
    )
    kept = (
        "name",
        "code",
        "time_zone",
        "currency",
        "country",
        "region",
        "phone",
        "email",
        "late_cancel_hours",
        "is_active",
    )
    changed = run(
        f"""
        INSERT INTO memberships_location (external_id, {", ".join(kept)})
        SELECT i.external_id, i.name, i.code,
               COALESCE(NULLIF(i.time_zone, ''), old.time_zone),
               COALESCE(NULLIF(i.currency, ''), old.currency, 'USD'),
               COALESCE(NULLIF(i.country, ''), old.country, 'US'),
               COALESCE(NULLIF(i.region, ''), old.region, ''),
               COALESCE(NULLIF(i.phone, ''), old.phone, ''),
               COALESCE(NULLIF(i.email, ''), old.email, ''),
               COALESCE(i.late_cancel_hours, old.late_cancel_hours, 24), TRUE
        FROM incoming_location i
        LEFT JOIN memberships_location old ON old.external_id = i.external_id
        ORDER BY i.external_id
        ON CONFLICT (external_id) DO UPDATE SET {taken_over(kept)}
        WHERE {differs("memberships_location", kept)}
        """  # noqa: S608 - column names are ours
    )
    closed = run(
        """
        UPDATE memberships_location SET is_active = FALSE
        WHERE is_active AND external_id NOT IN (SELECT external_id FROM incoming_location)
        """
    )
    return Written(rows=len(records), changed=changed + closed)


def ensure_plans(records: Iterable[PlanRecord]) -> None:
    """Plans named by memberships but no longer on sale."""
    stage(
        "named_plan",
        {"external_id": "text", "code": "text", "name": "text", "kind": "text"},
        distinct((r.external_id, r.code, r.name, _kind(r)) for r in records),
    )
    run(
        """
        INSERT INTO memberships_plan (external_id, code, name, kind, is_on_sale, description)
        SELECT external_id, code, name, kind, FALSE, '' FROM named_plan ORDER BY external_id
        ON CONFLICT (external_id) DO NOTHING
        """
    )


def _kind(record: PlanRecord) -> str:
    return "non_recurring" if record.is_recurring is False else "recurring"


def store_plans(records: Sequence[PlanRecord]) -> Written:
    """Upsert what all locations sell; what none of them sells any more goes off sale."""
    stage(
        "incoming_plan",
        {
            "external_id": "text",
            "code": "text",
            "name": "text",
            "kind": "text",
            "price_cents": "bigint",
            "period_months": "int",
            "description": "text",
        },
        distinct(
            (
                r.external_id,
                r.code,
                r.name,
                _kind(r),
                r.price_cents,
                r.period_months,
                r.description or "",
            )
            for r in records
        ),
    )
    kept = ("code", "name", "kind", "price_cents", "period_months", "description", "is_on_sale")
    changed = run(
        f"""
        INSERT INTO memberships_plan (external_id, {", ".join(kept)})
        SELECT i.external_id, COALESCE(NULLIF(i.code, ''), old.code, ''), i.name, i.kind,
               COALESCE(i.price_cents, old.price_cents),
               COALESCE(i.period_months, old.period_months), i.description, TRUE
        FROM incoming_plan i
        LEFT JOIN memberships_plan old ON old.external_id = i.external_id
        ORDER BY i.external_id
        ON CONFLICT (external_id) DO UPDATE SET {taken_over(kept)}
        WHERE {differs("memberships_plan", kept)}
        """  # noqa: S608
    )
    ended = run(
        """
        UPDATE memberships_plan SET is_on_sale = FALSE
        WHERE is_on_sale AND external_id NOT IN (SELECT external_id FROM incoming_plan)
        """
    )
    return Written(rows=len(records), changed=changed + ended)


def _stage_services(records: Iterable[ServiceRecord]) -> None:
    stage(
        "incoming_service",
        {
            "external_id": "text",
            "name": "text",
            "code": "text",
            "category": "text",
            "duration_minutes": "int",
            "price_cents": "bigint",
            "is_addon": "boolean",
        },
        distinct(
            (
                r.external_id,
                r.name,
                r.code,
                r.category,
                r.duration_minutes,
                r.price_cents,
                r.is_addon,
            )
            for r in records
        ),
    )


def ensure_services(records: Iterable[ServiceRecord]) -> None:
    """Services named by bookings but not in the catalogue (any more)."""
    _stage_services(records)
    run(
        """
        INSERT INTO memberships_service
               (external_id, name, code, category, duration_minutes, price_cents, is_addon)
        SELECT external_id, name, COALESCE(code, ''), COALESCE(category, ''), duration_minutes,
               price_cents, COALESCE(is_addon, FALSE)
        FROM incoming_service ORDER BY external_id
        ON CONFLICT (external_id) DO NOTHING
        """
    )


def store_services(records: Sequence[ServiceRecord]) -> Written:
    """Upsert the catalogue; a service no longer listed stays, bookings name it."""
    _stage_services(records)
    kept = ("name", "code", "category", "duration_minutes", "price_cents", "is_addon")
    changed = run(
        f"""
        INSERT INTO memberships_service (external_id, {", ".join(kept)})
        SELECT i.external_id, i.name, COALESCE(i.code, old.code, ''),
               COALESCE(i.category, old.category, ''),
               COALESCE(i.duration_minutes, old.duration_minutes),
               COALESCE(i.price_cents, old.price_cents),
               COALESCE(i.is_addon, old.is_addon, FALSE)
        FROM incoming_service i
        LEFT JOIN memberships_service old ON old.external_id = i.external_id
        ORDER BY i.external_id
        ON CONFLICT (external_id) DO UPDATE SET {taken_over(kept)}
        WHERE {differs("memberships_service", kept)}
        """  # noqa: S608
    )
    return Written(rows=len(records), changed=changed)


def _stage_therapists(records: Iterable[TherapistRecord]) -> None:
    stage(
        "incoming_therapist",
        {"external_id": "text", "name": "text", "job": "text"},
        distinct((r.external_id, r.name, r.job) for r in records),
    )


def ensure_therapists(records: Iterable[TherapistRecord], *, location_id: int) -> None:
    """Therapists named by bookings who no longer work here."""
    _stage_therapists(records)
    run(
        """
        INSERT INTO memberships_therapist (external_id, name, job, location_id, is_active)
        SELECT external_id, name, COALESCE(job, ''), %(location)s, FALSE
        FROM incoming_therapist ORDER BY external_id
        ON CONFLICT (external_id) DO NOTHING
        """,
        {"location": location_id},
    )


def store_therapists(records: Sequence[TherapistRecord], *, location_id: int) -> Written:
    """Upsert the staff of a location; those missing from a whole list have left it."""
    _stage_therapists(records)
    kept = ("name", "job", "location_id", "is_active")
    changed = run(
        f"""
        INSERT INTO memberships_therapist (external_id, {", ".join(kept)})
        SELECT i.external_id, i.name, COALESCE(i.job, old.job, ''), %(location)s, TRUE
        FROM incoming_therapist i
        LEFT JOIN memberships_therapist old ON old.external_id = i.external_id
        ORDER BY i.external_id
        ON CONFLICT (external_id) DO UPDATE SET {taken_over(kept)}
        WHERE {differs("memberships_therapist", kept)}
        """,  # noqa: S608
        {"location": location_id},
    )
    left = 0
    if records:
        left = run(
            """
            UPDATE memberships_therapist SET is_active = FALSE
            WHERE is_active AND location_id = %(location)s
              AND external_id NOT IN (SELECT external_id FROM incoming_therapist)
            """,
            {"location": location_id},
        )
    return Written(rows=len(records), changed=changed + left)
