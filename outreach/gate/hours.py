"""Calling hours: decided from a UTC instant and IANA zones, never from an offset.

Two things must agree: the hours of the business itself, and those of the law of every country and
state the guest may be in. Each is asked on every clock the guest may live by. What nobody knows is
shut.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from outreach.gate.places import MAIL, MARKETING, Place, dialling_of, kind_of
from outreach.models import CallingHours, OutreachPolicy

if TYPE_CHECKING:
    from memberships.models import Guest, Location

# A call that begins now may reach the phone so much later: both ends must lie inside the hours.
MARGIN = timedelta(seconds=60)
# Hours that stay shut for longer than this never open.
LOOK_AHEAD_DAYS = 8
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
_LAW_FIRM_TABLE = "State table of marketing text hours (referrizer.com)"
_TEXAS_ALERT = "Foster LLP, 25 September 2025, on Texas SB 140"

# As published when this was written; facts, not legal advice. Editable under Settings, Hours.
DELIVERED: list[dict[str, Any]] = [
    {
        "jurisdiction": "US", "weekdays": EVERY_DAY, "opens": time(8), "closes": time(21),
        "marketing_only": False, "source": "47 CFR 64.1200(c)(1): 8 a.m. to 9 p.m.",
        "note": "Whether it binds texts sent with consent is disputed; here it does.",
    },
    *(
        {
            "jurisdiction": f"US-{state}", "weekdays": EVERY_DAY, "opens": time(opens),
            "closes": time(20), "source": _LAW_FIRM_TABLE,
        }
        for state, opens in (("CT", 9), ("FL", 8), ("MD", 8), ("MS", 8), ("NJ", 8), ("OK", 8))
    ),
    {
        "jurisdiction": "US-RI", "weekdays": [1, 2, 3, 4, 5], "opens": time(9),
        "closes": time(18), "source": _LAW_FIRM_TABLE,
    },
    {
        "jurisdiction": "US-RI", "weekdays": [6, 7], "opens": time(10), "closes": time(17),
        "source": _LAW_FIRM_TABLE,
    },
    {
        "jurisdiction": "US-TX", "weekdays": [1, 2, 3, 4, 5, 6], "opens": time(9),
        "closes": time(21), "also_zone": "America/Chicago", "source": _TEXAS_ALERT,
        "note": "One reading takes the hours on Central time: both clocks must agree.",
    },
    {
        "jurisdiction": "US-TX", "weekdays": [7], "opens": time(12), "closes": time(21),
        "also_zone": "America/Chicago", "source": _TEXAS_ALERT,
        "note": "One reading takes the hours on Central time: both clocks must agree.",
    },
]  # fmt: skip


def zone_named(name: str) -> ZoneInfo | None:
    """The zone, or None when the name is not one: then nobody knows the hour there."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def place_of(guest: Guest, location: Location, *, channel: str, is_marketing: bool) -> Place:
    """Where the hours of a message or call are asked. The gate builds the same from columns."""
    return Place(
        zone_name=guest.time_zone or location.time_zone,
        country=location.country,
        region=location.region,
        dialling=dialling_of(guest.phone),
        kind=kind_of(channel, is_marketing=is_marketing),
    )


@dataclass(frozen=True)
class Line:
    """One row of CallingHours, by value."""

    jurisdiction: str
    weekdays: tuple[int, ...]
    opens: time
    closes: time
    marketing_only: bool
    also_zone: str

    @classmethod
    def of(cls, row: dict[str, Any]) -> Line:
        """A row as OutreachPolicy.law brings it."""
        return cls(
            jurisdiction=row["jurisdiction"],
            weekdays=tuple(row["weekdays"]),
            opens=time.fromisoformat(row["opens"]),
            closes=time.fromisoformat(row["closes"]),
            marketing_only=row["marketing_only"],
            also_zone=row["also_zone"],
        )

    def allows(self, local: datetime) -> bool:
        """Whether the row is open on this clock; not on a day it does not name."""
        return local.isoweekday() in self.weekdays and self.opens <= local.time() < self.closes


