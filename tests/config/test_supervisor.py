"""The supervisor starts in order, starts again what dies, stops backwards and leaves nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.local.supervisor import (
    Command,
    Piece,
    PieceFailed,
    Supervisor,
    group_members,
    spawn,
)

pytestmark = pytest.mark.worker

SLEEPER = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True)"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(say=said.append)
    yield supervisor
    supervisor.stop()


def python(code: str, log: Path | None = None) -> Callable[[], subprocess.Popen[bytes]]:
    return lambda: spawn((sys.executable, "-c", code), os.environ, ROOT, log)


def until(condition: Callable[[], bool], tend: Callable[[], None] = lambda: None) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited 10 s in vain"
        tend()
        time.sleep(0.02)


def exists(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_piece_is_started_again_and_its_children_are_ended(
    supervisor: Supervisor, said: list[str]
) -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{SLEEPER}'])"
    piece = Piece("Worker", python(code))
    supervisor.add(piece)
    assert piece.process is not None
    first = piece.process.pid
    until(lambda: len(group_members(first)) == 2)
    child = max(group_members(first))

    os.kill(first, signal.SIGKILL)
    until(lambda: piece.starts == 2 and piece.is_running, supervisor.tend)

    until(lambda: not exists(child))
    assert said == ["Worker stopped (SIGKILL); starting it again in 0.4 s"]


def test_a_piece_that_keeps_dying_is_given_more_time_each_time(
    supervisor: Supervisor, said: list[str]
) -> None:
    piece = Piece("Web server", python("raise SystemExit(3)"))
    supervisor.pieces.append(piece)
    piece.launch()

    until(lambda: piece.starts == 3, supervisor.tend)

    assert [line.split("again in ")[1] for line in said] == ["0.4 s", "0.8 s"]
    assert "exit 3" in said[0]


def test_a_piece_that_dies_while_starting_shows_the_end_of_its_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    log = tmp_path / "web.log"
    start = python("raise SystemExit('the port is taken')", log)
    with pytest.raises(PieceFailed, match=r"(?s)Web server stopped while starting.*port is taken"):
        supervisor.add(Piece("Web server", start, is_ready=lambda: False, log=log))


def test_a_failed_command_ends_the_one_beside_it(supervisor: Supervisor, tmp_path: Path) -> None:
    def command(name: str, code: str) -> Command:
        return Command(name, (sys.executable, "-c", code), os.environ, ROOT, tmp_path / name)

    started = time.monotonic()
    with pytest.raises(PieceFailed, match=r"(?s)migrate failed \(exit 1\).*no such table"):
        supervisor.run(
            command("collectstatic", SLEEPER),
            command("migrate", "raise SystemExit('no such table')"),
        )
    assert time.monotonic() - started < 10


def test_pieces_are_tended_while_a_command_runs(supervisor: Supervisor, tmp_path: Path) -> None:
    piece = Piece("Worker", python(SLEEPER))
    supervisor.add(piece)
    assert piece.process is not None
    os.kill(piece.process.pid, signal.SIGKILL)

    code = "import time; time.sleep(1)"
    supervisor.run(Command("demo_setup", (sys.executable, "-c", code), os.environ, ROOT, None))

    assert piece.starts == 2


def test_pieces_stop_newest_first_and_the_deaf_one_is_killed(
    said: list[str], tmp_path: Path
) -> None:
    supervisor, log = Supervisor(say=said.append), tmp_path / "log"
    order: list[str] = []

    def noting(name: str, piece: Piece) -> Piece:
        original = piece.start

        def start() -> subprocess.Popen[bytes]:
            process = original()
            wait = process.wait

            def noted_wait(timeout: float | None = None) -> int:
                if name not in order:
                    order.append(name)
                return wait(timeout)

            process.wait = noted_wait  # type: ignore[method-assign]
            return process

        piece.start = start
        return piece

    deaf = Piece("Deaf", python(f"{DEAF}; {SLEEPER}", log), stop_timeout_s=0.3)
    deaf.is_ready = lambda: log.exists() and log.read_text() == "1\n"
    supervisor.add(noting("first", Piece("First", python(SLEEPER))))
    supervisor.add(noting("deaf", deaf))
    assert deaf.process is not None
    pid = deaf.process.pid

    supervisor.stop()

    assert order == ["deaf", "first"]
    assert said == ["Deaf does not stop; ending it"]
    assert not exists(pid)


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv (util-linux)")
def test_a_killed_supervisor_takes_its_pieces_along(tmp_path: Path) -> None:
    # The child speaks for itself: only then has the kernel been told to end it with its parent.
    child_code = f"import os; print(os.getpid(), flush=True); {SLEEPER}"
    code = (
        "import os, sys, time; from pathlib import Path; from config.local.supervisor import spawn;"
        f"p = spawn((sys.executable, '-c', '{child_code}'), os.environ, Path('.'), None);"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert exists(child)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    until(lambda: not exists(child))
