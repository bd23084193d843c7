"""The watch over a simulated business that lives: calm nights, then something breaks.

`python -m benchmarks.risk_drift_lived --home DIR [--nights 20] [--out FILE.json]`

A business is generated, read over HTTP and learned from as in production; then it lives on day by
day with its night's sync, scores and check. Each alarm in these nights counts as false: the
business has its seasons and nothing else. In the last night the mirror is damaged in several ways,
one after the other and each undone, and the check must say so.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.risk_sandbox import TODAY, Business, Life, _product, surround
from config.local import servers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of the servers' data")
    parser.add_argument("--nights", type=int, default=20)
    parser.add_argument("--locations", type=int, default=3)
    parser.add_argument("--guests", type=int, default=4_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    business = Business("watched", 21, options.locations, options.guests, options.months)
    options.home.mkdir(parents=True, exist_ok=True)
    postgres = servers.start_postgres(options.home / "postgres", durable=False)
    valkey = servers.start_valkey(options.home / "valkey")
    try:
        urls = {
            "DATABASE_URL": servers.create_database(postgres, business.name),
            "SANDBOX_DATABASE_URL": servers.create_database(postgres, f"{business.name}_life"),
            "REDIS_URL": valkey.url,
        }
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            result = pool.apply(measure, (business, urls, options.nights))
    finally:
        valkey.stop()
        postgres.stop(60)
    text = json.dumps(result, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


def measure(business: Business, urls: dict[str, str], nights: int) -> dict[str, Any]:
    port = servers.free_port()
    surround(urls, port)
    life = Life(port)
    life.generate(business)
    with life:
        product = _product()
        mirror = product.bring_in()
        product.train_and_score()
        lived = []
        for back in range(1, nights + 1):
            life.advance(1)
            lived.append(night(TODAY + timedelta(days=back)))
        return {
            "mirror": mirror,
            "checks": 2 * len(lived),
            "false": [alarm for one in lived for alarm in one],
            "broken": broken(TODAY + timedelta(days=nights)),
        }


def night(on: date) -> list[str]:
    """Sync, scores, outcomes and check of one day; the sentences of new alarms."""
    from django.db import transaction

    from memberships import services as sync
    from memberships.models import Location
    from risk.models import Target
    from risk.quality import outcomes

    now = datetime(on.year, on.month, on.day, 16, tzinfo=UTC)
    for place in Location.objects.all():
        sync.sync_location(location_id=place.pk, now=now)
    score(on, now)
    for target in Target.values:
        with transaction.atomic():
            outcomes.roll_up(target, on=on)
    return check(on, now)


def score(on: date, now: datetime) -> None:
    from audit.models import JobRun
    from memberships.models import Location
    from risk import services

    JobRun.objects.filter(job__in=[services.MEMBERS_JOB, services.BOOKINGS_JOB]).delete()
    for place in Location.objects.all():
        services.score_members(location_id=place.pk, as_of_on=on, now=now)
        services.score_bookings(location_id=place.pk, as_of_on=on, now=now)


def check(on: date, now: datetime) -> list[str]:
    from risk.models import Target
    from risk.quality import alarms

    return [
        f"{on} {target}: {alarm.sentence}"
        for target in Target.values
        for alarm in alarms.check(target=target, on=on, now=now).raised
    ]


def broken(on: date) -> dict[str, list[str]]:
    """What the check says after each damage to the mirror of the newest night."""
    from django.db import connection, transaction

    tomorrow = on + timedelta(days=1)
    now = datetime(on.year, on.month, on.day, 17, tzinfo=UTC)
    damages: dict[str, Callable[[Any], Any]] = {
        "visits are lost": lambda c: c.execute("DELETE FROM memberships_guestday"),
        "channels are not told": lambda c: c.execute(
            "UPDATE memberships_appointment SET channel = '' WHERE starts_on >= %s", [on]
        ),
        "times of booking are reset": lambda c: c.execute(
            "UPDATE memberships_appointment SET booked_at = starts_at - interval '40 days' "
            "WHERE starts_on = %s",
            [tomorrow],
        ),
        "prices in another unit": lambda c: c.execute(
            "UPDATE memberships_service SET price_cents = price_cents * 100"
        ),
        "future bookings of one location are gone": lambda c: c.execute(
            "UPDATE memberships_appointment SET vanished_at = %s WHERE starts_on > %s "
            "AND location_id = (SELECT MIN(id) FROM memberships_location)",
            [now, on],
        ),
    }
    said = {}
    for name, damage in damages.items():
        with transaction.atomic():
            with connection.cursor() as cursor:
                damage(cursor)
            score(on, now)
            said[name] = check(on, now)
            transaction.set_rollback(True)
    return said


if __name__ == "__main__":
    main()
