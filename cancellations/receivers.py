"""What the apps below tell us. Receivers only pass it on: the work is a task's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from cancellations import tasks
from memberships.signals import appointments_changed
from risk.signals import bookings_scored

BATCH = 1_000


@receiver(bookings_scored, dispatch_uid="cancellations.bookings_scored")
def add_what_turned(
    sender: Any, *, appointment_ids: Sequence[int], now: datetime, **kwargs: Any
) -> None:
    """Newly scored bookings may belong on today's list."""
    for batch in _batches(appointment_ids):
        tasks.add_live_bookings.delay(batch)


@receiver(appointments_changed, dispatch_uid="cancellations.appointments_changed")
def settle_what_changed(
    sender: Any, *, appointment_ids: Sequence[int], now: datetime, **kwargs: Any
) -> None:
    """Changed bookings may settle an open row."""
    for batch in _batches(appointment_ids):
        tasks.settle_calls.delay(batch)


def _batches(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), BATCH):
        yield list(ids[start : start + BATCH])
