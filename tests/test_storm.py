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


@pytest.mark.parametrize("carrier", ["look-up only", "neither"])
def test_nothing_is_lost_and_nothing_seen_twice_while_everything_is_killed(
    tmp_path: Path, carrier: str
) -> None:
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
    # The carrier spoiled answers; nobody but a person decides those it cannot be asked about.
    assert run["doubts_injected"] > 0
    if carrier == "neither":
        assert run["uncertain_unexplained"] == run["doubts_overlooked"] == 0, run
        assert run["uncertain"] >= run["doubts_injected"]
    else:
        assert run["uncertain"] == 0
    assert run["held"]
    assert done.returncode == 0
