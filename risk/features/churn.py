"""Inputs of the churn score: every membership that binds on a day, as of the start of that day.

Visits and money come from the roll-up of guest days, which knows a day's end; bookings from the
book, with the time at which each was made and cancelled. Left out because the mirror keeps only
their present value, which would show training the future: the contract's price (those who stayed
show a rise that those who left never saw), benefit balances, past suspensions, the end date. The
price is that of the payments before the day, plan credits are rebuilt as payments against visits
that cost nothing, the next payment as one period after the last, the term from the plan. A
therapist has left when nobody was treated by her for a fortnight: the list of staff knows only
today. The card's expiry is read for the present only and enters as a fixed rule, not as something
learned.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from memberships.models import Membership
from risk import frame
from risk.engine.additive import Floats
from risk.features import known_booked_at, known_cancelled_at, midnights, number
from risk.frame import Frame

HORIZON_DAYS = 60
# A membership that goes on under a new contract within this time has not churned.
RENEWED_WITHIN_DAYS = 14
RENEWED_BEFORE_DAYS = 45
# Own gap between visits and own rates are drawn towards these by a few pretended cases.
USUAL_GAP_DAYS, GAP_CASES = 30.0, 2.0
RATE_MONTHS_PRETENDED = 60.0
# A usual rating, and as many pretended ones.
USUAL_RATING, RATINGS_PRETENDED = 4.2, 2.0
# A rating below this is a complaint; after so many days a third of it is left.
LOW_RATING, FORGIVEN_DAYS = 4, 60
# A therapist whose last treatment is older than that of the business by so many days has left.
LEFT_AFTER_DAYS = 14

READ = {
    "membership_id": "m.id",
    "guest_id": "m.guest_id",
    "location_id": "m.location_id",
    "contract_days": "%(as_of)s - m.started_on",
    "tenure_days": "%(as_of)s - LEAST(m.started_on, COALESCE(m.member_since_on, m.started_on))",
    "plan": "m.plan_id",
    "recurring": "CASE WHEN m.plan_kind = 'recurring' THEN 1 ELSE 0 END",
    "term_left_days": """CASE WHEN m.plan_kind <> 'recurring' THEN COALESCE(
        (m.started_on + make_interval(months => m.period_months))::date, m.ends_on
        ) - %(as_of)s END""",
    "price": "COALESCE(c.paid_now, c.paid_then) / 100.0",
    "notice_days": "%(as_of)s - LEAST(m.cancel_requested_on, m.cancelled_on)",
    "frozen": """CASE WHEN m.frozen_on <= %(as_of)s
        AND COALESCE(m.frozen_until_on, %(as_of)s) >= %(as_of)s THEN 1 ELSE 0 END""",
    "frozen_days": """CASE WHEN m.frozen_on <= %(as_of)s
        AND COALESCE(m.frozen_until_on, %(as_of)s) >= %(as_of)s THEN %(as_of)s - m.frozen_on END""",
    "card_left_days": "m.card_expires_on - %(as_of)s",
    "visits_30": "COALESCE(d.visits_30, 0)",
    "visits_60": "COALESCE(d.visits_60, 0)",
    "visits_90": "COALESCE(d.visits_90, 0)",
    "visits_180": "COALESCE(d.visits_180, 0)",
    "visits_365": "COALESCE(d.visits_365, 0)",
    "visits_before": "COALESCE(d.visits_before, 0)",
    "visit_days": "COALESCE(d.visit_days, 0)",
    "first_visit_days": "%(as_of)s - d.first_on",
    "days_since_visit": "%(as_of)s - d.last_on",
    "spend_90": "COALESCE(d.spend_90, 0) / 100.0",
    "spend_before": "COALESCE(d.spend_before, 0) / 100.0",
    "spend_365": "COALESCE(d.spend_365, 0) / 100.0",
    "cancelled_180": "COALESCE(d.cancelled_180, 0)",
    "late_180": "COALESCE(d.late_180, 0)",
    "no_shows_180": "COALESCE(d.no_shows_180, 0)",
    "next_days": "a.next_on - %(as_of)s",
    "coming": "COALESCE(a.coming, 0)",
    "dropped_30": "COALESCE(a.dropped_30, 0)",
    "services_180": "COALESCE(v.services_180, 0)",
    "paid_90": "COALESCE(c.paid_90, 0)",
    "paid_365": "COALESCE(c.paid_365, 0)",
    "paid_120": "COALESCE(c.paid_120, 0)",
    "covered_120": "COALESCE(v.covered_120, 0)",
    "plan_benefits": "(SELECT k.benefits FROM k WHERE k.plan_id = m.plan_id)",
    "failed_90": "COALESCE(f.failed_90, 0)",
    "failed_365": "COALESCE(f.failed_365, 0)",
    "unpaid_days": "%(as_of)s - f.open_since",
    "charge_in_days": """CASE WHEN m.plan_kind = 'recurring' THEN
        (c.paid_on + make_interval(months => m.period_months))::date - %(as_of)s END""",
    "period_days": "CASE WHEN m.plan_kind = 'recurring' THEN m.period_months * 30.44 END",
    "price_now": "c.price_now / 100.0",
    "price_then": "c.price_then / 100.0",
    "visits_booked_180": "COALESCE(v.visits_booked_180, 0)",
    "lost_visits": "COALESCE(v.lost_visits, 0)",
    "lost_days": "%(as_of)s - v.lost_on",
    "rating": "r.rating",
    "rating_days": "r.rating_days",
    "rating_mean": "r.rating_mean",
    "ratings": "COALESCE(r.ratings, 0)",
    "grievance": "COALESCE(r.grievance, 0)",
    "low_days": "r.low_days",
    "low_rating": "r.low_rating",
    "lowest_rating_180": "r.lowest_180",
    "currency": frame.CURRENCY,
    "ends_180": "e.ends",
    "members_now": "e.members",
    "ends_180_all": "(SELECT SUM(ends) FROM ends)",
    "members_now_all": "(SELECT SUM(members) FROM ends)",
}
OUTCOMES = {
    "days_to_end": "m.ended_on - %(as_of)s",
    "involuntary": "CASE WHEN m.ending = 'involuntary' THEN 1 ELSE 0 END",
    "noted": "CASE WHEN m.cancel_requested_on IS NOT NULL THEN 1 ELSE 0 END",
    "renewed": f"""CASE WHEN m.ended_on IS NOT NULL AND EXISTS (
        SELECT 1 FROM memberships_membership n
        WHERE n.guest_id = m.guest_id AND n.id <> m.id
        AND n.started_on BETWEEN m.ended_on - {RENEWED_BEFORE_DAYS}
            AND m.ended_on + {RENEWED_WITHIN_DAYS}
        AND (n.ended_on IS NULL OR n.ended_on > m.ended_on)) THEN 1 ELSE 0 END""",
}
IDS = ["membership_id", "guest_id", "location_id"]

# %(as_of)s is the day; every other bound is a constant computed in Python, so that PostgreSQL
# compares dates with dates. `_sNNN` is the day NNN days before.
QUERY = f"""
WITH bounds (location_id, midnight_at) AS (
    SELECT * FROM UNNEST(%(locations)s::bigint[], %(midnights)s::timestamptz[])
), m AS MATERIALIZED (
    SELECT x.*, p.kind AS plan_kind, p.period_months, b.midnight_at
    FROM memberships_membership x
    JOIN bounds b ON b.location_id = x.location_id
    JOIN memberships_plan p ON p.id = x.plan_id
    WHERE x.started_on <= %(as_of)s AND (x.ended_on IS NULL OR x.ended_on > %(as_of)s)
    AND (x.ended_on IS NOT NULL OR x.status = ANY(%(running)s)) AND x.status <> 'deleted'
    AND (%(every)s = 1 OR x.id %% %(every)s = 0)
    AND (%(guest)s::bigint IS NULL OR x.guest_id = %(guest)s)
), g AS MATERIALIZED (
    SELECT guest_id, MIN(midnight_at) AS midnight_at FROM m GROUP BY guest_id
), d AS (
    SELECT t.guest_id,
        SUM(t.visits) FILTER (WHERE t.on >= %(s30)s) AS visits_30,
        SUM(t.visits) FILTER (WHERE t.on >= %(s60)s) AS visits_60,
        SUM(t.visits) FILTER (WHERE t.on >= %(s90)s) AS visits_90,
        SUM(t.visits) FILTER (WHERE t.on >= %(s180)s) AS visits_180,
        SUM(t.visits) FILTER (WHERE t.on >= %(s365)s) AS visits_365,
        SUM(t.visits) FILTER (WHERE t.on < %(s90)s AND t.on >= %(s455)s) AS visits_before,
        COUNT(*) FILTER (WHERE t.visits > 0) AS visit_days,
        MIN(t.on) FILTER (WHERE t.visits > 0) AS first_on,
        MAX(t.on) FILTER (WHERE t.visits > 0) AS last_on,
        SUM(t.spend_cents) FILTER (WHERE t.on >= %(s90)s) AS spend_90,
        SUM(t.spend_cents) FILTER (WHERE t.on < %(s90)s AND t.on >= %(s455)s) AS spend_before,
        SUM(t.spend_cents) FILTER (WHERE t.on >= %(s365)s) AS spend_365,
        SUM(t.cancelled) FILTER (WHERE t.on >= %(s180)s) AS cancelled_180,
        SUM(t.late_cancelled) FILTER (WHERE t.on >= %(s180)s) AS late_180,
        SUM(t.no_shows) FILTER (WHERE t.on >= %(s180)s) AS no_shows_180
    FROM (
        SELECT guest_id, "on", visits, cancelled, late_cancelled, no_shows, spend_cents
        FROM memberships_guestday
        WHERE "on" < %(as_of)s AND "on" >= %(s720)s AND guest_id IN (SELECT guest_id FROM g)
    ) t GROUP BY t.guest_id
), worked AS (
    SELECT therapist_id, MAX(starts_on) AS last_on FROM memberships_appointment
    WHERE status = 'completed' AND starts_on < %(as_of)s AND starts_on >= %(s180)s
    AND therapist_id IS NOT NULL
    GROUP BY therapist_id
), lost AS MATERIALIZED (
    SELECT therapist_id, last_on FROM worked
    WHERE last_on < (SELECT MAX(last_on) FROM worked) - {LEFT_AFTER_DAYS}
), a AS (
    SELECT t.guest_id,
        MIN(t.starts_on) FILTER (WHERE t.stands) AS next_on,
        COUNT(*) FILTER (WHERE t.stands) AS coming,
        COUNT(*) FILTER (WHERE t.cancelled_at < t.midnight_at
            AND t.cancelled_at >= t.midnight_at - interval '30 days') AS dropped_30
    FROM (
        SELECT b.guest_id, g.midnight_at, b.starts_on, {known_cancelled_at("b")} AS cancelled_at,
            b.status <> 'voided'
            AND COALESCE({known_cancelled_at("b")}, 'infinity') >= g.midnight_at
            AND COALESCE(b.vanished_at, 'infinity') >= g.midnight_at AS stands
        FROM memberships_appointment b JOIN g ON g.guest_id = b.guest_id
        WHERE b.starts_on >= %(as_of)s AND {known_booked_at("b")} < g.midnight_at
    ) t GROUP BY t.guest_id
), v AS (
    -- By service first: counting distinct ones would sort every visit.
    SELECT t.guest_id, COUNT(t.service_id) AS services_180, SUM(t.covered) AS covered_120,
        SUM(t.visits) AS visits_booked_180, SUM(t.lost) AS lost_visits, MAX(t.lost_on) AS lost_on
    FROM (
        SELECT b.guest_id, b.service_id, COUNT(*) AS visits,
            COUNT(*) FILTER (WHERE b.price_cents = 0 AND b.starts_on >= %(s120)s) AS covered,
            COUNT(l.last_on) AS lost, MAX(l.last_on) AS lost_on
        FROM memberships_appointment b JOIN g ON g.guest_id = b.guest_id
        LEFT JOIN lost l ON l.therapist_id = b.therapist_id
        WHERE b.starts_on >= %(s180)s AND b.starts_on < %(as_of)s AND b.status = 'completed'
        AND (b.booked_at IS NULL OR b.booked_at < g.midnight_at)
        GROUP BY b.guest_id, b.service_id
    ) t GROUP BY t.guest_id
), c AS (
    SELECT guest_id,
        COUNT(*) FILTER (WHERE status IN ('paid', 'refunded') AND charged_on >= %(s90)s)
            AS paid_90,
        COUNT(*) FILTER (WHERE status IN ('paid', 'refunded')) AS paid_365,
        COUNT(*) FILTER (WHERE status IN ('paid', 'refunded') AND charged_on >= %(s120)s)
            AS paid_120,
        MAX(charged_on) FILTER (WHERE status = 'paid') AS paid_on,
        AVG(amount_cents) FILTER (WHERE status = 'paid' AND charged_on >= %(s60)s) AS paid_now,
        AVG(amount_cents) FILTER (WHERE status = 'paid' AND charged_on < %(s60)s) AS paid_then,
        AVG(amount_cents) FILTER (WHERE status = 'paid' AND charged_on >= %(s35)s) AS price_now,
        AVG(amount_cents) FILTER (WHERE status = 'paid' AND charged_on < %(s35)s
            AND charged_on >= %(s100)s) AS price_then
    FROM memberships_charge
    WHERE charged_on < %(as_of)s AND charged_on >= %(s365)s
    AND guest_id IN (SELECT guest_id FROM g)
    GROUP BY guest_id
), f AS (
    SELECT h.guest_id,
        COUNT(DISTINCT h.invoice) FILTER (WHERE h.charged_on >= %(s90)s) AS failed_90,
        COUNT(DISTINCT h.invoice) AS failed_365,
        MIN(h.charged_on) FILTER (WHERE h.charged_on > COALESCE(c.paid_on, '-infinity'))
            AS open_since
    FROM (
        SELECT guest_id, charged_on,
            COALESCE(NULLIF(invoice_external_id, ''), external_id) AS invoice
        FROM memberships_charge
        WHERE status = 'failed' AND charged_on < %(as_of)s AND charged_on >= %(s365)s
        AND guest_id IN (SELECT guest_id FROM g)
    ) h LEFT JOIN c ON c.guest_id = h.guest_id
    GROUP BY h.guest_id
), k AS (
    -- Treatments a plan brings per period, from what its memberships were granted since they began.
    SELECT x.plan_id, GREATEST(ROUND(PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY
        b.total / (1 + (x.detailed_at::date - x.started_on) / (30.44 * p.period_months))
    )), 1) AS benefits
    FROM memberships_benefit b
    JOIN memberships_membership x ON x.id = b.membership_id
    JOIN memberships_plan p ON p.id = x.plan_id
    WHERE p.kind = 'recurring' AND b.total > 0 AND x.status = 'active'
    AND x.detailed_at IS NOT NULL AND p.period_months > 0
    GROUP BY x.plan_id
), r AS (
    SELECT v.guest_id,
        (ARRAY_AGG(v.rating ORDER BY v.written_at DESC))[1] AS rating,
        EXTRACT(EPOCH FROM MIN(g.midnight_at) - MAX(v.written_at)) / 86400.0 AS rating_days,
        -- What is left of complaints: each low rating fades with the weeks.
        SUM(GREATEST({LOW_RATING} - v.rating, 0) * EXP(
            -EXTRACT(EPOCH FROM g.midnight_at - v.written_at) / 86400.0 / {FORGIVEN_DAYS}
        )) AS grievance,
        EXTRACT(EPOCH FROM MIN(g.midnight_at) - MAX(v.written_at) FILTER (
            WHERE v.rating < {LOW_RATING})) / 86400.0 AS low_days,
        (ARRAY_AGG(v.rating ORDER BY v.written_at DESC) FILTER (
            WHERE v.rating < {LOW_RATING}))[1] AS low_rating,
        AVG(v.rating) AS rating_mean,
        COUNT(*) AS ratings,
        MIN(v.rating) FILTER (WHERE v.written_at >= g.midnight_at - interval '180 days')
            AS lowest_180
    FROM memberships_review v JOIN g ON g.guest_id = v.guest_id
    WHERE v.written_at < g.midnight_at AND v.written_at >= g.midnight_at - interval '365 days'
    GROUP BY v.guest_id
), ends AS (
    SELECT location_id,
        COUNT(*) FILTER (WHERE ended_on >= %(s180)s AND ended_on < %(as_of)s) AS ends,
        COUNT(*) FILTER (WHERE ended_on > %(as_of)s
            OR (ended_on IS NULL AND status = ANY(%(running)s))) AS members
    FROM memberships_membership
    WHERE started_on <= %(as_of)s AND (ended_on IS NULL OR ended_on >= %(s180)s)
    GROUP BY location_id
)
SELECT {{columns}}
FROM m
JOIN memberships_location l ON l.id = m.location_id
LEFT JOIN d ON d.guest_id = m.guest_id
LEFT JOIN a ON a.guest_id = m.guest_id
LEFT JOIN v ON v.guest_id = m.guest_id
LEFT JOIN c ON c.guest_id = m.guest_id
LEFT JOIN f ON f.guest_id = m.guest_id
LEFT JOIN r ON r.guest_id = m.guest_id
LEFT JOIN ends e ON e.location_id = m.location_id
ORDER BY m.id
"""


def members(
    *,
    as_of_on: date,
    location_ids: list[int] | None = None,
    outcomes: bool = False,
    every: int = 1,
    guest_id: int | None = None,
) -> Frame:
    """One row per membership that binds on the day: ids, raw readings and the inputs derived from
    them, in the order of the membership ids. One statement, however many members.

    `outcomes` adds what happened afterwards (training). `every` keeps each n-th membership,
    `guest_id` those of one guest.
    """
    bounds = midnights(as_of_on, location_ids)
    reads = READ | (OUTCOMES if outcomes else {})
    days = [30, 35, 60, 90, 100, 120, 180, 365, 455, 720]
    params: dict[str, Any] = {
        "as_of": as_of_on,
        "locations": list(bounds),
        "midnights": list(bounds.values()),
        "running": [str(status) for status in Membership.RUNNING],
        "every": every,
        "guest": guest_id,
        **{f"s{n}": as_of_on - timedelta(days=n) for n in days},
    }
    query = QUERY.format(columns=", ".join(number(part) for part in reads.values()))
    columns = frame.read(query, list(reads), params)
    found = Frame(
        ids={name: columns.pop(name).astype(np.int64) for name in IDS},
        outcomes={name: columns.pop(name) for name in OUTCOMES if outcomes},
        columns=columns,
    )
    found.columns |= derive(found.columns, as_of_on)
    if outcomes:
        found.outcomes |= label(found.outcomes)
    return found


def derive(c: dict[str, Floats], as_of_on: date) -> dict[str, Floats]:
    """Inputs that compare a member with herself: rates, ratios and trends, from raw readings."""
    # The own gap: days between first and last visit day over the gaps between them.
    gaps = np.maximum(c["visit_days"] - 1, 0)
    span = np.nan_to_num(c["first_visit_days"] - c["days_since_visit"])
    own_gap = (span + GAP_CASES * USUAL_GAP_DAYS) / (gaps + GAP_CASES)
    # The habit before the last 90 days, per 90 days of the time the guest has been known for.
    known_before = np.clip(np.nan_to_num(c["first_visit_days"]) - 90, 0, 365)
    with np.errstate(divide="ignore", invalid="ignore"):
        habit_90 = np.where(known_before >= 60, c["visits_before"] / known_before * 90, np.nan)
        spend_habit_90 = np.where(known_before >= 60, c["spend_before"] / known_before * 90, np.nan)
        ticket = np.where(c["visits_365"] > 0, c["spend_365"] / c["visits_365"], np.nan)
        price_rise = np.where(c["price_then"] > 0, c["price_now"] / c["price_then"] - 1, np.nan)
        visits_per_payment = np.where(
            (c["paid_90"] > 0) & (c["tenure_days"] >= 45), c["visits_90"] / c["paid_90"], np.nan
        )
    all_rate = c["ends_180_all"] / np.maximum(c["members_now_all"] * 6, 1)
    ended = c["cancelled_180"] + c["no_shows_180"] + c["visits_180"]
    return {
        "own_gap": own_gap,
        "gap_ratio": c["days_since_visit"] / np.maximum(own_gap, 7),
        "habit_90": habit_90,
        "visit_ratio": (c["visits_90"] + 0.5) / (habit_90 + 0.5),
        "spend_ratio": (c["spend_90"] + 20) / (spend_habit_90 + 20),
        "ticket": ticket,
        "price_rise": price_rise,
        "visits_per_payment": visits_per_payment,
        "unused_months": np.where(
            np.isnan(visits_per_payment),
            np.nan,
            np.maximum(c["paid_90"] - c["visits_90"], 0),
        ),
        "credits_left": np.clip(
            np.where(
                c["tenure_days"] >= 45,
                c["paid_120"] - c["covered_120"] / c["plan_benefits"],
                np.nan,
            ),
            0,
            4,
        ),
        "given_up": np.where(c["coming"] == 0, c["dropped_30"], 0.0),
        "lost_share": c["lost_visits"] / (c["visits_booked_180"] + 1),
        "rating_norm": (c["rating_mean"] * c["ratings"] + USUAL_RATING * RATINGS_PRETENDED)
        / (c["ratings"] + RATINGS_PRETENDED),
        "decision_days": decision_days(c["charge_in_days"], c["period_days"]),
        "paid_share": (c["paid_365"] + 3) / (c["paid_365"] + c["failed_365"] + 3),
        "fell_share_180": (c["cancelled_180"] + c["no_shows_180"] + 0.15 * 4) / (ended + 4),
        "anniversary_days": np.where(c["recurring"] == 1, (-c["contract_days"]) % 365, np.nan),
        "location_rate": (c["ends_180"] + RATE_MONTHS_PRETENDED * all_rate)
        / (c["members_now"] * 6 + RATE_MONTHS_PRETENDED),
        "month": np.full(len(own_gap), float(as_of_on.month)),
    }


def decision_days(charge_in_days: Floats, period_days: Floats) -> Floats:
    """Days from now in which asking to cancel ends the membership within the horizon: up to the
    last payment day in it, since who cancels stays a member until the paid period is over."""
    first = np.maximum(charge_in_days, 0)
    further = np.floor(np.maximum(HORIZON_DAYS - first, 0) / period_days)
    return np.where(first > HORIZON_DAYS, 0.0, first + further * period_days)


def label(o: dict[str, Floats]) -> dict[str, Floats]:
    """What training predicts: `any` the membership ended within the horizon and was not renewed,
    `involuntary` it did so for lack of payment, `voluntary` otherwise."""
    churned = (o["days_to_end"] <= HORIZON_DAYS) & (o["renewed"] == 0)
    return {
        "any": churned.astype(np.float64),
        "voluntary": (churned & (o["involuntary"] == 0)).astype(np.float64),
        "involuntary": (churned & (o["involuntary"] == 1)).astype(np.float64),
    }
