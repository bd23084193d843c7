"""What goes to a guest, when we last wrote, and what came back."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from memberships.models import Guest, LocatedQuerySet, Location
from outreach.models.drafts import Draft
from outreach.models.library import Channel, Play, Topic
from outreach.models.threads import Thread
from platforms.models import OutboxItem


class Message(models.Model):
    """What was approved and goes, or went, to a guest. One per approval.

    The words here are the words sent: nothing is rendered again after approval. Its sending state
    is that of `outbox`; `delivery` is what the carrier said afterwards.
    """

    class Delivery(models.TextChoices):
        NONE = "", "no word yet"
        DELIVERED = "delivered", "delivered"
        UNDELIVERED = "undelivered", "not delivered"
        BOUNCED = "bounced", "bounced"

    class Purpose(models.TextChoices):
        OUTREACH = "outreach", "outreach"
        CONFIRMATION = "confirmation", "confirms a stop"  # the one text the law allows after STOP
        HELP = "help", "answers HELP"  # who we are and how to stop; at most one a day
        ANSWER = "answer", "answer to the guest"

    class Reservation(models.TextChoices):
        """What became of the cost that was set aside in the caps at approval."""

        NONE = "none", "costs nothing"
        RESERVED = "reserved", "set aside"
        POSTED = "posted", "spent"
        VOIDED = "voided", "given back"

    draft = models.ForeignKey(Draft, models.PROTECT, null=True, blank=True, related_name="messages")
    outbox = models.OneToOneField(OutboxItem, models.PROTECT, related_name="message")
    guest = models.ForeignKey(Guest, models.PROTECT, related_name="messages")
    location = models.ForeignKey(Location, models.PROTECT)
    play = models.ForeignKey(Play, models.PROTECT, null=True, blank=True)
    channel = models.CharField(max_length=6, choices=Channel.choices)
    address = models.CharField(max_length=254)
    subject = models.CharField(max_length=160, blank=True)
    body = models.TextField()
    cost_cents = models.BigIntegerField(default=0)
    purpose = models.CharField(max_length=12, choices=Purpose.choices, default=Purpose.OUTREACH)
    reservation = models.CharField(
        max_length=8, choices=Reservation.choices, default=Reservation.NONE
    )
    is_automatic = models.BooleanField(default=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField()
    delivery = models.CharField(max_length=12, choices=Delivery.choices, blank=True, default="")
    delivery_at = models.DateTimeField(null=True, blank=True)
    delivery_error = models.CharField(max_length=20, blank=True)  # the carrier's code
    # The thread an answer of staff belongs to; nothing for what a play sent.
    thread = models.ForeignKey(
        Thread, models.PROTECT, null=True, blank=True, related_name="answers"
    )

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cost_cents=0, reservation="none")
                | (Q(cost_cents__gt=0) & ~Q(reservation="none")),
                name="message_cost_is_reserved",
            ),
            models.CheckConstraint(
                condition=~Q(purpose="answer")
                | Q(thread__isnull=False, approved_by__isnull=False, cost_cents=0),
                name="answer_has_thread_and_author",
            ),
        ]
        indexes = [
            models.Index(fields=["guest", "-approved_at"], name="message_of_guest"),
            models.Index(fields=["channel", "address", "-approved_at"], name="message_to_address"),
            models.Index(fields=["location", "-approved_at"], name="message_of_location"),
            models.Index(fields=["approved_at"], name="message_by_time"),
        ]


class Contact(models.Model):
    """When we last wrote to a guest, one row per guest, moved by the sender's claim (INV-13).

    Two senders that both see a free guest meet on this row: the second finds it moved and lets go.
    """

    guest = models.OneToOneField(Guest, models.CASCADE, primary_key=True, related_name="contact")
    last_at = models.DateTimeField()
    outbox_id = models.UUIDField()  # whose contact it was: the same item may try again
    # What stood here before the newest claim: comes back when that is let go without a call.
    before_at = models.DateTimeField(null=True)
    before_outbox_id = models.UUIDField(null=True)


class Reply(models.Model):
    """What a guest wrote back. Its text is untrusted. Dealt with by rule, by an answer, or by a
    person who says so; until then its thread waits."""

    class Intent(models.TextChoices):
        YES = "yes", "yes"
        NO = "no", "no"
        STOP = "stop", "stop"
        RESTART = "restart", "restart"
        HELP = "help", "help"
        OTHER = "other", "for a person"
        AUTOMATIC = "auto", "automatic answer"  # out of office: nobody wrote it

    carrier_ref = models.CharField(max_length=80, unique=True)
    guest = models.ForeignKey(Guest, models.PROTECT, null=True, blank=True, related_name="replies")
    location = models.ForeignKey(Location, models.PROTECT, null=True, blank=True)
    message = models.ForeignKey(
        Message, models.SET_NULL, null=True, blank=True, related_name="replies"
    )
    channel = models.CharField(max_length=6, choices=Channel.choices)
    address = models.CharField(max_length=254)  # where it came from
    mail_id = models.CharField(max_length=254, blank=True, default="")  # Message-ID of an e-mail
    body = models.TextField()
    intent = models.CharField(max_length=8, choices=Intent.choices)
    thread = models.ForeignKey(Thread, models.PROTECT, related_name="replies", db_index=False)
    topic = models.CharField(max_length=10, choices=Topic.choices, blank=True)  # empty: by rule
    pictures = models.SmallIntegerField(default=0)  # came with it; they are not kept
    received_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    read_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    answer = models.ForeignKey(
        Message, models.SET_NULL, null=True, blank=True, related_name="answered_replies"
    )

    objects = LocatedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["guest", "-received_at"], name="reply_of_guest"),
            models.Index(fields=["thread", "-received_at"], name="reply_of_thread"),
            models.Index(
                fields=["location", "-received_at"],
                name="reply_unanswered",
                condition=Q(answered_at__isnull=True),
            ),
        ]
