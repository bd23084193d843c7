"""`manage.py demo_clock`: put the demo's clock into the business's daytime; print its date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import clock
from config.demo_clock import ZONE, demo_instant


class Command(BaseCommand):
    help = "Move the demo's clock forward into calling hours and print the business's date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=0, help="go on by so many days first")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 0:
            raise CommandError("The clock cannot go back: give --days 0 or more.")
        machine_now = datetime.now(UTC)
        reached = clock.now() + timedelta(days=options["days"])
        target = demo_instant(machine_now, not_before=reached)
        try:
            clock.move(seconds=int((target - machine_now).total_seconds()))
        except clock.ClockNotMovable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(target.astimezone(ZONE).date().isoformat())
