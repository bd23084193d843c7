"""What the guests saw, and what the product believes: counted on both sides apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from benchmarks.storm.stack import AMBIGUOUS

# Behind the fence of the product, as its own worker is.
SEES_ALL = "-c tenure.scope=all"
DECIDED = ("sent", "refused", "uncertain", "dead", "withdrawn")


def progress(database: str) -> tuple[int, int]:
    """(rows in the outbox, rows in a final state)."""
    with psycopg.connect(database, autocommit=True, options=SEES_ALL) as connection:
        row = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE state = ANY(%s)) FROM platforms_outboxitem",
            [list(DECIDED)],
        ).fetchone()
    assert row is not None
    return row[0], row[1]


def unread(database: str) -> int:
    """Deliveries no worker has taken yet, or that come again."""
    with psycopg.connect(database, autocommit=True) as connection:
        waiting = "SELECT count(*) FROM platforms_inboxdelivery WHERE status = 'received'"
        return _one(connection, waiting)


@dataclass(frozen=True)
class Phones:
    """What the sandbox knows, by our reference: messages on the guests' phones, and the calls
    whose answers were spoiled so that nobody who made them could know."""

    seen: dict[str, int]
    in_doubt: set[str]
    fates: dict[str, int]


def phones(sandbox: str) -> Phones:
    with psycopg.connect(sandbox, autocommit=True) as connection:
        seen = connection.execute(
            "SELECT reference, count(*) FROM message "
            "WHERE channel = 'sms' AND direction = 'out' GROUP BY reference"
        )
        seen_by = {row[0]: row[1] for row in seen}
        spoiled = connection.execute(
            "SELECT DISTINCT reference FROM carrier_call WHERE fate = ANY(%s)", [list(AMBIGUOUS)]
        )
        in_doubt = {row[0] for row in spoiled}
        calls = connection.execute("SELECT fate, count(*) FROM carrier_call GROUP BY 1 ORDER BY 1")
        return Phones(seen_by, in_doubt, dict(calls.fetchall()))


@dataclass(frozen=True)
class Book:
    """What the product knows: the state of each row by its key; tries that began and never ended,
    by the ledger, which is written in the same transaction as the claim and as the answer; rows in
    doubt that a receipt settled."""

    states: dict[str, str]
    cut_off: set[str]
    settled: set[str]
    undecided_drafts: int
    caps_differ_cents: int


def book(database: str) -> Book:
    with psycopg.connect(database, autocommit=True, options=SEES_ALL) as connection:
        rows = connection.execute("SELECT 'send:' || id, state FROM platforms_outboxitem")
        states = dict(rows.fetchall())
        cut = connection.execute(
            """
            SELECT DISTINCT 'send:' || (body::jsonb #>> '{detail,outbox}') FROM audit_ledgerentry b
            WHERE event = 'message.begun' AND NOT EXISTS (
                SELECT 1 FROM audit_ledgerentry e
                WHERE e.target_id = b.target_id AND e.target_type = b.target_type
                  AND e.event LIKE 'message.%%'
                  AND e.event NOT IN ('message.begun', 'message.lost', 'message.receipt')
                  AND e.body::jsonb #> '{detail,attempt}' = b.body::jsonb #> '{detail,attempt}')
            """
        )
        cut_off = {row[0] for row in cut}
        receipts = connection.execute(
            "SELECT DISTINCT 'send:' || (body::jsonb #>> '{detail,outbox}') "
            "FROM audit_ledgerentry WHERE event = 'message.receipt'"
        )
        settled = {row[0] for row in receipts}
        pending = _one(connection, "SELECT count(*) FROM outreach_draft WHERE status = 'pending'")
        # What the limits say was spent, against what left.
        differ = _one(
            connection,
            """
            SELECT abs(
                (SELECT coalesce(sum(spent_cents), 0) FROM outreach_cap
                 WHERE scope = 'business_month')
              - (SELECT coalesce(sum(m.cost_cents), 0) FROM outreach_message m
                 JOIN platforms_outboxitem o ON o.id = m.outbox_id WHERE o.state = 'sent'))
            """,
        )
    return Book(states, cut_off, settled, pending, differ)


def _one(connection: psycopg.Connection[Any], sql: str) -> int:
    row = connection.execute(sql.encode()).fetchone()
    assert row is not None
    return int(row[0])
