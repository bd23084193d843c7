"""Bookings: made, kept, cancelled, missed, reviewed.

The chance that a booking falls through follows from what can be known when it is made (lead
time, habit, weekday, distance, first visit, membership) and from things nobody sees; its fate is
drawn at once and stays hidden until its hour. What a message changes, it changes in that fate.
"""

from __future__ import annotations

import numpy as np

from platforms.sandbox import catalogue as cat
from platforms.sandbox.days import Array, month_of, weekday_of
from platforms.sandbox.life import people
from platforms.sandbox.life.world import BOOK_DAYS, MAX_LEAD_DAYS, World

# How much is booked by calendar month, January first: a rush in December, a dip in summer.
SEASON = np.array([1.05, 1.0, 1.02, 1.0, 1.04, 0.95, 0.84, 0.82, 0.97, 1.0, 1.06, 1.28], "f4")
PLACE_ROUNDS = 8
REVIEW_CHANCE, BAD_VISIT_CHANCE = 0.11, 0.05
UNHAPPY = 0.6  # the mood below which guests complain and think of leaving
CALLS_OFF = 0.8  # share of those who move or get hurt that cancel what they have booked
# What a guest's own lean to cancel or to miss adds to the log-odds.
CANCEL_LEAN, NO_SHOW_LEAN = 0.95, 1.0
LATE_SHARE = 0.36  # of cancellations, that come within the notice window
GINA_BAD_DAYS = 45  # since when the visits of one guest in `people.STORIES` go wrong


def season(day: int) -> float:
    return float(SEASON[int(month_of(np.array(day))) % 12])


def fall_through(
    *,
    lead_days: Array,
    weekday: Array,
    slot: Array,
    medspa: Array,
    first_visit: Array,
    member: Array,
    familiar: Array,
    online: Array,
    distance_km: Array,
    cancel_lean: Array,
    no_show_lean: Array,
    mood: Array,
    weather: Array,
    winter: bool,
) -> tuple[Array, Array]:
    """Chances (cancelled, no-show) of bookings, each in [0, 1], together below 0.95.

    The bases are set so that membership spas lose about 14 % to cancellations and 1-2 % to
    no-shows, med spas 16 % and 5 % (published platform benchmarks).
    """
    lead = np.log1p(lead_days)
    late_slot = (slot >= 16).astype("f4")
    edge = ((weekday == 0) | (weekday == 4)).astype("f4")
    cancel = (
        np.where(medspa, -2.52, -2.6)
        + 0.62 * (lead - 1.8)
        + CANCEL_LEAN * cancel_lean
        + 0.45 * first_visit
        - 0.3 * member
        - 0.35 * familiar
        + 0.25 * online
        + 0.2 * edge
        + 0.25 * late_slot
        + 0.018 * distance_km
        + 1.4 * (0.7 - mood)
        + 0.25 * weather
        + 0.25 * winter
    )
    no_show = (
        np.where(medspa, -3.5, -4.75)
        + 0.4 * (lead - 1.8)
        + NO_SHOW_LEAN * no_show_lean
        + 0.9 * first_visit
        - 0.6 * member
        - 0.4 * familiar
        + 0.2 * online
        + 0.3 * late_slot
        + 0.02 * distance_km
        + 0.15 * weather
    )
    p_cancel, p_no_show = 1 / (1 + np.exp(-cancel)), 1 / (1 + np.exp(-no_show))
    excess = np.maximum((p_cancel + p_no_show) / 0.95, 1.0)
    return p_cancel / excess, p_no_show / excess


def p_still_stands(*, ahead: Array, left: Array, notice: Array) -> Array:
    """Chance that a booking that will be cancelled has not been yet, `left` minutes before its
    start. It was made `ahead` minutes before; `notice` is the window of late cancellations."""
    ahead = np.maximum(ahead, 45)
    late = np.minimum(left / np.minimum(ahead, notice), 1)
    result: Array = np.clip(
        LATE_SHARE * late + (1 - LATE_SHARE) * np.minimum(left / ahead, 1), 0, 1
    )
    return result


