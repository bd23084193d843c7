"""What the apps below tell us. Receivers only pass it on: the work is a task's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from audit.nudge import nudge_in_batches
from cancellations import tasks
from memberships.signals import appointments_changed
from risk.signals import bookings_scored

BATCH = 1_000


@receiver(bookings_scored, dispatch_uid="cancellations.bookings_scored")
def add_what_turned(
    sender: Any, *, appointment_ids: Sequence[int], now: datetime, **kwargs: Any
) -> None:
    """Newly scored bookings may belong on today's list."""
    nudge_in_batches(tasks.add_live_bookings, appointment_ids, size=BATCH)


@receiver(appointments_changed, dispatch_uid="cancellations.appointments_changed")
def settle_what_changed(
    sender: Any, *, appointment_ids: Sequence[int], now: datetime, **kwargs: Any
) -> None:
    """Changed bookings may settle an open row."""
    nudge_in_batches(tasks.settle_calls, appointment_ids, size=BATCH)
