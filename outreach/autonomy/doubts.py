"""Doubts that stand: what takes a play from automatic back to review by itself (INV-20).

A doubt about one score is no matter of this module: that draft goes to a person
(automatic.why_a_person). A doubt here speaks against a play at a location, or against everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Count, Q

from audit import health
from memberships.models import SyncCursor
from outreach.gate import breakers, conditions
from outreach.models import Breaker, Draft, OutreachPolicy, PlayPhase
from risk.models import DriftAlarm

Pair = tuple[str, int]  # play key, location id

# A message may leave at the wrong hour when the clocks of machine and database differ by minutes;
# NTP keeps them within tenths of a second.
MAX_SKEW = timedelta(seconds=5)
# Of so many fresh drafts more than half with a doubtful score is no chance.
FLAGGED_OF = 10
LATELY = timedelta(days=7)


def standing(pairs: Iterable[Pair], *, now: datetime) -> dict[Pair, str]:
    """The first doubt about each play and location, as a sentence; pairs without one are left out.
    A constant number of queries."""
    wanted = list(dict.fromkeys(pairs))
    if not wanted:
        return {}
    everywhere = clock_fault() or health.fault(now=now)
    if everywhere:
        return dict.fromkeys(wanted, everywhere)
    locations = {location_id for _, location_id in wanted}
    fresh_since = now - timedelta(hours=OutreachPolicy.current().stale_after_hours)
    fresh = set(
        SyncCursor.objects.filter(
            location_id__in=locations,
            stream__in=conditions.FRESH_STREAMS,
            complete_at__gt=fresh_since,
        )
        .values("location_id")
        .annotate(streams=Count("stream", distinct=True))
        .filter(streams=len(conditions.FRESH_STREAMS))
        .order_by()
        .values_list("location_id", flat=True)
    )
    drafted = _drafted_lately({play for play, _ in wanted}, locations, now)
    alarms = list(
        DriftAlarm.objects.filter(cleared_at=None).values_list("target", "location_id", "sentence")
    )
    reopened = [
        row
        for row in breakers.holding()
        if row.state == Breaker.State.OPEN and row.strikes >= breakers.STRIKES
    ]
    found: dict[Pair, str] = {}
    for pair in wanted:
        play, location_id = pair
        targets = {target for (key, _), (target, _, _) in drafted.items() if key == play}
        alarm = next(
            (
                sentence
                for target, where, sentence in alarms
                if where in (None, location_id) and (not targets or target in targets)
            ),
            None,
        )
        held = breakers.concerning(reopened, play, location_id)
        _, scored, flagged = drafted.get(pair, ("", 0, 0))
        if location_id not in fresh:
            found[pair] = "The data of the location is too old"
        elif held:
            found[pair] = f"A breaker opened again: {held[0].reason}"[:200]
        elif alarm is not None:
            found[pair] = f"An alarm about the scores: {alarm}"[:200]
        elif scored >= FLAGGED_OF and 2 * flagged > scored:
            found[pair] = f"{flagged} of the last {scored} drafts rest on a doubtful score"
    return found


def _drafted_lately(
    plays: set[str], locations: set[int], now: datetime
) -> dict[Pair, tuple[str, int, int]]:
    """By play and location: what was scored, and of how many drafts how many scores were in
    doubt."""
    rows = (
        Draft.objects.filter(
            play__in=plays,
            location_id__in=locations,
            created_at__gt=now - LATELY,
            requested_by=None,
            evidence__target__isnull=False,
        )
        .values("play_id", "location_id", "evidence__target")
        .annotate(n=Count("pk"), flagged=Count("pk", filter=~Q(evidence__may_act=True)))
        .order_by()
    )
    return {
        (row["play_id"], row["location_id"]): (row["evidence__target"], row["n"], row["flagged"])
        for row in rows
    }


def clock_fault() -> str:
    """Compares the machine's clock with the database's, the way there and back left aside."""
    begun = datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        there: datetime = cursor.fetchone()[0]
    ended = datetime.now(UTC)
    if begun - MAX_SKEW <= there <= ended + MAX_SKEW:
        return ""
    return "The clocks of this machine and of the database differ"


def about_promoter(row: PlayPhase) -> str:
    """Why the act of the person who promoted the play no longer stands; empty when it does."""
    person = row.set_by
    if person is None or not person.is_active:
        return "Who promoted it is no longer here"
    if not (
        person.has_perm("outreach.promote_play", row.location)
        and person.has_perm("outreach.approve_draft")
        and person.serves(row.location_id)
    ):
        return "Who promoted it may no longer do so"
    return ""
