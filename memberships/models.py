"""The mirror: what the booking platform says. Only the sync in this app writes here.

Every mirrored row carries the platform's id (`external_id`). Instants are aware UTC (`_at`), plain
dates are local to the location (`_on`), money is whole cents in the currency of the location.

The large tables go without the index Django gives every foreign key and every unique text where
another index begins with that column or nobody asks by it: each one costs time on millions of rows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q, Value

if TYPE_CHECKING:
    from datetime import date, datetime


def among(column: str, rows: Any) -> Func:
    """A condition: `column` is a key of the queryset's rows, the ones a page shows. They are found
    first, by an index alone, and only then joined to all that is shown of them. With `pk__in` the
    planner may join every row there is before it looks which were asked for (3 s, not 0.01 s)."""
    return Func(
        F(column),
        ArraySubquery(rows.values("pk")),
        template="(%(expressions)s))",
        arg_joiner=" = ANY (",
        output_field=models.BooleanField(),
    )


def found_by(function: str, column: str, pattern: str) -> Func:
    """A condition: `column` is one of the keys a function of the database finds by a pattern. A row
    policy is asked before a pattern is compared and keeps it from its index; such a
    function reads as the owner of the table and gives nothing but keys (audit/policies.py)."""
    return Func(
        F(column),
        Value(pattern),
        template="(%(expressions)s))::bigint[]))",
        arg_joiner=f" = ANY ((SELECT {function}(",
        output_field=models.BooleanField(),
    )


def named(column: str, word: str) -> Func:
    """A condition: `column` is a guest whose first or last name holds these letters, capitals or
    not. As a pattern, which the trigram index answers; `icontains` asks for UPPER(name), which no
    index has."""
    return found_by("memberships_named", column, re.escape(word))


class LocatedQuerySet(models.QuerySet[Any]):
    """Rows that belong to a location: `location_path` says how to reach it."""

    location_path = "location"

    def visible_to(self, user: Any) -> Self:
        """Only rows of locations the user serves. The user object brings `all_locations` and
        `location_ids()`; nobody signed in sees nothing."""
        if getattr(user, "all_locations", False):
            return self
        ids = user.location_ids() if getattr(user, "is_authenticated", False) else []
        return self.filter(**{f"{self.location_path}__in": ids})

    def at(self, location_id: int | None) -> Self:
        """Narrowed to one location; None leaves the rows as they are."""
        return self if location_id is None else self.filter(**{self.location_path: location_id})


class LocationQuerySet(LocatedQuerySet):
    location_path = "pk"


class Location(models.Model):
    """A place of the business (Zenoti: centre)."""

    external_id = models.CharField(max_length=64, unique=True)
    code = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=60)
    currency = models.CharField(max_length=3, default="USD")
    country = models.CharField(max_length=2, default="US")
    region = models.CharField(max_length=40, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    email = models.EmailField(blank=True)
    late_cancel_hours = models.IntegerField(default=24)
    is_active = models.BooleanField(default=True)

    objects = LocationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def today(self, now: datetime) -> date:
        """The local date of the location at the instant `now`."""
        return now.astimezone(self.zone).date()


class Plan(models.Model):
    """A membership on sale, or once on sale (catalogue)."""

    class Kind(models.TextChoices):
        RECURRING = "recurring", "recurring"
        NON_RECURRING = "non_recurring", "non-recurring"

    external_id = models.CharField(max_length=64, unique=True)
    code = models.CharField(max_length=60, blank=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=15, choices=Kind.choices)
    price_cents = models.BigIntegerField(null=True, blank=True)
    period_months = models.IntegerField(null=True, blank=True)
    is_on_sale = models.BooleanField(default=True)
    description = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """A treatment that can be booked."""

    external_id = models.CharField(max_length=64, unique=True)
    code = models.CharField(max_length=60, blank=True)
    name = models.CharField(max_length=120)
    category = models.CharField(max_length=80, blank=True)
    duration_minutes = models.IntegerField(null=True, blank=True)
    price_cents = models.BigIntegerField(null=True, blank=True)
    is_addon = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


class Therapist(models.Model):
    """A person of the platform who gives treatments. Not a user of Tenure."""

    external_id = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    job = models.CharField(max_length=80, blank=True)
    location = models.ForeignKey(Location, models.PROTECT, null=True, blank=True)
    is_active = models.BooleanField(default=True)

    objects = LocatedQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class GuestQuerySet(LocatedQuerySet):
    def present(self) -> Self:
        """Guests the platform still lists: not deleted, not merged into another."""
        return self.filter(vanished_at__isnull=True, merged_into__isnull=True)


class Guest(models.Model):
    """A person who comes. `location` is the guest's home location."""

    external_id = models.CharField(max_length=64)
    code = models.CharField(max_length=40, blank=True)
    location = models.ForeignKey(Location, models.PROTECT, related_name="guests", db_index=False)
    first_name = models.CharField(max_length=80, blank=True)
    last_name = models.CharField(max_length=80, blank=True)
    email = models.CharField(max_length=254, blank=True)  # in small letters
    phone = models.CharField(max_length=20, blank=True)  # E.164, empty when it cannot be parsed
    phone_as_given = models.CharField(max_length=40, blank=True)
    gender = models.CharField(max_length=10, blank=True)
    language = models.CharField(max_length=8, blank=True)
    time_zone = models.CharField(max_length=60, blank=True)  # empty: the location's
    registered_at = models.DateTimeField(null=True, blank=True)
    sms_marketing = models.BooleanField(default=False)
    sms_transactional = models.BooleanField(default=False)
    email_marketing = models.BooleanField(default=False)
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    merged_into = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, db_index=False)
    # When consents were last read; null: never, and then nothing may be assumed.
    consents_at = models.DateTimeField(null=True, blank=True)
    vanished_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)  # when this state was asked for

    objects = GuestQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["external_id"], name="guest_once")]
        indexes = [
            models.Index(fields=["location", "last_name", "first_name"], name="guest_by_name"),
            models.Index(fields=["phone"], name="guest_by_phone"),
            models.Index(fields=["email"], name="guest_by_email"),
            GinIndex(
                name="guest_search",
                fields=["first_name", "last_name"],
                opclasses=["gin_trgm_ops", "gin_trgm_ops"],
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or f"Guest {self.code or self.pk}"


class MembershipQuerySet(LocatedQuerySet):
    def running(self) -> Self:
        """Contracts that bind today: active, frozen (paused) or suspended for payment."""
        return self.filter(status__in=Membership.RUNNING)


class Membership(models.Model):
    """A guest's contract. Ended ones stay, with when and how they ended."""

    class Status(models.TextChoices):
        NOT_STARTED = "not_started", "not started"
        ACTIVE = "active", "active"
        FROZEN = "frozen", "paused"
        SUSPENDED = "suspended", "suspended, payment failed"
        FAILED = "failed", "payment failed"
        CANCELLED = "cancelled", "cancelled"
        EXPIRED = "expired", "expired"
        CLOSED = "closed", "closed"
        INACTIVE = "inactive", "inactive"
        REFUNDED = "refunded", "refunded"
        DELETED = "deleted", "deleted"
        UNKNOWN = "unknown", "unknown"

    class Ending(models.TextChoices):
        VOLUNTARY = "voluntary", "cancelled or not renewed"
        INVOLUNTARY = "involuntary", "payment failure"

    RUNNING = [Status.ACTIVE, Status.FROZEN, Status.SUSPENDED, Status.FAILED]

    external_id = models.CharField(max_length=64)
    guest = models.ForeignKey(Guest, models.PROTECT, related_name="memberships", db_index=False)
    location = models.ForeignKey(Location, models.PROTECT, db_index=False)
    plan = models.ForeignKey(Plan, models.PROTECT, db_index=False)
    status = models.CharField(max_length=12, choices=Status.choices)
    recurrence_status = models.CharField(max_length=12, blank=True)
    started_on = models.DateField()
    member_since_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    sold_on = models.DateField(null=True, blank=True)
    auto_renews = models.BooleanField(default=False)
    price_cents = models.BigIntegerField(null=True, blank=True)
    next_charge_on = models.DateField(null=True, blank=True)
    next_charge_cents = models.BigIntegerField(null=True, blank=True)
    card_expires_on = models.DateField(null=True, blank=True)  # last day of the card's month
    frozen_on = models.DateField(null=True, blank=True)
    frozen_until_on = models.DateField(null=True, blank=True)
    suspended_on = models.DateField(null=True, blank=True)
    cancel_requested_on = models.DateField(null=True, blank=True)
    terminates_on = models.DateField(null=True, blank=True)  # announced last day, once cancelled
    cancelled_on = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True)  # when the contract stopped to bind
    ending = models.CharField(max_length=12, choices=Ending.choices, blank=True)
    credit_total_cents = models.BigIntegerField(null=True, blank=True)
    credit_balance_cents = models.BigIntegerField(null=True, blank=True)
    # When the platform's row was last read in detail (balances, charges); null: never.
    detailed_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)  # when this state was asked for

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["external_id"], name="membership_once"),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("started_on")),
                name="membership_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(ending="") | Q(ended_on__isnull=False), name="membership_ending_dated"
            ),
        ]
        indexes = [
            models.Index(fields=["location", "status"], name="membership_running"),
            models.Index(fields=["guest", "-started_on"], name="membership_of_guest"),
            models.Index(fields=["location", "ended_on"], name="membership_ended"),
        ]


