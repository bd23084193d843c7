"""The webhook inbox: nothing acknowledged is lost, a delivery counts once (INV-2, INV-4).

A delivery is verified, stored and acknowledged; a worker hands it to the handler its connection
registered. Handlers are registered from the apps above, so this floor knows none of them.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db import OperationalError, transaction
from django.db import connection as db
from django.db.models import QuerySet

from platforms import dead_letters
from platforms.models import InboxDelivery

Handler = Callable[[InboxDelivery, datetime], None]
Author = Callable[[bytes], str]

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=2)
# Tries of one delivery: five minutes for what a handler stumbles over, two hours for what passes
# (a locked row, a message whose reference has not reached us yet).
MAX_ATTEMPTS = 6
MAX_ATTEMPTS_PASSING = 12
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(minutes=30)
BATCH = 50
KEEP = timedelta(days=30)
BUCKET = timedelta(minutes=10)

_handlers: dict[str, Handler] = {}
_authors: dict[str, Author] = {}


class Receipt(StrEnum):
    """New, seen before, or the id of a delivery that said something else."""

    NEW = "new"
    SEEN = "seen"
    CONFLICT = "conflict"


class Unreadable(Exception):
    """The delivery can never be understood: park it at once, with this reason."""


class NotYet(Exception):
    """What the delivery speaks of has not arrived yet: come again, for two hours."""


def register(connection: str, handler: Handler, *, author: Author | None = None) -> None:
    """From now on `handler(delivery, now)` gets the deliveries of `connection`. It runs inside
    the transaction that marks the delivery done; raise Unreadable to park it. `author(body)` says
    which address a delivery is about, where the wire alone does not tell."""
    _handlers[connection] = handler
    if author is not None:
        _authors[connection] = author


def author_of(connection: str, body: bytes) -> str:
    """The address a delivery is about, as the connection's handler knows it; empty for none."""
    author = _authors.get(connection)
    return author(body) if author is not None else ""


