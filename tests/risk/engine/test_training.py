"""A model is judged by the future it has not seen, and serves only if it deserves to."""

from __future__ import annotations

import numpy as np
import pytest

from risk.engine import metrics, training
from risk.engine.additive import AdditiveModel, Artefact, Shape
from risk.engine.cases import Cases
from risk.engine.declaration import INF, Input
from risk.engine.scorecard import scorecard
from risk.targets import CANCELLATION, CHURN


def cases(n: int = 4_000, *, effect: float = 1.0, rate: float = -2.0, seed: int = 5) -> Cases:
    """Two years of bookings whose fate hangs on the guest's own rate, as far as `effect` goes."""
    rng = np.random.default_rng(seed)
    columns = {one.name: np.full(n, np.nan) for one in CANCELLATION.inputs}
    columns["own_rate"] = rng.beta(2, 10, n)
    columns["lead_days"] = rng.exponential(9, n)
    z = rate + effect * (9 * (columns["own_rate"] - 0.17) + 0.05 * (columns["lead_days"] - 9))
    fell = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(float)
    moment = np.sort(rng.uniform(20_000, 20_720, n))
    return Cases(
        columns=columns,
        outcomes={"any": fell, "no_show": fell * (rng.random(n) < 0.2)},
        moment=moment,
        known=moment + columns["lead_days"],
        guest=rng.integers(0, 600, n),
        location=rng.integers(1, 3, n),
    )


def test_no_part_knows_the_future_of_the_next() -> None:
    older, middle, newest = training.time_split(cases(), window_days=60)
    assert len(older) > len(middle) > 100
    assert older.known.max() < middle.moment.min()
    assert max(older.known.max(), middle.known.max()) < newest.moment.min()
    assert newest.moment.max() - newest.moment.min() <= 60


def test_a_short_history_gives_each_newer_part_a_quarter() -> None:
    short = cases().where(np.arange(4_000) < 400)
    span = short.moment.max() - short.moment.min()
    _, _, newest = training.time_split(short, window_days=900)
    assert newest.moment.max() - newest.moment.min() == pytest.approx(span / 4, rel=0.1)


def test_a_model_that_learned_something_serves() -> None:
    done = training.train(CANCELLATION, cases(), window_days=90)
    assert done.serves
    assert done.measured["test"]["auc"] > 0.65
    assert done.measured["test"]["ece"] < 0.05
    assert done.measured["against"]["scorecard"]["high"] < 0.01
    assert done.artefact.heads.keys() <= {"any", "no_show"}
    assert "better than scorecard" in done.verdict


def test_a_model_no_better_than_the_champion_stays_in_shadow() -> None:
    first = training.train(CANCELLATION, cases(), window_days=90)
    again = training.train(
        CANCELLATION,
        cases(effect=0.0, seed=6),  # nothing to learn any more
        window_days=90,
        champion=first.artefact,
        champion_until_day=first.until_day,
    )
    against = again.measured["against"]
    assert again.serves == all(rival["mean"] < 0 for rival in against.values())
    worse = training.train(
        CANCELLATION, cases(), window_days=90, champion=first.artefact,
        champion_until_day=first.until_day,
    )  # fmt: skip
    assert not worse.serves, "the same model is not better than itself"
    assert "not better than champion" in worse.verdict


def test_a_champion_that_has_seen_the_newest_cases_is_no_measure() -> None:
    first = training.train(CANCELLATION, cases(), window_days=90)
    late = training.train(
        CANCELLATION,
        cases(),
        window_days=90,
        champion=first.artefact,
        champion_until_day=first.until_day + 1,
    )
    assert not late.serves
    assert "no fair comparison" in late.verdict


@pytest.mark.parametrize("n", [0, 40, 300])
def test_few_outcomes_give_the_scorecard_at_the_level_of_the_business(n: int) -> None:
    few = cases().where(np.arange(4_000) < n)
    done = training.train(CANCELLATION, few, window_days=45)
    assert done.artefact.kind == "scorecard"
    assert done.serves, "there is nothing better"
    rate = done.artefact.main.probability(
        {name: np.array([np.nan]) for name in done.artefact.inputs}
    )
    assert 0.03 < rate[0] < 0.3


def test_the_level_follows_the_newest_cases_but_not_the_judgement() -> None:
    past = cases()
    shock = past.moment > past.moment.max() - 90
    past.outcomes["any"][shock] = np.maximum(
        past.outcomes["any"][shock],
        (np.random.default_rng(1).random(shock.sum()) < 0.25).astype(float),
    )
    done = training.train(CANCELLATION, past, window_days=90)
    newest = past.where(shock)
    main = done.artefact.main
    rate = newest.outcomes["any"].mean()
    judged = main.judged_probability(newest.columns).mean()
    assert judged < rate - 0.1
    assert abs(main.probability(newest.columns).mean() - rate) < (rate - judged) / 2
    assert done.measured["test"]["ece"] > 0.1, "the judgement tells the surprise"


def test_the_scorecards_level_is_drawn_to_the_business() -> None:
    plain = scorecard(CHURN)
    quiet = scorecard(CHURN, rows=20_000, outcomes=200, rest=0.3)
    nothing = {name: np.array([np.nan]) for name in plain.inputs}
    assert quiet.main.probability(nothing)[0] < plain.main.probability(nothing)[0]
    one_row = scorecard(CHURN, rows=1, outcomes=0, rest=0.0)
    assert one_row.main.baseline == pytest.approx(plain.main.baseline, abs=0.01)


def test_the_points_of_the_scorecard_are_those_declared() -> None:
    one = Input(name="price", cause="price", points=((10, 0.5), (INF, 1.5)), points_missing=0.2)
    from risk.engine.scorecard import shape_of

    assert shape_of(one).contributions(np.array([10, 11, np.nan])).tolist() == [0.5, 1.5, 0.2]


def test_a_ranking_that_turns_round_is_not_believed() -> None:
    z = np.linspace(-2, 2, 200)
    found = training._platt(z, (z < 0).astype(float))
    assert found.slope == 0.05
    assert AdditiveModel(0.0, (), found)
    assert Artefact("churn", "additive", {}).heads == {}


@pytest.mark.parametrize(
    ("p", "truth", "auc"),
    [([0.1, 0.9], [0, 1], 1.0), ([0.9, 0.1], [0, 1], 0.0), ([0.5, 0.5, 0.5], [0, 1, 1], 0.5)],
)
def test_auc(p: list[float], truth: list[float], auc: float) -> None:
    assert metrics.auc(np.array(p), np.array(truth, dtype=float)) == auc


def test_experience_stays_beside_what_too_few_cases_taught() -> None:
    past = cases(1_500)
    card = scorecard(CANCELLATION).main
    nothing = Shape("month", "number", np.array([]), np.array([0.0]), 0.0)
    blind = AdditiveModel(-2.0, (nothing,))
    alone = training.with_experience(blind, card, CANCELLATION, past)
    assert alone is blind, "the scorecard alone is not a trained model"
    half = training.fit(
        [CANCELLATION.input("lead_days")], past.columns, past.outcomes["any"],
        size=training.SIZES[0],
    )  # fmt: skip
    both = training.with_experience(half, card, CANCELLATION, past)
    truth = past.outcomes["any"]
    assert metrics.auc(both.log_odds(past.columns), truth) > metrics.auc(
        half.log_odds(past.columns), truth
    )
    parts = both.contributions(past.columns).sum(axis=1) + both.baseline
    np.testing.assert_allclose(parts, both.log_odds(past.columns), atol=1e-9)
