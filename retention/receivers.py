"""The member list follows the mirror and the scores within seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.nudge import nudge, nudge_in_batches
from memberships.models import Appointment
from memberships.signals import appointments_changed, guests_changed
from retention import tasks
from risk.signals import members_scored

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH = 2_000  # guests per task, so that one backfill does not make one endless task


def connect() -> None:
    """Listen to the apps below. Called once, when the app is ready."""
    guests_changed.connect(_guests_changed, dispatch_uid="retention.guests_changed")
    appointments_changed.connect(_appointments_changed, dispatch_uid="retention.appointments")
    members_scored.connect(_members_scored, dispatch_uid="retention.members_scored")


def _guests_changed(sender: Any, *, guest_ids: Sequence[int], **kwargs: Any) -> None:
    nudge_in_batches(tasks.refresh_guests, guest_ids, size=BATCH)


def _appointments_changed(sender: Any, *, appointment_ids: Sequence[int], **kwargs: Any) -> None:
    guests = Appointment.objects.filter(pk__in=appointment_ids).values_list("guest_id", flat=True)
    _guests_changed(sender, guest_ids=list(guests.distinct()))


def _members_scored(sender: Any, *, location_id: int, **kwargs: Any) -> None:
    nudge(tasks.refresh_members, location_id)
