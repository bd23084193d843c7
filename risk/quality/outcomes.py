"""What came true: chances given, joined with outcomes as they become known, in roll-ups.

A booking counts by the score it had in the night of the day before; a membership by its score on
the first of a month, known when its 60 days and the two weeks for a renewal are over. Members who
had asked to cancel are left out: their leaving was known. Each roll-up is made anew from the scores
kept, so it may be made twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import connection

from risk.engine import drift
from risk.features.bookings import CHANNELS
from risk.features.churn import HORIZON_DAYS, RENEWED_BEFORE_DAYS, RENEWED_WITHIN_DAYS
from risk.models import ModelReference, ModelVersion, OutcomeDay, Target
from risk.selectors import thresholds

# Bins of the chance given, even in log-odds.
Z_CUTS = np.linspace(-5.25, 3.0, 23)
P_CUTS = 1 / (1 + np.exp(-Z_CUTS))
BINS = len(P_CUTS) + 1
SETTLED_DAYS = 14  # what became of a booking may be corrected so long
KEPT_DAYS = 100  # of the scores of single bookings
CHURN_KNOWN_DAYS = HORIZON_DAYS + RENEWED_WITHIN_DAYS
# Days of outcomes the daily check looks at.
CHECKED_DAYS = 180

BOOKINGS = """
SELECT d.model_id, d.shadow_model_id, d.p, d.shadow_p, d.score, b.starts_on AS known_on,
    b.location_id, (b.status IN ('cancelled', 'no_show'))::int AS truth,
    'channel' AS division_1, CASE WHEN b.channel = ANY(%(channels)s) THEN b.channel
        ELSE 'other' END AS value_1,
    'lead' AS division_2, CASE
        WHEN b.booked_at IS NULL THEN 'untold'
        WHEN b.starts_at - b.booked_at <= interval '3 days' THEN 'to_3_days'
        WHEN b.starts_at - b.booked_at <= interval '14 days' THEN 'to_2_weeks'
        ELSE 'longer' END AS value_2
FROM risk_bookingscoreday d JOIN memberships_appointment b ON b.id = d.appointment_id
WHERE b.starts_on >= %(from_on)s AND b.starts_on < %(until_on)s AND b.vanished_at IS NULL
    AND d.as_of_on = b.starts_on - 1
    AND b.status IN ('completed', 'checked_in', 'cancelled', 'no_show')
"""
MEMBERS = f"""
SELECT d.model_id, d.shadow_model_id, d.p, d.shadow_p, d.score,
    d.as_of_on + {CHURN_KNOWN_DAYS} AS known_on, m.location_id,
    (m.ended_on IS NOT NULL AND m.ended_on <= d.as_of_on + {HORIZON_DAYS} AND NOT EXISTS (
        SELECT 1 FROM memberships_membership n WHERE n.guest_id = m.guest_id AND n.id <> m.id
        AND n.started_on BETWEEN m.ended_on - {RENEWED_BEFORE_DAYS}
            AND m.ended_on + {RENEWED_WITHIN_DAYS}
        AND (n.ended_on IS NULL OR n.ended_on > m.ended_on)))::int AS truth,
    'plan' AS division_1, k.kind AS value_1,
    'tenure' AS division_2, CASE
        WHEN d.as_of_on - LEAST(m.started_on, COALESCE(m.member_since_on, m.started_on)) < 90
            THEN 'to_3_months'
        WHEN d.as_of_on - LEAST(m.started_on, COALESCE(m.member_since_on, m.started_on)) < 365
            THEN 'to_1_year'
        ELSE 'longer' END AS value_2
FROM risk_churnscoreday d JOIN memberships_membership m ON m.id = d.membership_id
    JOIN memberships_plan k ON k.id = m.plan_id
WHERE d.as_of_on >= %(from_on)s::date - {CHURN_KNOWN_DAYS}
    AND d.as_of_on < %(until_on)s::date - {CHURN_KNOWN_DAYS}
    AND EXTRACT(day FROM d.as_of_on) = 1
    AND (m.cancel_requested_on IS NULL OR m.cancel_requested_on > d.as_of_on)
"""
CASES = {str(Target.CHURN): MEMBERS, str(Target.CANCELLATION): BOOKINGS}
SCORE_BIN = "width_bucket(c.p, %(p_cuts)s::float8[])"

DAY = f"""
INSERT INTO risk_outcomeday (target, model_id, shadow_model_id, known_on, n, expected, seen,
    paired, loss, shadow_loss)
SELECT %(target)s, model_id, shadow_model_id, known_on,
    ARRAY_AGG(n ORDER BY bin), ARRAY_AGG(expected ORDER BY bin), ARRAY_AGG(seen ORDER BY bin),
    SUM(paired), SUM(loss), SUM(shadow_loss)
