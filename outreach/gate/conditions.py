"""The gate to the guest: what must be true of a message in the very statement that claims it.

Each condition is SQL over `o` (outbox row), `m` (message), `d` (draft), `r` (run of a sequence),
`g` (guest), `l` (location), `p` (play) and `u` (approver). The sender's claim asks for all of them;
the Outgoing page shows the first that fails: both read this one list, so they cannot disagree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from audit import checkpoints, fence
from outreach.gate import breakers, hours, leaving
from outreach.gate.places import Place
from outreach.models import OutreachPolicy
from platforms.models import OutboxItem
from staff.permissions import holders

State = OutboxItem.State
WEEK = timedelta(days=7)
# What a location's mirror must have read completely of late: who may be written to, whose contract
# runs, and who has booked or come since.
FRESH_STREAMS = ("guests", "members", "appointments")
# A claimed message is called within this time or let go. The hold period is longer by it, so that
# two calls never stand closer than the period, however slow the first was after its claim.
CALL_WITHIN = timedelta(seconds=5)

# Beyond this the world may have changed since the gate was asked: switch, opt-out and hours are
# read again, and again if the reading itself took longer, up to so many times. A machine that slow
# lets the message wait.
RECHECK_AFTER_S = 0.05
RECHECKS = 5
# No call begins later than this after the gate was last asked (INV-9). The look again above leaves
# the other half of it for the way to the carrier.
CALL_AFTER_S = 0.1


@dataclass(frozen=True)
class Condition:
    """`sql` is true when the message may leave; `held` tells staff why it does not. Those that are
    about approaching a guest do not bind the confirmation of a stop or an answer; of these, those
    that keep the guest's peace bind an answer that comes late (docs/adr, answers to guests)."""

    key: str
    sql: str
    held: str
    approach_only: bool = False
    binds_late_answers: bool = False

    @property
    def passes(self) -> str:
        if self.binds_late_answers:
            return f"{_AWAITED} OR {self.sql}"
        return f"m.purpose <> 'outreach' OR {self.sql}" if self.approach_only else self.sql


# Everything that decides the hours of a message, as outreach.places.Place.key has it.
_PLACE = """concat_ws('|',
    coalesce(nullif(g.time_zone, ''), l.time_zone), l.country, l.region,
    CASE WHEN left(g.phone, 2) = '+1' THEN left(g.phone, 5) ELSE left(g.phone, 4) END,
    CASE WHEN m.channel = 'email' THEN 'mail'
         WHEN coalesce(p.is_marketing, TRUE) THEN 'marketing' ELSE 'service' END)"""

# The guest wrote within the day and awaits the answer; a confirmation is never an approach.
_AWAITED = """m.purpose NOT IN ('outreach', 'answer') OR (m.purpose = 'answer' AND EXISTS (
            SELECT 1 FROM outreach_reply r
            WHERE r.thread_id = m.thread_id AND r.received_at > %(awaited_since)s
              AND r.intent <> 'auto'))"""
AWAITED_FOR = timedelta(hours=24)

