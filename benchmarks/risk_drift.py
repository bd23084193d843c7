"""Does an alarm follow when something changes, and does it stay quiet while nothing does?

`python -m benchmarks.risk_drift [--shifts 30] [--stable 100] [--first SEED] [--out FILE.json]`

Made-up businesses with seasons, weekdays and slow growth (benchmarks/drift_frames.py), each with
two years of past. A shift is done to the newest night only and must raise an alarm in the check
that follows; a stable run is the same check on a night as it came. Each run checks both targets:
inputs, score, volume and calibration. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drift_frames import CATEGORIES, Business, Night
from risk.engine import drift

HISTORY, TODAY = 728, 728  # days of past; the first night that is checked
TRAILING, OUTCOME_DAYS = 28, 60
SCORE_CUTS = np.linspace(-6, 3, 19)
CHURN, BOOKINGS = "churn", "cancellation"
LOOKS = {CHURN: (1,), BOOKINGS: (1, 7)}

Change = Callable[[Night, np.random.Generator], Night]


def night_of(business: Business, target: str, day: int) -> Night:
    found = business.members(day) if target == CHURN else business.coming(day)
    found.columns["score"] = np.log(found.p / (1 - found.p))
    return found


def counts_of(bins: dict[str, drift.Bins], night: Night, places: np.ndarray) -> dict[str, Any]:
    """Counts of shape (locations, places of the bins) by input, as the nightly roll-up keeps."""
    return {
        name: np.stack([one.counts(night.columns[name][night.location == here]) for here in places])
        for name, one in bins.items()
    }


class Watched:
    """A business with its references and what the trailing nights showed."""

    def __init__(self, seed: int, *, locations: int = 8) -> None:
        self.business = Business(seed=seed, locations=locations)
        self.places = self.business.places
        self.references: dict[str, Any] = {}
        self.bins: dict[str, dict[str, drift.Bins]] = {}
        self.kept: dict[tuple[str, int], Any] = {}
        for target, days in (
            (CHURN, range(TODAY - 74 - 30 * 20, TODAY - 73, 30)),
            (BOOKINGS, range(TODAY - 540, TODAY)),
        ):
            nights = [night_of(self.business, target, day) for day in days]
            columns = {
                name: np.concatenate([night.columns[name] for night in nights])
                for name in nights[0].columns
            }
            self.bins[target] = {
                name: drift.bins_of(name, "category" if name in CATEGORIES else "number", x)
                for name, x in columns.items()
            }
            self.references[target] = drift.reference(
                list(self.bins[target].values()),
                columns,
                period=np.repeat(np.array(days), [len(night.p) for night in nights]),
                location=np.concatenate([night.location for night in nights]),
                looks=LOOKS[target],
                block=1 if target == CHURN else 30,
            )
        self.calm = drift.calm(*self.outcomes(range(TODAY - 90, TODAY))[:3])

    def outcomes(self, days: range, change: Change | None = None) -> tuple[Any, ...]:
        """Sums of chances, outcomes, variances by day, and the same by bins of the score."""
        table = np.zeros((3, len(days), len(SCORE_CUTS) + 1))
        variance = np.zeros(len(days))
        for row, day in enumerate(days):
            night = night_of(self.business, BOOKINGS, day)
            if change is not None and row == len(days) - 1:
                night = change(night, np.random.default_rng(day))
            bin_ = np.searchsorted(SCORE_CUTS, night.columns["score"])
            for k, weights in enumerate((np.ones(len(night.p)), night.p, night.truth)):
                table[k, row] = np.bincount(bin_, weights=weights, minlength=len(SCORE_CUTS) + 1)
            variance[row] = (night.p * (1 - night.p)).sum()
        return table[1].sum(axis=1), table[2].sum(axis=1), variance, table

    def counted(self, target: str, day: int) -> Any:
        key = target, day
        if key not in self.kept:
            night = night_of(self.business, target, day)
            rows = np.array([(night.location == here).sum() for here in self.places])
            self.kept[key] = counts_of(self.bins[target], night, self.places), rows
        return self.kept[key]

    def check(self, day: int, change: tuple[str, Change] | None = None) -> list[str]:
        """The names of what one run finds on both targets."""
        found = []
        for target in (CHURN, BOOKINGS):
            nights = [self.counted(target, d) for d in range(day - TRAILING, day)]
            newest = self.counted(target, day)
            if change is not None and change[0] == target:
                night = change[1](night_of(self.business, target, day), np.random.default_rng(day))
                rows = np.array([(night.location == here).sum() for here in self.places])
                newest = counts_of(self.bins[target], night, self.places), rows
            nights.append(newest)
            findings = drift.check(
                self.references[target],
                {name: np.stack([counts[name] for counts, _ in nights]) for name in newest[0]},
                np.stack(
                    [self._volume(target, d) for d in range(day - TRAILING, day)]
                    + [self._volume(target, day, newest[1])]
                ),
                self.places.tolist(),
                bins=self.bins[target],
            )
            found += [
                f"{target} {one.name}" + (f" at {one.location}" if one.location else "")
                for one in findings
            ]
        days = range(max(TODAY, day - OUTCOME_DAYS), day + 1)
        doubled = change[1] if change is not None and change[0] == "outcomes" else None
        _, _, _, table = self.outcomes(days, doubled)
        judged = drift.calibration(*table, calm=self.calm)
        if judged.what:
            found.append(f"{BOOKINGS} calibration {judged.what} {judged.level:+.2f}")
        return found

    def _volume(self, target: str, day: int, tonight: Any = None) -> Any:
        """Rows there were to score: all members, or the bookings of the next 14 days."""
        own = self.counted(target, day)[1] if tonight is None else tonight
        if target == CHURN:
            return own
        ahead = sum(self.counted(target, d)[1] for d in range(day + 1, day + 14))
        return np.where(own > 0, own + ahead, 0)


def set_to(name: str, value: float, where: Any = None) -> Change:
    def change(night: Night, rng: np.random.Generator) -> Night:
        here = slice(None) if where is None else where(night, rng)
        x = night.columns[name].copy()
        x[here] = value
        night.columns[name] = x
        return night

    return change


def times(factor: float, *names: str, where: Any = None) -> Change:
    def change(night: Night, rng: np.random.Generator) -> Night:
        here = slice(None) if where is None else where(night, rng)
        for name in names:
            x = night.columns[name].copy()
            x[here] *= factor
            night.columns[name] = x
        return night

    return change


def both(*changes: Change) -> Change:
    def change(night: Night, rng: np.random.Generator) -> Night:
        for one in changes:
            night = one(night, rng)
        return night

    return change


def at(place: int) -> Any:
    return lambda night, rng: night.location == place


def on_plan(code: float) -> Any:
    return lambda night, rng: night.columns["plan"] == code


def some(share: float) -> Any:
    return lambda night, rng: rng.random(len(night.p)) < share


def without(where: Any) -> Change:
    """The rows are not there."""

    def change(night: Night, rng: np.random.Generator) -> Night:
        keep = ~where(night, rng)
        return Night(
            {name: x[keep] for name, x in night.columns.items()},
            night.location[keep], night.p[keep], night.truth[keep],
        )  # fmt: skip

    return change


def chance_times(factor: float) -> Change:
    """What comes true comes true so many times as often as was said."""

    def change(night: Night, rng: np.random.Generator) -> Night:
        p = np.minimum(night.p * factor, 0.97)
        night.truth = (rng.random(len(p)) < p).astype(float)
        return night

    return change


def swapped(name: str, one: float, other: float) -> Change:
    def change(night: Night, rng: np.random.Generator) -> Night:
        x = night.columns[name]
        night.columns[name] = np.where(x == one, other, np.where(x == other, one, x))
        return night

    return change


def score_by(shift: float) -> Change:
    def change(night: Night, rng: np.random.Generator) -> Night:
        night.columns["score"] = night.columns["score"] + shift
        return night

    return change


def hours_later(night: Night, rng: np.random.Generator) -> Night:
    night.columns["hour"] = (night.columns["hour"] + 7) % 24
    return night


# What is done to the newest night, by target. "outcomes" are those of the newest day's bookings.
SHIFTS_BY_TARGET: dict[str, dict[str, Change]] = {
    CHURN: {
        "visits of members stop coming": both(set_to("visits_30", 0), set_to("visits_90", 0)),
        "future bookings of members stop": both(set_to("next_days", np.nan), set_to("coming", 0)),
        "payments stop coming": both(
            set_to("failed_90", 0),
            set_to("visits_per_payment", np.nan),
            set_to("unused_months", np.nan),
        ),
        "ratings stop coming": set_to("lowest_rating_180", np.nan),
        "every second rating is lost": set_to("lowest_rating_180", np.nan, some(0.6)),
        "prices in cents, not in dollars": times(100, "price"),
        "prices of one plan are raised by half": times(1.5, "price", where=on_plan(1.0)),
        "a price rise for everybody": both(times(1.15, "price"), set_to("price_rise", 0.15)),
        "days since a visit in hours": times(24, "days_since_visit"),
        "joining dates are reset": set_to("tenure_days", 1.0),
        "one plan becomes another": swapped("plan", 1.0, 4.0),
        "half of the members move to a new plan": set_to("plan", 9.0, some(0.5)),
        "a quarter more members fail to pay": set_to("failed_90", 2.0, some(0.25)),
        "members come half as often": both(
            times(0.5, "visits_30", "visits_90", "visits_180"), times(2, "gap_ratio")
        ),
        "one place loses its visits": set_to("visits_90", 0, at(3)),
        "one place loses its tickets": set_to("ticket", np.nan, at(5)),
        "half of the members are missing": without(some(0.55)),
        "scores rise": score_by(0.8),
    },
    BOOKINGS: {
        "lead times halve": times(0.5, "lead_days"),
        "lead times in hours": times(24, "lead_days"),
        "the channel is not told any more": set_to("channel", np.nan),
        "most bookings come by a new channel": set_to("channel", 7.0, some(0.5)),
        "long services take over": both(
            set_to("minutes", 120.0, some(0.4)), set_to("price", 210.0, some(0.4))
        ),
        "prices of services rise by half": times(1.5, "price"),
        "histories of guests are lost": both(
            set_to("past_bookings", 0),
            set_to("past_fell", 0),
            set_to("first_visit", 1),
            set_to("days_since_visit", np.nan),
        ),
        "hours in another time zone": hours_later,
        "one place's memberships are lost": both(
            set_to("member", 0, at(2)), set_to("member_days", np.nan, at(2))
        ),
        "one place's bookings are missing": without(at(4)),
    },
    "outcomes": {
        "twice as many fall through": chance_times(2.0),
        "cancellations are not told any more": chance_times(0.0),
    },
}
SHIFTS = [
    (name, target, change)
    for target, changes in SHIFTS_BY_TARGET.items()
    for name, change in changes.items()
]


@lru_cache(maxsize=2)
def watched(seed: int) -> Watched:
    return Watched(seed)


def measure(*, shifts: int, stable: int, businesses: int = 5, first: int = 0) -> dict[str, Any]:
    """Both parts; `businesses` different ones take turns."""
    began = time.monotonic()
    raised: list[dict[str, Any]] = []
    false: list[dict[str, Any]] = []
    for seed in range(first, first + businesses):
        here = watched(seed)
        for number, (name, target, change) in enumerate(SHIFTS[:shifts]):
            if number % businesses == seed - first:
                day = TODAY + TRAILING + 5 + 9 * (number // businesses)
                quiet = set(here.check(day))
                found = [one for one in here.check(day, (target, change)) if one not in quiet]
                raised.append({"shift": name, "alarms": found})
        for number in range(seed - first, stable, businesses):
            day = TODAY + TRAILING + 4 + 11 * (number // businesses)
            if found := here.check(day):
                false.append({"business": seed, "day": day, "alarms": found})
    return {
        "shifts": len(raised),
        "alarmed": sum(bool(one["alarms"]) for one in raised),
        "silent": [one["shift"] for one in raised if not one["alarms"]],
        "stable_runs": stable,
        "false_alarms": len(false),
        "false": false,
        "raised": raised,
        "seconds": round(time.monotonic() - began, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shifts", type=int, default=len(SHIFTS))
    parser.add_argument("--stable", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="seed of the first business")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    result = measure(shifts=options.shifts, stable=options.stable, first=options.first)
    if options.out:
        options.out.write_text(json.dumps(result, indent=2))
    for one in sorted(result["raised"], key=lambda one: bool(one["alarms"])):
        print(f"{'alarm ' if one['alarms'] else 'SILENT'}  {one['shift']}: {one['alarms'][:3]}")
    for one in result["false"]:
        print(f"FALSE   business {one['business']}, night {one['day']}: {one['alarms'][:4]}")
    print(
        f"{result['alarmed']} of {result['shifts']} shifts alarmed; {result['false_alarms']} false "
        f"alarms in {result['stable_runs']} stable runs; {result['seconds']} s"
    )


if __name__ == "__main__":
    main()
