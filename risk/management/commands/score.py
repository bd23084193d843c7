"""Score members and coming bookings now."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import clock
from memberships.models import Location
from risk import services


class Command(BaseCommand):
    help = "Score members and coming bookings of all locations, or of one (--location CODE)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--location", metavar="CODE")
        parser.add_argument("--as-of", type=date.fromisoformat, help="YYYY-MM-DD; default today")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        places = Location.objects.filter(is_active=True)
        if options["location"]:
            places = places.filter(code=options["location"])
        if not places:
            raise CommandError("No such location. Leave --location out to score all.")
        for place in places:
            on = options["as_of"] or place.today(now)
            members = services.score_members(location_id=place.pk, as_of_on=on, now=now)
            coming = services.score_bookings(location_id=place.pk, as_of_on=on, now=now)
            self.stdout.write(
                f"{place}: {members['scored']} members ({members['high']} high, "
                f"{members['very_high']} very high), {coming['scored']} bookings "
                f"({coming['high']} high, {coming['very_high']} very high)"
            )
