"""Times worth offering for a call-back. When a guest may be called at all is in outreach.hours:
the same hours hold by phone and by message, on the guest's own clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from outreach.hours import is_open

if TYPE_CHECKING:
    from outreach.models import OutreachPolicy

# Local times offered besides "in an hour": before lunch and after work.
USUAL_TIMES = (time(10), time(17))
OFFERED = 4
APART = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
FURTHEST = timedelta(days=60)


def may_call(at: datetime, zone: ZoneInfo, policy: OutreachPolicy) -> bool:
    """Whether a guest whose clock is in `zone` may be called at the instant `at`."""
    return is_open(at, zone_name=zone.key, policy=policy)


def call_back_times(now: datetime, zone: ZoneInfo, policy: OutreachPolicy) -> list[datetime]:
    """Four instants to offer, soonest first, an hour or more apart, all inside calling hours."""
    soon = _quarter(now + APART, zone)
    today = now.astimezone(zone).date()
    usual = (
        _local(today + timedelta(days=days), at, zone)
        for days in range(8)
        for at in sorted({*USUAL_TIMES, policy.quiet_until})
    )
    offered: list[datetime] = []
    for moment in (soon, *usual):
        is_apart = not offered or moment - offered[-1] >= APART
        if moment >= soon and is_apart and may_call(moment, zone, policy):
            offered.append(moment)
        if len(offered) == OFFERED:
            break
    return offered


def _local(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone)


def _quarter(at: datetime, zone: ZoneInfo) -> datetime:
    """The next full quarter of an hour at or after `at`, on the clock of `zone`."""
    local = at.astimezone(zone).replace(second=0, microsecond=0)
    rest = timedelta(minutes=local.minute % 15)
    return local if not rest else local + (QUARTER - rest)
