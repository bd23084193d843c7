"""The risk engine on a table of any shape, beside its rivals, on the same splits.

`python -m benchmarks.risk --task FILE.toml --data FILE.csv.gz [--out FILE.json] [--engine-only]`

Needs no database. docs/benchmarks/engine.md describes the task file, the splits and what is
printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt

from benchmarks import risk_uplift, rivals
from risk.engine import leaks, metrics, table, task, training
from risk.engine.declaration import Declaration, Input
from risk.engine.prepare import problem_of
from risk.engine.problem import Problem
from risk.engine.splits import LEAST_TEST, Split

Floats = npt.NDArray[np.float64]
ENGINE = "Tenure"
BUILT, RAW = "built", "raw columns"
LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy", "lightgbm", "xgboost-cpu", "catboost")


@dataclass(frozen=True)
class Answers:
    """One model's chances on the test rows of one split, and the seconds it took."""

    p: Floats
    fit_s: float
    predict_s: float
    report: list[dict[str, Any]]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--engine-only", action="store_true", help="leave the rivals out")
    options = parser.parse_args(arguments)
    try:
        result = run(options.task, options.data, engine_only=options.engine_only)
    except task.TaskError as error:
        print(error, file=sys.stderr)
        return 2
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    show(result)
    return 0


def run(task_file: Path, data_file: Path, *, engine_only: bool = False) -> dict[str, Any]:
    """Everything measured, ready for JSON. Raises TaskError."""
    began = time.perf_counter()
    declared = task.read(task_file)
    read = table.read(data_file, declared.data)
    if isinstance(declared, task.ExperimentTask):
        found = risk_uplift.run(declared, read)
        return {**found, "libraries": versions(), "results": risk_uplift.results(found)}
    prepared = problem_of(declared, read)
    cases = prepared.cases
    seconds = {"inputs": round(time.perf_counter() - began, 2)}
    began = time.perf_counter()
    leaks.refuse(leaks.check(prepared), str(data_file))
    seconds["search for leaks"] = round(time.perf_counter() - began, 2)
    result: dict[str, Any] = {
        "task": declared.name,
        "kind": declared.kind,
        "rows": len(read),
        "cases": len(cases),
        "positives": int(cases.outcomes["any"].sum()),
        "inputs": [
            {"name": one.name, "group": one.cause, "kind": one.kind}
            for one in prepared.declaration.inputs
        ],
        "notes": list(prepared.notes),
        "libraries": versions(),
        "not_installed": [] if engine_only else rivals.missing(),
        "machine": platform.machine(),
        "seconds": seconds,
        "results": [],
        "engine": {},
        "alarms": [],
    }
    for name in result["not_installed"]:
        print(f"{name} is not installed: its rows are left out (make bench-risk installs it)",
              file=sys.stderr)  # fmt: skip
    for split in prepared.splits:
        for model, inputs, answer in _answers(prepared, split, engine_only or not split.headline):
            if model == ENGINE:
                result["engine"][split.name] = answer.report
            result["results"] += list(_judged(prepared, split, model, inputs, answer))
    result["alarms"] = _alarms(prepared, result["results"])
    return result


def _answers(
    prepared: Problem, split: Split, engine_only: bool
) -> Iterator[tuple[str, str, Answers]]:
    """Each model in turn. Cut-offs beside the headline compare with two quick rivals only."""
    yield ENGINE, BUILT, _asked(prepared, split, list(prepared.declaration.inputs), None)
    if engine_only and split.headline:
        return
    quick = ("base rate", "HistGradientBoosting, small")
    absent = rivals.missing()
    for inputs_name in (BUILT, RAW):
        inputs = [
            one
            for one in prepared.declaration.inputs
            if inputs_name == BUILT or one.name in prepared.raw
        ]
        if not inputs or (inputs_name == RAW and len(inputs) == len(prepared.declaration.inputs)):
            continue
        for name, (library, fit) in rivals.RIVALS.items():
            if library in absent or (engine_only and (name not in quick or inputs_name == RAW)):
                continue
            yield name, inputs_name, _asked(prepared, split, inputs, fit)


