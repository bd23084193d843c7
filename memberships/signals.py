"""What the mirror tells the apps above it, without knowing them. Sent after commit."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with `appointment_ids: list[int]` and `now` when coming or recent appointments changed.
appointments_changed = Signal()
# Sent with `guest_ids: list[int]` and `now` when consent, contact or membership data changed.
guests_changed = Signal()
