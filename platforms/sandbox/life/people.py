"""Guests and staff: who they are, and what life does to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from platforms.sandbox import catalogue as cat
from platforms.sandbox import names
from platforms.sandbox.days import Array
from platforms.sandbox.life.world import World

GUESTS_PER_EMPLOYEE = 130
# Chances a day for one guest.
P_FADE, P_RECOVER, P_MOVE, P_HURT = 0.0015, 0.008, 0.00022, 0.0003
FADE_FACTOR = 0.982
CANCEL_LEAN_SD, NO_SHOW_LEAN_SD = 0.8, 0.9  # how much guests differ in keeping their word
P_STAFF_LEAVES = 0.00075

# Stories that a newcomer to the demo can look up; random events leave these people alone.
ANA, BEN, CARLA, DEV, ELENA, FELIX, GINA, HUGO, IRIS = range(1, 10)
STORIES: dict[int, tuple[str, str, dict[str, Any]]] = {
    ANA: ("Ana", "Morales", {"gap_days": 18.0, "response": cat.PERSUADABLE, "chatty": 0.9}),
    BEN: ("Ben", "Archer", {"gap_days": 26.0, "response": cat.SURE_THING, "gender": 1}),
    CARLA: ("Carla", "Weiss", {"gap_days": 4000.0, "response": cat.DO_NOT_DISTURB, "inertia": 1.0}),
    DEV: ("Dev", "Patel", {"gap_days": 9.0, "mood": 0.98, "response": cat.SURE_THING, "gender": 1}),
    ELENA: ("Elena", "Reyes", {"gap_days": 30.0, "language": 1, "response": cat.DO_NOT_DISTURB}),
    FELIX: ("Felix", "Ward", {"gap_days": 35.0, "gender": 1, "response": cat.LOST_CAUSE}),
    GINA: ("Gina", "Lowe", {"gap_days": 24.0, "mood": 0.3, "response": cat.PERSUADABLE}),
    HUGO: ("Hugo", "Stark", {"gap_days": 21.0, "gender": 1, "response": cat.SURE_THING}),
    IRIS: ("Iris", "Tran", {"gap_days": 85.0, "response": cat.PERSUADABLE, "chatty": 0.9}),
}


def hire(world: World, rng: np.random.Generator, center_id: Array, day: int) -> None:
    """New staff for each location in `center_id` (one entry per person)."""
    n = len(center_id)
    men = rng.random(n) < 0.2
    # Five days a week: every weekday but two, never both days of the weekend for all.
    off = rng.integers(0, 7, n)
    days = (127 & ~(1 << off)) & ~(1 << ((off + 3) % 7))
    world.employees.add(
        n,
        id=np.arange(world.employees.n + 1, world.employees.n + n + 1),
        center_id=center_id,
        started_day=day,
        first_name=np.where(
            men, rng.integers(0, len(names.MEN), n), rng.integers(0, len(names.WOMEN), n)
        ),
        last_name=rng.integers(0, len(names.SURNAMES), n),
        gender=men,
        days=days,
        lunch_slot=rng.integers(5, 9, n),
        job=rng.integers(0, 3, n),
        skill=rng.normal(0, 0.35, n),
    )
    world.index_staff(day)


def change_staff(world: World, day: int, rng: np.random.Generator) -> None:
    """Some leave and are replaced; guests who came for them are told at the next visit."""
    staff = world.employees
    here = np.flatnonzero(staff.left_day == 0)
    leaving = here[rng.random(len(here)) < P_STAFF_LEAVES]
    if not len(leaving):
        return
    staff.left_day[leaving] = day
    centers = staff.center_id[leaving].copy()
    hire(world, rng, centers, day)
    guests = world.guests
    lost = np.flatnonzero(np.isin(guests.employee_id, leaving + 1))
    guests.lost_therapist_day[lost] = day
    guests.mood[lost] -= rng.random(len(lost)) * 0.4 * (guests.quirk[lost] > -0.5)
    guests.employee_id[lost] = world.any_staff(guests.center_id[lost], rng.random(len(lost)))
    # Their booked clients are moved to colleagues at the same time.
    book = world.bookings
    moved = np.flatnonzero(np.isin(book.employee_id, leaving + 1))
    book.employee_id[moved] = world.any_staff(book.center_id[moved], rng.random(len(moved)))
    book.updated_min[moved] = world.instant(book.center_id[moved], day, 540)


def make_guests(
    world: World, rng: np.random.Generator, *, center_id: Array, joined_day: Array, day: int
) -> Array:
    """Add guests with the habits they keep. `day`: when they start to live. Returns positions."""
    n = len(center_id)
    medspa = world.medspa[center_id - 1]
    gap = np.exp(rng.normal(np.log(np.where(medspa, 26, 17)), 0.5, n))
    favourite = np.where(
        medspa & (rng.random(n) < 0.6),
        cat.INJECTABLES,
        rng.choice(5, n, p=[0.38, 0.27, 0.1, 0.15, 0.1]),
    )
    first = world.guests.n + 1
    lapse = rng.random(n) * gap
    return world.guests.add(
        n,
        id=np.arange(first, first + n),
        center_id=center_id,
        employee_id=world.any_staff(center_id, rng.random(n)),
        joined_day=joined_day,
        wants_day=np.maximum(joined_day, day) + np.where(joined_day < day, lapse, 0),
        last_visit_day=np.where(joined_day < day, day - (gap - lapse).astype("i4") - 1, 0),
        visits=np.where(joined_day < day, 1 + rng.poisson(6, n), 0),
        card_expiry=_expiries(rng, n, day),
        response=rng.choice(4, n, p=[0.28, 0.42, 0.19, 0.11]),
        category=favourite,
        weekday=rng.choice(7, n, p=[0.11, 0.13, 0.14, 0.15, 0.18, 0.19, 0.1]),
        slot=np.clip(
            np.where(rng.random(n) < 0.5, rng.normal(5, 3, n), rng.normal(16, 2, n)), 0, 19
        ),
        gender=rng.choice([0, 1, 3, -1], n, p=[0.78, 0.17, 0.01, 0.04]),
        gap_days=gap,
        interest=1.0,
        mood=np.clip(rng.normal(0.75, 0.12, n), 0.1, 1),
        price_care=rng.beta(2, 3, n),
        distance_km=rng.gamma(2, 4, n),
        cancel_lean=rng.normal(0, CANCEL_LEAN_SD, n),
        no_show_lean=rng.normal(0, NO_SHOW_LEAN_SD, n),
        member_lean=rng.normal(-3.15, 0.9, n),
        inertia=rng.beta(1, 4, n),
        funds_risk=rng.beta(0.5, 12, n),
        spark=rng.random(n),
        quirk=rng.normal(0, 1, n),
        chatty=rng.beta(2, 2, n),
    )


def _expiries(rng: np.random.Generator, n: int, day: int) -> Array:
    """Card expiries up to four years ahead, as 202703."""
    from platforms.sandbox.days import from_day

    now = from_day(day)
    months = now.year * 12 + now.month - 1 + rng.integers(1, 48, n)
    return months // 12 * 100 + months % 12 + 1


def change_lives(world: World, day: int, rng: np.random.Generator) -> None:
    """Interest fades and returns, people move away, get hurt and heal."""
    from platforms.sandbox.life import visits

    g = world.guests
    draw = rng.random(g.n)
    here = (g.joined_day <= day) & (g.moved_day == 0) & (g.story == 0)
    fading = g.fading == 1
    g.interest[fading] *= FADE_FACTOR
    np.maximum(g.interest, 0.12, out=g.interest)
    calm = ~fading
    g.interest[calm] += (1 - g.interest[calm]) * 0.02
    g.fading[fading & (draw < P_RECOVER)] = 0
    g.fading[here & calm & (draw < P_FADE)] = 1
    moved = here & (draw > 1 - P_MOVE)
    g.moved_day[moved] = day
    visits.call_off(world, day, rng, g.id[moved], cat.NO_REASON)
    hurt = np.flatnonzero(here & (draw > 0.5) & (draw < 0.5 + P_HURT))
    g.hurt_day[hurt] = day
    g.hurt_until_day[hurt] = day + rng.integers(30, 150, len(hurt))
    visits.call_off(world, day, rng, g.id[hurt], cat.ILLNESS)
    # Messages of a month ago are forgotten.
    g.messages[g.contacted_day < day - 30] = 0
    # A guest without a membership who has lost interest is gone for good sooner or later.
    lost = here & (g.membership_id == 0) & (g.interest < 0.2) & (draw < 0.03)
    g.wants_day[lost] = 0


def text_rows(world: World, positions: Array) -> list[tuple[Any, ...]]:
    """The visible side of guests, in the column order of the table `guest`.

    Deterministic per batch: drawn from (seed, first guest id).
    """
    g = world.guests
    n = len(positions)
    rng = np.random.default_rng([world.seed, 99, int(g.id[positions[0]])])
    women = rng.integers(0, len(names.WOMEN), n).tolist()
    men = rng.integers(0, len(names.MEN), n).tolist()
    last = rng.integers(0, len(names.SURNAMES), n).tolist()
    ages = rng.integers(19, 78, n).tolist()
    consent = rng.random((n, 3)).tolist()
    spanish = rng.random(n).tolist()
    minutes = rng.integers(9 * 60, 20 * 60, n)
    created = world.instant(g.center_id[positions], g.joined_day[positions], minutes).tolist()
    numbers = _numbers_within_center(world, positions)
    laps = len(cat.CITIES)
    rows = []
    columns = zip(
        positions.tolist(), g.id[positions].tolist(), g.center_id[positions].tolist(),
        g.gender[positions].tolist(), g.story[positions].tolist(), strict=True,
    )  # fmt: skip
    for i, (position, guest_id, center_id, gender, story) in enumerate(columns):
        surname = names.SURNAMES[last[i]]
        first = names.MEN[men[i]] if gender == 1 else names.WOMEN[women[i]]
        language = "es" if surname in names.SPANISH and spanish[i] < 0.45 else "en"
        email_ok, sms_ok = consent[i][0] < 0.80, consent[i][1] < 0.85
        transactional = sms_ok or consent[i][2] < 0.6
        tags: list[str] = ["vip"] if consent[i][2] > 0.97 else []
        if story:
            first, surname, _ = STORIES[story]
            language = "es" if story == ELENA else "en"
            email_ok = sms_ok = transactional = True
            if story == FELIX:
                email_ok = sms_ok = transactional = False
            if story == ELENA:
                sms_ok = transactional = False
        g.language[position] = language == "es"
        center = world.centers[center_id - 1]
        phone = names.phone(center.area_codes, (center_id - 1) // laps * 6000 + numbers[i])
        rows.append(
            (
                guest_id, center_id, f"{center.code}{guest_id}", first, surname,
                f"{first}.{surname}.{guest_id}@example.test".lower(), phone, gender,
                world.first_day - ages[i] * 365 - guest_id % 365, created[i], created[i],
                language, email_ok, sms_ok, transactional, tags, None,
            )
        )  # fmt: skip
    return rows


def _numbers_within_center(world: World, positions: Array) -> list[int]:
    """How many guests of the same location came before each."""
    center_id = world.guests.center_id
    result = np.zeros(len(positions), "i4")
    for center in range(1, len(world.centers) + 1):
        mine = np.flatnonzero(center_id == center)
        rank = np.searchsorted(mine, positions)
        chosen = center_id[positions] == center
        result[chosen] = rank[chosen]
    return [int(value) for value in result]


def tell_stories(world: World) -> None:
    """Give the first guests of a small business the lives in `STORIES`."""
    g = world.guests
    spots = {story: index for index, story in enumerate(STORIES)}
    for story, position in spots.items():
        g.story[position] = story
        g.joined_day[position] = world.first_day - 200
        g.wants_day[position] = world.first_day + 3
        g.last_visit_day[position] = world.first_day - 5
        g.visits[position] = 8
        g.gender[position] = 0
        g.interest[position], g.fading[position] = 1.0, 0
        g.mood[position], g.price_care[position] = 0.85, 0.2
        g.language[position] = 0
        g.category[position] = cat.MASSAGE
        g.card_expiry[position], g.funds_risk[position] = 209912, 0
        for name, value in STORIES[story][2].items():
            getattr(g, name)[position] = value
    g.hurt_day[spots[ANA]] = world.born_day - 62
    g.hurt_until_day[spots[ANA]] = world.born_day + 90
    g.wants_day[spots[CARLA]] = 0
    from platforms.sandbox.days import from_day

    now = from_day(world.born_day)
    g.card_expiry[spots[HUGO]] = now.year * 100 + now.month