CONDITIONS = (
    Condition(
        "switch",
        """NOT EXISTS (
            SELECT 1 FROM outreach_switch s WHERE s.stopped AND (
                s.scope = 'all'
                OR (s.scope = 'location' AND s.key = m.location_id::text)
                OR (s.scope = 'play' AND s.key = m.play_id)
                OR (s.scope = 'channel' AND s.key = m.channel)))""",
        "Sending is stopped",
    ),
    Condition(
        "suppressed",
        """m.purpose IN ('confirmation', 'help') OR NOT EXISTS (
            SELECT 1 FROM outreach_suppression s
            WHERE s.lifted_at IS NULL AND s.channel = m.channel AND s.address = m.address
              AND (s.scope = 'all' OR m.purpose = 'answer' OR %(stop_ends_all)s OR s.scope = CASE
                   WHEN coalesce(p.is_marketing, TRUE) THEN 'marketing' ELSE 'service' END))""",
        "The guest said stop",
    ),
    Condition(
        "unread",
        """NOT EXISTS (
            SELECT 1 FROM platforms_inboxdelivery i
            WHERE i.sender = m.address AND i.sender <> '' AND i.status <> 'done')""",
        "An answer of the guest has not been read yet",
    ),
    Condition(
        "told",
        """NOT EXISTS (
            SELECT 1 FROM platforms_inboxdelivery i
            WHERE i.about = o.id AND i.status <> 'done')""",
        "The carrier says that it has this message already",
    ),
    Condition(
        "approval",
        """d.id IS NULL AND m.purpose <> 'outreach'
           OR d.status = 'approved' AND d.approval_hash = o.approval""",
        "The approval no longer stands",
    ),
    Condition(
        "aged",
        "m.approved_at > %(approved_since)s",
        "The approval is too old: it goes back to be decided anew",
        approach_only=True,
    ),
    Condition(
        "approver",
        """m.purpose IN ('confirmation', 'help') OR (
            u.is_active
            AND u.role = ANY(CASE m.purpose WHEN 'answer' THEN %(answer_roles)s::text[]
                                            ELSE %(approver_roles)s::text[] END) AND (
                u.role = 'admin'
                OR (m.cost_cents <= u.approval_limit_cents AND EXISTS (
                    SELECT 1 FROM staff_user_locations ul
                    WHERE ul.user_id = u.id AND ul.location_id = m.location_id))))""",
        "Who approved it may no longer do so: cancel it and approve anew",
    ),
    Condition(
        "consent",
        """(
            g.vanished_at IS NULL AND g.merged_into_id IS NULL
            AND CASE WHEN m.channel = 'email' THEN g.email_marketing
                     WHEN p.is_marketing THEN g.sms_marketing
                     ELSE g.sms_transactional END)""",
        "No consent in the booking platform",
        approach_only=True,
    ),
    Condition(
        "address",
        """m.address = CASE WHEN m.channel = 'email' THEN g.email ELSE g.phone END""",
        "The contact data changed since the approval",
        approach_only=True,
    ),
    Condition(
        "holdout",
        """NOT EXISTS (
            SELECT 1 FROM outreach_holdout h
            WHERE h.guest_id = m.guest_id AND h.play_id = m.play_id AND h.is_held_out)""",
        "The guest is in the comparison group",
    ),
    Condition(
        "phase",
        """NOT EXISTS (
            SELECT 1 FROM outreach_playphase f
            WHERE f.play_id = m.play_id AND f.location_id = m.location_id
              AND f.phase = 'report')""",
        "This play only reports at this location",
    ),
    Condition(
        "automatic",
        """NOT m.is_automatic OR (
            u.role = ANY(%(promoter_roles)s) AND EXISTS (
                SELECT 1 FROM outreach_playphase f
                WHERE f.play_id = m.play_id AND f.location_id = m.location_id
                  AND f.phase = 'automatic'))""",
        "The play is no longer automatic here: a person decides",
    ),
    Condition(
        "sequence",
        f"""r.id IS NULL OR r.state IN ('running', 'paused', 'finished')
            AND ({leaving.WHY_SQL}) IS NULL""",
        "The guest has left the sequence",
        approach_only=True,
    ),
    Condition(
        "paused",
        "r.id IS NULL OR r.state <> 'paused'",
        "Its sequence is paused",
        approach_only=True,
    ),
    Condition(
        "watch",
        """NOT m.is_automatic OR %(watched)s <= (
            SELECT count(*) FROM outreach_breaker b
            WHERE b.location_id IS NULL AND b.evaluated_at > %(watched_since)s)""",
        "Nobody has looked lately whether all is as usual",
    ),
    Condition(
        "breaker",
        """NOT m.is_automatic OR NOT EXISTS (
            SELECT 1 FROM outreach_breaker b
            WHERE b.state <> 'closed'
              AND (b.location_id IS NULL OR b.location_id = m.location_id)
              AND (b.play_id IS NULL OR b.play_id = m.play_id)
              AND NOT (b.state = 'half_open' AND (b.probes_left > 0 OR EXISTS (
                  SELECT 1 FROM outreach_breakerprobe t
                  WHERE t.breaker_id = b.id AND t.round = b.round AND t.message_id = m.id))))""",
        "Held because something is not as usual",
    ),
    Condition(
        "authorised",
        """d.offer_id IS NULL
           OR NOT EXISTS (
               SELECT 1 FROM outreach_offer f WHERE f.id = d.offer_id AND f.paid_by_manufacturer)
           OR EXISTS (
               SELECT 1 FROM outreach_authorisation a
               WHERE a.guest_id = m.guest_id AND a.ended_at IS NULL)""",
        "A manufacturer pays for it and the guest has not authorised that",
    ),
    Condition(
        "cap",
        "m.reservation IN ('none', 'reserved')",
        "Its cost is not set aside",
    ),
    Condition(
        "stale",
        """cardinality(%(fresh_streams)s::text[]) = (
            SELECT count(DISTINCT c.stream) FROM memberships_synccursor c
            WHERE c.location_id = m.location_id AND c.complete_at > %(fresh_since)s
              AND c.stream = ANY(%(fresh_streams)s::text[]))""",
        "The data of the location is too old",
        approach_only=True,
    ),
    Condition(
        "week",
        """%(weekly_cap)s > (
            SELECT count(*) FROM outreach_message m2
            JOIN platforms_outboxitem o2 ON o2.id = m2.outbox_id
            WHERE m2.guest_id = m.guest_id AND m2.purpose = 'outreach' AND o2.id <> o.id
              AND o2.state = ANY(%(reaching)s)
              AND coalesce(o2.sent_at, o2.due_at) > %(week_ago)s)""",
        "Enough messages this week",
        approach_only=True,
    ),
    Condition(
        "hold",
        """NOT EXISTS (
            SELECT 1 FROM outreach_contact c
            WHERE c.guest_id = m.guest_id AND c.outbox_id <> o.id
              AND c.last_at > %(hold_since)s)""",
        "Written to a moment ago",
        binds_late_answers=True,
    ),
    Condition(
        "hours",
        f"{_PLACE} = ANY(%(open_places)s)",
        "Outside calling hours there",
        binds_late_answers=True,
    ),
)
# Not a condition on one message: asked before anything is claimed.
RESTORED = "restored"
HELD = {condition.key: condition.held for condition in CONDITIONS} | {
    RESTORED: "The database is older than the exported ledger"
}

