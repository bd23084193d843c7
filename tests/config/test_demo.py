"""The local Tenure as people run it: it heals, stops on Ctrl-C, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

pytestmark = pytest.mark.worker

ROOT = Path(__file__).resolve().parents[2]
# Servers of the test run itself, which the demo must not use.
OURS = (
    "DATABASE_URL",
    "MIGRATE_DATABASE_URL",
    "REDIS_URL",
    "TENURE_ENV",
    "DJANGO_SETTINGS_MODULE",
    "PYTEST_XDIST_WORKER",
)


class Running:
    """`make run` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder.with_suffix(".out")
        environment = {key: value for key, value in os.environ.items() if key not in OURS}
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.local.demo", "--empty"],
                cwd=ROOT,
                env=environment | {"TENURE_LOCAL": str(folder)},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def wait_ready(self) -> None:
        self.wait(lambda: "Tenure is ready" in self.output.read_text() or self.has_ended, 120)
        assert not self.has_ended, self.output.read_text()

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def wait(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.1)

    def read(self, name: str) -> dict[str, Any]:
        return dict(json.loads((self.folder / name).read_text()))

    def health(self) -> dict[str, Any]:
        address = f"http://127.0.0.1:{self.read('ports.json')['web']}/healthz"
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=20) as response:
            return dict(json.loads(response.read()))
        return {}

    def mail_a_task(self) -> None:
        broker = Celery(broker=self.read("environment.json")["REDIS_URL"])
        broker.conf.task_ignore_result = True
        broker.send_task("config.tasks.heartbeat", queue="tenure")
        broker.close()


def left_over(folder: Path) -> list[str]:
    """Commands of processes that belong to the folder's Tenure."""
    mark, found = f"TENURE_LOCAL={folder}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs Linux")
def test_it_heals_stops_in_order_and_dies_with_its_starter(tmp_path: Path) -> None:
    running = Running(tmp_path / "with a space")
    try:
        running.wait_ready()

        # Killed each once, all at the same time.
        before = running.read("pieces.json")
        for name in ("Worker", "Web server", "Valkey", "Beat"):
            os.kill(before[name], signal.SIGKILL)
        running.wait(
            lambda: (
                sum(pid != before[name] for name, pid in running.read("pieces.json").items()) == 4
            ),
            30,
        )
        running.wait(lambda: running.health().get("redis") == "ok", 60)
        running.mail_a_task()
        running.wait(lambda: (running.health().get("beat_age_seconds") or 99) < 30, 60)

        running.process.send_signal(signal.SIGINT)
        running.process.send_signal(signal.SIGTERM)  # as make does when it is ended itself
        running.wait(lambda: running.has_ended, 30)
        assert running.process.returncode == 0
        assert left_over(running.folder) == []

        running = Running(running.folder)  # a second start goes on from there
        running.wait_ready()
        running.process.kill()
        running.wait(lambda: left_over(running.folder) == [], 20)
    finally:
        if not running.has_ended:
            running.process.send_signal(signal.SIGINT)
            running.process.wait(40)
