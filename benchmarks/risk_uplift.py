"""The experiment kind of benchmarks/risk.py: whom does a randomised contact change?

Learned on one random half and measured on the other, as often as the task says, beside the response
model and each learner alone; then the same with the contact drawn anew, where nothing must be
found.
"""

from __future__ import annotations

import numpy as np

from risk.engine import halves
from risk.engine.problem import Columns, all_hold, outcome_of
from risk.engine.table import Table
from risk.engine.task import ExperimentTask, TaskError

MEASURES = ("qini", "qini_normalised", "uplift_top_10", "uplift_top_30")


def run(task: ExperimentTask, table: Table) -> dict[str, object]:
    """Raises TaskError."""
    outcome = outcome_of(task.outcome, table)
    treated = table.equals(task.treatment.column, task.treatment.treated, "treatment.treated")
    control = table.equals(task.treatment.column, task.treatment.control, "treatment.control")
    for field, arm in (("treated", treated), ("control", control)):
        if not arm.any():
            found = sorted(set(table.column(task.treatment.column, "treatment.column")))[:8]
            raise TaskError(
                f"{table.source}: treatment.{field}: no row has it; {task.treatment.column!r} "
                f"holds {', '.join(map(repr, found))}."
            )
    if (treated & control).any():
        raise TaskError(f"{table.source}: treatment: a value is both treated and control.")
    taken = {task.treatment.column, task.outcome.column, *task.outcome.filled_after}
    columns = Columns(table, task.inputs, taken | ({task.entity} if task.entity else set()))
    columns.read()
    if not columns.made:
        raise TaskError(f"{table.source}: inputs: no column is an input.")
    built = {one.name: one.values for one in columns.made}
    rows = (treated | control) & ~np.isnan(outcome)
    rows &= all_hold(task.where, table, built, "where")
    inputs = {name: values[rows] for name, values in built.items()}
    categories = [one.name for one in columns.made if one.kind == "category"]
    person = None if task.entity is None else table.codes(task.entity, "entity")[rows]
    found = halves.evaluate(
        inputs,
        treated[rows].astype(float),
        outcome[rows],
        categories=categories,
        person=person,
        halves=task.split.halves,
        seed=task.split.seed,
    )
    result: dict[str, object] = {
        "task": task.name,
        "kind": task.kind,
        "rows": len(table),
        "cases": int(rows.sum()),
        "inputs": [{"name": one.name, "kind": one.kind} for one in columns.made],
        "notes": columns.notes,
        "uplift": found,
    }
    if task.placebo_runs:
        result["placebo"] = halves.shuffled(
            inputs,
            treated[rows].astype(float),
            outcome[rows],
            categories=categories,
            runs=task.placebo_runs,
            seed=task.split.seed,
        )
    return result


def results(result: dict) -> list[dict[str, object]]:
    """A row per ranking, as the other kinds have a row per model."""
    return [
        {
            "split": f"{result['uplift']['halves']} halves",
            "headline": True,
            "slice": "all",
            "model": "Tenure" if name == "ours" else name,
            **{measure: values[measure]["mean"] for measure in MEASURES},
            **{f"{measure}_sd": values[measure]["sd"] for measure in MEASURES},
        }
        for name, values in result["uplift"]["rankings"].items()
    ]


def show(result: dict) -> None:
    found = result["uplift"]
    print(f"{result['task']}: {result['rows']} rows, {result['cases']} in the two arms")
    for note in result["notes"]:
        print(f"  note: {note}")
    print(f"  {found['sentence']}")
    print(f"  verdicts of {found['halves']} halves: {found['verdicts']}, chosen: {found['chosen']}")
    if "placebo" in result:
        print(f"  contact drawn anew: {result['placebo']}")
    print(f"\n{'ranking':42s}" + "".join(f"{name:>17s}" for name in MEASURES))
    for row in results(result):
        print(f"{row['model']:42s}" + "".join(f"{row[name]:17.4f}" for name in MEASURES))
