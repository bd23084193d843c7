"""The folder of a local Tenure: one user at a time, ports and secrets kept, reset stops first."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.local.home import Home, InUse

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "a folder" / ".local")
    home.prepare()
    return home


def test_ports_are_kept_while_they_are_free(home: Home) -> None:
    first = home.ports(("postgres", "valkey"))
    assert home.ports(("postgres", "valkey")) == first

    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", first["postgres"]))
        stranger.listen()
        second = home.ports(("postgres", "valkey"))

    assert second["postgres"] != first["postgres"]
    assert second["valkey"] == first["valkey"]


def test_two_homes_get_two_addresses_for_the_console(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.prepare()
    with home.web_socket() as one, other.web_socket() as two:
        assert one.getsockname()[1] != two.getsockname()[1]
        address = one.getsockname()
    with home.web_socket() as again:
        assert again.getsockname() == address


def test_secrets_are_made_once_and_readable_by_their_owner_alone(home: Home) -> None:
    made = home.secrets()
    path = home.folder / "secrets.env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert home.secrets() == made
    assert len(set(made.values())) == len(made)


def test_a_second_start_from_the_same_folder_is_refused(home: Home) -> None:
    with home.lock(), pytest.raises(InUse, match="already runs"), home.lock():
        pass
    with home.lock():
        pass


@pytest.mark.worker
def test_reset_stops_the_one_who_runs_and_deletes_everything(home: Home) -> None:
    code = (
        "import sys, time; from pathlib import Path; from config.local.home import Home\n"
        f"with Home(Path({str(home.folder)!r})).lock(): print(1, flush=True); time.sleep(60)"
    )
    running = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert running.stdout is not None
    running.stdout.readline()
    assert home.holder() == running.pid

    started = time.monotonic()
    home.reset(wait_s=10)

    assert not home.folder.exists()
    running.wait(10)
    running.stdout.close()
    assert time.monotonic() - started < 10