class Benefit(models.Model):
    """Credits a plan grants for one service: how many, how many used, until when."""

    membership = models.ForeignKey(
        Membership, models.CASCADE, related_name="benefits", db_index=False
    )
    service = models.ForeignKey(Service, models.PROTECT, null=True, blank=True, db_index=False)
    service_external_id = models.CharField(max_length=64)
    service_name = models.CharField(max_length=120)
    total = models.IntegerField(default=0)
    used = models.IntegerField(default=0)
    balance = models.IntegerField(default=0)
    expired = models.IntegerField(default=0)
    expires_on = models.DateField(null=True, blank=True)
    last_used_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["membership", "service_external_id"], name="benefit_once_per_service"
            )
        ]


class Charge(models.Model):
    """One payment of a membership, or an attempt that failed."""

    class Status(models.TextChoices):
        PAID = "paid", "paid"
        FAILED = "failed", "failed"
        OPEN = "open", "open"
        REFUNDED = "refunded", "refunded"

    external_id = models.CharField(max_length=100)
    membership = models.ForeignKey(
        Membership, models.CASCADE, null=True, blank=True, related_name="charges"
    )
    guest = models.ForeignKey(Guest, models.PROTECT, related_name="charges", db_index=False)
    location = models.ForeignKey(Location, models.PROTECT, db_index=False)
    charged_on = models.DateField()
    status = models.CharField(max_length=10, choices=Status.choices)
    amount_cents = models.BigIntegerField()
    due_cents = models.BigIntegerField(default=0)
    payment_type = models.CharField(max_length=40, blank=True)
    decline_code = models.CharField(max_length=40, blank=True)
    invoice_no = models.CharField(max_length=40, blank=True)
    invoice_external_id = models.CharField(max_length=64, blank=True)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["external_id"], name="charge_once")]
        indexes = [
            models.Index(fields=["guest", "-charged_on"], name="charge_of_guest"),
            models.Index(fields=["invoice_external_id"], name="charge_of_invoice"),
            models.Index(fields=["location", "charged_on", "status"], name="charge_by_day"),
        ]


