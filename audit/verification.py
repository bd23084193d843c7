"""Proving that the ledger is whole: every hash, every link, every head, every repeated column."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from audit.models import LedgerEntry, LedgerHead
from audit.services import GENESIS, digest

CHUNK = 5_000


@dataclass(frozen=True)
class Fault:
    """The first place where a chain is not what was written."""

    chain: str
    seq: int
    reason: str

    def __str__(self) -> str:
        return f"chain {self.chain}, entry {self.seq}: {self.reason}"


@dataclass
class Verdict:
    """What a check has found. `faults` has the first fault of each broken chain."""

    chains: int
    entries: int
    faults: list[Fault]


def verify(*, chain: str | None = None, progress: Callable[[int], None] | None = None) -> Verdict:
    """Walk all chains, or one. Entries written while it runs are not faults: heads are read first,
    entries behind a head are counted for nothing."""
    heads = {head.chain: head for head in LedgerHead.objects.order_by("chain")}
    entries = LedgerEntry.objects.order_by("chain", "seq")
    if chain is not None:
        heads = {name: head for name, head in heads.items() if name == chain}
        entries = entries.filter(chain=chain)
    verdict = Verdict(chains=len(heads), entries=0, faults=[])
    broken: set[str] = set()
    last: dict[str, tuple[int, str]] = {}
    for entry in _stream(entries):
        head = heads.get(entry.chain)
        verdict.entries += 1
        if progress is not None and verdict.entries % 100_000 == 0:
            progress(verdict.entries)
        if entry.chain in broken or (head is not None and entry.seq > head.seq):
            continue
        seq, prev = last.get(entry.chain, (0, GENESIS))
        reason = _reason(entry, seq=seq + 1, prev=prev)
        if head is None:
            reason = reason or _missing_head(entry.chain)
        if reason:
            broken.add(entry.chain)
            at = seq + 1 if entry.seq != seq + 1 else entry.seq
            verdict.faults.append(Fault(entry.chain, at, reason))
        last[entry.chain] = (entry.seq, entry.hash)
    for name, head in heads.items():
        seq, hash_ = last.get(name, (0, GENESIS))
        if name not in broken and (seq, hash_) != (head.seq, head.hash):
            if seq < head.seq:
                reason = f"missing: the chain ends here, its head says {head.seq} entries"
                verdict.faults.append(Fault(name, seq + 1, reason))
            else:
                verdict.faults.append(Fault(name, seq, "its hash is not the one of the head"))
    return verdict


def _stream(entries: QuerySet[LedgerEntry]) -> Iterator[LedgerEntry]:
    return entries.iterator(chunk_size=CHUNK)


def _missing_head(chain: str) -> str:
    """A chain that began after the heads were read has one by now."""
    return "" if LedgerHead.objects.filter(chain=chain).exists() else "the chain has no head"


def _reason(entry: LedgerEntry, *, seq: int, prev: str) -> str:
    """What is wrong with an entry that should have this place and this predecessor, or nothing."""
    if entry.seq != seq:
        return f"missing: the next entry found is {entry.seq}"
    if entry.prev != prev:
        return "it does not follow from the entry before it"
    if entry.hash != digest(chain=entry.chain, seq=entry.seq, prev=entry.prev, body=entry.body):
        return "its hash does not fit its text"
    return _columns(entry)


def _columns(entry: LedgerEntry) -> str:
    """The columns beside the text are for search; they must say what the text says."""
    body = json.loads(entry.body)
    target = body["target"] or ["", ""]
    told = {
        "event": body["event"],
        "at": datetime.fromisoformat(body["at"]),
        "actor_id": body["actor"],
        "actor_label": body["actor_label"],
        "location_id": body["location"],
        "guest_id": body["guest"],
        "target_type": target[0],
        "target_id": target[1],
    }
    for name, value in told.items():
        if getattr(entry, name) != value:
            return f"its column {name} does not fit its text"
    chain = "organisation" if entry.location_id is None else f"location:{entry.location_id}"
    return "" if entry.chain == chain else "it was moved here from another chain"
