"""What each play changes: those it may write to against those left alone, by the draw alone.

By intention to treat: everybody counts in the arm that was drawn, written to or not, and only once
the days of an outcome have passed since the draw. The outcomes come from the mirror, so a booking
or a renewal counts whoever caused it. One statement per kind of figure, however many guests.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from outreach.models import Play
from risk.engine.anytime import Arm, Difference, difference, more_people

KEPT_DAYS = (30, 60, 90)
# Visits and payments are counted over so many days, and a save is what stands after them.
DAYS = 60
WORTH = 0.05  # the difference in members kept or won back worth knowing about: 5 in 100
PACE_DAYS = 28

# A guest counts where the guest is at home, from the local day of the draw. A play keeps members or
# wins people back (`Play.wins_back`). Of a play that keeps, who was no member that day had nothing
# to keep and is left out of all figures; a membership that stopped to bind before the day of an
# outcome and began anew by then counts as kept. Of a play that wins back everybody drawn counts: it
# drew only people who had left, and the very contract that runs again no longer shows that it had
# ended. The outcome is the same for both: a membership that runs so many days after the draw.
_DRAWN = """
drawn AS (
    SELECT h.play_id, p.wins_back, h.guest_id, h.is_held_out, l.currency, l.id AS location_id,
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
SELECT play_id, days, is_held_out, count(*), count(*) FILTER (WHERE {_IS_MEMBER})
FROM counted d CROSS JOIN unnest(%(kept)s) AS days
WHERE d.on_day + days < d.today
GROUP BY play_id, days, is_held_out
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
SELECT k.play_id, k.currency, k.is_held_out, count(*),
    sum(coalesce(s.visits, 0))::float8, sum(coalesce(s.visits, 0) ^ 2)::float8,
    sum(coalesce(s.cents, 0) + coalesce(p.cents, 0))::float8,
    sum((coalesce(s.cents, 0) + coalesce(p.cents, 0))::float8 ^ 2),
    sum(coalesce(o.cents, 0))::bigint
FROM known k
LEFT JOIN seen s USING (play_id, guest_id)
LEFT JOIN paid p USING (play_id, guest_id)
LEFT JOIN spent o USING (play_id, guest_id)
GROUP BY k.play_id, k.currency, k.is_held_out
"""  # noqa: S608 - put together from constants
_DRAWN_SO_FAR = f"""
WITH {_DRAWN}
SELECT play_id, is_held_out, count(*),
    count(*) FILTER (WHERE on_day > today - %(pace_days)s)
FROM counted GROUP BY play_id, is_held_out
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True)
class Kept:
    """Who had a membership so many days after the draw: members kept, or people won back."""

    days: int
    found: Difference


@dataclass(frozen=True)
class Saves:
    """What one more member, kept or won back, has cost, in cents of one currency. `saves` is how
    many more there are than without the play; an end that no number bounds is None."""

    currency: str
    spent_cents: int
    saves: float | None
    cents: int | None
    low_cents: int | None
    high_cents: int | None


@dataclass
class Experiment:
    """One play's experiment among the guests of some locations."""

    play: Play
    drawn: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})  # by held out
    lately: int = 0  # drawn in the last PACE_DAYS days, both arms
    kept: list[Kept] = field(default_factory=list)
    visits: Difference | None = None
    revenue: list[tuple[str, Difference]] = field(default_factory=list)  # cents, per currency
    saves: list[Saves] = field(default_factory=list)
    more: int | None = None  # people still needed to see WORTH; None: cannot be said

    @property
    def main(self) -> Difference:
        """Members kept, or won back, after DAYS: what the play is judged by."""
        return next(one.found for one in self.kept if one.days == DAYS)

    @property
    def weeks(self) -> int | None:
        """How long `more` takes at the pace of the last weeks."""
        if not self.more or not self.lately:
            return None
        return max(round(self.more / self.lately * PACE_DAYS / 7), 1)