def book_wanted(world: World, day: int, rng: np.random.Generator) -> None:
    """Guests who want to come and have nothing booked call, click or walk in."""
    g = world.guests
    wanting = np.flatnonzero(
        (g.wants_day > 0)
        & (g.wants_day <= day)
        & (g.bookings == 0)
        & (g.joined_day <= day)
        & (g.moved_day == 0)
        & ~((g.hurt_day <= day) & (g.hurt_until_day >= day))
    )
    wanting = wanting[rng.random(len(wanting)) < 0.55 * season(day)]
    n = len(wanting)
    member = g.membership_id[wanting] > 0
    lead = np.exp(rng.normal(np.where(member, 1.75, 1.6), 0.85, n)).astype("i4")
    source = rng.choice(5, n, p=[0.22, 0.3, 0.22, 0.04, 0.22])
    place(world, day, rng, wanting, np.minimum(lead, 60), source, rebooked=0)


def place(
    world: World,
    day: int,
    rng: np.random.Generator,
    who: Array,
    lead: Array,
    source: Array,
    *,
    rebooked: int,
) -> Array:
    """Find times in the book for guests at positions `who` about `lead` days from `day`.

    Tries the favourite therapist at the favourite hour first, then gives way. Returns the
    positions in `world.bookings` of the bookings made; some guests find nothing.
    """
    g = world.guests
    n = len(who)
    if not n:
        return np.zeros(0, "i8")
    center_id = g.center_id[who]
    service_id = _services(world, rng, who)
    slots = (cat.MINUTES_OF[service_id - 1] + 29) // cat.SLOT_MINUTES
    target = day + lead
    aligned = rng.random(n) < 0.55
    shift = (g.weekday[who] - weekday_of(target)) % 7
    target = np.minimum(np.where(aligned, target + shift, target), day + MAX_LEAD_DAYS)
    slot = np.clip(g.slot[who] + rng.normal(0, 2, n), 0, cat.SLOTS - slots).astype("i4")
    loyal = rng.random(n) < 0.7
    employee = np.where(loyal, g.employee_id[who], world.any_staff(center_id, rng.random(n)))

    waiting = np.arange(n)
    placed = np.zeros(n, bool)
    for attempt in range(PLACE_ROUNDS):
        e, d, s, k = employee[waiting], target[waiting], slot[waiting], slots[waiting]
        staff = world.employees
        gone = (staff.left_day[e - 1] > 0) & (staff.left_day[e - 1] <= day)
        busy = gone.copy()
        for step in range(4):
            busy |= (k > step) & world.taken[e - 1, d % BOOK_DAYS, np.minimum(s + step, cat.SLOTS)]
        # Two guests in one round may want the same hours: the first one gets them.
        free = np.flatnonzero(~busy)
        _, first = np.unique(e[free].astype("i8") * 100_000 + d[free], return_index=True)
        won = free[first]
        world.mark(e[won], d[won], s[won], k[won], True)
        placed[waiting[won]] = True
        waiting = waiting[~placed[waiting]]
        if not len(waiting):
            break
        left = len(waiting)
        bump = rng.integers(-3, 4, left)
        slot[waiting] = np.clip(slot[waiting] + bump, 0, cat.SLOTS - slots[waiting])
        if attempt >= 1:
            other = world.any_staff(center_id[waiting], rng.random(left))
            employee[waiting] = np.where(rng.random(left) < 0.7, other, employee[waiting])
        if attempt >= 2:
            later = rng.integers(0, 3, left)
            target[waiting] = np.minimum(target[waiting] + later, day + MAX_LEAD_DAYS)
    _join_waitlist(world, day, rng, who[waiting], service_id[waiting], target[waiting])
    g.wants_day[who[waiting]] = day + 2
    kept = np.flatnonzero(placed)
    return add_bookings(
        world, day, rng, who=who[kept], service_id=service_id[kept], employee_id=employee[kept],
        start_day=target[kept], slot=slot[kept], source=source[kept], rebooked=rebooked,
    )  # fmt: skip


