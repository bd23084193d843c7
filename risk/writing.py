"""Writing many scores at once: COPY into a temporary table, then one upsert.

A score never replaces one that is newer. For a handful of rows the same upsert, planned once, reads
one value of JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import orjson
from django.db import connection

from risk import prepared
from risk.engine.additive import Floats
from risk.frame import Frame
from risk.models import Band, Target
from risk.scoring import TRUST, Scored

FEW = 200  # up to here one value beats making a table

# The columns both kinds of score share, in the order they are written, with their SQL types.
_SHARED = {
    "p": "float8", "score": "int2", "band": "text", "reasons": "jsonb", "confidence": "text",
    "confidence_note": "text", "flags": "text[]", "p_low": "float8", "p_high": "float8",
    "model_id": "bigint", "as_of_on": "date", "scored_at": "timestamptz",
    "guest_id": "bigint", "location_id": "bigint",
}  # fmt: skip


@dataclass(frozen=True)
class _Kind:
    table: str
    key: str
    extra: dict[str, str]

    @property
    def fresh(self) -> str:
        return f"{self.table}_fresh"

    @property
    def columns(self) -> dict[str, str]:
        return {self.key: "bigint"} | _SHARED | self.extra


CHURN = _Kind(
    "risk_churnscore", "membership_id", {"p_voluntary": "float8", "p_involuntary": "float8"}
)
BOOKING = _Kind("risk_bookingscore", "appointment_id", {"p_no_show": "float8"})
KINDS = {str(Target.CHURN): CHURN, str(Target.CANCELLATION): BOOKING}


def rows_of(
    target: str,
    frame: Frame,
    scored: Scored,
    *,
    model_id: int,
    limits: dict[str, int],
    days: Mapping[int, date],
    now: datetime,
) -> list[tuple[Any, ...]]:
    """Values in the order of the columns; None for NULL. `days` has the as-of date by location."""
    bands = _bands(scored, limits)
    seconds = _known(scored.second)
    chances = scored.p.tolist()
    if target == Target.CHURN:
        extra: Sequence[tuple[Any, ...]] = [
            (None, None) if s is None else (p - s, s) for p, s in zip(chances, seconds, strict=True)
        ]
    else:
        extra = [(s,) for s in seconds]
    kind = KINDS[target]
    at = now.isoformat()
    as_of = {location: on.isoformat() for location, on in days.items()}
    return [
        (key, p, score, band, orjson.dumps(why).decode(), TRUST[trust], note,
         f"{{{','.join(flags)}}}", low, high, model_id, as_of[location], at, guest, location, *more)
        for key, p, score, band, why, trust, note, flags, low, high, guest, location, more in zip(
            frame.ids[kind.key].tolist(), chances, scored.score.tolist(), bands, scored.reasons,
            scored.confidence.tolist(), scored.notes, scored.flags, _known(scored.low),
            _known(scored.high), frame.ids["guest_id"].tolist(),
            frame.ids["location_id"].tolist(), extra, strict=True,
        )
    ]  # fmt: skip


def _known(x: Floats) -> list[float | None]:
    return [None if value != value else value for value in x.tolist()]


def _bands(scored: Scored, limits: dict[str, int]) -> list[str]:
    """The band of each score; `limits` from `selectors.thresholds`."""
    rising = sorted(limits, key=limits.__getitem__)
    least = [limits[band] for band in rising]
    places = np.searchsorted(least, scored.score, side="right") - 1
    return [
        str(Band.UNKNOWN) if unknown else rising[place]
        for place, unknown in zip(places.tolist(), scored.unknown.tolist(), strict=True)
    ]


def write(target: str, count: int, batches: Iterable[list[tuple[Any, ...]]]) -> None:
    """Upsert the `count` rows that come in batches: a few as one value of JSON, many by one COPY,
    so that never all of them are held. Call inside a transaction."""
    kind = KINDS[target]
    if count <= FEW:
        records = [dict(zip(kind.columns, row, strict=True)) for rows in batches for row in rows]
        for record in records:
            record["reasons"] = orjson.Fragment(record["reasons"])  # JSON already
        if records:
            prepared.run(_upsert(kind, _records(kind)), {"records": orjson.dumps(records).decode()})
        return
    with connection.cursor() as cursor:
        copy_in(kind, batches, cursor)
        cursor.execute(_upsert(kind, f"{kind.fresh} n"))


def _records(kind: _Kind) -> str:
    columns = ", ".join(f"{name} {sql}" for name, sql in kind.columns.items())
    return f"jsonb_to_recordset(%(records)s::jsonb) AS n ({columns})"


def copy_in(kind: _Kind, batches: Iterable[list[tuple[Any, ...]]], cursor: Any) -> None:
    """Fill the temporary table of fresh scores, which ends with the transaction."""
    columns = ", ".join(f"{name} {sql}" for name, sql in kind.columns.items())
    cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS {kind.fresh} ({columns}) ON COMMIT DROP")
    cursor.execute(f"TRUNCATE {kind.fresh}")
    with cursor.copy(f"COPY {kind.fresh} ({', '.join(kind.columns)}) FROM STDIN") as out:
        for rows in batches:
            for start in range(0, len(rows), 5_000):
                out.write(_lines(rows[start : start + 5_000]))


def _lines(rows: list[tuple[Any, ...]]) -> str:
    """Rows in COPY's text format. A tab or a new line is in no value: JSON writes them with a
    backslash, and the notes are our own. Neither is \\0, which PostgreSQL does not store."""
    text = "".join(
        ["\t".join(["\0" if value is None else str(value) for value in row]) + "\n" for row in rows]
    )
    return text.replace("\\", "\\\\").replace("\0", "\\N")


def _upsert(kind: _Kind, source: str) -> str:
    names = list(kind.columns)
    if kind is CHURN:
        # A week ago: that day's score, or of the nearest of the three days before it.
        week_ago = """(SELECT d.score FROM risk_churnscoreday d
            WHERE d.membership_id = n.membership_id AND d.as_of_on <= n.as_of_on - 7
            AND d.as_of_on >= n.as_of_on - 10 ORDER BY d.as_of_on DESC LIMIT 1)"""
        names.append("score_week_ago")
        values = ", ".join([*(f"n.{name}" for name in kind.columns), week_ago])
    else:
        values = ", ".join(f"n.{name}" for name in kind.columns)
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in names if name != kind.key)
    return (
        f"INSERT INTO {kind.table} ({', '.join(names)}) "  # noqa: S608 - names of our own tables
        f"SELECT {values} FROM {source} "
        f"ON CONFLICT ({kind.key}) DO UPDATE SET {changes} "
        f"WHERE {kind.table}.as_of_on <= EXCLUDED.as_of_on "
        f"AND {kind.table}.scored_at <= EXCLUDED.scored_at"
    )


def keep_days(*, location_id: int, as_of_on: date) -> None:
    """Add the location's scores to the history and thin it out: every night for two months, then
    the first of each month."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO risk_churnscoreday (membership_id, as_of_on, p, score, model_id) "
            "SELECT membership_id, as_of_on, p, score, model_id FROM risk_churnscore "
            "WHERE location_id = %s AND as_of_on = %s "
            "ON CONFLICT (membership_id, as_of_on) DO UPDATE "
            "SET p = EXCLUDED.p, score = EXCLUDED.score, model_id = EXCLUDED.model_id",
            [location_id, as_of_on],
        )
        cursor.execute(
            "DELETE FROM risk_churnscoreday WHERE as_of_on < %s AND as_of_on >= %s "
            "AND EXTRACT(day FROM as_of_on) <> 1",
            [as_of_on - timedelta(days=60), as_of_on - timedelta(days=75)],
        )


