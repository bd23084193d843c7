"""What every answer needs to know about the business, cached until the day turns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.db import connection

from platforms.sandbox import names
from platforms.sandbox.days import MINUTES_A_DAY, NO_DATE, from_day, minute_text
from platforms.sandbox.guid import Guids, Kind

Row = tuple[Any, ...]


def query(sql: str, params: Iterable[Any] = ()) -> list[Row]:
    """All rows of a read."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return list(cursor.fetchall())


def execute(sql: str, params: Iterable[Any] = ()) -> int:
    """A write; returns the number of rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return int(cursor.rowcount)


def from_json(value: str | None) -> Any:
    """The value of a jsonb column, which Django hands over as text."""
    return None if value is None else orjson.loads(value)


@dataclass(frozen=True)
class CenterFacts:
    id: int
    name: str
    code: str
    kind: str
    zone: str
    city: str
    state: str
    phone: str
    notice_hours: int


@dataclass(frozen=True)
class EmployeeFacts:
    id: int
    center_id: int
    first_name: str
    last_name: str
    gender: int
    job: int
    days: int
    lunch_slot: int
    started_day: int
    left_day: int


@dataclass
class Facts:
    """The business as of `today` (a day number; all days before it have been lived)."""

    seed: int
    today: int
    born_day: int
    first_day: int
    guids: Guids
    centers: dict[int, CenterFacts]
    employees: dict[int, EmployeeFacts]
    key: Row = field(repr=False)
    # Parts of answers that many rows share, built once.
    shapes: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict, repr=False)

    def guid(self, kind: Kind, number: int) -> str:
        return self.guids.of(kind, number)

    def offset(self, center_id: int, day: int) -> int:
        """Minutes east of UTC at noon of a local date."""
        return zone_offset(self.centers[center_id].zone, day)

    def local_text(self, center_id: int, minute: int) -> str:
        """An instant on the wall clock of a location, ISO without offset."""
        if not minute:
            return NO_DATE
        return minute_text(minute, self.offset(center_id, minute // MINUTES_A_DAY))

    @property
    def now_minute(self) -> int:
        """The business's present instant: its day, the real time of day."""
        real = datetime.now(UTC)
        return self.today * MINUTES_A_DAY + real.hour * 60 + real.minute


@lru_cache(maxsize=20_000)
def zone_offset(zone: str, day: int) -> int:
    """Minutes east of UTC at noon of a local date."""
    noon = datetime.combine(from_day(day), datetime.min.time(), ZoneInfo(zone)).replace(hour=12)
    offset = noon.utcoffset()
    return int(offset.total_seconds() // 60) if offset else 0


_cached: Facts | None = None


def facts() -> Facts:
    """The present facts; read anew when the business was replaced or a day has passed."""
    global _cached
    key = query("SELECT seed, today, born_day, first_day, guests, lived_days FROM business")[0]
    known = _cached
    if known is None or known.key != key:
        known = _cached = _read(key)
    return known


def _read(key: Row) -> Facts:
    seed, today, born_day, first_day, *_ = key
    centers = {
        row[0]: CenterFacts(*row)
        for row in query(
            "SELECT id, name, code, kind, zone, city, state, phone, notice_hours FROM center"
        )
    }
    employees = {
        row[0]: EmployeeFacts(
            row[0], row[1], (names.MEN if row[4] == 1 else names.WOMEN)[row[2]],
            names.SURNAMES[row[3]], *row[4:],
        )
        for row in query(
            "SELECT id, center_id, first_name, last_name, gender, job, days, lunch_slot, "
            "started_day, left_day FROM employee"
        )
    }  # fmt: skip
    return Facts(seed, today, born_day, first_day, Guids(seed), centers, employees, key)