def _services(world: World, rng: np.random.Generator, who: Array) -> Array:
    """A service per guest: usually of the favourite category, a cheaper one the more she minds
    prices."""
    g = world.guests
    medspa = world.medspa[g.center_id[who] - 1]
    anything = rng.choice(len(cat.CATEGORIES) - 1, len(who))
    category = np.where(rng.random(len(who)) < 0.8, g.category[who], anything)
    category = np.where((category == cat.INJECTABLES) & ~medspa, cat.FACE, category)
    draw = rng.random(len(who))
    result = np.zeros(len(who), "i4")
    for number in range(len(cat.CATEGORIES)):
        mine = np.flatnonzero(category == number)
        offered = np.flatnonzero((number == cat.CATEGORY_OF) & (cat.WEIGHT_OF > 0))
        dearer = cat.PRICE_OF[offered] / cat.PRICE_OF[offered].mean() - 1
        weights = cat.WEIGHT_OF[offered] * np.exp(
            -thrift(g.price_care[who[mine]])[:, None] * dearer
        )
        edges = np.cumsum(weights, axis=1)
        chosen = (draw[mine, None] * edges[:, -1:] > edges).sum(axis=1)
        result[mine] = offered[np.minimum(chosen, len(offered) - 1)] + 1
    return result


def thrift(price_care: Array) -> Array:
    """How much a guest shuns what costs more than its like: 0 for the usual guest."""
    result: Array = 2.5 * (price_care - 0.4)
    return result


def call_off(world: World, day: int, rng: np.random.Generator, guests: Array, reason: int) -> None:
    """Most of the guests with these ids cancel what they have booked, today."""
    b = world.bookings
    calls = guests[rng.random(len(guests)) < CALLS_OFF]
    rows = np.flatnonzero(
        np.isin(b.guest_id, calls) & (b.start_day > day)
        & ((b.fate != cat.CANCELLED) | (b.fate_day > day))
    )  # fmt: skip
    b.fate[rows] = cat.CANCELLED
    b.fate_day[rows] = day
    b.fate_min[rows] = np.maximum(world.instant(b.center_id[rows], day, 720), b.created_min[rows])
    b.reason[rows] = reason


def add_bookings(
    world: World,
    day: int,
    rng: np.random.Generator,
    *,
    who: Array,
    service_id: Array,
    employee_id: Array,
    start_day: Array,
    slot: Array,
    source: Array,
    rebooked: int,
) -> Array:
    """Write bookings whose times are already taken in the book, and draw their fates."""
    g = world.guests
    n = len(who)
    if not n:
        return np.zeros(0, "i8")
    center_id = g.center_id[who]
    start_min = world.instant(center_id, start_day, 540 + slot * cat.SLOT_MINUTES)
    created = world.instant(center_id, day, rng.integers(8 * 60, 21 * 60, n))
    created = np.minimum(created, start_min - 45)
    lead_days = start_day - day
    member = g.membership_id[who] > 0
    first_visit = g.visits[who] == 0
    p_cancel, p_no_show = fall_through(
        lead_days=lead_days,
        weekday=weekday_of(start_day),
        slot=slot,
        medspa=world.medspa[center_id - 1],
        first_visit=first_visit,
        member=member,
        familiar=employee_id == g.employee_id[who],
        online=(source == cat.WEBSTORE) | (source == cat.APP),
        distance_km=g.distance_km[who],
        cancel_lean=g.cancel_lean[who],
        no_show_lean=g.no_show_lean[who],
        mood=g.mood[who],
        weather=world.weather(center_id, day),
        winter=int(month_of(np.array(day))) % 12 in (0, 1),
    )
    draw = rng.random(n)
    fate = np.where(draw < p_cancel, cat.CANCELLED, cat.CLOSED)
    fate = np.where((draw >= p_cancel) & (draw < p_cancel + p_no_show), cat.NO_SHOW, fate)
    minutes_ahead = np.maximum(start_min - created, 45)
    late = rng.random(n) < LATE_SHARE
    before = np.where(
        late,
        rng.random(n) * np.minimum(minutes_ahead, world.notice_minutes[center_id - 1]),
        rng.random(n) * minutes_ahead,
    )
    fate_min = np.where(fate == cat.CANCELLED, start_min - before.astype("i4"), start_min)
    fate_day = np.where(
        fate == cat.CANCELLED, np.maximum(world.local_day(center_id, fate_min), day), start_day
    )
    # A confirmation is likelier from those who will come: a sign that can be seen.
    confirms = rng.random(n) < np.where(fate == cat.CLOSED, 0.62, 0.22)
    confirm_day = np.maximum(start_day - rng.integers(1, 4, n), day)
    confirm_day = np.where(confirms & (confirm_day < fate_day), confirm_day, 0)
    ids = np.arange(world.last_appointment + 1, world.last_appointment + n + 1)
    world.last_appointment += n
    positions = world.bookings.add(
        n, id=ids, group_id=ids, guest_id=who + 1, center_id=center_id, employee_id=employee_id,
        service_id=service_id, start_day=start_day, start_min=start_min, created_min=created,
        price_cents=cat.PRICE_OF[service_id - 1], updated_min=created, fate_day=fate_day,
        fate_min=fate_min, confirm_day=confirm_day, slot=slot,
        duration=cat.MINUTES_OF[service_id - 1], source=source, first_visit=first_visit,
        rebooked=rebooked, reason=rng.choice(cat.CANCEL_REASONS, n, p=cat.CANCEL_REASON_WEIGHTS),
        fate=fate, p_cancel=p_cancel, p_no_show=p_no_show,
    )  # fmt: skip
    g.bookings[who] += 1
    world.emit("AppointmentGroup.Created", ids, created)
    _add_ons(world, rng, positions)
    return positions


