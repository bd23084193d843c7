"""How good a ranking of people by uplift is, measured on a randomised experiment.

Going down the ranking, the Qini curve says how many more of the treated came than would have come
anyway: (Y_T - Y_C * N_T / N_C) / all treated, in percent, over the share of people reached
(Radcliffe 2007; Devriendt, Moldovan & Verbeke 2018, Big Data 6(1)). **Qini points** are the area
between this curve and the straight line of a random order. **Normalised** divides it by the same
area of the perfect order, as scikit-uplift's `qini_auc_score` does. **AUUC** is the area under the
curve itself. Ties are one step: their order says nothing. What is resampled is measured in a
hundred steps, which changes the points by less than a hundredth of their noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from risk.engine.effect import Floats

Places = npt.NDArray[np.intp]
RESAMPLES = 300
STEPS = 100
TOPS = (0.1, 0.2, 0.3)
SEED = 7


@dataclass(frozen=True)
class Ranked:
    """People in the order of a score, best first; equal scores in random order. `ends` is the last
    place of each group of equal scores, `step` the hundredth of the order a person stands in."""

    order: Places
    ends: Places
    step: Places

    @classmethod
    def by(cls, score: Floats) -> Ranked:
        n = len(score)
        order = np.lexsort((np.random.default_rng(SEED).permutation(n), -score))
        step = np.empty(n, dtype=np.intp)
        step[order] = np.arange(n) * STEPS // n
        return cls(order, np.append(np.flatnonzero(np.diff(score[order])), n - 1), step)


def curve(ranked: Ranked, treated: Floats, outcome: Floats) -> tuple[Floats, Floats]:
    """(share of people, Qini curve in percent) from nobody to all, at the end of each tie."""
    t, y = treated[ranked.order], outcome[ranked.order]
    return _curve(
        (ranked.ends + 1).astype(np.float64),
        np.cumsum(t)[ranked.ends],
        np.cumsum(y)[ranked.ends],
        np.cumsum(t * y)[ranked.ends],
    )


def _curve(
    people: Floats, n_treated: Floats, came: Floats, came_treated: Floats
) -> tuple[Floats, Floats]:
    """From sums down the ranking, along the last axis."""
    n_held = people - n_treated
    ratio = np.divide(n_treated, n_held, out=np.zeros_like(n_held), where=n_held > 0)
    gained = 100 * (came_treated - (came - came_treated) * ratio) / n_treated[..., -1:]
    none = np.zeros((*gained.shape[:-1], 1))
    return (
        np.concatenate([none, people / people[..., -1:]], axis=-1),
        np.concatenate([none, gained], axis=-1),
    )


def _area(share: Floats, gained: Floats) -> Floats:
    """Between the curve and the line to its end."""
    area: Floats = np.trapezoid(gained, share, axis=-1) - gained[..., -1] / 2
    return area


def points(ranked: Ranked, treated: Floats, outcome: Floats) -> float:
    """Qini points."""
    return float(_area(*curve(ranked, treated, outcome)))


def perfect(treated: Floats, outcome: Floats) -> float:
    """Qini points of the order nobody can know: those who came because of the contact first, those
    it drove away last."""
    held_came = int(((outcome == 1) & (treated == 0)).sum())
    treated_came = int(((outcome == 1) & (treated == 1)).sum())
    second = outcome if held_came > treated_came else treated
    return points(Ranked.by(2.0 * (outcome == treated) + second), treated, outcome)


def top_uplift(ranked: Ranked, treated: Floats, outcome: Floats, part: float) -> float:
    """Difference between the arms among the first `part` of the people; NaN where one is empty."""
    first = ranked.order[: round(part * len(ranked.order))]
    t, y = treated[first], outcome[first]
    if not t.any() or t.all():
        return float("nan")
    return float(y[t == 1].mean() - y[t == 0].mean())


@dataclass(frozen=True)
class Sums:
    """Running sums down the ranking in STEPS steps, shape (repetitions, STEPS)."""

    people: Floats
    treated: Floats
    came: Floats
    came_treated: Floats

    def points(self) -> Floats:
        return _area(*_curve(self.people, self.treated, self.came, self.came_treated))

    def top_uplift(self, part: float) -> Floats:
        at = round(part * STEPS) - 1
        people, n = self.people[:, at], self.treated[:, at]
        came, came_treated = self.came[:, at], self.came_treated[:, at]
        with np.errstate(invalid="ignore"):
            difference: Floats = came_treated / n - (came - came_treated) / (people - n)
        return difference


def redrawn(ranked: Ranked, arms: npt.NDArray[np.bool_], outcome: Floats) -> Sums:
    """The experiment with other arms, shape (repetitions, people)."""
    ones = np.ones(len(outcome))
    came = np.tile(np.cumsum(_by_step(ranked, outcome)), (len(arms), 1))
    people = np.tile(np.cumsum(_by_step(ranked, ones)), (len(arms), 1))
    treated = np.stack([_by_step(ranked, arm.astype(np.float64)) for arm in arms])
    both = np.stack([_by_step(ranked, arm * outcome) for arm in arms])
    return Sums(people, np.cumsum(treated, axis=1), came, np.cumsum(both, axis=1))


def resampled(
    ranked: Ranked, treated: Floats, outcome: Floats, person: npt.NDArray[Any] | None = None
) -> Sums:
    """The experiment with people drawn anew, RESAMPLES times; the same people for every ranking."""
    rng = np.random.default_rng(SEED)
    one_each = np.arange(len(treated))
    place = one_each if person is None else np.unique(person, return_inverse=True)[1]
    count = int(place.max()) + 1
    parts = (np.ones(len(treated)), treated, outcome, treated * outcome)
    rows: list[list[Floats]] = []
    for _ in range(RESAMPLES):
        weight = np.bincount(rng.integers(0, count, count), minlength=count)[place]
        rows.append([_by_step(ranked, weight * part) for part in parts])
    people, n, came, both = np.cumsum(np.array(rows), axis=2).transpose(1, 0, 2)
    return Sums(people, n, came, both)


def _by_step(ranked: Ranked, values: Floats) -> Floats:
    return np.bincount(ranked.step, values, STEPS).astype(np.float64)


def measure(
    score: Floats, treated: Floats, outcome: Floats, *, person: npt.NDArray[Any] | None = None
) -> dict[str, Any]:
    """Qini points and normalised, AUUC and the uplift in the first 10, 20 and 30 %; intervals of
    95 % from resampling people."""
    ranked = Ranked.by(score)
    whole, again = perfect(treated, outcome), resampled(ranked, treated, outcome, person)
    share, gained = curve(ranked, treated, outcome)
    qini = float(_area(share, gained))
    report: dict[str, Any] = {
        "qini": _with_interval(qini, again.points()),
        "qini_normalised": round(qini / whole, 5) if whole > 0 else None,
        "auuc": round(float(np.trapezoid(gained, share)), 5),
    }
    for part in TOPS:
        found = top_uplift(ranked, treated, outcome, part)
        report[f"uplift_top_{part * 100:.0f}"] = _with_interval(found, again.top_uplift(part))
    return report


def _with_interval(value: float, again: Floats) -> dict[str, float | None]:
    known = again[np.isfinite(again)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return {
        name: round(float(number), 5) if np.isfinite(number) else None
        for name, number in (("value", value), ("low", low), ("high", high))
    }
