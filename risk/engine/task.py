"""The task file: a prediction problem over a table of any shape, declared in TOML.

`read(path)` returns one of four kinds: events (appointments with an outcome each), log (visits; the
outcome is that none follows), table (a row per entity, no time) and experiment (a randomised
treatment). docs/benchmarks/engine.md describes every field for a stranger. A field that is unknown,
of the wrong type or at odds with another raises TaskError, which names the file, the field, what
was found and what to do.
"""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveInt,
    TypeAdapter,
    ValidationError,
    model_validator,
)

Scalar = bool | int | float | str
Automatic = Literal["lead", "calendar", "history", "others", "load", "group"]
CalendarPart = Literal["weekday", "hour", "day", "month", "week"]


class TaskError(Exception):
    """The task file or its table cannot be used; the message says where, what was found and what
    to do."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(_Part):
    """How the CSV is written. `time_format`: "iso", "unix" (seconds), "days" (a day number), or a
    strptime pattern. `missing`: texts beside the empty one that mean "not known"."""

    separator: str = ","
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"
    time_format: str = "iso"
    missing: tuple[str, ...] = ("NA", "N/A", "NaN", "nan", "NULL", "null", "None")


class Condition(_Part):
    """Rows in which a column of the table, or a built input, lies within the bounds given."""

    column: str
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    equals: Scalar | tuple[Scalar, ...] | None = None
    known: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Condition:
        if all(
            getattr(self, name) is None
            for name in ("above", "at_least", "below", "at_most", "equals", "known")
        ):
            raise ValueError("give above, at_least, below, at_most, equals or known")
        return self


class Slice(_Part):
    """Cases reported apart: all conditions hold."""

    name: str
    where: tuple[Condition, ...] = Field(min_length=1)


class Outcome(_Part):
    """What is predicted: `column` holds one of the `positive` values. Rows with one of `ignore`
    have no outcome. It is known at `known` (a time column) or when the event is over, plus
    `delay_days`. `filled_after` names columns written at or after the outcome: no inputs."""

    column: str
    positive: tuple[Scalar, ...] = Field(min_length=1)
    ignore: tuple[Scalar, ...] = ()
    known: str | None = None
    delay_days: NonNegativeFloat = 0.0
    filled_after: tuple[str, ...] = ()


class Elapsed(_Part):
    """Time from one column to another; either may be "moment", the time of scoring."""

    name: str
    start: str
    end: str = "moment"
    unit: Literal["days", "hours"] = "days"


class Calendar(_Part):
    column: str
    parts: tuple[CalendarPart, ...] = ("weekday", "hour")


class Inputs(_Part):
    """The inputs by kind. `columns` are given a kind by what they hold. `rate`: the share of
    earlier outcomes among rows with the same value. `automatic`: which groups of built inputs are
    added. `rising` and `falling`: inputs that may only raise or lower the chance. `trusted`:
    columns checked by hand that the search for leaks shall let pass."""

    columns: tuple[str, ...] | Literal["all"] = ()
    number: tuple[str, ...] = ()
    count: tuple[str, ...] = ()
    flag: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    elapsed: tuple[Elapsed, ...] = ()
    calendar: tuple[Calendar, ...] = ()
    rate: tuple[str, ...] = ()
    automatic: tuple[Automatic, ...] = ("lead", "calendar", "history", "others", "load", "group")
    exclude: tuple[str, ...] = ()
    rising: tuple[str, ...] = ()
    falling: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Inputs:
        named = [*self.number, *self.count, *self.flag, *self.category]
        if isinstance(self.columns, tuple):
            named += self.columns
        for name in named:
            if named.count(name) > 1:
                raise ValueError(f"{name} is named twice")
            if name in self.exclude:
                raise ValueError(f"{name} is both an input and excluded")
        return self


class History(_Part):
    """Own history once more, over earlier events that meet the conditions only."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    where: tuple[Condition, ...] = Field(min_length=1)


class TimeSplit(_Part):
    """Cases known before `test_from` teach, those scored from then on are the test. Left out: the
    newest quarter. `origins`: further cut-offs, each tested on `origin_days`; a number asks for
    that many, spread over the half before the test."""

    test_from: date | None = None
    test_until: date | None = None
    origins: Annotated[int, Field(ge=0, le=12)] | tuple[date, ...] = 3
    origin_days: PositiveInt | None = None


class SnapshotSplit(_Part):
    """The days on which everybody is looked at. Left out: every `every_days`, the last quarter of
    those whose outcome can be seen being the test."""

    train: tuple[date, ...] = ()
    test: tuple[date, ...] = ()
    every_days: PositiveInt = 30

    @model_validator(mode="after")
    def _both(self) -> SnapshotSplit:
        if bool(self.train) != bool(self.test):
            raise ValueError("give both train and test days, or neither")
        return self


class FoldSplit(_Part):
    """`repeats` times `folds` stratified folds; an entity stays in one fold."""

    folds: Annotated[int, Field(ge=2, le=20)] = 5
    repeats: Annotated[int, Field(ge=1, le=20)] = 2
    seed: int = 7


class HalfSplit(_Part):
    """`halves` random halves: learn on one, measure on the other."""

    halves: Annotated[int, Field(ge=1, le=200)] = 20
    seed: int = 7


class _Task(_Part):
    name: str
    data: Data = Data()
    inputs: Inputs = Inputs()
    where: tuple[Condition, ...] = ()
    slices: tuple[Slice, ...] = ()
    alarm_auc: float | None = Field(default=None, gt=0.5, le=1.0)

    @property
    def times(self) -> tuple[str, ...]:
        """The columns that hold times, apart from inputs found by looking."""
        named = [one.column for one in self.inputs.calendar]
        for one in self.inputs.elapsed:
            named += [column for column in (one.start, one.end) if column != "moment"]
        return tuple(named)


