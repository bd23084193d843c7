"""Measurements agree with scikit-learn's, and intervals with what resampling gives."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from risk.engine import metrics


def answers(n: int = 2_000, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    person = rng.integers(0, n // 4, n)
    z = rng.normal(size=n) + rng.normal(size=n // 4)[person] - 1
    truth = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(float)
    p = np.round(1 / (1 + np.exp(-(z + rng.normal(size=n)))), 2)  # with ties
    return p, truth, person


@pytest.mark.parametrize(
    ("p", "truth", "auc"),
    [([0.1, 0.9], [0, 1], 1.0), ([0.9, 0.1], [0, 1], 0.0), ([0.5, 0.5, 0.5], [0, 1, 1], 0.5)],
)
def test_auc(p: list[float], truth: list[float], auc: float) -> None:
    assert metrics.auc(np.array(p), np.array(truth, dtype=float)) == auc


def test_ranking_agrees_with_scikit_learn() -> None:
    p, truth, _ = answers()
    assert metrics.auc(p, truth) == pytest.approx(roc_auc_score(truth, p), abs=1e-12)
    assert metrics.pr_auc(p, truth) == pytest.approx(average_precision_score(truth, p), abs=1e-12)


def test_the_interval_of_the_auc_is_that_of_resampling_people() -> None:
    p, truth, person = answers()
    low, high = metrics.auc_interval(p, truth, person)
    rng = np.random.default_rng(1)
    rows = [np.flatnonzero(person == one) for one in np.unique(person)]
    drawn = []
    for _ in range(200):
        some = np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        drawn.append(metrics.auc(p[some], truth[some]))
    assert high - low == pytest.approx(2 * 1.96 * np.std(drawn), rel=0.2)
    assert low < metrics.auc(p, truth) < high


def test_people_with_many_cases_count_once_in_a_standard_error() -> None:
    difference = np.repeat([0.1, -0.1, 0.3], 100)
    mean, noise = metrics.clustered(difference, np.repeat([1, 2, 3], 100))
    assert mean == pytest.approx(0.1)
    assert noise > 5 * metrics.clustered(difference, np.arange(300))[1]


def test_lift_says_how_much_more_often_the_top_came_true() -> None:
    p, truth = np.linspace(0, 1, 1_000), np.zeros(1_000)
    truth[-50:] = 1
    assert metrics.lift(p, truth, 0.1) == pytest.approx(10.0)
    assert metrics.lift(p, truth, 0.05) == pytest.approx(20.0)
    assert metrics.summary(p, truth)["lift_at"]["0.05"] == pytest.approx(20.0)


def test_one_kind_of_outcome_has_no_ranking() -> None:
    p = np.array([0.2, 0.4])
    assert metrics.auc(p, np.zeros(2)) == 0.5
    assert metrics.auc_interval(p, np.zeros(2), np.arange(2)) == (0.0, 1.0)
    assert metrics.pr_auc(p, np.zeros(2)) == 0.0
