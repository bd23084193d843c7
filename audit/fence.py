"""The second fence: which rows the database lets anybody see, whatever a query forgot to ask.

PostgreSQL compares every row of the fenced tables with two settings of the connection
(`tenure.scope`, `tenure.locations`); the policies are made by `memberships/fencing.py`. Here stands
who is looking. A request looks as the person who is signed in (`staff.middleware`), a worker, beat
or command as the whole system, and whoever said nothing sees no row.

config/postgresql tells the connection before a statement that needs to know, so nothing has to be
set, or taken back, by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Sight:
    """What is seen: rows of the whole business, or those of some locations."""

    everything: bool = False
    locations: frozenset[int] = frozenset()

    def settings(self) -> tuple[str, str]:
        """Values of `tenure.scope` and `tenure.locations`."""
        if self.everything:
            return "all", ""
        return "", ",".join(str(pk) for pk in sorted(self.locations))


NOTHING = Sight()
EVERYTHING = Sight(everything=True)

_sight: ContextVar[Sight | None] = ContextVar("tenure_sight", default=None)
_of_process = NOTHING


def current() -> Sight:
    """What is seen now: as somebody said here, else as the process was started."""
    said = _sight.get()
    return _of_process if said is None else said


def of(*, all_locations: bool, location_ids: Iterable[int]) -> Sight:
    """What somebody sees who serves these locations, or all."""
    return EVERYTHING if all_locations else Sight(locations=frozenset(location_ids))


def work_for_the_system() -> None:
    """This process acts for the whole business: a worker, beat, a command."""
    global _of_process
    _of_process = EVERYTHING


def look(sight: Sight) -> None:
    """Change what is seen for the rest of the innermost `looking`."""
    _sight.set(sight)


@contextmanager
def looking(sight: Sight) -> Iterator[None]:
    """See this and no more while it is open."""
    token = _sight.set(sight)
    try:
        yield
    finally:
        _sight.reset(token)


@contextmanager
def beyond(why: str) -> Iterator[None]:
    """See the whole business while it is open, also as a decorator. For what must not be decided on
    part of the truth: a stop, a limit per guest, a conflict with a row elsewhere. Who uses it asks
    by itself what the person may do. `why` is for the reader; a test lists every use."""
    token = _sight.set(EVERYTHING)
    try:
        yield
    finally:
        _sight.reset(token)
