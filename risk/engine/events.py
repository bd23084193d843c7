"""Inputs of events from a table of any shape, each from what was known before its moment only.

An event is seen from the second it was booked, its outcome from the second it was known. Own
history, rates of places and of values, and other bookings are counted as of the moment of scoring,
so a training row knows exactly what the scoring of that day would have known; risk/engine/leaks.py
proves it by taking the table back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from risk.engine.additive import Floats
from risk.engine.asof import Facts, Ints, tally
from risk.engine.table import DAY, UNKNOWN, Mask, Seconds

# Outcomes of the usual rate mixed into the own one (a guest) and into that of a place or value.
OWN_PRETENDED, RATE_PRETENDED = 3.0, 20.0
RECENT_EVENTS = 3
# A fact counts once for each of these windows it lies in: recent ones weigh three times the old.
RECENT_DAYS: tuple[int | None, ...] = (14, 60, None)
# Lead times that share a usual rate, in days.
LEAD_STEPS = (0, 2, 7, 14, 30)
# Below this length of history, in days, the month of the year only names the date.
MONTHS_FROM_DAYS = 550


@dataclass(frozen=True)
class Built:
    """One input: its values (a row each), and the group it is kept or dropped with."""

    name: str
    group: str
    values: Floats
    kind: Literal["number", "category"] = "number"


@dataclass(frozen=True)
class Events:
    """A row per event, times in seconds since 1970. `over`: when it is past (the end of its day
    where only the day is told); `booked` is filled and lies before `over`, `lead` is whole days
    from booking to event (NaN: not told). `outcome` 1, 0 or NaN (not known, or never). `values`:
    codes of columns whose rate of earlier outcomes is an input; `parts`: rows that count for a
    further own history."""

    entity: Ints
    time: Seconds
    over: Seconds
    moment: Seconds
    known: Seconds
    outcome: Floats
    booked: Seconds | None
    lead: Floats | None
    group: Ints | None
    values: Mapping[str, Ints]
    parts: Mapping[str, Mask]
    with_hours: bool
    booked_with_hours: bool

    def where(self, mask: Mask) -> Events:
        cut: dict[str, Any] = {
            one.name: value[mask]
            for one in fields(self)
            if isinstance(value := getattr(self, one.name), np.ndarray)
        }
        cut["values"] = {name: codes[mask] for name, codes in self.values.items()}
        cut["parts"] = {name: part[mask] for name, part in self.parts.items()}
        return replace(self, **cut)

    def as_known(self, moment: int) -> tuple[Events, Mask]:
        """The table as it stood at a moment: later bookings gone, later outcomes not known. Also
        which of the rows are left: without booking times the past ones and those being scored."""
        if self.booked is None:
            there: Mask = (self.time < moment) | (self.moment == moment)
        else:
            there = self.booked <= moment
        past = self.where(there)
        outcome = np.where(past.known < moment, past.outcome, np.nan)
        return replace(past, outcome=outcome), there


def features(events: Events, automatic: Collection[str]) -> list[Built]:
    """The built inputs of the groups asked for."""
    made: list[Built] = []
    usual = _usual(events)
    if "lead" in automatic:
        made += _lead(events)
    if "calendar" in automatic:
        made += _calendar(events)
    if "history" in automatic:
        everything = np.ones(len(events.entity), dtype=bool)
        made += _own_history(events, everything, usual, "own", "history")
        for name, part in events.parts.items():
            made += _own_history(events, part, usual, f"own_{name}", f"history {name}")
    if "others" in automatic:
        made += _others(events)
    if "load" in automatic:
        made += _load(events)
    if "group" in automatic and events.group is not None:
        made.append(Built("group_rate", "group", _rate(events, events.group)))
    for name, codes in events.values.items():
        made.append(Built(f"rate of {name}", f"rate of {name}", _rate(events, codes)))
    return made


def _lead(events: Events) -> list[Built]:
    if events.booked is None or events.lead is None:
        return []
    made = [Built("lead_days", "lead", events.lead)]
    if events.with_hours and events.booked_with_hours:
        hours = (events.time - events.booked) / 3600.0
        made.append(Built("lead_hours", "lead", np.where(np.isnan(events.lead), np.nan, hours)))
    ahead = (events.time - events.moment) / DAY
    if np.unique(np.floor(ahead)).size > 2 and not np.array_equal(np.floor(ahead), events.lead):
        made.append(Built("ahead_days", "lead", ahead))
    return made


def _calendar(events: Events) -> list[Built]:
    made = [Built("weekday", "calendar", weekday(events.time), "category")]
    if events.with_hours:
        made.append(Built("hour", "calendar", hour(events.time)))
    if np.ptp(events.time) >= MONTHS_FROM_DAYS * DAY:
        made.append(Built("month", "calendar", month(events.time)))
    if events.booked is not None and events.lead is not None:
        told = ~np.isnan(events.lead)
        day = np.where(told, weekday(events.booked), np.nan)
        made.append(Built("booked_weekday", "calendar", day, "category"))
        if events.booked_with_hours:
            at = np.where(told, hour(events.booked), np.nan)
            made.append(Built("booked_hour", "calendar", at))
    return made


def weekday(seconds: Seconds) -> Floats:
    """0 is Monday."""
    return np.asarray((seconds // DAY + 3) % 7, dtype=np.float64)


def hour(seconds: Seconds) -> Floats:
    """The hour with its fraction, to the minute."""
    return np.asarray(seconds % DAY // 60 / 60, dtype=np.float64)


def month(seconds: Seconds) -> Floats:
    months = (seconds // DAY).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.asarray(months % 12 + 1, dtype=np.float64)


def _usual(events: Events) -> Floats:
    """The rate of events booked equally long ahead, as known at each event's moment."""
    base = shrunk_rate(events, np.zeros(len(events.entity), dtype=np.int64), 0.5, 2.0)
    if events.lead is None:
        return base
    steps = np.searchsorted(LEAD_STEPS, np.nan_to_num(events.lead, nan=-1.0), side="left")
    return shrunk_rate(events, steps.astype(np.int64), base, RATE_PRETENDED)


