"""Rows of the call list by the real services, and the scores they are made from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cancellations.models import Call
from cancellations.services import build_call_list
from memberships.models import Appointment, Guest, Membership
from risk.models import Band, BookingScore, ChurnScore, ModelVersion
from tests.factories.memberships import NOW, AppointmentFactory, GuestFactory, MembershipFactory


def model(target: str) -> ModelVersion:
    return ModelVersion.objects.get_or_create(
        name=f"{target}-test",
        defaults={
            "target": target,
            "kind": "scorecard",
            "status": "champion",
            "trained_at": NOW,
            "artefact": "{}",
            "signature": "none",
        },
    )[0]


def reason(cause: str = "own_history", text: str = "cancelled 3 of the last 8 bookings") -> Any:
    return {
        "cause": cause,
        "text": text,
        "value": 3,
        "norm": 1,
        "contribution": 0.9,
        "direction": "raises",
    }


def score_booking(
    appointment: Appointment, *, p: float = 0.6, band: str = Band.VERY_HIGH, **fields: Any
) -> BookingScore:
    """Give the booking its newest score."""
    values = {
        "guest": appointment.guest,
        "location": appointment.location,
        "p": p,
        "score": round(p * 100),
        "band": band,
        "reasons": [reason()],
        "model": model("cancellation"),
        "as_of_on": NOW.date(),
        "scored_at": NOW,
        **fields,
    }
    return BookingScore.objects.update_or_create(appointment=appointment, defaults=values)[0]


def score_member(
    membership: Membership,
    *,
    p: float = 0.4,
    band: str = Band.VERY_HIGH,
    cause: str = "dissatisfaction",
    **fields: Any,
) -> ChurnScore:
    """Give the contract its newest score. The default cause wants a call."""
    values = {
        "guest": membership.guest,
        "location": membership.location,
        "p": p,
        "score": 93,
        "band": band,
        "reasons": [reason(cause, "gave 2 of 5 stars on 3 Nov")],
        "model": model("churn"),
        "as_of_on": NOW.date(),
        "scored_at": NOW,
        **fields,
    }
    return ChurnScore.objects.update_or_create(membership=membership, defaults=values)[0]


def shaky_booking(
    location: Any, *, p: float = 0.6, band: str = Band.VERY_HIGH, **fields: Any
) -> Any:
    """A coming booking with a score, of a guest of its own."""
    guest = fields.pop("guest", None) or GuestFactory(location=location)
    appointment = AppointmentFactory(guest=guest, location=location, **fields)
    score_booking(appointment, p=p, band=band)
    return appointment


def shaky_member(location: Any, *, cause: str = "dissatisfaction", **fields: Any) -> Any:
    """A member whose best route is a call; joined lately, so not asleep."""
    guest = fields.pop("guest", None) or GuestFactory(location=location)
    fields.setdefault("started_on", NOW.date().replace(month=9))
    membership = MembershipFactory(guest=guest, **fields)
    score_member(membership, cause=cause)
    return membership


def listed(guest: Guest, now: datetime = NOW) -> Call:
    """Today's row of a guest, after building the list of their location."""
    on = guest.location.today(now)
    build_call_list(location_id=guest.location_id, on=on, now=now)
    return Call.objects.get(guest=guest, on=on)


def row_for(location: Any, **fields: Any) -> Call:
    """A row on today's list, made the real way."""
    return listed(shaky_booking(location, **fields).guest)
