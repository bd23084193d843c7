"""What the scores tell the apps above, without knowing them. Sent after commit."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with `location_id: int | None`, `bands: dict[int, str]` by appointment and `now` when coming
# bookings got a new score. `location_id` is None when the bookings may belong to several locations.
bookings_scored = Signal()
# Sent with `location_id: int`, `as_of_on` and `now` when the night's churn scores are complete.
members_scored = Signal()
