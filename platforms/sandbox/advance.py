"""Let the business live on, day by day, on the state in the database."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg

from platforms.sandbox import catalogue as cat
from platforms.sandbox import events, store
from platforms.sandbox.days import MINUTES_A_DAY, Array
from platforms.sandbox.generate import KNOWN_BEFORE, write_guests
from platforms.sandbox.life import people
from platforms.sandbox.life.world import World, live_day
from platforms.sandbox.store import WRITE_LOCK, Rows
from platforms.sandbox.tables import (
    APPOINTMENT,
    CHARGE,
    EMPLOYEE,
    MEMBERSHIP,
    NATURE,
    REVIEW,
    WAITLIST,
)

OPEN_BOOKINGS = "status IN (0, 2, 4) AND fate_day > 0"
WRITTEN = ("guests", "memberships", "bookings", "charges", "employees", "waitlist")


def advance(url: str, *, days: int, webhooks: bool) -> dict[str, Any]:
    """Live `days` days; each is one transaction with its webhooks.

    Returns the new day number and how often each kind of thing happened.
    """
    counts: dict[str, int] = {}
    with store.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [WRITE_LOCK])
        settled: list[tuple[Rows, Array]] = []
        world = load_world(connection, settled)
        today = world.book_day
        for day in range(today, today + days):
            with connection.transaction():
                _live_and_write(connection, world, day, settled, webhooks=webhooks)
            for name, ids, _ in world.events:
                counts[name] = counts.get(name, 0) + len(ids)
        return {"today": today + days, "events": counts}


def load_world(connection: psycopg.Connection[Any], settled: list[tuple[Rows, Array]]) -> World:
    """The business as it stands, ready to live `today`."""
    row = connection.execute("SELECT seed, today, born_day, first_day FROM business").fetchone()
    if row is None:
        raise store.NoBusinessError("There is no business yet: run `generate` first.")
    seed, today, born_day, first_day = row
    kinds = connection.execute("SELECT id FROM center ORDER BY id").fetchall()

    def sink(rows: Rows, positions: Array) -> None:
        settled.append((_taken(rows, positions), np.arange(len(positions))))

    world = World(
        seed=seed, centers=cat.centers(len(kinds)), first_day=first_day, born_day=born_day,
        sink=sink, last_day=today + 500,
    )  # fmt: skip
    world.listening = True
    world.guests = store.load(connection, NATURE)
    world.memberships = store.load(connection, MEMBERSHIP)
    world.employees = store.load(connection, EMPLOYEE)
    world.bookings = store.load(connection, APPOINTMENT, OPEN_BOOKINGS)
    world.charges = store.load(connection, CHARGE, f"status = {cat.CHARGE_OPEN}")
    world.waitlist = store.load(connection, WAITLIST, "status = 0")
    world.reviews = Rows(REVIEW)
    world.last_appointment = _last(connection, APPOINTMENT.name)
    world.last_charge = _last(connection, CHARGE.name)
    world.last_review = _last(connection, REVIEW.name)
    world.last_waitlist = _last(connection, WAITLIST.name)
    world.book_day = today
    world.index_staff(today)
    b = world.bookings
    slots = (b.duration + 29) // cat.SLOT_MINUTES
    world.mark(b.employee_id, b.start_day, b.slot, slots, True)
    return world


def _taken(rows: Rows, positions: Array) -> Rows:
    copy = Rows(rows.table, max(len(positions), 1))
    copy.add(
        len(positions), **{name: getattr(rows, name)[positions] for name in rows.table.columns}
    )
    return copy


def _last(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()  # noqa: S608
    return int(row[0]) if row else 0


def _live_and_write(
    connection: psycopg.Connection[Any],
    world: World,
    day: int,
    settled: list[tuple[Rows, Array]],
    *,
    webhooks: bool,
) -> None:
    before = {name: getattr(world, name).copy() for name in WRITTEN}
    settled.clear()
    world.events = []
    newcomers = _newcomers(world, day)
    live_day(world, day)
    for name in WRITTEN:
        rows = getattr(world, name)
        store.upsert(connection, rows, rows.changed_since(before[name]))
    for rows, positions in settled:
        store.upsert(connection, rows, positions)
    if len(newcomers):
        write_guests(connection, people.text_rows(world, newcomers))
        store.upsert(connection, world.guests, newcomers)
    connection.execute(
        "UPDATE business SET today = %s, lived_days = lived_days + 1, guests = %s",
        [day + 1, world.guests.n],
    )
    if webhooks:
        events.queue(connection, world.events)


def _newcomers(world: World, day: int) -> Array:
    """New guests come at the rate of the recorded years."""
    rng = np.random.default_rng([world.seed, day, 1])
    history = max(world.born_day - world.first_day, 1)
    born = int((world.guests.joined_day < world.born_day).sum())
    rate = born * (1 - KNOWN_BEFORE) / history
    n = int(rng.poisson(rate))
    if not n:
        return np.zeros(0, "i8")
    center_id = rng.integers(1, len(world.centers) + 1, n)
    positions = people.make_guests(
        world, rng, center_id=center_id, joined_day=np.full(n, day), day=day
    )
    world.emit("Guest.Created", positions + 1, np.full(n, day * MINUTES_A_DAY + 16 * 60))
    return positions
