"""From the log-odds of a model to chances that come true, and how exact they are.

Everything is measured on answers about cases the model had not seen. A calibration is accepted only
if, learned at the earlier origins, it did better at the later ones; of several the simplest one
that is not worse beyond noise (as in risk/engine/backtest.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from risk.engine import metrics
from risk.engine.additive import Calibration, Floats, Spread
from risk.engine.backtest import Unseen, logistic

MIN_PLATT, MIN_BETA, MIN_ISOTONIC = 30, 100, 300
# A level moves at most by a factor of e in the odds, and half-way at so many outcomes.
MOST_LEVEL, LEVEL_PRETENDED = 1.0, 40.0
KNOTS = 9
COVERAGE_BINS = 10
# Before any period is seen, levels of periods are thought to differ by a tenth in log-odds; that
# counts as much as so many periods.
USUAL_BETWEEN, USUAL_PERIODS = 0.1, 4
# Even with endless cases no chance is exact to less than this, in log-odds.
LEAST_HALF = 0.02

Make = Callable[[Floats, Floats, npt.NDArray[np.int64]], Calibration]


def none(z: Floats, truth: Floats, origin: npt.NDArray[np.int64]) -> Calibration:
    return Calibration()


def newest_level(z: Floats, truth: Floats, origin: npt.NDArray[np.int64]) -> Calibration:
    """The level of the newest of these origins: seasons and prices change what is usual faster than
    who is at risk."""
    here = origin == origin.max()
    return Calibration(intercept=level(z[here], truth[here]))


def platt(z: Floats, truth: Floats, origin: npt.NDArray[np.int64]) -> Calibration:
    """Platt 1999: a straight line in log-odds."""
    if not _enough(truth, MIN_PLATT):
        return Calibration()
    found = LogisticRegression(C=1e4).fit(z.reshape(-1, 1), truth)
    slope = float(found.coef_[0, 0])
    if slope <= 0:
        # The ranking does not hold on newer cases; keep the level and say little.
        return Calibration(slope=0.05, intercept=float(np.log(truth.mean() / (1 - truth.mean()))))
    return Calibration(slope=slope, intercept=float(found.intercept_[0]))


def beta(z: Floats, truth: Floats, origin: npt.NDArray[np.int64]) -> Calibration:
    """Kull, Silva Filho & Flach 2017, with both slopes at least 0."""
    if not _enough(truth, MIN_BETA):
        return Calibration()
    sides = np.column_stack([-np.logaddexp(0, -z), np.logaddexp(0, z)])
    found = LogisticRegression(C=1e4).fit(sides, truth)
    a, b = (float(value) for value in found.coef_[0])
    if a < 0 or b < 0:
        return platt(z, truth, origin)
    return Calibration("beta", slope=a, against=b, intercept=float(found.intercept_[0]))


def isotonic(z: Floats, truth: Floats, origin: npt.NDArray[np.int64]) -> Calibration:
    """Zadrozny & Elkan 2002: steps that only rise, here with straight lines between their ends."""
    if not _enough(truth, MIN_ISOTONIC):
        return Calibration()
    found = IsotonicRegression(out_of_bounds="clip").fit(z, truth)
    at, p = np.asarray(found.X_thresholds_), np.asarray(found.y_thresholds_)
    apart = np.append(True, np.diff(at) > 0)
    return Calibration("isotonic", z=tuple(at[apart].tolist()), p=tuple(p[apart].tolist()))


# From the simplest.
WAYS: dict[str, Make] = {
    "none": none,
    "level": newest_level,
    "platt": platt,
    "beta": beta,
    "isotonic": isotonic,
}


def _enough(truth: Floats, least: int) -> bool:
    return bool(least <= truth.sum() <= len(truth) - least)


def level(z: Floats, truth: Floats) -> float:
    """What must be added to these log-odds for their mean chance to meet the rate, the less the
    fewer outcomes there are."""
    low, high = -MOST_LEVEL, MOST_LEVEL
    for _ in range(40):  # the mean chance rises with the level: halve until it meets the rate
        middle = (low + high) / 2
        if logistic(z + middle).mean() < truth.mean():
            low = middle
        else:
            high = middle
    weight = truth.sum() / (truth.sum() + LEVEL_PRETENDED)
    return float(middle * weight)


def choose(unseen: Unseen, name: str) -> tuple[Calibration, dict[str, Any]]:
    """The calibration of a candidate and how each way did where it had not learned."""
    z = unseen.z[name]
    later = unseen.origins[1:] if unseen.in_time else unseen.origins
    asked = np.isin(unseen.origin, later)
    if not asked.any():
        return Calibration(), {"chosen": "none", "tried": []}
    losses: dict[str, Floats] = {}
    for way, make in WAYS.items():
        if way == "level" and not unseen.in_time:
            continue
        p = np.empty(len(z))
        for origin in later:
            here, before = unseen.origin == origin, unseen.earlier(origin)
            found = make(z[before], unseen.truth[before], unseen.origin[before])
            p[here] = found.probability(z[here])
        losses[way] = metrics.log_losses(p[asked], unseen.truth[asked])
    best = min(losses, key=lambda way: float(losses[way].mean()))
    guest = unseen.guest[asked]
    chosen = next(
        way
        for way in losses
        if np.less_equal(*metrics.clustered(losses[way] - losses[best], guest))
    )
    tried = [{"way": way, "log_loss": round(float(loss.mean()), 5)} for way, loss in losses.items()]
    found = WAYS[chosen](z, unseen.truth, unseen.origin)
    return found, {"chosen": chosen, "tried": tried}


def spread(unseen: Unseen, z: Floats, calibration: Calibration) -> Spread:
    """How far the rate of cases with some log-odds may lie from the chance said.

    Three things are added up, as variances of log-odds: how exactly these cases tell the rate at
    each place (a logistic regression on the calibrated log-odds, bent in the middle, with the
    sandwich variance by person: Liang & Zeger 1986); how far that curve lies from what the
    calibration says; and how much whole periods differ from each other beyond chance (the moment
    estimate of DerSimonian & Laird 1986 over origins, drawn towards what is usual). 95 in 100,
    with the t distribution for so few periods.
    """
    said = _logit(calibration.probability(z))
    truth = unseen.truth
    middle = float(np.median(said))
    design = _bent(said, middle)
    numbers, variance = _sandwich(design, truth, unseen.guest)
    at = np.unique(np.quantile(z, np.linspace(0.005, 0.995, KNOTS)))
    said_at = _logit(calibration.probability(at))
    there = _bent(said_at, middle)
    own = np.einsum("ij,jk,ik->i", there, variance, there)
    apart = there @ numbers - said_at
    between = factor = 0.0
    if unseen.in_time:
        between, periods = _between(said, truth, unseen)
        factor = float(stats.t.ppf(0.975, periods + USUAL_PERIODS - 1))
    half = np.sqrt((1.96**2) * (own + apart**2) + factor**2 * between)
    return Spread(tuple(at.tolist()), tuple(np.maximum(half, LEAST_HALF).tolist()))


def coverage(unseen: Unseen, name: str) -> dict[str, Any]:
    """Of the score tenths at every later origin, how many had a rate the interval learned at the
    earlier origins leads one to expect, chance in so few cases allowed for."""
    bins = held = 0
    z_all = unseen.z[name]
    for origin in unseen.origins[1:] if unseen.in_time else unseen.origins:
        here, before = unseen.origin == origin, unseen.earlier(origin)
        past = Unseen(
            unseen.rows[before],
            unseen.origin[before],
            unseen.truth[before],
            unseen.guest[before],
            unseen.in_time,
            {name: z_all[before]},
        )
        found, _ = choose(past, name)
        curve = spread(past, z_all[before], found)
        z, truth = z_all[here], unseen.truth[here]
        inside = within(z, truth, found, curve)
        bins, held = bins + len(inside), held + int(inside.sum())
    return {"bins": bins, "share": round(held / bins, 3) if bins else None}


def within(
    z: Floats, truth: Floats, calibration: Calibration, curve: Spread
) -> npt.NDArray[np.bool_]:
    """For each tenth of these cases by score: whether its rate lies in the interval of its chance,
    widened by the binomial noise of its number of cases."""
    parts = np.array_split(np.argsort(z, kind="stable"), COVERAGE_BINS)
    inside = []
    for part in parts:
        if not len(part):
            continue
        p = calibration.probability(z[part])
        said = float(_logit(np.array([p.mean()]))[0])
        half = float(np.interp(z[part].mean(), curve.z, curve.half))
        noise = 1.96**2 / (len(part) * p.mean() * (1 - p.mean()))
        seen = np.clip(truth[part].mean(), 0.25 / len(part), 1 - 0.25 / len(part))
        inside.append(abs(float(_logit(np.array([seen]))[0]) - said) <= np.sqrt(half**2 + noise))
    return np.array(inside, dtype=bool)


def _logit(p: Floats) -> Floats:
    z: Floats = np.log(p / (1 - p))
    return z


def _bent(said: Floats, middle: float) -> Floats:
    return np.column_stack([np.ones(len(said)), said - middle, np.maximum(said - middle, 0)])


def _sandwich(design: Floats, truth: Floats, guest: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Numbers of the logistic regression and their variance by person. A prior of 4 cases keeps a
    curve with few outcomes near what was said: the second number near 1, the others near 0."""
    near = np.array([0.0, 1.0, 0.0])
    pull = np.diag([1e-3, 4.0, 4.0])
    numbers = near.copy()
    hessian = pull
    for _ in range(25):
        p = logistic(design @ numbers)
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + pull
        step = np.linalg.solve(hessian, design.T @ (truth - p) - pull @ (numbers - near))
        numbers = numbers + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    scores = design * (truth - logistic(design @ numbers))[:, None]
    _, person = np.unique(guest, return_inverse=True)
    summed = np.zeros((int(person.max()) + 1, design.shape[1]))
    np.add.at(summed, person, scores)
    bread = np.linalg.inv(hessian)
    return numbers, bread @ (summed.T @ summed) @ bread


def _between(said: Floats, truth: Floats, unseen: Unseen) -> tuple[float, int]:
    """Variance of the level between periods beyond chance, and the number of periods."""
    shifts, noise = [], []
    for origin in unseen.origins:
        here = unseen.origin == origin
        p = logistic(said[here])
        information = float((p * (1 - p)).sum())
        shifts.append(float((truth[here] - p).sum()) / information)
        noise.append(1 / information)
    weight = 1 / np.array(noise)
    mean = float((weight * shifts).sum() / weight.sum())
    between = 0.0
    if len(shifts) > 1:
        q = float((weight * (np.array(shifts) - mean) ** 2).sum())
        scale = float(weight.sum() - (weight**2).sum() / weight.sum())
        between = max(0.0, (q - (len(shifts) - 1)) / scale)
    known = len(shifts) - 1
    drawn = (known * between + USUAL_PERIODS * USUAL_BETWEEN**2) / (known + USUAL_PERIODS)
    return drawn, len(shifts)
