"""Who a contact changes something for: learned from an experiment, used only if it proves itself.

The people of the experiment are ranked by learners that never saw them (cross-fitting). The best
ranking must beat (a) contacting everybody alike, (b) the order of the chance to respond, (c)
placebos: the same rankings measured with the contact drawn anew among the same people, the best
learner picked each time as it was picked here. If it does not, the honest answer is **no usable
difference**, and the order falls back to the response model. Too few people is told apart from
that, with how many are missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from risk.engine import qini
from risk.engine.effect import Effect, Floats, check_arms, effect, is_yes_or_no, needed_per_arm
from risk.engine.learners import (
    FOLDS,
    LEARNERS,
    MEAN,
    RESPONSE,
    Design,
    Predict,
    folds,
    learner,
    response_model,
)

Verdict = Literal["usable", "no_difference", "not_enough"]
People = npt.NDArray[Any]
# In each arm; of a kind: with and without the outcome. Below, a ranking is noise whatever it says.
LEAST_PEOPLE, LEAST_OF_A_KIND = 200, 20
PLACEBOS = 400
SURE = 0.025  # one ranking in forty found by chance
# Which of two orders to use is a choice, not a claim: the one that is more often better. That there
# is anything to rank by is what the placebos prove.
ABOVE_RESPONSE = 0.5
WORTH = 0.05  # the difference worth knowing about, when nobody says otherwise
INTERVAL_RESAMPLES = 30
SEED = 7


@dataclass(frozen=True)
class Learned:
    """What an experiment with enough people taught. `slope` draws the estimates of the chosen
    learner towards the average, as far as their spread did not hold for people it had not seen."""

    design: Design
    x: Floats
    treated: Floats
    outcome: Floats
    chosen: str
    ranks: Predict
    slope: float
    middle: float  # mean estimate of the chosen learner, drawn to the measured average


@dataclass(frozen=True)
class Found:
    """The answer of an experiment: `sentence` in words for staff, `report` as plain JSON."""

    verdict: Verdict
    sentence: str
    average: Effect
    report: dict[str, Any]
    learned: Learned | None = None

    def order(self, columns: Mapping[str, Floats]) -> Floats:
        """A score to rank by, higher first: uplift where it is usable, else the chance to respond;
        the same for everybody where there was not enough to learn from."""
        if self.learned is None:
            return np.zeros(_rows(columns))
        return self.learned.ranks(self.learned.design.matrix(columns))

    def uplift(self, columns: Mapping[str, Floats]) -> Floats:
        """The estimated difference a contact makes for each person; the average for everybody where
        no usable difference was found, NaN where even that is unknown."""
        average = np.nan if self.average.difference is None else self.average.difference
        if self.learned is None or self.verdict != "usable":
            return np.full(_rows(columns), average)
        one = self.learned
        return average + one.slope * (one.ranks(one.design.matrix(columns)) - one.middle)

    def interval(self, columns: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """95 % limits of `uplift`, from learning again on people drawn anew: wide where few people
        were like this one; those of the average where no usable difference was found."""
        if self.learned is None or self.verdict != "usable":
            low, high = (
                np.nan if limit is None else limit
                for limit in (self.average.low, self.average.high)
            )
            return np.full(_rows(columns), low), np.full(_rows(columns), high)
        one, rng = self.learned, np.random.default_rng(SEED)
        at, again = one.design.matrix(columns), []
        for _ in range(INTERVAL_RESAMPLES):
            drawn = rng.integers(0, len(one.x), len(one.x))
            fitted = learner(one.chosen)(one.x[drawn], one.treated[drawn], one.outcome[drawn])
            again.append(fitted(at))
        reach = 1.96 * np.std(again, axis=0, ddof=1)
        middle = self.uplift(columns)
        return middle - reach, middle + reach


def learn(
    columns: Mapping[str, Floats],
    treated: Floats,
    outcome: Floats,
    *,
    person: People | None = None,
    categories: Collection[str] = (),
    worth: float = WORTH,
) -> Found:
    """Learn from an experiment. `columns` are what was known before the draw, a row per person;
    where people have several rows, all in the arm drawn for them, `person` names them. `treated`
    and `outcome` are 0 or 1, an outcome of 1 being what the contact is for; `categories` names the
    columns that hold codes, `worth` is the difference worth knowing about. Raises ValueError for
    other values; never for too little data."""
    check_arms(treated, outcome)
    if not is_yes_or_no(outcome):
        raise ValueError("Uplift is learned from outcomes of 0 and 1; use effect() for amounts.")
    for name, values in columns.items():
        if len(values) != len(treated):
            raise ValueError(
                f"Column {name} has {len(values)} rows, the experiment {len(treated)}."
            )
    people = np.arange(len(treated)) if person is None else person
    average = _average_effect(treated, outcome, people)
    report: dict[str, Any] = {"average": average.as_dict()}
    if _too_few(treated, outcome, people) or not columns:
        return Found("not_enough", _not_enough(average, worth), average, report)
    design = Design.of(columns, categories)
    x = design.matrix(columns)
    ranks, estimates = _cross_fitted(x, treated, outcome, people)
    chosen, tests = _judged(ranks, treated, outcome, people)
    report |= {"learners": tests, "chosen": chosen}
    beats_chance = tests[chosen]["chance"] <= SURE
    usable = beats_chance and tests[chosen]["above_response"] > ABOVE_RESPONSE
    verdict: Verdict = "usable" if usable else "no_difference"
    if not (usable or average.is_clear) and (average.smallest_detectable or 0.0) > worth:
        return Found("not_enough", _not_enough(average, worth), average, report)
    fitted = learner(chosen)(x, treated, outcome) if usable else response_model(x, treated, outcome)
    learned = Learned(
        design=design,
        x=x,
        treated=treated,
        outcome=outcome,
        chosen=chosen,
        ranks=fitted,
        slope=_slope(estimates[chosen], treated, outcome),
        middle=float(fitted(x).mean()),
    )
    report["ranking"] = qini.measure(
        ranks[chosen if usable else RESPONSE], treated, outcome, person=people
    )
    sentence = _usable(average, report) if usable else _no_difference(average, beats_chance)
    return Found(verdict, sentence, average, report, learned)


def _rows(columns: Mapping[str, Floats]) -> int:
    return len(next(iter(columns.values())))


def _average_effect(treated: Floats, outcome: Floats, person: People) -> Effect:
    """Between people, not rows: each counts once, with the mean of their outcomes."""
    _, first, place, rows = np.unique(
        person, return_index=True, return_inverse=True, return_counts=True
    )
    if (treated[first][place] != treated).any():
        row = int(np.argmax(treated[first][place] != treated))
        raise ValueError(
            f"Row {row}: this person is in both arms. Keep everybody in the arm drawn."
        )
    return effect(treated[first], np.bincount(place, outcome) / rows)


def _too_few(treated: Floats, outcome: Floats, person: People) -> bool:
    for arm in (0, 1):
        here = treated == arm
        with_, without = (len(np.unique(person[here & (outcome == kind)])) for kind in (1, 0))
        everybody = len(np.unique(person[here]))
        if everybody < LEAST_PEOPLE or min(with_, without) < LEAST_OF_A_KIND:
            return True
    return False


def _cross_fitted(
    x: Floats, treated: Floats, outcome: Floats, person: People
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """For every learner and the response model: where each person stands among those of the fold
    (0 to 1) and the estimate itself, by models that never saw the person. Standing within the fold
    keeps a fold whose own outcomes were high from being ranked low for it."""
    fold = folds(person)
    ranks = {name: np.empty(len(treated)) for name in (*LEARNERS, MEAN, RESPONSE)}
    estimates = {name: np.empty(len(treated)) for name in ranks}
    for number in range(FOLDS):
        here, others = fold == number, fold != number
        seen = x[others], treated[others], outcome[others]
        found = {name: learner(*seen)(x[here]) for name, learner in LEARNERS.items()}
        found[MEAN] = np.mean(list(found.values()), axis=0)
        found[RESPONSE] = response_model(*seen)(x[here])
        for name, values in found.items():
            estimates[name][here] = values - values.mean()
            ranks[name][here] = _standing(values)
    return ranks, estimates


def _standing(score: Floats) -> Floats:
    """The share of people with a lower score, equal scores sharing one place."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    below = np.cumsum(count) - (count + 1) / 2
    standing: Floats = below[place] / len(score)
    return standing


