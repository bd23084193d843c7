"""What the apps below tell us. Receivers only pass it on: the work is a task's."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.dispatch import receiver
from kombu.exceptions import OperationalError

from cancellations import tasks
from memberships.signals import appointments_changed
from risk.signals import bookings_scored

BATCH = 1_000
logger = logging.getLogger(__name__)


@receiver(bookings_scored, dispatch_uid="cancellations.bookings_scored")
def add_what_turned(
    sender: Any, *, appointment_ids: Sequence[int], now: datetime, **kwargs: Any
) -> None:
    """Newly scored bookings may belong on today's list."""
    for batch in _batches(appointment_ids):
        _hint(tasks.add_live_bookings, batch)


@receiver(appointments_changed, dispatch_uid="cancellations.appointments_changed")
def settle_what_changed(
    sender: Any, *, appointment_ids: Sequence[int], now: datetime, **kwargs: Any
) -> None:
    """Changed bookings may settle an open row."""
    for batch in _batches(appointment_ids):
        _hint(tasks.settle_calls, batch)


def _hint(task: Any, ids: list[int]) -> None:
    try:
        task.apply_async(args=[ids], retry=False)
    except OperationalError:
        # Nothing is lost: the sweep finds by itself what the hint would have told.
        logger.warning("the broker is away: %s was not nudged", task.name)


def _batches(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), BATCH):
        yield list(ids[start : start + BATCH])
