"""manage.py seed_people: sign-ins for a demo, one for each role. Safe to repeat."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import clock
from memberships.models import Location
from staff import services
from staff.models import User

# sign-in name, first and last name, role, how many locations (0: all), limit in cents
CAST = [
    ("desk", "Dana", "Reyes", User.Role.DESK, 1, 0),
    ("manager", "Marta", "Lind", User.Role.MANAGER, 2, 5_000),
    ("manager2", "Noor", "Haddad", User.Role.MANAGER, 3, 5_000),
    ("regional", "Rhea", "Okafor", User.Role.REGIONAL, 0, 20_000),
    ("admin", "Alex", "Winter", User.Role.ADMIN, 0, 0),
]


class Command(BaseCommand):
    help = "Make demo sign-ins for desk, manager, regional and admin. Refuses in production."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--password", default=os.environ.get("DEMO_PASSWORD", ""), help="or DEMO_PASSWORD"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.IS_PRODUCTION:
            raise CommandError(
                "This makes sign-ins with a password everybody knows, so it refuses here. "
                "Use `manage.py createsuperuser` for the first administrator."
            )
        if not options["password"]:
            raise CommandError("Give the password: --password or DEMO_PASSWORD.")
        places = list(Location.objects.filter(is_active=True).order_by("name"))
        now = clock.now()
        for username, first_name, last_name, role, count, limit in CAST:
            mine = places[:count] if count else places
            person = User.objects.filter(username=username).first()
            if person is None:
                person = services.add_person(
                    fields={
                        "username": username,
                        "first_name": first_name,
                        "last_name": last_name,
                        "role": role,
                        "approval_limit_cents": limit,
                    },
                    locations=mine,
                    by=None,
                    now=now,
                )
            elif not person.locations.exists():  # made before the locations were known
                person.locations.set(mine)
            if not person.check_password(options["password"]):
                services.set_password(person=person, password=options["password"], now=now)
        self.stdout.write(", ".join(name for name, *_rest in CAST) + " can sign in.")
