"""What plays that only report would have sent, and what the guests did untouched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from outreach.autonomy import automatic
from outreach.models import AutomaticRule, Draft, Play, ShadowDraft

# Judged after a month: long enough to book again, short enough to learn from.
OUTCOME_DAYS = 30
BATCH = 1_000


def record(
    unsent: Sequence[Draft], *, play: Play, held_out: Iterable[int] = (), now: datetime
) -> int:
    """Keep what would have been drafted, by value, with the rule that would have sent it without a
    person. `held_out`: guests who would have got nothing. Returns how many. Two queries more."""
    if not unsent:
        return 0
    rules = [rule.terms() for rule in AutomaticRule.objects.filter(play=play)]
    visits = automatic.visits_of(unsent, rules=rules, now=now)
    left_alone = set(held_out)
    rows = []
    for draft in unsent:
        alone = automatic.why_a_person(draft) == ""
        rule = automatic.taken_by(draft, rules=rules, visits=visits) if alone else None
        rows.append(
            ShadowDraft(
                play=play,
                location_id=draft.location_id,
                guest_id=draft.guest_id,
                membership_id=draft.membership_id,
                at=now,
                channel=draft.channel,
                template_id=draft.template_id,
                offer_id=draft.offer_id,
                cost_cents=draft.cost_cents,
                cause=draft.evidence.get("cause", ""),
                score=draft.evidence.get("score"),
                p=automatic.chance_of(draft),
                failed_checks=[check["check"] for check in draft.checks if not check["ok"]],
                is_held_out=draft.guest_id in left_alone,
                rule=rule["name"] if rule else "",
            )
        )
    return len(ShadowDraft.objects.bulk_create(rows, batch_size=BATCH))


def since(
    at: datetime, *, play: Play, location_ids: Iterable[int]
) -> Iterable[tuple[int, datetime]]:
    """Location and instant of what the play would have sent after `at`."""
    return ShadowDraft.objects.filter(
        play=play, location_id__in=location_ids, at__gt=at
    ).values_list("location_id", "at")


@dataclass(frozen=True)
class Comparison:
    """What would have been sent at a location and what became of those whose 30 days are over.
    Counts of people; `left` ended their membership in that time, `members` had one at its end,
    `booked` made a booking, `came` had a visit. `unaided` would have gone out without a person."""

    recorded: int
    unaided: int
    held_out: int
    cost_cents: int
    known: int
    left: int
    members: int
    booked: int
    came: int

    @property
    def stayed(self) -> int:
        return self.known - self.left


_COMPARE = """
SELECT count(*), count(*) FILTER (WHERE s.rule <> '' AND NOT s.is_held_out),
    count(*) FILTER (WHERE s.is_held_out),
    coalesce(sum(s.cost_cents) FILTER (WHERE NOT s.is_held_out), 0),
    count(*) FILTER (WHERE s.known),
    count(*) FILTER (WHERE s.known AND m.ended_on <= (s.at AT TIME ZONE 'UTC')::date + %(days)s),
    count(*) FILTER (WHERE s.known AND EXISTS (
        SELECT 1 FROM memberships_membership b
        WHERE b.guest_id = s.guest_id AND b.status NOT IN ('deleted', 'not_started')
          AND b.started_on <= (s.at AT TIME ZONE 'UTC')::date + %(days)s
          AND (b.ended_on > (s.at AT TIME ZONE 'UTC')::date + %(days)s OR b.ended_on IS NULL
              AND b.status IN ('active', 'frozen', 'suspended', 'failed')))),
    count(*) FILTER (WHERE s.known AND EXISTS (
        SELECT 1 FROM memberships_appointment a
        WHERE a.guest_id = s.guest_id AND a.vanished_at IS NULL
          AND a.booked_at > s.at AND a.booked_at <= s.at + %(span)s)),
    count(*) FILTER (WHERE s.known AND EXISTS (
        SELECT 1 FROM memberships_guestday g
        WHERE g.guest_id = s.guest_id AND g.visits > 0
          AND g.on > (s.at AT TIME ZONE 'UTC')::date
          AND g.on <= (s.at AT TIME ZONE 'UTC')::date + %(days)s))
FROM (SELECT *, at <= %(now)s - %(span)s AS known FROM outreach_shadowdraft
      WHERE play_id = %(play)s AND location_id = %(location)s AND at > %(since)s) s
LEFT JOIN memberships_membership m ON m.id = s.membership_id
"""


def compare(*, play_key: str, location_id: int, since: datetime, now: datetime) -> Comparison:
    """What the play would have sent at the location after `since`, beside what happened. One
    query."""
    values: dict[str, Any] = {
        "play": play_key,
        "location": location_id,
        "since": since,
        "now": now,
        "days": OUTCOME_DAYS,
        "span": timedelta(days=OUTCOME_DAYS),
    }
    with connection.cursor() as cursor:
        cursor.execute(_COMPARE, values)
        return Comparison(*(int(value) for value in cursor.fetchone()))
