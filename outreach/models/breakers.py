"""Breakers on what the machine sends, and the counts they watch."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from memberships.models import LocatedQuerySet, Location
from outreach.models.library import Play
from outreach.models.messages import Message


class SendingCount(models.Model):
    """Roll-up: a quarter of an hour of one play at one location. Rows exist where something
    happened; outreach/gate/breakers.py counts the last days anew each time it looks.

    What became of a message is counted in the quarter in which it was sent, a failed one in the
    quarter in which it failed, so an outcome is always one of those that were tried.
    """

    play = models.ForeignKey(Play, models.CASCADE, related_name="+")
    location = models.ForeignKey(Location, models.CASCADE, related_name="+")
    at = models.DateTimeField()  # when the quarter begins
    approved = models.IntegerField(default=0)
    cost_cents = models.BigIntegerField(default=0)
    cost_squares = models.BigIntegerField(default=0)  # sum of squared costs, in cents squared
    tried = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)  # refused, given up, uncertain; being busy is none
    sent = models.IntegerField(default=0)
    undelivered = models.IntegerField(default=0)
    stops = models.IntegerField(default=0)
    scored = models.IntegerField(default=0)  # drafts with a score
    score_sum = models.FloatField(default=0)
    score_squares = models.FloatField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["play", "location", "at"], name="sending_counted_once")
        ]
        indexes = [models.Index(fields=["at"], name="sending_count_by_time")]


class Breaker(models.Model):
    """One signal watched in one scope: a play at a location, a location, or everything. A row is
    made when it first opens; those for everything are always there and say when we last looked.

    Open: nothing the machine approved leaves in the scope. Half-open: `probes_left` messages of
    this `round` may still leave, and decide. Closed: nothing is held.
    """

    class Signal(models.TextChoices):
        VOLUME = "volume", "many more messages than usual"
        COST = "cost", "much higher cost than usual"
        FAILURES = "failures", "many messages fail"
        STOPS = "stops", "many guests say stop"
        UNDELIVERED = "undelivered", "many messages do not arrive"
        SCORES = "scores", "scores are not as usual"

    class State(models.TextChoices):
        CLOSED = "closed", "nothing held"
        OPEN = "open", "holding"
        HALF_OPEN = "half_open", "trying a few"

    play = models.ForeignKey(Play, models.CASCADE, null=True, blank=True, related_name="+")
    location = models.ForeignKey(Location, models.CASCADE, null=True, blank=True)
    signal = models.CharField(max_length=12, choices=Signal.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.CLOSED)
    evaluated_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=200, blank=True)
    tries_at = models.DateTimeField(null=True, blank=True)  # when an open one lets a few through
    round = models.IntegerField(default=0)
    probes_left = models.SmallIntegerField(default=0)
    # How often it opened in a row: a try that fails is one more, a calm week after closing clears.
    strikes = models.SmallIntegerField(default=0)
    # What happened before is dealt with: looked at only from here on.
    counts_from_at = models.DateTimeField(null=True, blank=True)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["play", "location", "signal"],
                name="one_breaker_per_scope",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(probes_left__gte=0), name="probes_not_negative"),
            models.CheckConstraint(
                condition=~Q(state="open") | Q(tries_at__isnull=False), name="open_breaker_cools"
            ),
            models.CheckConstraint(
                condition=Q(play__isnull=True) | Q(location__isnull=False),
                name="breaker_of_play_has_location",
            ),
        ]
        indexes = [
            models.Index(
                fields=["location", "play"], name="breaker_holding", condition=~Q(state="closed")
            )
        ]


class BreakerProbe(models.Model):
    """A message let through a half-open breaker, to see what becomes of it."""

    breaker = models.ForeignKey(Breaker, models.CASCADE, related_name="probes")
    round = models.IntegerField()
    message = models.ForeignKey(Message, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["breaker", "round", "message"], name="one_probe_per_message"
            )
        ]
