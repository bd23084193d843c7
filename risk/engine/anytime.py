"""What a randomised contact changed, with an interval that holds however often one looks.

An ordinary 95 % interval keeps its promise for one look at a time settled beforehand. Looked at
after every outcome until it is clear, it cries wolf in a third of the experiments that change
nothing. These intervals hold at all times at once: look each day, stop whenever you like. They are
asymptotic confidence sequences (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024, "Time-uniform
central limit theory and asymptotic confidence sequences", Annals of Statistics 52, theorem 2.2):
the same standard error, more of them on each side. Shares take them in score intervals (Newcombe),
which keep the promise for few people and near 0 and 1. By intention to treat; treated minus held
back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from risk.engine.effect import newcombe

SURE = 0.95
POWER = 0.80
# People in each arm before there is an interval. By simulation (tests/risk/engine/test_anytime.py):
# below, amounts as skewed as payments raise more false alarms than promised.
LEAST_FOR_SHARES, LEAST_FOR_AMOUNTS = 50, 150
LEAST_TO_PLAN = 50  # outcomes known in both arms before anybody says how many more are needed
# The number of people at which the interval is as narrow as it can be made; it holds at any other
# number, only a little wider. A fixed choice: one that followed the data would break the promise.
NARROWEST_AT = 2_000
_ALPHA = 1 - SURE
_RHO_SQUARED = (-2 * math.log(_ALPHA) + math.log(-2 * math.log(_ALPHA) + 1)) / NARROWEST_AT
_MOST_PEOPLE = 10_000_000


@dataclass(frozen=True)
class Arm:
    """People of one arm whose outcome is known: how many, the mean of their outcomes, and its
    variance per person."""

    n: int
    mean: float
    variance: float
    is_share: bool = False

    @classmethod
    def of_yes(cls, n: int, yes: int) -> Arm:
        """An arm of yes-or-no outcomes."""
        share = yes / n if n else 0.0
        return cls(n, share, share * (1 - share), is_share=True)

    @classmethod
    def of_sums(cls, n: int, total: float, squares: float) -> Arm:
        """An arm of amounts from their sum and the sum of their squares."""
        if not n:
            return cls(0, 0.0, 0.0)
        mean = total / n
        return cls(n, mean, max(squares - n * mean * mean, 0.0) / (n - 1) if n > 1 else 0.0)

    @property
    def least(self) -> int:
        """People this arm needs before there is an interval."""
        return LEAST_FOR_SHARES if self.is_share else LEAST_FOR_AMOUNTS


@dataclass(frozen=True)
class Difference:
    """Treated minus held back. `low` and `high` hold the true difference at every look of 95 in
    100 experiments; None while an arm has too few people."""

    treated: Arm
    held_out: Arm
    value: float | None
    low: float | None
    high: float | None

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out "no difference"."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def difference(treated: Arm, held_out: Arm) -> Difference:
    """The difference between the arms with its interval. Both arms are shares, or both amounts."""
    if not treated.n or not held_out.n:
        return Difference(treated, held_out, None, None, None)
    value = treated.mean - held_out.mean
    if treated.n < treated.least or held_out.n < held_out.least:
        return Difference(treated, held_out, value, None, None)
    z = widening(treated.n + held_out.n)
    if treated.is_share:
        low, high = newcombe(treated.mean, treated.n, held_out.mean, held_out.n, z=z)
    else:
        reach = z * math.sqrt(treated.variance / treated.n + held_out.variance / held_out.n)
        low, high = value - reach, value + reach
    return Difference(treated, held_out, value, low, high)


def widening(people: int) -> float:
    """Standard errors on each side of the difference that `people` in both arms ask for, where a
    single look would ask for 1.96 (equation 9 of the source)."""
    grown = people * _RHO_SQUARED + 1
    return math.sqrt(2 * grown / (people * _RHO_SQUARED) * math.log(math.sqrt(grown) / _ALPHA))


def more_people(treated: Arm, held_out: Arm, *, worth: float, held_out_share: float) -> int | None:
    """How many more people, of whom `held_out_share` (between 0 and 1) are held back, until a true
    difference of `worth` would show at one look in 80 of 100 experiments; 0 when there are enough.
    None where nobody is held back, too few outcomes tell how much they vary, or ten million people
    would not do."""
    if not 0 < held_out_share < 1 or treated.n + held_out.n < LEAST_TO_PLAN:
        return None
    beyond = NormalDist().inv_cdf(POWER)
    spread = _spread(treated, held_out)

    def shows(more: int) -> bool:
        n = treated.n + round(more * (1 - held_out_share))
        m = held_out.n + round(more * held_out_share)
        if n < treated.least or m < held_out.least:
            return False
        error = math.sqrt(spread[0] / n + spread[1] / m)
        return (widening(n + m) + beyond) * error <= worth

    if shows(0):
        return 0
    if not shows(_MOST_PEOPLE):
        return None
    low, high = 0, _MOST_PEOPLE
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high


def _spread(treated: Arm, held_out: Arm) -> tuple[float, float]:
    """Variances per person to plan with. Shares are taken as one, as arms that differ little vary
    alike, and drawn inwards: nobody having said no does not show that nobody will (Agresti & Caffo
    2000)."""
    if not treated.is_share:
        return treated.variance, held_out.variance
    yes = treated.mean * treated.n + held_out.mean * held_out.n
    share = (yes + 1) / (treated.n + held_out.n + 2)
    return share * (1 - share), share * (1 - share)
