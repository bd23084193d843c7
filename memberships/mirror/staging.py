"""Copying records into temporary tables, and what a merge reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection


@dataclass
class Written:
    """What a page changed in the mirror: rows read, rows inserted or updated, and whose."""

    rows: int = 0
    changed: int = 0
    appointment_ids: list[int] = field(default_factory=list)
    guest_ids: list[int] = field(default_factory=list)

    def add(self, other: Written) -> None:
        self.rows += other.rows
        self.changed += other.changed
        self.appointment_ids += other.appointment_ids
        self.guest_ids += other.guest_ids


def stage(table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
    """Fill the temporary `table` (made once per session) with `rows`; types are SQL's."""
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS {table} ({typed})")
        cursor.execute(f"TRUNCATE {table}")
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        # Without it the planner takes the page for large and reads the whole mirror beside it.
        cursor.execute(f"ANALYZE {table}")


def run(sql: str, params: Mapping[str, Any] | None = None) -> int:
    """Execute one statement; the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params or {})
        return int(cursor.rowcount)


def fetch(sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Execute one statement; its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params or {})
        return list(cursor.fetchall())


def differs(table: str, columns: Sequence[str]) -> str:
    """The condition that something in `columns` of an upsert's row is new."""
    old = ", ".join(f"{table}.{name}" for name in columns)
    new = ", ".join(f"EXCLUDED.{name}" for name in columns)
    return f"({old}) IS DISTINCT FROM ({new})"


def taken_over(columns: Sequence[str]) -> str:
    """The SET list of an upsert."""
    return ", ".join(f"{name} = EXCLUDED.{name}" for name in columns)


def not_older(table: str) -> str:
    """The condition that the mirror's row was not asked for after this answer left."""
    return f"({table}.read_at IS NULL OR {table}.read_at <= EXCLUDED.read_at)"


def distinct(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The last of the rows that share their first column: an upsert may touch a row once."""
    return list({row[0]: row for row in rows}.values())
