"""Which model a history can carry: each candidate is asked about periods it has not seen.

Rolling origins (Tashman 2000, "Out-of-sample tests of forecasting accuracy"): at each origin a
candidate learns from the cases whose outcome was known before it and is asked about those from
there to the next origin. Only where moments do not differ (a table without time) are people put
into folds instead, as many outcomes in each.

Candidates are compared case by case. The smallest one serves that is not worse than the best
beyond noise: within one standard error of the difference, by people (the one-standard-error rule of
Breiman, Friedman, Olshen & Stone 1984, here on paired differences).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from risk.engine import metrics
from risk.engine.additive import AdditiveModel, Floats
from risk.engine.cases import Cases
from risk.engine.declaration import Input
from risk.engine.families import Family

Rows = npt.NDArray[np.int64]

ORIGINS = 4
# An origin needs this share of all cases behind it, and so many of both outcomes on both sides.
LEAST_SHARE, LEAST_BEHIND, LEAST_AHEAD = 0.1, 15, 5
FOLDS = 5
# A blend starts from equal weights, which count as much as so many cases.
EQUAL_PRETENDED = 50.0
SEED = 7


@dataclass(frozen=True)
class Origin:
    """Row numbers of the cases that teach and of those that are asked about, and the day from
    which the latter come (NaN for a fold of people)."""

    train: Rows
    test: Rows
    from_day: float


@dataclass
class Unseen:
    """Log-odds of every candidate for cases it had not seen. `rows` are row numbers of the cases,
    `origin` says at which origin each was asked about; `models` keeps what was fitted there."""

    rows: Rows
    origin: Rows
    truth: Floats
    guest: npt.NDArray[np.int64]
    in_time: bool
    z: dict[str, Floats] = field(default_factory=dict)
    models: dict[str, list[AdditiveModel]] = field(default_factory=dict)

    def loss(self, name: str) -> Floats:
        return metrics.log_losses(logistic(self.z[name]), self.truth)

    def earlier(self, origin: int) -> npt.NDArray[np.bool_]:
        """What was known when this origin's turn came: origins before it, or the other folds."""
        return self.origin < origin if self.in_time else self.origin != origin

    @property
    def origins(self) -> list[int]:
        return [int(one) for one in np.unique(self.origin)]


def logistic(z: Floats) -> Floats:
    p: Floats = 1.0 / (1.0 + np.exp(-z))
    return p


def origins(cases: Cases, head: str) -> tuple[list[Origin], bool]:
    """Oldest first, and whether they are origins in time."""
    rolling = _rolling(cases, head)
    return (rolling, True) if rolling else (_folds(cases, head), False)


