"""A handful of rows is looked up in lists, many in arrays: the answers are the same."""

from __future__ import annotations

import numpy as np
import pytest

from risk.engine.additive import AdditiveModel, Axis, Pair, Shape
from risk.engine.lookup import FEW

NAN = float("nan")


def model(rng: np.random.Generator) -> AdditiveModel:
    cuts = np.sort(rng.normal(size=6))
    knots = np.sort(rng.normal(size=5))
    shapes = (
        Shape("steps", "number", cuts, rng.normal(size=7), 0.3, least=-1.0, most=1.0),
        Shape("line", "number", np.zeros(0), np.zeros(1), -0.2, knots=knots,
              heights=rng.normal(size=5), least=-2.0, most=2.0),
        Shape("both", "number", cuts[:2], rng.normal(size=3), 0.0, knots=knots,
              heights=rng.normal(size=5)),
        Shape("kind", "category", np.array([1.0, 4.0, 9.0]), rng.normal(size=3), 0.7),
        Shape("empty", "category", np.zeros(0), np.zeros(0), 0.1),
    )  # fmt: skip
    first, second = Axis("steps", "number", cuts[::2]), Axis("kind", "category", np.array([1.0, 9]))
    pair = Pair(first, second, rng.normal(size=(first.size, second.size)))
    return AdditiveModel(-1.0, shapes, pairs=(pair,))


@pytest.mark.parametrize("seed", range(5))
def test_few_rows_and_many_get_the_same_answers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one = model(rng)
    rows = 400
    columns = {shape.name: rng.normal(0, 2, rows) for shape in one.shapes}
    columns["kind"] = rng.choice([1.0, 4.0, 9.0, 5.0, NAN], rows)
    for shape in one.shapes[:3]:  # on the edges, beyond them, and not known
        edges = [*shape.cuts, *shape.knots, -1.5, 1.5, NAN, 99.0, -99.0]
        columns[shape.name][: len(edges)] = edges
    whole, unseen = one.contributions(columns), one.unseen(columns)
    assert len(unseen) == rows > FEW
    for start in range(0, rows, FEW):
        few = {name: x[start : start + FEW] for name, x in columns.items()}
        np.testing.assert_allclose(one.contributions(few), whole[start : start + FEW], atol=1e-12)
        assert one.unseen(few).tolist() == unseen[start : start + FEW].tolist()
