"""Win-back: people whose membership ended one to three months ago and who have not come since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.utils.formats import date_format

from memberships.models import Membership
from outreach.drafting.candidates import Candidate
from outreach.library.play_library import WIN_BACK
from retention.plays.base import last_visit_on, next_booking_on, play_of, reason

FROM_DAYS, UNTIL_DAYS = 30, 90
# A contract that was refunded or deleted never was one.
ENDED = [
    Membership.Status.CANCELLED,
    Membership.Status.EXPIRED,
    Membership.Status.CLOSED,
    Membership.Status.INACTIVE,
]
STANDING = [*Membership.RUNNING, Membership.Status.NOT_STARTED]


def find(location_id: int, as_of_on: date, now: datetime) -> Sequence[Candidate]:
    """Guests whose newest contract ended, by their own choice, FROM_DAYS to UNTIL_DAYS ago, with
    no other contract, booking or visit since; the latest to leave first. One statement."""
    others = Membership.objects.filter(guest=OuterRef("guest")).exclude(pk=OuterRef("pk"))
    contracts: Any = (
        Membership.objects.filter(
            ~Exists(others.filter(Q(status__in=STANDING) | Q(ended_on__gt=OuterRef("ended_on")))),
            location=location_id,
            status__in=ENDED,
            ending=Membership.Ending.VOLUNTARY,
            ended_on__range=(
                as_of_on - timedelta(days=UNTIL_DAYS),
                as_of_on - timedelta(days=FROM_DAYS),
            ),
        )
        .annotate(last_visit_on=last_visit_on(), next_booking_on=next_booking_on(now))
        .filter(
            Q(last_visit_on__isnull=True) | Q(last_visit_on__lte=F("ended_on")),
            next_booking_on__isnull=True,
        )
        .order_by("-ended_on", "pk")
    )
    return [_candidate(contract, as_of_on) for contract in contracts]


def _candidate(contract: Any, as_of_on: date) -> Candidate:
    days = (as_of_on - contract.ended_on).days
    when = date_format(contract.ended_on, "j M")
    return Candidate(
        guest_id=contract.guest_id,
        location_id=contract.location_id,
        membership_id=contract.pk,
        cause="left",
        evidence={
            "reasons": [
                reason("left", f"the membership ended on {when}, {days} days ago"),
                reason("left", "no visit and no booking since"),
            ],
            "as_of_on": as_of_on.isoformat(),
            # Running again is then a renewal, also of the very same contract
            # (outreach.gate.leaving).
            "ended_on": contract.ended_on.isoformat(),
        },
    )


PLAY = play_of(WIN_BACK, find, waits_its_turn=True)
