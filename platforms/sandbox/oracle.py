"""What nobody can see from outside: true chances and causes, for benchmarks.

CSV by default, JSON pages with `?format=json&page=&size=`. As of the morning of the business's
today; GUIDs are those of the wire, so rows join with what was synchronised.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET

from platforms.sandbox import catalogue as cat
from platforms.sandbox import store
from platforms.sandbox.advance import load_world
from platforms.sandbox.business import Facts, facts, query
from platforms.sandbox.control import control
from platforms.sandbox.days import MINUTES_A_DAY, Array, months_later, year_month
from platforms.sandbox.environment import environment
from platforms.sandbox.guid import Kind
from platforms.sandbox.life import billing, visits
from platforms.sandbox.life import people as people_of
from platforms.sandbox.life.world import World
from platforms.sandbox.zenoti.errors import answer
from platforms.sandbox.zenoti.params import day_param, page_info, paging
from platforms.sandbox.zenoti.shapes import iso_day

Line = tuple[Any, ...]
MEMBER_HEAD = (
    "guest_id", "user_membership_id", "center_id", "response", "p_voluntary_30", "p_contacted_30",
    "p_payment_30", "p_churn_30", "p_churn_60", "p_ends_60", "main_cause",
)  # fmt: skip
BOOKING_HEAD = (
    "appointment_id", "guest_id", "center_id", "start_date", "p_cancel", "p_no_show",
    "p_cancel_booked", "p_no_show_booked", "p_fall_knowable", "fate",
)  # fmt: skip
ENDED_HEAD = (
    "guest_id", "user_membership_id", "center_id", "ended_on", "asked_on", "kind", "main_cause",
)  # fmt: skip


def _out(request: HttpRequest, head: Line, lines: list[Line]) -> HttpResponseBase:
    if request.GET.get("format") == "json":
        page, size = paging(request, largest=10_000)
        part = lines[(page - 1) * size : page * size]
        rows = [dict(zip(head, line, strict=True)) for line in part]
        return answer({"rows": rows, "page_info": page_info(len(lines), page, size)})
    return StreamingHttpResponse(_csv(head, lines), content_type="text/csv")


def _csv(head: Line, lines: list[Line]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(head)
    for number, line in enumerate(lines):
        writer.writerow(line)
        if number % 1000 == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _world() -> World:
    with store.connect(environment().database_url) as connection:
        return load_world(connection, [])


@require_GET
@control
def members(request: HttpRequest) -> HttpResponseBase:
    """Running memberships: the chance to be cancelled or lost to payment, and the main cause.

    `p_churn_30` and `p_churn_60` are chances to decide so; `p_ends_60` is the chance that the
    membership is over in 60 days: who cancels stays a member to the end of the paid period, and a
    package ends at its term. `p_contacted_30` is the voluntary chance if a message arrives today:
    the difference to `p_voluntary_30` is the true uplift.
    """
    known = facts()
    return _out(request, MEMBER_HEAD, member_lines(known, _world()))


def member_lines(known: Facts, world: World) -> list[Line]:
    """Rows of MEMBER_HEAD."""
    m, g = world.memberships, world.guests
    running = np.flatnonzero(
        np.isin(m.status, (cat.M_ACTIVE, cat.M_FROZEN, cat.M_SUSPENDED)) & (m.cancel_asked_day == 0)
    )
    who = m.guest_id[running] - 1
    view = billing.leave_view(world, known.today, running)
    kept = g.contacted_day[who].copy()
    g.contacted_day[who] = known.today
    contacted = billing.leave_view(world, known.today, running).p_month
    g.contacted_day[who] = kept
    payment = p_payment(known, world, running)
    free = 1 - payment
    churn_30 = 1 - (1 - view.p_month) * free
    churn_60 = 1 - (1 - view.p_month) ** 2 * free**1.3
    ends_60 = p_ends(known, world, running, view.p_month, payment, 60)
    cause = np.where(payment > view.p_month, cat.PAYMENT, view.cause)
    columns = zip(
        m.guest_id[running].tolist(), m.id[running].tolist(), m.center_id[running].tolist(),
        g.response[who].tolist(), view.p_month.tolist(), contacted.tolist(), payment.tolist(),
        churn_30.tolist(), churn_60.tolist(), ends_60.tolist(), cause.tolist(), strict=True,
    )  # fmt: skip
    return [
        (
            known.guid(Kind.GUEST, guest), known.guid(Kind.MEMBERSHIP, number),
            known.guid(Kind.CENTER, center), cat.RESPONSES[response],
            *(round(value, 5) for value in chances), cat.CAUSES[reason],
        )
        for guest, number, center, response, *chances, reason in columns
    ]  # fmt: skip


def p_payment(known: Facts, world: World, positions: Array) -> Array:
    """Chance that the next charges fail for good, about: by state of card and attempts."""
    m, g = world.memberships, world.guests
    who = m.guest_id[positions] - 1
    base = g.funds_risk[who] * 0.07
    expired = g.card_expiry[who] <= year_month(known.today + 15)
    attempts = m.attempt[positions]
    chance = np.where(expired, 0.12, base + 0.001)
    chance = np.where(attempts > 0, 0.1 + 0.12 * attempts, chance)
    chance = np.where(m.status[positions] == cat.M_SUSPENDED, 0.72, chance)
    result: Array = np.where(m.next_charge_day[positions] == 0, 0.0, chance)
    return result


def p_ends(
    known: Facts, world: World, positions: Array, p_month: Array, payment: Array, days: int
) -> Array:
    """Chance that memberships are over within `days`, if minds stay as they are this morning.

    A cancellation takes effect on the next day of payment, so only the days up to the last one
    within the time count. A charge lost for good takes two weeks of retries and a month of
    suspension. Packages end at their term unless bought again.
    """
    m = world.memberships
    until = known.today + days
    next_charge = m.next_charge_day[positions]
    months = cat.PLAN_MONTHS[m.plan_id[positions] - 1]
    last = np.where((next_charge > 0) & (next_charge <= until), next_charge, 0)
    for _ in range(days // 28):
        following = months_later(last, months)
        last = np.where((last > 0) & (following <= until), following, last)
    begins = np.maximum(m.freeze_until_day[positions] * (m.status[positions] == cat.M_FROZEN),
                        known.today)  # fmt: skip
    voluntary = 1 - (1 - p_month) ** (np.maximum(last - begins, 0) / 30)
    in_trouble = (m.attempt[positions] > 0) | (m.status[positions] == cat.M_SUSPENDED)
    in_time = in_trouble | (next_charge <= until - billing.LOST_AFTER_DAYS)
    recurring = 1 - (1 - voluntary) * (1 - payment * in_time)
    ends = m.end_day[positions] <= until
    package = ends * (1 - billing.p_bought_again(world, positions))
    result: Array = np.where(next_charge > 0, recurring, package)
    return result


@require_GET
@control
def bookings(request: HttpRequest) -> HttpResponseBase:
    """Bookings in `start_date` .. `end_date` (excluded): true chances and the drawn fate.

    `p_cancel_booked` and `p_no_show_booked` are those of the moment of booking; `p_cancel` and
    `p_no_show` those of this morning, for bookings that still stand. `p_fall_knowable` is the best
    anybody could say this morning who knew every rule of the simulation but had to judge a guest's
    own lean by her past bookings, as a person would.
    """
    known = facts()
    start = day_param(request, "start_date") or known.today
    end = day_param(request, "end_date") or known.today + 14
    rows = query(
        "SELECT id, guest_id, center_id, start_day, p_cancel, p_no_show, fate, start_min, "
        "created_min FROM appointment WHERE start_day >= %s AND start_day < %s ORDER BY id",
        [start, end],
    )
    return _out(request, BOOKING_HEAD, _booking_lines(known, rows) if rows else [])


def _booking_lines(known: Facts, rows: list[tuple[Any, ...]]) -> list[Line]:
    number, guest, center, day, cancel, miss, fate, starts, created = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    notice = np.array([c.notice_hours * 60 for c in cat.centers(len(known.centers))])
    stands = visits.p_still_stands(
        ahead=starts - created,
        left=starts - known.today * MINUTES_A_DAY,
        notice=notice[center - 1],
    )
    remaining = 1 - cancel * (1 - stands)
    cancel_known, miss_known = _by_past_bookings(known, guest, cancel, miss)
    fall_known = (cancel_known * stands + miss_known) / (1 - cancel_known * (1 - stands))
    fates = {cat.CANCELLED: "cancelled", cat.NO_SHOW: "no_show", cat.CLOSED: "completed"}
    columns = zip(
        number.tolist(), guest.tolist(), center.tolist(), day.tolist(), fate.tolist(),
        (cancel * stands / remaining).tolist(), (miss / remaining).tolist(), cancel.tolist(),
        miss.tolist(), fall_known.tolist(), strict=True,
    )  # fmt: skip
    return [
        (
            known.guid(Kind.APPOINTMENT, booking), known.guid(Kind.GUEST, who),
            known.guid(Kind.CENTER, place), iso_day(on),
            *(round(chance, 5) for chance in chances), fates.get(drawn, "open"),
        )
        for booking, who, place, on, drawn, *chances in columns
    ]  # fmt: skip


def _by_past_bookings(
    known: Facts, guest: Array, cancel: Array, miss: Array
) -> tuple[Array, Array]:
    """The chances with each guest's own lean averaged over what her past bookings leave open."""
    people = np.unique(guest)
    leans = query(
        "SELECT cancel_lean, no_show_lean FROM nature WHERE id = ANY(%s) ORDER BY id",
        [people.tolist()],
    )
    past = query(
        "SELECT guest_id, p_cancel, p_no_show, fate FROM appointment "
        "WHERE guest_id = ANY(%s) AND start_day < %s AND id = group_id",
        [people.tolist(), known.today],
    )
    past_guest, past_cancel, past_miss, fate = (
        np.array(column) for column in zip(*(past or [(people[0], 0.5, 0.5, 0)]), strict=True)
    )
    cancel_lean, miss_lean = (np.array(column) for column in zip(*leans, strict=True))
    places = np.searchsorted(people, guest), np.searchsorted(people, past_guest)
    return (
        _averaged(
            cancel, cancel_lean, past_cancel, fate == cat.CANCELLED, places,
            visits.CANCEL_LEAN, people_of.CANCEL_LEAN_SD,
        ),
        _averaged(
            miss, miss_lean, past_miss, fate == cat.NO_SHOW, places,
            visits.NO_SHOW_LEAN, people_of.NO_SHOW_LEAN_SD,
        ),
    )  # fmt: skip


