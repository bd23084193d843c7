"""At most so many workers at one kind of work: the others stay free for what comes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.db import connection


class Work(IntEnum):
    """The first half of an advisory lock's key; the place is the second."""

    SENDING = 7_320
    LOOKING_UP = 7_321


@contextmanager
def turn(work: Work, *, places: int) -> Iterator[bool]:
    """Whether one of the `places` was free: it is held until the end of the block. A worker that
    dies gives its place back with its connection."""
    held = next((place for place in range(places) if _take(work, place)), None)
    try:
        yield held is not None
    finally:
        # A connection that broke has lost its locks with it.
        if held is not None and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [work.value, held])


def _take(work: Work, place: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [work.value, place])
        (held,) = cursor.fetchone()
    return bool(held)
