"""Texts a person sends to themselves to see them on a real phone."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from outreach.models.library import Channel, Template
from platforms.models import OutboxItem


class TrialSend(models.Model):
    """One text sent, or about to be sent, to the person who asked for it, filled with sample
    values. Its sending state is that of `outbox`; it is no message to a guest and counts
    nowhere."""

    template = models.ForeignKey(Template, models.CASCADE)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    asked_at = models.DateTimeField()
    channel = models.CharField(max_length=6, choices=Channel.choices)
    outbox = models.OneToOneField(OutboxItem, models.PROTECT, related_name="trial")

    class Meta:
        indexes = [models.Index(fields=["asked_by", "-asked_at"], name="trial_of_person")]
