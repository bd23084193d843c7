"""The interval that may be looked at every day keeps its promise; the ordinary one does not."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from risk.engine import anytime
from risk.engine.anytime import Arm, difference, more_people, widening

Floats = npt.NDArray[np.float64]
PEOPLE, RUNS = 4_000, 400  # a year of one play, looked at after every single outcome
ONE_LOOK = 1.96


def newcombe(
    p: Floats, n: Floats, q: Floats, m: Floats, z: Floats | float
) -> tuple[Floats, Floats]:
    """The engine's interval, for many looks at once."""

    def wilson(share: Floats, people: Floats) -> tuple[Floats, Floats]:
        middle = share + z * z / (2 * people)
        reach = z * np.sqrt(share * (1 - share) / people + z * z / (4 * people * people))
        scale = 1 + z * z / people
        return (middle - reach) / scale, (middle + reach) / scale

    (p_low, p_high), (q_low, q_high) = wilson(p, n), wilson(q, m)
    return p - q - np.hypot(p - p_low, q_high - q), p - q + np.hypot(p_high - p, q - q_low)


def looks(
    draw: str, *, held_out: float, rate: float, effect: float, seed: int
) -> tuple[float, float, float]:
    """Shares of runs in which the truth was outside at any look: ours, the ordinary interval; and
    the mean half-width at the end."""
    rng = np.random.default_rng(seed)
    t = np.arange(1, PEOPLE + 1)
    ours_z = np.array([widening(int(people)) for people in t])
    least = anytime.LEAST_FOR_SHARES if draw == "share" else anytime.LEAST_FOR_AMOUNTS
    ours = ordinary = width = 0.0
    for _ in range(RUNS):
        held = rng.random(PEOPLE) < held_out
        if draw == "share":
            y = (rng.random(PEOPLE) < np.where(held, rate, rate + effect)).astype(float)
        else:
            y = np.exp(rng.normal(4, 1, PEOPLE)) * (rng.random(PEOPLE) < rate)
        m = np.cumsum(held).astype(float)
        n = t - m
        with np.errstate(all="ignore"):
            held_mean, mean = np.cumsum(y * held) / m, np.cumsum(y * ~held) / n
            if draw == "share":
                low, high = newcombe(mean, n, held_mean, m, ours_z)
                one_low, one_high = newcombe(mean, n, held_mean, m, ONE_LOOK)
            else:
                error = np.sqrt(
                    (np.cumsum(y * y * held) - m * held_mean**2) / (m - 1) / m
                    + (np.cumsum(y * y * ~held) - n * mean**2) / (n - 1) / n
                )
                low, high = mean - held_mean - ours_z * error, mean - held_mean + ours_z * error
                one_low = mean - held_mean - ONE_LOOK * error
                one_high = mean - held_mean + ONE_LOOK * error
            shown = np.minimum(m, n) >= least
            ours += bool((shown & ((low > effect) | (high < effect))).any())
            ordinary += bool((shown & ((one_low > effect) | (one_high < effect))).any())
        width += float(high[-1] - low[-1]) / 2
    return ours / RUNS, ordinary / RUNS, width / RUNS


@pytest.mark.parametrize(
    ("draw", "held_out", "rate", "effect"),
    [
        ("share", 0.1, 0.92, 0.0),
        ("share", 0.1, 0.97, 0.0),
        ("share", 0.5, 0.6, 0.0),
        ("share", 0.1, 0.9, 0.05),
        ("amount", 0.1, 0.7, 0.0),
    ],
)
def test_looking_after_every_outcome_raises_no_more_false_alarms_than_promised(
    draw: str, held_out: float, rate: float, effect: float
) -> None:
    ours, ordinary, _width = looks(draw, held_out=held_out, rate=rate, effect=effect, seed=4)
    assert ours <= 0.05
    assert ordinary >= 0.20  # one look's interval, looked at each time


def test_the_interval_narrows_and_pays_less_than_double_for_its_promise() -> None:
    """Half-width in points of a share of 0.92 with a tenth held back."""
    _ours, _ordinary, width = looks("share", held_out=0.1, rate=0.92, effect=0.0, seed=5)
    one_look = ONE_LOOK * math.sqrt(0.92 * 0.08 * (1 / (0.9 * PEOPLE) + 1 / (0.1 * PEOPLE)))
    assert one_look < width < 2 * one_look


def test_it_is_the_interval_tested_above() -> None:
    found = difference(Arm.of_yes(900, 850), Arm.of_yes(100, 88))
    p, n, q, m = (np.array([value]) for value in (850 / 900, 900.0, 0.88, 100.0))
    low, high = newcombe(p, n, q, m, widening(1_000))
    assert (found.low, found.high) == (pytest.approx(low[0]), pytest.approx(high[0]))
    assert found.value == pytest.approx(850 / 900 - 0.88)
    assert not found.is_clear


def test_the_widening_is_the_formula_of_the_source() -> None:
    rho = anytime._RHO_SQUARED
    for t in (100, 2_000, 50_000):
        inner = math.log(math.sqrt(t * rho + 1) / 0.05)
        written = math.sqrt(2 * (t * rho + 1) / (t**2 * rho) * inner)
        assert widening(t) == pytest.approx(written * math.sqrt(t))
    assert min(range(100, 10_000, 100), key=widening) == pytest.approx(2_000, abs=200)


def test_amounts_come_from_sums() -> None:
    values = np.array([0.0, 100.0, 250.0, 80.0])
    arm = Arm.of_sums(4, float(values.sum()), float((values**2).sum()))
    assert arm.mean == pytest.approx(values.mean())
    assert arm.variance == pytest.approx(values.var(ddof=1))


def test_too_few_people_have_a_difference_and_no_interval() -> None:
    few = difference(Arm.of_yes(900, 850), Arm.of_yes(49, 40))
    assert few.value is not None
    assert few.low is None
    assert not few.is_clear
    nobody = difference(Arm.of_yes(900, 850), Arm.of_yes(0, 0))
    assert nobody.value is None


def test_a_clear_difference_is_clear() -> None:
    found = difference(Arm.of_yes(4_500, 4_275), Arm.of_yes(500, 425))
    assert found.is_clear
    assert found.low is not None
    assert found.low > 0


def test_as_many_more_people_as_said_show_the_difference_in_80_of_100() -> None:
    """At the size told, a true difference of 5 points shows at one look in about 80 of 100."""
    treated, held = Arm.of_yes(450, 405), Arm.of_yes(50, 45)
    more = more_people(treated, held, worth=0.05, held_out_share=0.1)
    assert more is not None
    n, m = 450 + round(0.9 * more), 50 + round(0.1 * more)
    rng = np.random.default_rng(6)
    seen = 0
    for _ in range(600):
        found = difference(
            Arm.of_yes(n, int(rng.binomial(n, 0.90))), Arm.of_yes(m, int(rng.binomial(m, 0.85)))
        )
        seen += found.is_clear
    assert 0.65 <= seen / 600 <= 0.90


def test_there_may_be_no_number_to_tell() -> None:
    treated, held = Arm.of_yes(450, 405), Arm.of_yes(50, 45)
    assert more_people(treated, held, worth=0.05, held_out_share=0.0) is None
    assert more_people(Arm.of_yes(30, 30), held, worth=0.05, held_out_share=0.1) is not None
    assert more_people(Arm.of_yes(30, 30), Arm.of_yes(3, 3), worth=0.05, held_out_share=0.1) is None
    enough = Arm.of_yes(90_000, 81_000), Arm.of_yes(10_000, 9_000)
    assert more_people(*enough, worth=0.05, held_out_share=0.1) == 0
