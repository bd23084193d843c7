"""Writing to the ledger."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection
from django.db.models import Model
from django.utils.functional import Promise

from audit import events
from audit.formula import GENESIS, digest, home_of
from audit.models import LedgerEntry, LedgerHead

OURSELVES = "Tenure"  # the actor of what no person did
BATCH = 2_000


class OutsideTransaction(Exception):
    """A ledger entry must commit or fall together with the change it tells of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event about to be written. `at` is aware; `detail` holds ids, numbers and our own words,
    never a guest's name, address or text: the ledger is never erased. `detail["play"]`, where an
    event belongs to a play, is its key."""

    event: str
    at: datetime
    by: AbstractBaseUser | None = None
    location_id: int | None = None
    guest_id: int | None = None
    target: Model | None = None
    detail: dict[str, Any] | None = field(default=None)

    @property
    def chain(self) -> str:
        return home_of(self.location_id)

    @classmethod
    def about(
        cls,
        event: str,
        target: Model,
        *,
        at: datetime,
        by: AbstractBaseUser | None = None,
        **detail: Any,
    ) -> Entry:
        """An event of a row that belongs to a guest at a location: a draft, a message, a call. Its
        play, where it has one, is told with it."""
        row: Any = target
        if hasattr(row, "play_id"):
            detail = {"play": row.play_id, **detail}
        return cls(
            event=event,
            at=at,
            by=by,
            location_id=row.location_id,
            guest_id=row.guest_id,
            target=target,
            detail=detail,
        )


def record(
    event: str,
    *,
    at: datetime,
    by: AbstractBaseUser | None = None,
    location_id: int | None = None,
    guest_id: int | None = None,
    target: Model | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one event. Call it last in the transaction of the change: from here to the commit
    every other writer of the chain waits. Events of several chains go through `record_many`
    together. Raises UnknownEvent, OutsideTransaction."""
    record_many(
        [
            Entry(
                event=event,
                at=at,
                by=by,
                location_id=location_id,
                guest_id=guest_id,
                target=target,
                detail=detail,
            )
        ]
    )


def record_about(
    event: str,
    target: Model,
    *,
    at: datetime,
    by: AbstractBaseUser | None = None,
    **detail: Any,
) -> None:
    """Write one event of a row that belongs to a guest, as `record` does."""
    record_many([Entry.about(event, target, at=at, by=by, **detail)])


def record_many(entries: Sequence[Entry]) -> None:
    """Write many events in the order given, with one lock per chain. Chains are locked in sorted
    order, so that two writers of the same chains never wait for each other in a circle."""
    if not entries:
        return
    if not connection.in_atomic_block:
        raise OutsideTransaction("Write to the ledger inside the transaction of the change.")
    for entry in entries:
        events.check_known(entry.event)
    by_chain: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_chain[entry.chain].append(entry)
    heads = _lock_heads(sorted(by_chain))
    rows: list[LedgerEntry] = []
    for chain, head in heads.items():
        for entry in by_chain[chain]:
            row = _row(entry, seq=head.seq + 1, prev=head.hash)
            head.seq, head.hash = row.seq, row.hash
            rows.append(row)
    LedgerEntry.objects.bulk_create(rows, batch_size=BATCH)
    LedgerHead.objects.bulk_update(heads.values(), ["seq", "hash"], batch_size=BATCH)


def _lock_heads(chains: list[str]) -> dict[str, LedgerHead]:
    locked = LedgerHead.objects.select_for_update().filter(chain__in=chains).order_by("chain")
    heads = {head.chain: head for head in locked}
    if len(heads) < len(chains):
        LedgerHead.objects.bulk_create(
            [LedgerHead(chain=chain, seq=0, hash=GENESIS) for chain in chains],
            ignore_conflicts=True,
        )
        heads = {head.chain: head for head in locked.all()}
    return heads


def _row(entry: Entry, *, seq: int, prev: str) -> LedgerEntry:
    at = entry.at.astimezone(UTC)
    if entry.at.tzinfo is None:
        raise ValueError("The ledger takes aware instants only.")
    actor_id = entry.by.pk if entry.by is not None else None
    label = _label(entry.by)
    target_type = entry.target._meta.label_lower if entry.target is not None else ""
    target_id = str(entry.target.pk) if entry.target is not None else ""
    body = canonical(
        {
            "event": entry.event,
            "at": at,
            "actor": actor_id,
            "actor_label": label,
            "location": entry.location_id,
            "guest": entry.guest_id,
            "target": [target_type, target_id] if target_type else None,
            "detail": entry.detail or {},
        }
    )
    play = (entry.detail or {}).get("play")
    return LedgerEntry(
        chain=entry.chain,
        seq=seq,
        prev=prev,
        hash=digest(chain=entry.chain, seq=seq, prev=prev, body=body),
        body=body,
        event=entry.event,
        at=at,
        actor_id=actor_id,
        actor_label=label,
        location_id=entry.location_id,
        guest_id=entry.guest_id,
        target_type=target_type,
        target_id=target_id,
        play=str(play or ""),
    )


def _label(by: AbstractBaseUser | None) -> str:
    if by is None:
        return OURSELVES
    full_name: str = getattr(by, "get_full_name", lambda: "")()
    return (full_name or by.get_username())[:150]


def canonical(value: object) -> str:
    """The one JSON text of a value. Raises TypeError or ValueError for what JSON cannot hold."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID | Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not belong in the ledger.")
