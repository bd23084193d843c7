"""The wire's own tables: rate budget, webhook inbox, what to re-read, and the write outbox."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from django.db import models
from django.db.models import Q


class RateBudget(models.Model):
    """A token bucket per platform account. Taken from by one UPDATE, so that workers share it."""

    account = models.CharField(max_length=60, primary_key=True)
    capacity = models.FloatField()
    per_second = models.FloatField()
    tokens = models.FloatField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(tokens__gte=0), name="rate_budget_not_negative")
        ]


class InboxDelivery(models.Model):
    """One webhook delivery, stored as it came before anybody looks inside (INV-4)."""

    class Status(models.TextChoices):
        RECEIVED = "received", "received"
        DONE = "done", "done"
        PARKED = "parked", "parked"

    connection = models.CharField(max_length=40)
    delivery_id = models.CharField(max_length=120)
    body_hash = models.CharField(max_length=64)
    body = models.BinaryField()
    event_type = models.CharField(max_length=80, blank=True)
    # Who wrote, for answers of guests: nothing goes to an address whose answer nobody has read.
    sender = models.CharField(max_length=254, blank=True, default="")
    # The outbox row it speaks of, where the address it was posted to names one.
    about = models.UUIDField(null=True, blank=True)
    received_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RECEIVED)
    attempt = models.IntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "delivery_id"], name="inbox_delivery_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["received_at"], name="inbox_waiting", condition=Q(status="received")
            ),
            models.Index(fields=["connection", "-received_at"], name="inbox_newest"),
            models.Index(fields=["connection"], name="inbox_parked", condition=Q(status="parked")),
            models.Index(
                fields=["sender"],
                name="inbox_unread_of",
                condition=~Q(status="done") & ~Q(sender=""),
            ),
            models.Index(
                fields=["about"],
                name="inbox_unread_about",
                condition=~Q(status="done") & Q(about__isnull=False),
            ),
        ]


class EntityHint(models.Model):
    """An entity of the platform that should be read again (INV-5).

    A webhook raises `sync_gen`; a worker leases the row, remembers the generation it read, reads
    the entity through the API and stores it only where `done_gen` is still lower.
    """

    connection = models.CharField(max_length=40)
    kind = models.CharField(max_length=40)
    external_id = models.CharField(max_length=64)
    location_external_id = models.CharField(max_length=64, blank=True)
    sync_gen = models.BigIntegerField(default=1)
    done_gen = models.BigIntegerField(default=0)
    raised_at = models.DateTimeField()
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True, blank=True)
    attempt = models.IntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "kind", "external_id"], name="entity_hint_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="hint_waiting",
                condition=Q(sync_gen__gt=models.F("done_gen")),
            )
        ]


class DeadLetter(models.Model):
    """A record that could not be taken over: what it was, why, and until when it is tried again."""

    source = models.CharField(max_length=60)
    external_id = models.CharField(max_length=64, blank=True)
    location_external_id = models.CharField(max_length=64, blank=True)
    fingerprint = models.CharField(max_length=64)
    payload = models.TextField()
    reason = models.TextField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    seen = models.IntegerField(default=1)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "fingerprint"], name="dead_letter_once")
        ]
        indexes = [
            models.Index(fields=["source", "external_id"], name="dead_letter_entity"),
        ]


NEVER_SET_ASIDE = datetime(1970, 1, 1, tzinfo=UTC)


class OutboxItem(models.Model):
    """One call that must have at most one effect outside (INV-1): a message or a write-back.

    `attempt` fences late writers: a result is stored only by the attempt that is current. `tries`
    counts the calls and look-ups really made (a claim given back untouched is none): it decides
    how long to wait and when to give up.
    """

    class State(models.TextChoices):
        READY = "ready", "ready"
        SENDING = "sending", "being sent"
        SENT = "sent", "sent"
        REFUSED = "refused", "refused"
        UNKNOWN = "unknown", "answer unknown"
        CHECKING = "checking", "being checked"
        UNCERTAIN = "uncertain", "uncertain: a person must look"
        DEAD = "dead", "given up"
        WITHDRAWN = "withdrawn", "withdrawn"

    class Topic(models.TextChoices):
        MESSAGE = "message", "message to a guest"
        WRITEBACK = "writeback", "write-back to the platform"
        TEST = "test", "test to oneself"
        NOTICE = "notice", "note to staff"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    topic = models.CharField(max_length=12, choices=Topic.choices)
    channel = models.CharField(max_length=12)
    subject = models.CharField(max_length=80)
    approval = models.CharField(max_length=64, blank=True)
    location_id = models.BigIntegerField(null=True, blank=True)
    payload = models.JSONField()
    payload_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.READY)
    attempt = models.IntegerField(default=0)
    tries = models.IntegerField(default=0)
    due_at = models.DateTimeField()
    # Only a hint, so that a claim need not walk past thousands of rows that may not leave: a row
    # seen to be held is looked at again from here on. It never lets anything leave.
    look_at = models.DateTimeField(default=NEVER_SET_ASIDE)
    leased_until = models.DateTimeField(null=True, blank=True)
    provider_ref = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["topic", "channel", "subject", "approval"], name="outbox_effect_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False), name="outbox_sent_has_time"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["sending", "checking"]) | Q(leased_until__isnull=False),
                name="outbox_busy_has_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["topic", "look_at", "due_at", "id"],
                name="outbox_ready",
                condition=Q(state="ready"),
            ),
            models.Index(
                fields=["leased_until"],
                name="outbox_leased",
                condition=Q(state__in=["sending", "checking"]),
            ),
            models.Index(
                fields=["topic", "due_at"], name="outbox_unknown", condition=Q(state="unknown")
            ),
            models.Index(fields=["provider_ref"], name="outbox_provider_ref"),
            # What the Outgoing page shows of messages: those that wait, left, and went wrong.
            models.Index(
                fields=["due_at", "location_id"],
                name="outbox_waits",
                condition=Q(state="ready", topic="message"),
            ),
            models.Index(
                fields=["sent_at", "location_id"],
                name="outbox_left",
                condition=Q(state="sent", topic="message"),
            ),
            models.Index(
                fields=["created_at", "location_id"],
                name="outbox_trouble",
                condition=Q(state__in=["uncertain", "dead", "refused"], topic="message"),
            ),
        ]
