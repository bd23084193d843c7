"""A built input knows what was known at the moment of scoring, and nothing later."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from risk.engine import table, task
from risk.engine.prepare import problem_of
from risk.engine.problem import Problem
from tests.risk.engine import tables


def prepared(frame: pd.DataFrame, declared: dict) -> Problem:
    read = task.parse(declared)
    return problem_of(read, table.of(frame, read.data))


FEW = pd.DataFrame(
    [
        # guest, day, booked, came
        ("ann", "2024-01-02", "2024-01-01T09:00:00", "no"),
        ("ann", "2024-01-05", "2024-01-01T09:00:00", "yes"),
        ("ann", "2024-01-05", "2024-01-05T08:00:00", "yes"),
        ("ann", "2024-01-09", "2024-01-03T09:00:00", "no"),
        ("ann", "2024-01-20", "2024-01-04T09:00:00", "no"),
        ("bob", "2024-01-05", "2024-01-04T09:00:00", "yes"),
    ],
    columns=["guest", "day", "booked", "came"],
)
MANY = pd.concat([FEW, tables.appointments(400)[FEW.columns]], ignore_index=True)


def columns(**changes: object) -> dict[str, np.ndarray]:
    """Built inputs of the six rows, inside a table large enough to be split."""
    declared = tables.appointments_task(group=None, inputs={}, **changes)
    return {
        name: values[: len(FEW)] for name, values in prepared(MANY, declared).cases.columns.items()
    }


def test_history_counts_only_what_was_known_by_the_eve() -> None:
    found = columns()
    assert found["own_n"].tolist() == [0, 1, 1, 3, 4, 0]
    assert found["own_positives"].tolist() == [0, 1, 1, 1, 2, 0]
    assert found["own_last"][[1, 3, 4]].tolist() == [1, 0, 1]
    assert found["own_streak"].tolist() == [0, 1, 1, -2, 1, 0]
    assert found["own_since"][4] == 11
    assert found["own_since_positive"][3] == 7
    assert np.isnan(found["own_since"][[0, 5]]).all()


def test_an_outcome_that_becomes_known_late_counts_late() -> None:
    late = columns(outcome={"column": "came", "positive": ["no"], "delay_days": 5})
    assert late["own_n"].tolist() == [0, 0, 0, 1, 4, 0]


def test_history_over_bookings_ahead_leaves_the_same_day_out() -> None:
    assert columns()["own_ahead_n"].tolist() == [0, 1, 1, 2, 3, 0]


def test_other_bookings_count_when_they_had_been_made() -> None:
    found = columns()
    # Of the two on the fifth, one was booked that very morning: the eve does not know it.
    assert found["same_day"].tolist() == [0, 0, 1, 0, 0, 0]
    assert found["same_day_ahead"].tolist() == [0, 0, 1, 0, 0, 0]
    assert found["booked_together"].tolist() == [1, 1, 0, 0, 0, 0]
    # On the eve of the second, those of the fifth and (booked on no earlier day) nothing else.
    assert found["open"].tolist() == [1, 2, 3, 1, 0, 0]
    assert found["bookings_before"].tolist() == [1, 3, 4, 4, 4, 0]


def test_the_moment_is_never_before_the_booking() -> None:
    cases = prepared(MANY, tables.appointments_task(group=None, inputs={})).cases
    eve, same_day = cases.moment[1], cases.moment[2]
    assert same_day == pytest.approx(eve + 8 / 24)


def test_scored_when_booked_nothing_after_the_booking_counts() -> None:
    found = columns(moment="booking")
    assert found["own_n"].tolist() == [0, 0, 1, 1, 1, 0]


def test_history_equals_a_plain_count() -> None:
    frame = tables.appointments(500)
    made = prepared(frame, tables.appointments_task())
    cases, events = made.cases, made.events
    assert events is not None
    for row in range(0, len(cases), 7):
        past = (
            (events.entity == events.entity[row])
            & (events.known < events.moment[row])
            & ~np.isnan(events.outcome)
        )
        assert cases.columns["own_n"][row] == past.sum()
        assert cases.columns["own_positives"][row] == events.outcome[past].sum()


def test_a_place_that_misses_more_has_a_higher_rate() -> None:
    frame = tables.appointments(1_500)
    south = frame["place"] == "south"
    rng = np.random.default_rng(1)
    frame.loc[south & (rng.random(len(frame)) < 0.5), "came"] = "no"
    made = prepared(frame, tables.appointments_task())
    rate = made.cases.columns["group_rate"]
    late = made.cases.moment > np.median(made.cases.moment)
    assert rate[late & south.to_numpy()].min() > rate[late & ~south.to_numpy()].max()


def test_events_without_outcome_or_with_an_early_one_are_no_cases_and_are_told() -> None:
    frame = tables.appointments(600)
    frame.loc[:9, "came"] = ""
    frame["told"] = frame["day"]
    frame.loc[20:29, "told"] = "2023-12-01"
    declared = tables.appointments_task(
        outcome={"column": "came", "positive": ["no"], "known": "told"}
    )
    declared["split"] = {"origins": 0}
    made = prepared(frame, declared)
    assert len(made.cases) < 600 - 20 + 1
    assert any(note.startswith("10 rows have no outcome") for note in made.notes)
    assert any("known before their moment" in note for note in made.notes)


def test_cases_before_the_cut_teach_only_if_their_outcome_was_known() -> None:
    declared = tables.appointments_task(
        outcome={"column": "came", "positive": ["no"], "delay_days": 10}
    )
    made = prepared(tables.appointments(), declared)
    for split in made.splits:
        for train, test in split.parts:
            assert made.cases.known[train].max() <= made.cases.moment[test].min()


def test_snapshots_count_visits_up_to_their_day_and_silence_after_it() -> None:
    frame = tables.purchases()
    made = prepared(frame, tables.purchases_task())
    cases = made.cases
    day = (pd.to_datetime(frame["date"]) - pd.Timestamp("1970-01-01")).dt.days.to_numpy()
    names = np.sort(frame["customer"].unique())
    for row in range(0, len(cases), 37):
        mine = day[(frame["customer"] == names[cases.guest[row]]).to_numpy()]
        on = cases.moment[row] - 1
        assert cases.columns["visits"][row] == len(np.unique(mine[mine <= on]))
        assert cases.outcomes["any"][row] == (not ((mine > on) & (mine <= on + 60)).any())
    for train, test in made.splits[0].parts:
        assert cases.known[train].max() <= cases.moment[test].min()


def test_many_rows_take_little_time() -> None:
    frame = tables.appointments(40_000, guests=9_000)
    declared = task.parse(tables.appointments_task())
    read = table.of(frame, declared.data)
    began = time.process_time()
    problem_of(declared, read)
    assert time.process_time() - began < 5
