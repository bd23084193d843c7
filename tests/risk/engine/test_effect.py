"""What a contact changed on average, with an interval that keeps its promise."""

from __future__ import annotations

import numpy as np
import pytest

from risk.engine.effect import effect, needed_per_arm, newcombe, smallest_detectable


def arms(came: int, n: int, came_without: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    treated = np.repeat([1.0, 0.0], [n, m])
    outcome = np.concatenate([np.arange(n) < came, np.arange(m) < came_without]).astype(float)
    return treated, outcome


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        # Newcombe 1998, table II, method 10, examples (a), (d), (e), (g)
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_the_interval_is_newcombes(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    found = effect(*arms(*one, *other))
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.high == pytest.approx(high, abs=1e-4)
    assert found.difference == pytest.approx(one[0] / one[1] - other[0] / other[1])
    assert (found.n_treated, found.n_held_out) == (one[1], other[1])


def test_in_95_of_100_experiments_the_truth_lies_inside() -> None:
    rng, inside = np.random.default_rng(2), 0
    for _ in range(2_000):
        p, q = rng.binomial(300, 0.20) / 300, rng.binomial(60, 0.28) / 60
        low, high = newcombe(p, 300, q, 60)
        inside += low <= -0.08 <= high
    assert 0.935 <= inside / 2_000 <= 0.97


def test_amounts_are_compared_by_welch() -> None:
    rng = np.random.default_rng(3)
    treated = np.repeat([1.0, 0.0], [400, 50])
    found = effect(treated, rng.gamma(2, 30, 450) + 15 * treated)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 15 < found.high
    assert found.smallest_detectable == pytest.approx((found.high - found.low) / 2 * 1.42, rel=0.05)


@pytest.mark.parametrize(
    ("base", "difference", "people"),
    [
        (0.20, -0.10, 197),
        (0.20, -0.05, 903),
        (0.20, -0.03, 2_627),
        (0.10, -0.03, 1_354),
        (0.292, -0.064, 734),
    ],
)
def test_people_needed_are_those_of_the_textbook(
    base: float, difference: float, people: int
) -> None:
    assert abs(needed_per_arm(base, difference) - people) <= 1


def test_the_smallest_detectable_difference_is_found_in_80_of_100_experiments() -> None:
    n, m, base = 2_000, 500, 0.3
    least, rng = smallest_detectable(base, n, m), np.random.default_rng(4)
    clear = sum(
        newcombe(rng.binomial(n, base + least) / n, n, rng.binomial(m, base) / m, m)[0] > 0
        for _ in range(1_000)
    )
    assert 0.76 <= clear / 1_000 <= 0.84


def test_an_arm_without_people_says_so_and_nothing_else() -> None:
    found = effect(np.ones(10), np.zeros(10))
    assert (found.n_treated, found.n_held_out) == (10, 0)
    assert found.difference is None
    assert not found.is_clear


@pytest.mark.parametrize(
    ("treated", "outcome", "why"),
    [
        ([1.0, 2.0], [0.0, 1.0], "must be 1"),
        ([1.0, 0.0], [0.0], "2 people were drawn, 1 outcomes"),
        ([1.0, 0.0], [0.0, np.nan], "outcome of row 1 is missing"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    treated: list[float], outcome: list[float], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        effect(np.array(treated), np.array(outcome))


def test_no_difference_needs_no_number_of_people() -> None:
    with pytest.raises(ValueError, match="difference of nothing"):
        needed_per_arm(0.2, 0.0)
