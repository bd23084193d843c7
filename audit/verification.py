"""Proving that the ledger is whole: every hash, every link, every head, every repeated column, and
every state an exported checkpoint has fixed.

A rewritten chain with new hashes throughout is consistent in itself; only the exported checkpoints
tell it from what was written. So verification starts from them where there are any.
"""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection

from audit import checkpoints, merkle
from audit.models import LedgerHead
from audit.services import GENESIS, ORGANISATION, digest

CHECKPOINTS = "checkpoints"  # the name under which faults of the exported file are told

_COPY = """COPY (
    SELECT chain, seq, prev, hash, body, event,
        to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
        actor_id, actor_label, location_id, guest_id, target_type, target_id
    FROM audit_ledgerentry {where} ORDER BY chain, seq
) TO STDOUT"""
_NAMES = (
    "event", "at", "actor_id", "actor_label", "location_id", "guest_id", "target_type", "target_id",
)  # fmt: skip
_TEXTS = (4, 8)  # body and actor_label: only these can hold what COPY escapes, and are never NULL
_ESCAPES = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPED = re.compile(r"\\(.)")


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


def verify(*, chain: str | None = None, progress: Callable[[int], None] | None = None) -> Verdict:
    """Walk all chains, or one. Entries written while it runs are not faults: heads are read first,
    entries behind a head are counted for nothing."""
    fixed = read_checkpoints()
    heads = {head.chain: head for head in LedgerHead.objects.order_by("chain")}
    if chain is not None:
        heads = {name: head for name, head in heads.items() if name == chain}
    verdict = Verdict(len(heads), 0, list(fixed.faults), fixed.count, fixed.restorations)
    broken: set[str] = set()
    last: dict[str, tuple[int, str]] = {}
    headless: dict[str, int] = {}

    def fault(name: str, seq: int, reason: str) -> None:
        broken.add(name)
        verdict.faults.append(Fault(name, seq, reason))

    for entry in _stream(chain):
        name, number, found = entry[0], int(entry[1]), entry[3]
        head = heads.get(name)
        verdict.entries += 1
        if progress is not None and verdict.entries % 100_000 == 0:
            progress(verdict.entries)
        if name in broken or (head is not None and number > head.seq):
            continue
        seq, prev = last.get(name, (0, GENESIS))
        reason = _reason(entry, number, seq=seq + 1, prev=prev)
        if not reason and head is None:
            headless.setdefault(name, seq + 1)
        if not reason and number in fixed.at[name] and fixed.at[name][number][0] != found:
            reason = f"it is not what checkpoint {fixed.at[name][number][1]} fixed"
        if reason:
            fault(name, seq + 1, reason)
        last[name] = (number, found)
    # A chain that began after the heads were read has one by now.
    begun = set(LedgerHead.objects.filter(chain__in=headless).values_list("chain", flat=True))
    for name, seq in headless.items():
        if name not in begun | broken:
            fault(name, seq, "the chain has no head")
    for name, head in heads.items():
        seq, hash_ = last.get(name, (0, GENESIS))
        if name in broken:
            continue
        if seq < head.seq:
            fault(name, seq + 1, f"missing: the chain ends here, its head says {head.seq} entries")
        elif (seq, hash_) != (head.seq, head.hash):
            fault(name, seq, "its hash is not the one of the head")
    wanted = fixed.at if chain is None else {chain: fixed.at.get(chain, {})}
    for name, marks in wanted.items():
        end = last.get(name, (0, GENESIS))[0]
        gone = [(seq, number) for seq, (_hash, number) in marks.items() if seq > end]
        if gone and name not in broken:
            fault(name, end + 1, f"missing: checkpoint {gone[0][1]} fixed entry {gone[0][0]}")
    return verdict


# --- Entries -----------------------------------------------------------------------------------

Line = list[str]


def _stream(chain: str | None) -> Iterator[Line]:
    """The entries as PostgreSQL's COPY writes them: many times faster than model instances."""
    where = "" if chain is None else "WHERE chain = %s"
    with connection.cursor() as cursor:
        query = cursor.cursor.mogrify(_COPY.format(where=where), [chain] if chain else [])
        with cursor.copy(query) as copy:
            for block in copy:
                line = bytes(block).decode()[:-1].split("\t")
                for place in _TEXTS:
                    if "\\" in line[place]:
                        line[place] = _plain(line[place])
                yield line


def _plain(cell: str) -> str:
    """A cell of COPY's text format without its escapes."""
    return _ESCAPED.sub(lambda found: _ESCAPES[found[1]], cell)


def _reason(entry: Line, number: int, *, seq: int, prev: str) -> str:
    """What is wrong with an entry that should have this place and this predecessor, or nothing."""
    chain, _seq, told_prev, hash_, body, *columns = entry
    if number != seq:
        return f"missing: the next entry found is {number}"
    if told_prev != prev:
        return "it does not follow from the entry before it"
    if hash_ != digest(chain=chain, seq=number, prev=told_prev, body=body):
        return "its hash does not fit its text"
    return _columns(chain, body, columns)


def _columns(chain: str, body: str, columns: list[str]) -> str:
    """The columns beside the text are for search; they must say what the text says."""
    told: dict[str, Any] = orjson.loads(body)
    target = told["target"] or ["", ""]
    values = (
        told["event"], told["at"], told["actor"], told["actor_label"], told["location"],
        told["guest"], *target,
    )  # fmt: skip
    expected = ["\\N" if value is None else str(value) for value in values]
    if expected != columns:
        name = next(n for n, a, b in zip(_NAMES, expected, columns, strict=True) if a != b)
        return f"its column {name} does not fit its text"
    location = told["location"]
    home = ORGANISATION if location is None else f"location:{location}"
    return "" if chain == home else "it was moved here from another chain"


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
