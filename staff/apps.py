from __future__ import annotations

from collections.abc import Collection, Mapping

from django.apps import AppConfig


class StaffConfig(AppConfig):
    name = "staff"

    def ready(self) -> None:
        from audit import events as ledger_events
        from staff import events, permissions, sign_in  # noqa: F401, its receiver listens

        permissions.register()
        ledger_events.register(events.SENTENCES)
        ledger_events.register_names("person", _people)
        ledger_events.register_names("staff.user", _people)
        ledger_events.register_names("location", _locations)
        ledger_events.register_names("guest", _guests)


def _people(ids: Collection[int]) -> Mapping[int, str]:
    from staff.models import User

    return {person.pk: str(person) for person in User.objects.filter(pk__in=ids)}


def _locations(ids: Collection[int]) -> Mapping[int, str]:
    from memberships.models import Location

    return dict(Location.objects.filter(pk__in=ids).values_list("pk", "name"))


def _guests(ids: Collection[int]) -> Mapping[int, str]:
    from memberships.models import Guest

    return {guest.pk: guest.name for guest in Guest.objects.filter(pk__in=ids)}
