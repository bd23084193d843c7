"""Celery entry points of the mirror."""

from __future__ import annotations

from celery import shared_task

from audit import clock
from audit.nudge import nudge


@shared_task
def sync_location(location_id: int, period: str = "") -> None:
    """Bring one location up to date; `period` names the run people asked for."""
    from memberships import runs

    runs.run_sync(location_id=location_id, period=period, now=clock.now())


@shared_task
def refresh_hints() -> None:
    """Read again what webhooks named."""
    from memberships import hints

    hints.refresh_hints(now=clock.now())


@shared_task
def sweep() -> None:
    """Find what a lost nudge left behind: deliveries, hints, and syncs that were asked for."""
    from memberships import runs

    runs.sweep(now=clock.now())


def wake_hints() -> None:
    """A nudge only: the sweep finds what it misses."""
    nudge(refresh_hints)


def wake_sync(location_id: int, period: str) -> None:
    """A nudge only, as above."""
    nudge(sync_location, location_id, period)
