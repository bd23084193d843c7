"""What the mirror's news means for drafts: hints, after commit; the work is a task's."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kombu.exceptions import OperationalError

from outreach import tasks

log = logging.getLogger(__name__)


def guests_changed(*, guest_ids: Sequence[int], now: datetime, **kwargs: Any) -> None:
    """Consent or contact data changed: the open drafts are checked anew."""
    _hint(tasks.recheck_drafts, list(guest_ids))


def appointments_changed(*, appointment_ids: Sequence[int], now: datetime, **kwargs: Any) -> None:
    """A booking brings a snoozed draft back."""
    _hint(tasks.wake_for_bookings, list(appointment_ids))


def _hint(task: Any, ids: list[int]) -> None:
    try:
        task.apply_async(args=[ids], retry=False)
    except OperationalError:
        # Without the broker nothing is lost: every check is made again at approval and sending.
        log.warning("the broker is away: %s was not nudged", task.name)