def experiments(*, location_ids: list[int], now: datetime) -> list[Experiment]:
    """Every play's experiment among guests at home at these locations, in the order of names.
    Plays that never drew anybody are left out."""
    found = {play.pk: Experiment(play) for play in Play.objects.order_by("name")}
    asked: dict[str, Any] = {
        "now": now,
        "locations": location_ids,
        "kept": list(KEPT_DAYS),
        "days": DAYS,
        "pace_days": PACE_DAYS,
    }
    kept: dict[tuple[str, int], dict[bool, Arm]] = defaultdict(dict)
    amounts: dict[tuple[str, str], dict[bool, _Sums]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_DRAWN_SO_FAR, asked)
        for play, held, n, lately in cursor.fetchall():
            found[play].drawn[held] = n
            found[play].lately += lately
        cursor.execute(_KEPT, asked)
        for play, days, held, n, yes in cursor.fetchall():
            kept[play, days][held] = Arm.of_yes(n, yes)
        cursor.execute(_AMOUNTS, asked)
        for play, currency, held, *sums in cursor.fetchall():
            amounts[play, currency][held] = _Sums(*sums)
    for experiment in found.values():
        _fill(experiment, kept, amounts)
    return [one for one in found.values() if sum(one.drawn.values())]


def arms_at(
    *, location_ids: list[int], now: datetime
) -> dict[tuple[str, int], tuple[int, int, int, int]]:
    """By play and location of home, DAYS after the draw: how many who may be written to are known,
    how many of them are members, and the same of those left alone. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_AT_PLACES, {"now": now, "locations": location_ids, "days": DAYS})
        return {(row[0], row[1]): row[2:] for row in cursor.fetchall()}


@dataclass(frozen=True)
class _Sums:
    """Visits and cents of one arm in one currency: sums, and sums of squares."""

    n: int = 0
    visits: float = 0.0
    visits_squared: float = 0.0
    cents: float = 0.0
    cents_squared: float = 0.0
    spent_cents: int = 0


def _fill(
    experiment: Experiment,
    kept: dict[tuple[str, int], dict[bool, Arm]],
    amounts: dict[tuple[str, str], dict[bool, _Sums]],
) -> None:
    play = experiment.play
    nobody = Arm.of_yes(0, 0)
    for days in KEPT_DAYS:
        arms = kept.get((play.pk, days), {})
        experiment.kept.append(
            Kept(days, difference(arms.get(False, nobody), arms.get(True, nobody)))
        )
    by_currency = {
        currency: (arms.get(False, _Sums()), arms.get(True, _Sums()))
        for (key, currency), arms in sorted(amounts.items())
        if key == play.pk
    }
    if by_currency:
        experiment.visits = difference(
            *(
                Arm.of_sums(
                    sum(arms[held].n for arms in by_currency.values()),
                    sum(arms[held].visits for arms in by_currency.values()),
                    sum(arms[held].visits_squared for arms in by_currency.values()),
                )
                for held in (0, 1)
            )
        )
    main = experiment.main
    for currency, (treated, held_out) in by_currency.items():
        of_money = [Arm.of_sums(one.n, one.cents, one.cents_squared) for one in (treated, held_out)]
        experiment.revenue.append((currency, difference(of_money[0], of_money[1])))
        experiment.saves.append(_saves(currency, treated, main))
    experiment.more = more_people(
        main.treated,
        main.held_out,
        worth=WORTH,
        held_out_share=play.holdout_percent / 100,
    )


def _saves(currency: str, treated: _Sums, main: Difference) -> Saves:
    """What was spent on the treated, divided by how many more of them are members. The interval
    is that of the members: what was spent is known."""

    def each(share: float | None) -> int | None:
        more = (share or 0.0) * treated.n
        return round(treated.spent_cents / more) if more > 0 else None

    return Saves(
        currency=currency,
        spent_cents=treated.spent_cents,
        saves=None if main.value is None else main.value * treated.n,
        cents=each(main.value) if main.is_clear else None,
        low_cents=each(main.high) if main.is_clear else None,
        high_cents=each(main.low) if main.is_clear else None,
    )
