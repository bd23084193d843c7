"""What a request asks for: places and days, read the same way on every page of this app."""

from __future__ import annotations

from datetime import date, datetime

from memberships.models import Location
from staff.request import StaffRequest


def places(request: StaffRequest, location: str | None = None) -> list[Location]:
    """The person's locations in use, or the one that was picked. A foreign one is none."""
    wanted = request.GET.get("location", "") if location is None else location
    if wanted:
        return [place for place in request.my_locations if str(place.pk) == wanted]
    return [place for place in request.my_locations if place.is_active]


def day(value: str | None) -> date | None:
    """A date as in an address; None when there is none or it is not one."""
    try:
        return date.fromisoformat(value or "")
    except ValueError:
        return None


def today(found: list[Location], now: datetime) -> date:
    """Today at the first of the locations."""
    return found[0].today(now) if found else now.date()


def number(value: str | None) -> int | None:
    return int(value) if value and value.isdecimal() and len(value) < 10 else None
