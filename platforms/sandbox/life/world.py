"""The state of the business in memory, and the day that moves it on.

`live_day` is used both for the two years of history and for `advance`: the business has one way
of living. Each day draws from a generator of its own, seeded by (seed, day), so a day's events
depend only on the state before it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import numpy as np

from platforms.sandbox import catalogue as cat
from platforms.sandbox.days import MINUTES_A_DAY, Array, from_day, weekday_of
from platforms.sandbox.store import Rows
from platforms.sandbox.tables import (
    APPOINTMENT,
    CHARGE,
    EMPLOYEE,
    MEMBERSHIP,
    NATURE,
    REVIEW,
    WAITLIST,
)

# Days of the appointment book held in memory; bookings are made at most 120 days ahead.
BOOK_DAYS = 128
MAX_LEAD_DAYS = 120
OFFSET_DAYS_AHEAD = 500

Sink = Callable[[Rows, Array], None]


class World:
    """Everything that lives. Positions are 0-based, ids 1-based: `id == position + 1`, except
    in `bookings`, `charges` and `waitlist`, which hold only what is still open."""

    def __init__(
        self,
        *,
        seed: int,
        centers: list[cat.Center],
        first_day: int,
        born_day: int,
        sink: Sink,
        last_day: int = 0,
    ) -> None:
        """`born_day`: the day the data set was made for; the stories hang on it. Time zones are
        known up to `last_day`.
        `sink(rows, positions)` takes rows that will not change again."""
        self.seed = seed
        self.centers = centers
        self.first_day = first_day
        self.born_day = born_day
        self.sink = sink
        self.listening = False
        self.events: list[tuple[str, Array, Array]] = []
        self.guests = Rows(NATURE)
        self.memberships = Rows(MEMBERSHIP)
        self.bookings = Rows(APPOINTMENT)
        self.charges = Rows(CHARGE)
        self.employees = Rows(EMPLOYEE)
        self.waitlist = Rows(WAITLIST)
        self.reviews = Rows(REVIEW)
        self.last_appointment = self.last_charge = self.last_review = self.last_waitlist = 0
        self.medspa = np.array([center.kind == "medspa" for center in centers])
        self.notice_minutes = np.array([center.notice_hours * 60 for center in centers])
        self._offset_base = first_day - 1500
        self._offsets = self._zone_offsets(last_day or born_day + OFFSET_DAYS_AHEAD)
        self.book_day = first_day
        self.taken = np.zeros((0, BOOK_DAYS, cat.SLOTS + 4), bool)
        self._weather: dict[int, Array] = {}
        self.staff_order = np.zeros(0, "i4")
        self.staff_start = self.staff_count = np.zeros(len(centers), "i4")

    # -- time ---------------------------------------------------------------------------------

    def _zone_offsets(self, last_day: int) -> Array:
        """Minutes east of UTC at local noon, per zone and day: opening hours never touch the
        hour in which clocks change."""
        zones = sorted({center.zone for center in self.centers})
        self._zone_of_center = np.array([zones.index(center.zone) for center in self.centers])
        table = np.zeros((len(zones), last_day - self._offset_base), "i4")
        for row, zone in enumerate(zones):
            info = ZoneInfo(zone)
            for column in range(table.shape[1]):
                noon = datetime.combine(from_day(self._offset_base + column), time(12), tzinfo=info)
                offset = noon.utcoffset()
                table[row, column] = int(offset.total_seconds() // 60) if offset else 0
        return table

    def offset(self, center_id: Array, day: Array | int) -> Array:
        """Minutes east of UTC of each location on a local date."""
        column = np.clip(np.asarray(day) - self._offset_base, 0, self._offsets.shape[1] - 1)
        result: Array = self._offsets[self._zone_of_center[np.asarray(center_id) - 1], column]
        return result

    def instant(self, center_id: Array, day: Array | int, local_minutes: Array | int) -> Array:
        """The minute number of a local wall-clock time."""
        result: Array = (
            np.asarray(day) * MINUTES_A_DAY + local_minutes - self.offset(center_id, day)
        ).astype("i4")
        return result

    def local_day(self, center_id: Array, minute: Array) -> Array:
        """The local date of an instant."""
        near = minute // MINUTES_A_DAY
        result: Array = ((minute + self.offset(center_id, near)) // MINUTES_A_DAY).astype("i4")
        return result

    def weather(self, center_id: Array, day: int) -> Array:
        """A weekly disturbance per location, mean 0, deviation 1: storms, holidays, traffic."""
        week = day // 7
        if week not in self._weather:
            draws = np.random.default_rng([self.seed, 77, week])
            self._weather = {week: draws.normal(size=len(self.centers))}
        result: Array = self._weather[week][center_id - 1]
        return result

    # -- staff and the book -------------------------------------------------------------------

    def index_staff(self, day: int) -> None:
        """Rebuild the list of people at work per location after a change of staff."""
        staff = self.employees
        here = np.flatnonzero((staff.left_day == 0) | (staff.left_day > day))
        order = here[np.argsort(staff.center_id[here], kind="stable")]
        self.staff_order = order.astype("i4")
        counts = np.bincount(staff.center_id[order] - 1, minlength=len(self.centers))
        self.staff_count = counts.astype("i4")
        self.staff_start = (np.cumsum(counts) - counts).astype("i4")
        if len(self.taken) < staff.n:
            extra = np.zeros((staff.n - len(self.taken), BOOK_DAYS, cat.SLOTS + 4), bool)
            fresh = np.arange(len(self.taken), staff.n)
            self.taken = np.concatenate([self.taken, extra])
            for ahead in range(BOOK_DAYS):
                self._open_day(self.book_day + ahead, fresh)

    def _open_day(self, day: int, staff: Array) -> None:
        """An empty day in the book: lunch is blocked, days off and hours after closing too."""
        plane = day % BOOK_DAYS
        works = (self.employees.days[staff] >> weekday_of(np.array(day))) & 1
        self.taken[staff, plane] = False
        self.taken[staff, plane, cat.SLOTS :] = True
        self.taken[staff, plane, self.employees.lunch_slot[staff]] = True
        self.taken[staff[works == 0], plane] = True

    def turn_page(self, day: int) -> None:
        """Make `day` the first day of the book."""
        while self.book_day < day:
            self._open_day(self.book_day + BOOK_DAYS, np.arange(self.employees.n))
            self.book_day += 1

    def mark(self, employee_id: Array, day: Array, slot: Array, slots: Array, taken: bool) -> None:
        """Take or free `slots` half hours from `slot` in each employee's day."""
        for step in range(4):
            chosen = (slots > step) & (day >= self.book_day) & (day < self.book_day + BOOK_DAYS)
            self.taken[employee_id[chosen] - 1, day[chosen] % BOOK_DAYS, slot[chosen] + step] = (
                taken
            )

    def any_staff(self, center_id: Array, draw: Array) -> Array:
        """One employee id per location at random; `draw` uniform in [0, 1)."""
        start, count = self.staff_start[center_id - 1], self.staff_count[center_id - 1]
        result: Array = self.staff_order[start + (draw * count).astype("i4")] + 1
        return result

    # -- news ---------------------------------------------------------------------------------

    def emit(self, event: str, ids: Array, minutes: Array) -> None:
        """Remember that something happened, for the webhooks. Nothing while history is made."""
        if self.listening and len(ids):
            self.events.append((event, np.array(ids), np.broadcast_to(minutes, len(ids)).copy()))


def live_day(world: World, day: int) -> None:
    """One day of the business, from opening to closing."""
    from platforms.sandbox.life import billing, people, visits

    rng = np.random.default_rng([world.seed, day])
    world.turn_page(day)
    people.change_staff(world, day, rng)
    people.change_lives(world, day, rng)
    visits.book_wanted(world, day, rng)
    visits.settle(world, day, rng)
    billing.charge(world, day, rng)
    billing.decide(world, day, rng)


def utc_now() -> datetime:
    return datetime.now(UTC)
