"""The write outbox: each call to the outside that must have at most one effect (INV-1, INV-2).

A row is enqueued in the transaction that approved it, claimed by one statement, called outside any
transaction and finished by the attempt that claimed it. What is unclear stays `unknown` until the
other side is asked, and goes to a person when it cannot be asked.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from audit import services as ledger
from platforms.models import OutboxItem
from platforms.outcome import NotBegun, Outcome, Result

log = logging.getLogger(__name__)

State = OutboxItem.State

# Calls and look-ups of one row together; with the waits between them nearly two hours.
MAX_TRIES = 12
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(minutes=30)
# Whoever asks us to stay away for longer than this is asked again all the same: a wait without end
# would lose the message, and a number no calendar holds would stop the round.
LONGEST_ASKED = timedelta(days=1)
# To ask again what became of a call is harmless, and a message in doubt waits for it: the first
# tries come soon, however many of them were calls that a dying worker cut off.
SOON_TRIES = 8
SOON = timedelta(seconds=60)
# Called, and nobody knows what came of it.
IN_DOUBT = (State.UNKNOWN, State.CHECKING, State.UNCERTAIN)
# The longest a carrier may still be busy with a call we lost sight of.
SETTLE = timedelta(seconds=settings.CARRIER["settle_seconds"])


Teller = Callable[[Sequence[OutboxItem], datetime], Iterable[ledger.Entry]]
_tellers: dict[str, Teller] = {}


class PayloadChanged(Exception):
    """The same effect was enqueued twice with different content."""


def payload_hash(payload: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a payload."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def key_of(item: OutboxItem) -> str:
    """The idempotency key: the same for every attempt, without personal data."""
    return f"send:{item.pk}"


@transaction.atomic
def enqueue(
    *,
    topic: str,
    channel: str,
    subject: str,
    approval: str,
    payload: Mapping[str, Any],
    due_at: datetime,
    now: datetime,
    location_id: int | None = None,
) -> OutboxItem:
    """Queue one effect; asked again for the same (topic, channel, subject, approval) it returns
    the row that is there. Raises PayloadChanged when that row says something else."""
    digest = payload_hash(payload)
    OutboxItem.objects.bulk_create(
        [
            OutboxItem(
                topic=topic,
                channel=channel,
                subject=subject,
                approval=approval,
                location_id=location_id,
                payload=dict(payload),
                payload_hash=digest,
                due_at=due_at,
                created_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    item = OutboxItem.objects.get(topic=topic, channel=channel, subject=subject, approval=approval)
    if item.payload_hash != digest:
        raise PayloadChanged("This was queued before with other content. It was not queued again.")
    return item


@transaction.atomic(durable=True)
def claim(
    *,
    candidate_sql: str,
    params: Mapping[str, Any],
    now: datetime,
    lease: timedelta,
    also: Callable[[OutboxItem], None] | None = None,
) -> OutboxItem | None:
    """Take one row for sending, or None. Committed on return, so the call may follow at once.

    `candidate_sql` selects one `o.id` from `platforms_outboxitem o` with
    `FOR UPDATE OF o SKIP LOCKED LIMIT 1`; all conditions of the sending gate stand in it, and its
    named parameters come from `params` (`now` is added). `also` runs in the same transaction with
    the row taken: what it writes commits with the claim, and what it raises undoes the claim.
    """
    rows = OutboxItem.objects.raw(
        f"""
        UPDATE platforms_outboxitem SET state = 'sending', attempt = attempt + 1,
               tries = tries + 1, leased_until = %(claim_leased_until)s, error = ''
        WHERE id = ({candidate_sql}) AND state = 'ready'
        RETURNING *
        """,  # noqa: S608 - the candidate is code of ours; values travel as parameters
        {**params, "now": now, "claim_leased_until": now + lease},
    )
    item = next(iter(rows), None)
    if item is not None and also is not None:
        also(item)
    return item


def release(item: OutboxItem) -> bool:
    """Give a claimed row back untouched: nothing was called, so it counts as no try, however often
    a slow machine does this. False when it is no longer ours."""
    mine = OutboxItem.objects.filter(pk=item.pk, attempt=item.attempt, state=State.SENDING)
    return mine.update(state=State.READY, leased_until=None, tries=F("tries") - 1) == 1


def try_again(*, item_id: UUID, now: datetime) -> bool:
    """Queue a given-up row once more, with all its tries: a carrier that was away may still cough,
    and an unclear answer must be looked up. False when it is not given up (any more)."""
    return try_all_again(item_ids=[item_id], now=now) == 1


def try_all_again(*, item_ids: Collection[UUID], now: datetime) -> int:
    """The same for many rows, in one statement. How many were given up."""
    given_up = OutboxItem.objects.filter(pk__in=item_ids, state=State.DEAD)
    return given_up.update(state=State.READY, due_at=now, tries=0, error="")


def settle(*, item_id: UUID, was_sent: bool, now: datetime, note: str = "") -> bool:
    """A person found out what became of an uncertain row, and may say how. False when it is not
    uncertain."""
    uncertain = OutboxItem.objects.filter(pk=item_id, state=State.UNCERTAIN)
    said: dict[str, Any] = {"error": note} if note else {}
    if was_sent:
        return uncertain.update(state=State.SENT, sent_at=now, **said) == 1
    return uncertain.update(state=State.REFUSED, **said) == 1


def confirm(*, item_id: UUID, provider_ref: str, at: datetime) -> bool:
    """The other side tells by itself that it took the call, at `at` or before, as `provider_ref`
    where it says so: a row in doubt was sent. Whoever is still asking about it comes too late.
    False when the row is not in doubt, or known to the other side as something else."""
    in_doubt = OutboxItem.objects.filter(
        pk=item_id, state__in=IN_DOUBT, provider_ref__in=["", provider_ref]
    )
    said = {"provider_ref": provider_ref} if provider_ref else {}
    sent = in_doubt.update(state=State.SENT, sent_at=at, leased_until=None, error="", **said)
    return sent == 1


@transaction.atomic(durable=True)
def claim_unknown(*, topic: str, now: datetime, lease: timedelta) -> OutboxItem | None:
    """Take one row whose answer never came and whose carrier had time to settle: to look it up."""
    rows = OutboxItem.objects.raw(
        """
        UPDATE platforms_outboxitem SET state = 'checking', attempt = attempt + 1,
               tries = tries + 1, leased_until = %(leased_until)s
        WHERE id = (
            SELECT id FROM platforms_outboxitem
            WHERE topic = %(topic)s AND state = 'unknown' AND due_at <= %(now)s
            ORDER BY due_at FOR UPDATE SKIP LOCKED LIMIT 1
        ) AND state = 'unknown'
        RETURNING *
        """,
        {"topic": topic, "now": now, "leased_until": now + lease},
    )
    return next(iter(rows), None)


def carry_out(
    item: OutboxItem,
    call: Callable[[], Outcome],
    *,
    now: datetime,
    also: Callable[[OutboxItem, datetime], None],
) -> OutboxItem | None:
    """Make the call (or look-up) of a claimed row, outside any transaction, and store what came of
    it. `now` is the instant the call begins; the time it takes is added. `also(row, at)` runs in
    the transaction of the result: what it writes commits with it. What goes wrong unexpectedly may
    have taken effect all the same, so it is unknown. None when the answer counts for nothing.
    Raises NotBegun for a call that came too late to be made: the row is as it was claimed."""
    begun = time.monotonic()
    try:
        outcome = call()
    except NotBegun:
        raise
    except Exception as error:
        log.exception("outbox row %s: the call failed", item.pk)
        outcome = Outcome(Result.UNKNOWN, error=f"The call failed: {type(error).__name__}.")
    at = now + timedelta(seconds=time.monotonic() - begun)
    with transaction.atomic():
        finished = finish(item, outcome, at)
        if finished is not None:
            also(finished, at)
    if finished is None:
        log.warning("outbox row %s: the answer came too late, another has it", item.pk)
    return finished


@transaction.atomic
def finish(item: OutboxItem, outcome: Outcome, now: datetime) -> OutboxItem | None:
    """Store what came of the attempt in `item`. None when a newer attempt owns the row: then this
    answer counts for nothing. One that comes after the lease ended, but before anybody looked the
    row up, still counts: it is the only one who knows."""
    was_looked_up = item.state == State.CHECKING
    changes: dict[str, Any] = {"leased_until": None, "error": outcome.error[:2000]}
    if outcome.provider_ref:
        changes["provider_ref"] = outcome.provider_ref
    match outcome.state:
        case Result.SENT:
            changes |= {"state": State.SENT, "sent_at": now}
        case Result.REFUSED:
            changes["state"] = State.REFUSED
        case Result.UNCERTAIN:
            changes["state"] = State.UNCERTAIN
        case Result.UNKNOWN:
            # Asked in vain too often, a person must look; a machine never guesses.
            spent = item.tries >= MAX_TRIES
            changes["state"] = State.UNCERTAIN if spent else State.UNKNOWN
            wait = look_up_wait(item.tries, outcome.retry_after) if was_looked_up else SETTLE
            changes["due_at"] = now + wait
        case Result.RETRY:
            changes["state"] = State.DEAD if item.tries >= MAX_TRIES else State.READY
            # Looked up and not found: the time to settle has passed, nothing is left to wait for.
            wait = timedelta() if was_looked_up else retry_wait(item.tries, outcome.retry_after)
            changes["due_at"] = now + wait
    won = OutboxItem.objects.filter(
        pk=item.pk,
        attempt=item.attempt,
        state__in=[State.SENDING, State.CHECKING, State.UNKNOWN],
    ).update(**changes)
    return OutboxItem.objects.get(pk=item.pk) if won == 1 else None


def retry_wait(tries: int, asked_seconds: float | None) -> timedelta:
    """Exponential with jitter, never shorter than the other side asked for (up to a day)."""
    doubled = FIRST_WAIT.total_seconds() * 2.0 ** max(0, tries - 1)
    wait = min(LONGEST_WAIT.total_seconds(), doubled)
    jitter = random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not a secret
    return max(timedelta(seconds=wait * jitter), _asked(asked_seconds))


def look_up_wait(tries: int, asked_seconds: float | None) -> timedelta:
    """The same for asking again, within a minute or so while there were few tries."""
    wait = retry_wait(tries, None)
    if tries <= SOON_TRIES:
        wait = min(wait, SOON)
    return max(wait, _asked(asked_seconds))


def _asked(seconds: float | None) -> timedelta:
    return timedelta(seconds=min(seconds or 0.0, LONGEST_ASKED.total_seconds()))


def withdraw(*, item_id: UUID, now: datetime) -> bool:
    """Take back a row nobody has claimed. False: too late, it left or is leaving."""
    return (
        OutboxItem.objects.filter(pk=item_id, state=State.READY).update(
            state=State.WITHDRAWN, due_at=now
        )
        == 1
    )


def postpone(*, item_id: UUID, due_at: datetime) -> bool:
    """Move the leaving time of a row nobody has claimed."""
    return OutboxItem.objects.filter(pk=item_id, state=State.READY).update(due_at=due_at) == 1


def tell_lost(topic: str, tell: Teller) -> None:
    """From now on `tell(lost, now)` says what the ledger is told of rows of `topic` whose worker
    died in the call; their number does not change how many statements it makes."""
    _tellers[topic] = tell


@transaction.atomic
def expire_leases(*, now: datetime) -> int:
    """Rows whose worker died become `unknown`, not `ready`: the call may have gone out. Count.

    A look-up that died leaves its row `unknown` as before, to be looked up at once: it changed
    nothing outside, and the ledger has told of the doubt before."""
    expired = list(
        OutboxItem.objects.raw(
            """
            WITH expired AS (
                SELECT id, state FROM platforms_outboxitem
                WHERE state IN ('sending', 'checking') AND leased_until < %(now)s
                FOR UPDATE SKIP LOCKED
            )
            UPDATE platforms_outboxitem o
            SET state = 'unknown', leased_until = NULL, error = %(error)s,
                due_at = CASE expired.state WHEN 'sending' THEN o.leased_until + %(settle)s
                         ELSE %(now)s END
            FROM expired WHERE o.id = expired.id
            RETURNING o.*, expired.state = 'sending' AS was_calling
            """,
            {"now": now, "settle": SETTLE, "error": "The worker stopped before the answer came."},
        )
    )
    lost: dict[str, list[OutboxItem]] = defaultdict(list)
    for item in expired:
        if item.was_calling:  # type: ignore[attr-defined]
            lost[item.topic].append(item)
    ledger.record_many(
        [
            entry
            for topic, items in sorted(lost.items())
            if topic in _tellers
            for entry in _tellers[topic](items, now)
        ]
    )
    return len(expired)
