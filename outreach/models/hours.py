"""When the law of a place lets a guest be called or texted: data, not code."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class CallingHours(models.Model):
    """The hours of one country or state on some days of the week, on the guest's own clock.

    A place may have several rows, each for other days; a day that none of its rows names is shut.
    Rows are put out of force, not deleted: what held at the time of a message can be looked up.
    """

    jurisdiction = models.CharField(max_length=10)  # US, US-FL, GB
    weekdays = ArrayField(models.SmallIntegerField())  # Monday 1 to Sunday 7, in order
    opens = models.TimeField()
    closes = models.TimeField()  # the first minute that is shut again
    marketing_only = models.BooleanField(default=True)
    # A clock that must agree besides the guest's own; empty: the guest's own alone.
    also_zone = models.CharField(max_length=60, blank=True)
    source = models.CharField(max_length=200)
    note = models.CharField(max_length=300, blank=True)
    in_force = models.BooleanField(default=True)
    changed_at = models.DateTimeField(null=True, blank=True)  # null: as delivered
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    # What a decision reads of a row.
    LINE = ["jurisdiction", "weekdays", "opens", "closes", "marketing_only", "also_zone"]

    class Meta:
        ordering = ["jurisdiction", "weekdays"]
        constraints = [
            models.CheckConstraint(
                condition=Q(closes__gt=F("opens")), name="calling_hours_open_then_close"
            ),
            models.CheckConstraint(
                condition=Q(weekdays__len__gt=0) & Q(weekdays__contained_by=[1, 2, 3, 4, 5, 6, 7]),
                name="calling_hours_name_days",
            ),
            models.UniqueConstraint(
                fields=["jurisdiction", "weekdays"],
                condition=Q(in_force=True),
                name="calling_hours_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.jurisdiction} {self.opens:%H:%M}-{self.closes:%H:%M}"
