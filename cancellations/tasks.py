"""Celery entry points of the call list. What they do is safe to do twice."""

from __future__ import annotations

from datetime import date

from celery import shared_task

from audit import clock
from audit.nudge import nudge


@shared_task
def build_call_lists(on: str = "") -> int:
    """Build today's list (or that of the date `on`) at every location in use, each in its own
    task. Returns the locations asked."""
    from memberships.models import Location

    now = clock.now()
    locations = list(Location.objects.filter(is_active=True))
    for location in locations:
        nudge(build_call_list, location.pk, on or location.today(now).isoformat())
    return len(locations)


@shared_task
def build_call_list(location_id: int, on: str) -> dict[str, int]:
    """Build one location's list of the local date `on`."""
    from cancellations import services

    return services.build_call_list(
        location_id=location_id, on=date.fromisoformat(on), now=clock.now()
    )


@shared_task
def add_live_bookings(appointment_ids: list[int]) -> int:
    """Add same-day bookings that turned very shaky."""
    from cancellations import services

    return services.add_live_bookings(appointment_ids=appointment_ids, now=clock.now())


@shared_task
def settle_calls(appointment_ids: list[int]) -> int:
    """Close rows whose guests booked, came or cancelled."""
    from cancellations import services

    return services.settle_calls(appointment_ids=appointment_ids, now=clock.now())


@shared_task
def sweep() -> dict[str, int]:
    """Find what a lost hint would have told. Beat pokes it every few minutes."""
    from cancellations import services

    return services.sweep_calls(now=clock.now())
