"""The whole product on one machine, as it runs in production, and the hand that kills it.

PostgreSQL, Valkey, the sandbox carrier, gunicorn, two Celery workers with child processes, beat.
Only processes started here are killed, by their ids.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import requests

from config.local import servers
from config.local.demo import answers, is_healthy
from config.local.home import ROOT
from config.local.servers import Server
from config.local.supervisor import Command, Piece, Supervisor, group_members, spawn

PYTHON = sys.executable
CONTROL_TOKEN = "storm"  # noqa: S105 - of a sandbox on loopback
# The product's waits in the storm. The sandbox's longest work on a call is `carrier_slow_seconds`.
TIMEOUT_S, SLOW_S, SETTLE_S = 2, 3, 5
# What goes wrong at the carrier: shares of its calls. The first five leave the product in doubt.
AMBIGUOUS = (
    "carrier_500_before",
    "carrier_500_after",
    "carrier_hang_before",
    "carrier_hang_after",
    "carrier_slow",
)
FAULTS = {
    **dict.fromkeys(AMBIGUOUS, 0.02),
    "carrier_slow": 0.004,
    "carrier_429": 0.03,
    "carrier_lookup_500": 0.05,
    "carrier_duplicate_status": 0.2,
    "carrier_late_status": 0.1,
    "carrier_lost_status": 0.1,
}
AREAS = ("212", "646", "917", "718", "347", "929")  # of New York, 10,000 numbers each
SENDING_LOCK = 7_320  # platforms.turns.Work.SENDING


@dataclass(frozen=True)
class Carrier:
    """What the carrier offers against doubles and doubt: a key that counts once, a look-up by
    reference, receipts it sends by itself."""

    key: bool = True
    lookup: bool = True
    receipts: bool = True

    @property
    def switches(self) -> dict[str, float]:
        return {
            "carrier_no_keys": float(not self.key),
            "carrier_no_lookup": float(not self.lookup),
            "carrier_no_receipts": float(not self.receipts),
            "carrier_slow_seconds": float(SLOW_S),
        }


@dataclass
class Stack:
    """Everything that runs, in `folder`. `say` prints a line."""

    folder: Path
    carrier: Carrier
    supervisor: Supervisor = field(default_factory=Supervisor)
    environment: dict[str, str] = field(default_factory=dict)
    pieces: dict[str, Piece] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    owner: str = ""  # address of the database for who may do everything
    listening: socket.socket = field(default_factory=socket.socket)

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def start_servers(self) -> None:
        """PostgreSQL, Valkey, the tables of the product, the sandbox. Raises ServerError."""
        self.supervisor.say = lambda line: None  # dying is the point here
        postgres = servers.start_postgres(self.folder / "postgres", durable=False)
        self._add("postgres", postgres)
        self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listening.bind(("127.0.0.1", 0))
        self.listening.listen(256)
        web, sandbox = self.listening.getsockname()[1], servers.free_port()
        valkey_port = servers.free_port()

        def start_valkey() -> Server:
            return servers.start_valkey(self.folder / "valkey", port=valkey_port, durable=False)

        first = start_valkey()
        self._add("valkey", first, start_valkey)
        token = secrets.token_urlsafe(24)
        self.owner = owner = servers.create_database(postgres, "tenure")
        # The owner's address is for `migrate` alone; one inherited names another database.
        os.environ.pop("MIGRATE_DATABASE_URL", None)
        self.environment = {
            **os.environ,
            "TENURE_ENV": "demo",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": secrets.token_urlsafe(40),
            "LEDGER_SIGNING_KEY": secrets.token_urlsafe(40),
            "LEDGER_EXPORT_DIR": str(self.folder / "ledger"),
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
            "LOG_LEVEL": "WARNING",
            "DATABASE_URL": servers.app_url(owner, self.folder / "postgres"),
            "SANDBOX_DATABASE_URL": servers.create_database(postgres, "sandbox"),
            "REDIS_URL": first.url,
            "PUBLIC_URL": f"http://127.0.0.1:{web}",
            "PLATFORM_URL": f"http://127.0.0.1:{sandbox}",
            "SMS_URL": f"http://127.0.0.1:{sandbox}",
            "SMS_ACCOUNT": "ACstorm",
            "SMS_TOKEN": token,
            "SMS_SUPPORTS_KEY": "yes" if self.carrier.key else "no",
            "SMS_SUPPORTS_LOOKUP": "yes" if self.carrier.lookup else "no",
            "SMS_TIMEOUT_SECONDS": str(TIMEOUT_S),
            "SMS_SETTLE_SECONDS": str(SETTLE_S),
            "SANDBOX_SMS_ACCOUNT": "ACstorm",
            "SANDBOX_SMS_TOKEN": token,
            "SANDBOX_SMS_INBOUND_URL": f"http://127.0.0.1:{web}/hooks/sms/inbound/",
            "SANDBOX_CONTROL_TOKEN": CONTROL_TOKEN,
            "SANDBOX_ANSWER_SECONDS": "20",
        }
        os.environ.update(self.environment)
        self.supervisor.run(
            replace(
                self._command("migrate", "manage.py", "migrate", "--no-input"),
                environment={**self.environment, "MIGRATE_DATABASE_URL": owner},
            ),
            self._command("collectstatic", "manage.py", "collectstatic", "--no-input"),
            self._command(
                "generate", "-m", "platforms.sandbox", "generate",
                "--locations", "1", "--guests", "12", "--months", "3",
            ),
        )  # fmt: skip
        self._start(
            "sandbox",
            ("platforms.sandbox", "serve", "--port", str(sandbox)),
            lambda: answers(sandbox),
        )

    def start_product(self) -> None:
        """Web server, workers, beat. Raises PieceFailed."""
        port = self.listening.getsockname()[1]
        self._start(
            "web",
            (
                "gunicorn", "config.wsgi", "--bind", f"fd://{self.listening.fileno()}",
                "--workers", "2", "--preload", "--no-control-socket", "--log-level", "error",
            ),
            lambda: is_healthy(port),
        )  # fmt: skip
        self.start_worker("now", 3)
        self.start_worker("night", 1)
        self._start(
            "beat", ("celery", "-A", "config", "beat", "--schedule", str(self.folder / "beat"))
        )

    def start_worker(self, queue: str, children: int, *, app: str = "config") -> None:
        """A Celery worker for a queue."""
        self._start(
            f"worker-{queue}",
            (
                "celery", "-A", app, "worker", "--queues", queue, "--hostname", f"{queue}@%h",
                "--concurrency", str(children), "--without-gossip", "--without-mingle",
            ),
        )  # fmt: skip

    def _add(self, name: str, first: Server, again: Callable[[], Server] | None = None) -> None:
        waiting = [first]

        def launch() -> subprocess.Popen[bytes]:
            if not waiting and again is None:
                raise servers.ServerError(f"{name} was not to die.")
            return (waiting or [again()]).pop().process

        piece = Piece(first.name, launch, stop_signal=first.stop_signal)
        self.pieces[name] = piece
        self.supervisor.add(piece)

    def _command(self, name: str, *arguments: str) -> Command:
        return Command(name, (PYTHON, *arguments), self.environment, ROOT, self.log(name))

    def _start(
        self, name: str, arguments: tuple[str, ...], is_ready: Callable[[], bool] = lambda: True
    ) -> None:
        keep = (self.listening.fileno(),) if name == "web" else ()

        def start() -> subprocess.Popen[bytes]:
            return spawn(
                (PYTHON, "-m", *arguments), self.environment, ROOT, self.log(name), keep_open=keep
            )

        piece = Piece(name, start, is_ready, log=self.log(name))
        self.pieces[name] = piece
        self.supervisor.add(piece, timeout_s=120)

    def stop(self) -> None:
        self.supervisor.stop()
        self.listening.close()

    def tend(self) -> None:
        """Start again what died, at once: the next blow comes soon."""
        for piece in self.pieces.values():
            piece.pause_s = 0.05
        self.supervisor.tend()

    # --- The storm -----------------------------------------------------------------------------

    def faults(self, rates: dict[str, float]) -> None:
        """Switch the carrier's faults; its nature stays."""
        answer = requests.post(
            f"{self.environment['SMS_URL']}/_sandbox/faults",
            json={"clear": True, **self.carrier.switches, **rates},
            headers={"X-Sandbox-Token": CONTROL_TOKEN},
            timeout=30,
        )
        answer.raise_for_status()

    def strike(self, kind: str, chance: random.Random) -> None:
        """One blow. A target that is not there just now is counted as its parent's."""
        if kind == "flush":
            self._flush(chance)
            return
        name = {"web": "web", "web child": "web", "beat": "beat"}.get(kind, "worker-now")
        process = self.pieces[name].process
        if process is None or process.poll() is not None:
            return  # it lies on the ground already; the caller strikes again
        leader = process.pid
        children = sorted(set(group_members(leader)) - {leader})
        victim = leader
        if kind == "dispatcher":
            victim = next(iter(self._dispatchers(children)), 0)
        elif kind.endswith("child"):
            victim = chance.choice(children) if children else 0
        if not victim:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
            self.kills[kind] += 1

    def _flush(self, chance: random.Random) -> None:
        process = self.pieces["valkey"].process
        if process is None or process.poll() is not None:
            return
        if chance.random() < 0.5:
            process.kill()
            self.kills["redis restarted empty"] += 1
            return
        import redis

        with contextlib.suppress(redis.RedisError):
            redis.Redis.from_url(self.environment["REDIS_URL"], socket_timeout=2).flushall()
            self.kills["redis flushed"] += 1

    def _dispatchers(self, children: list[int]) -> list[int]:
        """Those of the worker's children that hold a sender's place, by their database line."""
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as connection:
            ports = {
                row[0]
                for row in connection.execute(
                    "SELECT a.client_port FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                    "WHERE l.locktype = 'advisory' AND l.classid = %s",
                    [SENDING_LOCK],
                )
            }
        lines = _local_ports()
        return [pid for pid in children if ports & {lines.get(node, 0) for node in _sockets(pid)}]


def _local_ports() -> dict[str, int]:
    """Local port by socket inode, of this machine's TCP lines."""
    found = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        parts = line.split()
        found[parts[9]] = int(parts[1].rpartition(":")[2], 16)
    return found


def _sockets(pid: int) -> set[str]:
    """Inodes of the sockets a process holds."""
    found = set()
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = os.readlink(entry)
                if target.startswith("socket:["):
                    found.add(target[8:-1])
    return found


def wait(seconds: float, stack: Stack) -> None:
    """Let time pass while what died is started again."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        stack.tend()
        time.sleep(min(0.1, left))


def phone(number: int) -> str:
    """A New York number, in E.164; nobody is called, the carrier is the sandbox."""
    return f"+1{AREAS[number // 10_000]}555{number % 10_000:04d}"
