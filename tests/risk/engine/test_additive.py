"""The tables read out of the trees are the trees: same sum, exact parts, nothing lost on paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from risk.engine import training
from risk.engine.additive import AdditiveModel, Artefact, BadArtefact, Calibration, Shape, shifted
from risk.engine.declaration import Input

INPUTS = [
    Input(name="days_since_visit", cause="no_visits", direction=1),
    Input(name="visits_90", cause="usage_drop"),
    Input(name="plan", cause="plan", kind="category"),
    Input(name="failed_90", cause="payment"),
    Input(name="price", cause="price"),  # one value, sometimes not known
    Input(name="month", cause="season"),  # never varies
]
SIZE: dict[str, Any] = {"max_iter": 80, "max_leaf_nodes": 6, "learning_rate": 0.1}


def people(n: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    columns = {
        "days_since_visit": np.where(rng.random(n) < 0.1, np.nan, rng.exponential(40, n)),
        "visits_90": rng.poisson(4, n).astype(float),
        "plan": rng.choice([3.0, 7.0, 11.0, 99.0], n, p=[0.5, 0.3, 0.196, 0.004]),
        "failed_90": rng.poisson(0.2, n).astype(float),
        "price": np.where(rng.random(n) < 0.3, np.nan, 5.0),
        "month": np.full(n, 6.0),
    }
    z = -2 + 0.02 * np.nan_to_num(columns["days_since_visit"]) + (columns["plan"] == 7) * 0.8
    return columns, (rng.random(n) < 1 / (1 + np.exp(-z))).astype(float)


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> tuple[AdditiveModel, Any]:
    """The read-out model and the trees it came from."""
    boosters: list[HistGradientBoostingClassifier] = []

    class Remembered(HistGradientBoostingClassifier):
        def fit(self, x: Any, y: Any) -> Any:
            boosters.append(self)
            return super().fit(x, y)

    monkeypatch.setattr(training, "HistGradientBoostingClassifier", Remembered)
    columns, truth = people(3_000, seed=1)
    model = training.fit(INPUTS, columns, truth, size=SIZE)
    return model, boosters[0]


def test_the_sum_of_the_tables_is_the_decision_of_the_trees(
    fitted: tuple[AdditiveModel, Any],
) -> None:
    model, booster = fitted
    columns, _ = people(2_000, seed=2)
    codes = np.column_stack([training._coded(shape, columns[shape.name]) for shape in model.shapes])
    np.testing.assert_allclose(
        model.log_odds(columns), booster.decision_function(codes), rtol=0, atol=1e-9
    )


def test_contributions_are_against_the_average_case(fitted: tuple[AdditiveModel, Any]) -> None:
    model, _ = fitted
    columns, _ = people(3_000, seed=1)  # the training rows
    np.testing.assert_allclose(model.contributions(columns).mean(axis=0), 0, atol=1e-9)


def test_what_never_varies_is_left_out(fitted: tuple[AdditiveModel, Any]) -> None:
    model, _ = fitted
    assert "month" not in {shape.name for shape in model.shapes}


def test_a_direction_holds_over_the_whole_range(fitted: tuple[AdditiveModel, Any]) -> None:
    shape = fitted[0].shapes[0]
    assert shape.name == "days_since_visit"
    assert np.all(np.diff(shape.values) >= -1e-12)


def test_a_rare_or_new_category_counts_as_unknown(fitted: tuple[AdditiveModel, Any]) -> None:
    plan = next(shape for shape in fitted[0].shapes if shape.name == "plan")
    found = plan.contributions(np.array([3.0, 99.0, 12345.0, np.nan]))
    assert found[1] == found[2] == found[3] == plan.missing
    assert plan.unseen(np.array([3.0, 12345.0])).tolist() == [False, True]


def test_a_model_comes_back_from_paper_bit_for_bit(fitted: tuple[AdditiveModel, Any]) -> None:
    model, _ = fitted
    columns, _ = people(500, seed=3)
    text = Artefact("churn", "additive", {"any": model}).dump()
    again = Artefact.parse(text)
    assert again.dump() == text
    assert (again.main.log_odds(columns) == model.log_odds(columns)).all()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace('"baseline":', '"baseline":1e999,"was":', 1),
        lambda text: text.replace('"cuts":[', '"cuts":[1e9,', 1),
        lambda text: text[:-10],
        lambda text: text.replace('"level"', '"lever"', 1),
        lambda text: "[]",
    ],
)
def test_a_spoilt_artefact_is_refused(fitted: tuple[AdditiveModel, Any], spoil: Any) -> None:
    text = Artefact("churn", "additive", {"any": fitted[0]}).dump()
    with pytest.raises(BadArtefact):
        Artefact.parse(spoil(text))


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