def shrunk_rate(events: Events, key: Ints, towards: Floats | float, pretended: float) -> Floats:
    """The share of earlier outcomes of the same key, recent ones weighing more, drawn towards
    another rate by `pretended` cases."""
    facts, outcome = _known_facts(events, key, np.ones(len(key), dtype=bool))
    count, positive = np.zeros(len(key)), np.zeros(len(key))
    for days in RECENT_DAYS:
        within = None if days is None else days * DAY
        n, k = tally(facts, outcome, key, events.moment, within=within)
        count += n / len(RECENT_DAYS)
        positive += k / len(RECENT_DAYS)
    return (positive + pretended * towards) / (count + pretended)


def _rate(events: Events, key: Ints) -> Floats:
    """That rate against the whole business's of the same time, in log-odds: it says how a place
    differs, not what season it is."""
    base = shrunk_rate(events, np.zeros(len(key), dtype=np.int64), 0.5, 2.0)
    return _logit(shrunk_rate(events, key, base, RATE_PRETENDED)) - _logit(base)


def _logit(p: Floats) -> Floats:
    return np.log(p / (1 - p))


def _known_facts(events: Events, key: Ints, part: Mask) -> tuple[Facts, Floats]:
    known = part & ~np.isnan(events.outcome) & (events.known != UNKNOWN)
    return Facts(key[known], events.known[known]), events.outcome[known]


