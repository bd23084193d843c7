"""A model is exactly the sum of its parts, on the rows, on paper and after arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from risk.engine import trees
from risk.engine.additive import (
    AdditiveModel,
    Artefact,
    BadArtefact,
    Calibration,
    Shape,
    Spread,
    shifted,
)
from risk.engine.declaration import Input
from risk.engine.tables import centred, scaled, summed

INPUTS = [
    Input(name="days_since_visit", cause="no_visits", direction=1),
    Input(name="visits_90", cause="usage_drop"),
    Input(name="plan", cause="plan", kind="category"),
    Input(name="failed_90", cause="payment"),
    Input(name="price", cause="price"),  # one value, sometimes not known
    Input(name="month", cause="season"),  # never varies
    Input(name="street", cause="place", kind="category"),  # many levels
]
SIZE = trees.Size(trees=80, leaves=6, rate=0.1, leaf_rows=20)
PAIRS = [("days_since_visit", "plan"), ("visits_90", "failed_90"), ("days_since_visit", "price")]


def people(n: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    columns = {
        "days_since_visit": np.where(rng.random(n) < 0.1, np.nan, rng.exponential(40, n)),
        "visits_90": rng.poisson(4, n).astype(float),
        "plan": rng.choice([3.0, 7.0, 11.0, 99.0], n, p=[0.5, 0.3, 0.196, 0.004]),
        "failed_90": rng.poisson(0.2, n).astype(float),
        "price": np.where(rng.random(n) < 0.3, np.nan, 5.0),
        "month": np.full(n, 6.0),
        "street": rng.integers(0, 40, n).astype(float),
    }
    days = np.nan_to_num(columns["days_since_visit"])
    z = -2 + 0.02 * days * np.where(columns["plan"] == 7, 2, 0.5) + (columns["street"] % 3) * 0.3
    return columns, (rng.random(n) < 1 / (1 + np.exp(-z))).astype(float)


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> tuple[AdditiveModel, Any]:
    """The read-out model and the trees it came from."""
    boosters: list[HistGradientBoostingClassifier] = []

    class Remembered(HistGradientBoostingClassifier):
        def fit(self, x: Any, y: Any, sample_weight: Any = None) -> Any:
            self.seen = x
            boosters.append(self)
            return super().fit(x, y, sample_weight)

    monkeypatch.setattr(trees, "HistGradientBoostingClassifier", Remembered)
    columns, truth = people(3_000, seed=1)
    model = trees.fit_trees(INPUTS, columns, truth, size=SIZE, pairs=PAIRS)
    return model, boosters[0]


def test_the_sum_of_the_tables_is_the_decision_of_the_trees(
    monkeypatch: pytest.MonkeyPatch, fitted: tuple[AdditiveModel, Any]
) -> None:
    """Asked with the codes that stand for each place of the tables."""
    model, booster = fitted
    columns, truth = people(3_000, seed=1)
    inputs = [one for one in INPUTS if trees.varies(columns[one.name])]
    grid = [trees._column(one, columns[one.name], truth, None) for one in inputs]
    grid.sort(key=lambda column: not column.free)
    fresh, _ = people(2_000, seed=2)
    codes = np.column_stack([c.asks[c.shape.codes(fresh[c.shape.name])] for c in grid])
    np.testing.assert_allclose(
        model.log_odds(fresh)[~_never_unknown(grid, fresh)],
        booster.decision_function(codes)[~_never_unknown(grid, fresh)],
        rtol=0,
        atol=1e-9,
    )


def _never_unknown(grid: list[Any], columns: dict[str, np.ndarray]) -> np.ndarray:
    """Rows with something unknown that no training row lacked: they count as the average instead
    of what the trees happen to say."""
    return np.any(
        [
            (c.shape.codes(columns[c.shape.name]) == len(c.shape.values))
            & (not c.sometimes_unknown)
            for c in grid
        ],
        axis=0,
    )


def test_parts_sum_to_the_log_odds_and_half_of_a_pair_goes_to_each_input(
    fitted: tuple[AdditiveModel, Any],
) -> None:
    model, _ = fitted
    columns, _ = people(2_000, seed=2)
    parts = model.contributions(columns)
    assert parts.shape == (2_000, len(model.shapes))
    np.testing.assert_allclose(model.baseline + parts.sum(axis=1), model.log_odds(columns))
    place = [shape.name for shape in model.shapes].index("plan")
    alone = model.shapes[place].contributions(columns["plan"])
    together = sum(pair.contributions(columns) for pair in model.pairs if "plan" in pair.names)
    assert np.abs(together).max() > 0.1, "the planted pair was found"
    np.testing.assert_allclose(parts[:, place], alone + together / 2, atol=1e-12)


def test_a_pair_says_nothing_that_one_of_its_inputs_says_alone(
    fitted: tuple[AdditiveModel, Any],
) -> None:
    model, _ = fitted
    columns, _ = people(3_000, seed=1)  # the training rows
    for pair in model.pairs:
        parts = pair.contributions(columns)
        for axis in (pair.first, pair.second):
            codes = axis.codes(columns[axis.name])
            for one in np.unique(codes):
                assert abs(parts[codes == one].mean()) < 1e-9


def test_contributions_are_against_the_average_case(fitted: tuple[AdditiveModel, Any]) -> None:
    model, _ = fitted
    columns, _ = people(3_000, seed=1)  # the training rows
    np.testing.assert_allclose(model.contributions(columns).mean(axis=0), 0, atol=1e-9)


def test_what_never_varies_is_left_out(fitted: tuple[AdditiveModel, Any]) -> None:
    model, _ = fitted
    assert "month" not in {shape.name for shape in model.shapes}


def test_a_direction_holds_over_the_whole_range(fitted: tuple[AdditiveModel, Any]) -> None:
    model = trees.fit_trees(INPUTS, *people(3_000, seed=1), size=SIZE)
    (shape,) = (shape for shape in model.shapes if shape.name == "days_since_visit")
    assert np.all(np.diff(shape.values) >= -1e-12)
    both, _ = fitted  # and with pairs, whatever the other input says
    columns, _ = people(200, seed=1)
    for days in np.linspace(0, 150, 30):
        lower = both.log_odds(columns | {"days_since_visit": np.full(200, days)})
        higher = both.log_odds(columns | {"days_since_visit": np.full(200, days + 5)})
        assert (higher >= lower - 1e-9).all()


def test_a_rare_or_new_category_counts_as_unknown(fitted: tuple[AdditiveModel, Any]) -> None:
    plan = next(shape for shape in fitted[0].shapes if shape.name == "plan")
    found = plan.contributions(np.array([3.0, 99.0, 12345.0, np.nan]))
    assert found[1] == found[2] == found[3] == plan.missing
    assert plan.unseen(np.array([3.0, 12345.0])).tolist() == [False, True]


def test_many_levels_without_meaning_move_nobody() -> None:
    rng = np.random.default_rng(4)
    columns = {"street": rng.integers(0, 150, 4_000).astype(float)}
    truth = (rng.random(4_000) < 0.2).astype(float)
    street = [Input(name="street", cause="place", kind="category")]
    model = trees.fit_trees(street, columns, truth, size=SIZE)
    assert np.std(model.log_odds(columns)) < 0.15


def test_a_model_comes_back_from_paper_bit_for_bit(fitted: tuple[AdditiveModel, Any]) -> None:
    model, _ = fitted
    columns, _ = people(500, seed=3)
    model = replace(
        model,
        calibration=Calibration("beta", slope=1.2, against=0.9, intercept=-0.1),
        spread=Spread((-3.0, 0.0), (0.4, 0.2)),
        shapes=(*model.shapes, LINE),
    )
    columns["rhythm"] = np.linspace(-5, 5, 500)
    text = Artefact("churn", "additive", {"any": model}).dump()
    again = Artefact.parse(text)
    assert again.dump() == text
    assert (again.main.log_odds(columns) == model.log_odds(columns)).all()
    assert (again.main.probability(columns) == model.probability(columns)).all()
    assert again.main.spread == model.spread


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace('"baseline":', '"baseline":1e999,"was":', 1),
        lambda text: text.replace('"cuts":[', '"cuts":[1e9,', 1),
        lambda text: text[:-10],
        lambda text: text.replace('"level"', '"lever"', 1),
        lambda text: text.replace('"format":2', '"format":1', 1),
        lambda text: text.replace('"pairs":[', '"pairs":[{"axes":[],"table":[]},', 1),
        lambda text: text.replace('"table":[[', '"table":[[0.5,', 1),
        lambda text: text.replace('"knots":[]', '"knots":[1.0]', 1),
        lambda text: text.replace('"kind":"number"', '"kind":"numbers"', 1),
        lambda text: text.replace('"kind":"platt"', '"kind":"oracle"', 1),
        lambda text: text.replace('"name":"visits_90"', '"name":"plan"'),
        lambda text: "[]",
    ],
)
def test_a_spoilt_artefact_is_refused(fitted: tuple[AdditiveModel, Any], spoil: Any) -> None:
    text = Artefact("churn", "additive", {"any": fitted[0]}).dump()
    with pytest.raises(BadArtefact):
        Artefact.parse(spoil(text))


LINE = Shape(
    "rhythm", "number", np.zeros(0), np.zeros(1), 0.3,
    knots=np.array([-1.0, 0.0, 2.0]), heights=np.array([-0.5, 0.0, 1.0]),
)  # fmt: skip


def test_a_line_is_straight_between_its_knots_and_flat_beyond() -> None:
    x = np.array([-9.0, -0.5, 1.0, 5.0, np.nan])
    assert LINE.contributions(x).tolist() == [-0.5, -0.25, 0.5, 1.0, 0.3]


def test_a_sum_of_models_is_their_sum_everywhere(fitted: tuple[AdditiveModel, Any]) -> None:
    model, _ = fitted
    columns, truth = people(2_000, seed=2)
    other = trees.fit_trees(INPUTS[1:], columns, truth, size=SIZE, pairs=[("plan", "visits_90")])
    bent = AdditiveModel(0.2, (replace(LINE, name="visits_90"),))
    both = summed([(0.6, model), (0.4, other), (1.0, bent)], intercept=0.1)
    fresh, _ = people(2_000, seed=8)
    expected = 0.1 + 0.6 * model.log_odds(fresh) + 0.4 * other.log_odds(fresh)
    expected = expected + bent.log_odds(fresh)
    np.testing.assert_allclose(both.log_odds(fresh), expected, atol=1e-9)
    names = [shape.name for shape in both.shapes]
    assert len(names) == len(set(names)), "one shape per input"
    turned = scaled(both, 1.5, -0.3)
    np.testing.assert_allclose(turned.log_odds(fresh), 1.5 * expected - 0.3, atol=1e-9)
    middle = centred(turned, fresh)
    np.testing.assert_allclose(middle.log_odds(fresh), turned.log_odds(fresh), atol=1e-9)
    np.testing.assert_allclose(middle.contributions(fresh).mean(axis=0), 0, atol=1e-9)


def test_causes_divide_the_chance_among_them() -> None:
    plain = AdditiveModel(-1.0, ())
    heads = {"any": plain, "voluntary": plain, "involuntary": AdditiveModel(-3.0, ())}
    p = np.array([0.3, 0.01])
    parts = Artefact("churn", "additive", heads).parts({"x": np.zeros(2)}, p)
    np.testing.assert_allclose(parts["voluntary"] + parts["involuntary"], p, atol=1e-15)
    assert (parts["voluntary"] > 4 * parts["involuntary"]).all()
    assert Artefact("churn", "additive", {"any": plain}).parts({"x": np.zeros(2)}, p) == {}


def test_an_interval_grows_with_what_was_never_seen() -> None:
    model = AdditiveModel(0.0, (), spread=Spread((-2.0, 2.0), (0.4, 0.2)))
    z = np.array([-2.0, 0.0, 4.0])
    found = model.interval(z)
    assert found is not None
    low, high = found
    p = model.chance(z)
    assert (low < p).all()
    assert (p < high).all()
    np.testing.assert_allclose(np.log(high / (1 - high)) - z, [0.4, 0.3, 0.2], atol=1e-2)
    wide = model.interval(z, np.array([2, 2, 2]))
    assert wide is not None
    assert (wide[0] < low).all()
    assert (wide[1] > high).all()
    assert AdditiveModel(0.0, ()).interval(z) is None


def test_a_step_holds_up_to_and_including_its_cut() -> None:
    shape = Shape("x", "number", np.array([10.0, 20.0]), np.array([1.0, 2.0, 3.0]), 9.0)
    assert shape.contributions(np.array([-5, 10, 10.1, 20, 21, np.nan])).tolist() == [
        1, 1, 2, 2, 3, 9,
    ]  # fmt: skip


def test_nobody_is_certain() -> None:
    z = np.array([-100.0, 0.0, 100.0])
    assert Calibration().probability(z).tolist() == [0.001, 0.5, 0.999]
    isotonic = Calibration("isotonic", z=(-1.0, 1.0), p=(0.1, 0.6))
    np.testing.assert_allclose(isotonic.probability(np.array([-9.0, 0.0, 9.0])), [0.1, 0.35, 0.6])


def test_the_level_moves_odds() -> None:
    np.testing.assert_allclose(shifted(np.array([0.2]), float(np.log(2))), [1 / 3])
