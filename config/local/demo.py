"""`make demo`: a whole Tenure with a living business beside it, on one machine, by one command.

PostgreSQL and Valkey from wheels (or DATABASE_URL and REDIS_URL), the sandbox business, the web
server, two workers, the beat. Everything it keeps lies in `.local`; a second start goes on from
there. What dies is started again; Ctrl-C stops all of it.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from config.demo_clock import ZONE, demo_instant
from config.local import business, servers
from config.local.home import ROOT, Home, InUse
from config.local.servers import Server, ServerError
from config.local.supervisor import Command, Piece, PieceFailed, Supervisor, kill_group, spawn

PYTHON = sys.executable
WEB_PROCESSES = 2
# Processes by queue: what somebody waits for, and what may take long.
WORKERS = {"now": 2, "night": 1}
SAME_WISH_S = 1.5
# Known to everybody: the demo answers on loopback only, and its guests are invented.
SIGN_IN_PASSWORD = "juniper-and-sage"  # noqa: S105


@dataclass
class Demo:
    """One run: where it keeps its things, what it started, how long each stage took."""

    home: Home
    supervisor: Supervisor = field(default_factory=Supervisor)
    started_s: float = field(default_factory=time.monotonic)
    stages: list[tuple[str, float]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)  # of the database: for `migrate` alone

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.started_s:6.1f} s] {text}", flush=True)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Say what is being done; keep how long it took."""
        self.say(f"{name} ...")
        began = time.monotonic()
        yield
        self.stages.append((name, time.monotonic() - began))
        self._remember()

    def _remember(self) -> None:
        self.home.remember_pieces(
            {
                piece.name: piece.process.pid
                for piece in self.supervisor.pieces
                if piece.process is not None
            }
        )

    def start(self, *, with_business: bool) -> bool:
        """Bring everything up. True when the business was there already and only has to be
        caught up with. Raises ServerError, PieceFailed, BusinessError."""
        self.supervisor.say = self.say
        with self.stage("Starting PostgreSQL and Redis"):
            addresses = self._start_servers()
        web = self.home.web_socket()
        ports = self.home.ports(("sandbox", "mail"))
        settings = addresses | self._settings(web.getsockname()[1], ports)
        self.home.write_environment(settings)
        self.environment = {**os.environ, **settings}
        preparing = [
            self._migrate(),
            self._manage("collectstatic", "collectstatic", "--no-input"),
        ]
        title = "Preparing the database and the pages"
        if with_business and not self._has("business-made"):
            preparing.append(self._generate())
            title += ", inventing a business with two years of history"
        with self.stage(title):
            self.supervisor.run(*preparing)
        if not with_business:
            with self.stage("Starting web server, worker and beat"):
                self.supervisor.add(self._web(web), *self._workers(), self._beat())
            return False
        self._note("business-made")
        is_known = self._has("business-read")
        first = [self._sandbox(ports["sandbox"]), self._web(web)]
        later = [*self._workers(), self._beat()]
        with self.stage("Starting the business and the web server"):
            # At the first start the night is done here, in sight; a worker would run it as well.
            self.supervisor.add(*first, *(later if is_known else ()))
        with self.stage("Letting the business live up to today"):
            # The demo's clock stands in calling hours, so that what is approved may leave.
            today = business.today(self.environment)
            business.live_until(today, environment=self.environment)
        if not is_known:
            self.bring_business_in()
            with self.stage("Starting worker and beat"):
                self.supervisor.add(*later)
        return is_known

    def bring_business_in(self) -> None:
        """Sync, learn, score, draft: what is not done yet. The console can be used meanwhile.
        Raises PieceFailed."""
        with self.stage("Bringing the business in"):
            self.supervisor.run(self._manage("demo_setup", "demo_setup", quiet=False))
        self._note("business-read")

    def _has(self, mark: str) -> bool:
        return (self.home.folder / mark).exists()

    def _note(self, mark: str) -> None:
        (self.home.folder / mark).touch()

    def _start_servers(self) -> dict[str, str]:
        """Addresses of the database, the sandbox's database and Redis: one's own, where set."""
        addresses = {
            name: os.environ[name]
            for name in ("DATABASE_URL", "SANDBOX_DATABASE_URL", "REDIS_URL")
            if os.environ.get(name)
        }
        if owner := os.environ.get("MIGRATE_DATABASE_URL"):
            self.owner = {"MIGRATE_DATABASE_URL": owner}
        folder, ports = self.home.folder, self.home.ports(("postgres", "valkey"))
        if "DATABASE_URL" not in addresses:

            def start_postgres() -> Server:
                return servers.start_postgres(folder / "postgres", port=ports["postgres"])

            postgres = self._add_server(start_postgres)
            owner = servers.create_database(postgres, "tenure")
            self.owner = {"MIGRATE_DATABASE_URL": owner}
            addresses["DATABASE_URL"] = servers.app_url(owner, folder / "postgres")
            if "SANDBOX_DATABASE_URL" not in addresses:
                addresses["SANDBOX_DATABASE_URL"] = servers.create_database(postgres, "sandbox")
        elif "SANDBOX_DATABASE_URL" not in addresses:
            raise ServerError(
                "DATABASE_URL is set, SANDBOX_DATABASE_URL is not. The business of the demo needs "
                "an empty database of its own: create one and set SANDBOX_DATABASE_URL to it."
            )
        if "REDIS_URL" not in addresses:

            def start_valkey() -> Server:
                return servers.start_valkey(folder / "valkey", port=ports["valkey"])

            addresses["REDIS_URL"] = self._add_server(start_valkey).url
        return addresses

    def _add_server(self, start: Callable[[], Server]) -> Server:
        first = start()
        waiting = [first]

        def launch() -> subprocess.Popen[bytes]:
            return (waiting.pop() if waiting else start()).process

        self.supervisor.add(Piece(first.name, launch, stop_signal=first.stop_signal))
        return first

    def _settings(self, web: int, ports: dict[str, int]) -> dict[str, str]:
        """The settings of this Tenure, the sandbox's included, as every process gets them."""
        secrets = self.home.secrets()
        mail_secret = f"whsec_{b64encode(secrets['MAIL_HOOK_SECRETS'].encode()).decode()}"
        console = f"http://127.0.0.1:{web}"
        sandbox = f"http://127.0.0.1:{ports['sandbox']}"
        return {
            "TENURE_ENV": "demo",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
            "DEMO_PASSWORD": SIGN_IN_PASSWORD,
            "SECRET_KEY": secrets["SECRET_KEY"],
            "LEDGER_SIGNING_KEY": secrets["LEDGER_SIGNING_KEY"],
            "LEDGER_EXPORT_DIR": str(self.home.folder / "ledger"),
            "PUBLIC_URL": console,
            "BUSINESS_NAME": "Juniper & Sage",
            "POSTAL_ADDRESS": "Juniper & Sage, 12 Alder Street, Portland, OR 97204",
            "FROM_EMAIL": "hello@juniper.example",
            "LINK_DOMAINS": "juniper.example",
            "PAYMENT_LINK": "https://pay.juniper.example/card",
            "PLATFORM_URL": sandbox,
            "PLATFORM_API_KEY": secrets["PLATFORM_API_KEY"],
            "PLATFORM_WEBHOOK_SECRETS": secrets["PLATFORM_WEBHOOK_SECRETS"],
            "PLATFORM_RATE_PER_MINUTE": "60000",
            "SMS_URL": sandbox,
            "SMS_ACCOUNT": "AC-demo",
            "SMS_TOKEN": secrets["SMS_TOKEN"],
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(ports["mail"]),
            "MAIL_REPLY_DOMAIN": "reply.juniper.example",
            "MAIL_HOOK_SECRETS": mail_secret,
            "SANDBOX_API_KEY": secrets["PLATFORM_API_KEY"],
            "SANDBOX_CONTROL_TOKEN": secrets["SANDBOX_CONTROL_TOKEN"],
            "SANDBOX_WEBHOOK_URL": f"{console}/hooks/zenoti/",
            "SANDBOX_WEBHOOK_SECRET": secrets["PLATFORM_WEBHOOK_SECRETS"],
            "SANDBOX_SMS_ACCOUNT": "AC-demo",
            "SANDBOX_SMS_TOKEN": secrets["SMS_TOKEN"],
            "SANDBOX_SMS_INBOUND_URL": f"{console}/hooks/sms/inbound/",
            "SANDBOX_MAIL_HOOK_URL": f"{console}/hooks/mail/",
            "SANDBOX_MAIL_HOOK_SECRET": mail_secret,
            "SANDBOX_SMTP_PORT": str(ports["mail"]),
            "SANDBOX_RATE_PER_MINUTE": "60000",
        }

    def _migrate(self) -> Command:
        command = self._manage("migrate", "migrate", "--no-input")
        return replace(command, environment={**self.environment, **self.owner})

    def _manage(self, name: str, *arguments: str, quiet: bool = True) -> Command:
        log = self.home.log(name) if quiet else None
        return Command(name, (PYTHON, "manage.py", *arguments), self.environment, ROOT, log)

    def _piece(
        self, name: str, *arguments: str, parent_gone: str = "TERM"
    ) -> Callable[[], subprocess.Popen[bytes]]:
        def start() -> subprocess.Popen[bytes]:
            return spawn(
                (PYTHON, "-m", *arguments),
                self.environment,
                ROOT,
                self.home.log(name),
                parent_gone=parent_gone,
            )

        return start

    def _generate(self) -> Command:
        today = demo_instant(datetime.now(UTC)).astimezone(ZONE).date().isoformat()
        arguments = (PYTHON, "-m", "platforms.sandbox", "generate", "--today", today)
        return Command("sandbox generate", arguments, self.environment, ROOT)

    def _sandbox(self, port: int) -> Piece:
        start = self._piece("sandbox", "platforms.sandbox", "serve", "--port", str(port))
        return Piece("Sandbox", start, lambda: answers(port), log=self.home.log("sandbox"))

    def _web(self, listening: socket.socket) -> Piece:
        port = listening.getsockname()[1]
        log = self.home.log("web")

        def start() -> subprocess.Popen[bytes]:
            number = listening.fileno()
            return spawn(
                (
                    PYTHON, "-m", "gunicorn", "config.wsgi", "--bind", f"fd://{number}",
                    "--workers", str(WEB_PROCESSES), "--preload", "--no-control-socket",
                    "--graceful-timeout", "5",
                ),
                self.environment,
                ROOT,
                log,
                keep_open=(number,),
            )  # fmt: skip

        return Piece("Web server", start, lambda: is_healthy(port), log=log)

    def _workers(self) -> list[Piece]:
        return [self._worker(queue, processes) for queue, processes in WORKERS.items()]

    def _worker(self, queue: str, processes: int) -> Piece:
        name = "worker" if queue == "now" else f"{queue}-worker"
        log = self.home.log(name)
        start = self._piece(
            name, "celery", "-A", "config", "worker", "--queues", queue, "--hostname",
            f"{queue}@%h", "--concurrency", str(processes),
            "--loglevel", "INFO", "--without-gossip", "--without-mingle",
            # Without its supervisor the worker gives up what it holds; leases bring it back.
            parent_gone="QUIT",
        )  # fmt: skip
        offset = log.stat().st_size if log.exists() else 0
        return Piece(
            name.replace("-", " ").capitalize(),
            start,
            lambda: says(log, b" ready.", offset),
            log=log,
        )

    def _beat(self) -> Piece:
        schedule = str(self.home.folder / "beat-schedule")
        start = self._piece("beat", "celery", "-A", "config", "beat", "--schedule", schedule)
        return Piece("Beat", start, log=self.home.log("beat"))

    def watch(self) -> None:
        """Look after the pieces until somebody stops us."""
        known: dict[str, int] = {}
        while True:
            self.supervisor.tend()
            starts = {piece.name: piece.starts for piece in self.supervisor.pieces}
            if starts != known:
                known = starts
                self._remember()
            time.sleep(0.1)

    def report(self) -> None:
        """The share of each stage and the memory of each piece."""
        total = time.monotonic() - self.started_s
        print("\n  Stage                                                        seconds   share")
        for name, seconds in self.stages:
            print(f"  {name:<60} {seconds:7.1f}   {seconds / total:5.0%}")
        print("\n  Piece                    memory (MB, shared pages counted once)")
        for name, used in self.supervisor.memory_mb().items():
            print(f"  {name:<24} {used:7.0f}")


