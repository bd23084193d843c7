"""Cases from a table of events or of entities, and the way to every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from risk.engine import events as events_module
from risk.engine import splits, visits
from risk.engine.additive import Floats
from risk.engine.asof import Ints
from risk.engine.cases import Cases
from risk.engine.events import Built, Events
from risk.engine.problem import Columns, Problem, all_hold, declare, outcome_of
from risk.engine.table import DAY, UNKNOWN, Mask, Seconds, Table
from risk.engine.task import EventsTask, LogTask, Outcome, TableTask, Task, TaskError

# Between these shares of bookings made for the same day, history over the others is counted apart.
SAME_DAY_LEAST, SAME_DAY_MOST = 0.05, 0.95


def problem_of(task: Task, table: Table) -> Problem:
    """Raises TaskError."""
    if isinstance(task, EventsTask):
        return _events(task, table)
    if isinstance(task, TableTask):
        return _table(task, table)
    if isinstance(task, LogTask):
        return visits.prepare(task, table)
    raise TaskError(f"{table.source}: an experiment has no cases to score; see uplift.")


def _elapsed(task: EventsTask | TableTask, table: Table, moment: Seconds | None) -> list[Built]:
    made = []
    for one in task.inputs.elapsed:
        ends = []
        for column in (one.start, one.end):
            if column != "moment":
                ends.append(table.times(column, "inputs.elapsed"))
            elif moment is None:
                raise TaskError(
                    f"{table.source}: inputs.elapsed: {one.name!r} counts to the moment of "
                    "scoring, which a table without times does not have: name two columns."
                )
            else:
                ends.append(moment)
        length = (ends[1] - ends[0]) / (DAY if one.unit == "days" else 3600)
        told = (ends[0] != UNKNOWN) & (ends[1] != UNKNOWN)
        made.append(Built(one.name, one.name, np.where(told, length, np.nan)))
    parts: dict[str, tuple[Callable[[Seconds], Floats], bool]] = {
        "weekday": (events_module.weekday, True),
        "hour": (events_module.hour, False),
        "month": (events_module.month, False),
        "day": (_day_of_month, False),
        "week": (_week, False),
    }
    for calendar in task.inputs.calendar:
        seconds = table.times(calendar.column, "inputs.calendar")
        for part in calendar.parts:
            make, category = parts[part]
            values = np.where(seconds == UNKNOWN, np.nan, make(np.maximum(seconds, 0)))
            kind: Any = "category" if category else "number"
            made.append(Built(f"{part} of {calendar.column}", calendar.column, values, kind))
    return made


def _day_of_month(seconds: Seconds) -> Floats:
    days = (seconds // DAY).astype("datetime64[D]")
    since: Floats = (days - days.astype("datetime64[M]")).astype(np.float64)
    return since + 1


def _week(seconds: Seconds) -> Floats:
    """Week of the year, 1 to 53, the first seven days being week 1."""
    days = (seconds // DAY).astype("datetime64[D]")
    since: Floats = (days - days.astype("datetime64[Y]")).astype(np.float64)
    return np.floor(since / 7) + 1


def _has_hours(seconds: Seconds) -> bool:
    return bool((seconds[seconds != UNKNOWN] % DAY).any())


def _events(task: EventsTask, table: Table) -> Problem:
    notes: list[str] = []
    entity = table.codes(task.entity, "entity")
    time = table.known_times(task.time, "time")
    outcome = outcome_of(task.outcome, table)
    with_hours = _has_hours(time)
    over = time if with_hours else time + DAY - 1
    booked, lead, booked_with_hours = None, None, False
    if task.booked is not None:
        told = table.times(task.booked, "booked")
        booked_with_hours = _has_hours(told)
        late = (told != UNKNOWN) & (told > over)
        lead = (time // DAY - told // DAY).astype(np.float64)
        lead[told == UNKNOWN] = np.nan
        if late.any():
            notes.append(f"{int(late.sum())} rows were booked after the event")
        # Where nobody noted the booking it counts as made just before the event.
        booked = np.where((told == UNKNOWN) | late, time, told)
    moment = _moment(task, time, booked)
    known = _known(task.outcome, table, over)

    columns = Columns(table, task.inputs, _taken(task))
    columns.read()
    made = [*columns.made, *_elapsed(task, table, moment)]
    for name in columns.times:
        since = table.times(name, "inputs.columns")
        days = np.where(since == UNKNOWN, np.nan, (moment - since) / DAY)
        made.append(Built(f"days since {name}", name, days))
    raw = tuple(one.name for one in made)
    plain = {one.name: one.values for one in made}
    if lead is not None:
        plain["lead_days"] = lead
    events = Events(
        entity=entity,
        time=time,
        over=over,
        moment=moment,
        known=known,
        outcome=outcome,
        booked=booked,
        lead=lead,
        group=None if task.group is None else table.codes(task.group, "group"),
        values={name: table.codes(name, "inputs.rate") for name in columns.rates},
        parts=_parts(task, table, plain, lead),
        with_hours=with_hours,
        booked_with_hours=booked_with_hours,
    )
    made += events_module.features(events, task.inputs.automatic)
    built = {one.name: one.values for one in made}

    keep = _counted(~np.isnan(outcome), "have no outcome: history only", notes)
    keep &= _counted(
        moment < known, "have an outcome known before their moment: history only", notes
    )
    keep &= _counted(all_hold(task.where, table, built, "where"), "left out by where", notes)
    rows = np.flatnonzero(keep)
    if not len(rows):
        raise TaskError(f"{table.source}: where: no row is left to score.")
    cases = Cases(
        columns={name: values[rows] for name, values in built.items()},
        outcomes={"any": outcome[rows]},
        moment=moment[rows] / DAY,
        known=known[rows] / DAY,
        guest=entity[rows],
        location=np.zeros(len(rows), dtype=np.int64)
        if events.group is None
        else events.group[rows],
    )
    slices = {
        one.name: all_hold(one.where, table, built, f"slices.{one.name}")[rows]
        for one in task.slices
    }
    return Problem(
        task=task,
        declaration=declare(task, made),
        cases=cases,
        raw=raw,
        splits=tuple(splits.by_time(cases, task.split, table.source, notes)),
        slices=slices,
        levels=columns.levels,
        notes=(*notes, *columns.notes),
        events=events,
        case_rows=rows,
    )


def _counted(holding: Mask, what: str, notes: list[str]) -> Mask:
    if not holding.all():
        notes.append(f"{int((~holding).sum())} rows {what}")
    return holding


def _taken(task: Task) -> set[str]:
    """Columns that are no inputs of their own."""
    taken: set[str | None] = {task.entity}
    if isinstance(task, EventsTask):
        taken |= {task.time, task.booked}
    if not isinstance(task, LogTask):
        taken |= {task.outcome.column, task.outcome.known, *task.outcome.filled_after}
    return {name for name in taken if name is not None}


def _moment(task: EventsTask, time: Seconds, booked: Seconds | None) -> Seconds:
    """When each event is scored: as declared, but never before it was booked."""
    if task.moment == "booking":
        assert booked is not None  # the task says so
        return booked
    if task.moment == "eve":
        moment = time // DAY * DAY
    elif task.moment == "start":
        moment = time
    else:
        moment = time - int(float(task.moment) * DAY)
    return moment if booked is None else np.maximum(moment, booked)


def _known(outcome: Outcome, table: Table, over: Seconds) -> Seconds:
    """When each outcome was known: a day without hours counts as its end."""
    known = over
    if outcome.known is not None:
        told = table.times(outcome.known, "outcome.known")
        whole_days = 0 if _has_hours(told) else DAY - 1
        known = np.where(told == UNKNOWN, over, told + whole_days)
    return known + int(outcome.delay_days * DAY)


def _parts(
    task: EventsTask, table: Table, built: dict[str, Floats], lead: Floats | None
) -> dict[str, Mask]:
    """The rows a further own history is counted over."""
    if task.history is not None:
        return {
            one.name: all_hold(one.where, table, built, f"history.{one.name}")
            for one in task.history
        }
    if lead is None:
        return {}
    ahead = lead >= 1
    if not SAME_DAY_LEAST <= 1 - ahead.mean() <= SAME_DAY_MOST:
        return {}
    return {"ahead": ahead}


def _table(task: TableTask, table: Table) -> Problem:
    outcome = outcome_of(task.outcome, table)
    columns = Columns(table, task.inputs, _taken(task))
    columns.read()
    made = [*columns.made, *_elapsed(task, table, None)]
    if columns.times:
        columns.notes.append(
            f"times that are no inputs (declare inputs.elapsed or inputs.calendar): "
            f"{', '.join(columns.times)}"
        )
    if not made:
        raise TaskError(
            f"{table.source}: inputs: no column is an input: name some under inputs.columns."
        )
    built = {one.name: one.values for one in made}
    notes: list[str] = []
    keep = _counted(~np.isnan(outcome), "have no outcome: left out", notes)
    keep &= _counted(all_hold(task.where, table, built, "where"), "left out by where", notes)
    rows = np.flatnonzero(keep)
    if not len(rows):
        raise TaskError(f"{table.source}: where: no row is left to score.")
    entity = np.arange(len(table)) if task.entity is None else table.codes(task.entity, "entity")
    group: Ints = (
        np.zeros(len(table), dtype=np.int64)
        if task.group is None
        else table.codes(task.group, "group")
    )
    cases = Cases(
        columns={name: values[rows] for name, values in built.items()},
        outcomes={"any": outcome[rows]},
        moment=np.zeros(len(rows)),
        known=np.zeros(len(rows)),
        guest=entity[rows].astype(np.int64),
        location=group[rows],
    )
    return Problem(
        task=task,
        declaration=declare(task, made),
        cases=cases,
        raw=tuple(built),
        splits=tuple(splits.by_fold(cases, task.split, table.source)),
        slices={
            one.name: all_hold(one.where, table, built, f"slices.{one.name}")[rows]
            for one in task.slices
        },
        levels=columns.levels,
        notes=(*notes, *columns.notes),
    )
