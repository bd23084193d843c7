"""Bring the mirror up to date from a shell, with a line of progress per stream."""

from __future__ import annotations

import multiprocessing
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from audit import clock
from memberships import services
from memberships.models import Location, SyncCursor
from memberships.streams import FAILURES, AlreadyRunning, SyncFailed

EVERY_SECONDS = 1.0  # no more than one line a second for one stream


class Command(BaseCommand):
    help = "Read the booking platform: the first time everything, afterwards what changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--location", metavar="CODE", help="only this location")
        parser.add_argument("--full", action="store_true", help="read everything again")
        parser.add_argument(
            "--jobs", type=int, default=1, metavar="N", help="read so many locations side by side"
        )
        parser.add_argument(
            "--zone",
            metavar="CODE=ZONE",
            action="append",
            default=[],
            help="IANA time zone of a location whose platform names none",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        zones = dict(pair.split("=", 1) for pair in options["zone"] if "=" in pair)
        started = time.monotonic()
        try:
            services.sync_directory(now=clock.now(), progress=self.show, zones=zones)
        except AlreadyRunning:
            self.stdout.write("The catalogue is being read by another worker.")
        except FAILURES as error:
            raise CommandError(f"The catalogue could not be read: {error}") from error
        locations = Location.objects.filter(is_active=True)
        if options["location"]:
            locations = locations.filter(code=options["location"])
            if not locations:
                raise CommandError(f"There is no location with the code {options['location']}.")
        if options["jobs"] > 1:
            broken = self.read_side_by_side(list(locations), options["full"], options["jobs"])
        else:
            broken = [place for place in locations if not self.read(place, options["full"])]
        seconds = time.monotonic() - started
        self.stdout.write(f"{len(locations)} locations in {seconds:.1f} s.")
        if broken:
            names = ", ".join(location.name for location in broken)
            raise CommandError(f"Not complete: {names}. Run it again, it goes on where it was.")

    def read_side_by_side(self, locations: list[Location], full: bool, jobs: int) -> list[Location]:
        """Each location in one of `jobs` processes, as workers would; those with gaps."""
        connections.close_all()  # a connection must not be shared with a forked process
        with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
            whole = pool.starmap(_read, [(place, full) for place in locations], chunksize=1)
        return [place for place, is_whole in zip(locations, whole, strict=True) if not is_whole]

    def read(self, location: Location, full: bool) -> bool:
        """One location; False when something is missing."""
        started = time.monotonic()
        read = services.backfill_location if full else services.sync_location
        try:
            counts = read(location_id=location.pk, now=clock.now(), progress=self.show)
        except (SyncFailed, AlreadyRunning, *FAILURES) as error:
            self.stderr.write(self.style.ERROR(f"{location.name}: {error}"))
            return False
        seconds = time.monotonic() - started
        self.stdout.write(
            self.style.SUCCESS(f"{location.name}: {counts['changed']} changes in {seconds:.1f} s")
        )
        return True

    _shown: tuple[int, float] = (0, 0.0)

    def show(self, cursor: SyncCursor) -> None:
        """A line when a stream ends, and at most every second while it runs."""
        key, at = self._shown
        now = time.monotonic()
        ended = bool(cursor.error) or cursor.complete_at == cursor.started_at
        if not ended and key == cursor.pk and now - at < EVERY_SECONDS:
            return
        self._shown = (cursor.pk, now)
        where = cursor.location.name if cursor.location else "All locations"
        of = f" of {cursor.pages_total}" if cursor.pages_total else ""
        parked = f", {cursor.parked} parked" if cursor.parked else ""
        words = f"  {where}: {cursor.stream} {cursor.pages_done}{of}, {cursor.rows} rows{parked}"
        self.stdout.write(f"{words}  {cursor.error}" if cursor.error else words)


def _read(location: Location, full: bool) -> bool:
    """One location, in a process of its own."""
    return Command().read(location, full)
