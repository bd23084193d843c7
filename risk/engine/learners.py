"""Estimators of what a contact changes for one person, learned from a randomised experiment.

T-learner: one model of the outcome per arm, their difference (Künzel et al. 2019, PNAS 116(10)).
X-learner: each arm's outcomes against what the other arm's model expected, learned again (the same
paper). DR-learner: a doubly robust value per person from models of other folds, learned by one
small model (Kennedy 2020, arXiv 2004.14497). Beside them the plain response model: who comes after
a contact, whether or not because of it. All are small on purpose: an experiment of a business has
hundreds or thousands of people, and the data, not the learner, is the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression

from risk.engine.effect import Floats

Predict = Callable[[Floats], Floats]
MIN_LEVEL_ROWS, MOST_LEVELS = 20, 30
FOLDS = 5
INNER_FOLDS = 3  # of the doubly robust learner
RESPONSE, MEAN = "response", "mean"
SEED = 7


@dataclass(frozen=True)
class Design:
    """How columns become a matrix: numbers in units of their spread (beside them their logarithm
    where they are skewed counts or amounts), "not known" as a column of its own, a column per
    frequent level of a category."""

    numbers: tuple[tuple[str, bool, float, float, bool], ...]  # name, log, mean, spread, has gaps
    categories: tuple[tuple[str, tuple[float, ...]], ...]

    @classmethod
    def of(cls, columns: Mapping[str, Floats], categories: Collection[str]) -> Design:
        numbers, levels = [], []
        for name, values in columns.items():
            if name in categories:
                known, counts = np.unique(values[~np.isnan(values)], return_counts=True)
                often = known[np.argsort(-counts, kind="stable")][:MOST_LEVELS]
                enough = set(known[counts >= MIN_LEVEL_ROWS].tolist())
                levels.append((name, tuple(x for x in often.tolist() if x in enough)))
                continue
            gaps = bool(np.isnan(values).any())
            for log in (False, True) if _skewed(values) else (False,):
                seen = _log(values) if log else values
                seen = seen[~np.isnan(seen)]
                if len(seen) and (seen != seen[0]).any():
                    numbers.append((name, log, float(seen.mean()), float(seen.std()), gaps))
                    gaps = False
        return cls(tuple(numbers), tuple(levels))

    def matrix(self, columns: Mapping[str, Floats]) -> Floats:
        """Shape (people, columns of the design)."""
        n = len(next(iter(columns.values())))
        parts = [np.zeros((n, 0))]
        for name, log, mean, spread, gaps in self.numbers:
            values = columns[name]
            scaled = ((_log(values) if log else values) - mean) / spread
            parts.append(np.nan_to_num(scaled)[:, None])
            if gaps:
                parts.append(np.isnan(values)[:, None].astype(np.float64))
        for name, levels in self.categories:
            parts.append((columns[name][:, None] == np.array(levels)).astype(np.float64))
        return np.hstack(parts)


def _skewed(values: Floats) -> bool:
    """Counts and amounts: never negative, with a long tail."""
    known = values[~np.isnan(values)]
    if len(known) < 2 or known.min() < 0 or len(np.unique(known)) <= 2:
        return False
    return bool(known.mean() > 1.2 * np.median(known))


def _log(values: Floats) -> Floats:
    return np.log1p(np.maximum(values, 0.0))


def t_learner(x: Floats, treated: Floats, outcome: Floats) -> Predict:
    with_, without = (_logistic(x[treated == arm], outcome[treated == arm]) for arm in (1, 0))
    return lambda at: with_(at) - without(at)


def x_learner(x: Floats, treated: Floats, outcome: Floats) -> Predict:
    """Both arms' second models count by the share of the other arm, as the paper proposes."""
    one, none = treated == 1, treated == 0
    share = float(treated.mean())
    with_, without = _logistic(x[one], outcome[one]), _logistic(x[none], outcome[none])
    gained = _boosted(x[one], outcome[one] - without(x[one]))
    missed = _boosted(x[none], with_(x[none]) - outcome[none])
    return lambda at: share * missed(at) + (1 - share) * gained(at)


def dr_learner(x: Floats, treated: Floats, outcome: Floats) -> Predict:
    """The chance of contact is known in an experiment: the share of the treated."""
    share = float(treated.mean())
    fold = np.random.default_rng(SEED).permutation(len(outcome)) % INNER_FOLDS
    value = np.empty(len(outcome))
    for number in range(INNER_FOLDS):
        here, others = fold == number, fold != number
        with_, without = (
            _logistic(x[others & (treated == arm)], outcome[others & (treated == arm)])(x[here])
            for arm in (1, 0)
        )
        t, y = treated[here], outcome[here]
        value[here] = (
            with_ - without + t * (y - with_) / share - (1 - t) * (y - without) / (1 - share)
        )
    return _boosted(x, value)


def response_model(x: Floats, treated: Floats, outcome: Floats) -> Predict:
    """The chance of the outcome after a contact."""
    return _logistic(x[treated == 1], outcome[treated == 1])


LEARNERS: dict[str, Callable[[Floats, Floats, Floats], Predict]] = {
    "t": t_learner,
    "x": x_learner,
    "dr": dr_learner,
}


def learner(name: str) -> Callable[[Floats, Floats, Floats], Predict]:
    """One of LEARNERS, or the mean of all of them."""
    return LEARNERS[name] if name != MEAN else _mean_learner


def _mean_learner(x: Floats, treated: Floats, outcome: Floats) -> Predict:
    found = [fit(x, treated, outcome) for fit in LEARNERS.values()]
    return lambda at: np.asarray(np.mean([one(at) for one in found], axis=0))


def folds(person: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """One of FOLDS for every row, the same for all rows of a person."""
    _, place = np.unique(person, return_inverse=True)
    return (np.random.default_rng(SEED).permutation(int(place.max()) + 1) % FOLDS)[place]


def _logistic(x: Floats, outcome: Floats) -> Predict:
    if outcome.min() == outcome.max():
        return _constant(float(outcome[0]))
    model = LogisticRegression(C=0.1, max_iter=500).fit(x, outcome)
    return lambda at: np.asarray(model.predict_proba(at)[:, 1])


def _boosted(x: Floats, value: Floats) -> Predict:
    model = HistGradientBoostingRegressor(
        max_leaf_nodes=4,
        max_iter=50,
        learning_rate=0.06,
        min_samples_leaf=100,
        early_stopping=False,
        random_state=SEED,
    ).fit(x, value)
    return lambda at: np.asarray(model.predict(at))


def _constant(value: float) -> Predict:
    return lambda at: np.full(len(at), value)
