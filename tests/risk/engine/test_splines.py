"""Lines learn as much as the cases tell: much from many, little from few, nothing from noise."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from risk.engine import metrics
from risk.engine.additive import AdditiveModel, Shape
from risk.engine.declaration import Input
from risk.engine.splines import fit_splines


def drawn(z: np.ndarray, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(z)) < 1 / (1 + np.exp(-z))).astype(float)


def test_a_straight_truth_gives_the_line_of_logistic_regression() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(-2, 2, (20_000, 2))
    truth = drawn(x @ np.array([1.0, -0.5]) - 1, 2)
    inputs = [Input(name=name, cause="c") for name in "ab"]
    columns = {"a": x[:, 0], "b": x[:, 1]}
    ours = fit_splines(inputs, columns, truth, ramps=1)
    theirs = LogisticRegression(C=1e6).fit(x, truth).decision_function(x)
    inner = (np.abs(x) < 1.9).all(axis=1)  # ours are flat over the outermost hundredths
    assert np.abs(ours.log_odds(columns) - theirs)[inner].max() < 0.1


def test_a_bent_truth_is_followed_and_noise_is_not() -> None:
    rng = np.random.default_rng(1)
    columns = {"bent": rng.uniform(-3, 3, 8_000), "noise": rng.normal(size=8_000)}
    truth = drawn(np.abs(columns["bent"]) - 2, 2)
    inputs = [Input(name=name, cause="c") for name in columns]
    model = fit_splines(inputs, columns, truth)
    bent, noise = (shape.contributions(columns[shape.name]) for shape in model.shapes)
    assert np.corrcoef(bent, np.abs(columns["bent"]))[0, 1] > 0.97
    assert noise.std() < 0.08 * bent.std()
    np.testing.assert_allclose(model.contributions(columns).mean(axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_direction_is_never_broken(direction: int) -> None:
    rng = np.random.default_rng(3)
    columns = {"x": rng.normal(size=600)}
    truth = drawn(-direction * columns["x"], 4)  # the data say the opposite
    inputs = [Input(name="x", cause="c", direction=direction)]
    (shape,) = fit_splines(inputs, columns, truth).shapes
    assert (direction * np.diff(shape.heights) >= -1e-9).all()


def test_a_place_with_few_cases_is_drawn_to_the_level_of_all() -> None:
    """Places truly differ by 0.5 in log-odds; what is made of a place grows with its cases."""
    rng = np.random.default_rng(5)
    level = rng.normal(0, 0.5, 60)
    size = np.where(np.arange(60) < 30, 30, 1_500)
    place = np.repeat(np.arange(60), size)
    truth = drawn(level[place] - 1, 6)
    inputs = [Input(name="place", cause="c", kind="category")]
    (shape,) = fit_splines(inputs, {"place": place.astype(float)}, truth).shapes
    found = dict(zip(shape.cuts.astype(int).tolist(), shape.values.tolist(), strict=True))
    small = np.array([found.get(one, 0.0) for one in range(30)])
    large = np.array([found[one] for one in range(30, 60)])
    rates = np.array([truth[place == one].mean() for one in range(30)])
    raw = np.log((rates + 0.02) / (1.02 - rates)) + 1
    assert small.std() < 0.75 * raw.std(), "drawn in"
    assert np.abs(large - level[30:] + level.mean()).mean() < 0.2, "told apart"
    error = ((small - small.mean() - (level[:30] - level[:30].mean())) ** 2).mean()
    plain = ((raw - raw.mean() - (level[:30] - level[:30].mean())) ** 2).mean()
    assert error < plain, "and nearer to the truth for it"


def test_not_knowing_may_say_something_of_its_own() -> None:
    rng = np.random.default_rng(7)
    x = np.where(rng.random(6_000) < 0.3, np.nan, rng.normal(size=6_000))
    truth = drawn(np.where(np.isnan(x), 1.0, -1.0), 8)
    (shape,) = fit_splines([Input(name="x", cause="c")], {"x": x}, truth).shapes
    assert shape.missing == pytest.approx(1.4, abs=0.25)  # 2 in all, against an average of 0.6


def test_beside_a_scorecard_few_cases_change_little_and_many_correct_it() -> None:
    steps = np.array([-1.0, 1.0])
    card = AdditiveModel(-1.0, (Shape("x", "number", np.array([0.0]), steps, 0.0),))
    inputs = [Input(name="x", cause="c"), Input(name="w", cause="c")]
    gap = {}
    for n in (60, 6_000):
        rng = np.random.default_rng(9)
        columns = {"x": rng.normal(size=n), "w": rng.normal(size=n)}
        truth = drawn(card.log_odds(columns) + 1.5 * (columns["w"] > 0), 10)
        both = fit_splines(inputs, columns, truth, beside=card)
        new = {"x": rng.normal(size=4_000), "w": rng.normal(size=4_000)}
        later = drawn(card.log_odds(new) + 1.5 * (new["w"] > 0), 11)
        ours, cards = (
            metrics.log_losses(model.probability(new), later).mean() for model in (both, card)
        )
        gap[n] = ours - cards
    assert gap[60] < 0.02, "hardly worse than the card"
    assert gap[6_000] < -0.1, "and better once cases are many"


def test_a_column_with_one_value_adds_nothing() -> None:
    columns = {"x": np.linspace(0, 1, 100), "same": np.full(100, 3.0)}
    truth = (columns["x"] > 0.5).astype(float)
    inputs = [Input(name=name, cause="c") for name in columns]
    assert [s.name for s in fit_splines(inputs, columns, truth).shapes] == ["x"]
