"""/activity/ over a million entries: how long a page takes for each filter, and its CSV.

`python -m benchmarks.activity [--entries 1000000] [--times 30] [--export] [--out FILE.json]`

Needs DATABASE_URL; works in a database of its own there and drops it at the end. The entries are
made by the database itself (nothing is hashed): 50 locations, half of them looks, the rest in the
proportions of a business that sends. A manager of one location and an administrator of all ask
each filter, the first page and one far back; the figures are milliseconds of the whole answer, and
of that what this process computed (the rest is the database, or a busy machine). `--export` takes
the largest CSV away and tells rows, seconds and how much memory that needed at its height.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PLACES = 50
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
FILL = """
INSERT INTO audit_ledgerentry (chain, seq, prev, hash, body, event, at, actor_id, actor_label,
    location_id, guest_id, target_type, target_id, play)
SELECT 'location:' || place, n, '', md5(n::text),
    '{"actor":null,"detail":{"play":"win-back","where":"member page","reason":"asked"}}',
    CASE WHEN n % 2 = 0 THEN 'guest.viewed' ELSE kinds[1 + (n / 2) % cardinality(kinds)] END,
    %(now)s - n * INTERVAL '7 minutes', CASE WHEN n % 3 = 0 THEN people[1 + n % cardinality(people)]
    END, 'Somebody', place, n % 4000, 'outreach.draft', (n % 100000)::text,
    CASE WHEN n % 5 = 0 THEN 'win-back' ELSE '' END
FROM generate_series(1, %(each)s) AS n, unnest(%(places)s::bigint[]) AS place,
    (SELECT %(kinds)s::text[] AS kinds, %(people)s::bigint[] AS people) k
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--export", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("TENURE_ENV", "test")

    import django

    django.setup()
    from audit import fence

    fence.work_for_the_system()
    from django.db import connection

    name = connection.creation.create_test_db(verbosity=0)
    try:
        result = measured(options.entries, options.times, export=options.export)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


def measured(entries: int, times: int, *, export: bool) -> dict[str, Any]:
    from audit import events
    from memberships.models import Location
    from outreach.models import Play
    from staff.models import User
    from tests.factories.memberships import LocationFactory
    from tests.factories.staff import UserFactory

    Play.objects.create(key="win-back", name="Win back")
    places = [LocationFactory(name=f"Place {n}") for n in range(PLACES)]
    people = [UserFactory(role="desk", locations=[place]) for place in places]
    manager: User = UserFactory(role="manager", locations=places[:1])
    admin: User = UserFactory(role="admin")
    kinds = [event for event in events.known() if event.startswith(("draft.", "message."))]
    fill(entries, [place.pk for place in places], [one.pk for one in people], kinds)
    asked: dict[str, dict[str, Any]] = {
        "nothing": {},
        "event": {"event": "draft.approved"},
        "events of a subject": {"event": "draft."},
        "looks": {"event": "guest.viewed"},
        "person": {"person": people[0].pk},
        "person and subject": {"person": people[0].pk, "event": "draft."},
        "guest": {"guest": 77},
        "play": {"play": "win-back"},
        "location": {"location": Location.objects.earliest("pk").pk},
        "dates": {"from_on": "2026-11-01", "to_on": "2026-11-03"},
        "number": {"about": "77"},
        "far back": {"before": f"{(AT - timedelta(days=60)).isoformat()}_{entries // 2}"},
    }
    result: dict[str, Any] = {"entries": entries}
    for role, user in (("manager of one", manager), ("administrator of all", admin)):
        result[role] = {name: page(user, query, times) for name, query in asked.items()}
    if export:
        result["export"] = taken_away(admin)
    return result


def fill(entries: int, places: list[int], people: list[int], kinds: list[str]) -> None:
    from django.db import connection

    from audit.models import LedgerHead
    from audit.services import GENESIS

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for table in ("audit_ledgerentry", "audit_ledgerhead"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        values = {"now": AT, "each": entries // PLACES, "places": places}
        cursor.execute(FILL.replace(" % ", " %% "), values | {"kinds": kinds, "people": people})
        cursor.execute("VACUUM ANALYZE audit_ledgerentry")
    LedgerHead.objects.bulk_create(
        [LedgerHead(chain=f"location:{place}", seq=1, hash=GENESIS) for place in places]
    )


def page(user: Any, query: dict[str, Any], times: int) -> dict[str, float]:
    """Milliseconds in the server of the middle and the slow answers."""
    from django.test import Client
    from django.urls import reverse

    client = Client()
    client.force_login(user)
    taken, computed = [], []
    for _ in range(times + 1):
        began, worked = time.perf_counter(), time.process_time()
        if client.get(reverse("activity"), query).status_code != 200:
            raise SystemExit(f"{query} was not answered.")
        taken.append((time.perf_counter() - began) * 1000)
        computed.append((time.process_time() - worked) * 1000)
    taken, computed = sorted(taken[1:]), sorted(computed[1:])  # the first makes the connection
    return {
        "median": round(taken[len(taken) // 2], 1),
        "p95": round(taken[int(len(taken) * 0.95)], 1),
        "computed": round(computed[len(computed) // 2], 1),
    }


def taken_away(user: Any) -> dict[str, float]:
    from django.test import Client
    from django.urls import reverse

    client = Client()
    client.force_login(user)
    before = _height()
    began = time.perf_counter()
    answer: Any = client.get(reverse("activity-export"))
    rows = size = 0
    for piece in answer.streaming_content:
        rows += 1
        size += len(piece)
    return {
        "rows": rows - 1,
        "megabytes": round(size / 1e6, 1),
        "seconds": round(time.perf_counter() - began, 1),
        "memory_more_mb": round(
            (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3
        ),
    }


def _height() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes


if __name__ == "__main__":
    main()
