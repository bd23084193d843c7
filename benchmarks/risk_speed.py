"""How fast the risk engine scores, beside the bare parts it cannot do without, in one run.

`python -m benchmarks.risk_speed [--members 200000] [--months 15] [--home DIR] [--out FILE.json]`

Works on a database of its own, on servers of its own or on the one DATABASE_URL names, and drops it
at the end. The mirror is made of numbers (tests/factories/mirror.py): so many members at one
location, about 5 million visits at the default sizes.

The night is features, scores, reasons and the write-back of every member. The bare sum is one SQL
aggregate, the predict_proba of a gradient boosting of 200 trees with 31 leaves on 25 columns, and a
COPY of the result with reasons of the same length into a table with a primary key. The ratios of
the night to it differ in the aggregate: `ratio_visits` has 19 columns over the visits,
`ratio_roll_up` 19 over the days already rolled up, `ratio_inputs` is the statement that reads all
inputs of the score, so that it shows what everything around that statement costs. Each part runs
twice and its faster time counts. `cpu` is the same in seconds of processor time, client and server
together: on a machine that is busy with something else only that means anything.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

TODAY = date(2026, 11, 20)
LIVE_RUNS = 300
NIGHT = "night: features, scores, reasons, write-back"
# Members who leave in a month stay so few that nearly all who joined are scored.
STAYING = {"base": -7.0}
JOINED_PER_MEMBER = 1.28

VISITS = """
SELECT guest_id::float8, {columns} FROM memberships_appointment
WHERE starts_at < TIMESTAMPTZ '2026-11-20 05:00Z' GROUP BY guest_id
"""
_KEPT = "status = 'completed'"
_WINDOWS = {30: "2026-10-21", 60: "2026-09-21", 90: "2026-08-22", 180: "2026-05-24",
            365: "2025-11-20"}  # fmt: skip
VISIT_COLUMNS = [
    *(f"COUNT(*) FILTER (WHERE {_KEPT} AND starts_at >= TIMESTAMPTZ '{on} 05:00Z')::float8"
      for on in _WINDOWS.values()),
    *(f"COUNT(*) FILTER (WHERE status = '{status}' AND starts_at >= TIMESTAMPTZ '{on} 05:00Z')"
      "::float8" for status in ("cancelled", "no_show") for on in list(_WINDOWS.values())[2:]),
    f"COALESCE(SUM(price_cents) FILTER (WHERE {_KEPT}), 0)::float8",
    f"COALESCE(STDDEV(price_cents) FILTER (WHERE {_KEPT}), 0)::float8",
    f"COALESCE(EXTRACT(EPOCH FROM MAX(starts_at) FILTER (WHERE {_KEPT})), 0)::float8",
    f"COALESCE(EXTRACT(EPOCH FROM MIN(starts_at) FILTER (WHERE {_KEPT})), 0)::float8",
    "COALESCE(AVG(EXTRACT(EPOCH FROM starts_at - booked_at)), 0)::float8",
    "COALESCE(STDDEV(EXTRACT(HOUR FROM starts_at)), 0)::float8",
    "COALESCE(AVG(EXTRACT(ISODOW FROM starts_at)), 0)::float8",
    "COUNT(*) FILTER (WHERE is_late_cancellation)::float8",
]  # fmt: skip
ROLL_UP = """
SELECT guest_id::float8, {columns} FROM memberships_guestday
WHERE "on" < DATE '2026-11-20' GROUP BY guest_id
"""
ROLL_UP_COLUMNS = [
    *(f"COALESCE(SUM({name}) FILTER (WHERE \"on\" >= DATE '{on}'), 0)::float8"
      for name in ("visits", "spend_cents") for on in _WINDOWS.values()),
    *(f"COALESCE(SUM({name}) FILTER (WHERE \"on\" >= DATE '{_WINDOWS[180]}'), 0)::float8"
      for name in ("cancelled", "late_cancelled", "no_shows")),
    "SUM(visits)::float8",
    "SUM(spend_cents)::float8",
    "COUNT(*) FILTER (WHERE visits > 0)::float8",
    "COALESCE(MAX(\"on\") - DATE '2026-01-01', 0)::float8",
    "COALESCE(MIN(\"on\") - DATE '2026-01-01', 0)::float8",
]  # fmt: skip
RESULT = (
    '{}\t{!r}\t50\thigh\t[{{"cause":"no_visits","text":"no visit for {} days, usual gap 28",'
    '"value":74,"norm":28,"contribution":0.912,"direction":"raises"}},'
    '{{"cause":"usage_drop","text":"2 visits in 90 days, usually 6","value":2,"norm":6.0,'
    '"contribution":0.513,"direction":"raises"}},{{"cause":"payment","text":'
    '"payments are up to date","value":null,"norm":null,"contribution":-0.208,'
    '"direction":"lowers"}}]\n'
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=200_000)
    parser.add_argument("--months", type=int, default=15)
    parser.add_argument("--home", type=Path, help="folder for the servers' data (kept)")
    parser.add_argument("--no-training", action="store_true", help="score with the scorecard")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        text = json.dumps(_run(options, options.home or Path(scratch)), indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


def _run(options: argparse.Namespace, home: Path) -> dict[str, Any]:
    from config.local import servers

    running: list[servers.Server] = []
    if "DATABASE_URL" not in os.environ:
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o755)
        running = [
            servers.start_postgres(home / "postgres", extra=["max_wal_size=8GB"]),
            servers.start_valkey(home / "valkey"),
        ]
        os.environ["DATABASE_URL"] = servers.create_database(running[0], "tenure")
        os.environ["REDIS_URL"] = running[1].url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("TENURE_ENV", "test")
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    import django

    django.setup()
    from audit import fence

    fence.work_for_the_system()
    from django.db import connection

    try:
        name = connection.creation.create_test_db(verbosity=0)
        try:
            return measure(options.members, options.months, train=not options.no_training)
        finally:
            connection.creation.destroy_test_db(name, verbosity=0)
    finally:
        for server in reversed(running):
            server.stop()


@dataclass
class Clock:
    """Seconds by step, wall and processor (this process and its PostgreSQL backend)."""

    wall: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)

    def time(self, step: str, work: Callable[[], Any]) -> Any:
        """Run the step; its fastest run counts."""
        wall, cpu = time.perf_counter(), _cpu()
        answer = work()
        wall, cpu = time.perf_counter() - wall, _cpu() - cpu
        self.wall[step] = round(min(wall, self.wall.get(step, wall)), 3)
        self.cpu[step] = round(min(cpu, self.cpu.get(step, cpu)), 3)
        return answer


def _cpu() -> float:
    from django.db import connection

    connection.ensure_connection()
    backend = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    served = int(backend.read_text().split()[0]) / 1e9 if backend.exists() else 0.0
    return time.process_time() + served


def measure(members: int, months: int, *, train: bool = True, seed: int = 1) -> dict[str, Any]:
    """The figures, on the database Django is connected to."""
    from django.db import connection

    from memberships.models import Appointment, GuestDay
    from risk import services
    from risk.models import Target
    from tests.factories import mirror

    clock = Clock()
    now = mirror.midday(TODAY)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    made = clock.time(
        "making the mirror",
        lambda: mirror.build(
            members=round(members * JOINED_PER_MEMBER),
            months=months,
            locations=1,
            seed=seed,
            today=TODAY,
            **STAYING,
        ),
    )
    place = made.location_ids[0]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    trained = {}
    for target in Target.values if train else []:
        version = clock.time(
            f"training {target}",
            lambda target=target: services.train(target=target, as_of_on=TODAY, now=now),
        )
        trained[target] = {"cases": version.rows, "serves": version.kind}
    counts, statements = night(clock, place, now)
    bare(clock, place, counts["scored"])
    return {
        "members": counts["scored"],
        "appointments": Appointment.objects.count(),
        "guest_days": GuestDay.objects.count(),
        "trained": trained,
        "seconds": clock.wall,
        "cpu_seconds": clock.cpu,
        **ratios(clock),
        "statements": statements,
        "live_ms": live(place, now),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def ratios(clock: Clock) -> dict[str, float]:
    """The night over the bare sum."""
    found = {}
    for unit, seconds in (("", clock.wall), ("_cpu", clock.cpu)):
        rest = seconds["bare: predict_proba"] + seconds["bare: COPY of the result"]
        for of in ("visits", "roll_up", "inputs"):
            sum_ = seconds[f"bare: aggregate, {of}"] + rest
            found[f"ratio_{of}{unit}"] = round(seconds[NIGHT] / sum_, 2)
    return found


def night(clock: Clock, place: int, now: Any) -> tuple[dict[str, int], int]:
    """Two nights of churn scores and one of bookings; counts of the last, statements of one."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from risk import services

    services.score_members(location_id=place, as_of_on=TODAY - timedelta(7), now=now)
    for later in (0, 1):
        with CaptureQueriesContext(connection) as queries:
            counts = clock.time(
                NIGHT,
                lambda later=later: services.score_members(
                    location_id=place,
                    as_of_on=TODAY + timedelta(later),
                    now=now + timedelta(later),
                ),
            )
    clock.time(
        "night: bookings of 14 days",
        lambda: services.score_bookings(location_id=place, as_of_on=TODAY, now=now),
    )
    return counts, len(queries)


