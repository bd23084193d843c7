"""Celery entry points of retention. Each settles the clock once and calls one service."""

from __future__ import annotations

from datetime import date

from celery import shared_task

from audit import clock


@shared_task
def refresh_members(location_id: int) -> None:
    """Rewrite the member list's rows of one location. Safe to run twice."""
    from retention import services

    services.refresh_location(location_id=location_id, now=clock.now())


@shared_task
def refresh_guests(guest_ids: list[int]) -> None:
    """Rewrite the member list's rows of these guests. Safe to run twice."""
    from retention import services

    services.refresh_guests(guest_ids=guest_ids, now=clock.now())


@shared_task
def draft_plays(location_id: int, as_of_on: str | None = None) -> None:
    """Run every play of retention for one location and night. Safe to run twice.

    `as_of_on` is an ISO date local to the location; left out, it is the location's today.
    """
    from memberships.models import Location
    from retention import services

    now = clock.now()
    location = Location.objects.get(pk=location_id)
    on = date.fromisoformat(as_of_on) if as_of_on else location.today(now)
    services.draft_plays(location_id=location_id, as_of_on=on, now=now)
