"""Small tables of each kind with a known truth, for tests of declared tasks."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

START = date(2024, 1, 1)


def appointments(rows: int = 1_500, *, guests: int = 150, seed: int = 3) -> pd.DataFrame:
    """Bookings of half a year; who missed before misses again, and more so long ahead."""
    rng = np.random.default_rng(seed)
    habit = rng.beta(1, 3, guests)
    guest = rng.integers(0, guests, rows)
    day = np.sort(rng.integers(0, 180, rows))
    lead = rng.choice([0, 1, 3, 7, 20], rows)
    p = np.clip(habit[guest] + 0.01 * lead, 0, 0.95)
    missed = rng.random(rows) < p
    return pd.DataFrame(
        {
            "guest": [f"g{number}" for number in guest],
            "day": [(START + timedelta(days=int(one))).isoformat() for one in day],
            "booked": [
                f"{START + timedelta(days=int(one - ahead))}T10:{minute:02d}:00"
                for one, ahead, minute in zip(day, lead, rng.integers(0, 60, rows), strict=True)
            ],
            "place": rng.choice(["north", "south"], rows),
            "age": rng.integers(18, 80, rows).astype(str),
            "came": np.where(missed, "no", "yes"),
        }
    )


def purchases(guests: int = 300, days: int = 420, *, seed: int = 3) -> pd.DataFrame:
    """A log of buyers, each with an own pace and an own day of leaving."""
    rng = np.random.default_rng(seed)
    found = []
    for guest in range(guests):
        on, end = float(rng.integers(0, 90)), rng.exponential(400)
        pace = rng.gamma(2, 12)
        while on < min(days, end):
            found.append((f"c{guest:04d}", int(on), round(float(rng.gamma(3, 10)), 2)))
            on += 1 + rng.exponential(pace)
    frame = pd.DataFrame(found, columns=["customer", "day", "spend"]).sort_values("day")
    frame["date"] = [(START + timedelta(days=int(one))).isoformat() for one in frame.pop("day")]
    return frame.astype(str)


def members(rows: int = 600, *, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    months, plan = rng.integers(0, 60, rows), rng.choice(["gold", "silver"], rows)
    z = -0.5 - 0.05 * months + 1.2 * (plan == "silver")
    left = rng.random(rows) < 1 / (1 + np.exp(-z))
    return pd.DataFrame(
        {
            "member": [f"m{number}" for number in range(rows)],
            "months": months.astype(str),
            "plan": plan,
            "paperless": rng.choice(["Yes", "No"], rows),
            "left": np.where(left, "Yes", "No"),
        }
    )


def offers(rows: int = 4_000, *, seed: int = 3) -> pd.DataFrame:
    """An experiment: the offer helps those who were away for long; the others come anyway."""
    rng = np.random.default_rng(seed)
    away, treated = rng.uniform(0, 12, rows), rng.random(rows) < 0.5
    p = np.where(away > 6, 0.1 + 0.25 * treated, 0.4)
    return pd.DataFrame(
        {
            "away": np.round(away, 2).astype(str),
            "noise": np.round(rng.normal(size=rows), 3).astype(str),
            "arm": np.where(treated, "offer", "nothing"),
            "visit": (rng.random(rows) < p).astype(int).astype(str),
        }
    )


def appointments_task(**changes: Any) -> dict[str, Any]:
    return {
        "name": "appointments",
        "kind": "events",
        "entity": "guest",
        "time": "day",
        "booked": "booked",
        "moment": "eve",
        "group": "place",
        "outcome": {"column": "came", "positive": ["no"]},
        "inputs": {"columns": ["age"]},
        "split": {"test_from": date(2024, 5, 1), "origins": 1},
        **changes,
    }


def members_task(**changes: Any) -> dict[str, Any]:
    return {
        "name": "members",
        "kind": "table",
        "entity": "member",
        "outcome": {"column": "left", "positive": ["Yes"]},
        "inputs": {"columns": "all"},
        "split": {"folds": 3, "repeats": 1},
        **changes,
    }


def purchases_task(**changes: Any) -> dict[str, Any]:
    return {
        "name": "purchases",
        "kind": "log",
        "entity": "customer",
        "time": "date",
        "amounts": ["spend"],
        "none_within_days": 60,
        **changes,
    }


def offers_task(**changes: Any) -> dict[str, Any]:
    return {
        "name": "offers",
        "kind": "experiment",
        "treatment": {"column": "arm", "treated": ["offer"], "control": ["nothing"]},
        "outcome": {"column": "visit", "positive": [1]},
        "inputs": {"number": ["away", "noise"]},
        "split": {"halves": 2},
        "placebo_runs": 1,
        **changes,
    }
