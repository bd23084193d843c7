"""Proving that the ledger is whole: every hash, every link, every head, every repeated column, and
every state an exported checkpoint has fixed.

A rewritten chain with new hashes throughout is consistent in itself; only the exported checkpoints
tell it from what was written. So verification starts from them where there are any.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection
from psycopg.conninfo import make_conninfo

from audit import checkpoints, merkle
from audit.formula import GENESIS
from audit.models import LedgerHead
from audit.walk import Stretch, Walked, sign_in, walk, walk_apart

CHECKPOINTS = "checkpoints"  # the name under which faults of the exported file are told

# Entries one process reads at a time, and the size from which others are asked to help.
STRETCH = 10_000
SHARED_FROM = 50_000

# Each statement sees one state of the tables, so an entry being written is no fault.
_HEADLESS = """
WITH RECURSIVE found (chain) AS (
    SELECT min(chain) FROM audit_ledgerentry
    UNION ALL
    SELECT (SELECT min(e.chain) FROM audit_ledgerentry e WHERE e.chain > found.chain)
    FROM found WHERE found.chain IS NOT NULL
)
SELECT chain FROM found
WHERE chain IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM audit_ledgerhead h WHERE h.chain = found.chain
)
"""
_BEYOND = """
SELECT h.chain, e.seq, h.seq FROM audit_ledgerhead h
CROSS JOIN LATERAL (
    SELECT min(seq) AS seq FROM audit_ledgerentry WHERE chain = h.chain AND seq > h.seq
) e
WHERE e.seq IS NOT NULL
"""


@dataclass(frozen=True)
class Fault:
    """The first place where a chain is not what was written."""

    chain: str
    seq: int
    reason: str

    def __str__(self) -> str:
        if self.chain == CHECKPOINTS:
            return f"exported checkpoint {self.seq}: {self.reason}"
        return f"chain {self.chain}, entry {self.seq}: {self.reason}"


@dataclass
class Verdict:
    """What a check has found. `faults` has the first fault of each broken chain."""

    chains: int
    entries: int
    faults: list[Fault]
    checkpoints: int = 0
    restorations: list[str] = field(default_factory=list)


@dataclass
class Fixed:
    """What the exported checkpoints say: chain -> seq -> (hash, number of the checkpoint)."""

    at: dict[str, dict[int, tuple[str, int]]] = field(default_factory=lambda: defaultdict(dict))
    count: int = 0
    restorations: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def verify(
    *,
    chain: str | None = None,
    progress: Callable[[int], None] | None = None,
    processes: int = 1,
) -> Verdict:
    """Walk all chains, or one. Entries written while it runs are not faults: heads are read first,
    entries behind a head are left to the next time. A large ledger is shared out over `processes`,
    which see what is committed."""
    fixed = read_checkpoints()
    heads = {head.chain: head for head in LedgerHead.objects.order_by("chain")}
    wanted = [name for name in sorted({*heads, *fixed.at}) if chain in (None, name)]
    stretches = {name: _stretches(heads.get(name), fixed.at.get(name, {})) for name in wanted}
    verdict = Verdict(len(heads.keys() & {*wanted}), 0, [], fixed.count, fixed.restorations)
    faults: dict[str, Fault] = {}
    if sum(heads[name].seq for name in heads.keys() & {*wanted}) < SHARED_FROM:
        processes = 1
    with closing(_walk([one for name in wanted for one in stretches[name]], processes)) as walks:
        for name in wanted:
            found = []
            for stretch in stretches[name]:
                walked = next(walks)
                found.append((stretch, walked))
                verdict.entries += walked.entries
                if progress is not None:
                    progress(verdict.entries)
            fault = _joined(name, heads.get(name), found, fixed.at.get(name, {}))
            if fault is not None:
                faults[name] = fault
    for fault in _strays():
        if chain in (None, fault.chain):
            faults.setdefault(fault.chain, fault)
    verdict.faults = fixed.faults + [faults[name] for name in sorted(faults)]
    return verdict


def _stretches(head: LedgerHead | None, marks: dict[int, tuple[str, int]]) -> list[Stretch]:
    """A chain up to its head, in pieces."""
    if head is None:
        return []
    starts = range(1, head.seq + 1, STRETCH)
    fixed: dict[int, dict[int, tuple[str, int]]] = {start: {} for start in starts}
    for seq, mark in marks.items():
        if 1 <= seq <= head.seq:
            fixed[seq - (seq - 1) % STRETCH][seq] = mark
    return [
        Stretch(head.chain, start, min(start + STRETCH - 1, head.seq), fixed[start])
        for start in starts
    ]


def _walk(stretches: list[Stretch], processes: int) -> Generator[Walked, None, None]:
    """What each stretch holds, in their order."""
    if processes == 1:
        with connection.cursor() as cursor:
            for stretch in stretches:
                yield walk(cursor.cursor, stretch)
        return
    # Forked, a helper has all it needs in a moment; it never touches the connection it inherits.
    connection.ensure_connection()
    info = connection.connection.info
    conninfo = make_conninfo(info.dsn, password=info.password)
    with ProcessPoolExecutor(
        processes, get_context("fork"), initializer=sign_in, initargs=(conninfo,)
    ) as pool:
        yield from pool.map(walk_apart, stretches)


def _joined(
    name: str,
    head: LedgerHead | None,
    found: list[tuple[Stretch, Walked]],
    marks: dict[int, tuple[str, int]],
) -> Fault | None:
    """The first fault of a chain: within a stretch, at a seam, or at its end."""
    seq, hash_ = 0, GENESIS
    for stretch, walked in found:
        if walked.begin is None:
            continue
        number, prev = walked.begin
        if seq + 1 != stretch.first:
            return Fault(name, seq + 1, f"missing: the next entry found is {number}")
        if number == stretch.first and prev != hash_:
            return Fault(name, number, "it does not follow from the entry before it")
        if walked.fault is not None:
            return Fault(name, *walked.fault)
        if walked.end is not None:
            seq, hash_ = walked.end
    if head is not None and seq < head.seq:
        reason = f"missing: the chain ends here, its head says {head.seq} entries"
        return Fault(name, seq + 1, reason)
    if head is not None and hash_ != head.hash:
        return Fault(name, seq, "its hash is not the one of the head")
    gone = [(mark, number) for mark, (_hash, number) in marks.items() if mark > seq]
    if gone:
        return Fault(name, seq + 1, f"missing: checkpoint {gone[0][1]} fixed entry {gone[0][0]}")
    return None


def _strays() -> Iterator[Fault]:
    """Entries that no head vouches for."""
    with connection.cursor() as cursor:
        cursor.execute(_HEADLESS)
        for (name,) in cursor.fetchall():
            yield Fault(name, 1, "the chain has no head")
        cursor.execute(_BEYOND)
        for name, seq, last in cursor.fetchall():
            yield Fault(name, seq, f"the chain goes on behind its head, which says {last} entries")


# --- Checkpoints -------------------------------------------------------------------------------


def read_checkpoints() -> Fixed:
    """The exported file from its first line: signatures, links, roots, and what they fix. Stops at
    the first fault: what follows an untrusted line fixes nothing."""
    fixed = Fixed()
    if not checkpoints.path().exists():
        return fixed
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(checkpoints.public_key()))
    heads: dict[str, tuple[int, str]] = {}
    prev, number = GENESIS, 0
    with checkpoints.path().open() as file:
        for line in file:
            number += 1
            reason = ""
            try:
                told = json.loads(line)
                text, signature = told["text"], base64.b64decode(told["signature"])
                key.verify(signature, text.encode())
                body = json.loads(text)
                if (body["number"], body["prev"]) != (number, prev):
                    reason = "it does not follow from the one before it"
                else:
                    reason = _follow(heads, fixed, body)
            except InvalidSignature:
                reason = "its signature does not fit"
            except (ValueError, KeyError):
                if not line.endswith("\n") and checkpoints.is_cut_off(number, line.encode()):
                    return fixed  # cut off by a crash; the next export finishes it
                reason = "the line is damaged"
            if reason:
                fixed.faults.append(Fault(CHECKPOINTS, number, reason))
                return fixed
            prev = checkpoints.digest(text)
            fixed.count = number
    return fixed


def _follow(heads: dict[str, tuple[int, str]], fixed: Fixed, body: dict[str, Any]) -> str:
    """Move the heads as the checkpoint says; what is wrong with it, or nothing."""
    if body["restored"] is not None:
        _go_back(heads, fixed, to=body["restored"])
        fixed.restorations.append(
            f"checkpoint {body['number']} of {body['at']} goes on from checkpoint "
            f"{body['restored']}: what was written between the two was lost"
        )
    for chain, seq, hash_ in body["changed"]:
        if seq <= heads.get(chain, (0, ""))[0]:
            return f"it takes chain {chain} back to entry {seq}"
        heads[chain] = (seq, hash_)
        fixed.at[chain][seq] = (hash_, body["number"])
    root = merkle.root((chain, seq, hash_) for chain, (seq, hash_) in heads.items())
    return "" if root == body["root"] else "its root does not fit its heads"


def _go_back(heads: dict[str, tuple[int, str]], fixed: Fixed, *, to: int) -> None:
    """The state as of an earlier checkpoint: what later ones fixed is no longer expected."""
    heads.clear()
    for chain, marks in fixed.at.items():
        kept = {seq: mark for seq, mark in marks.items() if mark[1] <= to}
        fixed.at[chain] = kept
        if kept:
            heads[chain] = (max(kept), kept[max(kept)][0])
