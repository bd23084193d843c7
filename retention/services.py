"""Writes of retention: the night's drafts, the member list's roll-up and saved views."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from audit import fence
from audit import services as audit
from memberships.models import Appointment, Location, Membership
from outreach.drafting.candidates import DraftingResult
from outreach.drafting.making import draft_for
from outreach.models import Play
from retention import events
from retention.models import AT_RISK, MemberRow, SavedView
from retention.plays import PLAYS, at_risk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from staff.models import User

logger = logging.getLogger(__name__)

# One statement whatever the number of members. `{scope}` is one of the constants below, never
# input. Rows that would not change are left alone, so a quiet day writes little.
_UPSERT = """
INSERT INTO retention_memberrow (
    membership_id, guest_id, location_id, plan_id, status, is_running, is_current, sort_name,
    search, score, band, cause, monthly_cents, started_on, renews_on, ended_on, last_visit_on,
    next_booking_at, sms_allowed, email_allowed)
SELECT m.id, m.guest_id, m.location_id, m.plan_id, m.status,
    m.status = ANY(%(running)s),
    NOT EXISTS (
        SELECT 1 FROM memberships_membership o
        WHERE o.guest_id = m.guest_id AND o.id <> m.id
          AND (o.status = ANY(%(running)s), o.started_on, o.id)
            > (m.status = ANY(%(running)s), m.started_on, m.id)),
    lower(unaccent(left(btrim(g.last_name || ' ' || g.first_name), 161))),
    lower(unaccent(concat_ws(' ', g.first_name, g.last_name, g.code, ltrim(g.phone, '+'),
                             g.email))),
    s.score, coalesce(s.band, 'unknown'),
    coalesce((SELECT r.value->>'cause' FROM jsonb_array_elements(s.reasons) r(value)
              WHERE r.value->>'direction' = 'raises' LIMIT 1), ''),
    coalesce(m.price_cents, p.price_cents, 0) / greatest(coalesce(p.period_months, 1), 1),
    m.started_on, coalesce(m.ends_on, m.next_charge_on), m.ended_on,
    (SELECT max(d.on) FROM memberships_guestday d
     WHERE d.guest_id = m.guest_id AND d.visits > 0),
    (SELECT min(a.starts_at) FROM memberships_appointment a
     WHERE a.guest_id = m.guest_id AND a.starts_at > %(now)s
       AND a.status = ANY(%(coming)s) AND a.vanished_at IS NULL),
    g.sms_marketing AND g.phone <> '', g.email_marketing AND g.email <> ''
FROM memberships_membership m
JOIN memberships_guest g ON g.id = m.guest_id
JOIN memberships_plan p ON p.id = m.plan_id
LEFT JOIN risk_churnscore s ON s.membership_id = m.id AND m.status = ANY(%(running)s)
WHERE {scope} AND g.vanished_at IS NULL AND g.merged_into_id IS NULL
ORDER BY m.id
ON CONFLICT (membership_id) DO UPDATE SET
    (guest_id, location_id, plan_id, status, is_running, is_current, sort_name, search, score,
     band, cause, monthly_cents, started_on, renews_on, ended_on, last_visit_on, next_booking_at,
     sms_allowed, email_allowed)
  = (excluded.guest_id, excluded.location_id, excluded.plan_id, excluded.status,
     excluded.is_running, excluded.is_current, excluded.sort_name, excluded.search,
     excluded.score, excluded.band, excluded.cause, excluded.monthly_cents, excluded.started_on,
     excluded.renews_on, excluded.ended_on, excluded.last_visit_on, excluded.next_booking_at,
     excluded.sms_allowed, excluded.email_allowed)
WHERE retention_memberrow.* IS DISTINCT FROM excluded.*
"""
_DROP = """
DELETE FROM retention_memberrow t USING memberships_membership m, memberships_guest g
WHERE t.membership_id = m.id AND g.id = m.guest_id AND {scope}
  AND (g.vanished_at IS NOT NULL OR g.merged_into_id IS NOT NULL)
