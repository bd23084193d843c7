"""A prediction problem made of a task and its table: cases, splits and slices, and how columns and
outcomes of the table are read. risk/engine/prepare.py makes one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from risk.engine.additive import Floats
from risk.engine.cases import Cases
from risk.engine.declaration import Declaration, Input
from risk.engine.events import Built, Events
from risk.engine.splits import Split
from risk.engine.table import Mask, Table, holds
from risk.engine.task import (
    Condition,
    Inputs,
    Outcome,
    Task,
    TaskError,
)

# A text column with more levels also gets the rate of earlier outcomes by level.
MANY_LEVELS = 12


@dataclass(frozen=True)
class Problem:
    """`raw`: the names of inputs read straight from the table. `slices` (which cases) and `levels`
    (the texts behind the codes of a category) go by name. `notes` tells of every row, column or
    cut-off left out. Of a task of events also the `events` and, per case, its row among them: the
    search for leaks counts the inputs anew from those (risk/engine/leaks.py)."""

    task: Task
    declaration: Declaration
    cases: Cases
    raw: tuple[str, ...]
    splits: tuple[Split, ...]
    slices: dict[str, Mask]
    levels: dict[str, list[str]]
    notes: tuple[str, ...]
    events: Events | None = None
    case_rows: npt.NDArray[np.intp] | None = None


class Columns:
    """Inputs read straight from the table, by the kinds the task gives or the content shows."""

    def __init__(self, table: Table, inputs: Inputs, taken: set[str]) -> None:
        self.table, self.inputs = table, inputs
        self.taken = taken | set(inputs.exclude)
        self.made: list[Built] = []
        self.levels: dict[str, list[str]] = {}
        self.times: list[str] = []
        self.rates: list[str] = list(inputs.rate)
        self.notes: list[str] = []

    def read(self) -> None:
        inputs = self.inputs
        for name in inputs.exclude:
            self.table.column(name, "inputs.exclude")
        for name in inputs.number:
            self._number(name, "inputs.number")
        for name in inputs.count:
            values = self.table.numbers(name, "inputs.count")
            if (values < 0).any():
                raise TaskError(
                    f"{self.table.source}: inputs.count: column {name!r} has "
                    f"{int((values < 0).sum())} values below 0: declare it under inputs.number, or "
                    "leave those rows out with where."
                )
            self.made.append(Built(name, name, values))
        for name in inputs.flag:
            self.made.append(Built(name, name, self.table.flags(name, "inputs.flag")))
        for name in inputs.category:
            self._category(name, "inputs.category")
        for name in self._to_guess():
            self._guess(name)

    def _to_guess(self) -> list[str]:
        inputs = self.inputs
        named = {*inputs.number, *inputs.count, *inputs.flag, *inputs.category}
        if inputs.columns != "all":
            for name in inputs.columns:
                self.table.column(name, "inputs.columns")
                if name in self.taken:
                    raise TaskError(
                        f"{self.table.source}: inputs.columns: {name!r} is the entity, the outcome "
                        "or written with it: take it out of inputs."
                    )
            unused = [
                name
                for name in self.table.names
                if name not in {*self.taken, *named, *inputs.columns, *inputs.rate}
            ]
            if unused:
                self.notes.append(f"columns of the table that are no inputs: {', '.join(unused)}")
            return [name for name in inputs.columns if name not in named]
        return [name for name in self.table.names if name not in self.taken | named]

    def _guess(self, name: str) -> None:
        text = self.table.column(name, "inputs.columns")
        different = text[text != ""].nunique()
        if different <= 1 and not (text == "").any():
            self.notes.append(f"{name} is the same in every row: left out")
        elif self.table.is_numeric(name):
            values = self.table.numbers(name, "inputs.columns")
            if different == len(text) and bool(np.all(values == np.floor(values))):
                self.notes.append(
                    f"{name} is a different whole number in every row, as an id is: "
                    "left out (name it under inputs.number to keep it)"
                )
                return
            self.made.append(Built(name, name, values))
        elif self.table.is_time(name):
            self.times.append(name)
        elif different > len(text) / 2:
            self.notes.append(
                f"{name} is different in most rows, as an id or free text is: left "
                "out (name it under inputs.category to keep it)"
            )
        else:
            self._category(name, "inputs.columns")
            if different > MANY_LEVELS and name not in self.rates:
                self.rates.append(name)

    def _number(self, name: str, field: str) -> None:
        self.made.append(Built(name, name, self.table.numbers(name, field)))

    def _category(self, name: str, field: str) -> None:
        codes, levels = self.table.categories(name, field)
        self.levels[name] = levels
        self.made.append(Built(name, name, codes, "category"))


def outcome_of(outcome: Outcome, table: Table) -> Floats:
    """1, 0, or NaN where the row has no outcome. Raises TaskError."""
    text = table.column(outcome.column, "outcome.column")
    truth = np.where((text == "").to_numpy(), np.nan, 0.0)
    positive = table.equals(outcome.column, outcome.positive, "outcome.positive")
    truth[positive] = 1.0
    truth[table.equals(outcome.column, outcome.ignore, "outcome.ignore")] = np.nan
    known = ~np.isnan(truth)
    if not known.any():
        raise TaskError(
            f"{table.source}: outcome.column: {outcome.column!r} is empty in every row."
        )
    if not positive.any():
        found = ", ".join(map(repr, sorted(set(text))[:8]))
        raise TaskError(
            f"{table.source}: outcome.positive: none of {list(outcome.positive)} is in "
            f"{outcome.column!r}; it holds {found}."
        )
    if truth[known].all():
        raise TaskError(
            f"{table.source}: outcome.positive: every known row of {outcome.column!r} is positive: "
            "there is nothing to tell apart."
        )
    return truth


def declare(task: Task, made: list[Built]) -> Declaration:
    """The engine's own declaration of these inputs."""
    names = [one.name for one in made]
    for field, wanted in (("rising", task.inputs.rising), ("falling", task.inputs.falling)):
        for name in wanted:
            if name not in names:
                raise TaskError(
                    f"{task.name}: inputs.{field}: {name!r} is no input; there are: "
                    f"{', '.join(names)}."
                )
    return Declaration(
        target=task.name,
        heads=("any",),
        base=0.5,
        inputs=tuple(
            Input(
                name=one.name,
                cause=one.group,
                kind=one.kind,
                direction=(
                    1
                    if one.name in task.inputs.rising
                    else -1
                    if one.name in task.inputs.falling
                    else 0
                ),
            )
            for one in made
        ),
    )


def all_hold(
    conditions: tuple[Condition, ...], table: Table, built: dict[str, Floats], field: str
) -> Mask:
    mask = np.ones(len(table), dtype=bool)
    for condition in conditions:
        mask &= holds(condition, table, built, field)
    return mask
