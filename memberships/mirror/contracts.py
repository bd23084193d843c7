"""Memberships, their benefits and charges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from memberships.mirror.catalogue import ensure_plans
from memberships.mirror.people import ensure_guests
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
from platforms.records import ChargeRecord, GuestStub, MembershipDetail, MembershipRecord

COLUMNS = {
    "external_id": "text",
    "guest": "text",
    "plan": "text",
    "status": "text",
    "recurrence_status": "text",
    "started_on": "date",
    "member_since_on": "date",
    "ends_on": "date",
    "sold_on": "date",
    "auto_renews": "boolean",
    "price_cents": "bigint",
    "next_charge_on": "date",
    "next_charge_cents": "bigint",
    "card_expires_on": "date",
    "frozen_on": "date",
    "frozen_until_on": "date",
    "suspended_on": "date",
    "cancel_requested_on": "date",
    "terminates_on": "date",
    "cancelled_on": "date",
    "closed_on": "date",
    "credit_total_cents": "bigint",
    "credit_balance_cents": "bigint",
}
KEPT = (
    "guest_id",
    "location_id",
    "plan_id",
    "status",
    "recurrence_status",
    "started_on",
    "member_since_on",
    "ends_on",
    "sold_on",
    "auto_renews",
    "price_cents",
    "next_charge_on",
    "next_charge_cents",
    "card_expires_on",
    "frozen_on",
    "frozen_until_on",
    "suspended_on",
    "cancel_requested_on",
    "terminates_on",
    "cancelled_on",
    "ended_on",
    "ending",
    "credit_total_cents",
    "credit_balance_cents",
)
ENDED = "('cancelled', 'expired', 'closed', 'inactive', 'refunded', 'deleted')"
UNPAID = "('suspended', 'failed')"

# The list (#7) knows start, sale and renewal; the detail (#9) knows balances, dates of the next
# charge, of the card and of cancelling. Each keeps what only the other knows.
_MERGE = f"""
WITH said AS (
    SELECT i.external_id, g.id AS guest_id,
        COALESCE(old.location_id, %(location)s) AS location_id, p.id AS plan_id,
        i.status, i.recurrence_status,
        COALESCE(i.started_on, old.started_on, i.member_since_on) AS started_on,
        COALESCE(i.member_since_on, old.member_since_on) AS member_since_on,
        COALESCE(i.ends_on, old.ends_on) AS ends_on,
        COALESCE(i.sold_on, old.sold_on) AS sold_on,
        COALESCE(i.auto_renews, old.auto_renews, FALSE) AS auto_renews,
        COALESCE(i.price_cents, old.price_cents, p.price_cents) AS price_cents,
        CASE WHEN %(detail)s THEN i.next_charge_on ELSE old.next_charge_on END AS next_charge_on,
        CASE WHEN %(detail)s THEN i.next_charge_cents ELSE old.next_charge_cents END
            AS next_charge_cents,
        CASE WHEN %(detail)s THEN i.card_expires_on ELSE old.card_expires_on END
            AS card_expires_on,
        CASE WHEN i.status = 'frozen'
             THEN COALESCE(i.frozen_on, old.frozen_on, %(today)s) END AS frozen_on,
        CASE WHEN i.status = 'frozen'
             THEN COALESCE(i.frozen_until_on, old.frozen_until_on) END AS frozen_until_on,
        CASE WHEN i.status IN {UNPAID}
             THEN COALESCE(i.suspended_on, old.suspended_on, %(today)s)
             WHEN i.status IN {ENDED} THEN COALESCE(i.suspended_on, old.suspended_on) END
            AS suspended_on,
        CASE WHEN %(detail)s THEN i.cancel_requested_on ELSE old.cancel_requested_on END
            AS cancel_requested_on,
        CASE WHEN %(detail)s THEN i.terminates_on ELSE old.terminates_on END AS terminates_on,
        CASE WHEN i.status IN {ENDED} THEN COALESCE(i.cancelled_on, old.cancelled_on)
             ELSE i.cancelled_on END AS cancelled_on,
        i.closed_on, old.ended_on AS known_end, old.ending AS known_ending,
        old.status AS old_status,
        CASE WHEN %(detail)s THEN i.credit_total_cents ELSE old.credit_total_cents END
            AS credit_total_cents,
        CASE WHEN %(detail)s THEN i.credit_balance_cents ELSE old.credit_balance_cents END
            AS credit_balance_cents
    FROM incoming_membership i
    JOIN memberships_guest g ON g.external_id = i.guest
    JOIN memberships_plan p ON p.external_id = i.plan
    LEFT JOIN memberships_membership old ON old.external_id = i.external_id
), dated AS (
    SELECT said.*,
        CASE WHEN status IN {ENDED} THEN
            -- The first date that says when the contract stopped; never in the future, never
            -- before its start; without any, the day we first saw it ended.
            GREATEST(started_on, COALESCE(
                CASE WHEN told <= %(today)s THEN told END, known_end, %(today)s))
        END AS ended_on
    FROM said, LATERAL (SELECT CASE
        WHEN status = 'expired' THEN COALESCE(ends_on, closed_on)
        ELSE COALESCE(terminates_on, closed_on, cancelled_on, ends_on) END AS told) AS end_said
    WHERE started_on IS NOT NULL
)
INSERT INTO memberships_membership (external_id, {", ".join(KEPT)}, read_at)
SELECT external_id, guest_id, location_id, plan_id, status, recurrence_status, started_on,
    member_since_on, ends_on, sold_on, auto_renews, price_cents, next_charge_on,
    next_charge_cents, card_expires_on, frozen_on, frozen_until_on, suspended_on,
    cancel_requested_on, terminates_on, cancelled_on, ended_on,
    CASE WHEN ended_on IS NULL THEN ''
         WHEN known_ending <> '' AND old_status = status THEN known_ending
         WHEN cancel_requested_on IS NULL AND (recurrence_status IN {UNPAID}
              OR old_status IN {UNPAID} OR suspended_on IS NOT NULL) THEN 'involuntary'
         ELSE 'voluntary' END,
    credit_total_cents, credit_balance_cents, %(asked_at)s
