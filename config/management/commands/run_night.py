"""`manage.py run_night`: the whole night of every location, or of one, here and now."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from audit import clock
from config.nightly import run_next_stage
from memberships.models import Location


class Command(BaseCommand):
    help = "Run the stages of the night that are not done yet, without a worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--location", help="code of one location; all without it")

    def handle(self, *args: Any, **options: Any) -> None:
        locations = Location.objects.filter(is_active=True)
        if options["location"]:
            locations = locations.filter(code=options["location"])
        for location in locations:
            now = clock.now()
            on = location.today(now)
            started = time.monotonic()
            while stage := run_next_stage(location_id=location.pk, on=on, now=clock.now()):
                took = time.monotonic() - started
                self.stdout.write(
                    f"{location.name}: {stage.job.removeprefix('night.')} {took:.1f} s"
                )
                started = time.monotonic()