def _rolling(cases: Cases, head: str) -> list[Origin]:
    moment, known, truth = cases.moment, cases.known, cases.outcomes[head]
    days = np.unique(moment)
    if len(days) < 2:
        return []
    behind = np.searchsorted(np.sort(known), days, side="left")
    days = days[behind >= max(LEAST_SHARE * len(cases), 2 * LEAST_BEHIND)]
    if not len(days):
        return []
    # The newer half of the cases is asked about, or less where outcomes take long to be known.
    start = max(float(days[0]), float(np.quantile(moment, 0.5, method="lower")))
    ahead = np.sort(moment[moment >= start])
    cuts = np.unique([ahead[len(ahead) * part // ORIGINS] for part in range(ORIGINS)])
    found = []
    for number, cut in enumerate(cuts):
        until = cuts[number + 1] if number + 1 < len(cuts) else np.inf
        train = np.flatnonzero((moment < cut) & (known < cut))
        test = np.flatnonzero((moment >= cut) & (moment < until))
        if _both(truth[train], LEAST_BEHIND) and _both(truth[test], LEAST_AHEAD):
            found.append(Origin(train, test, float(cut)))
    return found


def _both(truth: Floats, least: int) -> bool:
    return bool(least <= truth.sum() <= len(truth) - least)


def _folds(cases: Cases, head: str) -> list[Origin]:
    """Folds of people with about equally many outcomes each."""
    truth = cases.outcomes[head]
    rare = int(min(truth.sum(), len(truth) - truth.sum()))
    folds = min(FOLDS, rare)
    if rare < LEAST_BEHIND:
        return []
    people, person = np.unique(cases.guest, return_inverse=True)
    ever = np.bincount(person, weights=truth, minlength=len(people)) > 0
    shuffled = np.random.default_rng(SEED).permutation(len(people))
    order = shuffled[np.argsort(ever[shuffled], kind="stable")]
    fold_of = np.empty(len(people), dtype=np.int64)
    fold_of[order] = np.arange(len(people)) % folds
    fold = fold_of[person]
    found = []
    for one in range(folds):
        train, test = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        if _both(truth[train], 1) and len(test):
            found.append(Origin(train, test, float("nan")))
    return found


def ask(
    unseen: Unseen,
    family: Family,
    cases: Cases,
    head: str,
    at: Sequence[Origin],
    inputs: Sequence[Input],
    name: str = "",
) -> None:
    """Lets a family learn at every origin and keeps its answers, under its own name or another."""
    answers, models = [], []
    for origin in at:
        model = family.fit(inputs, cases.rows(origin.train), head)
        answers.append(model.log_odds(cases.rows(origin.test).columns))
        models.append(model)
    unseen.z[name or family.name] = np.concatenate(answers)
    unseen.models[name or family.name] = models


def start(cases: Cases, head: str, at: Sequence[Origin], in_time: bool) -> Unseen:
    rows = np.concatenate([origin.test for origin in at])
    return Unseen(
        rows=rows,
        origin=np.repeat(np.arange(len(at)), [len(origin.test) for origin in at]),
        truth=cases.outcomes[head][rows],
        guest=cases.guest[rows],
        in_time=in_time,
    )


def blend(unseen: Unseen, members: Sequence[str], name: str) -> Floats:
    """Adds the weighted mean of these members' log-odds under `name`: at each origin with weights
    that do best at the earlier ones (equal at the first). Returns the weights all origins give,
    for the model that will serve."""
    z = np.column_stack([unseen.z[member] for member in members])
    mixed = np.empty(len(z))
    for origin in unseen.origins:
        here, before = unseen.origin == origin, unseen.earlier(origin)
        mixed[here] = z[here] @ weights(z[before], unseen.truth[before])
    unseen.z[name] = mixed
    return weights(z, unseen.truth)


def weights(z: Floats, truth: Floats) -> Floats:
    """Weights, at least 0 and with sum 1, of the columns of log-odds that give the least log loss
    (stacking: Wolpert 1992; in log-odds: Satopää et al. 2014), drawn towards equal ones."""
    count = z.shape[1]
    equal = np.full(count, 1 / count)
    if not len(z):
        return equal

    def loss(free: Floats) -> tuple[float, Floats]:
        share = np.exp(free - free.max())
        share /= share.sum()
        mixed = z @ share
        p = logistic(mixed)
        value = (np.logaddexp(0, mixed) - truth * mixed).sum()
        value -= EQUAL_PRETENDED / count * np.log(share).sum() / 100
        slope = z.T @ (p - truth)
        pull = -EQUAL_PRETENDED / count / 100 / share
        total = slope + pull
        return float(value) / len(z), share * (total - share @ total) / len(z)

    found = minimize(loss, np.zeros(count), jac=True, method="L-BFGS-B", bounds=[(-6, 6)] * count)
    share = np.exp(found.x - found.x.max())
    share = np.where(share / share.sum() < 0.02, 0.0, share)
    result: Floats = share / share.sum()
    return result


def smallest(unseen: Unseen, names: Sequence[str]) -> tuple[str, str]:
    """Of these candidates, smallest first: the one that serves, and the best. The bare rate serves
    only if nothing does better."""
    mean = {name: float(unseen.loss(name).mean()) for name in names}
    best = min(names, key=lambda name: mean[name])
    for name in names:
        worse, noise = metrics.clustered(unseen.loss(name) - unseen.loss(best), unseen.guest)
        if worse <= noise and not (name == "rate" and best != "rate"):
            return name, best
    return best, best


def table(unseen: Unseen, names: Iterable[str], best: str) -> list[dict[str, Any]]:
    """Every candidate with its log loss, its ranking and its difference from the best, with the
    interval that resampling people gives."""
    rows = []
    for name in names:
        p, loss = logistic(unseen.z[name]), unseen.loss(name)
        mean, low, high = metrics.difference(loss - unseen.loss(best), unseen.guest)
        rows.append(
            {
                "name": name,
                "log_loss": round(float(loss.mean()), 5),
                "auc": round(metrics.auc(p, unseen.truth), 4),
                "against_best": {"mean": mean, "low": low, "high": high},
                "by_origin": [
                    round(float(loss[unseen.origin == one].mean()), 5) for one in unseen.origins
                ],
            }
        )
    return rows
