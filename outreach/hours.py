"""Quiet hours: decided from a UTC instant and the guest's IANA zone, never from an offset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from outreach.models import OutreachPolicy

# A call that begins now may reach the phone so much later: both ends must lie inside the hours.
MARGIN = timedelta(seconds=60)


def zone_named(name: str) -> ZoneInfo | None:
    """The zone, or None when the name is not one: then nobody knows the hour there."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def is_open(at: datetime, *, zone_name: str, policy: OutreachPolicy) -> bool:
    """Whether a message may reach somebody in the zone at the instant `at` and a minute on."""
    zone = zone_named(zone_name)
    return zone is not None and all(
        _inside(instant.astimezone(zone), policy) for instant in (at, at + MARGIN)
    )


def _inside(local: datetime, policy: OutreachPolicy) -> bool:
    clock = local.time().replace(tzinfo=None)
    if policy.quiet_until < policy.quiet_from:
        return policy.quiet_until <= clock < policy.quiet_from
    return not policy.quiet_from <= clock < policy.quiet_until


def opens_at(at: datetime, *, zone_name: str, policy: OutreachPolicy) -> datetime | None:
    """The first instant from `at` on at which a message may leave; None: the zone is unknown."""
    zone = zone_named(zone_name)
    if zone is None:
        return None
    if is_open(at, zone_name=zone_name, policy=policy):
        return at
    day = at.astimezone(zone).date()
    for ahead in range(3):
        opening = datetime.combine(
            day + timedelta(days=ahead), policy.quiet_until, tzinfo=zone
        ).astimezone(UTC)
        if opening > at and is_open(opening, zone_name=zone_name, policy=policy):
            return opening
    return None
