"""Inputs of the booking score: a booking as of a moment before its start.

A row is a booking and a moment. The night's run and a live booking use the present moment; training
uses up to three moments of each past booking: when it was made, a week before and on the eve. What
the guest had done is rebuilt as of the moment from the times of booking, start and cancellation. A
confirmation has no time in the mirror, so it is read for the present only and enters as a fixed
rule. Price and length are those of the service: a booking's own are changed by what became of it (a
visit paid with credits costs nothing in the end). Rates of locations and services come from whole
months before the moment (`OutcomeMonth`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import holidays
import numpy as np

from memberships.models import Membership
from risk import frame, prepared
from risk.engine.additive import Floats
from risk.features import known_booked_at, known_cancelled_at, number
from risk.frame import Frame

FEW = 50
DAY_0 = date(1970, 1, 1)
RUNNING = [str(status) for status in Membership.RUNNING]
HISTORY = "2 years"
RATE_MONTHS = 6
# Own rates count as many pretended bookings at the location's rate, the location's and service's
# as many at the business's, the business's as many at the field's usual one.
OWN_PRETENDED, PLACE_PRETENDED, BUSINESS_PRETENDED = 12.0, 100.0, 50.0
USUAL_RATE, USUAL_NO_SHOW_RATE = 0.15, 0.02
CHANNELS = [
    "desk", "business application", "online", "app", "phone", "kiosk", "partner", "bot",
]  # fmt: skip
MIN_AHEAD = "interval '15 minutes'"  # nearer to the start there is nothing left to predict

_ROW = f"""b.id AS appointment_id, b.guest_id, b.location_id, b.service_id, b.therapist_id,
    b.starts_at, b.starts_on, b.status, b.channel,
    {known_booked_at("b")} AS booked_at"""
_STANDS = "b.status IN ('booked', 'confirmed') AND b.vanished_at IS NULL"
_PRESENT = f"""SELECT {_ROW}, %(now)s::timestamptz AS moment, 0 AS view
    FROM memberships_appointment b WHERE {_STANDS} AND b.starts_at > %(now)s"""

COMING = f"""{_PRESENT} AND b.location_id = ANY(%(locations)s)
    AND b.starts_on >= %(from_on)s AND b.starts_on < %(until_on)s"""
CHOSEN = f"{_PRESENT} AND b.id = ANY(%(ids)s)"
# Views 1, 2, 3: when booked, a week before, on the eve. Only bookings that still stood count.
PAST = f"""SELECT {_ROW}, v.moment, v.view,
    b.status IN ('cancelled', 'no_show') AS fell, b.status = 'no_show' AS missed,
    b.is_late_cancellation AS late
    FROM memberships_appointment b
    CROSS JOIN LATERAL (VALUES (1, {known_booked_at("b")}),
        (2, b.starts_at - interval '7 days'), (3, b.starts_at - interval '1 day')
    ) AS v (view, moment)
    WHERE b.status IN ('completed', 'checked_in', 'cancelled', 'no_show')
    AND b.vanished_at IS NULL AND b.starts_on >= %(from_on)s AND b.starts_on < %(until_on)s
    AND v.moment <= b.starts_at - {MIN_AHEAD}
    AND (v.view = 1 OR {known_booked_at("b")} < v.moment)
    AND COALESCE({known_cancelled_at("b")}, 'infinity') > v.moment
    AND (%(every)s = 1 OR b.id %% %(every)s = 0)"""

READ = {
    "appointment_id": "t.appointment_id",
    "guest_id": "t.guest_id",
    "location_id": "t.location_id",
    "moment": "EXTRACT(EPOCH FROM t.moment)",
    "view": "t.view",
    "starts": "EXTRACT(EPOCH FROM t.starts_at)",
    "local_day": "(t.moment AT TIME ZONE l.time_zone)::date - DATE '1970-01-01'",
    "country": "ASCII(l.country) * 256 + ASCII(SUBSTR(l.country, 2))",
    "currency": frame.CURRENCY,
    "lead_days": "EXTRACT(EPOCH FROM t.starts_at - t.booked_at) / 86400.0",
    "ahead_days": "EXTRACT(EPOCH FROM t.starts_at - t.moment) / 86400.0",
    "minutes": "s.duration_minutes",
    "weekday": "EXTRACT(ISODOW FROM t.starts_on)",
    "hour": "EXTRACT(HOUR FROM t.starts_at AT TIME ZONE l.time_zone)",
    "day": "t.starts_on - DATE '1970-01-01'",
    "month": "EXTRACT(MONTH FROM t.starts_on)",
    "price": "s.price_cents / 100.0",
    "channel": "ARRAY_POSITION(%(channels)s, t.channel::text)",
    "confirmed": "CASE WHEN t.view = 0 AND t.status = 'confirmed' THEN 1 ELSE 0 END",
    "past_visits": "COALESCE(h.visits, 0)",
    "past_cancelled": "COALESCE(h.cancelled, 0)",
    "past_late": "COALESCE(h.late, 0)",
    "past_no_shows": "COALESCE(h.no_shows, 0)",
    "days_since_visit": "EXTRACT(EPOCH FROM t.moment - h.visited_at) / 86400.0",
    "days_since_fall": "EXTRACT(EPOCH FROM t.moment - h.fell_at) / 86400.0",
    "dropped_30": "COALESCE(h.dropped_30, 0)",
    "therapist_visits": "CASE WHEN t.therapist_id IS NOT NULL "
    "THEN COALESCE(h.therapist_visits, 0) END",
    "service_visits": "COALESCE(h.service_visits, 0)",
    "same_day": "COALESCE(h.same_day, 0)",
    "open_bookings": "COALESCE(h.open_bookings, 0)",
    "member_days": "k.member_days",
    "place_ended": "COALESCE(rl.ended, 0)",
    "place_fell": "COALESCE(rl.fell, 0)",
    "place_no_shows": "COALESCE(rl.no_shows, 0)",
    "service_ended": "COALESCE(rs.ended, 0)",
    "service_fell": "COALESCE(rs.fell, 0)",
    "all_ended": "COALESCE(rb.ended, 0)",
    "all_fell": "COALESCE(rb.fell, 0)",
    "all_no_shows": "COALESCE(rb.no_shows, 0)",
}
OUTCOMES = {
    "any": "CASE WHEN t.fell THEN 1 ELSE 0 END",
    "early": "CASE WHEN t.fell AND NOT t.missed AND NOT t.late THEN 1 ELSE 0 END",
    "late": "CASE WHEN t.fell AND NOT t.missed AND t.late THEN 1 ELSE 0 END",
    "no_show": "CASE WHEN t.fell AND t.missed THEN 1 ELSE 0 END",
}
IDS = ["appointment_id", "guest_id", "location_id"]

_RATE = """SELECT {keys}SUM(o.ended) AS ended, SUM(o.cancelled + o.no_shows) AS fell,
        SUM(o.no_shows) AS no_shows, q.month_on
    FROM (SELECT DISTINCT {distinct}month_on FROM t) q
    JOIN risk_outcomemonth o ON o.scope = '{scope}' AND o.scope_id = {scope_id}
        AND o.month_on < q.month_on AND o.month_on >= q.month_on - interval '{months} months'
    GROUP BY {keys}q.month_on"""


def _rate(scope: str, key: str | None) -> str:
    return _RATE.format(
        scope=scope,
        scope_id=f"q.{key}" if key else "0",
        keys=f"q.{key}, " if key else "",
        distinct=f"{key}, " if key else "",
        months=RATE_MONTHS,
    )


QUERY = f"""
WITH t AS MATERIALIZED (
    SELECT w.*, ROW_NUMBER() OVER (ORDER BY w.appointment_id, w.moment) AS row_no,
        DATE_TRUNC('month', w.moment AT TIME ZONE 'UTC')::date AS month_on
    FROM ({{rows}}) w
), h AS (
    SELECT row_no,
        COUNT(*) FILTER (WHERE visited) AS visits,
        COUNT(*) FILTER (WHERE cancelled_at < moment) AS cancelled,
        COUNT(*) FILTER (WHERE cancelled_at < moment AND is_late_cancellation) AS late,
        COUNT(*) FILTER (WHERE missed) AS no_shows,
        MAX(starts_at) FILTER (WHERE visited) AS visited_at,
        MAX(CASE WHEN missed THEN starts_at WHEN cancelled_at < moment THEN cancelled_at END)
            AS fell_at,
        COUNT(*) FILTER (WHERE cancelled_at < moment
            AND cancelled_at >= moment - interval '30 days') AS dropped_30,
        COUNT(*) FILTER (WHERE visited AND therapist_id = own_therapist_id) AS therapist_visits,
        COUNT(*) FILTER (WHERE visited AND service_id = own_service_id) AS service_visits,
        COUNT(*) FILTER (WHERE stands AND starts_on = own_starts_on) AS same_day,
        COUNT(*) FILTER (WHERE stands) AS open_bookings
    FROM (
        SELECT t.row_no, t.moment, t.therapist_id AS own_therapist_id,
            t.service_id AS own_service_id, t.starts_on AS own_starts_on,
            b.starts_at, b.starts_on, b.therapist_id, b.service_id, b.is_late_cancellation,
            {known_cancelled_at("b")} AS cancelled_at,
            b.starts_at < t.moment AND b.status IN ('completed', 'checked_in') AS visited,
            b.starts_at < t.moment AND b.status = 'no_show' AS missed,
            b.starts_at >= t.moment
                AND COALESCE({known_cancelled_at("b")}, 'infinity') >= t.moment AS stands
        FROM t JOIN memberships_appointment b ON b.guest_id = t.guest_id
            AND b.id <> t.appointment_id
            AND {known_booked_at("b")} < t.moment
            AND b.starts_at >= t.moment - interval '{HISTORY}'
            AND b.status <> 'voided' AND COALESCE(b.vanished_at, 'infinity') >= t.moment
    ) x GROUP BY row_no
), k AS (
    SELECT t.row_no, MAX(t.starts_on - LEAST(
        m.started_on, COALESCE(m.member_since_on, m.started_on))) AS member_days
    FROM t JOIN memberships_membership m ON m.guest_id = t.guest_id
        AND m.started_on <= (t.moment AT TIME ZONE 'UTC')::date
        AND (m.ended_on > (t.moment AT TIME ZONE 'UTC')::date
            OR (m.ended_on IS NULL AND m.status = ANY(%(running)s)))
    GROUP BY t.row_no
), rl AS ({_rate("location", "location_id")}),
   rs AS ({_rate("service", "service_id")}),
   rb AS ({_rate("business", None)})
