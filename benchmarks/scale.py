"""The product at the size of a chain: backfill, training, one night and the pages.

`python -m benchmarks.scale --locations 50 --guests 200000 --home DIR --out FILE.json`

Everything runs as it does in production: the sandbox is a process of its own reached over HTTP,
every stage is a management command of its own whose wall time and peak memory are taken from the
operating system, and the SQL statements are counted by PostgreSQL (pg_stat_statements), the
sandbox's own database left out. A second run on the same DIR goes on where the first stopped.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.demo_clock import ZONE, demo_instant
from config.local import servers

PYTHON = sys.executable
PAGE_RUNS = 40
# One per screen; {member}, {call} and {draft} are filled with a row of the benchmark's business.
PAGES = (
    "/calls/",
    "/review/",
    "/outgoing/",
    "/members/",
    "/members/?band=high",
    "/members/?q=smith",
    "/members/{member}/",
    "/bookings/",
    "/overview/",
    "/overview/bookings/",
    "/activity/",
    "/sync/",
    "/settings/offers/",
    "/settings/templates/",
    "/settings/thresholds/",
    "/settings/people/",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locations", type=int, default=50)
    parser.add_argument("--guests", type=int, default=200_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument(
        "--stages", default="backfill,again,train,night,pages", help="which of these to run"
    )
    options = parser.parse_args()
    options.home.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.home, options)
    try:
        bench.run(set(options.stages.split(",")))
    finally:
        bench.stop()
    if options.out:
        options.out.write_text(json.dumps(bench.report, indent=2) + "\n")


class Bench:
    """The servers, the sandbox and the figures so far."""

    def __init__(self, home: Path, options: argparse.Namespace) -> None:
        self.options = options
        self.report: dict[str, Any] = {
            "locations": options.locations,
            "guests": options.guests,
            "months": options.months,
            "stages": [],
            "pages": [],
        }
        self.postgres = servers.start_postgres(
            home / "postgres",
            extra=["shared_preload_libraries=pg_stat_statements", "max_wal_size=8GB"],
        )
        self.valkey = servers.start_valkey(home / "valkey")
        self.sandbox: subprocess.Popen[bytes] | None = None
        self.sandbox_port = servers.free_port()
        database = servers.create_database(self.postgres, "tenure")
        self.environment = {
            **os.environ,
            "TENURE_ENV": "demo",
            "SECRET_KEY": secrets.token_hex(32),
            "OMP_NUM_THREADS": "1",
            "DATABASE_URL": database,
            "REDIS_URL": self.valkey.url,
            "PLATFORM_URL": f"http://127.0.0.1:{self.sandbox_port}",
            "SMS_URL": f"http://127.0.0.1:{self.sandbox_port}",
            "PLATFORM_API_KEY": "bench",
            "PLATFORM_RATE_PER_MINUTE": "10000000",
            "SANDBOX_DATABASE_URL": servers.create_database(self.postgres, "sandbox"),
            "SANDBOX_API_KEY": "bench",
            "SANDBOX_RATE_PER_MINUTE": "10000000",
            "LOG_LEVEL": "WARNING",
        }
        os.environ.update(self.environment)

    def stop(self) -> None:
        if self.sandbox is not None:
            self.sandbox.terminate()
            self.sandbox.wait(20)
        self.valkey.stop()
        self.postgres.stop(60)

    def run(self, wanted: set[str]) -> None:
        self.stage("migrate", [PYTHON, "manage.py", "migrate", "--verbosity", "0"])
        self.stage(
            "collect static files", [PYTHON, "manage.py", "collectstatic", "--noinput", "-v0"]
        )
        today = demo_instant(datetime.now(UTC)).astimezone(ZONE).date().isoformat()
        subprocess.run([PYTHON, "manage.py", "demo_clock"], env=self.environment, check=True)
        if not (self.options.home / "generated").exists():
            self.generate(today)
        self.serve()
        self.stage("library and people", [PYTHON, "manage.py", "seed_library"])
        if "backfill" in wanted:
            self.stage("backfill", [PYTHON, "manage.py", "sync", "--jobs", "2"])
        if "again" in wanted:
            self.stage("second sync, nothing new", [PYTHON, "manage.py", "sync", "--jobs", "2"])
        if "train" in wanted:
            self.stage("train", [PYTHON, "manage.py", "train"])
        if "night" in wanted:
            self.leave_out_the_sync_of_the_night()
            self.stage("night without its sync", [PYTHON, "manage.py", "run_night"])
        if "pages" in wanted:
            self.pages()

    def leave_out_the_sync_of_the_night(self) -> None:
        """The stage is measured by itself above; everything was read just now."""
        import psycopg

        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(
                """
                INSERT INTO audit_jobrun
                    (job, period, location_id, status, attempt, counts, error, started_at,
                     finished_at)
                SELECT 'night.sync', ((now() + make_interval(secs => c.seconds))
                           AT TIME ZONE l.time_zone)::date::text,
                       l.id, 'done', 1, '{}', '', now(), now()
                FROM memberships_location l CROSS JOIN audit_clockshift c
                ON CONFLICT DO NOTHING
                """
            )

    def generate(self, today: str) -> None:
        self.stage(
            "generate the business",
            [
                PYTHON, "-m", "platforms.sandbox", "generate", "--seed", "11",
                "--locations", str(self.options.locations), "--guests", str(self.options.guests),
                "--months", str(self.options.months), "--today", today,
            ],
        )  # fmt: skip
        (self.options.home / "generated").touch()

    def serve(self) -> None:
        self.sandbox = subprocess.Popen(
            [PYTHON, "-m", "platforms.sandbox", "serve", "--port", str(self.sandbox_port)],
            env=self.environment,
        )
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.sandbox_port), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise SystemExit("The sandbox does not answer.")

    def stage(self, name: str, command: list[str]) -> None:
        """Run one command; note its wall time, peak memory (it and its children) and statements."""
        before = self.statements()
        started = time.monotonic()
        process = subprocess.Popen(command, env=self.environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        row = {
            "stage": name,
            "seconds": round(time.monotonic() - started, 1),
            "peak_mib": round(usage.ru_maxrss / 1024),
            "statements": self.statements() - before,
        }
        self.report["stages"].append(row)
        print(json.dumps(row), flush=True)
        if process.returncode != 0:
            raise SystemExit(f"{name} failed with exit code {process.returncode}.")

    def statements(self) -> int:
        """Statements the product has sent so far; what the database asks itself to check foreign
        keys at commit is not counted."""
        import psycopg

        url = self.environment["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            row = connection.execute(
                "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s"
                " JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = 'tenure'"
                " AND s.query NOT LIKE '%FOR KEY SHARE OF x%'"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def pages(self) -> None:
        """Server time, queries and weight of each page: for an administrator of every location,
        and for a manager of one."""
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        from audit import fence

        fence.work_for_the_system()
        from django.test import Client

        from memberships.models import Location, Membership
        from staff.models import User

        place = Location.objects.order_by("pk").first()
        for role in ("admin", "manager"):
            person, _ = User.objects.get_or_create(
                username=f"bench-{role}", defaults={"role": role, "approval_limit_cents": 100_000}
            )
            person.locations.set([place] if place else [])
            client = Client(headers={"host": "127.0.0.1"})
            client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
            running = Membership.objects.filter(status="active", location=place)
            self.time_pages(client, role, running.values_list("guest_id", flat=True).first())

    def time_pages(self, client: Any, role: str, member: int | None) -> None:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        for pattern in PAGES:
            url = pattern.format(member=member)
            first = client.get(url)
            took = []
            for _ in range(PAGE_RUNS):
                started = time.perf_counter()
                client.get(url)
                took.append((time.perf_counter() - started) * 1000)
            with CaptureQueriesContext(connection) as queries:
                response = client.get(url)
            row = {
                "role": role,
                "page": pattern,
                "status": first.status_code,
                "median_ms": round(statistics.median(took), 1),
                "p95_ms": round(statistics.quantiles(took, n=20)[18], 1),
                "queries": len(queries),
                "html_kib": round(len(response.content) / 1024, 1),
                "wire_kib": round(len(gzip.compress(response.content)) / 1024, 1),
            }
            self.report["pages"].append(row)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
