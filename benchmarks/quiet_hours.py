"""Calling hours decided twice: 800,000 instants over every IANA zone and both clock changes.

`python -m benchmarks.quiet_hours [--decisions 800000] [--seed 1] [--out FILE.json]`

Beside the decision the sender makes (`outreach.gate.hours`: zoneinfo, dates, times of day) stands
a second one that shares nothing with it but the bytes of the zone files and the table of hours: it
reads those files itself (RFC 8536, with the rule at their end for the years to come), adds seconds
to seconds, and looks a minute of the week up in a mask of 10,080. Instants lie close to the clock
changes of seven years and to the edges of the hours; a quarter lie anywhere.

Beside both, what is often built: the zone's offset stored once, and nothing asked about the number.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import struct
import time as clocks
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from outreach.gate.hours import Hours, Line
    from outreach.gate.places import Place

FIRST_YEAR, LAST_YEAR = 2024, 2030
PLACES_PER_ZONE = 3
WEEK = 7 * 24 * 60
DAY_S = 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DIALLING = ["", "+1800", "+346", "+447", "+612", "+1416", "+1787"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=800_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("TENURE_ENV", "test")

    import django

    django.setup()
    from audit import fence

    fence.work_for_the_system()
    result = compare(decisions=options.decisions, seed=options.seed)
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


def compare(*, decisions: int, seed: int, zones: Sequence[str] | None = None) -> dict[str, Any]:
    """Decide `decisions` times in both ways, over every zone or those named. Counts by what they
    found."""
    from outreach.gate.hours import DELIVERED, Hours, Line

    as_read: dict[str, Any] = {"also_zone": "", "marketing_only": True}
    delivered = tuple(
        Line.of(as_read | row | {name: row[name].isoformat() for name in ("opens", "closes")})
        for row in DELIVERED
    )
    random = np.random.default_rng(seed)
    names = sorted(zones or available_timezones())
    each = -(-decisions // (len(names) * PLACES_PER_ZONE))
    begun = clocks.monotonic()
    found = {"decisions": 0, "open": 0, "differ": 0, "inside quiet hours": 0}
    naive = {"differ": 0, "inside quiet hours": 0}
    for name in names * PLACES_PER_ZONE:
        hours = Hours(
            quiet_from=time(int(random.integers(18, 23)), int(random.integers(0, 2)) * 30),
            quiet_until=time(int(random.integers(6, 11))),
            lines=delivered,
        )
        place = _somewhere(name, random)
        other = Masks.of(hours, place)
        count = min(each, decisions - found["decisions"])
        seconds = _instants(name, other, count, random)
        second = other.open_at(seconds)
        stored = Masks.of(hours, _without_number(place)).with_stored_offset().open_at(seconds)
        for at, is_open, stored_open in zip(
            seconds.tolist(), second.tolist(), stored.tolist(), strict=True
        ):
            first = hours.is_open(EPOCH + timedelta(seconds=at), place)
            found["decisions"] += 1
            found["open"] += first
            found["differ"] += first != is_open
            found["inside quiet hours"] += first and not is_open
            naive["differ"] += stored_open != is_open
            naive["inside quiet hours"] += stored_open and not is_open
    return {
        "zones": len(names),
        "years": f"{FIRST_YEAR} to {LAST_YEAR}",
        **found,
        "a stored offset, the number not asked": naive,
        "seconds": round(clocks.monotonic() - begun, 1),
    }


def _somewhere(zone_name: str, random: np.random.Generator) -> Place:
    """A guest of a location in the zone, in some state, with a number from somewhere."""
    from outreach.gate.places import MAIL, MARKETING, SERVICE, STATE_OF, STATES, Place

    state = str(random.choice(list(STATES)))
    area = str(random.choice([*(f"+1{area}" for area in STATE_OF), *DIALLING * 10]))
    kind = str(random.choice([MARKETING, MARKETING, SERVICE, MAIL]))
    return Place(zone_name, "US", state, area, kind)


def _without_number(place: Place) -> Place:
    from outreach.gate.places import Place

    return Place(place.zone_name, place.country, place.region, "", place.kind)


def _instants(
    name: str, masks: Masks, count: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Seconds since 1970: close to clock changes, close to edges of the hours, anywhere."""
    first = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    last = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())
    anywhere = random.integers(first, last, count)
    changes = masks.clocks[0].changes(first, last)
    if changes.size:
        near = random.choice(changes, count) + random.integers(-DAY_S, DAY_S, count)
    else:
        near = anywhere
    chosen = np.where(np.arange(count) % 4 == 0, anywhere, near)
    # Half of all: move to within two minutes of an edge of the hours, if one is near.
    edges = np.flatnonzero(masks.mask != np.roll(masks.mask, 1))
    if edges.size:
        local = chosen + masks.clocks[0].offsets(chosen)
        minute = (local // 60 + 3 * 1440) % WEEK
        nearest = edges[np.argmin(np.abs(minute[:, None] - edges[None, :]), axis=1)]
        moved = chosen + (nearest - minute) * 60 + random.integers(-120, 121, count)
        chosen = np.where(np.arange(count) % 2 == 1, moved, chosen)
    return chosen.astype(np.int64)


# --- The second implementation ------------------------------------------------------------------


@dataclass(frozen=True)
class Clock:
    """A zone as two columns: from which second which offset holds."""

    since: NDArray[np.int64]
    offset: NDArray[np.int64]

    def offsets(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Seconds east of UTC at each instant."""
        return self.offset[np.searchsorted(self.since, at, side="right") - 1]

    def changes(self, first: int, last: int) -> NDArray[np.int64]:
        """Instants between two at which the clocks change."""
        return self.since[(self.since >= first) & (self.since < last)]

    @classmethod
    @lru_cache(maxsize=1024)
    def read(cls, name: str) -> Clock:
        """The zone of the pinned data, its file read here."""
        path = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
        raw = path.read_bytes()
        start = 44 + _body_bytes(raw[:44], wide=4)  # past the old form of the table
        head, body = raw[start : start + 44], raw[start + 44 :]
        _, _, _, moves, kinds, _ = struct.unpack(">6I", head[20:44])
        since = list(struct.unpack(f">{moves}q", body[: 8 * moves]))
        which = body[8 * moves : 9 * moves]
        table = body[9 * moves : 9 * moves + 6 * kinds]
        east = [struct.unpack(">i", table[6 * k : 6 * k + 4])[0] for k in range(kinds)]
        offset = [east[k] for k in which]
        rule = raw[start + 44 + _body_bytes(head, wide=8) :].strip(b"\n").decode()
        for moment, value in _by_rule(rule, since[-1] if since else -(2**40)):
            since.append(moment)
            offset.append(value)
        return cls(np.array([-(2**60), *since]), np.array([east[0], *offset]))


def _body_bytes(head: bytes, *, wide: int) -> int:
    utc, standard, leaps, moves, kinds, letters = struct.unpack(">6I", head[20:44])
    return int(moves * (wide + 1) + kinds * 6 + letters + leaps * (wide + 4) + standard + utc)


_RULE = re.compile(
    r"(?:<[^>]+>|[A-Za-z]+)([+-]?[\d:]+)(?:(?:<[^>]+>|[A-Za-z]+)([+-]?[\d:]+)?,([^,]+),(.+))?$"
)


def _by_rule(rule: str, after: int) -> Iterator[tuple[int, int]]:
    """The changes a rule like EST5EDT,M3.2.0,M11.1.0 makes to the end of the years looked at."""
    found = _RULE.match(rule)
    if found is None:
        raise ValueError(f"No rule at the end of the zone file: {rule!r}")
    winter = -_seconds(found[1])
    if found[3] is None:
        return
    summer = -_seconds(found[2]) if found[2] else winter + 3600
    changes = [
        (moment, value)
        for year in range(1970, LAST_YEAR + 3)
        for moment, value in (
            (_change(found[3], year) - winter, summer),
            (_change(found[4], year) - summer, winter),
        )
        if moment > after
    ]
    yield from sorted(changes)


def _change(text: str, year: int) -> int:
    """Local seconds since 1970 of M3.2.0/2: second Sunday of March, two o'clock."""
    day, _, clock = text.partition("/")
    if not day.startswith("M"):
        raise ValueError(f"A rule of a kind no zone uses now: {text!r}")
    month, week, weekday = (int(part) for part in day[1:].split("."))
    first = date(year, month, 1)
    ahead = (weekday - first.isoweekday()) % 7
    chosen = first + timedelta(days=ahead + 7 * (week - 1))
    if chosen.month != month:  # the fifth means the last
        chosen -= timedelta(days=7)
    return (chosen - date(1970, 1, 1)).days * DAY_S + (_seconds(clock) if clock else 7200)


def _seconds(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    parts = [int(part) for part in text.lstrip("+-").split(":")]
    return sign * sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))


@dataclass(frozen=True)
class Masks:
    """Open minutes of the week: one mask for every clock of the guest, more for second clocks."""

    clocks: list[Clock]
    mask: NDArray[np.bool_]
    also: list[tuple[Clock, NDArray[np.bool_]]]

    @classmethod
    def of(cls, hours: Hours, place: Place) -> Masks:
        mask = _own_mask(hours)
        also = []
        by_place: dict[tuple[str, bool], list[Line]] = {}
        for line in hours.lines:
            binds = place.kind == "marketing" or (
                place.kind == "service" and not line.marketing_only
            )
            if binds and line.jurisdiction in place.jurisdictions:
                by_place.setdefault((line.jurisdiction, line.marketing_only), []).append(line)
        for lines in by_place.values():
            theirs = _law_mask(lines)
            mask = mask & theirs
            also += [(Clock.read(z), theirs) for z in {x.also_zone for x in lines} if z]
        return cls([Clock.read(name) for name in place.zone_names], mask, also)

    def open_at(self, at: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a message may leave at each second: open then, and a minute later."""
        open_ = np.ones(len(at), dtype=bool)
        for clock, mask in [*((clock, self.mask) for clock in self.clocks), *self.also]:
            for moment in (at, at + 60):
                # 1 January 1970 was a Thursday: three days after a Monday.
                local = moment + clock.offsets(moment)
                open_ &= mask[(local // 60 + 3 * 1440) % WEEK]
        return open_

    def with_stored_offset(self) -> Masks:
        """The same with the offset of the first day kept for ever."""
        day = np.array([int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())])
        fixed = [Clock(np.array([-(2**60)]), clock.offsets(day)) for clock in self.clocks]
        return Masks(fixed, self.mask, [])


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def _own_mask(hours: Hours) -> NDArray[np.bool_]:
    minute = np.arange(WEEK) % 1440
    begins, ends = _minutes(hours.quiet_until), _minutes(hours.quiet_from)
    return (minute >= begins) & (minute < ends)


def _law_mask(lines: Sequence[Line]) -> NDArray[np.bool_]:
    mask = np.zeros(WEEK, dtype=bool)
    for line in lines:
        for weekday in line.weekdays:
            midnight = (weekday - 1) * 1440
            mask[midnight + _minutes(line.opens) : midnight + _minutes(line.closes)] = True
    return mask


if __name__ == "__main__":
    main()
