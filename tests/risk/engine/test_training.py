"""A model is judged by the future it has not seen, and serves only if it deserves to."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from risk.engine import metrics, training
from risk.engine.cases import Cases
from risk.engine.declaration import INF, Declaration, Input
from risk.engine.scorecard import scorecard
from risk.engine.training import Trained
from risk.targets import CANCELLATION, CHURN


def cases(n: int = 4_000, *, effect: float = 1.0, rate: float = -2.0, seed: int = 5) -> Cases:
    """Two years of bookings whose fate hangs on the guest's own rate, as far as `effect` goes."""
    rng = np.random.default_rng(seed)
    columns = {one.name: np.full(n, np.nan) for one in CANCELLATION.inputs}
    columns["own_rate"] = rng.beta(2, 10, n)
    columns["lead_days"] = rng.exponential(9, n)
    z = rate + effect * (9 * (columns["own_rate"] - 0.17) + 0.05 * (columns["lead_days"] - 9))
    fell = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(float)
    missed = rng.random(n) < np.where(columns["own_rate"] > 0.2, 0.6, 0.2)
    late = np.arange(n) % 3 == 0
    moment = np.sort(rng.uniform(20_000, 20_720, n))
    return Cases(
        columns=columns,
        outcomes={
            "any": fell,
            "early": fell * ~missed * ~late,
            "late": fell * ~missed * late,
            "no_show": fell * missed,
        },
        moment=moment,
        known=moment + columns["lead_days"],
        guest=rng.integers(0, 600, n),
        location=rng.integers(1, 3, n),
    )


def test_no_part_knows_the_future_of_the_next() -> None:
    older, newest = training.time_split(cases(), window_days=60)
    assert len(older) > len(newest) > 100
    assert older.known.max() < newest.moment.min()
    assert newest.moment.max() - newest.moment.min() <= 60


def test_a_short_history_gives_each_newer_part_a_quarter() -> None:
    short = cases().where(np.arange(4_000) < 400)
    span = short.moment.max() - short.moment.min()
    _, newest = training.time_split(short, window_days=900)
    assert newest.moment.max() - newest.moment.min() == pytest.approx(span / 4, rel=0.1)


@pytest.fixture(scope="module")
def first() -> Trained:
    return training.train(CANCELLATION, cases(), window_days=90)


def test_a_model_that_learned_something_serves(first: Trained) -> None:
    done = first
    assert done.serves
    assert done.measured["test"]["auc"] > 0.65
    assert done.measured["test"]["ece"] < 0.05
    assert done.measured["against"]["scorecard"]["high"] < 0.01
    assert done.artefact.heads.keys() == {"any", "early", "late", "no_show"}
    assert 0 < done.measured["interval"]["share"] <= 1
    assert "better than scorecard" in done.verdict


def test_a_model_no_better_than_the_champion_stays_in_shadow(first: Trained) -> None:
    again = training.train(
        CANCELLATION, cases(), window_days=90, champion=first.artefact,
        champion_until_day=first.until_day,
    )  # fmt: skip
    assert not again.serves, "the same model is not better than itself"
    assert "not better than champion" in again.verdict


def test_a_champion_that_has_seen_the_newest_cases_is_no_measure(first: Trained) -> None:
    late = training.train(
        CANCELLATION,
        cases(),
        window_days=90,
        champion=first.artefact,
        champion_until_day=first.until_day + 1,
    )
    assert not late.serves
    assert "no fair comparison" in late.verdict


@pytest.mark.parametrize("n", [0, 40, 150])
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
    # A good third of the way: the last month holds sixty outcomes, half-way stands at forty.
    assert abs(main.probability(newest.columns).mean() - rate) < (rate - judged) * 0.65
    assert done.measured["test"]["ece"] > 0.1, "the judgement tells the surprise"


@pytest.mark.parametrize(("outcomes_a_day", "since"), [(4, 60), (1, 30)])
def test_the_level_forgets_what_passed_before_the_last_month(
    outcomes_a_day: int, since: int
) -> None:
    """90 days of twenty cases each: the last month counts, or as much as holds 60 outcomes."""
    moment = np.repeat(np.arange(90.0), 20)
    fell = np.tile(np.arange(20) < outcomes_a_day, 90).astype(float)
    ids = np.zeros(len(moment), dtype=np.int64)
    newest = Cases({"x": moment}, {"any": fell}, moment, moment, ids, ids)
    latest = training._latest(newest, "any")
    assert latest.moment.min() == since
    assert latest.outcomes["any"].sum() >= training.LEVEL_OUTCOMES
    few = Cases({"x": moment}, {"any": fell * (moment % 9 == 0)}, moment, moment, ids, ids)
    assert len(training._latest(few, "any")) == (len(few) if outcomes_a_day == 1 else 20 * 90)


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


