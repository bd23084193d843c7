"""One stretch of a chain, read as PostgreSQL copies it out and checked entry by entry.

Knows neither Django nor other stretches, so that several processes can share a ledger out between
them (audit/verification.py). What the first entry of a stretch should follow is known only where
the stretch begins the chain: whoever shares out holds the seams together.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson
import psycopg
from psycopg import sql

from audit.formula import GENESIS, ORGANISATION, home_of

# Two bytes that no entry of ours holds: a line falls apart at the first, and only where the second
# stands has a cell to be read with care.
CUT, QUOTE = b"\x01", b"\x02"
_COPY = """COPY (
    SELECT seq, prev, hash, body, actor_id, actor_label,
        to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
        event, guest_id, location_id, target_type, target_id, play
    FROM audit_ledgerentry WHERE chain = {chain} AND seq {numbers} ORDER BY seq
) TO STDOUT (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02', NULL 'null')"""
_NAMES = (
    "actor_id", "actor_label", "at", "event", "guest_id", "location_id", "target_type", "target_id",
    "play",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries `first` to `last` of a chain. `fixed`: number -> (hash, checkpoint that fixed it)."""

    chain: str
    first: int
    last: int
    fixed: dict[int, tuple[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Walked:
    """What was found, up to the first fault (number and reason)."""

    entries: int
    begin: tuple[int, str] | None  # number of the first entry found, and the hash it follows
    end: tuple[int, str] | None  # number and hash of the last entry
    fault: tuple[int, str] | None


def walk(cursor: psycopg.Cursor[Any], stretch: Stretch) -> Walked:
    """Read and check one stretch."""
    chain = stretch.chain.encode()
    columns = _Columns(chain)
    count, number, prev = 0, stretch.first - 1, b""
    if stretch.first == 1:
        prev = GENESIS.encode()
    begin: tuple[int, str] | None = None
    reason = ""
    with cursor.copy(_query(stretch)) as copy:
        for block in copy:
            count += 1
            if reason:
                continue  # an answer not read to its end would break the transaction
            number += 1
            line = bytes(block)
            cells = line[:-1].split(CUT) if QUOTE not in line else _unquoted(line)
            seq, told_prev, hash_, body, *repeated = cells
            if begin is None:
                begin = (int(seq), told_prev.decode())
                prev = prev or told_prev
            if int(seq) != number:
                reason = f"missing: the next entry found is {int(seq)}"
            elif told_prev != prev:
                reason = "it does not follow from the entry before it"
            elif hash_ != _digest(chain, seq, prev, body):
                reason = "its hash does not fit its text"
            elif number in stretch.fixed and stretch.fixed[number][0].encode() != hash_:
                reason = f"it is not what checkpoint {stretch.fixed[number][1]} fixed"
            else:
                reason = columns.fault(body, repeated)
            prev = hash_
    if reason:
        return Walked(count, begin, None, (number, reason))
    return Walked(count, begin, (number, prev.decode()) if begin else None, None)


def _query(stretch: Stretch) -> sql.Composed:
    # The first stretch takes in what should not be there: a number below one.
    numbers = "<= {last}" if stretch.first == 1 else "BETWEEN {first} AND {last}"
    return sql.SQL(_COPY.replace("{numbers}", numbers)).format(
        chain=sql.Literal(stretch.chain),
        first=sql.Literal(stretch.first),
        last=sql.Literal(stretch.last),
    )


def _unquoted(line: bytes) -> list[bytes]:
    [cells] = csv.reader(
        [line[:-1].decode()], delimiter=CUT.decode(), quotechar=QUOTE.decode(), strict=True
    )
    return [cell.encode() for cell in cells]


def _digest(chain: bytes, seq: bytes, prev: bytes, body: bytes) -> bytes:
    """`audit.formula.digest` on bytes."""
    told = b"\x00%b\n%b\n%b\n%b" % (chain, seq, prev, body)
    return sha256(told).hexdigest().encode()


class _Columns:
    """The columns beside the text are for search; they must say what the text says."""

    def __init__(self, chain: bytes) -> None:
        self.chain = chain
        _, _, number = chain.partition(b":")
        self.location = b"null" if chain == ORGANISATION.encode() else number
        self.quoted: dict[bytes, bytes] = {}  # names and words that come again and again

    def fault(self, body: bytes, columns: list[bytes]) -> str:
        """What does not fit, or nothing. A text that begins and ends with the very bytes which the
        columns make, around one JSON object, says what they say; any other is read as JSON."""
        actor, label, at, event, guest, location, kind, target, play = columns
        begin = b'{"actor":%b,"actor_label":%b,"at":"%b","detail":' % (
            actor, self._quote(label), at,
        )  # fmt: skip
        aim = b'[%b,"%b"]' % (self._quote(kind), target) if kind else b"null"
        end = b',"event":%b,"guest":%b,"location":%b,"target":%b}' % (
            self._quote(event), guest, location, aim,
        )  # fmt: skip
        if (
            location == self.location
            and body.startswith(begin)
            and body.endswith(end)
            and (target.isalnum() or not (kind or target))
            and _has_play(body[len(begin) : -len(end)], play)
        ):
            return ""
        return _read(self.chain.decode(), body, columns)

    def _quote(self, word: bytes) -> bytes:
        if word not in self.quoted:
            self.quoted[word] = json.dumps(word.decode()).encode()
        return self.quoted[word]


def _has_play(detail: bytes, play: bytes) -> bool:
    """Whether this is one JSON object and names this play."""
    if detail == b"{}":
        return not play
    try:
        return str(orjson.loads(detail).get("play") or "") == play.decode()
    except (orjson.JSONDecodeError, AttributeError):
        return False


def _read(chain: str, body: bytes, columns: list[bytes]) -> str:
    """What the columns say otherwise than the text, or nothing."""
    try:
        told: dict[str, Any] = orjson.loads(body)
        kind, target = told["target"] or ["", ""]
        values = (
            told["actor"], told["actor_label"], told["at"], told["event"], told["guest"],
            told["location"], kind, target, told["detail"].get("play") or "",
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        return "its text is not that of an entry"
    expected = ["null" if value is None else str(value) for value in values]
    for name, value, column in zip(_NAMES, expected, columns, strict=True):
        if value != column.decode():
            return f"its column {name} does not fit its text"
    return "" if chain == home_of(told["location"]) else "it was moved here from another chain"


# --- In a process of its own --------------------------------------------------------------------

_connections: list[psycopg.Connection[Any]] = []


def sign_in(conninfo: str) -> None:
    """Once in each process that helps: a connection of its own, which only reads."""
    connection = psycopg.connect(conninfo, autocommit=True)
    connection.execute("SET default_transaction_read_only = on")
    connection.execute("SET statement_timeout = 0")
    _connections.append(connection)


def walk_apart(stretch: Stretch) -> Walked:
    """`walk` on the connection of this process."""
    with _connections[0].cursor() as cursor:
        return walk(cursor, stretch)