_REST = """
    JOIN memberships_guest g ON g.id = m.guest_id
    JOIN memberships_location l ON l.id = m.location_id
    LEFT JOIN outreach_draft d ON d.id = m.draft_id
    LEFT JOIN outreach_run r ON r.id = d.run_id
    LEFT JOIN outreach_play p ON p.key = m.play_id
    LEFT JOIN staff_user u ON u.id = m.approved_by_id
"""
_OUTBOX = "FROM platforms_outboxitem o"
_FROM = f"{_OUTBOX} JOIN outreach_message m ON m.outbox_id = o.id {_REST}"
_ALL = " AND ".join(f"({condition.passes})" for condition in CONDITIONS)

_DUE = """
    o.topic = 'message' AND o.state = 'ready' AND o.look_at <= %(now)s AND o.due_at <= %(now)s
"""
_IN_TURN = "o.look_at, o.due_at, o.id"
# Asked row by row, in turn: a subquery for a value is never made into a join. As a join the
# planner may read and sort the whole queue for each claim: 19 s at 10,000 rows with misleading
# statistics, against 0.01 s.
_OF_ROW = f"FROM outreach_message m {_REST} WHERE m.outbox_id = o.id"
_FREE = f"coalesce((SELECT true {_OF_ROW} AND {_ALL}), false)"
CANDIDATE_SQL = f"""
    SELECT o.id {_OUTBOX}
    WHERE {_DUE} AND {_FREE}
    ORDER BY {_IN_TURN}
    LIMIT 1 FOR UPDATE OF o SKIP LOCKED
"""
# A claim walks past whatever stands before it and may not leave. Where that is a crowd (a night's
# messages outside calling hours, a stopped location) it is set aside for a while, as a hint only.
CROWD = 100
HEAD = 2_000
# A claim knows the places of so many rows, in turn. More than a crowd, so that one that may leave
# is among them; what lies further behind comes with a later claim.
LOOK_AHEAD = 200
_WAITING = "SELECT id FROM platforms_outboxitem WHERE topic = 'message' AND state = 'ready'"
NEXT = f"SELECT o.id {_OUTBOX} WHERE {_DUE} ORDER BY {_IN_TURN} LIMIT {LOOK_AHEAD}"
_HEAD = f"SELECT o.id {_OUTBOX} WHERE {_DUE} ORDER BY {_IN_TURN} LIMIT {HEAD}"
_ITEM = "SELECT %(item)s::uuid"
_MESSAGES = "SELECT outbox_id FROM outreach_message WHERE id = ANY(%(messages)s)"
ASIDE_FOR = timedelta(seconds=30)
_SET_ASIDE_SQL = f"""
    WITH head AS MATERIALIZED ({_HEAD} FOR UPDATE SKIP LOCKED), free AS MATERIALIZED (
        SELECT o.id {_OUTBOX} WHERE o.id = ANY(ARRAY(SELECT id FROM head)) AND {_FREE}
    )
    UPDATE platforms_outboxitem SET look_at = %(aside_until)s
    WHERE id IN (SELECT id FROM head EXCEPT SELECT id FROM free)
      AND (SELECT count(*) FROM head) > {CROWD}
"""  # noqa: S608 - our own words and numbers
_STILL_SQL = f"""
    SELECT o.id {_OUTBOX}
    WHERE o.id = %(item)s AND o.state = 'sending' AND o.attempt = %(attempt)s
      AND o.leased_until > %(now)s AND {_FREE}
"""
_WHICH = " ".join(f"WHEN ({c.passes}) IS NOT TRUE THEN '{c.key}'" for c in CONDITIONS)
_HELD_SQL = f"SELECT m.id, CASE {_WHICH} ELSE '' END {_FROM} WHERE m.id = ANY(%(messages)s)"


