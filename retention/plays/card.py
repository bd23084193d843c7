"""Card about to expire: members whose card will not be good at the next payment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db.models import Exists, F, OuterRef
from django.utils.formats import date_format

from memberships.models import Charge, Membership
from outreach.drafting.candidates import Candidate
from outreach.library.play_library import CARD
from retention.plays.base import play_of, reason

# Time for two notes, a week apart, before the payment.
AHEAD_DAYS = 14


def find(location_id: int, as_of_on: date, now: datetime) -> Sequence[Candidate]:
    """Active contracts nobody asked to end that are charged within AHEAD_DAYS, to a card that is
    not good any more that day; the first to be charged first. A card that was charged after its
    date has been renewed without the platform's noticing. One statement."""
    renewed = Charge.objects.filter(
        membership=OuterRef("pk"),
        status=Charge.Status.PAID,
        charged_on__gt=OuterRef("card_expires_on"),
    )
    contracts = Membership.objects.filter(
        ~Exists(renewed),
        location=location_id,
        status=Membership.Status.ACTIVE,
        cancel_requested_on__isnull=True,
        next_charge_on__gt=as_of_on,
        next_charge_on__lte=as_of_on + timedelta(days=AHEAD_DAYS),
        card_expires_on__lt=F("next_charge_on"),
    ).order_by("next_charge_on", "pk")
    return [_candidate(contract, as_of_on) for contract in contracts]


def _candidate(contract: Membership, as_of_on: date) -> Candidate:
    card, charge = contract.card_expires_on, contract.next_charge_on
    assert card is not None  # the query asks for both
    assert charge is not None
    text = (
        f"the card is good until {card:%m/%Y}, the next payment is on {date_format(charge, 'j M')}"
    )
    return Candidate(
        guest_id=contract.guest_id,
        location_id=contract.location_id,
        membership_id=contract.pk,
        cause="card",
        evidence={
            "reasons": [reason("card", text)],
            "as_of_on": as_of_on.isoformat(),
            "card_until_on": card.isoformat(),
        },
        facts={"card_until": f"{card:%m/%Y}"},
    )


PLAY = play_of(CARD, find, waits_its_turn=False)
