"""What the apps below tell us. Receivers only pass it on: the work is a task's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from audit.nudge import nudge_in_batches
from cancellations import tasks
from memberships.signals import appointments_changed
from risk.models import Band
from risk.signals import bookings_scored

BATCH = 1_000


@receiver(bookings_scored, dispatch_uid="cancellations.bookings_scored")
def add_what_turned(sender: Any, *, bands: Mapping[int, str], now: datetime, **kwargs: Any) -> None:
    """Bookings newly scored very high may belong on today's list."""
    turned = [pk for pk, band in bands.items() if band == Band.VERY_HIGH]
    nudge_in_batches(tasks.add_live_bookings, turned, size=BATCH)


@receiver(appointments_changed, dispatch_uid="cancellations.appointments_changed")
def settle_what_changed(
    sender: Any, *, appointment_ids: Sequence[int], now: datetime, **kwargs: Any
) -> None:
    """Changed bookings may settle an open row."""
    nudge_in_batches(tasks.settle_calls, appointment_ids, size=BATCH)
