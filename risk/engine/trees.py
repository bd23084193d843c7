"""Boosted trees that see one input each, or one chosen pair, read out exactly as tables.

Numbers are put into bins of our own first, so that the public `decision_function`, asked once per
bin (and once per cell of a pair), tells the whole function. No path of a tree holds more inputs
than `interaction_cst` allows, so what the answers add beyond the single inputs belongs to the pairs
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from risk.engine.additive import AdditiveModel, Axis, Columns, Floats, Pair, Shape
from risk.engine.declaration import Input
from risk.engine.tables import centred

BINS = 48
PAIR_BINS = 12
# A category with fewer rows counts as unknown: one in a hundred rows, within these bounds.
LEAST_LEVEL_ROWS, MOST_LEVEL_ROWS = 5, 30
MOST_LEVELS = 250
# Trees split few levels freely. Many are put in the order of their own rates, each drawn towards
# the rate of all and, for the rows that teach, measured on other people's rows.
FREE_LEVELS = 12
ORDER_FOLDS = 5
SEED = 7


@dataclass(frozen=True)
class Size:
    """How much one model may learn."""

    trees: int
    leaves: int
    rate: float
    leaf_rows: int


def fit_trees(
    inputs: Sequence[Input],
    columns: Columns,
    truth: Floats,
    *,
    size: Size,
    pairs: Sequence[tuple[str, str]] = (),
    weight: Floats | None = None,
    guest: npt.NDArray[np.int64] | None = None,
) -> AdditiveModel:
    """The trees as tables, centred on these rows. `pairs` are names of two inputs that may act
    together; `weight` counts each row; `guest` says whose each row is. With one outcome only the
    answer is its rate."""
    inputs = [one for one in inputs if varies(columns[one.name])]
    if not inputs or truth.min() == truth.max():
        return constant(truth)
    grid = [_column(one, columns[one.name], truth, guest) for one in inputs]
    # Categories first: scikit-learn moves them there, and takes `interaction_cst` to speak of the
    # columns as moved.
    grid.sort(key=lambda column: not column.free)
    codes = np.column_stack([column.codes for column in grid])
    number = {column.shape.name: place for place, column in enumerate(grid)}
    direction = {one.name: one.direction for one in inputs if one.kind == "number"}
    together = [(number[a], number[b]) for a, b in pairs if a in number and b in number]
    booster = HistGradientBoostingClassifier(
        max_iter=size.trees,
        max_leaf_nodes=size.leaves,
        learning_rate=size.rate,
        min_samples_leaf=min(size.leaf_rows, max(5, len(truth) // 20)),
        interaction_cst=[{place} for place in range(len(grid))] + [set(two) for two in together],
        categorical_features=[column.free for column in grid],
        monotonic_cst=[direction.get(column.shape.name, 0) for column in grid],
        l2_regularization=1.0,
        early_stopping=False,
        random_state=SEED,
    ).fit(codes, truth, sample_weight=weight)
    return centred(_read_out(booster, grid, together), columns)


def constant(truth: Floats) -> AdditiveModel:
    """The rate of these rows for everybody, drawn a little towards one half."""
    rate = (truth.sum() + 0.5) / (len(truth) + 1)
    return AdditiveModel(float(np.log(rate / (1 - rate))), ())


def varies(x: Floats) -> bool:
    """Whether there is anything to learn from: two values, or one that is sometimes not known."""
    known = x[~np.isnan(x)]
    return len(known) > 0 and (len(known) < len(x) or bool((known != known[0]).any()))


def empty_shape(one: Input, x: Floats, bins: int = BINS) -> Shape:
    """The bins of one input, nothing learned yet."""
    known = x[~np.isnan(x)]
    if one.kind == "category":
        levels, counts = np.unique(known, return_counts=True)
        enough = np.clip(len(x) // 100, LEAST_LEVEL_ROWS, MOST_LEVEL_ROWS)
        often = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
        levels = np.sort(levels[often[counts[often] >= enough]])
        return Shape(one.name, "category", levels, np.zeros(len(levels)), 0.0)
    values = np.unique(known)
    if len(values) > bins:
        values = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:], method="lower"))
    return Shape(
        one.name,
        "number",
        values[:-1],
        np.zeros(max(len(values), 1)),
        0.0,
        least=float(known.min()) if len(known) else float("-inf"),
        most=float(known.max()) if len(known) else float("inf"),
    )


@dataclass(frozen=True)
class _Column:
    """One input as the trees see it: `codes` of the rows, and per place of the table the code that
    asks for it (`asks`, the last for "not known"). `free`: codes are categories without order."""

    shape: Shape
    codes: Floats
    asks: Floats
    free: bool
    sometimes_unknown: bool


def _column(one: Input, x: Floats, truth: Floats, guest: npt.NDArray[np.int64] | None) -> _Column:
    shape = empty_shape(one, x)
    places = shape.codes(x)
    unknown = places == len(shape.values)
    # "Not known" is NaN, or, beside a single value, a second one: trees cannot bin a column with
    # one value.
    nothing = np.nan if len(shape.values) > 1 else float(len(shape.values))
    many = one.kind == "category" and len(shape.values) > FREE_LEVELS
    if many:
        asks = np.append(_order(places, truth, len(shape.values)), nothing)
        codes = _order_of_others(places, truth, len(shape.values), guest)
    else:
        asks = np.append(np.arange(len(shape.values), dtype=np.float64), nothing)
        codes = asks[places]
    codes = np.where(unknown, nothing, codes)
    free = one.kind == "category" and not many
    return _Column(shape, codes, asks, free, bool(unknown.any()))


def _rates(places: npt.NDArray[np.intp], truth: Floats, levels: int) -> Floats:
    """The rate of each level drawn towards the rate of all, the less the more rows it has. The
    pretended rows follow from how much the levels truly differ (the moment estimate of the beta-
    binomial: Kleinman 1973, "Proportions with extraneous variance")."""
    n = np.bincount(places, minlength=levels + 1)[:levels].astype(np.float64)
    hits = np.bincount(places, weights=truth, minlength=levels + 1)[:levels]
    mean = float(np.clip(truth.mean(), 1e-4, 1 - 1e-4))
    noise = mean * (1 - mean)
    seen = n > 0
    spread = float((n[seen] * (hits[seen] / n[seen] - mean) ** 2).sum() - noise * (seen.sum() - 1))
    between = max(spread / max(n.sum() - (n**2).sum() / max(n.sum(), 1.0), 1.0), noise / 1e4)
    pretended = noise / between
    rates: Floats = (hits + pretended * mean) / (n + pretended)
    return rates


def _order(places: npt.NDArray[np.intp], truth: Floats, levels: int) -> Floats:
    """Per level its place among the levels in the order of their rates."""
    rates = _rates(places, truth, levels)
    order = np.empty(levels)
    order[np.argsort(rates, kind="stable")] = np.arange(levels)
    return order


def _order_of_others(
    places: npt.NDArray[np.intp],
    truth: Floats,
    levels: int,
    guest: npt.NDArray[np.int64] | None,
) -> Floats:
    """Per row the place its level would have by the rows of other people alone: a row whose own
    outcome placed its level would teach the trees to trust small levels."""
    whole = np.sort(_rates(places, truth, levels))
    owner = np.arange(len(truth)) if guest is None else np.unique(guest, return_inverse=True)[1]
    fold = np.random.default_rng(SEED).integers(0, ORDER_FOLDS, int(owner.max()) + 1)[owner]
    codes = np.zeros(len(truth))
    for one in range(ORDER_FOLDS):
        here = fold == one
        rates = np.append(_rates(places[~here], truth[~here], levels), 0.0)
        codes[here] = np.clip(np.searchsorted(whole, rates[places[here]]), 0, levels - 1)
    return codes


def _read_out(
    booster: HistGradientBoostingClassifier,
    grid: Sequence[_Column],
    together: Sequence[tuple[int, int]],
) -> AdditiveModel:
    origin = np.array([column.asks[0] for column in grid])
    probes: list[Floats] = [origin[None, :]]
    for number, column in enumerate(grid):
        probe = np.tile(origin, (len(column.asks), 1))
        probe[:, number] = column.asks
        probes.append(probe)
    for a, b in together:
        first, second = np.meshgrid(grid[a].asks, grid[b].asks, indexing="ij")
        probe = np.tile(origin, (first.size, 1))
        probe[:, a], probe[:, b] = first.ravel(), second.ravel()
        probes.append(probe)
    answers = booster.decision_function(np.concatenate(probes))
    tables = np.split(answers, np.cumsum([len(probe) for probe in probes])[:-1])
    baseline = float(tables[0][0])
    alone = [table - baseline for table in tables[1 : len(grid) + 1]]
    pairs = []
    for (a, b), table in zip(together, tables[len(grid) + 1 :], strict=True):
        both = table.reshape(len(alone[a]), len(alone[b])) - baseline
        both = both - alone[a][:, None] - alone[b][None, :]
        for side, column in enumerate((grid[a], grid[b])):
            if not column.sometimes_unknown:
                both = _average_last(both, column, side)
        pairs.append(Pair(_axis(grid[a].shape), _axis(grid[b].shape), both))
    shapes = []
    for column, table in zip(grid, alone, strict=True):
        if not column.sometimes_unknown:
            table = _average_last(table, column, 0)
        shape = column.shape
        shapes.append(
            Shape(
                shape.name,
                shape.kind,
                shape.cuts,
                table[:-1],
                float(table[-1]),
                shape.least,
                shape.most,
            )
        )
    return AdditiveModel(baseline, tuple(shapes), pairs=tuple(pairs))


def _average_last(table: Floats, column: _Column, side: int) -> Floats:
    """Never unknown in the past: not knowing says nothing, so it counts as the average."""
    share = np.array([(column.codes == ask).mean() for ask in column.asks[:-1]])
    table = np.moveaxis(table.copy(), side, 0)
    table[-1] = np.tensordot(share / share.sum(), table[:-1], axes=1)
    return np.moveaxis(table, 0, side)


def _axis(shape: Shape) -> Axis:
    return Axis(shape.name, shape.kind, shape.cuts)


def strongest_pairs(
    inputs: Sequence[Input],
    columns: Columns,
    truth: Floats,
    model: AdditiveModel,
    *,
    most: int,
    among: int = 14,
) -> list[tuple[str, str]]:
    """The pairs that explain most of what `model` leaves over on these rows, strongest first.

    Of the `among` inputs that move the model most (categories of many levels left out: their cells
    are too empty), each pair is given the step on a coarse grid
    that a boosting round would make (sum of residuals squared over the sum of p(1-p), per cell,
    with the rows and columns of the grid taken out): the idea of FAST (Lou, Caruana, Gehrke &
    Hooker 2013, "Accurate intelligible models with pairwise interactions"). The gain must exceed
    what chance gives so many cells by three standard deviations of that chance.
    """
    parts = model.contributions(columns)
    names = [shape.name for shape in model.shapes]
    wide = [s.kind == "category" and len(s.values) > FREE_LEVELS for s in model.shapes]
    moves = np.where(wide, 0.0, parts.std(axis=0))
    lead = [i for i in np.argsort(-moves, kind="stable")[:among] if moves[i] > 0]
    by_name = {one.name: one for one in inputs}
    coarse = {names[i]: empty_shape(by_name[names[i]], columns[names[i]], PAIR_BINS) for i in lead}
    codes = {name: shape.codes(columns[name]) for name, shape in coarse.items()}
    p = 1 / (1 + np.exp(-(model.baseline + parts.sum(axis=1))))
    left, curve = truth - p, p * (1 - p)
    gains = []
    ordered = [names[i] for i in lead]
    for place, a in enumerate(ordered):
        for b in ordered[place + 1 :]:
            gain, cells = _gain(codes[a], codes[b], left, curve)
            if gain > cells + 3 * np.sqrt(2 * cells):
                gains.append((gain - cells, a, b))
    gains.sort(reverse=True)
    return [(a, b) for _, a, b in gains[:most]]


def _gain(
    a: npt.NDArray[np.intp], b: npt.NDArray[np.intp], left: Floats, curve: Floats
) -> tuple[float, int]:
    """How much the cells explain beyond rows and columns (about chi-squared when nothing is
    there), and the degrees of freedom."""
    width = int(b.max()) + 1
    cell = a * width + b
    g = np.bincount(cell, weights=left, minlength=(int(a.max()) + 1) * width).reshape(-1, width)
    h = np.bincount(cell, weights=curve, minlength=g.size).reshape(-1, width)
    rows, across = np.zeros(len(g)), np.zeros(width)
    for _ in range(5):
        rest = g - h * (rows[:, None] + across[None, :])
        rows += rest.sum(axis=1) / (h.sum(axis=1) + 1e-9)
        rest = g - h * (rows[:, None] + across[None, :])
        across += rest.sum(axis=0) / (h.sum(axis=0) + 1e-9)
    rest = g - h * (rows[:, None] + across[None, :])
    full = h > 2.0  # cells with too little in them only add noise
    used = int(full.sum()) - int(full.any(axis=1).sum()) - int(full.any(axis=0).sum()) + 1
    return float((rest[full] ** 2 / h[full]).sum()), max(used, 1)
