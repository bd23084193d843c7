"""An experiment judged by halves: learn on one random half, measure on the other, many times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from risk.engine import qini
from risk.engine.effect import Floats, effect
from risk.engine.learners import LEARNERS, MEAN, RESPONSE, Design, response_model
from risk.engine.uplift import WORTH, learn

MEASURES = ("qini", "qini_normalised", "auuc", "uplift_top_10", "uplift_top_20", "uplift_top_30")


def evaluate(
    columns: Mapping[str, Floats],
    treated: Floats,
    outcome: Floats,
    *,
    categories: Collection[str] = (),
    person: npt.NDArray[Any] | None = None,
    halves: int = 20,
    worth: float = WORTH,
    seed: int = 0,
) -> dict[str, Any]:
    """How the ranking that `learn` would have us use does on people it has not seen, beside every
    learner for itself, the response model and a random order. Plain JSON: mean and spread over the
    halves of Qini points, normalised Qini, AUUC and uplift in the first 10, 20, 30 %; how often
    each verdict was given; one sentence as an example. All rows of a person fall into one half."""
    people = (
        np.arange(len(treated)) if person is None else np.unique(person, return_inverse=True)[1]
    )
    results: dict[str, list[dict[str, float]]] = {}
    verdicts: Counter[str] = Counter()
    chosen: Counter[str] = Counter()
    sentences = []
    for number in range(halves):
        rng = np.random.default_rng(seed + number)
        side = rng.permutation(int(people.max()) + 1) % 2 == 0
        train, test = side[people], ~side[people]
        seen = {name: values[train] for name, values in columns.items()}
        unseen = {name: values[test] for name, values in columns.items()}
        found = learn(
            seen,
            treated[train],
            outcome[train],
            person=people[train],
            categories=categories,
            worth=worth,
        )
        verdicts[found.verdict] += 1
        chosen[found.learned.chosen if found.learned else "none"] += 1
        sentences.append(found.sentence)
        scores = {"ours": found.order(unseen), "random": rng.random(int(test.sum()))}
        design = Design.of(seen, categories)
        x, at = design.matrix(seen), design.matrix(unseen)
        for name, fit in {**LEARNERS, RESPONSE: response_model}.items():
            scores[name] = fit(x, treated[train], outcome[train])(at)
        scores[MEAN] = np.mean([scores[name] for name in LEARNERS], axis=0)
        for name, score in scores.items():
            results.setdefault(name, []).append(_measured(score, treated[test], outcome[test]))
    return {
        "people": len(treated),
        "halves": halves,
        "average": effect(treated, outcome).as_dict(),
        "verdicts": dict(verdicts),
        "chosen": dict(chosen),
        "sentence": Counter(sentences).most_common(1)[0][0],
        "rankings": {
            name: {
                measure: {
                    "mean": round(float(np.mean([one[measure] for one in all_])), 5),
                    "sd": round(float(np.std([one[measure] for one in all_])), 5),
                }
                for measure in MEASURES
            }
            for name, all_ in results.items()
        },
    }


def shuffled(
    columns: Mapping[str, Floats],
    treated: Floats,
    outcome: Floats,
    *,
    categories: Collection[str] = (),
    runs: int = 200,
    seed: int = 0,
) -> dict[str, Any]:
    """How often something usable is found on a random half where the contact was drawn anew, so
    that there is nothing to find."""
    verdicts: Counter[str] = Counter()
    for number in range(runs):
        rng = np.random.default_rng(seed + number)
        half = rng.permutation(len(treated))[: len(treated) // 2]
        found = learn(
            {name: values[half] for name, values in columns.items()},
            rng.permutation(treated[half]),
            outcome[half],
            categories=categories,
        )
        verdicts[found.verdict] += 1
    return {"runs": runs, "verdicts": dict(verdicts), "false_findings": verdicts["usable"] / runs}


def _measured(score: Floats, treated: Floats, outcome: Floats) -> dict[str, float]:
    ranked = qini.Ranked.by(score)
    share, gained = qini.curve(ranked, treated, outcome)
    points = qini.points(ranked, treated, outcome)
    return {
        "qini": points,
        "qini_normalised": points / (qini.perfect(treated, outcome) or np.nan),
        "auuc": float(np.trapezoid(gained, share)),
        **{
            f"uplift_top_{part * 100:.0f}": qini.top_uplift(ranked, treated, outcome, part)
            for part in qini.TOPS
        },
    }
