"""People who work in Tenure, their roles and the locations they serve."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models

from memberships.models import Location


class User(AbstractUser):
    """A member of staff. `role` names a list of permissions in staff/roles.py."""

    class Role(models.TextChoices):
        DESK = "desk", "front desk"
        MANAGER = "manager", "manager"
        REGIONAL = "regional", "regional manager"
        ADMIN = "admin", "administrator"

    role = models.CharField(max_length=10, choices=Role.choices, default=Role.DESK)
    locations = models.ManyToManyField(Location, blank=True, related_name="staff")
    # Offers up to this cost may be approved by this person; above it somebody with a wider limit.
    approval_limit_cents = models.BigIntegerField(default=0)
    single_keys = models.BooleanField(default=True)  # shortcuts without Alt
    theme = models.CharField(
        max_length=6,
        choices=[("system", "as the system"), ("light", "light"), ("dark", "dark")],
        default="system",
    )

    @property
    def all_locations(self) -> bool:
        """Whether this person serves every location, new ones included."""
        return self.is_active and self.role == self.Role.ADMIN

    def location_ids(self) -> list[int]:
        """Ids of the locations this person serves; read once per request."""
        return self._location_ids

    @cached_property
    def _location_ids(self) -> list[int]:
        if self.all_locations:
            return list(Location.objects.values_list("pk", flat=True))
        return list(self.locations.values_list("pk", flat=True))

    def serves(self, location_id: int | None) -> bool:
        """Whether the location is one of this person's."""
        return self.all_locations or (location_id is not None and location_id in self._location_ids)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__.pop("_location_ids", None)
        super().refresh_from_db(*args, **kwargs)
