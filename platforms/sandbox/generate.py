"""Make a business: two years of living, straight into the database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
import psycopg

from platforms.sandbox import catalogue as cat
from platforms.sandbox import store
from platforms.sandbox.days import Array, months_later
from platforms.sandbox.life import billing, people
from platforms.sandbox.life.world import World, live_day
from platforms.sandbox.store import Rows
from platforms.sandbox.tables import (
    APPOINTMENT,
    CHARGE,
    NUMBERS,
    REVIEW,
    WAITLIST,
    Table,
)

KNOWN_BEFORE = 0.55  # share of the guests who came before the recorded history begins
STREAMED = (APPOINTMENT, CHARGE, REVIEW, WAITLIST)
MIN_GUESTS_FOR_STORIES = 60
FLUSH_BYTES = 8_000_000
DIGEST_TABLES = ("center", "guest", *(table.name for table in NUMBERS))


def generate(
    url: str,
    *,
    seed: int,
    locations: int,
    guests: int,
    months: int,
    today: int,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, int]:
    """Replace the database at `url` by a business of that size, alive up to `today`.

    Deterministic: equal arguments give equal rows. Returns row counts.
    """
    store.ensure_database(url)
    first_day = today - round(months * 365.25 / 12)
    centers = cat.centers(locations)
    with store.connect(url) as connection:
        store.create_tables(connection)
        connection.execute(
            "INSERT INTO business (seed, today, born_day, first_day, guests, locations) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [seed, today, today, first_day, guests, locations],
        )
        write_centers(connection, centers)
    with ExitStack() as stack:
        sinks = {
            table.name: _Stream(stack, stack.enter_context(store.connect(url)), table)
            for table in STREAMED
        }

        def sink(rows: Rows, positions: Array) -> None:
            sinks[rows.table.name].write(rows.pack(positions))

        world = World(seed=seed, centers=centers, first_day=first_day, born_day=today, sink=sink)
        found(world, guests)
        for day in range(first_day, today):
            live_day(world, day)
            if (day - first_day) % 60 == 59:
                say(f"{day - first_day + 1} of {today - first_day} days lived")
        for rows in (world.bookings, world.charges, world.waitlist):
            sink(rows, np.arange(rows.n))
        for stream in sinks.values():
            stream.flush()
    say("Writing guests and memberships")
    with store.connect(url) as connection:
        write_guests(connection, people.text_rows(world, np.arange(world.guests.n)))
        for rows in (world.guests, world.memberships, world.employees):
            with store.copy_in(connection, rows.table) as write:
                write(rows.pack())
        say("Building indexes")
        store.create_indexes(connection)
    with store.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        return {
            table: int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # type: ignore[index]  # noqa: S608
            for table in DIGEST_TABLES
        }


class _Stream:
    """One open COPY that collects packed rows and writes them in larger pieces."""

    def __init__(self, stack: ExitStack, connection: psycopg.Connection[Any], table: Table) -> None:
        self.pieces: list[bytes] = []
        self.size = 0
        self._write = stack.enter_context(store.copy_in(connection, table))

    def write(self, packed: bytes) -> None:
        self.pieces.append(packed)
        self.size += len(packed)
        if self.size > FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        self._write(b"".join(self.pieces))
        self.pieces, self.size = [], 0


def found(world: World, guests: int) -> None:
    """The state on the first recorded day: staff, guests, members of long standing."""
    rng = np.random.default_rng([world.seed, 0])
    locations = len(world.centers)
    per_center = max(3, round(guests / locations / people.GUESTS_PER_EMPLOYEE))
    people.hire(
        world, rng, np.repeat(np.arange(1, locations + 1), per_center), world.first_day - 400
    )
    center_id = np.sort(rng.integers(1, locations + 1, guests))
    known = rng.random(guests) < KNOWN_BEFORE
    joined = np.where(
        known,
        world.first_day - rng.integers(1, 1000, guests),
        rng.integers(world.first_day, world.born_day, guests),
    )
    people.make_guests(world, rng, center_id=center_id, joined_day=joined, day=world.first_day)
    g = world.guests
    if guests >= MIN_GUESTS_FOR_STORIES:
        people.tell_stories(world)
    members = np.flatnonzero(
        known & (rng.random(guests) < 1 / (1 + np.exp(-(g.member_lean + 2.55)))) & (g.story == 0)
    )
    age = rng.integers(1, 900, len(members))
    start = np.maximum(world.first_day - age, g.joined_day[members])
    _sell_before(world, rng, members, billing.choose_plans(world, rng, members), start)
    told = np.flatnonzero((g.story > 0) & (g.story != people.FELIX))
    if len(told):
        # Billed five days before the end of the records, so that Ben has failed twice by then.
        before = max(round((world.born_day - world.first_day) * 12 / 365.25) + 2, 26)
        start = np.full(len(told), int(months_later(world.born_day - 5, -before)), "i4")
        _sell_before(world, rng, told, np.full(len(told), 1), start)


def _sell_before(
    world: World, rng: np.random.Generator, who: Array, plan_id: Array, start: Array
) -> None:
    """Memberships sold before the first recorded day, in the middle of their run."""
    positions = billing.sell(
        world, world.first_day, rng, who, plan_id, start_day=start, charge=False
    )
    m = world.memberships
    plan = m.plan_id[positions] - 1
    recurring = cat.PLAN_RECURRING[plan]
    elapsed = (world.first_day - start) // 30
    period = cat.PLAN_MONTHS[plan]
    upcoming = months_later(start, (elapsed // period + 1) * period)
    upcoming = np.where(upcoming < world.first_day, months_later(upcoming, period), upcoming)
    m.next_charge_day[positions] = np.where(recurring, upcoming, 0)
    granted = np.where(recurring, (elapsed // period + 1), 1) * cat.PLAN_BENEFITS[plan]
    m.benefit_total[positions] = granted
    used = rng.binomial(granted, 0.75)
    m.benefit_used[positions] = used
    spare = granted - used - cat.PLAN_BENEFITS[plan] * 2
    m.benefit_expired[positions] = np.maximum(spare, 0)
    # Contracts run from year to year; packages sold long ago end within their first year.
    years = np.maximum((world.first_day - start) // 365 + 1, 1)
    m.end_day[positions] = months_later(start, 12 * years)


def write_centers(connection: psycopg.Connection[Any], centers: list[cat.Center]) -> None:
    from platforms.sandbox import names

    for number, center in enumerate(centers, 1):
        connection.execute(
            "INSERT INTO center VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                number, center.name, center.code, center.kind, center.zone, center.city,
                center.state, names.phone(center.area_codes, 40_000 + number), 0, cat.SLOTS,
                center.notice_hours,
            ],
        )  # fmt: skip


def write_guests(connection: psycopg.Connection[Any], rows: list[tuple[Any, ...]]) -> None:
    with connection.cursor().copy("COPY guest FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
