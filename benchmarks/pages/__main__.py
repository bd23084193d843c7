"""Server time, queries and weight of every list page at the size of a chain, for each role.

`python -m benchmarks.pages [--part 1.0] [--home DIR] [--runs 30] [--only /replies/] [--out FILE]`

The database is made of numbers within minutes (benchmarks/pages/chain.py), no sync and no training;
`--home` keeps it for the next run. Each page, tab, filter, search and second page is asked for
through the whole application (middleware, session, templates) by a front desk and a manager of the
largest location, a regional manager of ten and an administrator of all.

`cpu_ms` is processor time of the application and its PostgreSQL backend together: on a machine that
is busy with something else only that means anything. `sql_ms` is the part of the median spent
waiting for the database.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", type=float, default=1.0, help="of the whole chain, 0 to 1")
    parser.add_argument("--home", type=Path, help="folder for the servers' data (kept)")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--only", default="", help="only addresses that begin so")
    parser.add_argument("--roles", default="desk,manager,regional,admin")
    parser.add_argument(
        "--without-fence", action="store_true", help="ask as the owner, whom no policy binds"
    )
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        report = _run(options, options.home or Path(scratch))
    if options.out:
        options.out.write_text(json.dumps(report, indent=2) + "\n")


def _run(options: argparse.Namespace, home: Path) -> dict[str, object]:
    from config.local import servers

    running: list[servers.Server] = []
    if "DATABASE_URL" not in os.environ:
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o755)
        running = [
            servers.start_postgres(
                home / "postgres",
                durable=False,
                extra=[
                    "max_wal_size=8GB",
                    "wal_level=minimal",
                    "max_wal_senders=0",
                    "shared_buffers=1GB",
                ],
            ),
            servers.start_valkey(home / "valkey", durable=False),
        ]
        owner = servers.create_database(running[0], "tenure")
        os.environ["MIGRATE_DATABASE_URL"] = owner
        os.environ["DATABASE_URL"] = servers.app_url(owner, home / "postgres")
        os.environ["REDIS_URL"] = running[1].url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("TENURE_ENV", "test")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("LOG_LEVEL", "WARNING")

    import django

    django.setup()
    from audit import fence

    fence.work_for_the_system()
    try:
        return _measure(options)
    finally:
        for server in reversed(running):
            server.stop()


def _measure(options: argparse.Namespace) -> dict[str, object]:
    from django.core.management import call_command
    from django.db import connection

    from benchmarks.pages import asking, chain
    from config.database import as_owner
    from memberships.models import Location

    call_command("migrate", verbosity=0)
    sizes = chain.Sizes.of(options.part)
    started = time.monotonic()
    if not Location.objects.exists():
        with as_owner("default"):
            chain.fill(sizes)
            connection.set_autocommit(True)
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 0")
                cursor.execute("VACUUM ANALYZE")
    filled = round(time.monotonic() - started, 1)
    print(json.dumps({"sizes": sizes.__dict__, "filled_in_s": filled}), flush=True)
    rows = []
    people = chain.people()
    with as_owner("default") if options.without_fence else nullcontext():
        for role in options.roles.split(","):
            for row in asking.ask(people[role], runs=options.runs, only=options.only):
                rows.append(row)
                print(asking.line(row), flush=True)
    return {"sizes": sizes.__dict__, "filled_in_s": filled, "pages": rows}


if __name__ == "__main__":
    main()
