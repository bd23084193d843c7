"""What is counted of each play's experiment, arm by arm and location by location.

By intention to treat: everybody counts in the arm that was drawn, written to or not, and only once
the days of an outcome have passed since the draw. The outcomes come from the mirror, so a booking
or a renewal counts whoever caused it. One statement per kind of figure, however many guests.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from outreach.models import ExperimentTally

KEPT_DAYS = (30, 60, 90)
# Visits and payments are counted over so many days, and a save is what stands after them.
DAYS = 60
PACE_DAYS = 28

# A guest counts where the guest is at home, from the local day of the draw. A play keeps members or
# wins people back (`Play.wins_back`). Of a play that keeps, who was no member that day had nothing
# to keep and is left out of all figures; a membership that stopped to bind before the day of an
# outcome and began anew by then counts as kept. Of a play that wins back everybody drawn counts: it
# drew only people who had left, and the very contract that runs again no longer shows that it had
# ended. The outcome is the same for both: a membership that runs so many days after the draw.
_DRAWN = """
drawn AS (
    SELECT h.play_id, p.wins_back, h.guest_id, h.is_held_out, l.id AS location_id,
        (h.assigned_at AT TIME ZONE l.time_zone)::date AS on_day,
        (%(now)s AT TIME ZONE l.time_zone)::date AS today
    FROM outreach_holdout h
    JOIN outreach_play p ON p.key = h.play_id
    JOIN memberships_guest g ON g.id = h.guest_id
    JOIN memberships_location l ON l.id = g.location_id
    WHERE l.id = ANY(%(locations)s)
),
counted AS (
    SELECT * FROM drawn d WHERE d.wins_back OR EXISTS (
        SELECT 1 FROM memberships_membership m
        WHERE m.guest_id = d.guest_id AND m.status NOT IN ('deleted', 'not_started')
        AND m.started_on <= d.on_day
        AND (m.ended_on > d.on_day OR m.ended_on IS NULL
            AND m.status IN ('active', 'frozen', 'suspended', 'failed'))
    )
)
"""
_IS_MEMBER = """EXISTS (
    SELECT 1 FROM memberships_membership m
    WHERE m.guest_id = d.guest_id AND m.status NOT IN ('deleted', 'not_started')
    AND m.started_on <= d.on_day + days
    AND (m.ended_on > d.on_day + days OR m.ended_on IS NULL
        AND m.status IN ('active', 'frozen', 'suspended', 'failed'))
)"""
_KEPT = f"""
WITH {_DRAWN}
SELECT play_id, location_id, is_held_out, days, count(*), count(*) FILTER (WHERE {_IS_MEMBER})
FROM counted d CROSS JOIN unnest(%(kept)s) AS days
WHERE d.on_day + days < d.today
GROUP BY play_id, location_id, is_held_out, days
"""  # noqa: S608 - put together from constants
_AT_PLACES = f"""
WITH {_DRAWN}
SELECT play_id, location_id,
    count(*) FILTER (WHERE NOT is_held_out),
    count(*) FILTER (WHERE NOT is_held_out AND {_IS_MEMBER}),
    count(*) FILTER (WHERE is_held_out),
    count(*) FILTER (WHERE is_held_out AND {_IS_MEMBER})
FROM counted d CROSS JOIN (SELECT %(days)s AS days) AS after
WHERE d.on_day + days < d.today
GROUP BY play_id, location_id
"""  # noqa: S608 - put together from constants
_AMOUNTS = f"""
WITH {_DRAWN}, known AS (SELECT * FROM counted WHERE on_day + %(days)s < today),
seen AS (
    SELECT k.play_id, k.guest_id, sum(v.visits) AS visits, sum(v.spend_cents) AS cents
    FROM known k JOIN memberships_guestday v ON v.guest_id = k.guest_id
        AND v.on > k.on_day AND v.on <= k.on_day + %(days)s
    GROUP BY k.play_id, k.guest_id
),
paid AS (
    SELECT k.play_id, k.guest_id, sum(c.amount_cents) AS cents
    FROM known k JOIN memberships_charge c ON c.guest_id = k.guest_id AND c.status = 'paid'
        AND c.charged_on > k.on_day AND c.charged_on <= k.on_day + %(days)s
    GROUP BY k.play_id, k.guest_id
),
spent AS (
    SELECT k.play_id, k.guest_id, sum(m.cost_cents) AS cents
    FROM known k JOIN outreach_message m ON m.guest_id = k.guest_id AND m.play_id = k.play_id
        AND m.reservation = 'posted' AND m.approved_at >= k.on_day
        AND m.approved_at < k.on_day + %(days)s + 1
    GROUP BY k.play_id, k.guest_id
)
SELECT k.play_id, k.location_id, k.is_held_out,
    sum(coalesce(s.visits, 0))::float8, sum(coalesce(s.visits, 0) ^ 2)::float8,
    sum(coalesce(s.cents, 0) + coalesce(p.cents, 0))::float8,
    sum((coalesce(s.cents, 0) + coalesce(p.cents, 0))::float8 ^ 2),
    sum(coalesce(o.cents, 0))::bigint
FROM known k
LEFT JOIN seen s USING (play_id, guest_id)
LEFT JOIN paid p USING (play_id, guest_id)
LEFT JOIN spent o USING (play_id, guest_id)
GROUP BY k.play_id, k.location_id, k.is_held_out
"""  # noqa: S608 - put together from constants
_DRAWN_SO_FAR = f"""
WITH {_DRAWN}
SELECT play_id, location_id, is_held_out, count(*),
    count(*) FILTER (WHERE on_day > today - %(pace_days)s)
FROM counted GROUP BY play_id, location_id, is_held_out
"""  # noqa: S608 - put together from constants
_SUMS = ("visits", "visits_squared", "cents", "cents_squared", "spent_cents")


def counted(location_ids: Iterable[int], *, now: datetime) -> list[ExperimentTally]:
    """The arms of every play among guests at home at these locations, as of an instant and not
    saved; arms nobody was drawn into are left out. Three queries."""
    found: dict[tuple[str, int, bool], ExperimentTally] = {}

    def arm(play: str, location: int, held: bool) -> ExperimentTally:
        # The mirror may bring a member between two of the statements.
        empty = ExperimentTally(
            play_id=play, location_id=location, is_held_out=held, counted_at=now
        )
        return found.setdefault((play, location, held), empty)

    asked: dict[str, Any] = {
        "now": now,
        "locations": list(location_ids),
        "kept": list(KEPT_DAYS),
        "days": DAYS,
        "pace_days": PACE_DAYS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_DRAWN_SO_FAR, asked)
        for play, location, held, drawn, lately in cursor.fetchall():
            row = arm(play, location, held)
            row.drawn, row.lately = drawn, lately
        cursor.execute(_KEPT, asked)
        for play, location, held, days, known, kept in cursor.fetchall():
            row = arm(play, location, held)
            setattr(row, f"known_{days}", known)
            setattr(row, f"kept_{days}", kept)
        cursor.execute(_AMOUNTS, asked)
        for play, location, held, *sums in cursor.fetchall():
            row = arm(play, location, held)
            for name, value in zip(_SUMS, sums, strict=True):
                setattr(row, name, value)
    return list(found.values())


def arms_at(
    *, location_ids: list[int], now: datetime
) -> dict[tuple[str, int], tuple[int, int, int, int]]:
    """By play and location of home, DAYS after the draw: how many who may be written to are known,
    how many of them are members, and the same of those left alone. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_AT_PLACES, {"now": now, "locations": location_ids, "days": DAYS})
        return {(row[0], row[1]): row[2:] for row in cursor.fetchall()}