def _own_history(events: Events, part: Mask, usual: Floats, prefix: str, group: str) -> list[Built]:
    """What the entity's earlier events of that part came to, as known at each moment."""
    known = part & ~np.isnan(events.outcome) & (events.known != UNKNOWN)
    facts, outcome = _known_facts(events, events.entity, part)
    end, begin = facts.before(events.entity, events.moment), facts.begin(events.entity)
    count = (end - begin).astype(np.float64)
    some, last = end > begin, np.maximum(end - 1, 0)
    came, time = outcome[facts.order], events.time[known][facts.order]
    streak = _streaks(facts, came, events.entity[known])
    if not len(came):  # nothing known yet: one fact nobody reads keeps the places valid
        came, time, streak = np.zeros(1), np.zeros(1, dtype=np.int64), np.zeros(1)
    positives = facts.running(outcome)
    positive = positives[end] - positives[begin]
    everybody = np.zeros(len(events.entity), dtype=np.int64)
    all_facts, all_outcome = _known_facts(events, everybody, part)
    n, k = tally(all_facts, all_outcome, everybody, events.moment)
    base = (k + 1) / (n + 2)
    expected = facts.running(usual[known])
    surprise = positive - (expected[end] - expected[begin])
    lately = np.maximum(begin, end - RECENT_EVENTS)
    recent = (positives[end] - positives[lately] + base) / (end - lately + 1.0)
    rate = (positive + OWN_PRETENDED * base) / (count + OWN_PRETENDED)

    def if_any(values: Floats, there: npt.NDArray[np.bool_] = some) -> Floats:
        return np.where(there, values, np.nan)

    since = (events.moment - time[last]) / DAY
    place = np.arange(len(came))
    last_positive = np.maximum.accumulate(np.where(came == 1, place, -1))[last]
    had = some & (last_positive >= begin)
    since_positive = (events.moment - time[np.maximum(last_positive, 0)]) / DAY
    several = count >= 2
    gap = (time[last] - time[np.minimum(begin, len(time) - 1)]) / DAY / np.maximum(count - 1, 1)
    made = {
        "n": count,
        "positives": positive,
        "rate": rate,
        "surprise": surprise / (count + OWN_PRETENDED),
        "last": if_any(came[last]),
        "streak": np.where(some, streak[last], 0.0),
        "since": if_any(since),
        "since_positive": if_any(since_positive, had),
        "recent": recent,
        "trend": recent - rate,
        "gap": if_any(gap, several),
        "gap_ratio": if_any(since / np.maximum(gap, 1.0), several),
    }
    return [Built(f"{prefix}_{name}", group, values) for name, values in made.items()]


def _streaks(facts: Facts, came: Floats, entity: Ints) -> Floats:
    """Per fact, how many of the same outcome in a row it ends: positive ones count up, others
    down."""
    key = entity[facts.order]
    new = np.ones(len(came), dtype=bool)
    new[1:] = (key[1:] != key[:-1]) | (came[1:] != came[:-1])
    place = np.arange(len(came))
    length = place - np.maximum.accumulate(np.where(new, place, 0)) + 1
    return np.where(came == 1, length, -length).astype(np.float64)


def _others(events: Events) -> list[Built]:
    """Other bookings of the same entity that had been made by the moment."""
    booked = events.booked
    if booked is None:
        # Without booking times nobody knows what else was planned; the number so far is known.
        facts = Facts(events.entity, events.over)
        past = facts.before(events.entity, events.moment) - facts.begin(events.entity)
        return [Built("events_before", "others", past.astype(np.float64))]
    day = events.time // DAY

    def others(key: Ints, part: Mask | None = None) -> Floats:
        there = np.ones(len(key), dtype=bool) if part is None else part
        facts = Facts(key[there], booked[there])
        seen = facts.before(key, events.moment, also_at=True) - facts.begin(key)
        return (seen - there).astype(np.float64)

    that_day = _pair(events.entity, day)
    made_by_now = others(events.entity)
    ended = Facts(events.entity, events.over)
    over = ended.before(events.entity, events.moment) - ended.begin(events.entity)
    made = {
        "bookings_before": made_by_now,
        "open": made_by_now - over,
        "same_day": others(that_day),
        "booked_together": others(_pair(events.entity, booked)),
        "booked_that_day": others(_pair(events.entity, booked // DAY)),
    }
    if events.lead is not None:
        made["same_day_ahead"] = others(that_day, events.lead >= 1)
    bookings = Facts(events.entity, booked)
    place = bookings.before(events.entity, booked)
    before = np.maximum(place - 1, 0)
    made["since_booking"] = np.where(
        place > bookings.begin(events.entity), (booked - bookings.at[before]) / DAY, np.nan
    )
    return [Built(name, "others", values) for name, values in made.items()]


def _load(events: Events) -> list[Built]:
    """How many were booked ahead for the day, here and in the whole business."""
    if events.booked is None or events.lead is None:
        return []
    ahead = events.lead >= 1
    day = events.time // DAY
    made = []
    for name, key in (
        ("day_load", day - day.min()),
        ("group_load", None if events.group is None else _pair(events.group, day)),
    ):
        if key is None:
            continue
        facts = Facts(key[ahead], events.booked[ahead])
        seen = facts.before(key, events.moment, also_at=True) - facts.begin(key)
        made.append(Built(name, "load", (seen - ahead).astype(np.float64)))
    return made


def _pair(first: Ints, second: Ints) -> Ints:
    """One key for two."""
    low = int(second.min())
    both = first * (int(second.max()) - low + 1) + (second - low)
    place: Ints = np.unique(both, return_inverse=True)[1].astype(np.int64)
    return place
