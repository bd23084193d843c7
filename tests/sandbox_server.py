"""A small simulated business behind a real server, for tests that speak HTTP.

Use it by importing the fixture: `from tests.sandbox_server import sandbox  # noqa: F401`. One
server serves the whole test process; it starts at first use and stops with the process.
"""

from __future__ import annotations

import atexit
import functools
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from config.local.servers import free_port

LOCATIONS, GUESTS, MONTHS, TODAY = 2, 120, 12, "2026-11-21"
START_TIMEOUT_S = 60.0


@dataclass
class Sandbox:
    """A running sandbox: its address, its keys, and a hand on its controls."""

    url: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    api_key: str = "test-api-key"
    webhook_secret: str = "test-webhook-secret"
    sms_account: str = "ACtest"
    sms_token: str = "test-sms-token"
    control_token: str = "test-control-token"
    smtp_port: int = 0
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, **params: Any) -> requests.Response:
        """A Zenoti read with the right key."""
        return self.call("GET", path, params=params)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"apikey {self.api_key}", **options.pop("headers", {})}
        return self.session.request(
            method, self.url + path, headers=headers, timeout=options.pop("timeout", 30), **options
        )

    def control(self, method: str, path: str, **options: Any) -> Any:
        """A call to the control side; the JSON it answers."""
        answer = self.session.request(
            method,
            f"{self.url}/_sandbox/{path}",
            headers={"X-Sandbox-Token": self.control_token},
            timeout=300,
            **options,
        )
        assert answer.ok, answer.text
        return answer.json()

    def status(self) -> dict[str, Any]:
        """Today, counts, what waits, which faults are on."""
        found: dict[str, Any] = self.control("GET", "status")
        return found

    def advance(self, days: int = 1) -> dict[str, Any]:
        """Let days pass; waiting messages are read and answered first."""
        done: dict[str, Any] = self.control("POST", "advance", json={"days": days})
        return done

    def faults(self, **changes: float) -> dict[str, float]:
        """Switch faults on; every one not named goes off."""
        done = self.control("POST", "faults", json={"clear": True, **changes})
        found: dict[str, float] = done["on"]
        return found

    def sink(self, **wanted: str) -> list[dict[str, Any]]:
        """Messages on the guests' phones and in their mailboxes, newest first. Filters: `to`,
        `reference`, `after`."""
        answer = self.session.get(f"{self.url}/sink/messages.json", params=wanted, timeout=30)
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    def rows(self, path: str, key: str, size: int = 100, **params: Any) -> list[dict[str, Any]]:
        """All pages of a Zenoti list."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            body = self.get(path, page=page, size=size, **params).json()
            found += body[key]
            info = body.get("page_info") or body["page_Info"]
            if page * size >= info["total"]:
                return found
            page += 1


def start(database: str, **settings: str) -> Sandbox:
    """Generate the small business in `database` (a name on the test server, one for each process
    that tests) and serve it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    base = os.environ["MIGRATE_DATABASE_URL"].rsplit("/", 1)[0]
    port, smtp_port = free_port(), free_port()
    environment = {
        **os.environ,
        "SANDBOX_DATABASE_URL": f"{base}/{database}_{worker}",
        "SANDBOX_API_KEY": Sandbox.api_key,
        "SANDBOX_WEBHOOK_SECRET": Sandbox.webhook_secret,
        "SANDBOX_SMS_ACCOUNT": Sandbox.sms_account,
        "SANDBOX_SMS_TOKEN": Sandbox.sms_token,
        "SANDBOX_CONTROL_TOKEN": Sandbox.control_token,
        "SANDBOX_RATE_PER_MINUTE": "1000000",
        "SANDBOX_ANSWER_SECONDS": "0.2",
        "SANDBOX_WEBHOOK_RETRY_SECONDS": "0.05",
        "SANDBOX_SMTP_PORT": str(smtp_port),
        **settings,
    }
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    command(
        environment, "generate", "--locations", str(LOCATIONS), "--guests", str(GUESTS),
        "--months", str(MONTHS), "--today", TODAY,
    )  # fmt: skip
    return serve(environment, port)


def command(environment: dict[str, str], *arguments: str) -> str:
    """Run `python -m platforms.sandbox ...`; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "platforms.sandbox", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def serve(environment: dict[str, str], port: int) -> Sandbox:
    """Start the server and wait until it answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "platforms.sandbox", "serve", "--port", str(port)],
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    running = Sandbox(
        f"http://127.0.0.1:{port}",
        environment,
        process,
        smtp_port=int(environment["SANDBOX_SMTP_PORT"]),
    )
    atexit.register(stop, running)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            if running.session.get(f"{running.url}/healthz", timeout=30).ok:
                return running
        except requests.ConnectionError:
            time.sleep(0.05)
    raise RuntimeError("The sandbox did not start; its output is above.")


def stop(running: Sandbox) -> None:
    running.session.close()
    if running.process.poll() is None:
        running.process.terminate()
        try:
            running.process.wait(10)
        except subprocess.TimeoutExpired:
            running.process.kill()
            running.process.wait()


@functools.cache
def shared() -> Sandbox:
    return start("sandbox")


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The shared server of this test process."""
    return shared()
