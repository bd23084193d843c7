"""Celery entry points of the night. Redis only carries the hint; job runs carry the truth."""

from __future__ import annotations

from datetime import date

from celery import shared_task
from django.utils import timezone

from audit import clock
from audit.nudge import nudge


@shared_task
def heartbeat() -> None:
    """Show that beat, broker and worker do their round (read by /healthz)."""
    from config.health import note_heartbeat

    note_heartbeat()


@shared_task
def poke_nights() -> int:
    """Wake every location whose night is due. Harmless to run twice: a stage is leased."""
    from config.nightly import nights_due

    due = nights_due(clock.now())
    for location_id, on in due:
        nudge(advance_night, location_id, on.isoformat())
    return len(due)


@shared_task
def advance_night(location_id: int, on: str) -> None:
    """Run the next stage of one location's night, then ask for the one after it."""
    from config.nightly import run_next_stage

    stage = run_next_stage(location_id=location_id, on=date.fromisoformat(on), now=clock.now())
    if stage is not None:
        nudge(advance_night, location_id, on)


@shared_task
def forget_ended_sessions() -> None:
    """Delete the sessions whose time is over: nobody can come back to one."""
    from django.contrib.sessions.models import Session

    Session.objects.filter(expire_date__lt=timezone.now()).delete()
