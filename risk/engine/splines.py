"""Penalised logistic regression whose every input is a broken line or a set of levels.

Each number is a sum of ramps between quantiles of its training values (a straight line with one
ramp, a spline of degree one with several), each category one number per level, each "not known" a
number of its own. How far an input may move is not set but estimated: every input has a variance
from which its ramps or levels are thought to be drawn, a second one keeps neighbouring ramps alike,
and both follow from the data (the generalised Fellner-Schall update of the restricted likelihood:
Wood & Fasiolo 2017, "A generalized Fellner-Schall method for smoothing parameter optimization").
With few cases an input is drawn to nothing and a location to the level of the business; with many
cases hardly at all. That is the partial pooling of small groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from risk.engine.additive import AdditiveModel, Columns, Floats, Shape
from risk.engine.declaration import Input
from risk.engine.tables import centred, summed
from risk.engine.trees import constant, empty_shape, varies

RAMPS = 7
MOST_ROWS = 40_000  # more teach a curve of few numbers hardly anything, and cost time
# Estimated penalties stay within these: prior standard deviations of log-odds between 3 and 0.003.
LEAST_PENALTY, MOST_PENALTY = 0.1, 1e5
# Until the answers move by less than this in log-odds, or so many times.
SETTLED, ROUNDS, STEPS = 0.01, 12, 30
SEED = 7


@dataclass(frozen=True)
class _Block:
    """The columns of the design that belong to one input. `knots` for a number; `levels` for a
    category; `means` make every column average 0; the last column says "not known" if `unknown`.
    """

    one: Input
    shape: Shape
    knots: Floats
    means: Floats
    unknown: bool

    def design(self, x: Floats) -> Floats:
        """Shape (rows, columns); what is not known is 0, the average, but for its own column."""
        missing = np.isnan(x)
        if self.one.kind == "category":
            places = self.shape.codes(x)
            missing = places == len(self.shape.values)
            body = (places[:, None] == np.arange(len(self.shape.values))[None, :]).astype(float)
        else:
            width = np.diff(self.knots)
            filled = np.where(missing, self.knots[0], x)
            body = np.clip((filled[:, None] - self.knots[:-1]) / width, 0, 1)
        body = body - self.means
        body[missing] = 0.0
        return np.column_stack([body, missing]) if self.unknown else body

    @property
    def size(self) -> int:
        return len(self.means) + self.unknown

    def penalties(self) -> list[Floats]:
        """Matrices of shape (columns, columns): how far, how unevenly, and how far from the average
        what is not known may lie."""
        wide = len(self.means)
        far = np.zeros((self.size, self.size))
        far[:wide, :wide] = np.eye(wide)
        found = [far]
        if self.one.kind == "number" and wide > 2:
            bend = np.diff(np.eye(wide), axis=0)
            uneven = np.zeros((self.size, self.size))
            uneven[:wide, :wide] = bend.T @ bend
            found.append(uneven)
        if self.unknown:
            alone = np.zeros((self.size, self.size))
            alone[-1, -1] = 1.0
            found.append(alone)
        return found

    def shape_of(self, numbers: Floats) -> Shape:
        """The contribution of the input with these numbers fitted to its columns."""
        wide = len(self.means)
        body, middle = numbers[:wide], float(numbers[:wide] @ self.means)
        missing = float(numbers[wide]) if self.unknown else 0.0
        shape = self.shape
        if self.one.kind == "category":
            return Shape(shape.name, "category", shape.cuts, body - middle, missing)
        return Shape(
            shape.name,
            "number",
            np.zeros(0),
            np.zeros(1),
            missing,
            least=shape.least,
            most=shape.most,
            knots=self.knots,
            heights=np.append(0.0, np.cumsum(body)) - middle,
        )


def fit_splines(
    inputs: Sequence[Input],
    columns: Columns,
    truth: Floats,
    *,
    ramps: int = RAMPS,
    beside: AdditiveModel | None = None,
) -> AdditiveModel:
    """The fitted model, centred on these rows. With `beside` (a scorecard) the inputs add to its
    log-odds, which count as they are: where cases are few, it is the answer."""
    if truth.min() == truth.max():
        return beside or constant(truth)
    rows = np.arange(len(truth))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(SEED).choice(rows, MOST_ROWS, replace=False))
    some = {one.name: columns[one.name][rows] for one in inputs}
    blocks = [_block(one, some[one.name], ramps) for one in inputs if varies(some[one.name])]
    blocks = [block for block in blocks if block.size]
    given = np.zeros(len(rows))
    if beside is not None:
        given = beside.log_odds({name: values[rows] for name, values in columns.items()})
    if not blocks:
        return beside or constant(truth)
    design = np.column_stack(
        [np.ones(len(rows)), *(block.design(some[block.one.name]) for block in blocks)]
    )
    numbers = _penalised(design, truth[rows], given, blocks)
    shapes, place = [], 1
    for block in blocks:
        shapes.append(block.shape_of(numbers[place : place + block.size]))
        place += block.size
    added = AdditiveModel(float(numbers[0]), tuple(shapes))
    return centred(added, columns) if beside is None else summed([(1.0, beside), (1.0, added)])


def _block(one: Input, x: Floats, ramps: int) -> _Block:
    shape = empty_shape(one, x)
    known = x[~np.isnan(x)]
    if one.kind == "category":
        places = shape.codes(x)
        unknown = places == len(shape.values)
        body = (places[~unknown, None] == np.arange(len(shape.values))[None, :]).astype(float)
        means = body.mean(axis=0) if len(body) else np.zeros(len(shape.values))
        return _Block(one, shape, np.zeros(0), means, bool(unknown.any()))
    # Straight lines end where the outermost hundredth begins, so that single strange values do not
    # turn them.
    at = np.linspace(0, 1, ramps + 1)
    at[0], at[-1] = 0.01, 0.99
    knots = np.unique(np.quantile(known, at))
    if len(knots) < 2:
        knots = np.unique([known.min(), known.max()])
    if len(knots) < 2:  # one value, sometimes not known
        return _Block(one, shape, knots, np.zeros(0), bool(len(known) < len(x)))
    ramped = np.clip((known[:, None] - knots[:-1]) / np.diff(knots), 0, 1)
    return _Block(one, shape, knots, ramped.mean(axis=0), bool(len(known) < len(x)))


def _penalised(design: Floats, truth: Floats, given: Floats, blocks: Sequence[_Block]) -> Floats:
    """Numbers for the columns of the design, penalties estimated with them."""
    width = design.shape[1]
    least = np.full(width, -np.inf)
    most = np.full(width, np.inf)
    parts: list[tuple[slice, Floats]] = []
    place = 1
    for block in blocks:
        here = slice(place, place + block.size)
        parts += [(here, matrix) for matrix in block.penalties()]
        ramps = slice(place, place + len(block.means))
        if block.one.kind == "number" and block.one.direction:
            (least if block.one.direction > 0 else most)[ramps] = 0.0
        place += block.size
    penalties = np.full(len(parts), 4.0)
    rate = np.clip(truth.mean(), 1e-4, 1 - 1e-4)
    numbers = np.zeros(width)
    numbers[0] = np.log(rate / (1 - rate)) - given.mean()
    for _ in range(ROUNDS):
        penalty = _total(parts, penalties, width)
        before = design @ numbers
        numbers, hessian = _maximum(design, truth, given, penalty, least, most, numbers)
        if float(np.abs(design @ numbers - before).mean()) < SETTLED:
            break
        penalties = _updated(parts, penalties, penalty, linalg.inv(hessian), numbers)
    return numbers


def _total(parts: Sequence[tuple[slice, Floats]], penalties: Floats, width: int) -> Floats:
    total = np.zeros((width, width))
    total[0, 0] = 1e-6
    for (here, matrix), value in zip(parts, penalties, strict=True):
        total[here, here] += value * matrix
    return total


def _updated(
    parts: Sequence[tuple[slice, Floats]],
    penalties: Floats,
    penalty: Floats,
    inverse: Floats,
    numbers: Floats,
) -> Floats:
    updated = np.empty(len(penalties))
    for place, ((here, matrix), value) in enumerate(zip(parts, penalties, strict=True)):
        own = np.linalg.pinv(penalty[here, here], hermitian=True)
        worth = float(np.sum(own * matrix) - np.sum(inverse[here, here] * matrix))
        size = float(numbers[here] @ matrix @ numbers[here])
        updated[place] = value * max(worth, 1e-8) / max(size, 1e-12)
    # A cautious step: from few cases the estimate jumps.
    updated = np.clip(updated, penalties / 20, penalties * 20)
    return np.clip(updated, LEAST_PENALTY, MOST_PENALTY)


def _maximum(
    design: Floats,
    truth: Floats,
    given: Floats,
    penalty: Floats,
    least: Floats,
    most: Floats,
    start: Floats,
) -> tuple[Floats, Floats]:
    """Newton's method within bounds; returns the numbers and the matrix of second derivatives."""
    numbers = start
    value = _objective(design, truth, given, penalty, numbers)
    hessian = np.eye(len(numbers))
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-(given + design @ numbers)))
        weight = np.maximum(p * (1 - p), 1e-6)
        hessian = design.T @ (design * weight[:, None]) + penalty
        gradient = design.T @ (truth - p) - penalty @ numbers
        step = _bounded(hessian, gradient, least - numbers, most - numbers)
        share = 1.0
        while share > 1e-3:
            tried = numbers + share * step
            now = _objective(design, truth, given, penalty, tried)
            if now <= value:
                break
            share /= 2
        else:
            break
        gained, numbers, value = value - now, tried, now
        if gained < 1e-4:
            break
    return numbers, hessian


