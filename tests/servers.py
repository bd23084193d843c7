"""Pytest plugin: real PostgreSQL and a real Redis-protocol server for the whole run.

Loaded by `addopts` before Django reads its settings. The controller starts both; workers of
pytest-xdist inherit the addresses and use a database number of their own. As in production the
database has two users: the owner of the tables, and the one the tests run as (tests/owner.py).
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from config.local import servers

WORKER = os.environ.get("PYTEST_XDIST_WORKER")

os.environ.setdefault("TENURE_ENV", "test")
os.environ.setdefault("OMP_NUM_THREADS", "1")

if WORKER is None:
    home = Path(tempfile.mkdtemp(prefix="tenure-tests-"))
    home.chmod(0o755)  # the fallback user of PostgreSQL must reach its folder
    os.environ["LEDGER_EXPORT_DIR"] = str(home / "ledger")
    running: list[servers.Server] = []
    if "TEST_DATABASE_URL" not in os.environ:
        postgres = servers.start_postgres(home / "postgres", durable=False)
        running.append(postgres)
        owner = servers.create_database(postgres, "tenure")
    else:
        owner = os.environ["TEST_DATABASE_URL"]
    os.environ["MIGRATE_DATABASE_URL"] = owner
    os.environ["DATABASE_URL"] = servers.app_url(owner, home / "postgres")
    if "TEST_REDIS_URL" not in os.environ:
        valkey = servers.start_valkey(home / "valkey", durable=False)
        running.append(valkey)
        os.environ["REDIS_URL"] = valkey.url
    else:
        os.environ["REDIS_URL"] = os.environ["TEST_REDIS_URL"]

    def stop() -> None:
        for server in reversed(running):
            server.stop()
        shutil.rmtree(home, ignore_errors=True)

    atexit.register(stop)
else:
    number = int(WORKER.removeprefix("gw")) + 1
    base = os.environ["REDIS_URL"].rsplit("/", 1)[0]
    os.environ["REDIS_URL"] = f"{base}/{number}"
