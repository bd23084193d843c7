"""What retention keeps of its own: saved views of the member list."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class SavedView(models.Model):
    """A named filter of /members/. Private to its owner, or shared."""

    name = models.CharField(max_length=60)
    query = models.CharField(max_length=500)  # the query string, without the question mark
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    is_shared = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="view_named_once"),
            models.CheckConstraint(condition=~Q(name=""), name="view_has_a_name"),
        ]
