"""The morning call list: who is to be called, who has the row, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from memberships.models import Appointment, Guest, LocatedQuerySet, Location, Membership

if TYPE_CHECKING:
    from datetime import date


class CallQuerySet(LocatedQuerySet):
    def listed(self, on: date) -> Self:
        """The rows of one day's list."""
        return self.filter(on=on)


class Call(models.Model):
    """One row of a day's call list at one location. Closed by an outcome, or by the guest
    coming back on their own."""

    class Kind(models.TextChoices):
        BOOKING = "booking", "a booking at risk"
        MEMBER = "member", "a member at risk"
        ASKED = "asked", "asked for by a colleague"

    class Status(models.TextChoices):
        TODO = "todo", "to do"
        LATER = "later", "later"
        DONE = "done", "done"

    class Outcome(models.TextChoices):
        BOOKED = "booked", "booked"
        THINKING = "thinking", "thinking"
        VOICEMAIL = "voicemail", "voicemail"
        NO_ANSWER = "no_answer", "no answer"
        CALL_BACK = "call_back", "call back"
        WRONG_NUMBER = "wrong_number", "wrong number"
        DO_NOT_CALL = "do_not_call", "do not call"
        CLOSED = "closed", "settled without a call"

    location = models.ForeignKey(Location, models.PROTECT)
    on = models.DateField()  # local to the location
    row_no = models.IntegerField()  # as printed; 1 is called first
    guest = models.ForeignKey(Guest, models.PROTECT, related_name="calls")
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, blank=True)
    membership = models.ForeignKey(Membership, models.PROTECT, null=True, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    priority = models.SmallIntegerField()  # 0 to 100; never shown to the desk
    reasons = ArrayField(models.CharField(max_length=200), default=list)  # plain words
    say = ArrayField(models.CharField(max_length=300), default=list)  # talking points
    offer_text = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.TODO)
    outcome = models.CharField(max_length=14, choices=Outcome.choices, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)  # later: not before this instant
    tries = models.SmallIntegerField(default=0)
    last_try_at = models.DateTimeField(null=True, blank=True)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    held_until = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    version = models.IntegerField(default=1)

    objects = CallQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["location", "on", "row_no"], name="call_row_once"),
            models.UniqueConstraint(fields=["guest", "on"], name="guest_listed_once_a_day"),
            models.CheckConstraint(
                condition=~Q(status="done") | ~Q(outcome=""), name="done_call_has_outcome"
            ),
            models.CheckConstraint(
                condition=Q(held_by__isnull=True) | Q(held_until__isnull=False),
                name="held_call_has_end",
            ),
        ]
        indexes = [models.Index(fields=["location", "on", "status"], name="call_list")]


class CallTry(models.Model):
    """One attempt to reach a guest by phone, with what came of it."""

    call = models.ForeignKey(Call, models.CASCADE, related_name="attempts")
    guest = models.ForeignKey(Guest, models.CASCADE, related_name="call_tries")
    location = models.ForeignKey(Location, models.PROTECT)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    outcome = models.CharField(max_length=14, choices=Call.Outcome.choices)
    note = models.CharField(max_length=500, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["guest", "-at"], name="call_try_of_guest")]
