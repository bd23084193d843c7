"""The folder of one local Tenure (`.local`): data, logs, ports, secrets, and who is using it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.local.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
SECRET_NAMES = (
    "SECRET_KEY",
    "LEDGER_SIGNING_KEY",
    "PLATFORM_API_KEY",
    "PLATFORM_WEBHOOK_SECRETS",
    "SMS_TOKEN",
    "MAIL_HOOK_SECRETS",
    "SANDBOX_CONTROL_TOKEN",
)
LOG_LIMIT_BYTES = 10_000_000
WEB_PORT = 8000


class InUse(RuntimeError):
    """Another process runs a Tenure from this folder."""


@dataclass(frozen=True)
class Home:
    """Where one local Tenure keeps its things. Holds everything `make reset` deletes."""

    folder: Path

    @classmethod
    def default(cls) -> Home:
        return cls(Path(os.environ.get("TENURE_LOCAL") or ROOT / ".local").resolve())

    def prepare(self) -> None:
        """Make the folders; put logs that grew large aside."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # The user PostgreSQL falls back to when started by root has to pass through, no more.
        self.folder.chmod(0o711)
        logs = self.folder / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        for log in logs.glob("*.log"):
            if log.stat().st_size > LOG_LIMIT_BYTES:
                log.replace(log.with_suffix(".log.1"))

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder. The kernel lets go of it however this process ends. Raises InUse."""
        with (self.folder / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InUse(
                    f"Tenure already runs from {self.folder} (process {self.holder() or '?'}). "
                    "Use it, or stop it with Ctrl-C in its terminal."
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def holder(self) -> int | None:
        """The process that holds the folder, or None."""
        path = self.folder / "lock"
        if not path.exists():
            return None
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                text = file.read()
                return int(text) if text.isdigit() else None
        return None

    def ports(self, names: tuple[str, ...]) -> dict[str, int]:
        """A free port for each name: the one of last time where it is still free."""
        path = self.folder / "ports.json"
        kept: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        for name in names:
            if name not in kept or not is_free(kept[name]):
                kept[name] = free_port()
        write(path, json.dumps(kept, indent=1))
        return {name: kept[name] for name in names}

    def web_socket(self) -> socket.socket:
        """The console's listening socket: the address of last time, else port 8000, else any.

        It is held open here and lent to the web server. So nobody can take the port, and a
        request that arrives while the web server is started again waits instead of failing.
        """
        path = self.folder / "ports.json"
        kept: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        for port in (kept.get("web", WEB_PORT), WEB_PORT, 0):
            listening = socket.socket()
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listening.bind(("127.0.0.1", port))
            except OSError:
                listening.close()
                continue
            listening.listen(128)
            kept["web"] = listening.getsockname()[1]
            write(path, json.dumps(kept, indent=1))
            return listening
        raise OSError("No port on 127.0.0.1 is free.")

    def secrets(self) -> dict[str, str]:
        """The secrets of this Tenure, made at first use, readable by its owner alone."""
        path = self.folder / "secrets.env"
        known: dict[str, str] = {}
        if path.exists():
            known = dict(line.split("=", 1) for line in path.read_text().splitlines() if line)
        missing = [name for name in SECRET_NAMES if name not in known]
        if missing:
            known |= {name: secrets.token_urlsafe(40) for name in missing}
            write(path, "".join(f"{name}={value}\n" for name, value in known.items()))
        return known

    def remember_pieces(self, pids: dict[str, int]) -> None:
        """Keep the process id of each piece, for people and tests that look for one."""
        write(self.folder / "pieces.json", json.dumps(pids, indent=1))

    def write_environment(self, values: dict[str, str]) -> None:
        """Keep the settings of the running Tenure, for `make manage`."""
        write(self.folder / "environment.json", json.dumps(values, indent=1))

    def read_environment(self) -> dict[str, str]:
        path = self.folder / "environment.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def reset(self, *, wait_s: float = 60.0) -> None:
        """Stop the Tenure that runs from here, then delete the folder. Raises InUse."""
        if not self.folder.exists():
            return
        if holder := self.holder():
            print(f"Stopping process {holder} ...", flush=True)
            os.kill(holder, signal.SIGTERM)
            deadline = time.monotonic() + wait_s
            while self.holder() and time.monotonic() < deadline:
                time.sleep(0.2)
            if self.holder():
                raise InUse(f"Process {holder} did not stop within {wait_s:.0f} s.")
        shutil.rmtree(self.folder)


def write(path: Path, text: str) -> None:
    """Replace the file in one step, readable by its owner alone: nobody sees half of it."""
    half = path.with_suffix(".half")
    half.unlink(missing_ok=True)
    half.touch(mode=0o600)
    half.write_text(text)
    half.replace(path)


def is_free(port: int) -> bool:
    """Whether nobody listens on the loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
