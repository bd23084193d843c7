"""The Qini measure is the one its definition says."""

from __future__ import annotations

import numpy as np
import pytest

from risk.engine import qini
from risk.engine.qini import Ranked

# Six people, best first: treated came, held stayed away, treated came, held came, treated stayed
# away, held came.
SCORE = np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
TREATED = np.array([1.0, 0.0, 1.0, 0.0, 1.0, 0.0])
CAME = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])


def test_the_curve_by_hand() -> None:
    share, gained = qini.curve(Ranked.by(SCORE), TREATED, CAME)
    assert share == pytest.approx(np.arange(7) / 6)
    # Y_T - Y_C N_T / N_C: 1, 1, 2, 2 - 1, 2 - 3/2, 2 - 2; in percent of three treated.
    assert gained == pytest.approx(np.array([0, 1, 1, 2, 1, 0.5, 0]) * 100 / 3)
    area = 100 / 3 * (0.5 + 1 + 1.5 + 1.5 + 0.75 + 0.25) / 6
    assert qini.points(Ranked.by(SCORE), TREATED, CAME) == pytest.approx(area)  # line at 0


def test_the_perfect_order_is_the_best_there_is() -> None:
    rng = np.random.default_rng(1)
    treated = (rng.random(300) < 0.5).astype(float)
    came = (rng.random(300) < 0.3).astype(float)
    best = qini.perfect(treated, came)
    others = [qini.points(Ranked.by(rng.random(300)), treated, came) for _ in range(200)]
    assert best > max(others)
    score = rng.random(300)
    assert qini.measure(score, treated, came)["qini_normalised"] == pytest.approx(
        qini.points(Ranked.by(score), treated, came) / best, abs=1e-5
    )


def test_an_order_of_equals_is_worth_nothing() -> None:
    assert qini.points(Ranked.by(np.ones(6)), TREATED, CAME) == pytest.approx(0.0)


def test_uplift_among_the_first() -> None:
    ranked = Ranked.by(SCORE)
    assert qini.top_uplift(ranked, TREATED, CAME, 0.34) == pytest.approx(1.0)
    assert qini.top_uplift(ranked, TREATED, CAME, 1.0) == pytest.approx(2 / 3 - 2 / 3)
    assert np.isnan(qini.top_uplift(ranked, TREATED, CAME, 0.1))


def experiment(n: int = 20_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(6)
    score = rng.random(n)
    treated = (rng.random(n) < 0.5).astype(float)
    return score, treated, (rng.random(n) < 0.1 + 0.1 * score * treated).astype(float)


def test_a_hundred_steps_are_enough_for_what_is_resampled() -> None:
    score, treated, came = experiment()
    ranked = Ranked.by(score)
    stepped = qini.redrawn(ranked, (treated == 1)[None, :], came)
    exact = qini.points(ranked, treated, came)
    assert stepped.points()[0] == pytest.approx(exact, abs=0.01)
    assert stepped.top_uplift(0.3)[0] == pytest.approx(
        qini.top_uplift(ranked, treated, came, 0.3), abs=1e-9
    )


def test_the_interval_holds_the_truth_and_is_as_wide_as_chance_makes_it() -> None:
    score, treated, came = experiment()
    found = qini.measure(score, treated, came)
    # On average 10 points of uplift at the top and none at the bottom: 8.5 in the first 30 %.
    assert found["uplift_top_30"]["low"] < 0.085 < found["uplift_top_30"]["high"]
    width = found["uplift_top_30"]["high"] - found["uplift_top_30"]["low"]
    assert width == pytest.approx(2 * 1.96 * 2 * np.sqrt(0.14 * 0.86 / 6_000), rel=0.15)
    # The curve bends by 100 * (x/10 - x^2/20) - 5 x: an area of 100/120.
    assert found["qini"]["low"] < 100 / 120 < found["qini"]["high"]


def test_people_with_many_rows_widen_the_interval() -> None:
    score, treated, came = experiment(4_000)
    ten_times = [np.repeat(part, 10) for part in (score, treated, came)]
    person = np.repeat(np.arange(4_000), 10)
    wide = qini.measure(*ten_times, person=person)["qini"]
    narrow = qini.measure(*ten_times)["qini"]
    assert wide["high"] - wide["low"] > 2.5 * (narrow["high"] - narrow["low"])
