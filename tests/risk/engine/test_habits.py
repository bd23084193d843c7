"""What one look at a visit log says about each guest, and only from before the look."""

from __future__ import annotations

import numpy as np
import pytest

from risk.engine.habits import TOTALS, habit_inputs

GUEST = np.array(["b", "a", "a", "a", "a", "b"])
DAY = np.array([10.0, 0.0, 10.0, 10.5, 30.0, 90.0])
SPEND = np.array([20.0, 5.0, 10.0, 30.0, 60.0, 999.0])


def test_a_guests_numbers_by_hand() -> None:
    names, columns = habit_inputs(GUEST, DAY, until=40, horizon=90, amounts={"spend": SPEND})
    assert names.tolist() == ["a", "b"]
    assert columns["visits"].tolist() == [3, 1]
    assert columns["days_since_first"].tolist() == [40, 30]
    assert columns["days_since_last"] == pytest.approx(np.log1p([10, 30]))
    fading = [0.5 ** (40 / 30) + 0.5 ** (30 / 30) + 0.5 ** (10 / 30), 0.5 ** (30 / 30)]
    assert columns["faded"] == pytest.approx(np.log(fading))
    assert columns["against_gap"] == pytest.approx(np.log1p([10 * 3 / (30 + 15), 30 / 15]))
    assert columns["against_last_gap"] == pytest.approx(np.log1p([10 / 27, 30 / 22]))
    assert columns["spend_mean"] == pytest.approx(np.log1p([(5 + 40 + 60) / 3, 20]))
    assert columns["spend_last"] == pytest.approx(np.log1p([60, 20]))
    assert np.isnan(columns["silence_bgnbd"]).all()  # one guest who came again makes no rhythm


def log(n: int = 400, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    visits = rng.integers(1, 9, n)
    guest = np.repeat(np.arange(n), visits)
    first = np.repeat(rng.uniform(0, 60, n), visits)
    return guest, first + rng.exponential(40, len(guest))


def test_later_visits_change_nothing() -> None:
    guest, day = log()
    _, whole = habit_inputs(guest, day, until=100, horizon=60, amounts={"spend": day})
    before = day < 101
    _, cut = habit_inputs(
        guest[before], day[before], until=100, horizon=60, amounts={"spend": day[before]}
    )
    for name, values in whole.items():
        assert np.array_equal(values, cut[name], equal_nan=True), name
        assert np.isfinite(values).all(), name
    assert set(TOTALS) < whole.keys()


def test_years_of_silence_stay_finite_and_in_order() -> None:
    guest, day = log()
    _, columns = habit_inputs(guest, day, until=9_000, horizon=30)
    assert np.isfinite(columns["faded_fast"]).all()
    order = np.argsort(columns["days_since_last"])
    few = (columns["visits"] == 1)[order]
    assert (np.diff(columns["faded_fast"][order][few]) <= 0).all()


def test_an_empty_log_has_no_guests() -> None:
    names, columns = habit_inputs(GUEST, DAY, until=-1, horizon=30, amounts={"spend": SPEND})
    assert len(names) == 0
    assert all(len(values) == 0 for values in columns.values())
