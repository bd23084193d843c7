"""How often breakers raise a false alarm, and how soon they see a real one.

Calm weeks of a business with strong weekdays, holidays and a little growth are simulated for three
sizes; the judge of outreach/usual.py looks at each day against the weeks before, beside fixed
thresholds as they are often set: twice the mean of the last seven days, shares above a limit.
Then a shift is put into a day and both look again.

    make bench-breakers, or python -m benchmarks.breakers [--weeks 100] [--runs 20] [--seed 1]

No database, no clock: the counts go straight to the judge, once a day (the product looks every few
minutes at windows that overlap). Prints a table; exits with 1 when a signal has more than 2 false
alarms in 100 calm weeks, or misses a shift at the size of a chain.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# Share of the week's messages by weekday: Monday utilisation, Friday win-back, quiet Sundays.
WEEKDAY = np.array([2.2, 0.9, 1.1, 0.8, 1.7, 0.25, 0.05])
SIZES = {"one location": 25.0, "ten locations": 150.0, "fifty locations": 800.0}
SLOW_DAYS = 3


@dataclass(frozen=True)
class Day:
    """What happened on one day, as the roll-up has it."""

    approved: int
    costs: tuple[int, ...]
    failed: int
    undelivered: int
    stops: int
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Shift:
    """What is done to a day: factors on volume and cost, shares, points of score."""

    volume: float = 1.0
    price: float = 1.0
    failures: float = 0.02
    undelivered: float = 0.03
    stops: float = 0.01
    points: float = 0.0


CALM = Shift()
SHIFTS = {
    "volume": ("volume x5", Shift(volume=5.0)),
    "cost": ("offers x5", Shift(price=5.0)),
    "failures": ("failures 2 % -> 25 %", Shift(failures=0.25)),
    "stops": ("stops 1 % -> 6 %", Shift(stops=0.06)),
    "undelivered": ("undelivered 3 % -> 25 %", Shift(undelivered=0.25)),
    "scores": ("scores -20 points", Shift(points=-20.0)),
}


def draw_day(rng: np.random.Generator, *, day: int, mean: float, shift: Shift) -> Day:
    """One day: overdispersed volume around its weekday's level, growing by 10 % a quarter, with a
    holiday once in forty days."""
    level = mean * WEEKDAY[day % 7] * 1.1 ** (day / 91)
    if rng.random() < 1 / 40:
        level *= rng.uniform(0.2, 0.6)
    level *= rng.gamma(25.0, 1 / 25.0)  # 20 % more or less from day to day
    n = int(rng.poisson(level * shift.volume))
    costs = rng.choice([0, 0, 1_500, 2_500, 6_000], size=n) * shift.price
    sent = n
    return Day(
        approved=n,
        costs=tuple(int(cost) for cost in costs),
        failed=int(rng.binomial(sent, shift.failures)),
        undelivered=int(rng.binomial(sent, shift.undelivered)),
        stops=int(rng.binomial(sent, shift.stops)),
        scores=tuple(float(s) for s in np.clip(rng.normal(82 + shift.points, 6, n), 1, 100)),
    )


def window(days: Sequence[Day]) -> object:
    """The days summed up as the judge takes them."""
    from outreach.gate.usual import Counts

    costs = [cost for day in days for cost in day.costs]
    scores = [score for day in days for score in day.scores]
    approved = sum(day.approved for day in days)
    failed = sum(day.failed for day in days)
    return Counts(
        approved=approved,
        cost_cents=sum(costs),
        cost_squares=sum(cost * cost for cost in costs),
        tried=approved + failed,
        failed=failed,
        sent=approved,
        undelivered=sum(day.undelivered for day in days),
        stops=sum(day.stops for day in days),
        scored=len(scores),
        score_sum=sum(scores),
        score_squares=sum(score * score for score in scores),
    )


def ours(signal: str, days: Sequence[Day]) -> bool:
    """The breaker's verdict on the last day, as the product looks."""
    from outreach.gate.usual import WEEKS, Signal, judge

    end = len(days)
    for span in (1, SLOW_DAYS) if signal in ("stops", "undelivered") else (1,):
        known = min(WEEKS, (end - span) // 7)
        before = [window(days[end - 7 * w - span : end - 7 * w]) for w in range(1, known + 1)]
        if judge(Signal(signal), window(days[end - span :]), before).trips:  # type: ignore[arg-type]
            return True
    return False


def naive(signal: str, days: Sequence[Day]) -> bool:
    """Fixed thresholds: double the mean of seven days, or a share above its limit."""
    today, week = days[-1], days[-8:-1]
    n = max(today.approved, 1)
    tried = max(today.approved + today.failed, 1)
    rules: dict[str, Callable[[], bool]] = {
        "volume": lambda: today.approved > 2 * sum(d.approved for d in week) / 7,
        "cost": lambda: sum(today.costs) > 2 * sum(sum(d.costs) for d in week) / 7,
        "failures": lambda: today.failed / tried > 0.10,
        "stops": lambda: today.stops / n > 0.03,
        "undelivered": lambda: today.undelivered / n > 0.10,
        "scores": lambda: (
            bool(today.scores) and abs(float(np.mean(today.scores)) - _mean_score(week)) > 8
        ),
    }
    return rules[signal]()


def _mean_score(days: Sequence[Day]) -> float:
    scores = [score for day in days for score in day.scores]
    return float(np.mean(scores)) if scores else 0.0


def false_alarms(
    judge: Callable[[str, Sequence[Day]], bool], days: Sequence[Day], signal: str, *, first: int
) -> int:
    """Alarms in calm weeks: one that stands on consecutive days counts once."""
    alarms, stood = 0, False
    for end in range(first + 1, len(days) + 1):
        trips = judge(signal, days[:end])
        alarms += trips and not stood
        stood = trips
    return alarms


def measure(*, weeks: int, runs: int, seed: int) -> bool:
    """Print the table. Returns whether every promise was kept."""
    kept = True
    first = 9 * 7
    head = (
        f"{'signal':12} {'size':16} {'shift':24} {'false/100 weeks':>16} {'naive':>7} "
        f"{'seen at once':>13} {'naive':>7}"
    )
    print(head)
    for size, mean in SIZES.items():
        rng = np.random.default_rng([seed, round(mean)])
        calm = [draw_day(rng, day=d, mean=mean, shift=CALM) for d in range(first + 7 * weeks)]
        for signal, (words, shift) in SHIFTS.items():
            per_100 = 100 / weeks
            wrong = false_alarms(ours, calm, signal, first=first) * per_100
            wrong_naive = false_alarms(naive, calm, signal, first=first) * per_100
            seen = seen_naive = 0
            for _ in range(runs):
                # Shifts fall on days with messages: Monday to Friday.
                end = first + 7 * int(rng.integers(0, weeks)) + int(rng.integers(0, 5))
                hit = draw_day(rng, day=end, mean=mean, shift=shift)
                days = [*calm[:end], hit]
                seen += ours(signal, days)
                seen_naive += naive(signal, days)
            print(
                f"{signal:12} {size:16} {words:24} {wrong:16.1f} {wrong_naive:7.1f} "
                f"{seen:6d} of {runs:3d} {seen_naive:7d}"
            )
            kept = kept and wrong <= 2
            if size == "fifty locations":
                kept = kept and seen == runs
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=100)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("TENURE_ENV", "test")
    import django

    django.setup()
    from audit import fence

    fence.work_for_the_system()
    kept = measure(weeks=options.weeks, runs=options.runs, seed=options.seed)
    print("kept" if kept else "NOT KEPT")
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
