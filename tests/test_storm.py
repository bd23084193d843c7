"""The storm in small: real servers, workers, beat and web, killed at random; the whole program is
`make storm`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from config.local.home import ROOT

pytestmark = pytest.mark.worker


def test_nothing_is_lost_and_nothing_seen_twice_while_everything_is_killed(
    tmp_path: Path,
) -> None:
    # The hardest of the carriers that leave nothing to a person: it knows no keys.
    carrier = "look-up only"
    out = tmp_path / "storm.json"
    done = subprocess.run(
        [
            sys.executable, "-m", "benchmarks.storm", "--runs", carrier, "--sends", "120",
            "--kills", "8", "--flushes", "2", "--out", str(out),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )  # fmt: skip
    assert out.exists(), done.stderr
    run = json.loads(out.read_text())[carrier]
    assert sum(run["kills"].values()) == 10
    assert (run["lost"], run["twice"], run["undecided"]) == (0, 0, 0), run
    assert run["caps_differ_cents"] == 0
    assert run["ledger_whole"]
    assert run["checkpoints"] > 0
    # Answers were spoiled, and every one of them was found out.
    assert run["doubts_injected"] > 0
    assert run["uncertain"] == 0
    assert run["held"]
    assert done.returncode == 0