FROM dated ORDER BY external_id
ON CONFLICT (external_id) DO UPDATE SET {taken_over(KEPT)}, read_at = EXCLUDED.read_at
WHERE {not_older("memberships_membership")} AND {differs("memberships_membership", KEPT)}
RETURNING guest_id
"""  # noqa: S608 - column names are ours


def _merge(
    rows: Iterable[dict[str, Any]],
    *,
    detail: bool,
    location_id: int,
    asked_at: datetime,
    today: date,
) -> list[int]:
    stage(
        "incoming_membership",
        COLUMNS,
        distinct(tuple(row.get(name) for name in COLUMNS) for row in rows),
    )
    changed = fetch(
        _MERGE,
        {"detail": detail, "location": location_id, "asked_at": asked_at, "today": today},
    )
    return [guest_id for (guest_id,) in changed]


def store_memberships(
    records: Sequence[MembershipRecord], *, location_id: int, asked_at: datetime, today: date
) -> Written:
    """Upsert rows of a location's member list. `today` is the location's date."""
    ensure_guests((r.guest for r in records), location_id=location_id)
    ensure_plans(r.plan for r in records)
    changed = _merge(
        (
            {
                "external_id": r.external_id,
                "guest": r.guest.external_id,
                "plan": r.plan.external_id,
                "status": r.status,
                "recurrence_status": r.recurrence_status,
                "started_on": r.started_on,
                "ends_on": r.ends_on,
                "sold_on": r.sold_on,
                "auto_renews": r.auto_renews,
                "frozen_on": r.frozen_on,
                "cancelled_on": r.cancelled_on,
                "closed_on": r.closed_on,
            }
            for r in records
        ),
        detail=False,
        location_id=location_id,
        asked_at=asked_at,
        today=today,
    )
    return Written(rows=len(records), changed=len(changed), guest_ids=changed)


def store_details(
    records: Sequence[MembershipDetail], *, location_id: int, asked_at: datetime, today: date
) -> Written:
    """Upsert memberships with balances, benefits and invoices. `asked_at` is that of the oldest
    answer among them."""
    if not records:
        return Written()
    ensure_guests((GuestStub(r.guest) for r in records), location_id=location_id)
    ensure_plans(r.plan for r in records)
    changed = _merge(
        (
            {
                "external_id": r.external_id,
                "guest": r.guest,
                "plan": r.plan.external_id,
                **{name: getattr(r, name, None) for name in COLUMNS if name not in _REFERENCES},
            }
            for r in records
        ),
        detail=True,
        location_id=location_id,
        asked_at=asked_at,
        today=today,
    )
    benefits = _store_benefits(records)
    lines = _store_invoices(records)
    # Marked at most twice a day: the mark alone would make every run write every row.
    run(
        """
        UPDATE memberships_membership m SET detailed_at = %(at)s
        FROM incoming_membership i
        WHERE m.external_id = i.external_id
          AND (m.detailed_at IS NULL OR m.detailed_at < %(at)s - interval '12 hours')
        """,
        {"at": asked_at},
    )
    return Written(
        rows=len(records),
        changed=len(changed) + benefits + lines,
        guest_ids=changed,
    )


_REFERENCES = {"external_id", "guest", "plan"}


def _store_benefits(records: Sequence[MembershipDetail]) -> int:
    """Replace the benefits of the memberships in `records` where they differ."""
    stage(
        "incoming_benefit",
        {
            "membership": "text",
            "service": "text",
            "service_name": "text",
            "total": "int",
            "used": "int",
            "balance": "int",
            "expired": "int",
            "expires_on": "date",
            "last_used_on": "date",
        },
        (
            (
                record.external_id,
                benefit.service,
                benefit.service_name,
                benefit.total,
                benefit.used,
                benefit.balance,
                benefit.expired,
                benefit.expires_on,
                benefit.last_used_on,
            )
            for record in records
            for benefit in record.benefits
        ),
    )
    kept = (
        "service_id",
        "service_name",
        "total",
        "used",
        "balance",
        "expired",
        "expires_on",
        "last_used_on",
    )
    written = run(
        f"""
        INSERT INTO memberships_benefit (membership_id, service_external_id, {", ".join(kept)})
        SELECT m.id, i.service, s.id, i.service_name, i.total, i.used, i.balance, i.expired,
               i.expires_on, i.last_used_on
        FROM incoming_benefit i
        JOIN memberships_membership m ON m.external_id = i.membership
        LEFT JOIN memberships_service s ON s.external_id = i.service
        ORDER BY m.id, i.service
        ON CONFLICT (membership_id, service_external_id) DO UPDATE SET {taken_over(kept)}
        WHERE {differs("memberships_benefit", kept)}
        """  # noqa: S608
    )
    removed = run(
        """
        DELETE FROM memberships_benefit b USING memberships_membership m, incoming_membership i
        WHERE b.membership_id = m.id AND m.external_id = i.external_id AND NOT EXISTS (
            SELECT FROM incoming_benefit n
            WHERE n.membership = m.external_id AND n.service = b.service_external_id)
        """
    )
    return written + removed


def _store_invoices(records: Sequence[MembershipDetail]) -> int:
    """Invoices of memberships: link the charges we know, add those the report did not bring."""
    stage(
        "incoming_invoice",
        {
            "invoice": "text",
            "membership": "text",
            "invoice_no": "text",
            "charged_on": "date",
            "price_cents": "bigint",
            "paid_cents": "bigint",
            "is_voided": "boolean",
            "payment_type": "text",
        },
        distinct(
            (
                line.invoice,
                record.external_id,
                line.invoice_no,
                line.on,
                line.price_cents,
                line.paid_cents,
                line.is_voided,
                line.payment_type,
            )
            for record in records
            for line in record.invoices
        ),
    )
    linked = run(
        """
        UPDATE memberships_charge c SET membership_id = m.id
        FROM incoming_invoice i
        JOIN memberships_membership m ON m.external_id = i.membership
        WHERE c.invoice_external_id = i.invoice AND c.membership_id IS DISTINCT FROM m.id
        """
    )
    added = run(
        """
        INSERT INTO memberships_charge (external_id, invoice_external_id, invoice_no, membership_id,
               guest_id, location_id, charged_on, status, amount_cents, due_cents, payment_type,
               decline_code)
        SELECT i.invoice || ':' || i.charged_on, i.invoice, i.invoice_no, m.id, m.guest_id,
               m.location_id, i.charged_on,
               CASE WHEN i.paid_cents >= i.price_cents THEN 'paid'
                    WHEN i.is_voided THEN 'failed' ELSE 'open' END,
               i.price_cents, GREATEST(0, i.price_cents - i.paid_cents), i.payment_type, ''
        FROM incoming_invoice i
        JOIN memberships_membership m ON m.external_id = i.membership
        WHERE NOT EXISTS (
            SELECT FROM memberships_charge c WHERE c.invoice_external_id = i.invoice)
        ORDER BY i.invoice
        ON CONFLICT (external_id) DO NOTHING
        """
    )
    return linked + added


def store_charges(records: Sequence[ChargeRecord], *, location_id: int) -> Written:
    """Upsert payments and failed attempts; each attempt is a row of its own.

    The platform lists an invoice on the day of its last attempt only. Where it says that the first
    one failed before, that attempt is kept too: a payment that was cured after a week was open for
    that week, and looking back must show it.

    A charge finds its membership by the platform's word, by an invoice we know, or, where the
    guest then had exactly one membership at that price, by that.
    """
    ensure_guests((GuestStub(r.guest) for r in records), location_id=location_id)
    columns = {
        "external_id": "text",
        "guest": "text",
        "membership": "text",
        "invoice_external_id": "text",
        "invoice_no": "text",
        "charged_on": "date",
        "status": "text",
        "amount_cents": "bigint",
        "due_cents": "bigint",
        "payment_type": "text",
        "decline_code": "text",
    }
    stage(
        "incoming_charge",
        columns,
        distinct(
            (
                r.external_id,
                r.guest,
                r.membership,
                r.invoice,
                r.invoice_no,
                r.charged_on,
                r.status,
                r.amount_cents,
                r.due_cents,
                r.payment_type,
                r.decline_code,
            )
            for r in _attempts(records)
        ),
    )
    kept = (
        "membership_id",
        "guest_id",
        "location_id",
        "invoice_external_id",
        "invoice_no",
        "charged_on",
        "status",
        "amount_cents",
        "due_cents",
        "payment_type",
        "decline_code",
    )
    changed = run(
        f"""
        INSERT INTO memberships_charge (external_id, {", ".join(kept)})
        SELECT i.external_id, COALESCE(m.id, old.membership_id, only_one.id), g.id, %(location)s,
               i.invoice_external_id, i.invoice_no, i.charged_on, i.status, i.amount_cents,
               i.due_cents, i.payment_type, i.decline_code
        FROM incoming_charge i
        JOIN memberships_guest g ON g.external_id = i.guest
        LEFT JOIN memberships_membership m ON m.external_id = i.membership
        LEFT JOIN memberships_charge old ON old.external_id = i.external_id
        LEFT JOIN LATERAL (
            SELECT min(c.id) AS id FROM memberships_membership c
            WHERE i.membership = '' AND c.guest_id = g.id AND c.started_on <= i.charged_on
              AND (c.ended_on IS NULL OR c.ended_on >= i.charged_on)
              AND c.price_cents = i.amount_cents
            HAVING count(*) = 1
        ) only_one ON TRUE
        ORDER BY i.external_id
        ON CONFLICT (external_id) DO UPDATE SET {taken_over(kept)}
        WHERE {differs("memberships_charge", kept)}
        """,  # noqa: S608
        {"location": location_id},
    )
    return Written(rows=len(records), changed=changed)


def _attempts(records: Sequence[ChargeRecord]) -> Iterator[ChargeRecord]:
    """Each charge after its first attempt, where that one failed on an earlier day."""
    for record in records:
        if record.first_failed_on is not None:
            yield replace(
                record,
                external_id=f"{record.invoice}:{record.first_failed_on.isoformat()}",
                charged_on=record.first_failed_on,
                status="failed",
                due_cents=record.amount_cents,
                first_failed_on=None,
            )
        yield record


def settle_endings(*, location_id: int) -> int:
    """A membership that ended unasked right after a failed charge ended for want of payment.

    The platform has no event for it; the status alone often says only "cancelled" or "closed".
    """
    return run(
        """
        UPDATE memberships_membership m SET ending = 'involuntary'
        WHERE m.location_id = %(location)s AND m.ending = 'voluntary'
          AND m.cancel_requested_on IS NULL AND m.status IN ('cancelled', 'closed', 'inactive')
          AND 'failed' = (
            SELECT c.status FROM memberships_charge c
            WHERE c.membership_id = m.id AND c.charged_on BETWEEN m.ended_on - 60 AND m.ended_on
            ORDER BY c.charged_on DESC, c.id DESC LIMIT 1)
        """,
        {"location": location_id},
    )