def _asked(prepared: Problem, split: Split, inputs: list[Input], fit: rivals.Fit | None) -> Answers:
    """A model's chances on all parts of a split; without `fit` the engine's own."""
    cases, chances, fit_s, predict_s = prepared.cases, [], 0.0, 0.0
    reports: list[dict[str, Any]] = []
    for train_rows, test_rows in split.parts:
        began = time.perf_counter()
        predict: Callable[[dict[str, Floats]], Floats]
        if fit is None:
            predict, report = _learn(prepared.declaration, prepared, train_rows)
            reports.append(report)
        else:
            predict = fit(
                inputs,
                {one.name: cases.columns[one.name][train_rows] for one in inputs},
                cases.outcomes["any"][train_rows],
            )
        fit_s += time.perf_counter() - began
        new = {one.name: cases.columns[one.name][test_rows] for one in inputs}
        began = time.perf_counter()
        chances.append(predict(new))
        predict_s += time.perf_counter() - began
    return Answers(np.concatenate(chances), fit_s, predict_s, reports)


def _learn(
    declaration: Declaration, prepared: Problem, train_rows: npt.NDArray[np.intp]
) -> tuple[Callable[[dict[str, Floats]], Floats], dict[str, Any]]:
    found = training.learn(declaration, prepared.cases.rows(train_rows))
    return found.probability, found.report


def _judged(
    prepared: Problem, split: Split, model: str, inputs: str, answer: Answers
) -> Iterator[dict[str, Any]]:
    rows, p = split.judged(answer.p)
    truth, guest = prepared.cases.outcomes["any"][rows], prepared.cases.guest[rows]
    everything = np.ones(len(rows), dtype=bool)
    for name, mask in {"all": None, **prepared.slices}.items():
        held = everything if mask is None else mask[rows]
        if held.sum() < LEAST_TEST or truth[held].min() == truth[held].max():
            continue
        low, high = metrics.auc_interval(p[held], truth[held], guest[held])
        yield {
            "split": split.name,
            "headline": split.headline,
            "slice": name,
            "model": model,
            "inputs": inputs,
            **metrics.summary(p[held], truth[held]),
            "auc_low": round(low, 4),
            "auc_high": round(high, 4),
            "fit_s": round(answer.fit_s, 2),
            "predict_s": round(answer.predict_s, 3),
        }


def _alarms(prepared: Problem, results: list[dict[str, Any]]) -> list[str]:
    """Numbers too good to be true."""
    line = prepared.task.alarm_auc
    if line is None:
        return []
    return [
        f"{row['model']} ({row['inputs']}), {row['split']}: AUC {row['auc']} is above the alarm "
        f"line {line}: look for a leak first"
        for row in results
        if row["slice"] == "all" and row["headline"] and row["auc"] > line
    ]


def versions() -> dict[str, str | None]:
    return {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


COLUMNS = (
    "auc",
    "auc_low",
    "auc_high",
    "pr_auc",
    "log_loss",
    "brier",
    "ece",
    "lift",
    "fit_s",
    "predict_s",
)


def headline(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in result["results"] if row["headline"]]


def show(result: dict[str, Any]) -> None:
    if result["kind"] == "experiment":
        risk_uplift.show(result)
        return
    print(f"{result['task']}: {result['rows']} rows, {result['cases']} cases, "
          f"{result['positives']} positive, {len(result['inputs'])} inputs")  # fmt: skip
    for note in result["notes"]:
        print(f"  note: {note}")
    rows = headline(result)
    for name in dict.fromkeys(row["slice"] for row in rows):
        here = [row for row in rows if row["slice"] == name]
        print(f"\n{here[0]['split']}, {name}: {here[0]['n']} cases, {here[0]['rate']:.3f} positive")
        _lines(here, "model")
    others = [row for row in result["results"] if not row["headline"] and row["model"] == ENGINE]
    if others:
        print(f"\n{ENGINE} at other cut-offs")
        _lines([row for row in others if row["slice"] == "all"], "split")
    for alarm in result["alarms"]:
        print(f"ALARM {alarm}")


def _lines(rows: list[dict[str, Any]], label: str) -> None:
    columns = [name for name in COLUMNS if name in rows[0]]
    print(f"{label:42s}" + "".join(f"{name:>10s}" for name in columns))
    for row in rows:
        name = row[label] if row["inputs"] == BUILT else f"{row[label]}, {row['inputs']}"
        print(f"{name:42s}" + "".join(f"{row[column]:10.4f}" for column in columns))


if __name__ == "__main__":
    sys.exit(main())