def _add_ons(world: World, rng: np.random.Generator, positions: Array) -> None:
    """A quarter of the visits carry a short second service right after the first."""
    b = world.bookings
    slots = (b.duration[positions] + 29) // cat.SLOT_MINUTES
    after = b.slot[positions] + slots
    care = world.guests.price_care[b.guest_id[positions] - 1]
    free = (rng.random(len(positions)) < 0.28 * np.clip(1 - thrift(care) / 2, 0.3, 1.5)) & (
        after < cat.SLOTS
    )
    free &= ~world.taken[b.employee_id[positions] - 1, b.start_day[positions] % BOOK_DAYS, after]
    lead = positions[free]
    n = len(lead)
    if not n:
        return
    world.mark(b.employee_id[lead], b.start_day[lead], after[free], np.ones(n, "i4"), True)
    service_id = cat.ADDONS[rng.integers(0, len(cat.ADDONS), n)]
    ids = np.arange(world.last_appointment + 1, world.last_appointment + n + 1)
    world.last_appointment += n
    same = {
        name: getattr(b, name)[lead].copy()
        for name in b.table.columns
        if name not in {"id", "service_id", "slot", "start_min", "duration", "price_cents"}
    }
    world.bookings.add(
        n, id=ids, service_id=service_id, slot=after[free], duration=30,
        start_min=b.start_min[lead] + b.duration[lead],
        price_cents=cat.PRICE_OF[service_id - 1], **same,
    )  # fmt: skip


def _join_waitlist(
    world: World, day: int, rng: np.random.Generator, who: Array, service_id: Array, target: Array
) -> None:
    """Guests who found no time may ask to be called."""
    asks = rng.random(len(who)) < 0.6
    add_to_waitlist(world, day, rng, who[asks], service_id[asks], target[asks])
    # A few ask although they got another time: they would rather come earlier.
    g = world.guests
    eager = np.flatnonzero((g.bookings > 0) & (g.joined_day <= day))
    if len(eager):
        eager = eager[rng.random(len(eager)) < 0.0015]
        add_to_waitlist(
            world, day, rng, eager, _services(world, rng, eager),
            np.full(len(eager), day + 2, "i4"),
        )  # fmt: skip


def add_to_waitlist(
    world: World, day: int, rng: np.random.Generator, who: Array, service_id: Array, around: Array
) -> None:
    n = len(who)
    if not n:
        return
    g = world.guests
    ids = np.arange(world.last_waitlist + 1, world.last_waitlist + n + 1)
    world.last_waitlist += n
    created = world.instant(g.center_id[who], day, rng.integers(540, 1200, n))
    start = np.clip(g.slot[who] - 4, 0, cat.SLOTS - 8)
    world.waitlist.add(
        n, id=ids, guest_id=who + 1, center_id=g.center_id[who], service_id=service_id,
        employee_id=np.where(rng.random(n) < 0.35, g.employee_id[who], 0),
        from_day=np.maximum(around - 2, day + 1), to_day=around + 12, created_min=created,
        updated_min=created, slot_from=start, slot_to=start + 8,
        comment=rng.integers(0, len(cat.WAITLIST_COMMENTS), n),
    )  # fmt: skip


