"""Runs what must pass before anything is shipped, each step with its time, and sums up at the end.

`python config/local/suite.py [step ...]`; without names all steps run. A failed step does not
hide the later ones. BROWSER=0 leaves the browser tests out and says so in the last line.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing of the browser's own traffic: only the page under test.
CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CHROMIUM_MISSING = (
    "The browser tests need Chromium. Install it (Debian: `apt install chromium`; Fedora: `dnf "
    "install chromium`; macOS: Google Chrome), or name it with CHROMIUM=/path/to/chromium, or "
    "leave the browser out: `make test BROWSER=0`."
)


@dataclass(frozen=True)
class Step:
    """One thing that must pass: a name for the command line and the summary, and its command."""

    name: str
    says: str
    command: tuple[str, ...]


STEPS = (
    Step("lint", "ruff check", (PYTHON, "-m", "ruff", "check", ".")),
    Step("format", "ruff format", (PYTHON, "-m", "ruff", "format", "--check", ".")),
    Step("types", "mypy, strict", (PYTHON, "-m", "mypy", ".")),
    Step(
        "floors",
        "import-linter",
        (PYTHON, "-c", "from importlinter.cli import lint_imports_command as run; run()"),
    ),
    Step(
        "tests",
        "pytest with PostgreSQL and Redis (migrations and deployment checks included)",
        (PYTHON, "-m", "pytest", "-m", "not browser", "-q", "-n", "2"),
    ),
    Step(
        "browser",
        "pytest in Chromium",
        # A browser on a busy machine may stumble once; a second stumble counts, and the first is
        # shown in the summary.
        (PYTHON, "-m", "pytest", "-p", "playwright", "-m", "browser", "-q", "--reruns", "1",
         "-n", "2", "tests/browser"),
    ),
)  # fmt: skip


def main(wanted: list[str]) -> int:
    unknown = set(wanted) - {step.name for step in STEPS}
    if unknown:
        print(f"No such step: {', '.join(sorted(unknown))}.", file=sys.stderr)
        return 2
    steps = [step for step in STEPS if not wanted or step.name in wanted]
    left_out = ""
    if not wanted and os.environ.get("BROWSER", "1") == "0":
        steps = [step for step in steps if step.name != "browser"]
        left_out = "; browser tests left out (BROWSER=0)"
    environment = _environment()
    started = time.monotonic()
    failed: list[str] = []
    for step in steps:
        print(f"\n== {step.name}: {step.says}", flush=True)
        if step.name == "browser" and not _chromium_ready(environment):
            failed.append(step.name)
            continue
        began = time.monotonic()
        code = subprocess.run(step.command, cwd=ROOT, env=environment, check=False).returncode
        word = "ok" if code == 0 else f"FAILED (exit {code})"
        print(f"== {step.name}: {word}, {time.monotonic() - began:.0f} s", flush=True)
        if code != 0:
            failed.append(step.name)
    took = f"{time.monotonic() - started:.0f} s"
    if failed:
        print(f"\nFAILED: {', '.join(failed)} ({took}){left_out}")
        return 1
    print(f"\nPASSED: {', '.join(step.name for step in steps)} ({took}){left_out}")
    return 0


def _environment() -> dict[str, str]:
    """The steps' environment. The settings need addresses even where no server is asked; the
    tests start servers of their own, or use TEST_DATABASE_URL and TEST_REDIS_URL."""
    nowhere = {
        "TENURE_ENV": "test",
        "DATABASE_URL": "postgres://127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "OMP_NUM_THREADS": "1",
    }
    return {**os.environ, **nowhere}


def _chromium_ready(environment: dict[str, str]) -> bool:
    """Find Chromium; where we are root on a Debian, install it; else say what to install."""
    found = find_chromium()
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium (apt-get) ...", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "-qq", *arguments], env=quiet, check=False)
        found = find_chromium()
    if not found:
        print(CHROMIUM_MISSING, file=sys.stderr)
        return False
    environment["CHROMIUM"] = found
    return True


def find_chromium() -> str:
    """The path of Chromium: the one named by CHROMIUM, else the first on the path, else ""."""
    named = os.environ.get("CHROMIUM", "")
    if named and os.access(named, os.X_OK):
        return named
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
