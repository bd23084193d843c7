"""The kinds of model that compete, from small to large. Each ends as an additive model.

None is tuned to anything: the backtest (risk/engine/backtest.py) says which one a history can
carry. A family fits on the cases it is given and knows nothing of any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from risk.engine.additive import AdditiveModel, Floats
from risk.engine.cases import Cases
from risk.engine.declaration import Declaration, Input
from risk.engine.scorecard import levelled_scorecard
from risk.engine.splines import RAMPS, fit_splines
from risk.engine.tables import centred, without
from risk.engine.trees import Size, constant, fit_trees, strongest_pairs

SMALL = Size(trees=60, leaves=3, rate=0.08, leaf_rows=60)
MEDIUM = Size(trees=120, leaves=4, rate=0.08, leaf_rows=40)
LARGE = Size(trees=240, leaves=8, rate=0.06, leaf_rows=40)
LARGEST = Size(trees=400, leaves=8, rate=0.06, leaf_rows=40)
PAIRS = 20

Fit = Callable[[Sequence[Input], Cases, str], AdditiveModel]


@dataclass(frozen=True)
class Family:
    """`title` is for staff; `rows` is the number of cases below which it is not tried; `tree` says
    whether boosted trees make it."""

    name: str
    title: str
    fit: Fit
    rows: int = 0
    tree: bool = False


def families(declaration: Declaration) -> list[Family]:
    """From the smallest to the largest."""
    found = [Family("rate", "the usual rate for everybody", _rate)]
    if any(one.points for one in declaration.learned):
        found += [
            Family("scorecard", "the scorecard", _scorecard(declaration)),
            Family("logistic", "a straight line per input", _lines(1)),
            Family("experience", "the scorecard and what the cases add", _experience(declaration)),
        ]
    else:
        found.append(Family("logistic", "a straight line per input", _lines(1)))
    return [
        *found,
        Family("splines", "a bent line per input", _lines(RAMPS)),
        Family("trees_small", "small trees, one input each", _trees(SMALL), 200, True),
        Family("trees", "trees, one input each", _trees(MEDIUM), 500, True),
        Family("trees_large", "larger trees, one input each", _trees(LARGE), 2_000, True),
        Family("trees_largest", "many larger trees, one input each", _trees(LARGEST), 5_000, True),
    ]


def with_pairs(of: Family) -> Family:
    """The same trees, and pairs of inputs that act together."""
    size = SIZES[of.name]
    return Family(
        f"{of.name}_pairs", f"{of.title}, and pairs of inputs", _trees(size, PAIRS), 2_000, True
    )


SIZES = {"trees_small": SMALL, "trees": MEDIUM, "trees_large": LARGE, "trees_largest": LARGEST}


def _rate(inputs: Sequence[Input], cases: Cases, head: str) -> AdditiveModel:
    return constant(cases.outcomes[head])


def _scorecard(declaration: Declaration) -> Fit:
    def fit(inputs: Sequence[Input], cases: Cases, head: str) -> AdditiveModel:
        return centred(_card(declaration, cases, head), cases.columns)

    return fit


def _card(declaration: Declaration, cases: Cases, head: str) -> AdditiveModel:
    """Its points for what can be learned; the others are added to any model at the end."""
    rules = frozenset(one.name for one in declaration.rules)
    return without(levelled_scorecard(declaration, cases, head).main, rules)


def _experience(declaration: Declaration) -> Fit:
    """The scorecard at the level of these cases, and splines that say where it is wrong here: drawn
    to nothing where the cases do not show it."""

    def fit(inputs: Sequence[Input], cases: Cases, head: str) -> AdditiveModel:
        card = _card(declaration, cases, head)
        found = fit_splines(inputs, cases.columns, cases.outcomes[head], beside=card)
        return centred(found, cases.columns)

    return fit


def _lines(ramps: int) -> Fit:
    def fit(inputs: Sequence[Input], cases: Cases, head: str) -> AdditiveModel:
        return fit_splines(inputs, cases.columns, cases.outcomes[head], ramps=ramps)

    return fit


def _trees(size: Size, pairs: int = 0) -> Fit:
    def fit(inputs: Sequence[Input], cases: Cases, head: str) -> AdditiveModel:
        truth = cases.outcomes[head]
        return fit_trees(
            inputs,
            cases.columns,
            truth,
            size=size,
            guest=cases.guest,
            pairs=_pairs(inputs, cases, truth, pairs),
        )

    return fit


def _pairs(
    inputs: Sequence[Input], cases: Cases, truth: Floats, most: int
) -> list[tuple[str, str]]:
    if not most:
        return []
    alone = fit_trees(inputs, cases.columns, truth, size=MEDIUM, guest=cases.guest)
    return strongest_pairs(inputs, cases.columns, truth, alone, most=most)