def _averaged(
    p: Array, lean: Array, past_p: Array, past_fell: Array, places: tuple[Array, Array],
    weight: float, sd: float,
) -> Array:  # fmt: skip
    """Chances `p` without the true `lean`: Gauss-Hermite over its normal prior times the
    likelihood of the past. `places`: each case's and each past case's guest."""
    here, before = places
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    pulls = weight * sd * nodes

    def chances(chance: Array, whose: Array) -> Array:
        clipped = np.clip(chance, 1e-6, 1 - 1e-6)
        base = np.log(clipped / (1 - clipped)) - weight * lean[whose]
        result: Array = 1 / (1 + np.exp(-(base[:, None] + pulls)))
        return result

    seen = chances(past_p, before)
    likelihood = np.zeros((len(lean), len(nodes)))
    np.add.at(likelihood, before, np.log(np.where(past_fell[:, None], seen, 1 - seen)))
    posterior = weights * np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    posterior /= posterior.sum(axis=1, keepdims=True)
    result: Array = (posterior[here] * chances(p, here)).sum(axis=1)
    return result


@require_GET
@control
def ended(request: HttpRequest) -> HttpResponseBase:
    """Memberships that ended, with the true main cause (the told reason may be another)."""
    known = facts()
    rows = query(
        "SELECT guest_id, id, center_id, closed_day, cancel_asked_day, cause FROM membership "
        "WHERE closed_day > 0 ORDER BY id"
    )
    lines = [
        (
            known.guid(Kind.GUEST, guest), known.guid(Kind.MEMBERSHIP, number),
            known.guid(Kind.CENTER, center), iso_day(closed), iso_day(asked),
            _kind(cause), cat.CAUSES[cause],
        )
        for guest, number, center, closed, asked, cause in rows
    ]  # fmt: skip
    return _out(request, ENDED_HEAD, lines)


def _kind(cause: int) -> str:
    if cause == cat.NO_CAUSE:
        return "renewed"
    return "involuntary" if cause == cat.PAYMENT else "voluntary"


def healthz(request: HttpRequest) -> HttpResponse:
    """Whether the server and its business are there."""
    facts()
    return answer({"ok": True})
