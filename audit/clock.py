"""The one clock. Entry points (views, tasks, commands) ask it once and pass the answer down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings

from audit.models import ClockShift


def now() -> datetime:
    """The present instant, aware UTC. A demo's or a test's may run ahead of the machine's."""
    instant = datetime.now(UTC)
    if settings.CLOCK_MOVABLE:
        shift = ClockShift.objects.values_list("seconds", flat=True).first()
        instant += timedelta(seconds=shift or 0)
    return instant


def move(*, seconds: int) -> None:
    """Run ahead of the machine's clock by `seconds` in all. Raises ClockNotMovable."""
    if not settings.CLOCK_MOVABLE:
        raise ClockNotMovable("Only the demo and the tests may move the clock.")
    ClockShift.objects.update_or_create(pk=1, defaults={"seconds": seconds})


class ClockNotMovable(Exception):
    """Somebody tried to move the clock of a real deployment."""
