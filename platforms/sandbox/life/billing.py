"""Memberships: sold, charged, declined, retried, frozen, cancelled, expired, renewed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from platforms.sandbox import catalogue as cat
from platforms.sandbox.days import Array, month_of, months_later, year_month
from platforms.sandbox.life import people, visits
from platforms.sandbox.life.world import World

RETRY_AFTER_DAYS = np.array([0, 3, 4, 7], "i4")  # tried on day 0, 3, 7 and 14
SUSPENDED_UNTIL_FAILED_DAYS = 30
LOST_AFTER_DAYS = int(RETRY_AFTER_DAYS.sum()) + SUSPENDED_UNTIL_FAILED_DAYS  # of the first failure
ROLLOVER_PERIODS = 3  # benefits of at most this many periods are kept
MEMBER_DISCOUNT = 0.15
PRICE_RISE = 1.09
PRICE_RISE_FELT_DAYS = 75
BASE_LEAVE = -6.3


def price_rise_day(world: World) -> int:
    """The business raises the price of running memberships once, 150 days before the end."""
    return world.born_day - 150


def join_after_visit(world: World, day: int, rng: np.random.Generator, who: Array) -> None:
    """Guests without a membership may buy one at the desk. `who`: positions, after a visit."""
    g = world.guests
    free = who[(g.membership_id[who] == 0) & (g.story[who] == 0) & (g.moved_day[who] == 0)]
    free = np.unique(free)
    january = 0.5 if int(month_of(np.array(day))) % 12 == 0 else 0.0
    lean = g.member_lean[free] + january + 1.2 * (g.mood[free] - 0.7) - 0.9 * g.ever_member[free]
    joins = free[rng.random(len(free)) < 1 / (1 + np.exp(-lean))]
    sell(world, day, rng, joins, choose_plans(world, rng, joins))


def choose_plans(world: World, rng: np.random.Generator, who: Array) -> Array:
    """A plan id per guest, by favourite category, price and what is on sale."""
    g = world.guests
    medspa = world.medspa[g.center_id[who] - 1]
    weights = np.array([plan.weight if plan.on_sale else 0.0 for plan in cat.PLANS])
    only_medspa = np.array([plan.kind == "medspa" for plan in cat.PLANS])
    chance = np.tile(weights, (len(who), 1))
    chance[:, only_medspa] *= medspa[:, None]
    chance *= np.where(cat.PLAN_CATEGORY[None, :] == g.category[who][:, None], 5.0, 1.0)
    monthly = cat.PLAN_PRICE / cat.PLAN_MONTHS
    chance *= np.exp(
        -visits.thrift(g.price_care[who])[:, None] * (monthly / monthly.mean() - 1) / 2
    )
    edges = np.cumsum(chance, axis=1)
    draw = rng.random(len(who)) * edges[:, -1]
    result: Array = (draw[:, None] > edges).sum(axis=1) + 1
    return result


def sell(
    world: World,
    day: int,
    rng: np.random.Generator,
    who: Array,
    plan_id: Array,
    *,
    start_day: Array | None = None,
    charge: bool = True,
) -> Array:
    """Sell a membership to each guest and take the first payment.

    `start_day` in the past is for memberships older than the recorded history. Returns positions.
    """
    n = len(who)
    g, m = world.guests, world.memberships
    if not n:
        return np.zeros(0, "i8")
    start = np.full(n, day, "i4") if start_day is None else start_day.astype("i4")
    plan = plan_id - 1
    recurring = cat.PLAN_RECURRING[plan]
    center_id = g.center_id[who]
    stamp = world.instant(center_id, np.maximum(start, world.first_day), rng.integers(600, 1140, n))
    ids = np.arange(m.n + 1, m.n + n + 1)
    positions = m.add(
        n, id=ids, guest_id=who + 1, center_id=center_id, plan_id=plan_id,
        price_cents=cat.PLAN_PRICE[plan], sold_day=start, start_day=start,
        end_day=months_later(start, np.where(recurring, 12, cat.PLAN_MONTHS[plan])),
        next_charge_day=np.where(recurring, months_later(start, cat.PLAN_MONTHS[plan]), 0),
        credit_cents=cat.PLAN_CREDITS[plan], benefit_total=cat.PLAN_BENEFITS[plan],
        status=cat.M_ACTIVE, recurrence_status=np.where(recurring, cat.M_ACTIVE, 2),
        auto_renewal=recurring, updated_min=stamp, created_min=stamp,
    )  # fmt: skip
    again = g.ever_member[who] == 0
    g.membership_id[who] = ids
    g.ever_member[who] = 1
    # Members come more often: the visit is already paid.
    g.gap_days[who] = np.where(again & (g.story[who] == 0), g.gap_days[who] * 0.82, g.gap_days[who])
    world.emit("Guest.Membership.Created", ids, stamp)
    if charge:
        open_charges(world, day, positions, kind=1)
        rows = np.arange(world.charges.n - n, world.charges.n)
        _paid(world, day, rows)
    return positions


def open_charges(world: World, day: int, positions: Array, *, kind: int) -> None:
    """A charge falls due for the memberships at `positions`."""
    m = world.memberships
    n = len(positions)
    ids = np.arange(world.last_charge + 1, world.last_charge + n + 1)
    world.last_charge += n
    world.charges.add(
        n, id=ids, membership_id=positions + 1, guest_id=m.guest_id[positions],
        center_id=m.center_id[positions], due_day=day, event_day=day,
        amount_cents=m.price_cents[positions], kind=kind,
        updated_min=world.instant(m.center_id[positions], day, 300),
    )  # fmt: skip
    m.charge_id[positions] = ids


def _paid(world: World, day: int, rows: Array) -> None:
    """The charges at `rows` succeed."""
    c, m = world.charges, world.memberships
    c.paid_day[rows] = day
    c.event_day[rows] = day
    c.paid_cents[rows] = c.amount_cents[rows]
    c.status[rows] = cat.CHARGE_PAID
    c.attempts[rows] += 1
    at = world.instant(c.center_id[rows], day, np.where(c.kind[rows] == 1, 700, 300))
    c.updated_min[rows] = at
    mine = c.membership_id[rows] - 1
    m.attempt[mine] = m.decline[mine] = m.retry_day[mine] = m.charge_id[mine] = 0
    world.emit("Invoice.Closed", c.id[rows], at)


def charge(world: World, day: int, rng: np.random.Generator) -> None:
    """Collect what is due today and retry what failed; suspend after the last try."""
    m, g, c = world.memberships, world.guests, world.charges
    _raise_prices(world, day)
    due = np.flatnonzero(
        (m.next_charge_day == day) & (m.status == cat.M_ACTIVE) & (m.cancel_asked_day == 0)
        & (m.charge_id == 0)
    )  # fmt: skip
    if len(due):
        open_charges(world, day, due, kind=2)
    mine = c.membership_id - 1
    trying = np.flatnonzero(
        (c.status == cat.CHARGE_OPEN) & ((c.due_day == day) | (m.retry_day[mine] == day))
    )
    if len(trying):
        _try_cards(world, day, rng, trying)
    # People whose card runs out soon often hand in the new one by themselves.
    soon = np.flatnonzero((g.card_expiry <= year_month(day + 20)) & (g.membership_id > 0))
    renew = soon[(rng.random(len(soon)) < 0.022) & (g.story[soon] == 0)]
    _new_cards(world, day, rng, renew)
    _suspended(world, day, rng)
    settled = np.flatnonzero(c.status != cat.CHARGE_OPEN)
    if len(settled):
        world.sink(c, settled)
        c.keep(c.status == cat.CHARGE_OPEN)


def _raise_prices(world: World, day: int) -> None:
    if day != price_rise_day(world):
        return
    m = world.memberships
    running = np.flatnonzero((m.status == cat.M_ACTIVE) & (m.next_charge_day > 0))
    m.price_cents[running] = np.round(m.price_cents[running] * PRICE_RISE / 100) * 100
    m.price_rise_day[running] = day
    m.updated_min[running] = world.instant(m.center_id[running], day, 480)


def _new_cards(world: World, day: int, rng: np.random.Generator, who: Array) -> None:
    years = rng.integers(2, 5, len(who))
    month = year_month(day)
    world.guests.card_expiry[who] = month + years * 100


def _try_cards(world: World, day: int, rng: np.random.Generator, rows: Array) -> None:
    """One attempt on each open charge at `rows`."""
    m, g, c = world.memberships, world.guests, world.charges
    n = len(rows)
    mine = c.membership_id[rows] - 1
    who = m.guest_id[mine] - 1
    attempt = m.attempt[mine]
    # Between attempts some guests answer the platform's own notice with a new card.
    cured = (attempt > 0) & (rng.random(n) < 0.16) & (g.story[who] == 0)
    _new_cards(world, day, rng, who[cured & (g.card_expiry[who] < year_month(day))])
    expired = (g.card_expiry[who] < year_month(day)) & (rng.random(n) < 0.88)
    # Once short of money, short again: the retry succeeds for fewer than half.
    p_funds = np.where(attempt == 0, g.funds_risk[who], 0.5)
    funds = (rng.random(n) < p_funds) & (m.decline[mine] != cat.LOST)
    funds &= (attempt == 0) | (m.decline[mine] == cat.FUNDS)
    told = g.story[who] > 0  # their cards fail only as their story says
    other = (rng.random(n) < 0.004) & (attempt == 0) & ~told
    lost = (m.decline[mine] == cat.LOST) & ~cured
    lost |= (rng.random(n) < 0.0012) & (attempt == 0) & ~told
    ben = (g.story[who] == people.BEN) & (day >= world.born_day - 8) & (day < world.born_day + 12)
    decline = np.select(
        [ben, lost, expired, funds, other], [cat.FUNDS, cat.LOST, cat.EXPIRED, cat.FUNDS, cat.HONOR]
    )
    failed = decline > 0
    ok = rows[~failed]
    _paid(world, day, ok)
    _grant(world, day, c.membership_id[ok] - 1)

    bad, theirs = rows[failed], mine[failed]
    m.attempt[theirs] += 1
    m.decline[theirs] = decline[failed]
    c.attempts[bad] += 1
    c.decline[bad] = decline[failed]
    c.event_day[bad] = day
    c.updated_min[bad] = world.instant(c.center_id[bad], day, 300)
    over = m.attempt[theirs] >= len(RETRY_AFTER_DAYS)
    tries = np.minimum(m.attempt[theirs], len(RETRY_AFTER_DAYS) - 1)
    m.retry_day[theirs] = np.where(over, 0, day + RETRY_AFTER_DAYS[tries])
    m.updated_min[theirs] = world.instant(m.center_id[theirs], day, 300)
    ended = theirs[over]
    m.status[ended] = m.recurrence_status[ended] = cat.M_SUSPENDED
    m.suspended_day[ended] = day


def _grant(world: World, day: int, positions: Array) -> None:
    """A paid period brings its benefits; what was kept beyond the limit expires."""
    m = world.memberships
    plan = m.plan_id[positions] - 1
    anchor = np.where(m.next_charge_day[positions] > 0, m.next_charge_day[positions], day)
    m.next_charge_day[positions] = months_later(anchor, cat.PLAN_MONTHS[plan])
    m.benefit_total[positions] += cat.PLAN_BENEFITS[plan]
    m.credit_cents[positions] += cat.PLAN_CREDITS[plan]
    balance = m.benefit_total[positions] - m.benefit_used[positions] - m.benefit_expired[positions]
    extra = np.maximum(balance - cat.PLAN_BENEFITS[plan] * ROLLOVER_PERIODS, 0)
    m.benefit_expired[positions] += extra
    limit = cat.PLAN_CREDITS[plan] * ROLLOVER_PERIODS
    m.credit_cents[positions] = np.where(
        limit > 0, np.minimum(m.credit_cents[positions], limit), m.credit_cents[positions]
    )
    renewed = m.end_day[positions] <= day
    m.end_day[positions] = np.where(
        renewed, months_later(m.end_day[positions], 12), m.end_day[positions]
    )
    m.updated_min[positions] = world.instant(m.center_id[positions], day, 300)


def _suspended(world: World, day: int, rng: np.random.Generator) -> None:
    """A suspended membership is paid after all, or fails for good after a month."""
    m, c = world.memberships, world.charges
    waiting = np.flatnonzero(m.status == cat.M_SUSPENDED)
    if not len(waiting):
        return
    pays = waiting[rng.random(len(waiting)) < 0.011]
    _new_cards(world, day, rng, m.guest_id[pays] - 1)
    m.status[pays] = m.recurrence_status[pays] = cat.M_ACTIVE
    m.suspended_day[pays] = 0
    rows = np.flatnonzero(np.isin(c.membership_id, pays + 1))
    _paid(world, day, rows)
    m.next_charge_day[pays] = np.maximum(m.next_charge_day[pays], day - 31)
    _grant(world, day, pays)
    m.next_charge_day[pays] = np.maximum(m.next_charge_day[pays], day + 5)
    failed = np.setdiff1d(
        waiting[day - m.suspended_day[waiting] >= SUSPENDED_UNTIL_FAILED_DAYS], pays
    )
    m.recurrence_status[failed] = cat.M_FAILED
    rows = np.flatnonzero(np.isin(c.membership_id, failed + 1))
    c.status[rows] = cat.CHARGE_VOID
    c.updated_min[rows] = world.instant(c.center_id[rows], day, 310)
    _end(world, day, failed, np.full(len(failed), cat.PAYMENT), cat.M_CANCELLED)


def _end(world: World, day: int, positions: Array, cause: Array, status: int) -> None:
    """Memberships stop running today."""
    m, g = world.memberships, world.guests
    if not len(positions):
        return
    m.status[positions] = status
    m.cause[positions] = cause
    m.reason[positions] = np.where(
        m.reason[positions] > 0, m.reason[positions], cat.REASON_OF_CAUSE[cause]
    )
    if status == cat.M_CANCELLED:
        m.cancel_day[positions] = day
        m.recurrence_status[positions] = np.where(
            m.recurrence_status[positions] == cat.M_FAILED, cat.M_FAILED, cat.M_CANCELLED
        )
    m.closed_day[positions] = day
    m.updated_min[positions] = world.instant(m.center_id[positions], day, 360)
    who = m.guest_id[positions] - 1
    running = g.membership_id[who] == positions + 1
    g.membership_id[who[running]] = 0


def decide(world: World, day: int, rng: np.random.Generator) -> None:
    """Each member thinks about the membership once a week, on the weekday of the bill."""
    m = world.memberships
    _finish(world, day, rng)
    running = (m.status == cat.M_ACTIVE) & (m.cancel_asked_day == 0) & (m.next_charge_day > 0)
    thinking = np.flatnonzero(running & ((m.next_charge_day - day) % 7 == 4) & (m.attempt == 0))
    thinking = thinking[m.start_day[thinking] < day - 20]
    if not len(thinking):
        return
    view = leave_view(world, day, thinking)
    draw = rng.random(len(thinking))
    story = world.guests.story[m.guest_id[thinking] - 1] > 0
    leaves = (draw < 1 - (1 - view.p_month) ** (7 / 30)) & ~story
    ask_cancel(world, day, rng, thinking[leaves], view.cause[leaves])
    hurt = view.cause == cat.INJURY
    pauses = ~leaves & ~story & (draw > 1 - np.where(hurt, 0.06, 0.0015))
    freeze(world, day, thinking[pauses], rng.choice([30, 60, 90], int(pauses.sum())))


@dataclass(frozen=True)
class LeaveView:
    """Why members would leave: `p_month` the chance that the next decision is to cancel,
    `cause` the strongest cause, `parts` the pull of each cause on the logit scale."""

    p_month: Array
    cause: Array
    parts: dict[int, Array]


def leave_view(world: World, day: int, positions: Array) -> LeaveView:
    """The hidden state of mind of the members at `positions`, as of the morning of `day`."""
    m, g = world.memberships, world.guests
    who = m.guest_id[positions] - 1
    # What feels usual: the own gap and the week it takes from wanting to coming.
    gap = np.clip(g.gap_days[who] + 7, 12, 60)
    since = np.where(g.last_visit_day[who] > 0, day - g.last_visit_day[who], 60)
    since = np.minimum(since, day - m.start_day[positions] + 5)
    plan = m.plan_id[positions] - 1
    balance = m.benefit_total[positions] - m.benefit_used[positions] - m.benefit_expired[positions]
    full = np.where(
        cat.PLAN_BENEFITS[plan] > 0, balance / np.maximum(cat.PLAN_BENEFITS[plan], 1),
        m.credit_cents[positions] / np.maximum(cat.PLAN_CREDITS[plan], 1),
    )  # fmt: skip
    care = 1 - g.inertia[who]
    lost = (g.lost_therapist_day[who] > 0) & (day - g.lost_therapist_day[who] < 100)
    risen = (m.price_rise_day[positions] > 0) & (
        day - m.price_rise_day[positions] < PRICE_RISE_FELT_DAYS
    )
    parts = {
        cat.NON_USE: care
        * (1.9 * np.clip(since / gap - 1.4, 0, 3) + 0.7 * np.clip(full - 1.3, 0, 2.2)),
        cat.DISSATISFACTION: 7.5 * np.clip(0.66 - g.mood[who], 0, 0.6),
        cat.PRICE: g.price_care[who]
        * (0.8 + 2.3 * risen)
        * np.clip(m.price_cents[positions] / 10000, 0.6, 2),
        cat.MOVED_AWAY: np.where(g.moved_day[who] > 0, 5.0, 0.0),
        cat.THERAPIST_LEFT: np.where(lost, 1.3 + 2.5 * np.clip(0.66 - g.mood[who], 0, 0.6), 0.0),
        cat.INJURY: np.where((g.hurt_until_day[who] > day) & (g.hurt_day[who] <= day), 1.9, 0.0),
        cat.OTHER_CAUSE: np.clip(0.7 + 0.4 * g.quirk[who], 0, 3),
    }
    tenure = np.log1p(np.maximum(day - m.start_day[positions], 0) / 90)
    logit = BASE_LEAVE + sum(parts.values()) - 0.28 * tenure
    # A message changes minds for a while: for the better, or in do-not-disturb for the worse.
    fresh = (g.contacted_day[who] > 0) & (day - g.contacted_day[who] < 45)
    effect = np.array([-1.5, 0.0, 0.0, 1.1])[g.response[who]]
    logit = logit + np.where(fresh, effect, 0.0)
    names = np.array(list(parts))
    cause = names[np.argmax(np.stack(list(parts.values())), axis=0)]
    return LeaveView(1 / (1 + np.exp(-logit)), cause, parts)


def ask_cancel(
    world: World, day: int, rng: np.random.Generator, positions: Array, cause: Array
) -> None:
    """Members cancel; the membership runs to the end of the paid period."""
    m = world.memberships
    if not len(positions):
        return
    m.cancel_asked_day[positions] = day
    m.cause[positions] = cause
    m.terminate_day[positions] = np.maximum(m.next_charge_day[positions], day + 1)
    # One in five gives no true reason at the desk.
    told = np.where(rng.random(len(positions)) < 0.2, 7, cat.REASON_OF_CAUSE[cause])
    m.reason[positions] = told
    m.recurrence_status[positions] = cat.M_CANCELLED
    m.auto_renewal[positions] = 0
    at = world.instant(m.center_id[positions], day, rng.integers(600, 1140, len(positions)))
    m.updated_min[positions] = at
    world.emit("Guest.Membership.Cancelled", positions + 1, at)


def freeze(world: World, day: int, positions: Array, days: Array) -> None:
    """Pause memberships: no charge, no benefits until the last day."""
    m = world.memberships
    if not len(positions):
        return
    m.status[positions] = cat.M_FROZEN
    m.recurrence_status[positions] = cat.M_FROZEN
    m.freeze_day[positions] = day
    m.freeze_until_day[positions] = day + days
    m.freeze_type[positions] = 2
    m.next_charge_day[positions] += days
    at = world.instant(m.center_id[positions], day, 720)
    m.updated_min[positions] = at
    world.emit("Guest.Membership.Freeze", positions + 1, at)


def _finish(world: World, day: int, rng: np.random.Generator) -> None:
    """Pauses end, cancelled memberships terminate, packages run out and are bought again."""
    m = world.memberships
    begins = np.flatnonzero((m.freeze_day == day) & (m.status == cat.M_ACTIVE))
    m.status[begins] = m.recurrence_status[begins] = cat.M_FROZEN
    m.updated_min[begins] = world.instant(m.center_id[begins], day, 1)
    thawed = np.flatnonzero((m.status == cat.M_FROZEN) & (m.freeze_until_day <= day))
    m.status[thawed] = m.recurrence_status[thawed] = cat.M_ACTIVE
    m.next_charge_day[thawed] = np.maximum(m.next_charge_day[thawed], day + 1)
    m.updated_min[thawed] = world.instant(m.center_id[thawed], day, 420)
    world.emit("Guest.Membership.Unfreeze", thawed + 1, m.updated_min[thawed])

    over = np.flatnonzero(
        (m.terminate_day > 0) & (m.terminate_day <= day) & (m.status == cat.M_ACTIVE)
    )
    _end(world, day, over, m.cause[over].copy(), cat.M_CANCELLED)

    ends = np.flatnonzero(
        (m.next_charge_day == 0) & (m.end_day <= day) & (m.status == cat.M_ACTIVE)
    )
    if not len(ends):
        return
    who = m.guest_id[ends] - 1
    stays = rng.random(len(ends)) < p_bought_again(world, ends)
    view = leave_view(world, day, ends)
    plans = m.plan_id[ends].copy()
    _end(world, day, ends, np.where(stays, cat.NO_CAUSE, view.cause), cat.M_EXPIRED)
    sell(world, day, rng, who[stays], plans[stays])


def p_bought_again(world: World, positions: Array) -> Array:
    """Chance that the packages at `positions` are bought again when they end."""
    m, g = world.memberships, world.guests
    who = m.guest_id[positions] - 1
    used = m.benefit_used[positions] / np.maximum(m.benefit_total[positions], 1)
    pull = 2.6 * (used - 0.55) + 3.5 * (g.mood[who] - 0.62) - 1.2 * (g.moved_day[who] > 0)
    result: Array = 1 / (1 + np.exp(-pull))
    return result


def pay_visits(world: World, day: int, done: Array) -> None:
    """Members use benefits or credits, others pay; `done` are positions in the book."""
    b, m, g = world.bookings, world.memberships, world.guests
    who = b.guest_id[done] - 1
    mine = g.membership_id[who] - 1
    member = (mine >= 0) & (m.status[mine] == cat.M_ACTIVE) if m.n else np.zeros(len(done), bool)
    price = b.price_cents[done].astype("f8")
    b.paid_cents[done] = np.where(member, price * (1 - MEMBER_DISCOUNT), price)
    lead = b.group_id[done] == b.id[done]
    able = np.flatnonzero(member & lead)
    # A guest who comes twice on one day uses one benefit only: the first visit.
    _, first = np.unique(who[able], return_index=True)
    able = able[first]
    rows, theirs = done[able], mine[able]
    plan = m.plan_id[theirs] - 1
    same = cat.PLAN_CATEGORY[plan] == cat.CATEGORY_OF[b.service_id[rows] - 1]
    balance = m.benefit_total[theirs] - m.benefit_used[theirs] - m.benefit_expired[theirs]
    use = same & (balance > 0)
    m.benefit_used[theirs[use]] += 1
    b.covered[rows[use]] = 1
    b.paid_cents[rows[use]] = 0
    spend = np.minimum(m.credit_cents[theirs], b.paid_cents[rows]) * ~use
    m.credit_cents[theirs] -= spend
    m.credit_used_cents[theirs] += spend
    b.paid_cents[rows] -= spend
    b.covered[rows[spend > 0]] = 1
    touched = theirs[use | (spend > 0)]
    m.last_usage_day[touched] = day
    m.updated_min[touched] = world.instant(m.center_id[touched], day, 1200)
