"""Times worth offering for a call-back. When a guest may be called at all is in
outreach.gate.hours: the same hours hold by phone and by message, on the guest's own clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from outreach.gate.hours import place_of

if TYPE_CHECKING:
    from cancellations.models import Call
    from outreach.gate.hours import Hours
    from outreach.gate.places import Place

# Local times offered besides "in an hour": before lunch and after work.
USUAL_TIMES = (time(10), time(17))
OFFERED = 4
APART = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
FURTHEST = timedelta(days=60)


def call_place(call: Call) -> Place:
    """Where the hours of a call are asked. A call may come to speak of an offer, so it keeps to
    the hours of marketing."""
    return place_of(call.guest, call.location, channel="call", is_marketing=True)


def may_call(at: datetime, call: Call, hours: Hours) -> bool:
    """Whether the guest of this row may be called at the instant `at`. `call` comes with guest
    and location."""
    return hours.is_open(at, call_place(call))


def call_back_times(now: datetime, call: Call, hours: Hours) -> list[datetime]:
    """Four instants to offer, soonest first, an hour or more apart, all inside calling hours."""
    zone = call.zone
    soon = _quarter(now + APART, zone)
    today = now.astimezone(zone).date()
    usual = (
        _local(today + timedelta(days=days), at, zone)
        for days in range(8)
        for at in sorted({*USUAL_TIMES, hours.quiet_until})
    )
    offered: list[datetime] = []
    for moment in (soon, *usual):
        is_apart = not offered or moment - offered[-1] >= APART
        if moment >= soon and is_apart and may_call(moment, call, hours):
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
