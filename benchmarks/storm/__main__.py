"""`make storm`: approved sends through the whole product while it is killed at random.

Three runs: a carrier with key and look-up, a carrier with neither, and a naive sender beside them.
Ends with 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.storm.run import Size, naive, product
from benchmarks.storm.stack import Carrier

RUNS = {
    "key and look-up": Carrier(),
    "look-up only": Carrier(key=False),
    "neither": Carrier(key=False, lookup=False),
    "no receipts either": Carrier(key=False, lookup=False, receipts=False),
}
NAIVE, NAIVE_SHARE = "naive", 5  # a fifth of the sends shows it
COLUMNS = (
    ("sends", "sends"),
    ("killed", "killed"),
    ("lost", "lost"),
    ("twice", "twice"),
    ("undecided", "undecided"),
    ("decided_after_s", "decided after s"),
    ("uncertain", "uncertain"),
    ("settled_by_receipt", "by receipt"),
    ("doubts_injected", "answers spoiled"),
    ("cut_off_in_call", "cut off in call"),
    ("dead", "given up"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make storm", description=__doc__)
    parser.add_argument("--sends", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--flushes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", default="key and look-up,neither,naive")
    parser.add_argument("--keep", type=Path, help="folder for the logs (default: gone afterwards)")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    options = parser.parse_args()
    names = options.runs.split(",")
    with tempfile.TemporaryDirectory(prefix="tenure-storm-") as temporary:
        folder = options.keep or Path(temporary)
        report: dict[str, Any] = {}
        for name in names:
            if len(names) == 1:
                report[name] = _run(name, folder, options)
            else:
                report |= _apart(name, folder, options)
            # Half an hour each: what one run found outlives the failure of the next.
            if options.out:
                options.out.parent.mkdir(parents=True, exist_ok=True)
                options.out.write_text(json.dumps(report, indent=2) + "\n")
    sys.stdout.write(table(report))
    held = all(run.get("held", True) for run in report.values())
    return 0 if held and len(report) == len(names) else 1


def _run(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    size = Size(options.sends, options.kills, options.flushes, options.seed)
    home = folder / name.replace(" ", "-")
    home.mkdir(parents=True, exist_ok=True)
    for parent in (folder, home):
        parent.chmod(0o755)  # the fallback user of PostgreSQL must reach its folder
    if name == NAIVE:
        return naive(
            folder=home,
            size=replace(
                size,
                sends=size.sends // NAIVE_SHARE,
                kills=size.kills // NAIVE_SHARE,
                flushes=size.flushes // NAIVE_SHARE,
            ),
        )
    return product(folder=home, size=size, carrier=RUNS[name])


def _apart(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One run in a process of its own: Django reads its settings once. Empty, and said, when it
    ended without figures."""
    out = folder / f"{name.replace(' ', '-')}.json"
    arguments = [
        f"--{key}={getattr(options, key)}" for key in ("sends", "kills", "flushes", "seed")
    ]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.storm", *arguments, f"--runs={name}", f"--out={out}",
         f"--keep={folder}"],
        check=False, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    if not out.exists():
        sys.stderr.write(f"The run with {name} ended with {done.returncode} and no figures.\n")
        return {}
    report: dict[str, Any] = json.loads(out.read_text())
    return report


def table(report: dict[str, Any]) -> str:
    """The short table of all runs."""
    head = f"{'run':<18}" + "".join(f"{title:>17}" for _, title in COLUMNS)
    lines = [head, "-" * len(head)]
    for name, run in report.items():
        cells = {**run, "killed": sum(run["kills"].values())}
        lines.append(f"{name:<18}" + "".join(f"{cells.get(key, ''):>17}" for key, _ in COLUMNS))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
