"""A calibration is accepted only where it helped later; intervals hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from risk.engine import calibration, metrics
from risk.engine.additive import Calibration, Floats
from risk.engine.backtest import Unseen, logistic


def answers(
    turn: object = None, *, n: int = 12_000, shift: Floats | None = None, seed: int = 1
) -> Unseen:
    """Said log-odds z, true ones turn(z) + the shift of the period; four periods."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-1.5, 1.2, n)
    origin = np.arange(n) * 4 // n
    true = (turn(z) if callable(turn) else z) + (0 if shift is None else shift[origin])
    truth = (rng.random(n) < logistic(true)).astype(float)
    return Unseen(np.arange(n), origin, truth, rng.integers(0, n, n), True, z={"m": z})


def test_what_is_right_already_stays() -> None:
    found, report = calibration.choose(answers(), "m")
    assert report["chosen"] == "none"
    assert found == Calibration()


def test_chances_too_bold_are_drawn_back() -> None:
    unseen = answers(lambda z: 0.5 * z - 0.3)
    found, report = calibration.choose(unseen, "m")
    assert report["chosen"] == "platt"
    assert found.slope == pytest.approx(0.5, abs=0.06)
    p = found.probability(unseen.z["m"])
    assert metrics.ece(p, unseen.truth) < metrics.ece(logistic(unseen.z["m"]), unseen.truth) / 3


def test_a_bent_truth_takes_a_curve() -> None:
    _, report = calibration.choose(answers(lambda z: np.where(z > -1.5, z, -1.5), n=30_000), "m")
    assert report["chosen"] in ("beta", "isotonic")


def test_a_level_that_moved_for_good_is_followed() -> None:
    unseen = answers(shift=np.array([0.0, 0.6, 0.6, 0.6]))
    found, report = calibration.choose(unseen, "m")
    assert report["chosen"] == "level"
    assert found.intercept == pytest.approx(0.6, abs=0.15)


def test_a_calibration_that_only_fits_the_past_is_refused() -> None:
    """Each period contradicts the one before: nothing learned from the past helps."""
    _, report = calibration.choose(answers(shift=np.array([0.4, -0.4, 0.4, -0.4])), "m")
    assert report["chosen"] == "none"


def test_few_outcomes_leave_the_chances_alone() -> None:
    _, report = calibration.choose(answers(lambda z: 0.9 * z, n=80), "m")
    assert report["chosen"] == "none"


def test_a_ranking_that_turns_round_is_not_believed() -> None:
    z = np.linspace(-2, 2, 200)
    found = calibration.platt(z, (z < 0).astype(float), np.zeros(200, dtype=np.int64))
    assert found.slope == 0.05


@pytest.mark.parametrize("make", [calibration.platt, calibration.beta, calibration.isotonic])
def test_a_higher_score_is_never_a_lower_chance(make: calibration.Make) -> None:
    unseen = answers(lambda z: 0.7 * z, n=3_000)
    found = make(unseen.z["m"], unseen.truth, unseen.origin)
    assert (np.diff(found.probability(np.linspace(-6, 4, 200))) >= 0).all()


@pytest.mark.parametrize("apart", [0.0, 0.2])
def test_intervals_hold_the_rate_of_a_period_to_come(apart: float) -> None:
    """Periods differ by `apart` in log-odds; a fifth one is as unknown as they were."""
    held = []
    for seed in range(12):
        rng = np.random.default_rng(100 + seed)
        unseen = answers(shift=rng.normal(0, apart, 4), n=4_000, seed=seed)
        curve = calibration.spread(unseen, unseen.z["m"], Calibration())
        new = answers(shift=rng.normal(0, apart, 4)[[0, 0, 0, 0]], n=4_000, seed=50 + seed)
        held.append(calibration.within(new.z["m"], new.truth, Calibration(), curve).mean())
    assert np.mean(held) >= 0.93
    assert apart > 0 or max(curve.half) < 0.8, "and are not merely wide"


def test_the_fewer_the_outcomes_the_wider_the_interval() -> None:
    few, many = (
        calibration.spread(unseen, unseen.z["m"], Calibration())
        for unseen in (answers(n=400), answers(n=20_000))
    )
    assert np.mean(few.half) > 1.3 * np.mean(many.half)
    assert calibration.coverage(answers(), "m")["share"] > 0.85
