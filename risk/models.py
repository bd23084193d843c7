"""Scores with their reasons, and the registry of the models that gave them."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from memberships.models import Appointment, Guest, LocatedQuerySet, Location, Membership


class Target(models.TextChoices):
    CHURN = "churn", "membership ends"
    CANCELLATION = "cancellation", "booking falls through"


class Band(models.TextChoices):
    LOW = "low", "Low"
    WATCH = "watch", "Watch"
    HIGH = "high", "High"
    VERY_HIGH = "very_high", "Very high"
    UNKNOWN = "unknown", "Not enough data"


class ModelVersion(models.Model):
    """One trained model, or the scorecard. Its artefact is signed plain JSON (INV-19)."""

    class Status(models.TextChoices):
        CHAMPION = "champion", "serving"
        SHADOW = "shadow", "in shadow"
        RETIRED = "retired", "retired"
        REFUSED = "refused", "refused"

    target = models.CharField(max_length=15, choices=Target.choices)
    name = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=30)  # scorecard, additive
    status = models.CharField(max_length=10, choices=Status.choices)
    trained_at = models.DateTimeField()
    data_from_on = models.DateField(null=True, blank=True)
    data_until_on = models.DateField(null=True, blank=True)
    rows = models.IntegerField(default=0)
    positives = models.IntegerField(default=0)
    features = models.JSONField(default=list)
    metrics = models.JSONField(default=dict)
    libraries = models.JSONField(default=dict)
    artefact = models.TextField()
    signature = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target"], condition=Q(status="champion"), name="one_champion_per_target"
            )
        ]

    def __str__(self) -> str:
        return self.name


class BandThreshold(models.Model):
    """From which score a band begins. Editable on the settings page."""

    target = models.CharField(max_length=15, choices=Target.choices)
    band = models.CharField(max_length=10, choices=Band.choices)
    min_score = models.SmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["target", "band"], name="threshold_once_per_band"),
            models.CheckConstraint(
                condition=Q(min_score__gte=0, min_score__lte=100), name="threshold_0_to_100"
            ),
        ]


class ScoreBase(models.Model):
    """What every score carries: probability, score, band, reasons in words, model and time.

    Every row is written each night, so a foreign key has an index of its own only where somebody
    asks by it.

    `reasons` is a list of at most three
    {"cause", "text", "value", "norm", "contribution", "direction": "raises" | "lowers"}.
    `confidence` is "good", "fair" or "low", and `confidence_note` says why.
    """

    location = models.ForeignKey(Location, models.CASCADE, db_index=False)
    p = models.FloatField()  # calibrated probability, 0 to 1
    score = models.SmallIntegerField()
    band = models.CharField(max_length=10, choices=Band.choices)
    reasons = models.JSONField(default=list)
    confidence = models.CharField(max_length=5, default="good")
    confidence_note = models.CharField(max_length=200, blank=True)
    model = models.ForeignKey(ModelVersion, models.PROTECT, db_index=False)
    as_of_on = models.DateField()
    scored_at = models.DateTimeField()

    objects = LocatedQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(condition=Q(p__gte=0, p__lte=1), name="%(class)s_p_0_to_1"),
            models.CheckConstraint(
                condition=Q(score__gte=0, score__lte=100), name="%(class)s_score_0_to_100"
            ),
        ]


class ChurnScore(ScoreBase):
    """The newest churn score of one running membership: the chance that it ends within 60 days."""

    membership = models.OneToOneField(Membership, models.CASCADE, related_name="churn_score")
    guest = models.ForeignKey(Guest, models.CASCADE, related_name="churn_scores")
    p_voluntary = models.FloatField(null=True, blank=True)
    p_involuntary = models.FloatField(null=True, blank=True)
    score_week_ago = models.SmallIntegerField(null=True, blank=True)

    class Meta(ScoreBase.Meta):
        indexes = [
            models.Index(fields=["location", "-score"], name="churn_worst_first"),
            models.Index(fields=["location", "band"], name="churn_by_band"),
        ]


class ChurnScoreDay(models.Model):
    """Yesterday's and older churn scores, for the change in 7 days and for measuring later.

    So many rows are added each night that the database does not check the foreign keys: Django
    deletes the days of a membership with it, and models are never deleted.
    """

    membership = models.ForeignKey(Membership, models.CASCADE, db_index=False, db_constraint=False)
    as_of_on = models.DateField()
    p = models.FloatField()
    score = models.SmallIntegerField()
    model = models.ForeignKey(ModelVersion, models.PROTECT, db_index=False, db_constraint=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["membership", "as_of_on"], name="churn_day_once")
        ]
        indexes = [BrinIndex(fields=["as_of_on"], name="churn_day_by_day")]


class BookingScore(ScoreBase):
    """The newest score of one coming appointment: the chance that it is cancelled or missed."""

    appointment = models.OneToOneField(Appointment, models.CASCADE, related_name="booking_score")
    guest = models.ForeignKey(Guest, models.CASCADE, related_name="booking_scores")
    p_no_show = models.FloatField(null=True, blank=True)

    class Meta(ScoreBase.Meta):
        indexes = [models.Index(fields=["location", "-score"], name="booking_worst_first")]


class OutcomeMonth(models.Model):
    """Roll-up: how the bookings of one month ended, for the business, a location or a service.

    Features read the six months before a booking's month from here, so that one booking can be
    scored without counting the whole book. Rebuilt by the nightly booking run.
    """

    class Scope(models.TextChoices):
        BUSINESS = "business", "business"
        LOCATION = "location", "location"
        SERVICE = "service", "service"

    scope = models.CharField(max_length=10, choices=Scope.choices)
    scope_id = models.BigIntegerField(default=0)  # of the location or the service; business: 0
    month_on = models.DateField()  # first day of the month of the booking's start
    ended = models.IntegerField(default=0)  # bookings that were kept, cancelled or missed
    cancelled = models.IntegerField(default=0)
    no_shows = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "scope_id", "month_on"], name="outcome_month_once"
            ),
            models.CheckConstraint(
                condition=Q(ended__gte=F("cancelled") + F("no_shows")),
                name="outcome_month_adds_up",
            ),
        ]


class UpliftEstimate(models.Model):
    """What the experiment of one play has shown by a day: what contact changes on average, and
    whether it can be told beforehand for whom. Shown to staff; decides nothing by itself."""

    class Verdict(models.TextChoices):
        USABLE = "usable", "differences can be used"
        NO_DIFFERENCE = "no_difference", "no usable difference"
        NOT_ENOUGH = "not_enough", "not enough data yet"

    play = models.SlugField(max_length=40)  # of a higher app
    as_of_on = models.DateField()
    estimated_at = models.DateTimeField()
    verdict = models.CharField(max_length=15, choices=Verdict.choices)
    sentence = models.TextField()  # the verdict in words for staff
    treated = models.IntegerField()
    held_out = models.IntegerField()
    report = models.JSONField(default=dict)  # average effect, learners, ranking; no person

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["play", "as_of_on"], name="uplift_once_per_day")
        ]
