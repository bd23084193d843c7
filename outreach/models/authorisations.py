"""What a guest has put their name to."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from memberships.models import Guest, LocatedQuerySet


class AuthorisationQuerySet(LocatedQuerySet):
    location_path = "guest__location"

    def in_force(self) -> Self:
        """Given and not withdrawn."""
        return self.filter(ended_at__isnull=True)


class Authorisation(models.Model):
    """A guest's written word that offers somebody else pays for may be sent to them.

    The platform knows no such thing; staff record it from the signed form. One in force per guest;
    withdrawn ones stay (the law asks for six years).
    """

    guest = models.ForeignKey(Guest, models.PROTECT, related_name="authorisations")
    given_on = models.DateField()  # local to the guest's location: the day on the form
    source = models.CharField(max_length=200)  # where the form is kept
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = AuthorisationQuerySet.as_manager()

    class Meta:
        ordering = ["-recorded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["guest"], condition=Q(ended_at__isnull=True), name="one_authorisation"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("recorded_at")),
                name="authorisation_ends_after_it_began",
            ),
        ]
