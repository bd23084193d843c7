"""A task that cannot be meant is refused with the field, what was found and what to do."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from risk.engine import problem, table, task
from risk.engine.prepare import problem_of
from risk.engine.task import TaskError
from tests.risk.engine import tables


def prepare(declared: dict[str, Any], frame: pd.DataFrame) -> problem.Problem:
    read = task.parse(declared, source="t.toml")
    return problem_of(read, table.of(frame, read.data, source="t.csv"))


OUTCOME = {"column": "came", "positive": ["no"]}
BAD_TASKS = {
    "unknown field": ({"entiti": "x"}, r"t\.toml: entiti: unknown field; known here: .*entity"),
    "unknown field inside": (
        {"outcome": {**OUTCOME, "positiv": ["x"]}},
        r"outcome\.positiv: unknown field; known here: column, positive",
    ),
    "kind": ({"kind": "event"}, r"kind: found 'event'; give one of events, log"),
    "moment": ({"moment": "yesterday"}, r"moment.*found 'yesterday'"),
    "booking without its time": (
        {"moment": "booking", "booked": None},
        r"needs the column of the booking: booked",
    ),
    "outcome as input": (
        {"inputs": {"category": ["came"]}},
        r"came is written with or after the outcome and cannot be an input",
    ),
    "column of the time after": (
        {"outcome": {**OUTCOME, "filled_after": ["reason"]}, "inputs": {"category": ["reason"]}},
        r"reason is written with or after the outcome",
    ),
    "input named twice": (
        {"inputs": {"number": ["age"], "category": ["age"]}},
        r"age is named twice",
    ),
    "input excluded": (
        {"inputs": {"number": ["age"], "exclude": ["age"]}},
        r"age is both an input and excluded",
    ),
    "no positive value": ({"outcome": {"column": "came", "positive": []}}, r"outcome\.positive"),
    "condition without bound": ({"where": [{"column": "age"}]}, r"give above, at_least"),
}


@pytest.mark.parametrize(("changes", "told"), BAD_TASKS.values(), ids=BAD_TASKS.keys())
def test_a_task_that_cannot_be_meant_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        task.parse(tables.appointments_task(**changes), source="t.toml")


def test_a_missing_field_is_named() -> None:
    declared = tables.appointments_task()
    del declared["time"]
    with pytest.raises(TaskError, match=r"t\.toml: time: this field is needed"):
        task.parse(declared, source="t.toml")


def test_text_that_is_no_toml_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text('name = "x"\nkind =\n')
    with pytest.raises(TaskError, match=r"not readable as TOML: .*line 2"):
        task.read(file)


BAD_TABLES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no such column": ({"entity": "client"}, {}, r"entity: no column 'client'; the table has: gu"),
    "no number": (
        {"inputs": {"number": ["age"]}},
        {"age": "old"},
        r"inputs\.number: column 'age', row 5: 'old' is no number.*data\.missing \(1 such",
    ),
    "no flag": ({"inputs": {"flag": ["place"]}}, {}, r"neither yes nor no. Declare .* category"),
    "negative count": ({"inputs": {"count": ["age"]}}, {"age": "-1"}, r"1 values below 0"),
    "no time": ({}, {"day": "1/2/24"}, r"time: column 'day', row 5: '1/2/24' does not read"),
    "time not known": ({}, {"day": ""}, r"every row needs one"),
    "other words": (
        {"outcome": {"column": "came", "positive": ["No-show"]}},
        {},
        r"outcome\.positive: none of \['No-show'\] is in 'came'; it holds 'no', 'yes'",
    ),
    "always positive": (
        {"outcome": {"column": "came", "positive": ["no", "yes"]}},
        {},
        r"every known row of 'came' is positive",
    ),
    "cut-off outside": (
        {"split": {"test_from": date(2025, 1, 1)}},
        {},
        r"split\.test_from: 2025-01-01 is outside the cases, which are scored from 2024-01-01",
    ),
    "origin outside": (
        {"split": {"test_from": date(2024, 5, 1), "origins": [date(2023, 1, 1)]}},
        {},
        r"split\.origins: 2023-01-01 is outside",
    ),
    "nothing left": ({"where": [{"column": "age", "above": 500}]}, {}, r"where: no row is left"),
    "unknown direction": ({"inputs": {"rising": ["ages"]}}, {}, r"rising: 'ages' is no input"),
}


@pytest.mark.parametrize(("changes", "cells", "told"), BAD_TABLES.values(), ids=BAD_TABLES.keys())
def test_a_table_that_does_not_fit_is_refused(
    changes: dict[str, Any], cells: dict[str, str], told: str
) -> None:
    frame = tables.appointments(400)
    for name, text in cells.items():
        frame.loc[3, name] = text
    with pytest.raises(TaskError, match=told):
        prepare(tables.appointments_task(**changes), frame)


def test_an_empty_outcome_is_refused() -> None:
    frame = tables.appointments(400)
    frame["came"] = ""
    with pytest.raises(TaskError, match="is empty in every row"):
        prepare(tables.appointments_task(), frame)


def test_a_log_too_short_for_its_horizon_is_refused() -> None:
    frame = tables.purchases(100, days=100)
    with pytest.raises(TaskError, match="shorten none_within_days"):
        prepare(tables.purchases_task(none_within_days=90), frame)


def test_a_snapshot_whose_outcome_the_log_cannot_show_is_refused() -> None:
    split = {"train": [date(2024, 6, 1)], "test": [date(2025, 2, 20)]}
    with pytest.raises(TaskError, match=r"2025-02-20 needs visits .* 60 days after it"):
        prepare(tables.purchases_task(split=split), tables.purchases())


def test_columns_get_the_kind_their_content_shows() -> None:
    frame = tables.members()
    frame["id"] = [str(9_000 + number) for number in range(len(frame))]
    frame["country"] = "AT"
    made = prepare(tables.members_task(), frame)
    assert {one.name: one.kind for one in made.declaration.inputs} == {
        "months": "number",
        "plan": "category",
        "paperless": "category",
    }
    assert any(note.startswith("id is a different whole number") for note in made.notes)
    assert any(note.startswith("country is the same") for note in made.notes)


def test_entity_time_outcome_alone_give_history_lead_and_calendar() -> None:
    declared = {
        "name": "bare",
        "kind": "events",
        "entity": "guest",
        "time": "day",
        "booked": "booked",
        "outcome": OUTCOME,
        "inputs": {"columns": "all"},
    }
    made = prepare(declared, tables.appointments())
    names = {one.name for one in made.declaration.inputs}
    assert names >= {"lead_days", "weekday", "own_rate", "own_ahead_rate", "same_day", "age"}
    assert sum(split.headline for split in made.splits) == 1
    assert len(made.splits) == 4


def test_every_declared_task_of_the_project_reads() -> None:
    files = sorted(Path("benchmarks/tasks").glob("*.toml"))
    assert len(files) >= 3
    for file in files:
        assert task.read(file).name


def test_the_example_of_the_documentation_reads() -> None:
    text = Path("docs/benchmarks/engine.md").read_text()
    example = text.split("```toml\n")[1].split("```")[0]
    rng = pd.Series(range(400))
    frame = pd.DataFrame(
        {
            "client": "C" + (rng % 40).astype(str),
            "treatment": (rng % 3).map({0: "massage", 1: "facial", 2: "peel"}),
            "starts": [f"2025-0{1 + day // 100}-{1 + day // 4 % 25:02d} 10:30" for day in rng],
            "made": "2024-12-24 18:12",
            "branch": (rng % 2).map({0: "north", 1: "south"}),
            "first_visit": (rng % 5 == 0).map({True: "yes", False: "no"}),
            "price": (rng % 7 * 10 + 40).astype(str),
            "status": (rng % 11).map(lambda n: {0: "no-show", 1: "cancelled"}.get(n, "attended")),
            "cancelled_at": "",
        }
    )
    made = prepare(tomllib.loads(example), frame)
    kinds = {one.name: one.kind for one in made.declaration.inputs}
    assert kinds["treatment"] == kinds["first_visit"] == "category"
    assert kinds["price"] == kinds["lead_hours"] == kinds["group_rate"] == "number"
    assert "cancelled_at" not in kinds
    assert len(made.cases) == 400 - (rng % 11 == 1).sum()


@pytest.mark.parametrize(
    ("cells", "positive"),
    [({"no": "1", "yes": "0"}, 1), ({"no": "1.0", "yes": "0.0"}, 1), ({"no": "False"}, False)],
)
def test_a_positive_value_is_found_however_it_is_written(
    cells: dict[str, str], positive: Any
) -> None:
    frame = tables.appointments(400)
    missed = int((frame["came"] == "no").sum())
    frame["came"] = frame["came"].replace(cells)
    declared = tables.appointments_task(outcome={"column": "came", "positive": [positive]})
    assert prepare(declared, frame).cases.outcomes["any"].sum() == missed
