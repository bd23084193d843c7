"""The ledger: what was done, by whom, to whom, append-only and hash-chained. And the job runs."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

# Events that tell who was shown whom, not what was done.
GUEST_VIEWED = "guest.viewed"
GUESTS_LISTED = "guests.listed"
LOOKS = (GUEST_VIEWED, GUESTS_LISTED)


class LedgerHead(models.Model):
    """The newest entry of one chain: one chain per location plus one for the organisation.

    Locked last in a transaction, just before its commit: every writer of the chain waits here.
    """

    chain = models.CharField(max_length=60, primary_key=True)
    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64)


class LedgerEntry(models.Model):
    """One event that happened. Never changed, never deleted: triggers refuse it.

    `body` is the exact canonical JSON text that was hashed; the columns beside it repeat parts
    of it for search. No foreign keys, so that history survives what it speaks of.
    """

    chain = models.CharField(max_length=60)
    seq = models.BigIntegerField()
    prev = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    body = models.TextField()
    event = models.CharField(max_length=60)
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True, blank=True)
    actor_label = models.CharField(max_length=150)
    location_id = models.BigIntegerField(null=True, blank=True)
    guest_id = models.BigIntegerField(null=True, blank=True)
    target_type = models.CharField(max_length=60, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    play = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "seq"], name="ledger_entry_once"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="ledger_seq_from_one"),
        ]
        indexes = [
            # What was done; looks are many more, and asked for by name.
            models.Index(
                fields=["chain", "-at", "-id"], name="ledger_done", condition=~Q(event__in=LOOKS)
            ),
            models.Index(fields=["event", "chain", "-at", "-id"], name="ledger_event"),
            models.Index(
                fields=["chain", "actor_id", "-at", "-id"],
                name="ledger_actor",
                condition=Q(actor_id__isnull=False),
            ),
            models.Index(
                fields=["chain", "play", "-at", "-id"], name="ledger_play", condition=~Q(play="")
            ),
            models.Index(fields=["guest_id", "-at", "-id"], name="ledger_guest"),
            models.Index(
                fields=["target_id", "-at", "-id"],
                name="ledger_target",
                condition=~Q(target_id=""),
            ),
        ]


class LedgerCheckpoint(models.Model):
    """The state of all chains at one moment, signed (audit/checkpoints.py). Append-only, and kept a
    second time in a file outside the database. `text` is the exact text that was signed."""

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    text = models.TextField()
    signature = models.CharField(max_length=100)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(number__gte=1), name="checkpoint_from_one")
        ]


class NotedHead(models.Model):
    """The head of one chain as the newest checkpoint has it."""

    chain = models.CharField(max_length=60, primary_key=True)
    seq = models.BigIntegerField()
    hash = models.CharField(max_length=64)


class Look(models.Model):
    """One person was shown one guest on one kind of page on one day (UTC). Waits here to be brought
    into the ledger, and is kept a little longer so that the day's next look is not a new one."""

    person_id = models.BigIntegerField()
    guest_id = models.BigIntegerField()
    location_id = models.BigIntegerField(null=True, blank=True)
    place = models.CharField(max_length=40)
    on_day = models.DateField()
    at = models.DateTimeField()
    is_noted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person_id", "guest_id", "place", "on_day"], name="look_once_a_day"
            )
        ]
        indexes = [
            models.Index(fields=["at", "id"], name="look_to_note", condition=Q(is_noted=False))
        ]


class ListLook(models.Model):
    """One person was shown one list of guests on one day (UTC): the same guests by the same filters
    are one look. Waits here to be brought into the ledger as one entry, and is kept like `Look`."""

    person_id = models.BigIntegerField()
    location_id = models.BigIntegerField(null=True, blank=True)  # nothing: guests of several
    place = models.CharField(max_length=40)
    filters = models.JSONField()  # their names; what was typed may be a guest's name
    guests = models.JSONField()  # ids in the order shown
    content = models.CharField(max_length=64)  # SHA-256 of filters and guests
    on_day = models.DateField()
    at = models.DateTimeField()
    is_noted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person_id", "place", "on_day", "content"], name="list_look_once_a_day"
            )
        ]
        indexes = [
            models.Index(fields=["at", "id"], name="list_look_to_note", condition=Q(is_noted=False))
        ]


class JobRun(models.Model):
    """One run of one scheduled job for one period, for one location or for all (location_id 0).

    Made when the job falls due, leased while a worker has it, closed with counts or an error.
    """

    class Status(models.TextChoices):
        DUE = "due", "due"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    job = models.CharField(max_length=60)
    period = models.CharField(max_length=40)
    location_id = models.BigIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DUE)
    attempt = models.IntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "period", "location_id"], name="job_run_once_per_period"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=F("started_at")),
                name="job_run_ends_after_start",
            ),
        ]
        indexes = [models.Index(fields=["job", "location_id", "-id"], name="job_run_latest")]


class ClockShift(models.Model):
    """How far the clock of a demo or a test runs ahead of the machine's. At most one row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    seconds = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_clock")]
