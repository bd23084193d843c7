"""The house stands: settings load, every table is migrated, the cast can be made."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from staff.models import User


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_cast_serves_its_location(desk: User, outsider: User, location: object) -> None:
    assert desk.location_ids() == [location.pk]  # type: ignore[attr-defined]
    assert not outsider.serves(location.pk)  # type: ignore[attr-defined]
