"""What the mirror tells: bookings that changed are scored again at once, by a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from audit.nudge import nudge_in_batches
from memberships.signals import appointments_changed
from risk import tasks

BATCH = 500


@receiver(appointments_changed, dispatch_uid="risk.appointments_changed")
def score_what_changed(sender: Any, *, appointment_ids: Sequence[int], **kwargs: Any) -> None:
    """The signal comes after commit, so the task sees the change."""
    nudge_in_batches(tasks.score_appointments, appointment_ids, size=BATCH)
