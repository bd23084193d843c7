"""Numbers for dates and instants in the sandbox's store.

A *day* is a local calendar date as days since 2000-01-01; a *minute* is an instant as minutes
since 2000-01-01T00:00Z. 0 means "none" for both. Plain integers keep five million bookings small
and let numpy and PostgreSQL exchange them without conversion.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

EPOCH_DATE = date(2000, 1, 1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MINUTES_A_DAY = 1440
NO_DATE = "0001-01-01T00:00:00"


def to_day(value: date) -> int:
    """Days since 2000-01-01."""
    return (value - EPOCH_DATE).days


def from_day(day: int) -> date:
    """The calendar date of a day number."""
    return EPOCH_DATE + timedelta(days=day)


def to_minute(value: datetime) -> int:
    """Minutes since 2000-01-01T00:00Z of an aware instant, rounded down."""
    return int((value - EPOCH).total_seconds() // 60)


def from_minute(minute: int) -> datetime:
    """The aware UTC instant of a minute number."""
    return EPOCH + timedelta(minutes=minute)


def day_text(day: int) -> str | None:
    """ISO midnight as Zenoti writes dates (`2025-02-03T00:00:00`), None for no date."""
    return f"{_iso(day)}T00:00:00" if day else None


def minute_text(minute: int, offset_minutes: int = 0) -> str:
    """ISO without offset; `offset_minutes` moves UTC to a local wall clock."""
    day, rest = divmod(minute + offset_minutes, MINUTES_A_DAY)
    return f"{_iso(day)}T{CLOCK[rest]}"


@lru_cache(maxsize=5000)
def _iso(day: int) -> str:
    return from_day(day).isoformat()


CLOCK = tuple(f"{minute // 60:02d}:{minute % 60:02d}:00" for minute in range(MINUTES_A_DAY))


def parse_day(text: str) -> int:
    """Day number of an ISO date or date-time. Raises ValueError."""
    return to_day(date.fromisoformat(text.strip()[:10]))


def weekday_of(day: Array) -> Array:
    """Monday 0 ... Sunday 6 (2000-01-01 was a Saturday)."""
    return (day + 5) % 7


def month_of(day: Array) -> Array:
    """Month number since 1970-01 of each day."""
    return (np.asarray(day, "i8") + 10957).astype("M8[D]").astype("M8[M]").astype("i8")


def year_month(day: int) -> int:
    """Calendar month as the number 202703, the form card expiries are kept in."""
    when = from_day(day)
    return when.year * 100 + when.month


def months_later(day: Array | int, months: Array | int) -> Array:
    """The same day of the month `months` later; days past the 28th fall on the 28th."""
    start = (np.asarray(day, "i8") + 10957).astype("M8[D]")
    month = start.astype("M8[M]")
    in_month = np.minimum((start - month.astype("M8[D]")).astype("i8"), 27)
    target = (month + np.asarray(months, "m8[M]")).astype("M8[D]").astype("i8")
    result: Array = (target + in_month - 10957).astype("i4")
    return result