def drop_others(target: str, *, location_id: int, keep: list[int], as_of_on: date) -> int:
    """Remove the location's scores whose membership has ended or whose booking is no longer coming.
    Returns how many."""
    kind = KINDS[target]
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {kind.table} s WHERE s.location_id = %s AND s.as_of_on <= %s "  # noqa: S608
            f"AND NOT EXISTS (SELECT 1 FROM UNNEST(%s::bigint[]) k (id) WHERE k.id = s.{kind.key})",
            [location_id, as_of_on, keep],
        )
        return int(cursor.rowcount)


def drop_chosen(target: str, ids: list[int]) -> None:
    """Remove the scores of these memberships or bookings."""
    kind = KINDS[target]
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {kind.table} WHERE {kind.key} = ANY(%s)", [ids])  # noqa: S608


def move_bands(target: str, limits: dict[str, int]) -> None:
    """Put every score into the band it belongs to now; what has too little data stays unknown."""
    rising = sorted(limits.items(), key=lambda item: -item[1])
    whens = " ".join("WHEN score >= %s THEN %s" for _ in rising)
    values = [value for band, least in rising for value in (least, band)]
    table = KINDS[target].table
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET band = CASE {whens} END "  # noqa: S608
            f"WHERE band <> 'unknown' AND band <> CASE {whens} END",
            [*values, *values],
        )
