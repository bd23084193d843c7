"""What a randomised contact changed on average, how sure that is, and what could be seen at all.

By intention to treat: everybody counts in the arm that was drawn, whether the message arrived or
not. Arrays in, numbers out; differences are treated minus held back.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm
from scipy.stats import t as student

Floats = npt.NDArray[np.float64]
SURE = 0.95
POWER = 0.80


@dataclass(frozen=True)
class Effect:
    """`low` and `high` hold the true difference in 95 of 100 experiments; None where an arm has
    fewer than two people. `smallest_detectable` is the difference that this many people would
    show in 80 of 100 experiments."""

    n_treated: int
    n_held_out: int
    mean_treated: float | None
    mean_held_out: float | None
    difference: float | None
    low: float | None
    high: float | None
    smallest_detectable: float | None

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out "no difference"."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def effect(treated: Floats, outcome: Floats) -> Effect:
    """The difference between the arms. `treated` holds 0 and 1, one row per person; `outcome` is
    0 or 1 (Newcombe's score interval) or an amount (Welch's). Raises ValueError."""
    check_arms(treated, outcome)
    with_, without = outcome[treated == 1], outcome[treated == 0]
    n, m = len(with_), len(without)
    if not n or not m:
        return Effect(n, m, _mean(with_), _mean(without), None, None, None, None)
    one, other = float(with_.mean()), float(without.mean())
    if is_yes_or_no(outcome):
        low, high = newcombe(one, n, other, m)
        least = smallest_detectable(float(outcome.mean()), n, m)
        return Effect(n, m, one, other, one - other, low, high, least)
    if n < 2 or m < 2:
        return Effect(n, m, one, other, one - other, None, None, None)
    parts = float(with_.var(ddof=1)) / n, float(without.var(ddof=1)) / m
    error = math.sqrt(sum(parts))
    if error == 0:
        return Effect(n, m, one, other, one - other, one - other, one - other, 0.0)
    freedom = error**4 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (m - 1))
    reach = float(student.ppf((1 + SURE) / 2, freedom)) * error
    return Effect(
        n, m, one, other, one - other, one - other - reach, one - other + reach, _z() * error
    )


def newcombe(p: float, n: int, q: float, m: int, *, z: float | None = None) -> tuple[float, float]:
    """Interval of p - q for p of n and q of m people, 95 % unless `z` standard errors are asked
    for. Newcombe 1998, Statistics in Medicine 17, method 10: it keeps its promise for few people
    and for shares near 0 and 1."""
    (p_low, p_high), (q_low, q_high) = wilson(p, n, z=z), wilson(q, m, z=z)
    return (
        p - q - math.hypot(p - p_low, q_high - q),
        p - q + math.hypot(p_high - p, q - q_low),
    )


def wilson(p: float, n: int, *, z: float | None = None) -> tuple[float, float]:
    """Interval of a share p of n people (Wilson 1927), 95 % or `z` standard errors."""
    z = float(norm.ppf((1 + SURE) / 2)) if z is None else z
    middle, reach = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - reach) / (1 + z * z / n), (middle + reach) / (1 + z * z / n)


def smallest_detectable(share: float, n: int, m: int) -> float:
    """The difference around this share that n against m people show with 80 % power at 5 %
    (Fleiss, Levin & Paik 2003, chapter 4, unpooled). Shares of 0 and 1 are drawn inwards by half
    a case, as nothing measured yet says little."""
    total = n + m
    share = min(max(share, 0.5 / total), 1 - 0.5 / total)
    return _z() * math.sqrt(share * (1 - share) * (1 / n + 1 / m))


def needed_per_arm(share: float, difference: float) -> int:
    """People in each arm to see `difference` against a share in the held-back arm with 80 % power
    at 5 % (the same source). Raises ValueError for no difference."""
    if not difference:
        raise ValueError("No number of people shows a difference of nothing.")
    share = min(max(share, 0.0), 1.0)
    other = min(max(share + difference, 0.0), 1.0)
    spread = share * (1 - share) + other * (1 - other)
    return math.ceil((_z() / difference) ** 2 * spread)


def check_arms(treated: Floats, outcome: Floats) -> None:
    """Raises ValueError naming what is wrong."""
    if len(treated) != len(outcome):
        raise ValueError(f"{len(treated)} people were drawn, {len(outcome)} outcomes given.")
    if not np.isin(treated, (0, 1)).all():
        raise ValueError("treated must be 1 (contacted) or 0 (held back) for everybody.")
    if not np.isfinite(outcome).all():
        row = int(np.argmin(np.isfinite(outcome)))
        raise ValueError(f"The outcome of row {row} is missing: leave out who is not known yet.")


def is_yes_or_no(outcome: Floats) -> bool:
    return bool(np.isin(outcome, (0, 1)).all())


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _z() -> float:
    return float(norm.ppf((1 + SURE) / 2) + norm.ppf(POWER))