def settle(world: World, day: int, rng: np.random.Generator) -> None:
    """Confirmations, cancellations, no-shows and visits of the day, and what follows."""
    b, g = world.bookings, world.guests
    asked = np.flatnonzero((b.confirm_day == day) & (b.status == cat.NEW))
    b.status[asked] = cat.CONFIRMED
    b.updated_min[asked] = world.instant(b.center_id[asked], day, 600)
    world.emit("AppointmentGroup.Status", b.id[asked], b.updated_min[asked])

    due = np.flatnonzero((b.fate_day <= day) & (b.fate_day > 0))
    due = due[rng.permutation(len(due))] if len(due) else due
    fate = b.fate[due]
    b.status[due] = fate
    b.updated_min[due] = np.where(
        fate == cat.CANCELLED, b.fate_min[due], b.start_min[due] + b.duration[due]
    )
    cancelled, missed, done = (
        due[fate == cat.CANCELLED], due[fate == cat.NO_SHOW], due[fate == cat.CLOSED],
    )  # fmt: skip
    slots = (b.duration[cancelled] + 29) // cat.SLOT_MINUTES
    world.mark(b.employee_id[cancelled], b.start_day[cancelled], b.slot[cancelled], slots, False)

    lead = due[b.group_id[due] == b.id[due]]
    np.subtract.at(g.bookings, b.guest_id[lead] - 1, 1)
    np.maximum(g.bookings, 0, out=g.bookings)
    _after_cancel(world, day, rng, cancelled[b.group_id[cancelled] == b.id[cancelled]])
    _after_no_show(world, day, rng, missed[b.group_id[missed] == b.id[missed]])
    world.emit("AppointmentGroup.Status", b.id[cancelled], b.updated_min[cancelled])
    world.emit("AppointmentGroup.Status", b.id[missed], b.updated_min[missed])
    _after_visit(world, day, rng, done)
    # Positions of `due` are still right: bookings made meanwhile were appended.
    world.sink(world.bookings, due)
    keep = np.ones(world.bookings.n, bool)
    keep[due] = False
    world.bookings.keep(keep)
    _close_waitlist(world, day)


def _after_cancel(world: World, day: int, rng: np.random.Generator, gone: Array) -> None:
    b, g = world.bookings, world.guests
    who = b.guest_id[gone] - 1
    soon = rng.random(len(gone)) < 0.66
    pause = np.where(
        soon, rng.integers(1, 9, len(gone)), rng.random(len(gone)) * g.gap_days[who] + 4
    )
    g.wants_day[who] = day + pause
    g.cancels[who] = np.minimum(g.cancels[who] + 1, 30000)
    b.reason[gone] = np.where(soon, 16, b.reason[gone])


def _after_no_show(world: World, day: int, rng: np.random.Generator, gone: Array) -> None:
    g = world.guests
    who = world.bookings.guest_id[gone] - 1
    g.no_shows[who] += 1
    g.interest[who] *= 0.93
    g.wants_day[who] = day + rng.random(len(gone)) * g.gap_days[who] + 3


