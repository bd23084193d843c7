"""What the night has counted of each play at each location, so that lists of many count nothing."""

from __future__ import annotations

from django.db import models

from memberships.models import LocatedQuerySet, Location
from outreach.models.library import Play


class PlayTally(models.Model):
    """The counts of `evidence.Numbers` for one play at one location. There is a row for every play
    at every location that has had a night, made anew by each (tallies.py)."""

    play = models.ForeignKey(Play, models.CASCADE, related_name="+")
    location = models.ForeignKey(Location, models.CASCADE, related_name="+")
    counted_at = models.DateTimeField()
    drafts = models.IntegerField(default=0)
    as_is = models.IntegerField(default=0)
    edited = models.IntegerField(default=0)
    rejected_person = models.IntegerField(default=0)
    rejected_offer = models.IntegerField(default=0)
    rejected_words = models.IntegerField(default=0)
    rejected_not_now = models.IntegerField(default=0)
    expired = models.IntegerField(default=0)
    by_rule = models.IntegerField(default=0)
    waiting = models.IntegerField(default=0)
    messages = models.IntegerField(default=0)
    taken_back = models.IntegerField(default=0)
    sent = models.IntegerField(default=0)
    sent_by_rule = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    undelivered = models.IntegerField(default=0)
    stops = models.IntegerField(default=0)
    treated = models.IntegerField(default=0)
    treated_kept = models.IntegerField(default=0)
    held_out = models.IntegerField(default=0)
    held_out_kept = models.IntegerField(default=0)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "play"], name="play_tally_once")]


class ExperimentTally(models.Model):
    """One arm of one play's experiment among the guests at home at one location: people, sums and
    sums of squares, so that the rows of several locations add up (experiments.py says of what).

    `known_30` are members whose 30 days have passed since the draw, `kept_30` those of them who
    still were members then. Visits and cents are those of the first 60 days of the `known_60`.
    """

    play = models.ForeignKey(Play, models.CASCADE, related_name="+")
    location = models.ForeignKey(Location, models.CASCADE, related_name="+")
    is_held_out = models.BooleanField()
    counted_at = models.DateTimeField()
    drawn = models.IntegerField(default=0)
    lately = models.IntegerField(default=0)
    known_30 = models.IntegerField(default=0)
    kept_30 = models.IntegerField(default=0)
    known_60 = models.IntegerField(default=0)
    kept_60 = models.IntegerField(default=0)
    known_90 = models.IntegerField(default=0)
    kept_90 = models.IntegerField(default=0)
    visits = models.FloatField(default=0)
    visits_squared = models.FloatField(default=0)
    cents = models.FloatField(default=0)
    cents_squared = models.FloatField(default=0)
    spent_cents = models.BigIntegerField(default=0)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["location", "play", "is_held_out"], name="experiment_tally_once"
            )
        ]