FROM (
    SELECT k.model_id, k.shadow_model_id, k.known_on, g.bin,
        COUNT(c.p)::float8 AS n, COALESCE(SUM(c.p), 0)::float8 AS expected,
        COALESCE(SUM(c.truth), 0)::float8 AS seen, COUNT(c.shadow_p) AS paired,
        COALESCE(SUM(-LN(CASE WHEN c.truth = 1 THEN c.p ELSE 1 - c.p END))
            FILTER (WHERE c.shadow_p IS NOT NULL), 0) AS loss,
        COALESCE(SUM(-LN(CASE WHEN c.truth = 1 THEN c.shadow_p ELSE 1 - c.shadow_p END)), 0)
            AS shadow_loss
    FROM (SELECT DISTINCT model_id, shadow_model_id, known_on FROM risk_case) k
    CROSS JOIN generate_series(0, %(bins)s - 1) AS g (bin)
    LEFT JOIN risk_case c ON c.model_id = k.model_id AND c.known_on = k.known_on
        AND c.shadow_model_id IS NOT DISTINCT FROM k.shadow_model_id AND {SCORE_BIN} = g.bin
    GROUP BY k.model_id, k.shadow_model_id, k.known_on, g.bin
) x
GROUP BY model_id, shadow_model_id, known_on
"""
GROUP = f"""
INSERT INTO risk_outcomegroup (target, model_id, location_id, month_on, division, value, n,
    expected, seen)
SELECT %(target)s, c.model_id, c.location_id, DATE_TRUNC('month', c.known_on)::date, v.division,
    v.value, COUNT(*), SUM(c.p), SUM(c.truth)
FROM risk_case c CROSS JOIN LATERAL (VALUES
    ('score', {SCORE_BIN}::text),
    ('band', CASE WHEN c.score >= %(very_high)s THEN 'very_high' WHEN c.score >= %(high)s
        THEN 'high' WHEN c.score >= %(watch)s THEN 'watch' ELSE 'low' END),
    (c.division_1, c.value_1), (c.division_2, c.value_2)) v (division, value)
GROUP BY c.model_id, c.location_id, 4, v.division, v.value
"""


def roll_up(target: str, *, on: date) -> int:
    """Make the roll-ups of the months that may still change anew, of all outcomes known before the
    day `on`. Returns how many cases they hold. Call inside a transaction."""
    from_on = (on - timedelta(days=SETTLED_DAYS)).replace(day=1)
    limits = thresholds(target)
    params: dict[str, Any] = {
        "target": target,
        "from_on": from_on,
        "until_on": on,
        "channels": CHANNELS,
        "p_cuts": P_CUTS.tolist(),
        "bins": BINS,
        **{name: limits[name] for name in ("watch", "high", "very_high")},
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(HASHTEXT(%s))", [f"risk.outcomes.{target}"])
        cursor.execute("DROP TABLE IF EXISTS risk_case")
        cursor.execute(f"CREATE TEMP TABLE risk_case ON COMMIT DROP AS {CASES[target]}", params)
        cases = int(cursor.rowcount)
        for table, column in (("risk_outcomeday", "known_on"), ("risk_outcomegroup", "month_on")):
            cursor.execute(
                f"DELETE FROM {table} WHERE target = %s AND {column} >= %s",
                [target, from_on],
            )
        cursor.execute(DAY, params)
        cursor.execute(GROUP, params)
    return cases


def forget_old(*, on: date) -> None:
    """Drop the scores of single bookings that no roll-up needs any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM risk_bookingscoreday WHERE as_of_on < %s",
            [on - timedelta(days=KEPT_DAYS)],
        )


def calibrated(version: ModelVersion, *, on: date) -> drift.Calibrated | None:
    """How what the model said compares with what came true, over the last half year; None before
    the first outcome. One statement, or two."""
    days = list(
        OutcomeDay.objects.filter(model=version, known_on__gt=on - timedelta(days=CHECKED_DAYS))
        .order_by("known_on")
        .values_list("known_on", "n", "expected", "seen")
    )
    if not days:
        return None
    by_day: dict[date, list[Any]] = {}
    for known_on, *arrays in days:
        by_day.setdefault(known_on, []).append(np.array(arrays))
    table = np.stack([np.sum(parts, axis=0) for parts in by_day.values()], axis=1)
    found = ModelReference.objects.filter(model=version).values_list("calm").first()
    calm = drift.Calm(**found[0]) if found and found[0] else drift.Calm()
    return drift.calibration(table[0], table[1], table[2], calm=calm)


@dataclass(frozen=True)
class Duel:
    """Champion and shadow on the same cases since the shadow began: mean difference of log loss
    (below 0: the shadow is better) with a 95 % interval from resampling days."""

    n: int
    seen: int
    champion_loss: float
    shadow_loss: float
    mean: float
    low: float
    high: float

    @property
    def shadow_wins(self) -> bool:
        return self.high < 0


RESAMPLES, SEED = 1_000, 7


def duel(champion: ModelVersion, shadow: ModelVersion) -> Duel | None:
    """None before both have scored a case whose outcome is known."""
    days = list(
        OutcomeDay.objects.filter(model=champion, shadow_model=shadow, paired__gt=0).values_list(
            "paired", "loss", "shadow_loss", "seen"
        )
    )
    if not days:
        return None
    n = np.array([day[0] for day in days], dtype=np.float64)
    loss = np.array([day[1] for day in days])
    other = np.array([day[2] for day in days])
    drawn = np.random.default_rng(SEED).integers(0, len(days), (RESAMPLES, len(days)))
    means = (other - loss)[drawn].sum(axis=1) / n[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Duel(
        n=int(n.sum()),
        seen=int(sum(sum(day[3]) for day in days)),
        champion_loss=float(loss.sum() / n.sum()),
        shadow_loss=float(other.sum() / n.sum()),
        mean=float((other - loss).sum() / n.sum()),
        low=float(low),
        high=float(high),
    )
