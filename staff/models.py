"""People who work in Tenure, their roles and the locations they serve."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import rules
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from memberships.models import Location


class UserManager(BaseUserManager["User"]):
    """Sign-in names are told apart by their letters, not by capitals."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username__iexact=username)

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> User:
        """What `manage.py createsuperuser` makes: an administrator. There is nobody above one."""
        return self.create_user(username, password, role=User.Role.ADMIN, **fields)


class User(AbstractBaseUser):
    """A member of staff. `role` names a list of permissions in staff/roles.py; there are no other
    ways to hold one. Never deleted, only made inactive: the ledger and decisions name the person.
    """

    class Role(models.TextChoices):
        DESK = "desk", _("front desk")
        MANAGER = "manager", _("manager")
        REGIONAL = "regional", _("regional manager")
        ADMIN = "admin", _("administrator")

    class Theme(models.TextChoices):
        SYSTEM = "system", _("as the system")
        LIGHT = "light", _("light")
        DARK = "dark", _("dark")

    username = models.CharField(
        _("sign-in name"), max_length=150, unique=True, validators=[UnicodeUsernameValidator()]
    )
    first_name = models.CharField(_("first name"), max_length=150, blank=True)
    last_name = models.CharField(_("last name"), max_length=150, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    # For tests of texts to oneself; kept by an administrator, so that nobody points it elsewhere.
    phone = models.CharField(
        _("mobile phone"),
        max_length=16,
        blank=True,
        validators=[RegexValidator(r"^\+[1-9]\d{7,14}$", _("Write it as +12125550100."))],
        help_text=_("Tests of text messages go there. With country code: +12125550100."),
    )
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=timezone.now)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.DESK)
    locations = models.ManyToManyField(Location, blank=True, related_name="staff")
    # Offers up to this cost may be approved by this person; above it somebody with a wider limit.
    approval_limit_cents = models.BigIntegerField(default=0)
    single_keys = models.BooleanField(default=True)  # shortcuts without Alt
    alert_mails = models.BooleanField(default=True)  # told by e-mail when messages are held
    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    version = models.IntegerField(default=1)  # raised by every change an administrator makes

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        ordering = ["first_name", "last_name", "username"]
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="sign_in_name_once",
                violation_error_message=_("Somebody has this sign-in name already."),
            ),
            models.CheckConstraint(
                condition=Q(approval_limit_cents__gte=0), name="approval_limit_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name()

    def get_full_name(self) -> str:
        """As colleagues read it; whoever has typed no name is called by the sign-in."""
        return f"{self.first_name} {self.last_name}".strip() or self.username

    def has_perm(self, permission: str, obj: object = None) -> bool:
        """Whether this person may do it (to `obj`); the rules are in staff/permissions.py."""
        return self.is_active and bool(rules.has_perm(permission, self, obj))

    def has_module_perms(self, app_label: str) -> bool:
        """Django asks this before it offers `perms.<app>` to a template."""
        return self.is_active

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