@dataclass(frozen=True)
class Hours:
    """The hours in force, read once for many decisions."""

    quiet_from: time
    quiet_until: time
    lines: tuple[Line, ...]

    @classmethod
    def current(cls, policy: OutreachPolicy | None = None) -> Hours:
        """The rules as they stand. A table without a single row is filled with those delivered:
        nobody is written to at night because a table was empty."""
        policy = policy or OutreachPolicy.current()
        if not policy.law and lay_out():
            policy = OutreachPolicy.current()
        lines = tuple(Line.of(row) for row in policy.law)
        return cls(policy.quiet_from, policy.quiet_until, lines)

    def is_open(self, at: datetime, place: Place) -> bool:
        """Whether a message may reach somebody there at the instant `at` and a minute on.

        Hours and time zones change on whole minutes, so an answer holds for its minute.
        """
        return _decide(self, at.astimezone(UTC).replace(second=0, microsecond=0), place)

    def opens_at(self, at: datetime, place: Place) -> datetime | None:
        """The first instant from `at` on at which a message may leave. None: a zone is unknown,
        or no hour of the coming days suits every clock and rule."""
        if self.is_open(at, place):
            return at
        groups = self.lines_for(place)
        names = {*place.zone_names, *(line.also_zone for group in groups for line in group)}
        edges = {
            self.quiet_until,
            time(0),
            *(line.opens for group in groups for line in group),
        }
        openings = {
            datetime.combine(day, edge, tzinfo=zone).replace(fold=fold).astimezone(UTC)
            for zone in filter(None, map(zone_named, names))
            for day in _days_around(at.astimezone(zone).date())
            for edge in edges
            for fold in (0, 1)
        }
        return next((o for o in sorted(openings) if o > at and self.is_open(o, place)), None)

    def lines_for(self, place: Place) -> list[list[Line]]:
        """The hours of the law that bind there; the rows of one country or state together."""
        if place.kind == MAIL:
            return []
        groups: dict[tuple[str, bool], list[Line]] = {}
        for line in self.lines:
            if line.jurisdiction in place.jurisdictions and (
                place.kind == MARKETING or not line.marketing_only
            ):
                groups.setdefault((line.jurisdiction, line.marketing_only), []).append(line)
        return list(groups.values())

    def words_for(self, place: Place, on: date) -> str:
        """The hours of a local day there in words for staff: 09:00 to 20:00."""
        of_day = [
            [line for line in group if on.isoweekday() in line.weekdays]
            for group in self.lines_for(place)
        ]
        if not all(of_day):
            return "no hour of that day"
        opens = max([self.quiet_until, *(min(x.opens for x in group) for group in of_day)])
        closes = min([self.quiet_from, *(max(x.closes for x in group) for group in of_day)])
        return f"{opens:%H:%M} to {closes:%H:%M}"

    def own_allow(self, local: datetime) -> bool:
        """Whether the business itself writes at this hour of a clock."""
        clock = local.time()
        if self.quiet_until < self.quiet_from:
            return self.quiet_until <= clock < self.quiet_from
        return not self.quiet_from <= clock < self.quiet_until


@lru_cache(maxsize=65_536)
def _decide(hours: Hours, minute: datetime, place: Place) -> bool:
    zones = [zone_named(name) for name in place.zone_names]
    groups = hours.lines_for(place)
    for instant in (minute, minute + MARGIN):
        clocks = [instant.astimezone(zone) for zone in zones if zone is not None]
        if len(clocks) < len(zones) or not all(hours.own_allow(local) for local in clocks):
            return False
        for group in groups:
            others = {line.also_zone for line in group if line.also_zone}
            also = [instant.astimezone(ZoneInfo(name)) for name in others]
            if not all(any(line.allows(local) for line in group) for local in clocks + also):
                return False
    return True


def _days_around(today: date) -> list[date]:
    return [today + timedelta(days=ahead) for ahead in range(-1, LOOK_AHEAD_DAYS)]


def lay_out() -> int:
    """Write the delivered hours of the law where the table is empty. Returns how many."""
    if CallingHours.objects.exists():
        return 0
    rows = [CallingHours(**row) for row in DELIVERED]
    return len(CallingHours.objects.bulk_create(rows, ignore_conflicts=True))
