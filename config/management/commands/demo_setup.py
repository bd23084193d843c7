"""`manage.py demo_setup`: from an empty database to a morning's work, over the same road as life.

Everything here is safe to repeat: a second run goes on where the first stopped, and a day that
has its night behind it is left alone.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from audit import clock
from risk.models import ModelVersion, Target


class Command(BaseCommand):
    help = "Sign-ins, library, backfill, first models and the night of the demo's business."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.IS_PRODUCTION:
            raise CommandError(
                "demo_setup is for the demo: it makes sign-ins with known passwords."
            )
        self.step("Reading the business over HTTP", lambda: call_command("sync"))
        self.step("Offers, texts and plays", lambda: call_command("seed_library"))
        self.step("Sign-ins", lambda: call_command("seed_people"))
        # Live scoring may have put the scorecard in place already: that is not learning.
        learned = set(ModelVersion.objects.filter(rows__gt=0).values_list("target", flat=True))
        if missing := sorted(set(Target.values) - learned):
            self.step("Learning from what came of members and bookings", lambda: learn(missing))
        self.step("The night: scores, drafts, call list", lambda: call_command("run_night"))

    def step(self, name: str, work: Callable[[], Any]) -> None:
        started = time.monotonic()
        self.stdout.write(f"  {name} ...")
        work()
        self.stdout.write(f"  {name}: {time.monotonic() - started:.1f} s")


def learn(targets: list[str]) -> None:
    """Train these models side by side, each in a process of its own."""
    connections.close_all()  # nothing open is carried into the processes
    with multiprocessing.get_context("fork").Pool(len(targets), maxtasksperchild=1) as pool:
        pool.map(_train, targets, chunksize=1)


def _train(target: str) -> None:
    from risk.services import train

    now = clock.now()
    train(target=target, as_of_on=now.date(), now=now)
