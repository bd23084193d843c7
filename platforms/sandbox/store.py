"""The sandbox's own PostgreSQL database: schema, bulk copy in and out, columns in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from platforms.sandbox.days import Array
from platforms.sandbox.tables import NUMBERS, Table

COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
COPY_TRAILER = b"\xff\xff"
# Everything that writes to the business takes this lock, so that a day sees all or nothing.
WRITE_LOCK = 2000

# The tables that hold text. `business` has one row; `outbox`, `message` and `reply` carry work
# with a real-clock due time, so nothing waiting is lost when the process dies.
TEXT_TABLES = """
CREATE TABLE business (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seed bigint NOT NULL, today integer NOT NULL, born_day integer NOT NULL,
    first_day integer NOT NULL,
    guests integer NOT NULL, locations integer NOT NULL, lived_days integer NOT NULL DEFAULT 0,
    faults jsonb NOT NULL DEFAULT '{}', webhook_failures integer NOT NULL DEFAULT 0,
    webhook_off boolean NOT NULL DEFAULT false
);
CREATE TABLE center (
    id integer PRIMARY KEY, name text NOT NULL, code text NOT NULL, kind text NOT NULL,
    zone text NOT NULL, city text NOT NULL, state text NOT NULL, phone text NOT NULL,
    opens_slot integer NOT NULL, closes_slot integer NOT NULL, notice_hours integer NOT NULL
);
CREATE TABLE guest (
    id integer PRIMARY KEY, center_id integer NOT NULL, code text NOT NULL,
    first_name text NOT NULL, last_name text NOT NULL, email text NOT NULL, phone text NOT NULL,
    gender smallint NOT NULL, birth_day integer NOT NULL, created_min integer NOT NULL,
    updated_min integer NOT NULL, language text NOT NULL, marketing_email boolean NOT NULL,
    marketing_sms boolean NOT NULL, transactional_sms boolean NOT NULL,
    tags text[] NOT NULL DEFAULT '{}', address jsonb
);
CREATE TABLE note (
    id serial PRIMARY KEY, guest_id integer NOT NULL, note_type integer NOT NULL,
    notes text NOT NULL, is_private boolean NOT NULL, alert boolean NOT NULL,
    created_min integer NOT NULL, added_by text NOT NULL
);
CREATE INDEX ON note (guest_id);
CREATE TABLE opportunity (
    id serial PRIMARY KEY, guest_id integer NOT NULL, center_id integer NOT NULL,
    title text NOT NULL, description text NOT NULL, followup_day integer NOT NULL,
    created_min integer NOT NULL, body jsonb NOT NULL
);
CREATE TABLE sale (
    id serial PRIMARY KEY, guest_id integer NOT NULL, center_id integer NOT NULL,
    plan_ids integer[] NOT NULL, total_cents integer NOT NULL,
    paid_cents integer NOT NULL DEFAULT 0, closed boolean NOT NULL DEFAULT false,
    created_min integer NOT NULL, transactions jsonb NOT NULL DEFAULT '[]'
);
CREATE TABLE review_text (review_id integer PRIMARY KEY, comments text NOT NULL);
CREATE TABLE outbox (
    id bigserial PRIMARY KEY, event_type text NOT NULL, body bytea NOT NULL,
    due_at timestamptz NOT NULL, attempts integer NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'ready', answer integer, signed boolean NOT NULL DEFAULT true
);
CREATE INDEX ON outbox (due_at) WHERE state = 'ready';
CREATE TABLE message (
    id bigserial PRIMARY KEY, sid text UNIQUE NOT NULL, channel text NOT NULL,
    direction text NOT NULL, guest_id integer, sender text NOT NULL, recipient text NOT NULL,
    subject text NOT NULL DEFAULT '', body text NOT NULL, status text NOT NULL,
    error_code integer, reference text, callback text, created_at timestamptz NOT NULL,
    virtual_min integer NOT NULL, headers jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX ON message (recipient);
CREATE INDEX ON message (reference);
CREATE INDEX ON message (guest_id);
CREATE INDEX ON message (created_at);
CREATE TABLE idempotency (
    key text PRIMARY KEY, digest text NOT NULL, sid text NOT NULL, created_at timestamptz NOT NULL
);
CREATE TABLE errand (
    id bigserial PRIMARY KEY, kind text NOT NULL, due_at timestamptz NOT NULL,
    message_id bigint NOT NULL, detail jsonb NOT NULL DEFAULT '{}',
    attempts integer NOT NULL DEFAULT 0, done boolean NOT NULL DEFAULT false
);
CREATE INDEX ON errand (due_at) WHERE NOT done;
-- Each call of the carrier and what it was answered: what a fault did is known here, whatever the
-- caller believes.
CREATE TABLE carrier_call (
    id bigserial PRIMARY KEY, reference text, fate text NOT NULL, at timestamptz NOT NULL
);
CREATE INDEX ON carrier_call (reference);
CREATE TABLE carrier_optout (phone text PRIMARY KEY, created_at timestamptz NOT NULL);
"""
GUEST_INDEXES = """
CREATE INDEX ON guest (center_id, id);
CREATE INDEX ON guest (phone);
CREATE INDEX ON guest (lower(email));
CREATE INDEX ON guest (lower(last_name));
"""


class Rows:
    """Columns of one table in memory; grows by doubling. `rows.name` is the live column."""

    def __init__(self, table: Table, capacity: int = 1024) -> None:
        self.table = table
        self.n = 0
        self._data = {name: np.zeros(capacity, code) for name, code in table.columns.items()}

    def __getattr__(self, name: str) -> Array:
        try:
            return self.__dict__["_data"][name][: self.__dict__["n"]]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None

    def __len__(self) -> int:
        return self.n

    def add(self, count: int, **values: Any) -> Array:
        """Append `count` rows (columns not given are 0); returns their positions."""
        needed = self.n + count
        capacity = len(self._data[self.table.key])
        if needed > capacity:
            wider = max(needed, capacity * 2)
            for name, column in self._data.items():
                grown = np.zeros(wider, column.dtype)
                grown[: self.n] = column[: self.n]
                self._data[name] = grown
        for name, column in self._data.items():
            column[self.n : needed] = values.pop(name, 0)
        if values:
            raise KeyError(f"{self.table.name} has no column {sorted(values)}")
        self.n = needed
        return np.arange(needed - count, needed)

    def keep(self, mask: Array) -> None:
        """Drop the rows where `mask` is false."""
        kept = int(mask.sum())
        for column in self._data.values():
            column[:kept] = column[: self.n][mask]
        self.n = kept

    def copy(self) -> Rows:
        """An independent copy, to find what changed."""
        twin = Rows(self.table, 0)
        twin.n = self.n
        twin._data = {name: column[: self.n].copy() for name, column in self._data.items()}
        return twin

    def changed_since(self, before: Rows) -> Array:
        """Positions of new rows and of rows that differ from `before`; both in key order."""
        keys, known = getattr(self, self.table.key), getattr(before, self.table.key)
        if not len(known):
            return np.arange(self.n)
        twin = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        differs = known[twin] != keys
        for name in self._data:
            differs |= getattr(self, name) != getattr(before, name)[twin]
        return np.flatnonzero(differs)

    def pack(self, positions: Array | None = None) -> bytes:
        """Rows in PostgreSQL's binary COPY form, without header and trailer."""
        count = self.n if positions is None else len(positions)
        packed = np.empty(count, wire_type(self.table))
        packed["fields"] = len(self._data)
        for name, column in self._data.items():
            live = column[: self.n]
            packed[f"len_{name}"] = live.dtype.itemsize
            packed[name] = live if positions is None else live[positions]
        return packed.tobytes()


def wire_type(table: Table) -> np.dtype[Any]:
    """One row of binary COPY: field count, then length and big-endian value per column."""
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, code in table.columns.items():
        fields += [(f"len_{name}", ">i4"), (name, f">{code}")]
    return np.dtype(fields)


def connect(url: str, *, autocommit: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(url, autocommit=autocommit)


def ensure_database(url: str) -> None:
    """Create the database named in `url` on its server if it is missing."""
    base, _, name = url.rpartition("/")
    name = name.partition("?")[0]
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if known.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


class NoBusinessError(LookupError):
    """The database holds no business yet."""


def check_business(url: str) -> None:
    """Raises NoBusinessError if nothing was generated into the database."""
    with connect(url) as connection:
        there = connection.execute("SELECT to_regclass('public.business')").fetchone()
        row = (
            connection.execute("SELECT 1 FROM business").fetchone() if there and there[0] else None
        )
    if row is None:
        raise NoBusinessError(
            "There is no business yet: run `python -m platforms.sandbox generate` first."
        )


def create_tables(connection: psycopg.Connection[Any]) -> None:
    """Drop what is there and create all tables, without the indexes of the big ones."""
    connection.execute("DROP SCHEMA public CASCADE")
    connection.execute("CREATE SCHEMA public")
    connection.execute(TEXT_TABLES)
    for table in NUMBERS:
        connection.execute(table.ddl)


def create_indexes(connection: psycopg.Connection[Any]) -> None:
    """Keys and indexes, built once after the load, which is several times faster."""
    connection.execute("SET maintenance_work_mem = '256MB'")
    for table in NUMBERS:
        for statement in table.index_ddl:
            connection.execute(statement)
    for statement in GUEST_INDEXES.strip().splitlines():
        connection.execute(statement)


@contextmanager
def copy_in(connection: psycopg.Connection[Any], table: Table) -> Iterator[Any]:
    """A write function for packed rows of `table`."""
    columns = ", ".join(table.columns)
    statement = f"COPY {table.name} ({columns}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor().copy(statement) as copy:
        copy.write(COPY_HEADER)
        yield copy.write
        copy.write(COPY_TRAILER)


def load(connection: psycopg.Connection[Any], table: Table, where: str = "true") -> Rows:
    """Rows of `table` in key order. `where` is our own constant text, never input."""
    columns = ", ".join(table.columns)
    query = f"SELECT {columns} FROM {table.name} WHERE {where} ORDER BY {table.key}"  # noqa: S608
    buffer = bytearray()
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as copy:
        for part in copy:
            buffer += part
    body = memoryview(buffer)[len(COPY_HEADER) : len(buffer) - len(COPY_TRAILER)]
    packed = np.frombuffer(body, wire_type(table))
    rows = Rows(table, max(len(packed), 16))
    rows.add(len(packed), **{name: packed[name] for name in table.columns})
    return rows


def upsert(connection: psycopg.Connection[Any], rows: Rows, positions: Array | None = None) -> None:
    """Write rows by key: COPY into a temporary table, then one statement."""
    table = rows.table
    if positions is not None and not len(positions):
        return
    connection.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS new_{table.name} (LIKE {table.name}) ON COMMIT DROP"
    )
    connection.execute(f"TRUNCATE new_{table.name}")
    columns = ", ".join(table.columns)
    statement = f"COPY new_{table.name} ({columns}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor().copy(statement) as copy:
        copy.write(COPY_HEADER)
        copy.write(rows.pack(positions))
        copy.write(COPY_TRAILER)
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in table.columns if name != table.key)
    connection.execute(
        f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM new_{table.name} "  # noqa: S608
        f"ON CONFLICT ({table.key}) DO UPDATE SET {changes}"
    )


def digest(connection: psycopg.Connection[Any], tables: Iterable[str]) -> str:
    """SHA-256 over the rows of `tables` in key order: equal businesses have equal digests."""
    total = hashlib.sha256()
    for table in tables:
        total.update(table.encode())
        with connection.cursor(name=f"digest_{table}") as cursor:
            cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")  # noqa: S608
            for (row,) in cursor:
                total.update(row.encode())
    return total.hexdigest()
