"""When the demo's day begins: always within calling hours, so that what is approved may leave.

The demo's business has its locations in New York, Chicago and Denver. From 10:00 to 16:00 in New
York it is daytime in all of them (08:00 to 14:00 in Denver); calling hours there open at 09:00.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
OPENS = time(11, 15)
CLOSES = time(16, 0)


def demo_instant(machine_now: datetime, *, not_before: datetime | None = None) -> datetime:
    """The instant the demo's clock should show: the machine's if it is daytime for every
    location, else the next morning. Never earlier than the machine's clock or `not_before`."""
    start = max(machine_now, not_before or machine_now).astimezone(ZONE)
    if OPENS <= start.time() < CLOSES:
        return start.astimezone(UTC)
    day = start.date() if start.time() < OPENS else start.date() + timedelta(days=1)
    return datetime.combine(day, OPENS, ZONE).astimezone(UTC)
