"""What the scores are made from: set-based readings of the mirror as of a moment.

One definition serves training, the night's run and one live booking. Only what was known before
the moment counts; the docstrings say how that is rebuilt where the mirror keeps only the present.
"""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from memberships.models import Location

# A cancellation whose time the platform does not tell is placed this long before the start.
UNTOLD_LATE_HOURS = 12
UNTOLD_EARLY_HOURS = 72
# A booking whose making the platform does not tell counts as made this long before the start.
UNTOLD_BOOKED_DAYS = 14


def known_cancelled_at(alias: str) -> str:
    """SQL: when it was known that the booking was cancelled, NULL when it was not cancelled.

    The platform does not always say; a time at or after the start (first seen by a later sync)
    says nothing either. Then late cancellations count as known 12 hours and early ones 72 hours
    before the start. Using the final status instead would show training the future.
    """
    return f"""CASE WHEN {alias}.status <> 'cancelled' THEN NULL
        WHEN {alias}.cancelled_at < {alias}.starts_at THEN {alias}.cancelled_at
        WHEN {alias}.is_late_cancellation
            THEN {alias}.starts_at - interval '{UNTOLD_LATE_HOURS} hours'
        ELSE {alias}.starts_at - interval '{UNTOLD_EARLY_HOURS} hours' END"""


def known_booked_at(alias: str) -> str:
    """SQL: when the booking was made."""
    return f"COALESCE({alias}.booked_at, {alias}.starts_at - interval '{UNTOLD_BOOKED_DAYS} days')"


def midnights(as_of_on: date, location_ids: list[int] | None = None) -> dict[int, datetime]:
    """The instant at which the day `as_of_on` began at each location (all when None)."""
    zones = Location.objects.values_list("pk", "time_zone")
    if location_ids is not None:
        zones = zones.filter(pk__in=location_ids)
    return {pk: datetime.combine(as_of_on, time(), tzinfo=ZoneInfo(zone)) for pk, zone in zones}


def number(expression: str) -> str:
    """SQL: the expression as float8 with NaN for "not known"."""
    return f"COALESCE(({expression})::float8, 'NaN'::float8)"
