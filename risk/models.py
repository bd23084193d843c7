"""Scores with their reasons, and the registry of the models that gave them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from memberships.models import Appointment, Guest, LocatedQuerySet, Location, Membership
from risk import naming


class Target(models.TextChoices):
    CHURN = "churn", "membership ends"
    CANCELLATION = "cancellation", "booking falls through"


class Band(models.TextChoices):
    LOW = "low", "Low"
    WATCH = "watch", "Watch"
    HIGH = "high", "High"
    VERY_HIGH = "very_high", "Very high"
    UNKNOWN = "unknown", "Not enough data"


class Flag(models.TextChoices):
    """Why a score is in doubt. A score with a flag is for people to act on (INV-20)."""

    THIN_HISTORY = "thin_history", "little is known yet"
    OUT_OF_DISTRIBUTION = "out_of_distribution", "unlike anybody seen before"
    MISSING_INPUTS = "missing_inputs", "facts are missing"
    STALE_SYNC = "stale_sync", "data is behind"
    MODEL_DRIFT = "model_drift", "things have changed"
    SCORECARD = "scorecard", "general experience"


class ModelVersion(models.Model):
    """One trained model, or the scorecard. Its artefact is signed plain JSON (INV-19)."""

    class Status(models.TextChoices):
        CHAMPION = "champion", "serving"
        SHADOW = "shadow", "in shadow"
        RETIRED = "retired", "retired"
        REFUSED = "refused", "refused"
        ARCHIVED = "archived", "archived, its tables are gone"

    target = models.CharField(max_length=15, choices=Target.choices)
    name = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=30)  # scorecard, additive
    status = models.CharField(max_length=10, choices=Status.choices)
    trained_at = models.DateTimeField()
    served_at = models.DateTimeField(null=True, blank=True)  # last put to work
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

    @property
    def in_words(self) -> str:
        """As it stands within a sentence for staff."""
        return naming.in_words(self.name)


class ModelReference(models.Model):
    """What a model learned from, in counts: bins of each input, how often each was filled, how far
    nights stray by themselves, how calibration scatters (risk/engine/drift.py). Made when the model
    is trained, never changed."""

    model = models.OneToOneField(ModelVersion, models.CASCADE, related_name="reference")
    bins = models.JSONField(default=dict)
    inputs = models.JSONField(default=dict)
    calm = models.JSONField(default=dict)


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
    `confidence` is "good", "fair" or "low", and `confidence_note` says why. `flags` name each
    doubt.
    """

    location = models.ForeignKey(Location, models.CASCADE, db_index=False)
    p = models.FloatField()  # calibrated probability, 0 to 1
    p_low = models.FloatField(null=True, blank=True)  # 95 % interval; null: nobody knows how wide
    p_high = models.FloatField(null=True, blank=True)
    score = models.SmallIntegerField()
    band = models.CharField(max_length=10, choices=Band.choices)
    reasons = models.JSONField(default=list)
    confidence = models.CharField(max_length=5, default="good")
    confidence_note = models.CharField(max_length=200, blank=True)
    flags = ArrayField(models.CharField(max_length=20, choices=Flag.choices), default=list)
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

    @property
    def may_act(self) -> bool:
        """May something be done on this score without a person? Any doubt says no."""
        return self.confidence != "low" and not self.flags

    @property
    def doubts(self) -> list[str]:
        """The flags in words."""
        return [str(Flag(flag).label) for flag in self.flags]


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
    shadow_p = models.FloatField(null=True, blank=True)
    shadow_model = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, blank=True, related_name="+"
    )

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


class BookingScoreDay(models.Model):
    """The score a booking had in the night of the day before, kept to be measured. Bookings made
    later than that night have none. Kept for a hundred days."""

    appointment = models.ForeignKey(Appointment, models.CASCADE)
    as_of_on = models.DateField()
    p = models.FloatField()
    score = models.SmallIntegerField()
    model = models.ForeignKey(ModelVersion, models.PROTECT)
    shadow_p = models.FloatField(null=True, blank=True)
    shadow_model = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["appointment", "as_of_on"], name="booking_day_once")
        ]
        indexes = [BrinIndex(fields=["as_of_on"], name="booking_day_by_day")]


