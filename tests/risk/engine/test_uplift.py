"""Uplift is used where it is real, and "no usable difference" is said where it is not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from risk.engine import halves, uplift
from risk.engine.learners import LEARNERS, MEAN, Design, learner

People = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]


def people(n: int = 4_000, *, differs: float = 0.0, average: float = 0.0, seed: int = 1) -> People:
    """Contact adds `average`, and `differs` more for the persuadable and as much less for the rest,
    who come by themselves all the more. `habit` says who comes, and nothing about the contact."""
    rng = np.random.default_rng(seed)
    columns = {
        "habit": rng.gamma(2.0, 3.0, n),
        "persuadable": rng.random(n),
        "noise": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
        "channel": rng.integers(0, 4, n).astype(float),
    }
    treated = (rng.random(n) < 0.5).astype(float)
    chance = 0.2 + 0.02 * np.minimum(columns["habit"], 15) + treated * average
    chance += (treated - 0.7) * differs * np.sign(columns["persuadable"] - 0.5)
    return columns, treated, (rng.random(n) < chance).astype(float)


def learned(planted: People) -> uplift.Found:
    return uplift.learn(*planted, categories=["channel"])


@pytest.fixture(scope="module")
def found() -> uplift.Found:
    return learned(people(4_000, differs=0.12, average=0.05))


def test_planted_differences_are_found_and_said(found: uplift.Found) -> None:
    assert found.verdict == "usable"
    assert "People differ in what a contact changes" in found.sentence
    assert found.report["learners"][MEAN]["chance"] <= 0.01
    top = found.report["ranking"]["uplift_top_30"]
    assert top["low"] < 0.17 < top["high"] + 0.02


def test_estimates_are_near_the_planted_ones_for_people_never_seen(found: uplift.Found) -> None:
    columns, _, _ = people(2_000, seed=99)
    truth = 0.05 + 0.12 * np.sign(columns["persuadable"] - 0.5)
    estimate = found.uplift(columns)
    assert np.corrcoef(estimate, truth)[0, 1] > 0.8
    assert np.abs(estimate - truth).mean() < 0.05
    assert np.corrcoef(found.order(columns), estimate)[0, 1] == pytest.approx(1.0)


def test_personal_intervals_hold_most_of_the_truth(
    found: uplift.Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplift, "INTERVAL_RESAMPLES", 8)
    columns, _, _ = people(1_000, seed=98)
    truth = 0.05 + 0.12 * np.sign(columns["persuadable"] - 0.5)
    clear = np.abs(columns["persuadable"] - 0.5) > 0.1  # the edge itself is nobody's to know
    low, high = found.interval(columns)
    assert ((low <= truth) & (truth <= high))[clear].mean() > 0.8
    assert (high - low).mean() < 0.4


@pytest.mark.parametrize("name", [*LEARNERS, MEAN])
def test_every_learner_ranks_the_persuadable_first(name: str) -> None:
    columns, treated, came = people(differs=0.12)
    x = Design.of(columns, ["channel"]).matrix(columns)
    estimate = learner(name)(x, treated, came)(x)
    above = columns["persuadable"] > 0.5
    assert estimate[above].mean() - estimate[~above].mean() > 0.12


def test_an_effect_alike_for_all_is_no_usable_difference() -> None:
    planted = people(average=0.08)
    found = learned(planted)
    assert found.verdict == "no_difference"
    assert "No usable difference: contact helps" in found.sentence
    assert "hardly any difference between people" in found.sentence
    assert "Contact all" in found.sentence
    assert np.ptp(found.uplift(planted[0])) == 0  # the average for everybody
    low, high = found.interval(planted[0])
    assert low[0] < 0.08 < high[0]
    # The order falls back to the chance to respond, which hangs on the habit here.
    assert np.corrcoef(found.order(planted[0]), planted[0]["habit"])[0, 1] > 0.8


def test_contact_that_does_harm_is_said_to() -> None:
    found = learned(people(average=-0.08))
    assert "contact does harm" in found.sentence
    assert "Contact nobody" in found.sentence


def test_nothing_is_found_where_there_is_nothing() -> None:
    """One in forty by chance; none of these six, seeds fixed."""
    planted = people(2_400, differs=0.12, average=0.1)
    done = halves.shuffled(*planted, categories=["channel"], runs=6)
    assert done["verdicts"].get("usable", 0) == done["false_findings"] == 0
    assert sum(done["verdicts"].values()) == 6


def test_halves_measure_what_is_never_seen_beside_the_rivals() -> None:
    planted = people(5_000, differs=0.15, average=0.05)
    done = halves.evaluate(*planted, categories=["channel"], halves=2)
    assert done["verdicts"] == {"usable": 2}
    ours, rankings = done["rankings"]["ours"], done["rankings"]
    assert set(rankings) == {"ours", "random", "t", "x", "dr", "mean", "response"}
    assert ours["qini"]["mean"] > rankings["response"]["qini"]["mean"] + 0.5
    assert ours["uplift_top_30"]["mean"] > 0.1
    json.dumps(done)


def test_everybody_contacted_is_not_enough() -> None:
    columns, _, came = people(1_000)
    found = uplift.learn(columns, np.ones(1_000), came)
    assert found.verdict == "not_enough"
    assert found.sentence == (
        "Not enough data yet: 1,000 contacted, 0 held back. Without both there is nothing to "
        "compare."
    )
    assert np.isnan(found.uplift(columns)).all()
    assert np.isnan(found.interval(columns)[0]).all()
    assert (found.order(columns) == 0).all()


def test_nobody_who_came_is_not_enough() -> None:
    columns, treated, _ = people(1_000)
    found = uplift.learn(columns, treated, np.zeros(1_000))
    assert found.verdict == "not_enough"
    assert "more per arm are needed" in found.sentence
    json.dumps(found.report)


def test_few_people_are_told_how_many_are_missing() -> None:
    columns, treated, came = people(300, seed=5)
    found = uplift.learn(columns, treated, came, worth=0.05)
    assert found.verdict == "not_enough"
    base = came[treated == 0].mean()
    missing = int(found.sentence.split("about ")[-1].split(" more")[0].replace(",", ""))
    assert missing == pytest.approx(7.849 * 2 * base * (1 - base) / 0.05**2 - 150, rel=0.1)


def test_too_few_to_see_what_is_worth_knowing_is_not_called_no_difference() -> None:
    found = learned(people(1_000, seed=5))
    assert found.average.smallest_detectable is not None
    assert found.average.smallest_detectable > uplift.WORTH
    assert found.verdict == "not_enough"


def test_rows_of_one_person_teach_no_more_than_one() -> None:
    columns, treated, came = people(300, average=0.05, seed=8)
    again = {name: np.repeat(values, 20) for name, values in columns.items()}
    found = uplift.learn(
        again, np.repeat(treated, 20), np.repeat(came, 20), person=np.repeat(np.arange(300), 20)
    )
    assert found.verdict == "not_enough"
    assert found.average.n_treated == treated.sum()


def test_a_person_in_both_arms_is_refused() -> None:
    columns, _, came = people(4)
    with pytest.raises(ValueError, match="Row 1: this person is in both arms"):
        uplift.learn(columns, np.array([1.0, 0, 1, 0]), came, person=np.array([5, 5, 6, 7]))


def test_constant_and_unknown_columns_do_no_harm() -> None:
    columns, treated, came = people(2_400, differs=0.2)
    columns |= {"constant": np.ones(2_400), "unknown": np.full(2_400, np.nan)}
    found = uplift.learn(columns, treated, came, categories=["channel"])
    assert found.verdict == "usable"
    unseen = {name: np.full(3, np.nan) for name in columns}
    assert np.isfinite(found.uplift(unseen)).all()


def test_wrong_values_are_refused_by_name() -> None:
    columns, treated, came = people(50)
    with pytest.raises(ValueError, match=r"use effect\(\) for amounts"):
        uplift.learn(columns, treated, came * 30)
    with pytest.raises(ValueError, match="Column habit has 49 rows, the experiment 50"):
        uplift.learn({"habit": columns["habit"][:49]}, treated, came)


def test_placebos_are_as_wide_as_cross_fitted_rankings_spread() -> None:
    """Two people of different folds judge each other and agree: twice the variance, by the pairs of
    a linear learner, whose score for one person is the sum over all people of the other folds."""
    rng, n = np.random.default_rng(4), 40
    fold = np.arange(n) % 5
    apart = fold[:, None] != fold[None, :]
    x = rng.normal(size=(n, 8))
    like = (x @ x.T) * apart
    mutual, elsewhere = [], []
    for _ in range(4_000):
        arms, again = rng.choice([-1.0, 1.0], (2, n))
        mutual.append(arms @ like @ arms)
        elsewhere.append(arms @ like @ again)
    assert np.var(mutual) / np.var(elsewhere) == pytest.approx(2, rel=0.1)
    points = np.array(elsewhere) + 3
    assert np.var(uplift._stretched(points)) == pytest.approx(2 * np.var(points))
    assert uplift._stretched(points).mean() == pytest.approx(points.mean())