def answers(port: int) -> bool:
    """Whether somebody listens on the loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True


def is_healthy(port: int) -> bool:
    """Whether the console says it is well."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def says(log: Path, words: bytes, offset: int) -> bool:
    """Whether the words stand in the log behind the offset."""
    if not log.exists():
        return False
    with log.open("rb") as file:
        file.seek(offset)
        return words in file.read()


def stop_on_signals(demo: Demo) -> None:
    """The first Ctrl-C stops in order (by KeyboardInterrupt), a later one ends at once."""
    asked_s: float | None = None

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal asked_s
        if asked_s is None:
            asked_s = time.monotonic()
            raise KeyboardInterrupt
        # `make` hands on what the terminal has sent us already: the same wish, not a second one.
        if time.monotonic() - asked_s < SAME_WISH_S:
            return
        for piece in demo.supervisor.pieces:
            if piece.process is not None:
                kill_group(piece.process.pid)
        os._exit(130)

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, interrupt)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--empty", action="store_true", help="the application alone, no business")
    parser.add_argument("--report", action="store_true", help="show time and memory when ready")
    parser.add_argument("--reset", action="store_true", help="stop it and delete all it keeps")
    options = parser.parse_args(arguments)
    home = Home.default()
    try:
        if options.reset:
            home.reset()
            print("Everything of the demo is deleted; `make demo` starts a new one.")
            return 0
        home.prepare()
        with home.lock():
            return run(Demo(home), with_business=not options.empty, report=options.report)
    except InUse as error:
        print(error, file=sys.stderr)
        return 1


