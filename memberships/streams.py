"""One stream of one location: read page by page, stored page by page, going on after a kill.

The position is saved in the transaction that stored the page, so a page is either in the mirror
and passed, or neither. A stream is complete only when its source says that every row came.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from memberships.mirror.staging import Written
from memberships.models import Location, SyncCursor
from memberships.signals import appointments_changed, guests_changed
from platforms import dead_letters
from platforms.budget import BudgetSpent
from platforms.records import Page
from platforms.zenoti.adapter import Incomplete
from platforms.zenoti.client import ZenotiError

Progress = Callable[[SyncCursor], None]
# What may go wrong outside; it is written on the stream and tried again at the next run.
FAILURES = (ZenotiError, Incomplete, BudgetSpent)
# A run interrupted longer ago starts anew: too much has shifted under its page numbers.
STALE = timedelta(hours=6)
SIGNAL_CHUNK = 500
LOCK_SPACE = 7_310  # our advisory locks, apart from other users of the database


class AlreadyRunning(Exception):
    """Another worker reads this location just now."""


class SyncFailed(Exception):
    """Some streams of the location did not arrive whole. What arrived is stored."""


def silent(cursor: SyncCursor) -> None:
    """Nobody watches."""


def clock_from(now: datetime) -> Callable[[], datetime]:
    """A clock that starts at `now` and runs on: reads of a long run know when they were asked."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)


@contextmanager
def only_one(number: int) -> Iterator[None]:
    """Hold the lock of a location (0: the whole account). Raises AlreadyRunning."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_SPACE, number])
        (held,) = cursor.fetchone()
    if not held:
        raise AlreadyRunning("This location is being read just now. Wait for that run to end.")
    try:
        yield
    finally:
        # A connection that broke has lost its locks with it.
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_SPACE, number])


def announce(written: Written, now: datetime) -> None:
    """Tell the apps above after commit what changed, in chunks of a bearable size."""
    appointment_ids = sorted(set(written.appointment_ids))
    guest_ids = sorted(set(written.guest_ids))

    def send() -> None:
        for start in range(0, len(appointment_ids), SIGNAL_CHUNK):
            appointments_changed.send_robust(
                None, appointment_ids=appointment_ids[start : start + SIGNAL_CHUNK], now=now
            )
        for start in range(0, len(guest_ids), SIGNAL_CHUNK):
            guests_changed.send_robust(
                None, guest_ids=guest_ids[start : start + SIGNAL_CHUNK], now=now
            )

    if appointment_ids or guest_ids:
        transaction.on_commit(send)


class Stream:
    """The run of one stream. `location` None: of the whole account."""

    def __init__(
        self,
        name: str,
        location: Location | None,
        *,
        now: datetime,
        progress: Progress = silent,
        quiet: bool = False,
    ) -> None:
        self.name = name
        self.location = location
        self.now = now
        self.progress = progress
        self.quiet = quiet  # a backfill tells nobody: everything is new
        self.total = Written()
        self.cursor, _ = SyncCursor.objects.get_or_create(location=location, stream=name)

    @property
    def source(self) -> str:
        """The name its poison records are parked under."""
        return f"sync:{self.name}"

    def begin(self, *, resume: bool = True) -> str:
        """Start a run; the position to go on from, or empty for a fresh one."""
        cursor = self.cursor
        too_old = cursor.started_at is None or self.now - cursor.started_at > STALE
        if cursor.cursor and resume and not too_old:
            cursor.error = ""
            cursor.save(update_fields=["error"])
            return cursor.cursor
        cursor.cursor, cursor.error = "", ""
        cursor.started_at = self.now
        cursor.pages_done, cursor.pages_total = 0, None
        cursor.rows = cursor.changed = cursor.parked = 0
        cursor.save()
        return ""

    def store(
        self,
        page: Page[Any],
        write: Callable[[], Written],
        *,
        position: str = "",
        backfilled_to: date | None = None,
    ) -> Written:
        """Store one page, park its poison and save the position, in one transaction."""
        cursor = self.cursor
        with transaction.atomic():
            written = write()
            if page.poisons:
                dead_letters.park(source=self.source, poisons=page.poisons, now=page.asked_at)
            dead_letters.resolve(
                source=self.source,
                external_ids=(record.external_id for record in page.records),
                now=page.asked_at,
            )
            cursor.pages_done += 1
            cursor.pages_total = page.of or cursor.pages_total
            cursor.rows += len(page.records) + len(page.poisons)
            cursor.changed += written.changed
            cursor.parked += len(page.poisons)
            cursor.cursor = position
            if backfilled_to is not None:
                cursor.backfilled_to = min(cursor.backfilled_to or backfilled_to, backfilled_to)
            cursor.save()
            if not self.quiet:
                announce(written, self.now)
        self.total.add(written)
        self.progress(cursor)
        return written

    def finish(self) -> None:
        """Every row came."""
        cursor = self.cursor
        cursor.cursor, cursor.error = "", ""
        cursor.pages_total = cursor.pages_done
        cursor.complete_at = self.now
        cursor.covered_until = cursor.started_at
        cursor.save()
        self.progress(cursor)

    def fail(self, error: Exception) -> None:
        """Something outside went wrong: say it, keep the position."""
        self.cursor.error = f"{type(error).__name__}: {error}"[:2000]
        if isinstance(error, Incomplete):
            self.cursor.cursor = ""  # the pages cannot be trusted: from the beginning
        self.cursor.save()
        self.progress(self.cursor)
