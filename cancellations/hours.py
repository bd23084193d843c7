"""When a guest may be called, on the guest's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from outreach.models import OutreachPolicy

# Local times a call-back is offered at, besides "in an hour": before lunch and after work.
USUAL_TIMES = (time(10), time(17))
OFFERED = 4
QUARTER = timedelta(minutes=15)
FURTHEST = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class CallingHours:
    """From `opens` until just before `closes`, local to the guest. Equal times: around the clock;
    `closes` before `opens`: past midnight."""

    opens: time
    closes: time

    @classmethod
    def of(cls, policy: OutreachPolicy) -> CallingHours:
        """The hours in which the policy lets guests be contacted."""
        return cls(opens=policy.quiet_until, closes=policy.quiet_from)

    def allow(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether a call at this instant falls into the hours on the clock of `zone`."""
        clock = at.astimezone(zone).time()
        if self.opens == self.closes:
            return True
        if self.opens < self.closes:
            return self.opens <= clock < self.closes
        return clock >= self.opens or clock < self.closes

    def next_opening(self, at: datetime, zone: ZoneInfo) -> datetime:
        """`at` itself when it is inside the hours, else the next instant they open."""
        if self.allow(at, zone):
            return at
        day = at.astimezone(zone).date()
        opening = _local(day, self.opens, zone)
        if opening < at:
            opening = _local(day + timedelta(days=1), self.opens, zone)
        return opening

    def call_back_times(self, now: datetime, zone: ZoneInfo) -> list[datetime]:
        """Four instants worth offering for a call-back, soonest first, all inside the hours."""
        soon = _quarter(now + timedelta(hours=1), zone)
        today = now.astimezone(zone).date()
        usual = (
            _local(today + timedelta(days=days), at, zone)
            for days in range(8)
            for at in (*USUAL_TIMES, self.opens)
        )
        offered: list[datetime] = []
        for moment in (soon, *sorted(usual)):
            apart = all(abs(moment - other) >= timedelta(hours=1) for other in offered)
            if moment >= soon and apart and self.allow(moment, zone):
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
