"""Refusals on their way back to whoever wrote or asked for what was refused."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from outreach.models.drafts import Draft
from outreach.models.library import Offer, Template


class Refusal(models.Model):
    """One person told that one thing of theirs was refused, by whom and why. Made with the refusal,
    in its transaction; taken away when the refusal is taken back; `read_at` is set when the author
    has seen it."""

    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="refusals_told"
    )
    draft = models.ForeignKey(Draft, models.CASCADE, null=True, blank=True)
    template = models.ForeignKey(Template, models.CASCADE, null=True, blank=True)
    offer = models.ForeignKey(Offer, models.CASCADE, null=True, blank=True)
    refused_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    refused_at = models.DateTimeField()
    reason = models.CharField(max_length=40)
    note = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(draft__isnull=False, template__isnull=True, offer__isnull=True)
                | Q(draft__isnull=True, template__isnull=False, offer__isnull=True)
                | Q(draft__isnull=True, template__isnull=True, offer__isnull=False),
                name="refusal_of_one_thing",
            )
        ]
        indexes = [
            models.Index(
                fields=["author"], name="refusal_unread", condition=Q(read_at__isnull=True)
            ),
            models.Index(fields=["author", "-refused_at"], name="refusal_of_author"),
        ]
