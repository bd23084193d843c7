"""Keeps a handful of processes running on one machine: starts them in order, starts again what
dies, stops them in the opposite order. Production uses systemd or containers for this.

Everything is started from the main thread: the kernel's word "my parent went away" (see
servers.die_with_parent) is bound to the thread that started the process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.local.servers import ServerError, die_with_parent

POLL_S = 0.1
# Pause before a piece is started again, doubled while it keeps dying young.
FIRST_PAUSE_S, LONGEST_PAUSE_S, YOUNG_S = 0.2, 10.0, 15.0


class PieceFailed(RuntimeError):
    """A piece did not come up, or a command failed; the message shows the end of its log."""


@dataclass
class Piece:
    """One process that has to run.

    `start` returns the running process; `is_ready` says whether it does its work yet.
    """

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    is_ready: Callable[[], bool] = lambda: True
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 10.0
    log: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    starts: int = 0
    pause_s: float = FIRST_PAUSE_S
    due_s: float | None = None

    def launch(self) -> None:
        self.process = self.start()
        self.started_s = time.monotonic()
        self.starts += 1
        self.due_s = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Supervisor:
    """The pieces in the order of their start. `say` prints one line."""

    say: Callable[[str], None] = print
    pieces: list[Piece] = field(default_factory=list)

    def add(self, *pieces: Piece, timeout_s: float = 60.0) -> None:
        """Start the pieces beside each other and wait until all are ready. Raises PieceFailed."""
        for piece in pieces:
            self.pieces.append(piece)
            piece.launch()
        deadline = time.monotonic() + timeout_s
        for piece in pieces:
            while not piece.is_ready():
                if not piece.is_running:
                    raise PieceFailed(f"{piece.name} stopped while starting.\n{tail(piece.log)}")
                if time.monotonic() > deadline:
                    raise PieceFailed(
                        f"{piece.name} was not ready after {timeout_s:.0f} s.\n{tail(piece.log)}"
                    )
                time.sleep(POLL_S)

    def tend(self) -> None:
        """Look once at every piece; start again what died, with a growing pause."""
        now = time.monotonic()
        for piece in self.pieces:
            if piece.is_running:
                continue
            if piece.due_s is None:
                self._mourn(piece, now)
            elif now >= piece.due_s:
                try:
                    piece.launch()
                except ServerError as error:
                    self.say(f"{piece.name} did not start: {error}")
                    piece.due_s = now + LONGEST_PAUSE_S

    def _mourn(self, piece: Piece, now: float) -> None:
        assert piece.process is not None
        # Its children would hold its port, or go on with work that is handed out again.
        kill_group(piece.process.pid)
        young = now - piece.started_s < YOUNG_S
        piece.pause_s = min(piece.pause_s * 2, LONGEST_PAUSE_S) if young else FIRST_PAUSE_S
        piece.due_s = now + piece.pause_s
        self.say(
            f"{piece.name} stopped ({ending(piece.process.returncode)}); "
            f"starting it again in {piece.pause_s:.1f} s"
        )

    def run(self, *commands: Command) -> None:
        """Run the commands beside each other to their end, tending the pieces meanwhile.

        Raises PieceFailed with the end of the log of the one that failed; the others are ended.
        """
        running = [(command, command.start()) for command in commands]
        try:
            while running:
                for command, process in list(running):
                    if process.poll() is None:
                        continue
                    running.remove((command, process))
                    if process.returncode != 0:
                        raise PieceFailed(
                            f"{command.name} failed ({ending(process.returncode)}).\n"
                            f"{tail(command.log)}"
                        )
                self.tend()
                time.sleep(POLL_S)
        finally:
            for _, process in running:
                kill_group(process.pid)
                process.wait()

    def stop(self) -> None:
        """Stop the pieces, the newest first. A piece that does not listen is killed."""
        for piece in reversed(self.pieces):
            process = piece.process
            if process is None:
                continue
            if process.poll() is None:
                process.send_signal(piece.stop_signal)
                try:
                    process.wait(piece.stop_timeout_s)
                except subprocess.TimeoutExpired:
                    self.say(f"{piece.name} does not stop; ending it")
            kill_group(process.pid)
            process.wait()
        self.pieces.clear()

    def memory_mb(self) -> dict[str, float]:
        """Proportional memory of each piece with its children, in MB. Empty without /proc."""
        used: dict[str, float] = {}
        for piece in self.pieces:
            if piece.process is not None:
                used[piece.name] = sum(map(_memory_mb, group_members(piece.process.pid)))
        return used


@dataclass(frozen=True)
class Command:
    """A command that runs to its end. Without a log it speaks to the terminal."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path | None = None

    def start(self) -> subprocess.Popen[bytes]:
        return spawn(self.arguments, self.environment, self.folder, self.log)


def spawn(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    log: Path | None,
    *,
    parent_gone: str = "TERM",
    keep_open: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own: Ctrl-C reaches the supervisor alone, and the
    whole group can be ended. `parent_gone` is the signal sent when the supervisor is killed; the
    file descriptors in `keep_open` are lent."""
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(log.open("ab")) if log else None
        return subprocess.Popen(
            [*die_with_parent(parent_gone), *arguments],
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT if out else None,
            start_new_session=True,
            pass_fds=keep_open,
        )


def kill_group(leader: int) -> None:
    """Kill what is left of the group a process led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def group_members(leader: int) -> list[int]:
    """Process ids of the session a piece leads, itself included."""
    members = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            # "pid (name) state ppid pgrp session ...": the name may contain anything.
            session = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[3])
            if session == leader:
                members.append(int(folder.name))
    return members


def _memory_mb(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def ending(code: int | None) -> str:
    """How a process ended, in words."""
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit {code}"


def tail(log: Path | None, lines: int = 15) -> str:
    """The last lines of a log."""
    if log is None or not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
