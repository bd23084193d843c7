"""What retention keeps of its own: the member list's roll-up, its history, and saved views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q

from memberships.models import Guest, LocatedQuerySet, Location, Membership, Plan
from risk.models import Band

if TYPE_CHECKING:
    from datetime import date, datetime

AT_RISK = [Band.HIGH, Band.VERY_HIGH]


class MemberRowQuerySet(LocatedQuerySet):
    def running(self) -> Self:
        """Contracts that bind today."""
        return self.filter(is_running=True)

    def at_risk(self) -> Self:
        """Running contracts in the bands High and Very high."""
        return self.filter(is_running=True, band__in=AT_RISK)

    def joined(self, first: date, last: date) -> Self:
        """Contracts that began from `first` to `last`, both included."""
        return self.filter(started_on__range=(first, last))

    def left(self, first: date, last: date) -> Self:
        """People who left from `first` to `last`, both included, and have no contract since. Who
        only changed the plan has not left."""
        return self.filter(ended_on__range=(first, last), is_running=False, is_current=True)

    def without_booking(self, now: datetime) -> Self:
        """Nobody of these is booked after the instant `now`."""
        return self.filter(Q(next_booking_at__isnull=True) | Q(next_booking_at__lte=now))

    def worst_first(self) -> Self:
        """The highest score first; contracts without one at the end."""
        return self.order_by(F("score").desc(nulls_last=True), "membership_id")


class MemberRow(models.Model):
    """Roll-up: one contract with all that the member list filters, sorts and counts by.

    Rewritten by `services.refresh_location` after the night's scores and by
    `services.refresh_guests` when the mirror changes, so that a page never joins the whole
    mirror. What a page shows of its 50 rows is read from the mirror itself.
    """

    membership = models.OneToOneField(Membership, models.CASCADE, primary_key=True)
    guest = models.ForeignKey(Guest, models.CASCADE, related_name="member_rows")
    location = models.ForeignKey(Location, models.CASCADE)
    plan = models.ForeignKey(Plan, models.CASCADE)
    status = models.CharField(max_length=12, choices=Membership.Status.choices)
    is_running = models.BooleanField()
    # The contract that stands for the guest: the newest running one, else the newest.
    is_current = models.BooleanField()
    sort_name = models.CharField(max_length=161)  # "moss ada", without accents
    search = models.TextField()  # name, code, phone digits, mailbox: lower case, no accents
    score = models.SmallIntegerField(null=True, blank=True)
    band = models.CharField(max_length=10, choices=Band.choices, default=Band.UNKNOWN)
    cause = models.CharField(max_length=40, blank=True)  # of the strongest reason that raises
    monthly_cents = models.BigIntegerField(default=0)  # price spread over the plan's months
    started_on = models.DateField()
    renews_on = models.DateField(null=True, blank=True)  # end of the term, else the next charge
    ended_on = models.DateField(null=True, blank=True)
    last_visit_on = models.DateField(null=True, blank=True)
    next_booking_at = models.DateTimeField(null=True, blank=True)
    sms_allowed = models.BooleanField(default=False)  # marketing consent and a number
    email_allowed = models.BooleanField(default=False)

    objects = MemberRowQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                F("location"),
                F("score").desc(nulls_last=True),
                F("membership"),
                name="member_worst_of_location",
                condition=Q(is_running=True),
            ),
            models.Index(
                F("score").desc(nulls_last=True),
                F("membership"),
                name="member_worst_of_all",
                condition=Q(is_running=True),
            ),
            # Everything that is counted, so that counting reads the index alone.
            models.Index(
                fields=["location", "band"],
                include=["cause", "plan", "status", "is_running", "monthly_cents"],
                name="member_figures",
            ),
            models.Index(fields=["location", "started_on"], name="member_joined"),
            models.Index(
                fields=["location", "ended_on"],
                name="member_left",
                condition=Q(ended_on__isnull=False),
            ),
            models.Index(fields=["sort_name", "membership"], name="member_by_name"),
            models.Index(
                fields=["location", "sort_name", "membership"], name="member_by_name_of_location"
            ),
            GinIndex(OpClass("search", name="gin_trgm_ops"), name="member_search"),
        ]


class MemberTally(models.Model):
    """How many member rows of a kind a location has: the sum of `n` over its rows here.

    A trigger on the member rows adds a row for every change, with the change itself and by whatever
    path it came (migration 0002): writers never wait for each other, and no count is ever behind
    its list. `services.refresh_location` puts one row per kind in their place.
    """

    location = models.ForeignKey(Location, models.CASCADE, related_name="+", db_index=False)
    band = models.CharField(max_length=10, choices=Band.choices)
    cause = models.CharField(max_length=40, blank=True)
    plan = models.ForeignKey(Plan, models.CASCADE, related_name="+", db_index=False)
    status = models.CharField(max_length=12, choices=Membership.Status.choices)
    is_running = models.BooleanField()
    n = models.IntegerField()

    objects = LocatedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["location"], name="member_tally_of_location")]


class AtRiskDay(models.Model):
    """How a location's members stood on one local day. Kept for the comparison with earlier."""

    location = models.ForeignKey(Location, models.CASCADE)
    on = models.DateField()
    members = models.IntegerField()
    at_risk = models.IntegerField()
    at_risk_cents = models.BigIntegerField()  # what the members at risk pay in a month

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["location", "on"], name="at_risk_day_once"),
            models.CheckConstraint(
                condition=Q(at_risk__gte=0, members__gte=F("at_risk")), name="at_risk_of_members"
            ),
        ]


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def open_to(self, user: models.Model) -> Self:
        """The person's own views and those colleagues share."""
        return self.filter(Q(owner=user) | Q(is_shared=True))


class SavedView(models.Model):
    """A named filter of /members/. Private to its owner, or shared."""

    name = models.CharField(max_length=60)
    query = models.CharField(max_length=500)  # the query string, without the question mark
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    is_shared = models.BooleanField(default=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="view_named_once"),
            models.CheckConstraint(condition=~Q(name=""), name="view_has_a_name"),
        ]
