"""The people of the tests."""

from __future__ import annotations

from typing import Any

import factory
from factory.django import DjangoModelFactory

from staff.models import User


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    first_name = "Dana"
    last_name = factory.Sequence(lambda n: f"Roe{n}")
    role = User.Role.DESK

    @factory.post_generation
    def locations(self, create: bool, given: Any, **kwargs: Any) -> None:
        if create and given:
            self.locations.set(given)  # type: ignore[attr-defined]