class AppointmentQuerySet(LocatedQuerySet):
    def coming(self) -> Self:
        """Bookings that still stand: not yet started, completed, cancelled or missed."""
        return self.filter(status__in=Appointment.COMING)


class Appointment(models.Model):
    """A booking of one service. A visit once completed."""

    class Status(models.TextChoices):
        BOOKED = "booked", "booked"
        CONFIRMED = "confirmed", "confirmed"
        CHECKED_IN = "checked_in", "checked in"
        COMPLETED = "completed", "completed"
        CANCELLED = "cancelled", "cancelled"
        NO_SHOW = "no_show", "no-show"
        VOIDED = "voided", "voided"

    COMING = [Status.BOOKED, Status.CONFIRMED]

    external_id = models.CharField(max_length=64)
    group_external_id = models.CharField(max_length=64, blank=True)
    invoice_external_id = models.CharField(max_length=64, blank=True)
    location = models.ForeignKey(Location, models.PROTECT, db_index=False)
    guest = models.ForeignKey(Guest, models.PROTECT, related_name="appointments", db_index=False)
    service = models.ForeignKey(Service, models.PROTECT, null=True, blank=True, db_index=False)
    therapist = models.ForeignKey(Therapist, models.PROTECT, null=True, blank=True, db_index=False)
    status = models.CharField(max_length=10, choices=Status.choices)
    booked_at = models.DateTimeField(null=True, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    starts_on = models.DateField()  # local to the location
    cancelled_at = models.DateTimeField(
        null=True, blank=True
    )  # first seen cancelled, when not told
    is_late_cancellation = models.BooleanField(default=False)
    cancel_reason = models.CharField(max_length=120, blank=True)
    channel = models.CharField(max_length=30, blank=True)  # desk, online, app, ...
    price_cents = models.BigIntegerField(null=True, blank=True)
    is_first_visit = models.BooleanField(null=True, blank=True)
    vanished_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)  # when this state was asked for

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["external_id"], name="appointment_once"),
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at")), name="appointment_ends_after_start"
            ),
        ]
        indexes = [
            models.Index(fields=["location", "starts_on"], name="appointment_by_day"),
            models.Index(fields=["guest", "starts_at"], name="appointment_of_guest"),
            models.Index(fields=["group_external_id"], name="appointment_group"),
            models.Index(
                fields=["location", "starts_on", "starts_at"],
                name="appointment_coming",
                condition=Q(status__in=["booked", "confirmed"]),
            ),
        ]


