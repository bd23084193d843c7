"""Every declared public task: a JSON file each, all as JSON lines, and the table of the docs.

`python -m benchmarks.risk_all --data FOLDER [--out FOLDER] [--only NAME ...]`

With `--only` the others keep what their last run found. The table is written between the marks in
docs/benchmarks/engine.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import risk, risk_uplift
from risk.engine.task import TaskError

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs" / "benchmarks" / "engine.md"
BEGIN, END = "<!-- results: written by make bench-risk -->", "<!-- end of results -->"
# The task and its table in the folder of public data.
TASKS = {
    "medical_eve": "medical_no_shows/KaggleV2-May-2016.csv.gz",
    "cdnow": "cdnow/cdnow_transactions.csv.gz",
    "telco": "telco_churn/Telco-Customer-Churn.csv.gz",
    "hillstrom_women": "hillstrom_email/hillstrom.csv.gz",
    "hillstrom_men": "hillstrom_email/hillstrom.csv.gz",
}
COLUMNS = ("auc", "interval", "log_loss", "brier", "ece", "lift", "fit_s")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(".local/bench-risk"))
    parser.add_argument("--only", choices=sorted(TASKS), action="append")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.only or TASKS:
        try:
            result = risk.run(HERE / "tasks" / f"{name}.toml", options.data / TASKS[name])
        except TaskError as error:
            print(error, file=sys.stderr)
            return 2
        (options.out / f"{name}.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
        risk.show(result)
        print()
    files = [options.out / f"{name}.json" for name in TASKS]
    results = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    (options.out / "results.jsonl").write_text(
        "".join(
            json.dumps({"task": result["task"], **row}) + "\n"
            for result in results
            for row in result["results"]
        ),
        encoding="utf-8",
    )
    write_table(results)
    return 0


def write_table(results: list[dict[str, Any]]) -> None:
    text = DOCS.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    DOCS.write_text(f"{before}{BEGIN}\n{tabled(results)}{END}{after}", encoding="utf-8")


def tabled(results: list[dict[str, Any]]) -> str:
    lines = []
    for result in results:
        lines += [f"**{result['task']}** ({result['rows']:,} rows)", ""]
        if result["kind"] == "experiment":
            lines += _experiment(result)
            continue
        rows = [row for row in risk.headline(result) if row["inputs"] == risk.BUILT]
        for name in dict.fromkeys(row["slice"] for row in rows):
            here = [row for row in rows if row["slice"] == name]
            lines += [
                f"{here[0]['split']}, {name}: {here[0]['n']:,} cases, {here[0]['rate']:.3f} "
                "positive",
                "",
                "| model | " + " | ".join(COLUMNS) + " |",
                "|---" * (len(COLUMNS) + 1) + "|",
            ]
            for row in here:
                cells = [_cell(row, column) for column in COLUMNS]
                lines.append(f"| {row['model']} | " + " | ".join(cells) + " |")
            lines.append("")
        others = [
            row
            for row in result["results"]
            if not row["headline"] and row["model"] == risk.ENGINE and row["slice"] == "all"
        ]
        if others:
            areas = "; ".join(f"{row['split']}: {row['auc']:.4f}" for row in others)
            lines += [f"{risk.ENGINE} at other cut-offs, AUC: {areas}.", ""]
    return "\n".join(lines) + "\n"


def _experiment(result: dict[str, Any]) -> list[str]:
    found, placebo = result["uplift"], result.get("placebo")
    verdicts = ", ".join(f"{name} {count}" for name, count in found["verdicts"].items())
    lines = [f"Verdicts of {found['halves']} halves: {verdicts}. {found['sentence']}"]
    if placebo:
        lines.append(
            f"Treatment shuffled: something usable found in {placebo['false_findings']:.1%} of "
            f"{placebo['runs']} runs."
        )
    lines += [
        "",
        "| ranking | Qini points | uplift in the top 10 % | top 30 % |",
        "|---|---|---|---|",
    ]
    for row in risk_uplift.results(result):
        lines.append(
            f"| {row['model']} | {row['qini']:.2f} ±{row['qini_sd']:.2f} | "
            f"{row['uplift_top_10']:.4f} | {row['uplift_top_30']:.4f} |"
        )
    return [*lines, ""]


def _cell(row: dict[str, Any], column: str) -> str:
    if column == "interval":
        return f"{row['auc_low']:.3f} to {row['auc_high']:.3f}"
    if column == "fit_s":
        return f"{row[column]:.1f}"
    return f"{row[column]:.2f}" if column == "lift" else f"{row[column]:.4f}"


if __name__ == "__main__":
    sys.exit(main())