class EventsTask(_Task):
    """A row per event. `time`: when it takes place; `booked`: when it entered the book. `moment`:
    when it is scored: "eve" (midnight before its day), "booking", "start", or so many days before
    its start; never before it was booked. `group`: the place it belongs to."""

    kind: Literal["events"]
    entity: str
    time: str
    booked: str | None = None
    moment: Literal["eve", "booking", "start"] | NonNegativeFloat = "start"
    group: str | None = None
    outcome: Outcome
    history: tuple[History, ...] | None = None
    split: TimeSplit = TimeSplit()

    @model_validator(mode="after")
    def _fits(self) -> EventsTask:
        if self.moment == "booking" and self.booked is None:
            raise ValueError('moment = "booking" needs the column of the booking: booked')
        _no_outcome_as_input(self.outcome, self.inputs)
        return self

    @property
    def times(self) -> tuple[str, ...]:
        more = [name for name in (self.booked, self.outcome.known) if name]
        return (self.time, *more, *super().times)


class LogTask(_Task):
    """A row per visit or purchase. The outcome: none within `none_within_days` after a snapshot.
    Cases are the entities seen by then. `amounts`: numbers of a visit that add up within a day
    (spending, pieces); `inputs`: further columns, as of the last visit."""

    kind: Literal["log"]
    entity: str
    time: str
    amounts: tuple[str, ...] = ()
    group: str | None = None
    none_within_days: PositiveInt
    split: SnapshotSplit = SnapshotSplit()

    @property
    def times(self) -> tuple[str, ...]:
        return (self.time, *super().times)


class TableTask(_Task):
    """A row per entity, nothing known about time."""

    kind: Literal["table"]
    entity: str | None = None
    group: str | None = None
    outcome: Outcome
    split: FoldSplit = FoldSplit()

    @model_validator(mode="after")
    def _fits(self) -> TableTask:
        if self.outcome.known or self.outcome.delay_days:
            raise ValueError("a table without times has no outcome.known or outcome.delay_days")
        _no_outcome_as_input(self.outcome, self.inputs)
        return self


class Treatment(_Part):
    """Who was treated by the toss of a coin. Rows with neither value are left out."""

    column: str
    treated: tuple[Scalar, ...] = Field(min_length=1)
    control: tuple[Scalar, ...] = Field(min_length=1)


class ExperimentTask(_Task):
    """A randomised experiment: whom does the treatment change? `placebo_runs`: how often the whole
    search is repeated with the treatment shuffled, which must find nothing."""

    kind: Literal["experiment"]
    entity: str | None = None
    treatment: Treatment
    outcome: Outcome
    split: HalfSplit = HalfSplit()
    placebo_runs: Annotated[int, Field(ge=0, le=1000)] = 20

    @model_validator(mode="after")
    def _fits(self) -> ExperimentTask:
        _no_outcome_as_input(self.outcome, self.inputs)
        return self


def _no_outcome_as_input(outcome: Outcome, inputs: Inputs) -> None:
    late = {outcome.column, *outcome.filled_after, *([outcome.known] if outcome.known else [])}
    named = {*inputs.number, *inputs.count, *inputs.flag, *inputs.category, *inputs.rate}
    if isinstance(inputs.columns, tuple):
        named.update(inputs.columns)
    for one in inputs.elapsed:
        named.update({one.start, one.end})
    named.update(one.column for one in inputs.calendar)
    for name in sorted(late & named):
        raise ValueError(
            f"{name} is written with or after the outcome and cannot be an input: take it out of "
            "inputs"
        )


Task = EventsTask | LogTask | TableTask | ExperimentTask
_KINDS: dict[str, type[Task]] = {
    "events": EventsTask,
    "log": LogTask,
    "table": TableTask,
    "experiment": ExperimentTask,
}


def read(path: Path) -> Task:
    """Raises TaskError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TaskError(f"{path}: no such task file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TaskError(f"{path}: not readable as TOML: {error}") from error
    return parse(data, source=str(path))


def parse(data: dict[str, Any], *, source: str = "task") -> Task:
    """Raises TaskError."""
    kind = data.get("kind")
    if kind not in _KINDS:
        raise TaskError(f"{source}: kind: found {kind!r}; give one of {', '.join(_KINDS)}.")
    model = _KINDS[kind]
    try:
        # JSON's rules, where a list is a tuple and a TOML date comes as a date already.
        return TypeAdapter[Task](model).validate_python(data)
    except ValidationError as error:
        raise TaskError("\n".join(_told(source, model, one) for one in error.errors())) from error


def _told(source: str, model: type[BaseModel], error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    text = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        known = _fields(model, error["loc"][:-1])
        return f"{source}: {where}: unknown field; known here: {', '.join(known)}."
    if error["type"] == "missing":
        return f"{source}: {where}: this field is needed."
    if error["type"] == "value_error":
        return f"{source}: {where + ': ' if where else ''}{text}."
    return f"{source}: {where}: found {error['input']!r}; {text[0].lower()}{text[1:]}."


def _fields(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """The fields of the part of the model a path leads to."""
    for step in path:
        if not isinstance(step, str) or step not in model.model_fields:
            continue
        found = _part_of(model.model_fields[step].annotation)
        if found is not None:
            model = found
    return list(model.model_fields)


def _part_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _part_of(inner)
        if found is not None:
            return found
    return None
