"""What would lower a score: the same case scored again with the one thing changed that staff can
bring about, else plain advice (`risk/causes.py`).

A re-scored case says what the model would say of a member who differs in that one thing. It is no
promise: whether asking for the visit helps is measured against the holdout of the plays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from risk.causes import CAUSES, IDLE
from risk.engine.additive import AdditiveModel, Columns, Floats
from risk.models import Target

Points = Callable[[Floats], Any]

# A step that takes less than this off the score is not worth a sentence.
LEAST_POINTS = 3
# Below these chances nobody asks what would help.
FROM_CHANCE = {str(Target.CHURN): 0.11, str(Target.CANCELLATION): 0.2}


@dataclass(frozen=True)
class Step:
    """`what` begins the sentence; `change` gives the inputs as they would be; `causes` are the
    reasons it answers."""

    what: str
    change: Callable[[Columns], dict[str, Floats]]
    causes: frozenset[str]


def _visited(c: Columns) -> dict[str, Floats]:
    """As on the day after a visit."""
    none = np.zeros(len(c["visits_90"]))
    return {
        "days_since_visit": none,
        "gap_ratio": none,
        "visits_30": c["visits_30"] + 1,
        "visits_90": c["visits_90"] + 1,
        "visits_180": c["visits_180"] + 1,
        "visit_ratio": (c["visits_90"] + 1.5) / (c["habit_90"] + 0.5),
        "credits_left": np.maximum(c["credits_left"] - 1, 0),
        "unused_months": np.maximum(c["unused_months"] - 1, 0),
    }


def _booked(c: Columns) -> dict[str, Floats]:
    return {"next_days": np.full(len(c["coming"]), 7.0), "coming": np.maximum(c["coming"], 1)}


def _paid(c: Columns) -> dict[str, Floats]:
    rows = len(c["unpaid_days"])
    return {"unpaid_days": np.full(rows, np.nan), "card_left_days": np.full(rows, 365.0)}


def _confirmed(c: Columns) -> dict[str, Floats]:
    return {"confirmed": np.ones(len(c["confirmed"]))}


STEPS = {
    str(Target.CHURN): (
        Step("a visit", _visited, frozenset({"no_visits", "usage_drop", "unused_benefits"})),
        Step("a booking within a week", _booked, frozenset({"no_booking"})),
        Step("a card that works", _paid, frozenset({"payment"})),
    ),
    str(Target.CANCELLATION): (
        Step(
            "a confirmation",
            _confirmed,
            frozenset({"own_history", "lead_time", "first_visit", "unconfirmed", "channel"}),
        ),
    ),
}


def add(
    target: str,
    model: AdditiveModel,
    columns: Columns,
    p: Floats,
    reasons: list[list[dict[str, Any]]],
    *,
    points: Points,
) -> None:
    """Give each reason that raises a score worth asking about an `ease`: one short sentence.

    `points` turns chances into scores; `reasons` has a list per row and is added to."""
    rows = np.flatnonzero(p >= FROM_CHANCE[target])
    if not len(rows):
        return
    here = {name: x[rows] for name, x in columns.items()}
    now = points(p[rows])
    said: dict[str, list[str]] = {}
    for step in STEPS[target]:
        after = points(model.probability({**here, **step.change(here)}))
        words = [
            f"{step.what} would take this to about {then}" if was - then >= LEAST_POINTS else ""
            for was, then in zip(now.tolist(), after.tolist(), strict=True)
        ]
        said |= dict.fromkeys(step.causes, words)
    for place, row in enumerate(rows.tolist()):
        for reason in reasons[row]:
            cause = reason["cause"]
            if reason["direction"] != "raises" or CAUSES[cause].eases == IDLE:
                continue
            counted = said[cause][place] if cause in said else ""
            reason["ease"] = counted or f"what helps: {CAUSES[cause].eases}"
