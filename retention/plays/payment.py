"""Payment recovery: members whose last payment failed, while it can still be put right.

The platform tries the card again by itself, so a message only tells and helps; it never charges.
What a guest pays by whatever way ends the sequence (outreach.gate.leaving).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef
from django.utils.formats import date_format

from memberships.models import Charge, Membership
from outreach.drafting.candidates import Candidate
from outreach.library.play_library import PAYMENT
from retention.plays.base import play_of, reason

# Nine in ten payments that come back do so within ten days (Recurly 2026).
FRESH_DAYS = 10


def find(location_id: int, as_of_on: date, now: datetime) -> Sequence[Candidate]:
    """Running contracts nobody asked to end whose newest attempt failed within FRESH_DAYS and was
    not paid since, the largest amount first. One statement."""
    paid = Charge.objects.filter(
        membership=OuterRef("membership"),
        status=Charge.Status.PAID,
        charged_on__gte=OuterRef("charged_on"),
    )
    failed = (
        Charge.objects.filter(
            ~Exists(paid),
            location=location_id,
            status=Charge.Status.FAILED,
            charged_on__range=(as_of_on - timedelta(days=FRESH_DAYS), as_of_on),
            membership__status__in=Membership.RUNNING,
            membership__cancel_requested_on__isnull=True,
        )
        .select_related("membership")
        .order_by("membership", "-charged_on", "-pk")
        .distinct("membership")
    )
    return [
        _candidate(charge, as_of_on)
        for charge in sorted(failed, key=lambda one: (-one.amount_cents, one.pk))
    ]


def _candidate(charge: Charge, as_of_on: date) -> Candidate:
    contract = charge.membership
    assert contract is not None  # the query asks for charges of a contract
    said = f" ({charge.decline_code.replace('_', ' ')})" if charge.decline_code else ""
    when = date_format(charge.charged_on, "j M")
    card = contract.card_expires_on
    return Candidate(
        guest_id=contract.guest_id,
        location_id=contract.location_id,
        membership_id=contract.pk,
        cause="payment",
        evidence={
            "reasons": [reason("payment", f"the payment of {when} did not go through{said}")],
            "as_of_on": as_of_on.isoformat(),
            **({"card_until_on": card.isoformat()} if card else {}),
        },
    )


PLAY = play_of(PAYMENT, find, waits_its_turn=False)
