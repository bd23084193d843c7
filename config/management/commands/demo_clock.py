"""`manage.py demo_clock`: put the demo's clock into the business's daytime; print its date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import clock
from config.demo_clock import ZONE, demo_instant


class Command(BaseCommand):
    help = "Move the demo's clock forward into calling hours and print the business's date."

    def handle(self, *args: Any, **options: Any) -> None:
        machine_now = datetime.now(UTC)
        target = demo_instant(machine_now, not_before=clock.now())
        try:
            clock.move(seconds=int((target - machine_now).total_seconds()))
        except clock.ClockNotMovable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(target.astimezone(ZONE).date().isoformat())