"""
# In one statement, so that it takes away just the changes it has counted: what others write in the
# meantime keeps its own. Two nights of one location at once take turns at the rows, each of which
# the upsert above locks.
_TALLY = """
WITH gone AS (DELETE FROM retention_membertally WHERE location_id = %(location_id)s)
INSERT INTO retention_membertally (location_id, band, cause, plan_id, status, is_running, n)
SELECT location_id, band, cause, plan_id, status, is_running, count(*)
FROM retention_memberrow WHERE location_id = %(location_id)s GROUP BY 1, 2, 3, 4, 5, 6
"""
_OF_LOCATION = "m.location_id = %(location_id)s"
_OF_GUESTS = "m.guest_id = ANY(%(guest_ids)s)"


@transaction.atomic
def refresh_location(*, location_id: int, now: datetime) -> dict[str, int]:
    """Rewrite the rows of a location's contracts and note how its members stand today.

    `now` is aware UTC; the note carries the location's own date. Five statements for any number
    of members. Returns how many rows were written and dropped.
    """
    location = Location.objects.get(pk=location_id)
    counts = _rewrite(_OF_LOCATION, {"location_id": location_id}, now)
    with connection.cursor() as cursor:
        cursor.execute(_TALLY, {"location_id": location_id})
        cursor.execute(
            """
            INSERT INTO retention_atriskday (location_id, "on", members, at_risk, at_risk_cents)
            SELECT %(location_id)s, %(on)s, count(*), count(*) FILTER (WHERE band = ANY(%(bands)s)),
                coalesce(sum(monthly_cents) FILTER (WHERE band = ANY(%(bands)s)), 0)
            FROM retention_memberrow WHERE location_id = %(location_id)s AND is_running
            ON CONFLICT (location_id, "on") DO UPDATE SET members = excluded.members,
                at_risk = excluded.at_risk, at_risk_cents = excluded.at_risk_cents
            """,
            {
                "location_id": location_id,
                "on": location.today(now),
                "bands": [str(band) for band in AT_RISK],
            },
        )
    return counts


@transaction.atomic
def refresh_guests(*, guest_ids: Sequence[int], now: datetime) -> dict[str, int]:
    """Rewrite the rows of these guests' contracts, after the mirror changed for them."""
    return _rewrite(_OF_GUESTS, {"guest_ids": sorted(set(guest_ids))}, now)


def _rewrite(scope: str, parameters: dict[str, int | list[int]], now: datetime) -> dict[str, int]:
    values: dict[str, Any] = {
        **parameters,
        "now": now,
        "running": [str(status) for status in Membership.RUNNING],
        "coming": [str(status) for status in Appointment.COMING],
    }
    with connection.cursor() as cursor:
        cursor.execute(_DROP.format(scope=scope), values)
        dropped = cursor.rowcount
        cursor.execute(_UPSERT.format(scope=scope), values)
        return {"written": cursor.rowcount, "dropped": dropped}


class PlaysFailed(Exception):
    """Some plays of the night failed; the others have done their work."""


def draft_plays(*, location_id: int, as_of_on: date, now: datetime) -> dict[str, int]:
    """Bring the member list up to date and run every play for the location's night.

    `as_of_on` is local to the location. Safe to run twice: nobody gets a second draft. Returns
    counts as "play: what". Raises PlaysFailed after all plays have had their turn.
    """
    refresh_location(location_id=location_id, now=now)
    counts: dict[str, int] = {}
    failed: dict[str, Exception] = {}
    # A play that came with an update works once `seed_library` has laid it out.
    laid_out = set(Play.objects.filter(pk__in=PLAYS).values_list("pk", flat=True))
    for key, play in PLAYS.items():
        if key not in laid_out:
            counts[f"{key}: not in the library"] = 1
            continue
        try:
            done = play.run(location_id=location_id, as_of_on=as_of_on, now=now)
        except Exception as error:
            logger.exception("play_failed", extra={"play": key, "location_id": location_id})
            failed[key] = error
        else:
            counts.update({f"{key}: {what}": number for what, number in done.items()})
    if failed:
        raise PlaysFailed("; ".join(f"{key}: {error}" for key, error in failed.items()))
    return counts


NOT_YOURS = "not a member of your locations"
NO_SCORE = "no score yet, so there is nothing to show the reviewer"


@fence.beyond("another open draft may stand elsewhere")
def request_drafts(*, guest_ids: Sequence[int], by: User, now: datetime) -> DraftingResult:
    """Draft the at-risk check-in for people somebody picked, whatever their score.

    Consent, stops, comparison group and open drafts are respected as in the night; the daily
    limit is not. Every person picked is in the result: drafted, held out or skipped with why.
    """
    mine = MemberRow.objects.visible_to(by).running().filter(guest__in=guest_ids)
    guest_of = dict(mine.values_list("membership_id", "guest_id"))
    candidates = at_risk.candidates_for(list(guest_of), now)
    result = draft_for(play_key=at_risk.KEY, candidates=candidates, by=by, now=now)
    scored = {candidate.guest_id for candidate in candidates}
    known = set(guest_of.values())
    result.skipped[NO_SCORE] += len(known - scored)
    result.skipped[NOT_YOURS] += len(set(guest_ids) - known)
    result.skipped = +result.skipped
    return result


@transaction.atomic
def save_view(*, name: str, query: str, is_shared: bool, by: User, now: datetime) -> SavedView:
    """Keep a filter of /members/ under a name; a view of that name of one's own is replaced."""
    view, _ = SavedView.objects.update_or_create(
        owner=by, name=name, defaults={"query": query, "is_shared": is_shared}
    )
    audit.record(events.VIEW_SAVED, at=now, by=by, target=view, detail={"shared": is_shared})
    return view


@transaction.atomic
def drop_view(*, view_id: int, by: User, now: datetime) -> None:
    """Remove one's own saved view. Raises SavedView.DoesNotExist for anybody else's."""
    view = SavedView.objects.select_for_update().get(pk=view_id, owner=by)
    view.delete()
    audit.record(events.VIEW_DROPPED, at=now, by=by, detail={"view_id": view_id})