def parameters(
    *, now: datetime, policy: OutreachPolicy, among: str = _WAITING, **of: Any
) -> dict[str, Any]:
    """Values of the conditions at the instant `now`, for the outbox rows the SQL `among` names with
    its values `of`: only their places are known to be open."""
    return {
        **of,
        "now": now,
        "approver_roles": holders("outreach.approve_draft"),
        "promoter_roles": holders("outreach.promote_play"),
        "answer_roles": holders("outreach.answer_reply"),
        "awaited_since": now - AWAITED_FOR,
        "watched": len(breakers.FOR_EVERYTHING),
        "watched_since": now - breakers.WATCHED_FOR,
        "fresh_since": now - timedelta(hours=policy.stale_after_hours),
        "fresh_streams": list(FRESH_STREAMS),
        "stop_ends_all": policy.stop_ends_everything(now),
        "approved_since": now - timedelta(hours=policy.approval_hours),
        "weekly_cap": policy.weekly_cap,
        "reaching": [
            State.SENDING.value,
            State.SENT.value,
            State.UNKNOWN.value,
            State.CHECKING.value,
            State.UNCERTAIN.value,
        ],
        "week_ago": now - WEEK,
        "hold_since": hold_since(now=now, policy=policy),
        "open_places": open_places(now=now, policy=policy, among=among, of=of),
    }


def open_places(
    *,
    now: datetime,
    policy: OutreachPolicy,
    among: str = _WAITING,
    of: Mapping[str, Any] | None = None,
) -> list[str]:
    """Places of guests of the rows `among` where a message may arrive now. The hour is decided
    here, with the pinned time zone data, once per place; the claim compares keys."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT DISTINCT {_PLACE} {_FROM} WHERE o.id = ANY(ARRAY({among}))
            """,
            {**(of or {}), "now": now},
        )
        keys = [row[0] for row in cursor.fetchall()]
    rules = hours.Hours.current(policy)
    return [key for key in keys if rules.is_open(now, Place.of_key(key))]


def hold_since(*, now: datetime, policy: OutreachPolicy) -> datetime:
    """Who was written to after this instant is left in peace now."""
    return now - timedelta(minutes=policy.hold_minutes) - CALL_WITHIN


def set_aside(*, now: datetime, policy: OutreachPolicy) -> int:
    """Let the next claims pass over messages that may not leave now; looked at again after
    ASIDE_FOR. Does nothing while the queue is short. Returns how many."""
    values = parameters(now=now, policy=policy, among=_HEAD) | {"aside_until": now + ASIDE_FOR}
    total = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_SET_ASIDE_SQL, values)
            total += (count := int(cursor.rowcount))
            if count < HEAD:
                return total


def still_open(item: OutboxItem, *, now: datetime, policy: OutreachPolicy) -> bool:
    """Whether a claimed message may leave at this later instant. Not when the claim is no longer
    ours: a sender that slept past its lease must not call, somebody else may have looked the
    message up and sent it meanwhile."""
    values = parameters(now=now, policy=policy, among=_ITEM, item=item.pk, attempt=item.attempt)
    with connection.cursor() as cursor:
        cursor.execute(_STILL_SQL, values)
        return cursor.fetchone() is not None


def open_until(ask: Callable[[datetime], bool], *, looked: float, now: datetime) -> float | None:
    """By when a call must have begun, in seconds of the monotonic clock: soon after the gate was
    last seen open. None when it closed, or could not be asked fast enough. `looked` is when it was
    asked last, by the same clock, `now` the instant of that; `ask(instant)` asks it again."""
    begun = looked
    for _ in range(RECHECKS):
        instant = time.monotonic()
        if instant - looked <= RECHECK_AFTER_S:
            return looked + CALL_AFTER_S
        if instant - begun > CALL_WITHIN.total_seconds():
            return None
        looked = instant
        if not ask(now + timedelta(seconds=looked - begun)):
            return None
    return looked + CALL_AFTER_S if time.monotonic() - looked <= RECHECK_AFTER_S else None


@fence.beyond("a message is held for what happened elsewhere")
def held_reasons(
    message_ids: Sequence[int], *, now: datetime, policy: OutreachPolicy | None = None
) -> dict[int, str]:
    """Which condition keeps each message back now, as its key; empty where none does."""
    if not message_ids:
        return {}
    if not checkpoints.is_current():
        return dict.fromkeys(message_ids, RESTORED)
    policy = policy or OutreachPolicy.current()
    values = parameters(now=now, policy=policy, among=_MESSAGES, messages=list(message_ids))
    with connection.cursor() as cursor:
        cursor.execute(_HELD_SQL, values)
        return dict(cursor.fetchall())
