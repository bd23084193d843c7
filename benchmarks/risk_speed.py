"""How fast the risk engine scores, beside the bare parts it cannot do without, in one run.

`python -m benchmarks.risk_speed --members 200000 [--months 24] [--out FILE.json]`

Needs DATABASE_URL; works in a database of its own there and drops it at the end. The mirror is made
of numbers (tests/factories/mirror.py). The bare sum is one SQL aggregate over the guest days, the
predict_proba of a gradient boosting of 200 trees with 31 leaves on as many columns, and a COPY of
the result. Times are wall clock; on a busy machine only the ratio means something.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

TODAY = date(2026, 11, 20)
LIVE_RUNS = 200

AGGREGATE = """
SELECT guest_id::float8,
    COALESCE(SUM(visits) FILTER (WHERE "on" >= DATE '2026-10-21'), 0)::float8,
    COALESCE(SUM(visits) FILTER (WHERE "on" >= DATE '2026-08-22'), 0)::float8,
    SUM(visits)::float8, SUM(spend_cents)::float8, (MAX("on") - DATE '2026-01-01')::float8,
    (MIN("on") - DATE '2026-01-01')::float8, SUM(no_shows)::float8
FROM memberships_guestday WHERE "on" < DATE '2026-11-20' GROUP BY guest_id
"""
AGGREGATED = ["guest", "v30", "v90", "v", "spend", "last", "first", "missed"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=200_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("TENURE_ENV", "test")
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    import django

    django.setup()
    from django.db import connection

    name = connection.creation.create_test_db(verbosity=0)
    try:
        result = measure(options.members, options.months)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


def measure(members: int, months: int) -> dict[str, Any]:
    """Seconds by step."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from memberships.models import Appointment, GuestDay, Membership
    from risk import services
    from risk.models import Target
    from tests.factories import mirror

    now = mirror.midday(TODAY)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    seconds: dict[str, float] = {}

    def timed(step: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        answer = work()
        seconds[step] = round(time.perf_counter() - began, 2)
        return answer

    made = timed(
        "making the mirror",
        lambda: mirror.build(members=members, months=months, locations=1, today=TODAY),
    )
    place = made.location_ids[0]
    for target in Target.values:
        version = timed(
            f"training {target}",
            lambda target=target: services.train(target=target, as_of_on=TODAY, now=now),
        )
        seconds[f"cases {target}"] = version.rows
    services.score_members(location_id=place, as_of_on=TODAY, now=now)  # warm caches for both
    _bare(timed)
    Membership.objects.update(detailed_at=now)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_jobrun")
    with CaptureQueriesContext(connection) as queries:
        counts = timed(
            "members: features, scores, reasons, write-back",
            lambda: services.score_members(location_id=place, as_of_on=TODAY, now=now),
        )
    bookings = timed(
        "bookings of 14 days",
        lambda: services.score_bookings(location_id=place, as_of_on=TODAY, now=now),
    )
    live = _live(now)
    bare = sum(value for step, value in seconds.items() if step.startswith("bare"))
    return {
        "members": members,
        "scored": counts["scored"],
        "bookings": bookings["scored"],
        "appointments": Appointment.objects.count(),
        "guest_days": GuestDay.objects.count(),
        "seconds": seconds,
        "ratio_to_bare": round(seconds["members: features, scores, reasons, write-back"] / bare, 2),
        "statements": len(queries),
        "live_ms": live,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _bare(timed: Callable[[str, Callable[[], Any]], Any]) -> None:
    import numpy as np
    from django.db import connection
    from sklearn.ensemble import HistGradientBoostingClassifier

    from risk import frame

    columns = timed("bare: SQL aggregate", lambda: frame.read(AGGREGATE, AGGREGATED, {}))
    rows = len(columns["guest"])
    rng = np.random.default_rng(1)
    x = rng.normal(size=(rows, 25))
    truth = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=rows)) > 2
    fitted = HistGradientBoostingClassifier(
        max_iter=200, max_leaf_nodes=31, early_stopping=False
    ).fit(x[:20_000], truth[:20_000])
    p = timed("bare: predict_proba", lambda: fitted.predict_proba(x)[:, 1])

    def copy() -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE bare (guest bigint, p float8, reasons jsonb)")
            with cursor.copy("COPY bare FROM STDIN") as out:
                out.write(
                    "".join(
                        f'{int(g)}\t{q}\t[{{"cause":"no_visits","text":"no visit for 74 days"}}]\n'
                        for g, q in zip(columns["guest"].tolist(), p.tolist(), strict=True)
                    )
                )
            cursor.execute("ALTER TABLE bare ADD PRIMARY KEY (guest)")

    timed("bare: COPY of the result", copy)


def _live(now: Any) -> dict[str, float]:
    """One booking at a time: features, score, reasons, write, in milliseconds."""
    from risk import services
    from risk.models import BookingScore

    ids = list(BookingScore.objects.values_list("appointment_id", flat=True)[:LIVE_RUNS])
    taken = []
    for number in [ids[0], *ids]:
        began = time.perf_counter()
        services.score_appointments(appointment_ids=[number], now=now)
        taken.append((time.perf_counter() - began) * 1000)
    taken = sorted(taken[1:])
    return {
        "p50": round(statistics.median(taken), 1),
        "p99": round(taken[int(len(taken) * 0.99) - 1], 1),
    }


if __name__ == "__main__":
    main()