def run(demo: Demo, *, with_business: bool, report: bool) -> int:
    """Start, look after, stop. Returns the exit code."""
    stop_on_signals(demo)
    code = 0
    try:
        is_known = demo.start(with_business=with_business)
        if report:
            demo.report()
        print(greeting(demo, with_business=with_business), flush=True)
        if is_known:
            try:
                demo.bring_business_in()
            except PieceFailed as error:  # what was there before can be used all the same
                demo.say(f"The business could not be caught up with: {error}")
        demo.watch()
    except KeyboardInterrupt:
        demo.say("Stopping ...")
    except (ServerError, PieceFailed, business.BusinessError) as error:
        print(f"\nThe demo could not go on: {error}", file=sys.stderr, flush=True)
        code = 1
    finally:
        demo.supervisor.stop()
        demo.say("Everything is stopped.")
    return code


def greeting(demo: Demo, *, with_business: bool) -> str:
    """What to do now."""
    lines = [
        "",
        f"  Tenure is ready after {time.monotonic() - demo.started_s:.0f} s.",
        "",
        f"  Console    {demo.environment['PUBLIC_URL']}/",
    ]
    if with_business:
        lines += [
            f"  Sign in    desk, manager, manager2, regional or admin; password {SIGN_IN_PASSWORD}",
            f"  Guests     {demo.environment['PLATFORM_URL']}/sink/  (their phones and mailboxes)",
        ]
    lines += [
        "",
        f"  Logs       {demo.home.folder / 'logs'}",
        '  Commands   make manage CMD="verify_ledger"',
        "  Stop       Ctrl-C          Start over    make reset",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
