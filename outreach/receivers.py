"""What the mirror's news means for drafts: hints, after commit; the work is a task's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from audit.nudge import nudge
from outreach import tasks


def guests_changed(*, guest_ids: Sequence[int], now: datetime, **kwargs: Any) -> None:
    """Consent or contact data changed: the open drafts are checked anew. A lost hint costs nothing:
    every check is made again at approval and at sending."""
    nudge(tasks.recheck_drafts, list(guest_ids))
    nudge(tasks.leave_sequences, list(guest_ids))


def appointments_changed(*, appointment_ids: Sequence[int], now: datetime, **kwargs: Any) -> None:
    """A booking brings a snoozed draft back and may end a sequence."""
    nudge(tasks.wake_for_bookings, list(appointment_ids))
    nudge(tasks.leave_for_bookings, list(appointment_ids))