def test_causes_add_up_to_the_chance_of_everybody(first: Trained) -> None:
    past, whole = cases(), first.artefact
    p = whole.main.probability(past.columns)
    parts = whole.parts(past.columns, p)
    np.testing.assert_allclose(parts["early"] + parts["late"] + parts["no_show"], p, atol=1e-12)
    share = parts["no_show"] / p
    often = past.columns["own_rate"] > 0.2
    assert share[often].mean() > 1.5 * share[~often].mean(), "the planted cause is told apart"


def test_causes_that_do_not_add_up_are_refused() -> None:
    past = cases(600)
    past.outcomes["early"] = np.zeros(600)
    with pytest.raises(ValueError, match="do not add up"):
        training.learn_heads(CANCELLATION, past)


def test_a_rare_cause_gets_its_share_for_everybody() -> None:
    past = cases(1_000)
    fell = past.outcomes["any"]
    past.outcomes["no_show"] = fell * (np.cumsum(fell) <= 10)
    past.outcomes["late"] = np.zeros(1_000)
    past.outcomes["early"] = fell - past.outcomes["no_show"]
    learned = training.learn_heads(CANCELLATION, past)
    assert learned["no_show"].report["chosen"] == "rate"
    assert learned["no_show"].model.shapes == ()


def table(n: int, *, seed: int = 1, strength: float = 1.0) -> tuple[Declaration, Cases]:
    """A table without time: two inputs that matter (one only in its middle), one that does not, one
    constant, one mostly missing."""
    rng = np.random.default_rng(seed)
    columns = {
        "a": rng.normal(size=n),
        "b": rng.normal(size=n),
        "noise": rng.normal(size=n),
        "constant": np.ones(n),
        "rare": np.where(rng.random(n) < 0.9, np.nan, rng.normal(size=n)),
    }
    z = -1 + strength * (columns["a"] + 1.5 * (np.abs(columns["b"]) < 0.7))
    truth = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(float)
    inputs = tuple(Input(name=name, cause=name) for name in columns)
    declaration = Declaration(target="t", heads=("any",), base=0.2, inputs=inputs)
    none = np.zeros(n)
    return declaration, Cases(
        columns, {"any": truth}, none, none, np.arange(n), none.astype(np.int64)
    )


def test_a_bent_truth_is_learned_by_something_that_bends() -> None:
    declaration, past = table(1_500)
    learned = training.learn(declaration, past)
    report = learned.report
    loss = {one["name"]: one["log_loss"] for one in report["candidates"]}
    assert loss[report["chosen"]] < loss["logistic"] - 0.02
    _, fresh = table(3_000, seed=2)
    assert metrics.auc(learned.probability(fresh.columns), fresh.outcomes["any"]) > 0.75
    assert orjson.loads(orjson.dumps(report)) == report, "fit for JSON"


@pytest.mark.parametrize("n", [1, 12, 300])
def test_small_tables_get_an_answer_that_is_never_silly(n: int) -> None:
    declaration, past = table(n)
    learned = training.learn(declaration, past)
    _, fresh = table(2_000, seed=3)
    truth = fresh.outcomes["any"]
    rate = (past.outcomes["any"].sum() + 0.5) / (n + 1)
    constant = np.full(2_000, np.clip(rate, 0.05, 0.95))
    ours = metrics.log_losses(learned.probability(fresh.columns), truth).mean()
    assert ours < metrics.log_losses(constant, truth).mean() + (0.01 if n > 12 else 0.3)


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_one_kind_of_outcome_gives_its_rate(outcome: float) -> None:
    declaration, past = table(400)
    past.outcomes["any"][:] = outcome
    p = training.learn(declaration, past).probability(past.columns)
    assert np.abs(p - outcome).max() < 0.01


def test_nothing_to_learn_is_said_to_be_nothing() -> None:
    declaration, past = table(1_500, strength=0.0)
    p = training.learn(declaration, past).probability(past.columns)
    assert p.std() < 0.03


def test_learning_is_deterministic() -> None:
    declaration, past = table(300)
    one, other = (training.learn(declaration, past) for _ in range(2))
    assert (one.probability(past.columns) == other.probability(past.columns)).all()


def test_a_group_of_inputs_that_turned_against_the_truth_is_left_out() -> None:
    declaration, past = table(4_000)
    moment = np.sort(np.random.default_rng(2).uniform(0, 100, 4_000)).round()
    # `b` was in a month what the outcome was, and the opposite in the next.
    sign = np.where(moment // 15 % 2 == 0, 1, -1)
    drifting = 0.8 * sign * (past.outcomes["any"] - 0.5) + past.columns["noise"] / 4
    past.columns["b"] = drifting
    timed = Cases(past.columns, past.outcomes, moment, moment + 0.5, past.guest, past.location)
    report = training.learn(declaration, timed).report
    assert report["way"] == "rolling origins"
    assert "b" in [group["group"] for group in report["dropped"]]
    assert "a" in report["inputs"]
