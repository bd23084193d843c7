"""Learning an additive model from past cases, and judging it on the newest ones it has not seen.

`learn` chooses among the families by a backtest over the past (risk/engine/backtest.py), leaves out
inputs that did harm there, calibrates and measures how exact the chances are, then fits the choice
on all it was given. `train` is the life of a model in the product: it learns from the older cases,
compares with the scorecard and the champion on the newest, and says whether the result may serve.

Plain arrays in, a model and its measurements out: no database, no request. Only here and in the
modules this one calls is scikit-learn imported; serving does not need it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy
import sklearn

from risk.engine import backtest, calibration, metrics
from risk.engine.additive import AdditiveModel, Artefact, Calibration, Columns, Floats, Spread
from risk.engine.backtest import Origin, Unseen
from risk.engine.cases import Cases
from risk.engine.declaration import Declaration, Input
from risk.engine.families import Family, families, with_pairs
from risk.engine.scorecard import KIND as SCORECARD
from risk.engine.scorecard import levelled_scorecard, shape_of
from risk.engine.tables import scaled, summed, without
from risk.engine.trees import constant, varies

KIND = "additive"
LIBRARIES = {
    "scikit-learn": sklearn.__version__,
    "numpy": np.__version__,
    "scipy": scipy.__version__,
}
SEED = 7
# The choice is made on so many cases at most; the chosen model learns from all.
BACKTEST_ROWS = 60_000
# A cause only divides the main chance: a smaller choice does.
CAUSE_ROWS = 20_000
# Fewer outcomes than these and the scorecard serves.
MIN_TRAIN, MIN_TEST = 20, 10
# Less log loss than this is rounding, no harm.
LEAST_HARM = 1e-6
# A cause with fewer outcomes gets its share for everybody alike.
MIN_CAUSE = 30
# The level follows the cases of so many days, or of as many more as hold so many outcomes.
LEVEL_DAYS, LEVEL_OUTCOMES = 30.0, 60


@dataclass(frozen=True)
class Learned:
    """A model of one outcome, and `report` (fit for JSON): which candidates were tried and how
    they did on cases they had not seen, which serves and why, inputs left out, calibration, and how
    often the intervals held."""

    model: AdditiveModel
    report: dict[str, Any]

    def probability(self, columns: Columns) -> Floats:
        return self.model.probability(columns)


@dataclass(frozen=True)
class Trained:
    """A model and what is known about it. `serves` says whether it beat what serves now on the
    newest cases; `verdict` says why, for staff."""

    artefact: Artefact
    rows: int
    positives: int
    from_day: float
    until_day: float  # nothing later taught or calibrated it
    measured: dict[str, Any]
    serves: bool
    verdict: str


def learn(
    declaration: Declaration,
    cases: Cases,
    *,
    head: str = "any",
    given: Sequence[str] | None = None,
) -> Learned:
    """The model of one outcome that these cases can carry. Deterministic. Never raises for want of
    data: with few cases the scorecard, or the rate, is the answer. With `given` inputs (those kept
    for the main outcome) none is weighed again and only the small families are tried."""
    began = time.monotonic()
    plain = given is not None
    inputs = [
        one
        for one in declaration.learned
        if varies(cases.columns[one.name]) and (given is None or one.name in given)
    ]
    some = _some(cases, CAUSE_ROWS if plain else BACKTEST_ROWS)
    at, in_time = backtest.origins(some, head)
    report: dict[str, Any] = {
        "rows": len(cases),
        "outcomes": int(cases.outcomes[head].sum()),
        "way": "rolling origins" if in_time else "folds of people",
        "origins": [
            {
                "from_day": None if np.isnan(origin.from_day) else origin.from_day,
                "train": len(origin.train),
                "test": len(origin.test),
                "outcomes": int(some.outcomes[head][origin.test].sum()),
            }
            for origin in at
        ],
        "inputs": [one.name for one in inputs],
    }
    known = families(declaration)
    if not at or not inputs:
        start = next((one for one in known if one.name == "scorecard"), known[0])
        report |= {"chosen": start.name, "why": "too few cases to compare anything"}
        model = start.fit(inputs, cases, head) if len(cases) else constant(np.zeros(0))
        return Learned(_with_rules(declaration, model, head), report)
    contest = _Contest(declaration, some, head, at, backtest.start(some, head, at, in_time))
    contest.hold(inputs, known, plain=plain)
    name, best = backtest.smallest(contest.unseen, list(contest.order))
    report |= {
        "candidates": [
            row | {"title": contest.order[row["name"]]}
            for row in backtest.table(contest.unseen, contest.order, best)
        ],
        "chosen": name,
        "best": best,
        "why": _why(contest.order, name, best),
        "dropped": contest.dropped,
        "inputs": [one.name for one in contest.inputs],
    }
    model = contest.fit(name, cases)
    found, report["calibration"] = calibration.choose(contest.unseen, name)
    spread = calibration.spread(contest.unseen, contest.unseen.z[name], found)
    report["interval"] = calibration.coverage(contest.unseen, name)
    report["pairs"] = [list(pair.names) for pair in model.pairs]
    if name in contest.blends:
        report["blend"] = {one: round(w, 3) for one, w in contest.blends[name].items()}
    report["seconds"] = round(time.monotonic() - began, 2)
    return Learned(_with_rules(declaration, _calibrated(model, found, spread), head), report)


class _Contest:
    """The candidates of one backtest. `order` holds their names and titles, smallest first."""

    def __init__(
        self,
        declaration: Declaration,
        cases: Cases,
        head: str,
        at: Sequence[Origin],
        unseen: Unseen,
    ) -> None:
        self.declaration, self.cases, self.head = declaration, cases, head
        self.at, self.unseen = at, unseen
        self.order: dict[str, str] = {}
        self.tried: dict[str, Family] = {}
        self.blends: dict[str, dict[str, float]] = {}
        self.inputs: list[Input] = []
        self.dropped: list[dict[str, Any]] = []

    def hold(self, inputs: Sequence[Input], known: Sequence[Family], *, plain: bool) -> None:
        teach = max(len(origin.train) for origin in self.at)
        fit = [one for one in known if one.rows <= teach]
        if plain:
            fit = [one for one in fit if one.name in ("rate", "splines", "trees")]
        judge = next((one for one in reversed(fit) if one.name in ("trees", "splines")), fit[-1])
        self.inputs = list(inputs) if plain else self._harmless(list(inputs), judge)
        trees: list[str] = []
        for family in fit:
            # Once a larger size is worse than the one before it, still larger ones are not tried.
            if family.tree and len(trees) > 1 and self._best(trees) != trees[-1]:
                continue
            self._ask(family)
            trees += [family.name] if family.tree else []
        if plain or not trees:
            return
        family = with_pairs(self.tried[self._best(trees)])
        if family.rows <= teach:
            self._ask(family)
        self._blend()

    def _ask(self, family: Family) -> None:
        if family.name not in self.unseen.z:
            backtest.ask(self.unseen, family, self.cases, self.head, self.at, self.inputs)
        self.order[family.name], self.tried[family.name] = family.title, family

    def _best(self, names: Sequence[str]) -> str:
        return min(names, key=lambda name: float(self.unseen.loss(name).mean()))

    def _blend(self) -> None:
        """The best trees with the best lines, and with the scorecard where there is one."""
        trees = self._best([one.name for one in self.tried.values() if one.tree])
        lines = self._best(
            [name for name in ("logistic", "experience", "splines") if name in self.tried]
        )
        members = [trees, lines, *(["scorecard"] if "scorecard" in self.tried else [])]
        share = backtest.blend(self.unseen, members, "blend")
        self.blends["blend"] = dict(zip(members, share.tolist(), strict=True))
        self.order["blend"] = "a weighted mean of trees and lines"

    def _harmless(self, inputs: list[Input], judge: Family) -> list[Input]:
        """Leaves out groups of inputs (those with one cause) that did harm at the origins: the
        answers of a model that learned without them are better beyond noise.

        Only groups whose contributions made the answers of the whole model worse are tried, the
        most harmful first.
        """
        backtest.ask(self.unseen, judge, self.cases, self.head, self.at, inputs)
        whole = self.unseen.loss(judge.name)
        groups: dict[str, list[str]] = {}
        for one in inputs:
            groups.setdefault(one.cause, []).append(one.name)
        harm = {}
        for group, names in groups.items():
            blind = [without(m, frozenset(names)) for m in self.unseen.models[judge.name]]
            z = np.concatenate(
                [
                    model.log_odds(self.cases.rows(origin.test).columns)
                    for model, origin in zip(blind, self.at, strict=True)
                ]
            )
            losses = metrics.log_losses(backtest.logistic(z), self.unseen.truth)
            harm[group] = float((whole - losses).mean())
        for group in sorted(harm, key=lambda one: -harm[one]):
            if harm[group] <= LEAST_HARM or len(groups) - len(self.dropped) < 2:
                break
            rest = [one for one in inputs if one.cause != group]
            backtest.ask(self.unseen, judge, self.cases, self.head, self.at, rest, "less")
            gain, noise = metrics.clustered(
                self.unseen.loss(judge.name) - self.unseen.loss("less"), self.unseen.guest
            )
            z, models = self.unseen.z.pop("less"), self.unseen.models.pop("less")
            if gain > noise:
                self.dropped.append(
                    {"group": group, "inputs": groups[group], "gain": gain, "noise": noise}
                )
                inputs = rest
                self.unseen.z[judge.name], self.unseen.models[judge.name] = z, models
        return inputs

    def fit(self, name: str, cases: Cases) -> AdditiveModel:
        """The candidate, learned from all these cases."""
        shares = self.blends.get(name, {name: 1.0})
        parts = [
            (share, self.tried[one].fit(self.inputs, cases, self.head))
            for one, share in shares.items()
            if share > 0
        ]
        return parts[0][1] if len(parts) == 1 else summed(parts)


def _some(cases: Cases, most: int) -> Cases:
    """All cases of as many people as make up so many cases."""
    if len(cases) <= most:
        return cases
    people, person = np.unique(cases.guest, return_inverse=True)
    order = np.random.default_rng(SEED).permutation(len(people))
    rows = np.cumsum(np.bincount(person)[order])
    taken = np.zeros(len(people), dtype=bool)
    taken[order[: max(1, int(np.searchsorted(rows, most)))]] = True
    return cases.where(taken[person])


def _why(order: dict[str, str], name: str, best: str) -> str:
    if name == best:
        return f"best on cases it had not seen: {order[name]}"
    return f"{order[name]}: not worse than {order[best]} beyond noise, and smaller"


def _calibrated(model: AdditiveModel, found: Calibration, spread: Spread) -> AdditiveModel:
    """A straight line of the log-odds keeps the sum additive: reasons then add up in the calibrated
    log-odds themselves. Curves stay beside the sum."""
    if found.kind != "platt":
        return replace(model, calibration=found, spread=spread)
    z = tuple(found.slope * at + found.intercept for at in spread.z)
    turned = scaled(model, found.slope, found.intercept)
    return replace(turned, spread=Spread(z, spread.half))


def _with_rules(declaration: Declaration, model: AdditiveModel, head: str) -> AdditiveModel:
    """Fixed points stay beside what was learned: their inputs know only the present."""
    if head != "any":
        return model
    rules = tuple(shape_of(rule) for rule in declaration.rules)
    return replace(model, shapes=(*model.shapes, *rules))


def learn_heads(declaration: Declaration, cases: Cases) -> dict[str, Learned]:
    """A model of the main outcome and, where causes are declared, one of each cause.

    Causes divide the main outcome among them: in every case their outcomes add up to it. Raises
    ValueError otherwise.
    """
    causes = declaration.heads[1:]
    if causes and not np.allclose(
        np.sum([cases.outcomes[name] for name in causes], axis=0), cases.outcomes["any"]
    ):
        raise ValueError(
            f"The outcomes {', '.join(causes)} of {declaration.target} do not add up to 'any' in "
            "every case; declare every cause, or none."
        )
    found = {"any": learn(declaration, cases)}
    for name in causes:
        if cases.outcomes[name].sum() >= MIN_CAUSE:
            found[name] = learn(declaration, cases, head=name, given=found["any"].report["inputs"])
        else:
            rate = constant(cases.outcomes[name])
            found[name] = Learned(rate, {"chosen": "rate", "why": "too few outcomes"})
    return found


def time_split(cases: Cases, *, window_days: float) -> tuple[Cases, Cases]:
    """The cases known before the newest `window_days` (or, where that is shorter, before the newest
    quarter of the history), and those in them."""
    last, first = float(cases.moment.max()), float(cases.moment.min())
    test_from = last - min(window_days, (last - first) / 4)
    return (
        cases.where((cases.moment < test_from) & (cases.known < test_from)),
        cases.where(cases.moment >= test_from),
    )


def train(
    declaration: Declaration,
    cases: Cases,
    *,
    window_days: float,
    champion: Artefact | None = None,
    champion_until_day: float | None = None,
    notice_p: float = 0.95,
) -> Trained:
    """Learn and judge. Never raises for want of data: the scorecard answers then."""
    if len(cases):
        older, newest = time_split(cases, window_days=window_days)
    else:
        older = newest = cases
    positives = [int(part.outcomes["any"].sum()) for part in (older, newest)]
    card = levelled_scorecard(declaration, older if len(older) else cases)
    facts: dict[str, Any] = {
        "rows": len(cases),
        "positives": int(cases.outcomes["any"].sum()),
        "from_day": float(cases.moment.min()) if len(cases) else 0.0,
        "until_day": float(newest.moment.min()) if len(newest) else 0.0,
    }
    if positives[0] < MIN_TRAIN or positives[1] < MIN_TEST or positives[0] > len(older) - MIN_TRAIN:
        return Trained(
            artefact=card,
            measured={"outcomes_needed": MIN_TRAIN, "outcomes": positives[0]},
            serves=champion is None or champion.kind == SCORECARD,
            verdict=(
                f"too few outcomes to learn from ({positives[0]} of {MIN_TRAIN} in the older "
                f"part, {positives[1]} of {MIN_TEST} in the newest): the scorecard serves"
            ),
            **facts,
        )
    learned = learn_heads(declaration, older)
    heads = {name: one.model for name, one in learned.items()}
    artefact = Artefact(target=str(declaration.target), kind=KIND, heads=heads, notice_p=notice_p)
    rivals = {"scorecard": card}
    if champion is not None and champion.kind != SCORECARD:
        rivals["champion"] = champion
    measured = judge(artefact, rivals, newest)
    measured["choice"] = learned["any"].report
    measured["causes"] = {
        name: metrics.summary(head.judged_probability(newest.columns), newest.outcomes[name])
        for name, head in heads.items()
        if name != "any"
    }
    artefact = replace(
        artefact, heads={name: levelled(head, newest, name) for name, head in heads.items()}
    )
    measured["level"] = round(artefact.main.level, 4)
    if champion_until_day is not None and champion_until_day > facts["until_day"]:
        return Trained(
            artefact=artefact,
            measured=measured,
            serves=False,
            verdict="what serves now has seen part of the newest cases: no fair comparison",
            **facts,
        )
    beaten = {name: measured["against"][name]["mean"] < 0 for name in rivals}
    serves = all(beaten.values())
    return Trained(
        artefact=artefact,
        measured=measured,
        serves=serves,
        verdict=(
            "better than " + " and ".join(beaten) + " on the newest cases"
            if serves
            else "not better than "
            + " and ".join(name for name, won in beaten.items() if not won)
            + " on the newest cases: kept in shadow"
        ),
        **facts,
    )


def judge(model: Artefact, rivals: dict[str, Artefact], newest: Cases) -> dict[str, Any]:
    """Measurements of the model, its rivals and the base rate on the same unseen cases.

    `against`: mean difference of log loss (below 0: the model is better) with a 95 % interval from
    resampling guests. `interval`: of the score tenths, how many had a rate within their interval.
    """
    truth = newest.outcomes["any"]
    main = model.main
    p = main.judged_probability(newest.columns)
    low, high = metrics.auc_interval(p, truth, newest.guest)
    result: dict[str, Any] = {
        "test": metrics.summary(p, truth) | {"auc_low": round(low, 4), "auc_high": round(high, 4)},
        "base": metrics.summary(np.full(len(truth), truth.mean()), truth),
        "against": {},
        "calibration": metrics.calibration_points(p, truth),
        "by_location": {
            str(location): {
                "n": int(here.sum()),
                "expected": round(float(p[here].mean()), 4),
                "seen": round(float(truth[here].mean()), 4),
            }
            for location in np.unique(newest.location)
            for here in [newest.location == location]
        },
    }
    if main.spread is not None:
        inside = calibration.within(
            main.log_odds(newest.columns), truth, main.calibration, main.spread
        )
        result["interval"] = {"bins": len(inside), "share": round(float(inside.mean()), 3)}
    for name, rival in rivals.items():
        q = rival.main.judged_probability(newest.columns)
        result[name] = metrics.summary(q, truth)
        mean, low, high = metrics.difference(
            metrics.log_losses(p, truth) - metrics.log_losses(q, truth), newest.guest
        )
        result["against"][name] = {"mean": mean, "low": low, "high": high}
    return result


def levelled(model: AdditiveModel, newest: Cases, head: str) -> AdditiveModel:
    """The model with its level moved towards the newest cases, the further the more outcomes they
    hold: seasons, prices and staff change what is usual faster than who is at risk."""
    latest = _latest(newest, head)
    p = model.judged_probability(latest.columns)
    found = calibration.level(np.log(p / (1 - p)), latest.outcomes[head])
    return replace(model, level=found)


def _latest(newest: Cases, head: str) -> Cases:
    """The last month of the cases, or as far back as it takes to hold LEVEL_OUTCOMES: what passed
    with a price rise three months ago should not be expected of the months to come."""
    order = np.argsort(-newest.moment, kind="stable")
    held = np.cumsum(newest.outcomes[head][order])
    if held[-1] < LEVEL_OUTCOMES:
        return newest
    enough = int(np.searchsorted(held, LEVEL_OUTCOMES))
    month = float(newest.moment.max()) - LEVEL_DAYS
    return newest.where((newest.moment > month) | (newest.moment >= newest.moment[order[enough]]))
