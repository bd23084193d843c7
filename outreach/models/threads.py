"""Conversations: what staff see as one thread in the replies."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from memberships.models import Guest, LocatedQuerySet, Location
from outreach.models.library import Channel, Topic


class Thread(models.Model):
    """The conversation with one guest on one channel; where nobody knows the guest, with one
    address. Begun by the first answer, or by the first message that did not arrive.

    `waiting_since`, `topic`, `rank`, `due_at` and `is_unread` follow from the answers that nobody
    has dealt with; outreach/threads.py is the one place that writes them.
    """

    class Trouble(models.TextChoices):
        UNDELIVERED = "undelivered", "not delivered"
        BOUNCED = "bounced", "bounced"
        REFUSED = "refused", "refused by the carrier"
        DEAD = "dead", "given up after many tries"
        UNCERTAIN = "uncertain", "nobody knows whether it left"

    guest = models.ForeignKey(
        Guest, models.PROTECT, null=True, blank=True, related_name="threads", db_index=False
    )
    location = models.ForeignKey(Location, models.PROTECT, null=True, blank=True, db_index=False)
    channel = models.CharField(max_length=6, choices=Channel.choices)
    address = models.CharField(max_length=254)  # where the guest wrote from last
    last_at = models.DateTimeField()  # the newest thing in it
    last_reply = models.ForeignKey(
        "outreach.Reply", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    is_unread = models.BooleanField(default=False)
    waiting_since = models.DateTimeField(null=True, blank=True)  # null: nobody waits
    topic = models.CharField(max_length=10, choices=Topic.choices, blank=True)
    rank = models.SmallIntegerField(default=0)  # the lowest is dealt with first
    due_at = models.DateTimeField(null=True, blank=True)  # a request the law gives a time for
    trouble = models.CharField(max_length=12, choices=Trouble.choices, blank=True)
    trouble_at = models.DateTimeField(null=True, blank=True)
    trouble_message = models.ForeignKey(
        "outreach.Message", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    held_until = models.DateTimeField(null=True, blank=True)
    version = models.IntegerField(default=1)  # raised by every answer in either direction

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["guest", "channel"],
                condition=Q(guest__isnull=False),
                name="one_thread_per_guest",
            ),
            models.UniqueConstraint(
                fields=["channel", "address"],
                condition=Q(guest__isnull=True),
                name="one_thread_per_stranger",
            ),
            models.CheckConstraint(
                condition=Q(trouble="", trouble_at__isnull=True)
                | (~Q(trouble="") & Q(trouble_at__isnull=False)),
                name="trouble_is_dated",
            ),
            models.CheckConstraint(
                condition=Q(waiting_since__isnull=False) | Q(is_unread=False),
                name="unread_thread_waits",
            ),
        ]
        indexes = [
            models.Index(fields=["-last_at", "-id"], name="thread_newest"),
            models.Index(fields=["location", "-last_at", "-id"], name="thread_newest_here"),
            models.Index(
                fields=["rank", "waiting_since", "id"],
                name="thread_waiting",
                condition=Q(waiting_since__isnull=False),
            ),
            models.Index(
                fields=["-trouble_at", "-id"],
                name="thread_in_trouble",
                condition=Q(trouble_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.guest or self.address} ({self.channel})"

    def is_held_against(self, user_id: int, now: datetime) -> bool:
        """Whether a colleague is answering at this moment."""
        return (
            self.held_by_id is not None
            and self.held_by_id != user_id
            and self.held_until is not None
            and self.held_until > now
        )
