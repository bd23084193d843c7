"""A candidate is asked only about what it could not know, and the choice allows for chance."""

from __future__ import annotations

import numpy as np
import pytest

from risk.engine import backtest
from risk.engine.additive import AdditiveModel, Floats
from risk.engine.backtest import Unseen
from risk.engine.cases import Cases
from risk.engine.families import Family


def cases(n: int = 2_000, *, days: int = 200, delay: float = 20.0, seed: int = 3) -> Cases:
    rng = np.random.default_rng(seed)
    moment = rng.integers(0, days, n).astype(float)
    return Cases(
        columns={"x": rng.normal(size=n)},
        outcomes={"any": (rng.random(n) < 0.3).astype(float)},
        moment=moment,
        known=moment + rng.exponential(delay, n),
        guest=rng.integers(0, n // 3, n),
        location=np.zeros(n, dtype=np.int64),
    )


def test_no_origin_teaches_what_was_not_known_at_it() -> None:
    past = cases()
    at, in_time = backtest.origins(past, "any")
    assert in_time
    assert len(at) == backtest.ORIGINS
    for origin in at:
        assert past.known[origin.train].max() < origin.from_day
        assert past.moment[origin.test].min() >= origin.from_day
    asked = np.concatenate([origin.test for origin in at])
    assert len(np.unique(asked)) == len(asked), "each case is asked about once"
    assert past.moment[asked].max() == past.moment.max(), "up to the newest"


def test_a_long_delay_leaves_fewer_origins_but_never_a_peek() -> None:
    past = cases(delay=0.0)
    slow = Cases(
        past.columns, past.outcomes, past.moment, past.moment + 120, past.guest, past.location
    )
    at, in_time = backtest.origins(slow, "any")
    assert in_time
    for origin in at:
        assert slow.known[origin.train].max() < origin.from_day


def test_snapshots_on_few_days_are_never_split() -> None:
    past = cases(days=5, delay=0.0)
    known = past.moment + 1.5
    few = Cases(past.columns, past.outcomes, past.moment, known, past.guest, past.location)
    at, _ = backtest.origins(few, "any")
    for origin in at:
        assert set(few.moment[origin.train]) & set(few.moment[origin.test]) == set()


def test_without_time_a_person_is_on_one_side_only() -> None:
    past = cases()
    still = Cases(
        past.columns, past.outcomes, past.moment * 0, past.known * 0, past.guest, past.location
    )
    at, in_time = backtest.origins(still, "any")
    assert not in_time
    assert len(at) == backtest.FOLDS
    rates = [still.outcomes["any"][origin.test].mean() for origin in at]
    assert max(rates) - min(rates) < 0.08, "outcomes are spread evenly"
    for origin in at:
        assert not set(still.guest[origin.train]) & set(still.guest[origin.test])


@pytest.mark.parametrize("outcomes", [0, 3])
def test_too_few_outcomes_give_no_comparison(outcomes: int) -> None:
    past = cases(300)
    past.outcomes["any"][:] = 0
    past.outcomes["any"][:outcomes] = 1
    assert backtest.origins(past, "any")[0] == []


def test_a_family_sees_only_the_rows_of_its_origin() -> None:
    past = cases()
    at, in_time = backtest.origins(past, "any")
    seen: list[float] = []

    def remember(inputs: object, some: Cases, head: str) -> AdditiveModel:
        seen.append(float(some.known.max()))
        return AdditiveModel(-1.0, ())

    unseen = backtest.start(past, "any", at, in_time)
    backtest.ask(unseen, Family("spy", "spy", remember), past, "any", at, [])
    assert all(known < origin.from_day for known, origin in zip(seen, at, strict=True))
    assert unseen.z["spy"].tolist() == [-1.0] * len(unseen.rows)


def answered(**z: Floats) -> Unseen:
    n = len(next(iter(z.values())))
    rng = np.random.default_rng(5)
    true = z.pop("true")
    truth = (rng.random(n) < backtest.logistic(true)).astype(float)
    return Unseen(np.arange(n), np.arange(n) * 4 // n, truth, np.arange(n), True, z=dict(z))


def test_the_smallest_that_is_not_worse_beyond_noise_serves() -> None:
    rng = np.random.default_rng(1)
    true = rng.normal(size=4_000) - 1
    small, big = true.copy(), true + rng.normal(0, 0.02, 4_000)
    unseen = answered(true=true, rate=np.full(4_000, -0.8), poor=true * 0.3, small=small, big=big)
    assert backtest.smallest(unseen, ["rate", "poor", "small", "big"])[0] == "small"
    rows = backtest.table(unseen, ["rate", "small"], "small")
    assert rows[0]["against_best"]["low"] > 0, "the rate is worse beyond doubt"
    assert rows[1]["against_best"]["mean"] == 0


def test_the_rate_serves_only_where_nothing_does_better() -> None:
    rng = np.random.default_rng(1)
    true = np.full(300, -0.8)
    unseen = answered(true=true, rate=true, worse=true + rng.normal(0, 1, 300))
    assert backtest.smallest(unseen, ["rate", "worse"]) == ("rate", "rate")
    unseen.z["hint"] = true + 0.05 * (unseen.truth - 0.5)
    assert backtest.smallest(unseen, ["rate", "hint"])[0] == "hint"


def test_a_blend_weighs_by_earlier_answers_alone() -> None:
    rng = np.random.default_rng(2)
    true = rng.normal(size=4_000)
    good, noise = true + rng.normal(0, 0.3, 4_000), rng.normal(size=4_000)
    unseen = answered(true=true, good=good, noise=noise)
    share = backtest.blend(unseen, ["good", "noise"], "both")
    assert share.sum() == pytest.approx(1)
    assert share[0] > 0.9
    first = unseen.origin == 0
    np.testing.assert_allclose(
        unseen.z["both"][first], (good[first] + noise[first]) / 2, err_msg="nothing known yet"
    )
    before = unseen.z["both"].copy()
    newest = unseen.origin == 3
    unseen.truth[newest] = 1 - unseen.truth[newest]
    backtest.blend(unseen, ["good", "noise"], "both")
    assert (unseen.z["both"] == before).all(), "the newest outcomes change no earlier weight"


def test_two_half_right_members_are_better_together() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 4_000))
    unseen = answered(true=a + b, a=2 * a, b=2 * b)
    backtest.blend(unseen, ["a", "b"], "both")
    assert unseen.loss("both").mean() < min(unseen.loss("a").mean(), unseen.loss("b").mean()) - 0.1