def delivery_key(body: bytes, now: datetime) -> str:
    """Stands in for a missing id: equal bodies within ten minutes are one delivery."""
    bucket = int(now.timestamp() // BUCKET.total_seconds())
    return f"{hashlib.sha256(body).hexdigest()}:{bucket}"


@transaction.atomic
def receive(
    *,
    connection: str,
    delivery_id: str,
    body: bytes,
    now: datetime,
    event_type: str = "",
    sender: str = "",
    about: UUID | None = None,
) -> Receipt:
    """Store a verified delivery once. `sender` is the address of the guest who wrote, `about` the
    outbox row it was posted for. Conflict: the id is known with another body; it is
    parked for people to see and must be refused."""
    digest = hashlib.sha256(body).hexdigest()
    key = (delivery_id or delivery_key(body, now))[:120]
    with db.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO platforms_inboxdelivery
                   (connection, delivery_id, body_hash, body, event_type, sender, about,
                    received_at, status, attempt, error)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'received', 0, '')
            ON CONFLICT (connection, delivery_id) DO NOTHING
            """,
            [connection, key, digest, body, event_type[:80], sender[:254], about, now],
        )
        if cursor.rowcount == 1:
            return Receipt.NEW
    kept = InboxDelivery.objects.only("body_hash").get(connection=connection, delivery_id=key)
    if kept.body_hash != digest:
        log.warning("inbox: %s delivery %s came with another body", connection, key)
        dead_letters.park(
            source=f"hook:{connection}",
            poisons=[
                dead_letters.Poison(
                    payload=body.decode("utf-8", "replace"),
                    reason=f"Delivery {key} came a second time with another body. Refused.",
                )
            ],
            now=now,
        )
        return Receipt.CONFLICT
    return Receipt.SEEN


def work_through(*, now: datetime, limit: int = 1000) -> Counter[str]:
    """Hand waiting deliveries to their handlers; counts of done, again (later) and parked."""
    counts: Counter[str] = Counter()
    while sum(counts.values()) < limit:
        batch = claim(now=now, limit=min(BATCH, limit))
        if not batch:
            break
        for delivery in batch:
            counts[_hand_over(delivery, now)] += 1
    return counts


@transaction.atomic(durable=True)
def claim(*, now: datetime, limit: int) -> list[InboxDelivery]:
    """Lease waiting deliveries of the connections somebody handles, oldest first. What was tried
    before comes alone and after everything new: one that takes its worker down takes no other
    delivery with it."""
    return _lease("attempt = 0", now=now, limit=limit) or _lease("attempt > 0", now=now, limit=1)


def _lease(which: str, *, now: datetime, limit: int) -> list[InboxDelivery]:
    # As an array: the planner may run a subquery of IN once per row, and each run passes over what
    # the one before has taken, so that more than `limit` are leased.
    rows = InboxDelivery.objects.raw(
        f"""
        UPDATE platforms_inboxdelivery SET attempt = attempt + 1, leased_until = %(until)s
        WHERE id = ANY(ARRAY(
            SELECT id FROM platforms_inboxdelivery
            WHERE status = 'received' AND {which} AND connection = ANY(%(connections)s)
              AND (leased_until IS NULL OR leased_until < %(now)s)
            ORDER BY attempt, received_at, id FOR UPDATE SKIP LOCKED LIMIT %(limit)s
        ))
        RETURNING *
        """,  # noqa: S608 - two conditions of our own
        {"now": now, "until": now + LEASE, "connections": list(_handlers), "limit": limit},
    )
    return sorted(rows, key=lambda row: (row.received_at, row.pk))


def _hand_over(delivery: InboxDelivery, now: datetime) -> str:
    """One delivery to its handler. A failure is written on the row and never stops the rest."""
    mine = InboxDelivery.objects.filter(
        pk=delivery.pk, attempt=delivery.attempt, status=InboxDelivery.Status.RECEIVED
    )
    if delivery.attempt > MAX_ATTEMPTS_PASSING:
        # Nobody wrote an error down that often: whoever reads it does not live to tell.
        words = delivery.error or "Reading it stopped the worker, again and again."
        mine.update(status=InboxDelivery.Status.PARKED, error=words, leased_until=None)
        return "parked"
    try:
        with transaction.atomic():
            # Marked first: a worker whose lease ran out meanwhile must not do the work again.
            done = InboxDelivery.Status.DONE
            if mine.update(status=done, done_at=now, leased_until=None, error="") != 1:
                return "again"
            _handlers[delivery.connection](delivery, now)
    except Unreadable as error:
        mine.update(status=InboxDelivery.Status.PARKED, error=str(error), leased_until=None)
        return "parked"
    except NotYet as error:
        log.info("inbox: delivery %s of %s: %s", delivery.pk, delivery.connection, error)
        return _put_off(mine, delivery, str(error), most=MAX_ATTEMPTS_PASSING, now=now)
    except Exception as error:
        log.exception("inbox: delivery %s of %s failed", delivery.pk, delivery.connection)
        passing = isinstance(error, OperationalError)
        return _put_off(
            mine,
            delivery,
            f"{type(error).__name__}: {error}"[:2000].replace("\x00", ""),
            most=MAX_ATTEMPTS_PASSING if passing else MAX_ATTEMPTS,
            now=now,
        )
    return "done"


def _put_off(
    mine: QuerySet[InboxDelivery],
    delivery: InboxDelivery,
    words: str,
    *,
    most: int,
    now: datetime,
) -> str:
    """Try again later, each time after twice as long; after `most` tries it waits for a person."""
    if delivery.attempt >= most:
        mine.update(status=InboxDelivery.Status.PARKED, error=words, leased_until=None)
        return "parked"
    wait = min(FIRST_WAIT * 2 ** (delivery.attempt - 1), LONGEST_WAIT)
    mine.update(error=words, leased_until=now + wait)
    return "again"


def try_again(*, delivery_ids: Collection[int]) -> int:
    """Hand parked deliveries to their handlers once more, with all their tries. How many."""
    parked = InboxDelivery.objects.filter(pk__in=delivery_ids, status=InboxDelivery.Status.PARKED)
    return parked.update(
        status=InboxDelivery.Status.RECEIVED, attempt=0, leased_until=None, error=""
    )


def settle_by_hand(*, delivery_id: int, now: datetime) -> bool:
    """A person has dealt with a parked delivery, in the same transaction: no handler sees it any
    more. False when it is not parked (any more)."""
    parked = InboxDelivery.objects.filter(pk=delivery_id, status=InboxDelivery.Status.PARKED)
    return parked.update(status=InboxDelivery.Status.DONE, done_at=now) == 1


def forget_old(*, now: datetime) -> int:
    """Delete deliveries that were dealt with a month ago: they carry personal data."""
    deleted, _ = InboxDelivery.objects.filter(
        status=InboxDelivery.Status.DONE, done_at__lt=now - KEEP
    ).delete()
    return deleted