class WaitlistEntry(models.Model):
    """A guest who would come earlier, or at all, if a slot opened."""

    class Status(models.TextChoices):
        OPEN = "open", "open"
        BOOKED = "booked", "booked"
        WITHDRAWN = "withdrawn", "withdrawn"
        EXPIRED = "expired", "expired"

    external_id = models.CharField(max_length=64, unique=True)
    location = models.ForeignKey(Location, models.PROTECT)
    guest = models.ForeignKey(Guest, models.PROTECT)
    service = models.ForeignKey(Service, models.PROTECT, null=True, blank=True)
    therapist = models.ForeignKey(Therapist, models.PROTECT, null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    from_at = models.DateTimeField(null=True, blank=True)
    until_at = models.DateTimeField(null=True, blank=True)
    added_at = models.DateTimeField(null=True, blank=True)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["location", "status"], name="waitlist_open")]


class Review(models.Model):
    """What a guest said after a visit: 1 to 5 and a comment. The comment is untrusted text."""

    external_id = models.CharField(max_length=64, unique=True)
    location = models.ForeignKey(Location, models.PROTECT)
    guest = models.ForeignKey(Guest, models.PROTECT, related_name="reviews")
    appointment = models.ForeignKey(Appointment, models.SET_NULL, null=True, blank=True)
    rating = models.FloatField()
    comment = models.TextField(blank=True)
    written_at = models.DateTimeField()

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(rating__gte=0, rating__lte=5), name="rating_0_to_5")
        ]
        indexes = [models.Index(fields=["guest", "-written_at"], name="review_of_guest")]


class GuestDay(models.Model):
    """Roll-up: one guest on one local day with any appointment. Features read this, not the book.

    Rebuilt by the sync for the guests and days it changed.
    """

    guest = models.ForeignKey(Guest, models.CASCADE, db_index=False)
    location = models.ForeignKey(Location, models.CASCADE, db_index=False)
    on = models.DateField()
    visits = models.SmallIntegerField(default=0)  # completed appointments
    cancelled = models.SmallIntegerField(default=0)
    late_cancelled = models.SmallIntegerField(default=0)
    no_shows = models.SmallIntegerField(default=0)
    spend_cents = models.BigIntegerField(default=0)  # of completed appointments

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["guest", "location", "on"], name="guest_day_once")
        ]
        indexes = [models.Index(fields=["location", "on"], name="guest_day_by_day")]


class LocationDay(models.Model):
    """Roll-up: one location on one local day. The overview reads this."""

    location = models.ForeignKey(Location, models.CASCADE, db_index=False)
    on = models.DateField()
    booked = models.IntegerField(default=0)
    visits = models.IntegerField(default=0)
    cancelled = models.IntegerField(default=0)
    late_cancelled = models.IntegerField(default=0)
    no_shows = models.IntegerField(default=0)
    spend_cents = models.BigIntegerField(default=0)
    members = models.IntegerField(default=0)  # running memberships at the end of the day
    joined = models.IntegerField(default=0)
    left = models.IntegerField(default=0)
    failed_charges = models.IntegerField(default=0)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "on"], name="location_day_once")]


# The stream that says that every needed stream of a location came whole: how fresh its data is.
WHOLE = "whole"


class SyncCursor(models.Model):
    """How far one stream of one location has been read, and how the last run went.

    `location` null: a stream of the whole account. A run is complete only if every page came.
    While a run is under way `cursor` says where it goes on after a kill; it is empty otherwise.
    """

    location = models.ForeignKey(Location, models.CASCADE, null=True, blank=True)
    stream = models.CharField(max_length=40)
    backfilled_to = models.DateField(null=True, blank=True)  # oldest day read so far
    cursor = models.CharField(max_length=200, blank=True)
    complete_at = models.DateTimeField(null=True, blank=True)  # newest run that was complete
    # The platform's state up to this instant is in the mirror; the next run reads from here, with
    # an overlap.
    covered_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    pages_done = models.IntegerField(default=0)
    pages_total = models.IntegerField(null=True, blank=True)
    rows = models.BigIntegerField(default=0)  # read in the latest run
    changed = models.BigIntegerField(default=0)  # of these, rows of the mirror that changed
    parked = models.IntegerField(default=0)
    error = models.TextField(blank=True)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["location", "stream"], name="sync_cursor_once", nulls_distinct=False
            )
        ]