def bare(clock: Clock, place: int, rows: int) -> None:
    """The parts nobody can do without, twice each."""
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier

    from risk import frame
    from risk.features import churn

    rng = np.random.default_rng(1)
    x = rng.normal(size=(rows, 25))
    truth = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=rows)) > 2
    fitted = HistGradientBoostingClassifier(
        max_iter=200, max_leaf_nodes=31, early_stopping=False
    ).fit(x[:20_000], truth[:20_000])
    for _ in range(2):
        for step, query, columns in (
            ("bare: aggregate, roll_up", ROLL_UP, ROLL_UP_COLUMNS),
            ("bare: aggregate, visits", VISITS, VISIT_COLUMNS),
        ):
            names = ["guest", *(f"c{number}" for number in range(len(columns)))]
            statement = query.format(columns=", ".join(columns))
            clock.time(
                step,
                lambda statement=statement, names=names: frame.read(statement, names, {}),
            )
        clock.time(
            "bare: aggregate, inputs", lambda: churn.members(as_of_on=TODAY, location_ids=[place])
        )
        p = clock.time("bare: predict_proba", lambda: fitted.predict_proba(x)[:, 1])
        clock.time("bare: COPY of the result", lambda p=p: _copy(p.tolist()))


def _copy(chances: list[float]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare")
        cursor.execute(
            "CREATE TABLE bare (guest bigint PRIMARY KEY, p float8, score int2, band text, "
            "reasons jsonb)"
        )
        with cursor.copy("COPY bare FROM STDIN") as out:
            for start in range(0, len(chances), 5_000):
                part = enumerate(chances[start : start + 5_000], start)
                out.write("".join([RESULT.format(guest, p, guest % 90) for guest, p in part]))


def live(place: int, now: Any) -> dict[str, float]:
    """One booking at a time, as after a webhook: inputs, score, reasons, write, in milliseconds."""
    from risk import services
    from risk.models import BookingScore

    ids = list(
        BookingScore.objects.filter(location=place).values_list("appointment_id", flat=True)[
            :LIVE_RUNS
        ]
    )
    for number in ids[:10]:
        services.score_appointments(appointment_ids=[number], now=now)
    taken, cpu = [], _cpu()
    for number in ids:
        began = time.perf_counter()
        services.score_appointments(appointment_ids=[number], now=now)
        taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    return {
        "p10": round(taken[len(taken) // 10], 2),
        "p50": round(taken[len(taken) // 2], 2),
        "p99": round(taken[int(len(taken) * 0.99)], 2),
        "cpu": round((_cpu() - cpu) * 1000 / len(taken), 2),
    }


if __name__ == "__main__":
    main()
