"""Benefits waiting: members with benefits left who have not come for a month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from memberships.models import Benefit, Membership
from outreach.drafting.candidates import Candidate
from outreach.library.play_library import UNUSED
from retention.plays.base import last_visit_on, next_booking_on, play_of, reason

FROM_DAYS = 30
# The later steps come at 60 and 90 days away. Who is found later than this is near the point where
# a message tends to remind somebody to cancel (see at_risk.SLEEPING_DAYS).
UNTIL_DAYS = 60


def find(location_id: int, as_of_on: date, now: datetime) -> Sequence[Candidate]:
    """Active contracts with benefits that are still good, without a booking, whose guest came last
    (or began, having never come) FROM_DAYS to UNTIL_DAYS ago; most benefits first. One
    statement."""
    good = Benefit.objects.filter(
        Q(expires_on__isnull=True) | Q(expires_on__gte=as_of_on),
        membership=OuterRef("pk"),
        balance__gt=0,
    )
    left = good.values("membership").annotate(left=Sum("balance")).values("left")
    contracts: Any = (
        Membership.objects.filter(
            location=location_id,
            status=Membership.Status.ACTIVE,
            cancel_requested_on__isnull=True,
        )
        .annotate(
            left=Subquery(left),
            away_since_on=Coalesce(last_visit_on(), F("started_on")),
            next_booking_on=next_booking_on(now),
        )
        .filter(
            left__gt=0,
            next_booking_on__isnull=True,
            away_since_on__gt=as_of_on - timedelta(days=UNTIL_DAYS),
            away_since_on__lte=as_of_on - timedelta(days=FROM_DAYS),
        )
        .order_by("-left", "pk")
    )
    return [_candidate(contract, as_of_on) for contract in contracts]


def _candidate(contract: Any, as_of_on: date) -> Candidate:
    days = (as_of_on - contract.away_since_on).days
    return Candidate(
        guest_id=contract.guest_id,
        location_id=contract.location_id,
        membership_id=contract.pk,
        cause="unused_benefits",
        evidence={
            "reasons": [
                reason("unused_benefits", f"benefits of the plan unused: {contract.left}"),
                reason("no_visits", f"no visit for {days} days, nothing booked"),
            ],
            "as_of_on": as_of_on.isoformat(),
        },
        facts={"unused_credits": str(contract.left)},
    )


PLAY = play_of(UNUSED, find, waits_its_turn=True)
