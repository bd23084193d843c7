"""The documented points that serve while outcomes are too few to learn from.

The scorecard is written in the form of a trained model (risk/engine/additive.py), so that scores,
bands and reasons need no second path. Its level follows the business: the base chance is drawn from
the usual one towards the business's own rate as outcomes come in.
"""

from __future__ import annotations

import numpy as np

from risk.engine.additive import AdditiveModel, Artefact, Calibration, Shape
from risk.engine.cases import Cases
from risk.engine.declaration import Declaration, Input

KIND = "scorecard"
# Outcomes of the usual rate mixed into the business's own rate.
BASE_PRETENDED = 200.0


def shape_of(one: Input) -> Shape:
    """The points of one input as a shape."""
    number = one.kind == "number"
    cuts = [upto for upto, _ in one.points]
    return Shape(
        name=one.name,
        kind=one.kind,
        cuts=np.array(cuts[:-1] if number else cuts, dtype=np.float64),
        values=np.array([points for _, points in one.points], dtype=np.float64),
        missing=one.points_missing,
    )


def scorecard(
    declaration: Declaration, *, rows: float = 0, outcomes: float = 0, rest: float = 0.0
) -> Artefact:
    """The scorecard of a target. With `rows` past cases of which `outcomes` came true, and `rest`
    the mean points of those cases, the level is fitted to the business."""
    usual = declaration.base
    if rows:
        # Without the points the average case would sit at `usual` shifted by `rest`.
        usual = _chance(_odds(usual) + rest)
    rate = (outcomes + BASE_PRETENDED * usual) / (rows + BASE_PRETENDED)
    model = AdditiveModel(
        baseline=_odds(rate) - (rest if rows else 0.0),
        shapes=tuple(shape_of(one) for one in declaration.inputs if one.points),
        calibration=Calibration(),
    )
    return Artefact(target=str(declaration.target), kind=KIND, heads={"any": model})


def levelled_scorecard(declaration: Declaration, cases: Cases, head: str = "any") -> Artefact:
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
        declaration, rows=len(cases), outcomes=float(cases.outcomes[head].sum()), rest=rest
    )


def _odds(p: float) -> float:
    return float(np.log(p / (1 - p)))


def _chance(z: float) -> float:
    return float(1 / (1 + np.exp(-z)))
