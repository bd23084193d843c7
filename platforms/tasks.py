"""Celery entry points of the wire."""

from __future__ import annotations

from celery import shared_task

from audit import clock
from audit.nudge import nudge


@shared_task
def work_inbox() -> None:
    """Hand waiting webhook deliveries to their handlers."""
    from platforms import inbox

    inbox.work_through(now=clock.now())


@shared_task
def expire_leases() -> None:
    """Calls whose worker died become unknown and are looked up."""
    from platforms import outbox

    outbox.expire_leases(now=clock.now())


@shared_task
def forget_old_deliveries() -> None:
    """Delete webhook bodies a month after they were dealt with."""
    from platforms import inbox

    inbox.forget_old(now=clock.now())


def wake_inbox() -> None:
    """A nudge only: when the broker is away the sweep finds the delivery."""
    nudge(work_inbox)
