"""Every declared public task in one run: JSON lines, and the table of docs/benchmarks.md.

`python -m benchmarks.risk_all --data FOLDER [--out FILE.jsonl] [--only NAME] [--engine-only]`

The table is written between the marks in docs/benchmarks.md.
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
DOCS = HERE.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- results: written by make bench-risk -->", "<!-- end of results -->"
# The task and its table in the folder of public data.
TASKS = {
    "medical_eve": "medical_no_shows/KaggleV2-May-2016.csv.gz",
    "cdnow": "cdnow/cdnow_transactions.csv.gz",
    "telco": "telco_churn/Telco-Customer-Churn.csv.gz",
    "hillstrom_women": "hillstrom_email/hillstrom.csv.gz",
    "hillstrom_men": "hillstrom_email/hillstrom.csv.gz",
}
COLUMNS = ("auc", "log_loss", "brier", "ece", "lift", "fit_s")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(".local/bench-risk.jsonl"))
    parser.add_argument("--only", choices=sorted(TASKS), action="append")
    parser.add_argument("--engine-only", action="store_true")
    options = parser.parse_args(arguments)
    results = []
    for name in options.only or TASKS:
        try:
            result = risk.run(
                HERE / "tasks" / f"{name}.toml",
                options.data / TASKS[name],
                engine_only=options.engine_only,
            )
        except TaskError as error:
            print(error, file=sys.stderr)
            return 2
        risk.show(result)
        print()
        results.append(result)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        "".join(
            json.dumps({"task": result["task"], **row}) + "\n"
            for result in results
            for row in result["results"]
        ),
        encoding="utf-8",
    )
    if not options.only and not options.engine_only:
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
    if column == "fit_s":
        return f"{row[column]:.1f}"
    return f"{row[column]:.2f}" if column == "lift" else f"{row[column]:.4f}"


if __name__ == "__main__":
    sys.exit(main())
