"""A guest's authorisation of offers that somebody else pays for: recorded, withdrawn."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction

from audit import services as audit
from memberships.models import Guest
from outreach import events
from outreach.errors import Conflict, NotAllowed
from outreach.models import Authorisation

if TYPE_CHECKING:
    from staff.models import User


@transaction.atomic
def record_authorisation(
    *, guest_id: int, given_on: date, source: str, by: User, now: datetime
) -> Authorisation:
    """The guest signed on the day `given_on`; `source` says where the form is. Raises NotAllowed,
    Conflict."""
    guest = _locked(guest_id, by)
    if Authorisation.objects.in_force().filter(guest=guest).exists():
        raise Conflict("An authorisation is recorded already. Withdraw it first.")
    if given_on > guest.location.today(now):
        raise Conflict("The day of the form lies ahead. Write the day it was signed.")
    row = Authorisation.objects.create(
        guest=guest, given_on=given_on, source=source.strip(), recorded_at=now, recorded_by=by
    )
    _record(events.AUTHORISATION_RECORDED, row, by=by, now=now)
    return row


@transaction.atomic
def end_authorisation(*, guest_id: int, by: User, now: datetime) -> Authorisation:
    """The guest took it back: nothing paid for by others leaves from now on. Raises NotAllowed,
    Conflict."""
    guest = _locked(guest_id, by)
    row = Authorisation.objects.in_force().filter(guest=guest).first()
    if row is None:
        raise Conflict("No authorisation is in force.")
    row.ended_at, row.ended_by = now, by
    row.save(update_fields=["ended_at", "ended_by"])
    _record(events.AUTHORISATION_ENDED, row, by=by, now=now)
    ended: Authorisation = row
    return ended


def _locked(guest_id: int, by: User) -> Guest:
    guest: Guest = (
        Guest.objects.select_for_update(of=("self",)).select_related("location").get(pk=guest_id)
    )
    if not by.has_perm("outreach.record_authorisation", guest):
        raise NotAllowed("You may not record this. Ask a manager of the location.")
    return guest


def _record(event: str, row: Authorisation, *, by: User, now: datetime) -> None:
    audit.record(
        event,
        at=now,
        by=by,
        location_id=row.guest.location_id,
        guest_id=row.guest_id,
        target=row,
        detail={"given_on": row.given_on},
    )