def _after_visit(world: World, day: int, rng: np.random.Generator, done: Array) -> None:
    from platforms.sandbox.life import billing

    b, g = world.bookings, world.guests
    b.progress[done] = 2
    billing.pay_visits(world, day, done)
    lead = done[b.group_id[done] == b.id[done]]
    n = len(lead)
    who = b.guest_id[lead] - 1
    g.visits[who] += 1
    g.last_visit_day[who] = day
    skill = world.employees.skill[b.employee_id[lead] - 1]
    bad = rng.random(n) < BAD_VISIT_CHANCE * (g.story[who] != people.DEV)
    bad |= (g.story[who] == people.GINA) & (day >= world.born_day - GINA_BAD_DAYS)
    quality = np.clip(0.8 + 0.25 * skill + rng.normal(0, 0.12, n), 0, 1)
    g.mood[who] = np.clip(
        np.where(bad, g.mood[who] - 0.36, g.mood[who] + 0.22 * (quality - g.mood[who])), 0.02, 1
    )
    g.spark[who] = rng.random(n)
    world.emit("Appointment.Completed", b.id[lead], b.updated_min[lead])

    interest = np.maximum(g.interest[who], 0.12)
    rhythm = np.exp(rng.normal(0, 0.28, n)) / interest / season(day)
    wants = day + np.maximum(g.gap_days[who] * rhythm, 3)
    g.wants_day[who] = np.where(g.wants_day[who] == 0, 0, wants)
    # First visits end a good part of the acquaintances: 45 % come back in the average salon.
    once = (g.visits[who] == 1) & (g.membership_id[who] == 0) & (rng.random(n) < 0.3)
    g.wants_day[who[once]] = 0

    _review(world, rng, lead, bad, quality)
    billing.join_after_visit(world, day, rng, who)
    # Some book the next visit at the desk before they leave.
    again = (
        (rng.random(n) < 0.34 * g.mood[who] * interest * (0.85 + 0.75 * g.inertia[who]))
        & (g.bookings[who] == 0)
        & (g.wants_day[who] > 0)
        & (g.moved_day[who] == 0)
    )
    again_who, first = np.unique(who[again], return_index=True)
    ahead = np.minimum((g.gap_days[who] * rhythm)[again][first], MAX_LEAD_DAYS - 7)
    place(
        world, day, rng, again_who, np.maximum(ahead, 3).astype("i4"),
        np.zeros(len(again_who), "i2"), rebooked=1,
    )  # fmt: skip


def _review(
    world: World, rng: np.random.Generator, lead: Array, bad: Array, quality: Array
) -> None:
    """About one visit in nine is rated, a bad one three times as often; so does a guest who has
    been unhappy for a while, and the stars then tell more than the one visit."""
    b = world.bookings
    story = world.guests.story[b.guest_id[lead] - 1]
    mood = world.guests.mood[b.guest_id[lead] - 1]
    chance = np.where(bad, 0.35 + (story == people.GINA), REVIEW_CHANCE)
    chance = np.where(~bad & (mood < UNHAPPY), 4 * REVIEW_CHANCE, chance)
    writes = np.flatnonzero(rng.random(len(lead)) < chance)
    n = len(writes)
    if not n:
        return
    noise = rng.normal(0, 0.5, n)
    felt = quality[writes] - 1.2 * np.clip(UNHAPPY - mood[writes], 0, 0.5)
    stars = np.where(bad[writes], 1.4 + noise, 5.1 * felt + 0.5 + noise)
    rating = np.clip(np.round(stars), 1, 5)
    chosen = lead[writes]
    ids = np.arange(world.last_review + 1, world.last_review + n + 1)
    world.last_review += n
    positions = world.reviews.add(
        n, id=ids, appointment_id=b.id[chosen], guest_id=b.guest_id[chosen],
        center_id=b.center_id[chosen], rating=rating,
        created_min=b.start_min[chosen] + b.duration[chosen] + rng.integers(20, 300, n),
        comment=np.where(rng.random(n) < 0.7, rng.integers(1, 60, n), 0),
    )  # fmt: skip
    world.emit("Appointment.Feedback", ids, world.reviews.created_min[positions])
    world.sink(world.reviews, positions)
    world.reviews.keep(np.zeros(world.reviews.n, bool))


def _close_waitlist(world: World, day: int) -> None:
    """Wishes end when their dates pass (2) or the guest has come meanwhile (1)."""
    w, g = world.waitlist, world.guests
    over = w.to_day < day
    came = g.last_visit_day[w.guest_id - 1] == day
    closed = np.flatnonzero(over | came)
    if not len(closed):
        return
    w.status[closed] = np.where(came[closed], 1, 2)
    w.updated_min[closed] = world.instant(w.center_id[closed], day, 1200)
    world.sink(w, closed)
    w.keep(~(over | came))