def _judged(
    ranks: Mapping[str, Floats], treated: Floats, outcome: Floats, person: People
) -> tuple[str, dict[str, dict[str, float]]]:
    """The ranking to use by Qini points: the mean of the learners, unless one is better by more
    than the spread of the placebos. And per ranking its points and the chance that a placebo does
    as well, a placebo being the best of all learners' where we could pick the best; for the one to
    use also how often it is better than the response model when people are drawn anew."""
    orders = {name: qini.Ranked.by(rank) for name, rank in ranks.items()}
    found = {name: qini.points(order, treated, outcome) for name, order in orders.items()}
    drawn = _placebos(treated, person)
    placebo = {
        name: _stretched(qini.redrawn(order, drawn, outcome).points())
        for name, order in orders.items()
    }
    best_of_all = np.max([placebo[name] for name in ranks if name != RESPONSE], axis=0)
    tests = {}
    for name, points in found.items():
        rivals = placebo[name] if name == RESPONSE else best_of_all
        tests[name] = {
            "qini": round(points, 5),
            "chance": round((1 + int((rivals >= points).sum())) / (PLACEBOS + 1), 5),
            "placebo_spread": round(float(placebo[name].std()), 5),
        }
    best = max(LEARNERS, key=lambda name: found[name])
    clearly = found[best] > found[MEAN] + tests[best]["placebo_spread"]
    chosen = best if clearly else MEAN
    ours, response = (
        qini.resampled(orders[name], treated, outcome, person).points()
        for name in (chosen, RESPONSE)
    )
    tests[chosen]["above_response"] = round(float((ours > response).mean()), 5)
    return chosen, tests