class ScoringDay(models.Model):
    """Roll-up: what one location's night looked like to one model. `inputs` has the counts by place
    of the model's bins (`ModelReference.bins`), "score" among them; nothing in it is about one
    guest. Kept for a hundred days."""

    target = models.CharField(max_length=15, choices=Target.choices)
    location = models.ForeignKey(Location, models.CASCADE)
    as_of_on = models.DateField()
    model = models.ForeignKey(ModelVersion, models.CASCADE)
    rows = models.IntegerField()
    inputs = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "location", "as_of_on", "model"], name="scoring_day_once"
            )
        ]


class OutcomeDay(models.Model):
    """Roll-up: outcomes of the whole business that became known on one day, by bins of the score
    (risk/quality/outcomes.py), for the model that gave the scores. `loss` and `shadow_loss` are
    sums of log losses over the `paired` cases that a shadow scored too."""

    target = models.CharField(max_length=15, choices=Target.choices)
    model = models.ForeignKey(ModelVersion, models.CASCADE)
    shadow_model = models.ForeignKey(
        ModelVersion, models.CASCADE, null=True, blank=True, related_name="+"
    )
    known_on = models.DateField()
    n = ArrayField(models.FloatField())
    expected = ArrayField(models.FloatField())
    seen = ArrayField(models.FloatField())
    paired = models.IntegerField(default=0)
    loss = models.FloatField(default=0.0)
    shadow_loss = models.FloatField(default=0.0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "model", "shadow_model", "known_on"],
                name="outcome_day_once",
                nulls_distinct=False,
            )
        ]


class OutcomeGroup(models.Model):
    """Roll-up: what was said and what came true for the cases whose outcome became known in one
    month, by location and one division: "score" (bin), "band", or a permitted group ("plan",
    "tenure", "channel", "lead")."""

    target = models.CharField(max_length=15, choices=Target.choices)
    model = models.ForeignKey(ModelVersion, models.CASCADE)
    location = models.ForeignKey(Location, models.CASCADE)
    month_on = models.DateField()
    division = models.CharField(max_length=10)
    value = models.CharField(max_length=30)
    n = models.IntegerField()
    expected = models.FloatField()
    seen = models.IntegerField()

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "month_on", "division", "location", "model", "value"],
                name="outcome_group_once",
            ),
            models.CheckConstraint(condition=Q(seen__lte=F("n")), name="outcome_group_adds_up"),
        ]


class DriftAlarm(models.Model):
    """Something about a target's inputs, scores or outcomes is not as the model knows it. Raised by
    the daily check, cleared when the check finds it gone or another model serves."""

    class Kind(models.TextChoices):
        INPUT = "input", "input"
        MISSING = "missing", "missing input"
        SCORE = "score", "scores"
        VOLUME = "volume", "volume"
        LEVEL = "level", "level of outcomes"
        SLOPE = "slope", "spread of outcomes"

    target = models.CharField(max_length=15, choices=Target.choices)
    model = models.ForeignKey(ModelVersion, models.CASCADE)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    input = models.CharField(max_length=60)  # or "score", "rows", "outcomes"
    location = models.ForeignKey(Location, models.CASCADE, null=True, blank=True)
    size = models.FloatField()
    detail = models.JSONField(default=dict)
    sentence = models.CharField(max_length=300)
    raised_at = models.DateTimeField()
    seen_at = models.DateTimeField()  # by the newest check that found it
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "input", "location"],
                condition=Q(cleared_at=None),
                name="one_open_alarm_per_input",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return self.sentence


class InputExclusion(models.Model):
    """An input left out of the scores of a target: of one guest's at their request, or, without a
    guest, of everybody's by a setting. It counts as average and is in no reason."""

    target = models.CharField(max_length=15, choices=Target.choices)
    input = models.CharField(max_length=40)
    guest = models.ForeignKey(
        Guest, models.CASCADE, null=True, blank=True, related_name="excluded_inputs"
    )
    reason = models.CharField(max_length=200)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "input", "guest"],
                name="input_excluded_once",
                nulls_distinct=False,
            )
        ]


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