def _objective(
    design: Floats, truth: Floats, given: Floats, penalty: Floats, numbers: Floats
) -> float:
    z = given + design @ numbers
    return float(np.logaddexp(0, z).sum() - truth @ z + numbers @ penalty @ numbers / 2)


def _bounded(hessian: Floats, gradient: Floats, least: Floats, most: Floats) -> Floats:
    """The step s that makes s'Hs/2 - g's least with every number between its bounds: active sets,
    numbers that would cross a bound are held there and released when they pull away from it."""
    width = len(gradient)
    held: npt.NDArray[np.bool_] = np.zeros(width, dtype=bool)
    at = np.zeros(width)
    for _ in range(3 * width):
        free = ~held
        step = at.copy()
        right = gradient[free] - hessian[np.ix_(free, held)] @ at[held]
        step[free] = linalg.solve(hessian[np.ix_(free, free)], right, assume_a="pos")
        low, high = free & (step < least - 1e-10), free & (step > most + 1e-10)
        if (low | high).any():
            at[low], at[high] = least[low], most[high]
            held |= low | high
            continue
        pull = gradient - hessian @ step
        wrong = held & (((at == least) & (pull > 1e-8)) | ((at == most) & (pull < -1e-8)))
        if not wrong.any():
            return step
        held &= ~wrong
    return np.clip(step, least, most)