def _placebos(treated: Floats, person: People) -> npt.NDArray[np.bool_]:
    """The contact drawn anew among the people, shape (PLACEBOS, rows)."""
    rng = np.random.default_rng(SEED)
    _, first, place = np.unique(person, return_index=True, return_inverse=True)
    arms = treated[first] == 1
    return np.stack([rng.permutation(arms)[place] for _ in range(PLACEBOS)])


def _stretched(points: Floats) -> Floats:
    """Placebos as wide as rankings of cross-fitting spread by chance. People i and j of two folds
    meet twice there, i judged by what j taught and j by what i taught, and both say the same: the
    variance of the sum over folds is twice that of a ranking from elsewhere, which is what a
    redrawn arm measures (exactly so for linear learners; checked by simulation for ours)."""
    middle = points.mean()
    stretched: Floats = middle + np.sqrt(2) * (points - middle)
    return stretched


def _slope(estimate: Floats, treated: Floats, outcome: Floats) -> float:
    """How much of the spread of cross-fitted estimates is real, 0 to 1: the slope of the unbiased
    but noisy personal difference on the estimate (best linear predictor of Chernozhukov et al.
    2018, NBER 24678)."""
    share = treated.mean()
    noisy = (treated - share) / (share * (1 - share)) * (outcome - outcome.mean())
    spread = float((estimate**2).mean())
    return float(np.clip((noisy * estimate).mean() / spread, 0.0, 1.0)) if spread else 0.0


# --- Words ---------------------------------------------------------------------------------------


def _usable(average: Effect, report: dict[str, Any]) -> str:
    top = report["ranking"]["uplift_top_30"]
    return (
        "People differ in what a contact changes, and it can be told beforehand: among the first "
        f"30 % of the ranking it adds {_in_points(top)}, on average {_average(average)}."
    )


def _no_difference(average: Effect, beats_chance: bool) -> str:
    if not average.is_clear:
        least = 100 * (average.smallest_detectable or 0.0)
        return (
            f"No usable difference: contact changes nothing that could be seen ({_average(average)}"
            f"; from about {least:.1f} points on it would have shown), and there is hardly any "
            "difference between people."
        )
    if (average.difference or 0.0) < 0:
        return (
            f"No usable difference: contact does harm ({_average(average)}), with hardly any "
            "difference between people. Contact nobody this way."
        )
    between = (
        "hardly any difference between people beyond how likely they respond"
        if beats_chance
        else "hardly any difference between people"
    )
    return (
        f"No usable difference: contact helps ({_average(average)}), with {between}. Contact all, "
        "or in the order of the chance to respond."
    )


def _not_enough(average: Effect, worth: float) -> str:
    n, m = average.n_treated, average.n_held_out
    start = f"Not enough data yet: {n:,} contacted, {m:,} held back"
    if average.difference is None:
        return f"{start}. Without both there is nothing to compare."
    base = average.mean_held_out or 0.0
    needed = max(needed_per_arm(base, sign * worth) for sign in (-1, 1))
    # What counts is the harmonic mean of the arms: a small one is not made up for by a large one.
    more = max(LEAST_PEOPLE - min(n, m), needed - round(2 / (1 / n + 1 / m)), 1)
    least = 100 * (average.smallest_detectable or 0.0)
    return (
        f"{start} ({_average(average)}). Today only a difference of about {least:.0f} points or "
        f"more would show; for one of {100 * worth:.0f} points about {more:,} more per arm are "
        "needed."
    )


def _average(average: Effect) -> str:
    return _in_points({"value": average.difference, "low": average.low, "high": average.high})


def _in_points(found: Mapping[str, float | None]) -> str:
    value, low, high = (100 * (found[name] or 0.0) for name in ("value", "low", "high"))
    return f"{value:+.1f} points, {low:+.1f} to {high:+.1f}"
