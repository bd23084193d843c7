"""`manage.py build_call_lists`: today's list of every location, or of one, at once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from audit import clock
from cancellations.services import build_call_list
from memberships.models import Location


class Command(BaseCommand):
    help = "Build or complete today's call list of every location."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--location", type=int, help="only the location with this id")

    def handle(self, *args: Any, location: int | None, **options: Any) -> None:
        now = clock.now()
        for place in Location.objects.filter(is_active=True).at(location):
            on = place.today(now)
            counts = build_call_list(location_id=place.pk, on=on, now=now)
            told = ", ".join(f"{name} {number}" for name, number in counts.items())
            self.stdout.write(f"{place.name}, {on}: {told}")
