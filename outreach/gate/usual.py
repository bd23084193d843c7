"""Whether what happened lately is as usual: each signal against the same hours of the same
weekdays in the weeks before. Plain functions over counts; no clock, no database.

A signal trips when chance alone would hardly show it (tails.py) **and** it is large enough to
matter; a number that is missing, negative or not finite trips too: what cannot be judged is not
calm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from outreach.gate import tails
from outreach.models import Breaker

Signal = Breaker.Signal

# Weeks of the baseline. Fewer than LEAST_WEEKS tell too little about a weekday: then only the
# floor counts.
WEEKS = 8
LEAST_WEEKS = 3
# The chance of a false alarm per look. A look is taken every few minutes, but windows of a day
# overlap: a week holds some twenty independent ones, so one alarm in some hundred calm weeks.
# Shares are rarer events with a floor of their own: there a larger chance is safe
# (benchmarks/breakers.py counts both).
ALPHA = 1e-4
ALPHA_SHARE = 1e-3
# Days differ more than Poisson counts do (holidays, weather, a campaign): at least half again.
LEAST_DISPERSION = 1.5


@dataclass(frozen=True)
class Counts:
    """What happened in a window. Costs in cents; scores from 0 to 100."""

    approved: float = 0
    cost_cents: float = 0
    cost_squares: float = 0
    tried: float = 0
    failed: float = 0
    sent: float = 0
    undelivered: float = 0
    stops: float = 0
    scored: float = 0
    score_sum: float = 0
    score_squares: float = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True)
class Verdict:
    """`trips` holds what the machine sends; `why` is a sentence for staff."""

    trips: bool
    why: str = ""


CALM = Verdict(False)
NONSENSE = Verdict(True, "The numbers are missing or make no sense.")


@dataclass(frozen=True)
class Share:
    """A share that is watched: what is usual before anything is known (as `weight` cases at
    `usual`), and from where on a rise matters."""

    of: str
    usual: float
    weight: float
    least_events: int
    least_share: float
    ratio: float
    words: str


SHARES: Mapping[Signal, tuple[str, Share]] = {
    Signal.FAILURES: ("failed", Share("tried", 0.02, 50, 5, 0.08, 2.5, "messages failed")),
    Signal.STOPS: ("stops", Share("sent", 0.01, 50, 4, 0.03, 2.5, "guests said stop")),
    Signal.UNDELIVERED: (
        "undelivered",
        Share("sent", 0.03, 50, 5, 0.10, 2.5, "messages did not arrive"),
    ),
}
# Volume: this many messages a day in a scope are no matter, and less than double is growth.
LEAST_MESSAGES = 20
LEAST_COST_UNITS = 10  # in usual offers
VOLUME_RATIO = 2.0
# Scores: a mean that moved by so many points, in so many drafts, by so many standard errors.
LEAST_SCORED = 10
SCORE_POINTS = 8.0
SCORE_ERRORS = 6.0


def judge(signal: Signal, window: Counts | None, before: Sequence[Counts]) -> Verdict:
    """The verdict on `window` given the same window of the known weeks `before`, newest first."""
    if window is None or not all(_makes_sense(one) for one in (window, *before)):
        return NONSENSE
    return _JUDGES[signal](signal, window, before)


def _makes_sense(counts: Counts) -> bool:
    return (
        all(math.isfinite(getattr(counts, f.name)) for f in fields(counts))
        and all(
            getattr(counts, f.name) >= 0 for f in fields(counts) if not f.name.startswith("score_")
        )
        and counts.failed <= counts.tried
        and counts.undelivered <= counts.sent
        and counts.stops <= counts.sent
    )


def _volume(_: Signal, window: Counts, before: Sequence[Counts]) -> Verdict:
    seen = [week.approved for week in before]
    return _more_than_usual(
        window.approved,
        seen,
        least=LEAST_MESSAGES,
        words=f"{window.approved:.0f} messages",
    )


def _cost(_: Signal, window: Counts, before: Sequence[Counts]) -> Verdict:
    """Costs in units of the usual offer: a sum of unequal costs then varies like a count (the
    scaled Poisson approximation of Bohm & Zech 2014, Nucl. Instrum. Methods A 748)."""
    total = sum(week.cost_cents for week in before) or window.cost_cents
    squares = sum(week.cost_squares for week in before) or window.cost_squares
    if not total:
        return CALM
    unit = squares / total
    return _more_than_usual(
        window.cost_cents / unit,
        [week.cost_cents / unit for week in before],
        least=LEAST_COST_UNITS,
        words=f"Offers for {window.cost_cents / 100:.2f}",
    )


def _more_than_usual(k: float, seen: Sequence[float], *, least: float, words: str) -> Verdict:
    if k <= least:
        return CALM
    if len(seen) < LEAST_WEEKS:
        return Verdict(True, f"{words}, and too few weeks to know what is usual.")
    mean = sum(seen) / len(seen)
    if k < VOLUME_RATIO * mean:
        return CALM
    spread = sum((one - mean) ** 2 for one in seen) / (len(seen) - 1)
    scale = max(LEAST_DISPERSION, spread / mean if mean else 0.0)
    tail = tails.count_tail(math.floor(k / scale), seen=sum(seen) / scale, periods=float(len(seen)))
    if tail >= ALPHA:
        return CALM
    return Verdict(True, f"{words}; usual at this time of the week: about {mean:.0f}.")


def _share(signal: Signal, window: Counts, before: Sequence[Counts]) -> Verdict:
    name, rule = SHARES[signal]
    x, n = getattr(window, name), getattr(window, rule.of)
    if x < rule.least_events or x < rule.least_share * n:
        return CALM
    past = sum(getattr(week, name) for week in before)
    of = sum(getattr(week, rule.of) for week in before)
    yes = past + rule.usual * rule.weight
    no = of - past + (1 - rule.usual) * rule.weight
    usual = yes / (yes + no)
    if x < rule.ratio * usual * n:
        return CALM
    if tails.share_tail(int(x), int(n), yes=yes, no=no) >= ALPHA_SHARE:
        return CALM
    return Verdict(True, f"{x:.0f} of {n:.0f} {rule.words}; usual are {100 * usual:.0f} in 100.")


def _scores(_: Signal, window: Counts, before: Sequence[Counts]) -> Verdict:
    weeks = [week for week in before if week.scored]
    if window.scored < LEAST_SCORED or len(weeks) < LEAST_WEEKS:
        return CALM
    n = sum(week.scored for week in weeks)
    mean = sum(week.score_sum for week in weeks) / n
    now = window.score_sum / window.scored
    squares = sum(week.score_squares for week in weeks) + window.score_squares
    everybody = n + window.scored
    within = max(squares / everybody - ((mean * n + now * window.scored) / everybody) ** 2, 1.0)
    means = [week.score_sum / week.scored for week in weeks]
    between = sum((one - mean) ** 2 for one in means) / (len(means) - 1)
    error = math.sqrt(between * (1 + 1 / len(means)) + within / window.scored)
    if abs(now - mean) < max(SCORE_POINTS, SCORE_ERRORS * error):
        return CALM
    return Verdict(
        True, f"The mean score is {now:.0f}; usual at this time of the week: about {mean:.0f}."
    )


_JUDGES: Mapping[Signal, Callable[[Signal, Counts, Sequence[Counts]], Verdict]] = {
    Signal.VOLUME: _volume,
    Signal.COST: _cost,
    Signal.FAILURES: _share,
    Signal.STOPS: _share,
    Signal.UNDELIVERED: _share,
    Signal.SCORES: _scores,
}
