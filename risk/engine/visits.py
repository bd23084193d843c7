"""Cases from a visit log: everybody seen by a snapshot, and whether they came again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from risk.engine import habits, splits
from risk.engine.additive import Floats
from risk.engine.asof import Facts
from risk.engine.cases import Cases
from risk.engine.events import Built
from risk.engine.problem import Columns, Problem, all_hold, declare
from risk.engine.table import DAY, Seconds, Table
from risk.engine.task import LogTask, TaskError

# The first snapshot waits until the log is so many horizons long.
FIRST_SNAPSHOT_HORIZONS = 1.0


def prepare(task: LogTask, table: Table) -> Problem:
    """Raises TaskError."""
    entity = table.codes(task.entity, "entity")
    time = table.known_times(task.time, "time")
    day = (time // DAY).astype(np.float64)
    amounts = {name: table.numbers(name, "amounts") for name in task.amounts}
    for name, values in amounts.items():
        if np.isnan(values).any():
            raise TaskError(
                f"{table.source}: amounts: {name!r} is not known in {int(np.isnan(values).sum())} "
                "rows: leave those rows out, or the column."
            )
    columns = Columns(table, task.inputs, {task.entity, task.time, *task.amounts})
    columns.read()
    snapshots = _snapshots(task, day, table.source)
    latest = Facts(entity, time)
    found: list[dict[str, Floats]] = []
    guests, silences, outcomes, moments, rows = [], [], [], [], []
    for on in snapshots:
        names, made = habits.habit_inputs(
            entity, day, until=on, horizon=float(task.none_within_days), amounts=amounts
        )
        came = np.unique(entity[(day > on) & (day <= on + task.none_within_days)])
        last = latest.order[latest.before(names, _end_of(on, len(names)), also_at=True) - 1]
        found.append({**made, **{one.name: one.values[last] for one in columns.made}})
        guests.append(names)
        silences.append(on - day[last])
        outcomes.append(1.0 - np.isin(names, came))
        moments.append(np.full(len(names), on + 1.0))
        rows.append(last)
    made_columns = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
    kinds = {one.name: one for one in columns.made}
    built = [
        replace(kinds[name], values=values) if name in kinds else Built(name, _group(name), values)
        for name, values in made_columns.items()
    ]
    moment = np.concatenate(moments)
    row = np.concatenate(rows)
    group = None if task.group is None else table.codes(task.group, "group")[row]
    at_last = table.take(row)
    plain = {**made_columns, "silent_days": np.concatenate(silences)}
    keep = all_hold(task.where, at_last, plain, "where")
    notes = [*columns.notes]
    if not keep.all():
        notes.append(f"{int((~keep).sum())} of {len(keep)} cases left out by where")
    if not keep.any():
        raise TaskError(f"{table.source}: where: no case is left to score.")
    cases = Cases(
        columns=made_columns,
        outcomes={"any": np.concatenate(outcomes)},
        moment=moment,
        known=moment + task.none_within_days,
        guest=np.concatenate(guests),
        location=np.zeros(len(row), dtype=np.int64) if group is None else group,
    ).where(keep)
    return Problem(
        task=task,
        declaration=declare(task, built),
        cases=cases,
        raw=(*kinds, *(name for name in made_columns if name in habits.TOTALS)),
        splits=tuple(splits.by_snapshot(cases, task.split, table.source)),
        slices={
            one.name: all_hold(one.where, at_last, plain, f"slices.{one.name}")[keep]
            for one in task.slices
        },
        levels=columns.levels,
        notes=tuple(notes),
    )


def _end_of(on: float, count: int) -> Seconds:
    return np.full(count, int(on + 1) * DAY - 1, dtype=np.int64)


def _group(name: str) -> str:
    """Inputs kept or dropped together."""
    return "totals" if name in habits.TOTALS else name.split("_")[0]


def _snapshots(task: LogTask, day: Floats, source: str) -> list[float]:
    """Days looked at, ascending: each with its horizon inside the log. A snapshot is the end of
    its day; its cases are scored the next midnight."""
    first, last = float(day.min()), float(day.max())
    horizon = float(task.none_within_days)
    if task.split.test:
        days = sorted({splits.day_number(on) for on in (*task.split.train, *task.split.test)})
        for one in days:
            if not first <= one <= last - horizon:
                raise TaskError(
                    f"{source}: split: the snapshot {splits.day_text(one)} needs visits from "
                    f"before it and {task.none_within_days} days after it; the log runs from "
                    f"{splits.day_text(first)} to {splits.day_text(last)}."
                )
        return days
    start = first + FIRST_SNAPSHOT_HORIZONS * horizon
    back = np.arange(last - horizon, start, -float(task.split.every_days))
    days = [float(day) for day in back[::-1]]
    if len(days) < 3 or days[-1] - days[0] < horizon:
        raise TaskError(
            f"{source}: split: the log runs from {splits.day_text(first)} to "
            f"{splits.day_text(last)}, too short for snapshots every {task.split.every_days} days "
            f"with {task.none_within_days} days after each: shorten none_within_days or every_days."
        )
    return days
