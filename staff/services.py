"""Changes to people: added, changed, signed in."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from audit import services as ledger
from memberships.models import Location
from staff import events
from staff.models import User


class LastAdministrator(Exception):
    """Without an administrator nobody could ever add one again."""


class ChangedMeanwhile(Exception):
    """Somebody else changed the person after this form was opened."""


@transaction.atomic
def note_sign_in(*, user: User, now: datetime) -> None:
    """Write that the person signed in."""
    ledger.record(events.SIGNED_IN, at=now, by=user, target=user)


@transaction.atomic
def add_person(
    *, fields: dict[str, Any], locations: Collection[Location], by: User | None, now: datetime
) -> User:
    """Add a person without a password: they choose one by the link of `password_link`."""
    person = User(**fields)
    person.set_unusable_password()
    person.save()
    person.locations.set(locations)
    ledger.record(
        events.ADDED,
        at=now,
        by=by,
        target=person,
        detail={"role": person.role, "locations": sorted(place.pk for place in locations)},
    )
    return person


@transaction.atomic
def change_person(
    *,
    person_id: int,
    version: int,
    fields: dict[str, Any],
    locations: Collection[Location],
    by: User,
    now: datetime,
) -> User:
    """Change role, locations, limit, names or whether the person may sign in; it counts from the
    person's next request. Raises LastAdministrator, ChangedMeanwhile.

    All administrators are locked, in order: two of them who demote each other at the same time
    cannot both succeed.
    """
    keepers = list(
        User.objects.select_for_update()
        .filter(role=User.Role.ADMIN, is_active=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    person = User.objects.select_for_update().get(pk=person_id)
    if person.version != version:
        raise ChangedMeanwhile("Somebody changed this person in the meantime. Look again.")
    before = {name: getattr(person, name) for name in fields}
    places_before = set(person.locations.values_list("pk", flat=True))
    for name, value in fields.items():
        setattr(person, name, value)
    if keepers == [person.pk] and not person.all_locations:
        raise LastAdministrator("This is the last administrator. Make another one first.")
    person.version += 1
    person.save()
    person.locations.set(locations)
    changes = {
        name: [before[name], value] for name, value in fields.items() if before[name] != value
    }
    places = {place.pk for place in locations}
    if places != places_before:
        changes["locations"] = [sorted(places_before), sorted(places)]
    if changes:
        ledger.record(
            events.CHANGED, at=now, by=by, target=person, detail={"changes": _safe(changes)}
        )
    return person


def _safe(changes: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Addresses of staff stay out of the ledger; that they changed is enough."""
    return {name: [] if name in ("email", "phone") else values for name, values in changes.items()}


@transaction.atomic
def password_link(*, person: User, by: User, now: datetime) -> str:
    """A path where the person may choose a password, good once and for three days."""
    ledger.record(events.LINK_MADE, at=now, by=by, target=person)
    return reverse(
        "set-password",
        args=[
            urlsafe_base64_encode(force_bytes(person.pk)),
            default_token_generator.make_token(person),
        ],
    )


def person_of_link(uid: str, token: str) -> User | None:
    """Whose link this is; None when it is used, too old, or was never ours."""
    try:
        person = User.objects.get(pk=int(urlsafe_base64_decode(uid)), is_active=True)
    except (ValueError, OverflowError, User.DoesNotExist):
        return None
    return person if default_token_generator.check_token(person, token) else None


@transaction.atomic
def set_password(*, person: User, password: str, now: datetime) -> None:
    """The person's new password. Every other sign-in of theirs ends."""
    person.set_password(password)
    person.save(update_fields=["password"])
    ledger.record(events.PASSWORD_SET, at=now, by=person, target=person)
