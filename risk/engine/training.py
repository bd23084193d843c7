"""Learning an additive model from past cases, and judging it on the newest ones it has not seen.

Cases are ordered by their moment. A case teaches only if its outcome was known before the first
case of the next part began, so no part knows the future of another:

    train (oldest) -> calibrate -> test (newest)

Plain arrays in, an artefact and its measurements out: no database, no request. The only module
that imports scikit-learn; serving does not need it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from risk.engine import metrics
from risk.engine.additive import (
    AdditiveModel,
    Artefact,
    Calibration,
    Columns,
    Floats,
    Shape,
    shifted,
)
from risk.engine.cases import Cases
from risk.engine.declaration import Declaration, Input
from risk.engine.scorecard import KIND as SCORECARD
from risk.engine.scorecard import scorecard, shape_of

KIND = "additive"
LIBRARIES = {"scikit-learn": sklearn.__version__, "numpy": np.__version__}
BINS = 48
MIN_LEVEL_ROWS = 30  # a rarer category counts as unknown
SEED = 7
# Fewer outcomes than these and the scorecard serves.
MIN_TRAIN, MIN_CALIBRATE, MIN_TEST = 60, 20, 20
MIN_SECOND_HEAD = 40
MIN_ISOTONIC = 300
LEAST_WEIGHT = 0.1  # of the scorecard beside a trained model
# The level moves at most by a factor of e in the odds, and half-way at so many outcomes.
MOST_LEVEL, LEVEL_PRETENDED = 1.0, 40.0
# From small to less small; the choice falls on the calibration part.
SIZES: tuple[dict[str, Any], ...] = (
    {"max_iter": 60, "max_leaf_nodes": 3, "learning_rate": 0.08, "min_samples_leaf": 60},
    {"max_iter": 120, "max_leaf_nodes": 4, "learning_rate": 0.08, "min_samples_leaf": 40},
    {"max_iter": 240, "max_leaf_nodes": 8, "learning_rate": 0.06, "min_samples_leaf": 40},
)


@dataclass(frozen=True)
class Trained:
    """A model and what is known about it. `serves` says whether it beat what serves now on the
    newest cases; `verdict` says why, for staff."""

    artefact: Artefact
    rows: int
    positives: int
    from_day: float
    until_day: float  # nothing later taught or calibrated it
    measured: dict[str, Any]
    serves: bool
    verdict: str


def time_split(cases: Cases, *, window_days: float) -> tuple[Cases, Cases, Cases]:
    """Train, calibrate and test parts. The two newer ones span `window_days` each, or a quarter of
    the history where that is shorter."""
    last, first = float(cases.moment.max()), float(cases.moment.min())
    window = min(window_days, (last - first) / 4)
    test_from = last - window
    calibrated = cases.where((cases.moment < test_from) & (cases.known < test_from))
    if not len(calibrated):
        return calibrated, calibrated, cases.where(cases.moment >= test_from)
    calibrate_from = float(calibrated.moment.max()) - window
    return (
        cases.where((cases.moment < calibrate_from) & (cases.known < calibrate_from)),
        calibrated.where(calibrated.moment >= calibrate_from),
        cases.where(cases.moment >= test_from),
    )


def train(
    declaration: Declaration,
    cases: Cases,
    *,
    window_days: float,
    champion: Artefact | None = None,
    champion_until_day: float | None = None,
    notice_p: float = 0.95,
) -> Trained:
    """Fit, calibrate and judge. Never raises for want of data: the scorecard answers then."""
    if len(cases):
        older, middle, newest = time_split(cases, window_days=window_days)
    else:
        older = middle = newest = cases
    positives = [int(part.outcomes["any"].sum()) for part in (older, middle, newest)]
    card = _scorecard(declaration, cases if not len(older) else older)
    facts: dict[str, Any] = {
        "rows": len(cases),
        "positives": int(cases.outcomes["any"].sum()),
        "from_day": float(cases.moment.min()) if len(cases) else 0.0,
        "until_day": float(newest.moment.min()) if len(newest) else 0.0,
    }
    if (
        positives[0] < MIN_TRAIN
        or positives[1] < MIN_CALIBRATE
        or positives[2] < MIN_TEST
        or positives[0] > len(older) - MIN_TRAIN
    ):
        return Trained(
            artefact=card,
            measured={"outcomes_needed": MIN_TRAIN, "outcomes": positives[0]},
            serves=champion is None or champion.kind == SCORECARD,
            verdict=(
                f"too few outcomes to learn from ({positives[0]} of {MIN_TRAIN} in the older "
                f"part, {positives[2]} of {MIN_TEST} in the newest): the scorecard serves"
            ),
            **facts,
        )
    heads = {"any": _fit_best(declaration, older, middle, "any")}
    for name in declaration.heads[1:]:
        enough = older.outcomes[name].sum() >= MIN_SECOND_HEAD
        if enough and middle.outcomes[name].sum() >= MIN_CALIBRATE:
            heads[name] = _fit_best(declaration, older, middle, name)
    artefact = Artefact(target=str(declaration.target), kind=KIND, heads=heads, notice_p=notice_p)
    rivals = {"scorecard": card}
    if champion is not None and champion.kind != SCORECARD:
        rivals["champion"] = champion
    measured = judge(artefact, rivals, newest)
    measured["second_heads"] = {
        name: metrics.summary(head.judged_probability(newest.columns), newest.outcomes[name])
        for name, head in heads.items()
        if name != "any"
    }
    artefact = replace(
        artefact, heads={name: levelled(head, newest, name) for name, head in heads.items()}
    )
    measured["level"] = round(artefact.main.level, 4)
    if champion_until_day is not None and champion_until_day > facts["until_day"]:
        return Trained(
            artefact=artefact,
            measured=measured,
            serves=False,
            verdict="what serves now has seen part of the newest cases: no fair comparison",
            **facts,
        )
    beaten = {name: measured["against"][name]["mean"] < 0 for name in rivals}
    serves = all(beaten.values())
    return Trained(
        artefact=artefact,
        measured=measured,
        serves=serves,
        verdict=(
            "better than " + " and ".join(beaten) + " on the newest cases"
            if serves
            else "not better than "
            + " and ".join(name for name, won in beaten.items() if not won)
            + " on the newest cases: kept in shadow"
        ),
        **facts,
    )


def judge(model: Artefact, rivals: dict[str, Artefact], newest: Cases) -> dict[str, Any]:
    """Measurements of the model, its rivals and the base rate on the same unseen cases.

    `against`: mean difference of log loss (below 0: the model is better) with a 95 % interval from
    resampling guests.
    """
    truth = newest.outcomes["any"]
    p = model.main.judged_probability(newest.columns)
    result: dict[str, Any] = {
        "test": metrics.summary(p, truth),
        "base": metrics.summary(np.full(len(truth), truth.mean()), truth),
        "against": {},
        "calibration": metrics.calibration_points(p, truth),
        "by_location": {
            str(location): {
                "n": int(here.sum()),
                "expected": round(float(p[here].mean()), 4),
                "seen": round(float(truth[here].mean()), 4),
            }
            for location in np.unique(newest.location)
            for here in [newest.location == location]
        },
    }
    for name, rival in rivals.items():
        q = rival.main.judged_probability(newest.columns)
        result[name] = metrics.summary(q, truth)
        mean, low, high = metrics.difference(
            metrics.log_losses(p, truth) - metrics.log_losses(q, truth), newest.guest
        )
        result["against"][name] = {"mean": mean, "low": low, "high": high}
    return result


def _scorecard(declaration: Declaration, cases: Cases) -> Artefact:
    """The scorecard at the level of these cases. Rules stay out of the level: their inputs know
    only the present."""
    plain = scorecard(declaration)
    if not len(cases):
        return plain
    rules = {one.name for one in declaration.rules}
    rest = sum(
        float(shape.contributions(cases.columns[shape.name]).mean())
        for shape in plain.main.shapes
        if shape.name not in rules
    )
    return scorecard(
        declaration,
        rows=len(cases),
        outcomes=float(cases.outcomes["any"].sum()),
        rest=rest,
    )


def _fit_best(declaration: Declaration, older: Cases, middle: Cases, head: str) -> AdditiveModel:
    """The size with the least log loss on the calibration part, calibrated there."""
    truth = middle.outcomes[head]
    best: tuple[float, AdditiveModel] | None = None
    for size in SIZES:
        model = fit(declaration.learned, older.columns, older.outcomes[head], size=size)
        platt = _platt(model.log_odds(middle.columns), truth)
        loss = float(
            metrics.log_losses(platt.probability(model.log_odds(middle.columns)), truth).mean()
        )
        if best is None or loss < best[0]:
            best = loss, model
    assert best is not None
    model = best[1]
    if head == "any":
        model = with_experience(model, scorecard(declaration).main, declaration, middle)
    found = calibrate(model.log_odds(middle.columns), truth, middle.moment)
    if found.kind == "platt":
        # A straight line of the log-odds keeps the sum additive: reasons then add up in the
        # calibrated log-odds themselves.
        model, found = scaled(model, found.slope, found.intercept), Calibration()
    rules = declaration.rules if head == "any" else []
    return AdditiveModel(
        baseline=model.baseline,
        shapes=(*model.shapes, *(shape_of(rule) for rule in rules)),
        calibration=found,
    )


def with_experience(
    model: AdditiveModel, card: AdditiveModel, declaration: Declaration, middle: Cases
) -> AdditiveModel:
    """The trained model and the scorecard added up, each with the weight the calibration part
    gives it. Where cases are many the scorecard's weight goes to nothing; where they are few it
    keeps what too few cases could teach (three failed payments, say). A sum of tables stays one.
    """
    rules = {one.name for one in declaration.rules}
    known = AdditiveModel(0.0, tuple(s for s in card.shapes if s.name not in rules))
    both = np.column_stack([model.log_odds(middle.columns), known.log_odds(middle.columns)])
    found = LogisticRegression(C=1.0).fit(both, middle.outcomes["any"])
    of_model, of_card = (float(weight) for weight in found.coef_[0])
    if of_card <= LEAST_WEIGHT or of_model <= LEAST_WEIGHT:
        return model
    ours, theirs = scaled(model, of_model, 0.0), scaled(known, of_card, float(found.intercept_[0]))
    return AdditiveModel(ours.baseline + theirs.baseline, (*ours.shapes, *theirs.shapes))


def levelled(model: AdditiveModel, newest: Cases, head: str) -> AdditiveModel:
    """The model with its level moved towards the newest cases, the further the more outcomes they
    hold: seasons, prices and staff change what is usual faster than who is at risk."""
    truth = newest.outcomes[head]
    p = model.judged_probability(newest.columns)
    low, high = -MOST_LEVEL, MOST_LEVEL
    for _ in range(40):  # the mean chance rises with the level: halve until it meets the rate
        middle = (low + high) / 2
        if shifted(p, middle).mean() < truth.mean():
            low = middle
        else:
            high = middle
    weight = truth.sum() / (truth.sum() + LEVEL_PRETENDED)
    return replace(model, level=float(middle * weight))


def scaled(model: AdditiveModel, slope: float, intercept: float) -> AdditiveModel:
    """The model whose log-odds are slope * z + intercept."""
    return AdditiveModel(
        baseline=slope * model.baseline + intercept,
        shapes=tuple(
            replace(shape, values=shape.values * slope, missing=shape.missing * slope)
            for shape in model.shapes
        ),
        calibration=model.calibration,
    )


def fit(
    inputs: Sequence[Input], columns: Columns, truth: Floats, *, size: dict[str, Any]
) -> AdditiveModel:
    """Boosted trees of which each sees one input, read out exactly as one table per input.

    Numbers are put into bins of our own first, so that the public `decision_function`, asked once
    per bin, tells the whole shape.
    """
    inputs = [one for one in inputs if _varies(columns[one.name])]
    empty = [_empty_shape(one, columns[one.name]) for one in inputs]
    codes = np.column_stack([_coded(shape, columns[shape.name]) for shape in empty])
    booster = HistGradientBoostingClassifier(
        **size,
        interaction_cst="no_interactions",
        categorical_features=[shape.kind == "category" for shape in empty],
        monotonic_cst=[0 if one.kind == "category" else one.direction for one in inputs],
        l2_regularization=1.0,
        early_stopping=False,
        random_state=SEED,
    ).fit(codes, truth)
    return _read_out(booster, empty, codes)


def _varies(x: Floats) -> bool:
    """Whether there is anything to learn from: two values, or one that is sometimes not known."""
    known = x[~np.isnan(x)]
    return len(known) > 0 and (len(known) < len(x) or bool((known != known[0]).any()))


def _empty_shape(one: Input, x: Floats) -> Shape:
    known = x[~np.isnan(x)]
    if one.kind == "category":
        levels, counts = np.unique(known, return_counts=True)
        levels = levels[counts >= MIN_LEVEL_ROWS][:250]
        return Shape(one.name, "category", levels, np.zeros(len(levels)), 0.0)
    values = np.unique(known)
    if len(values) > BINS:
        values = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:], method="lower"))
    return Shape(
        one.name,
        "number",
        values[:-1],
        np.zeros(max(len(values), 1)),
        0.0,
        least=float(known.min()) if len(known) else float("-inf"),
        most=float(known.max()) if len(known) else float("inf"),
    )


def _unknown_code(shape: Shape) -> float:
    """How "not known" is shown to the trees: as NaN, or, beside a single value, as a second one,
    since they cannot bin a column with one value."""
    return np.nan if len(shape.values) > 1 else float(len(shape.values))


def _coded(shape: Shape, x: Floats) -> Floats:
    """The place of each x in the table."""
    places = shape.codes(x)
    unknown = places == len(shape.values)
    return np.where(unknown, _unknown_code(shape), places.astype(np.float64))


def _read_out(
    booster: HistGradientBoostingClassifier, empty: Sequence[Shape], codes: Floats
) -> AdditiveModel:
    probes: list[Floats] = [np.zeros((1, len(empty)))]
    for number, shape in enumerate(empty):
        probe = np.zeros((len(shape.values) + 1, len(empty)))
        probe[:, number] = [*range(len(shape.values)), _unknown_code(shape)]
        probes.append(probe)
    answers = booster.decision_function(np.concatenate(probes))
    baseline, place = float(answers[0]), 1
    shapes = []
    for number, shape in enumerate(empty):
        table = answers[place : place + len(shape.values) + 1] - answers[0]
        place += len(table)
        seen = codes[:, number]
        missing = np.isnan(seen) | (seen == len(shape.values))
        if not missing.any() and shape.kind == "number":
            # Never unknown in the past: not knowing says nothing, so it counts as the average.
            table[-1] = table[seen.astype(np.intp)].mean()
        mean = float(table[np.where(missing, len(shape.values), seen).astype(np.intp)].mean())
        baseline += mean
        shapes.append(
            Shape(
                shape.name,
                shape.kind,
                shape.cuts,
                table[:-1] - mean,
                float(table[-1]) - mean,
                shape.least,
                shape.most,
            )
        )
    return AdditiveModel(baseline=baseline, shapes=tuple(shapes))


def calibrate(z: Floats, truth: Floats, moment: Floats) -> Calibration:
    """Platt, or isotonic where outcomes are many and it does better on the newer half after being
    fitted on the older one."""
    platt = _platt(z, truth)
    if truth.sum() < MIN_ISOTONIC:
        return platt
    older = moment <= np.median(moment)
    if not (0 < truth[older].sum() < older.sum()) or not (~older).any():
        return platt
    losses = {
        make: float(
            metrics.log_losses(
                make(z[older], truth[older]).probability(z[~older]), truth[~older]
            ).mean()
        )
        for make in (_platt, _isotonic)
    }
    return _isotonic(z, truth) if losses[_isotonic] < losses[_platt] - 5e-4 else platt


def _platt(z: Floats, truth: Floats) -> Calibration:
    found = LogisticRegression(C=1e4).fit(z.reshape(-1, 1), truth)
    slope = float(found.coef_[0, 0])
    if slope <= 0:
        # The ranking does not hold on newer cases; keep the level and say little.
        return Calibration(slope=0.05, intercept=float(np.log(truth.mean() / (1 - truth.mean()))))
    return Calibration(slope=slope, intercept=float(found.intercept_[0]))


def _isotonic(z: Floats, truth: Floats) -> Calibration:
    found = IsotonicRegression(out_of_bounds="clip").fit(z, truth)
    return Calibration(
        kind="isotonic",
        z=tuple(float(x) for x in found.X_thresholds_),
        p=tuple(float(y) for y in found.y_thresholds_),
    )
