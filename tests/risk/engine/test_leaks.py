"""Inputs that know the future are found, and honest ones pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk.engine import events, habits, leaks, table, task
from risk.engine.events import Events
from risk.engine.prepare import problem_of
from risk.engine.problem import Problem
from tests.risk.engine import tables


def prepared(frame: pd.DataFrame, declared: dict[str, Any]) -> Problem:
    read = task.parse(declared)
    return problem_of(read, table.of(frame, read.data))


@pytest.fixture(scope="module")
def honest() -> Problem:
    return prepared(tables.appointments(), tables.appointments_task())


def planted(honest: Problem, make: Any) -> list[leaks.Leak]:
    assert honest.events is not None
    assert honest.case_rows is not None
    return leaks.taken_back(lambda e: {"planted": make(e)}, honest.events, honest.case_rows)


def own_rate_over_all_rows(e: Events) -> np.ndarray:
    known = ~np.isnan(e.outcome)
    rows = np.bincount(e.entity[known], minlength=e.entity.max() + 1)
    positive = np.bincount(e.entity[known], e.outcome[known], minlength=e.entity.max() + 1)
    return (positive / np.maximum(rows, 1))[e.entity]


def bookings_of_the_day_as_they_ended_up(e: Events) -> np.ndarray:
    return np.unique(e.time, return_inverse=True, return_counts=True)[2][
        np.unique(e.time, return_inverse=True)[1]
    ].astype(float)


def test_built_inputs_pass(honest: Problem) -> None:
    assert leaks.check(honest) == []


@pytest.mark.parametrize("make", [own_rate_over_all_rows, bookings_of_the_day_as_they_ended_up])
def test_an_input_counted_over_all_rows_is_found(honest: Problem, make: Any) -> None:
    (found,) = planted(honest, make)
    assert "knows what came later" in found.why


def test_history_that_forgets_the_delay_of_outcomes_is_found() -> None:
    late = tables.appointments_task(
        outcome={"column": "came", "positive": ["no"], "delay_days": 14}
    )
    made = prepared(tables.appointments(), late)

    def as_if_known_at_once(e: Events) -> np.ndarray:
        hasty = events.replace(e, known=e.known - 14 * 86_400)
        return next(
            one.values for one in events.features(hasty, ["history"]) if one.name == "own_positives"
        )

    assert planted(made, as_if_known_at_once)
    assert leaks.check(made) == []


def check(frame: pd.DataFrame, *columns: str, **inputs: Any) -> list[leaks.Leak]:
    declared = tables.appointments_task(inputs={"columns": ["age", *columns], **inputs})
    return leaks.check(prepared(frame, declared))


def test_columns_made_from_the_outcome_are_found() -> None:
    frame = tables.appointments()
    missed = frame["came"] == "no"
    rng = np.random.default_rng(1)
    frame["copy"] = missed.map({True: "1", False: "0"})
    frame["reason"] = np.where(missed & (rng.random(len(frame)) < 0.4), "ill", "")
    frame["rate"] = missed.groupby(frame["guest"]).transform("mean").astype(str)
    frame["smoothed"] = (
        missed.groupby(frame["guest"]).transform("sum").add(1)
        / missed.groupby(frame["guest"]).transform("size").add(7)
    ).astype(str)
    frame["nearly"] = (missed + rng.normal(0, 0.2, len(frame))).round(3).astype(str)
    found = {
        leak.name: leak.why
        for leak in check(frame, "rate", "smoothed", "nearly", "copy", category=["reason"])
    }
    assert found.keys() == {"copy", "reason", "rate", "smoothed", "nearly"}
    assert found["copy"] == "is the outcome itself"
    assert "always positive" in found["reason"]
    assert "summed up per entity" in found["rate"]
    assert "summed up per entity" in found["smoothed"]
    assert "tells the outcome apart" in found["nearly"]


def test_honest_columns_of_guests_and_places_pass() -> None:
    frame = tables.appointments()
    rng = np.random.default_rng(1)
    guests = {guest: str(rng.integers(0, 9)) for guest in frame["guest"].unique()}
    frame["loyalty"] = frame["guest"].map(guests)
    frame["size"] = frame["place"].map({"north": "3", "south": "8"})
    frame["rare"] = np.where(rng.random(len(frame)) < 0.01, "vip", "")
    assert check(frame, "loyalty", "size", category=["rare"]) == []


def test_a_trusted_column_passes() -> None:
    frame = tables.appointments()
    frame["copy"] = (frame["came"] == "no").astype(int).astype(str)
    assert check(frame, "copy")
    assert check(frame, "copy", trusted=["copy"]) == []


def test_the_refusal_names_every_leak_and_the_remedy() -> None:
    with pytest.raises(leaks.LeakError, match=r"(?s)t\.toml.*copy: is the outcome.*inputs.exclude"):
        leaks.refuse([leaks.Leak("copy", "is the outcome itself")], "t.toml")
    leaks.refuse([], "t.toml")


def test_inputs_of_a_visit_log_are_the_same_without_the_visits_to_come() -> None:
    frame = tables.purchases(120)
    guest = pd.factorize(frame["customer"])[0]
    day = (pd.to_datetime(frame["date"]) - pd.Timestamp("1970-01-01")).dt.days.to_numpy(float)
    until = float(np.quantile(day, 0.6))
    seen = day <= until
    names, whole = habits.habit_inputs(guest, day, until=until, horizon=60)
    again, past = habits.habit_inputs(guest[seen], day[seen], until=until, horizon=60)
    assert np.array_equal(names, again)
    for name, values in whole.items():
        np.testing.assert_allclose(values, past[name], rtol=1e-9, err_msg=name)


def test_the_share_of_positives_of_a_place_over_all_rows_is_found() -> None:
    rng = np.random.default_rng(1)
    place = rng.integers(0, 30, 3_000)
    truth = (rng.random(3_000) < 0.1 + 0.01 * place).astype(float)
    share = (np.bincount(place, truth) / np.bincount(place))[place]
    assert leaks.sums_up(share, truth, place)
    assert not leaks.sums_up(place.astype(float), truth, place)