SELECT {{columns}}
FROM t
JOIN memberships_location l ON l.id = t.location_id
LEFT JOIN memberships_service s ON s.id = t.service_id
LEFT JOIN h ON h.row_no = t.row_no
LEFT JOIN k ON k.row_no = t.row_no
LEFT JOIN rl ON rl.location_id = t.location_id AND rl.month_on = t.month_on
LEFT JOIN rs ON rs.service_id = t.service_id AND rs.month_on = t.month_on
LEFT JOIN rb ON rb.month_on = t.month_on
ORDER BY t.row_no
"""


def coming(*, location_ids: list[int], now: datetime, from_on: date, until_on: date) -> Frame:
    """One row per booking that stands now and starts on a local day in [from_on, until_on)."""
    return _frame(
        COMING,
        {"now": now, "locations": location_ids, "from_on": from_on, "until_on": until_on},
    )


def chosen(*, appointment_ids: Sequence[int], now: datetime) -> Frame:
    """One row per booking of the list that stands now and has not started. For a few, by a
    statement that stays planned."""
    return _frame(
        CHOSEN,
        {"now": now, "ids": prepared.whole_numbers(appointment_ids)},
        read=frame.read_few if len(appointment_ids) <= FEW else frame.read,
    )


def past(*, from_on: date, until_on: date, every: int = 1) -> Frame:
    """Past bookings of the local days [from_on, until_on) at up to three moments each, with their
    outcomes: `any` after the moment, which is `early`, `late` or `no_show`. `every` keeps each
    n-th booking."""
    return _frame(PAST, {"from_on": from_on, "until_on": until_on, "every": every}, outcomes=True)


def _frame(
    rows: str,
    params: dict[str, Any],
    *,
    outcomes: bool = False,
    read: Callable[[str, Sequence[str], Mapping[str, Any]], dict[str, Floats]] = frame.read,
) -> Frame:
    reads = READ | (OUTCOMES if outcomes else {})
    columns = read(
        _query(rows, outcomes),
        list(reads),
        params | {"channels": CHANNELS, "running": RUNNING},
    )
    found = Frame(
        ids={name: columns.pop(name).astype(np.int64) for name in IDS},
        outcomes={name: columns.pop(name) for name in OUTCOMES if outcomes},
        columns=columns,
    )
    found.columns |= derive(found.columns)
    found.columns["holiday"] = _holiday(found)
    return found


def local_days(found: Frame) -> dict[int, date]:
    """By location, its local date at the moment of the rows."""
    days = found.columns["local_day"].astype(np.int64).tolist()
    return {
        location: DAY_0 + timedelta(days=day)
        for location, day in zip(found.ids["location_id"].tolist(), days, strict=True)
    }


@lru_cache
def _query(rows: str, outcomes: bool) -> str:
    reads = READ | (OUTCOMES if outcomes else {})
    return QUERY.format(rows=rows, columns=", ".join(number(part) for part in reads.values()))


def derive(c: dict[str, Floats]) -> dict[str, Floats]:
    """Rates from counts, the thin ones drawn towards the wider ones."""
    business = (c["all_fell"] + USUAL_RATE * BUSINESS_PRETENDED) / (
        c["all_ended"] + BUSINESS_PRETENDED
    )
    business_no_show = (c["all_no_shows"] + USUAL_NO_SHOW_RATE * BUSINESS_PRETENDED) / (
        c["all_ended"] + BUSINESS_PRETENDED
    )
    place = (c["place_fell"] + business * PLACE_PRETENDED) / (c["place_ended"] + PLACE_PRETENDED)
    place_no_show = (c["place_no_shows"] + business_no_show * PLACE_PRETENDED) / (
        c["place_ended"] + PLACE_PRETENDED
    )
    past = c["past_visits"] + c["past_cancelled"] + c["past_no_shows"]
    fell = c["past_cancelled"] + c["past_no_shows"]
    return {
        "past_bookings": past,
        "past_fell": fell,
        "place_rate": place,
        "service_rate": (c["service_fell"] + business * PLACE_PRETENDED)
        / (c["service_ended"] + PLACE_PRETENDED),
        "own_rate": (fell + place * OWN_PRETENDED) / (past + OWN_PRETENDED),
        "own_no_show_rate": (c["past_no_shows"] + place_no_show * OWN_PRETENDED)
        / (past + OWN_PRETENDED),
        "first_visit": (c["past_visits"] == 0).astype(np.float64),
        "member": (~np.isnan(c["member_days"])).astype(np.float64),
    }


def _holiday(found: Frame) -> Floats:
    """1 where the booking is on a public holiday of the location's country, or next to one."""
    countries = found.columns["country"].astype(np.int64).tolist()
    days = found.columns["day"].astype(np.int64).tolist()
    return np.array([*map(_near_feast, countries, days)], dtype=np.float64)


@lru_cache(maxsize=50_000)
def _near_feast(country: int, day: int) -> bool:
    """`country` is its two letters as a number, `day` counts from 1970."""
    code = chr(country // 256) + chr(country % 256)
    return any(
        d in _feasts(code, (DAY_0 + timedelta(days=d)).year) for d in (day - 1, day, day + 1)
    )


@lru_cache(maxsize=256)
def _feasts(country: str, year: int) -> frozenset[int]:
    """Public holidays of a year as days since 1970; none for a country the library lacks."""
    try:
        found = holidays.country_holidays(country, years=year)
    except NotImplementedError:
        return frozenset()
    return frozenset((on - DAY_0).days for on in found)
