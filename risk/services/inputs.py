"""Facts left out of scores, for one guest or for everybody."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Q

from audit import fence
from audit.services import record
from memberships.models import Appointment
from risk import events, terms
from risk.features import churn
from risk.models import (
    ChurnScore,
    InputExclusion,
    Target,
)
from risk.services.lifecycle import serving_model
from risk.services.scores import score_appointments, score_frame
from risk.targets import DECLARATIONS

if TYPE_CHECKING:
    pass


class UnknownInput(Exception):
    """The score has no input of this name."""


@fence.beyond("scores are made from the whole history")
@transaction.atomic
def exclude_input(
    *,
    target: str,
    name: str,
    reason: str,
    by: AbstractBaseUser,
    now: datetime,
    guest_id: int | None = None,
) -> None:
    """Leave an input, and those that tell the same fact, out of the scores of one guest, or of
    everybody and of training. One guest's scores are made again at once, everybody's in the coming
    night. Excluding twice changes nothing. Raises UnknownInput."""
    if name not in {one.name for one in DECLARATIONS[target].inputs}:
        raise UnknownInput(f"There is no input called {name}.")
    _, new = InputExclusion.objects.get_or_create(
        target=target,
        input=name,
        guest_id=guest_id,  # type: ignore[misc]
        defaults={"reason": reason, "by_id": by.pk, "at": now},
    )
    if new:
        _record_input(events.INPUT_EXCLUDED, target, name, guest_id, by, now, reason=reason)


@fence.beyond("scores are made from the whole history")
@transaction.atomic
def include_input(
    *, target: str, name: str, by: AbstractBaseUser, now: datetime, guest_id: int | None = None
) -> None:
    """Let an excluded input count again. Including what is not excluded changes nothing."""
    whose = Q(guest=None) if guest_id is None else Q(guest=guest_id)
    gone, _ = InputExclusion.objects.filter(whose, target=target, input=name).delete()
    if gone:
        _record_input(events.INPUT_INCLUDED, target, name, guest_id, by, now)


def _record_input(
    event: str,
    target: str,
    name: str,
    guest_id: int | None,
    by: AbstractBaseUser,
    now: datetime,
    **detail: str,
) -> None:
    record(
        event,
        at=now,
        by=by,
        guest_id=guest_id,
        detail={
            "what": str(Target(target).label),
            "input": name.replace("_", " "),
            "whose": "of everybody" if guest_id is None else "of one guest",
        }
        | detail,
    )
    if guest_id is not None:
        _score_guest(target, guest_id, now)


def _score_guest(target: str, guest_id: int, now: datetime) -> None:
    """Make the scores of one guest again."""
    if target == Target.CANCELLATION:
        coming = Appointment.objects.coming().filter(guest=guest_id, booking_score__isnull=False)
        score_appointments(appointment_ids=list(coming.values_list("pk", flat=True)), now=now)
        return
    given = terms.of(*serving_model(target, now=now), now=now)
    scores = ChurnScore.objects.filter(guest=guest_id)
    for location_id, as_of_on in set(scores.values_list("location", "as_of_on")):
        frame = churn.members(as_of_on=as_of_on, location_ids=[location_id], guest_id=guest_id)
        score_frame(target, frame, given, {location_id: as_of_on}, now)
