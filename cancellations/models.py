"""The morning call list: who is to be called, who has the row, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from memberships.models import Appointment, Guest, LocatedQuerySet, Location, Membership

if TYPE_CHECKING:
    from datetime import date, datetime


def guest_zone(guest: Guest, location: Location) -> ZoneInfo:
    """The guest's own time zone; the location's when none is known or it is not a real one."""
    if guest.time_zone:
        try:
            return ZoneInfo(guest.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            pass
    return location.zone


class CallList(models.Model):
    """One location's list of one local day: when it was built and what was looked at.

    Its row is locked by whoever adds rows, so that row numbers follow each other.
    """

    location = models.ForeignKey(Location, models.PROTECT, related_name="call_lists")
    on = models.DateField()  # local to the location
    built_at = models.DateTimeField(null=True, blank=True)  # null: rows were asked for before
    bookings = models.IntegerField(default=0)  # shaky bookings found when it was built last
    members = models.IntegerField(default=0)  # members found whose best route is a call
    live_added = models.IntegerField(default=0)  # bookings that turned during the day

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["location", "on"], name="one_call_list_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.location} on {self.on}"


class CallQuerySet(LocatedQuerySet):
    def listed(self, on: date) -> Self:
        """The rows of one day's list."""
        return self.filter(on=on)

    def open(self) -> Self:
        """Rows that still want a call, now or later."""
        return self.filter(status__in=Call.OPEN)

    def free(self, now: datetime, user_id: int) -> Self:
        """Rows nobody else is on at this instant."""
        return self.exclude(~Q(held_by=user_id), held_by__isnull=False, held_until__gt=now)

    def ready(self, now: datetime) -> Self:
        """Open rows that may be called now: to do, or later and due."""
        return self.filter(
            Q(status=Call.Status.TODO) | Q(status=Call.Status.LATER, due_at__lte=now)
        )


class Call(models.Model):
    """One row of a day's call list at one location. Closed by an outcome, or by the guest
    coming back on their own."""

    class Kind(models.TextChoices):
        BOOKING = "booking", "booking at risk"
        MEMBER = "member", "member at risk"
        ASKED = "asked", "asked for by a colleague"
        BACK = "back", "asked to be called back"
        STEP = "step", "step of a sequence"

    class Status(models.TextChoices):
        TODO = "todo", "To do"
        LATER = "later", "Later"
        DONE = "done", "Done"

    class Outcome(models.TextChoices):
        BOOKED = "booked", "booked"
        THINKING = "thinking", "thinking"
        VOICEMAIL = "voicemail", "voicemail"
        NO_ANSWER = "no_answer", "no answer"
        CALL_BACK = "call_back", "call back"
        WRONG_NUMBER = "wrong_number", "wrong number"
        DO_NOT_CALL = "do_not_call", "do not call"
        CLOSED = "closed", "settled without a call"

    OPEN = [Status.TODO, Status.LATER]

    location = models.ForeignKey(Location, models.PROTECT)
    on = models.DateField()  # local to the location
    row_no = models.IntegerField()  # as printed; 1 is called first
    guest = models.ForeignKey(Guest, models.PROTECT, related_name="calls")
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, blank=True)
    membership = models.ForeignKey(Membership, models.PROTECT, null=True, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # What a call today keeps that a call tomorrow would not; orders the list, shown to nobody.
    expected_cents = models.BigIntegerField(default=0)
    value_cents = models.BigIntegerField(default=0)  # price of the booking, or a year of dues
    reasons = ArrayField(models.CharField(max_length=200), default=list)  # plain words, no scores
    say = ArrayField(models.CharField(max_length=300), default=list)  # talking points
    offer_text = models.CharField(max_length=200, blank=True)
    best_time = models.CharField(max_length=60, blank=True)  # when this guest picked up before
    call_by_at = models.DateTimeField(null=True, blank=True)  # afterwards the call is too late
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.TODO)
    outcome = models.CharField(max_length=14, choices=Outcome.choices, blank=True)
    closed_why = models.CharField(max_length=120, blank=True)  # how it settled without a call
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
    created_at = models.DateTimeField()
    version = models.IntegerField(default=1)  # raised by every change; a decision names the version

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["on", "location", "row_no"]
        constraints = [
            models.UniqueConstraint(fields=["location", "on", "row_no"], name="call_row_once"),
            models.UniqueConstraint(fields=["guest", "on"], name="guest_listed_once_a_day"),
            models.CheckConstraint(
                condition=~Q(status="done") | ~Q(outcome=""), name="done_call_has_outcome"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="closed") | ~Q(closed_why=""), name="closed_call_says_why"
            ),
            models.CheckConstraint(
                condition=~Q(status="later") | Q(due_at__isnull=False), name="later_call_has_time"
            ),
            models.CheckConstraint(
                condition=Q(held_by__isnull=True) | Q(held_until__isnull=False),
                name="held_call_has_end",
            ),
        ]
        indexes = [
            models.Index(fields=["location", "on", "status"], name="call_list"),
            # Call backs promised for a later day, found when that day's list is built.
            models.Index(
                fields=["location", "due_at"],
                name="call_promised",
                condition=Q(outcome="call_back"),
            ),
        ]

    def __str__(self) -> str:
        return f"Row {self.row_no} of {self.on}"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def zone(self) -> ZoneInfo:
        """Where the guest's phone is, as far as is known."""
        return guest_zone(self.guest, self.location)

    def is_held_against(self, user_id: int | None, now: datetime) -> bool:
        """Whether somebody else is on this call at this instant."""
        return (
            self.held_by_id is not None
            and self.held_by_id != user_id
            and self.held_until is not None
            and self.held_until > now
        )


class CallTryQuerySet(LocatedQuerySet):
    def standing(self) -> Self:
        """Tries that were not undone."""
        return self.filter(undone_at__isnull=True)


class CallTry(models.Model):
    """One attempt to reach a guest by phone, with what came of it."""

    # Outcomes in which the guest was spoken to.
    REACHED = [
        Call.Outcome.BOOKED,
        Call.Outcome.THINKING,
        Call.Outcome.CALL_BACK,
        Call.Outcome.DO_NOT_CALL,
    ]

    call = models.ForeignKey(Call, models.CASCADE, related_name="attempts")
    call_version = models.IntegerField()  # of the row the caller saw; a second press repeats it
    guest = models.ForeignKey(Guest, models.CASCADE, related_name="call_tries")
    location = models.ForeignKey(Location, models.PROTECT)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    outcome = models.CharField(max_length=14, choices=Call.Outcome.choices)
    note = models.CharField(max_length=500, blank=True)
    call_back_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = CallTryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["call", "call_version"], name="one_try_per_version")
        ]
        indexes = [
            models.Index(fields=["guest", "-at"], name="call_try_of_guest"),
            models.Index(fields=["by", "-at"], name="call_try_of_caller"),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} at {self.at:%Y-%m-%d %H:%M}"


class PhoneFlag(models.Model):
    """A number that is not to be dialled again, for any guest who has it.

    "Do not call" follows the guest to a new number as well; "wrong number" stays with the number.
    """

    class Kind(models.TextChoices):
        DO_NOT_CALL = "do_not_call", "asked not to be called"
        WRONG_NUMBER = "wrong_number", "wrong number"

    kind = models.CharField(max_length=14, choices=Kind.choices)
    phone = models.CharField(max_length=20)  # E.164
    guest = models.ForeignKey(Guest, models.PROTECT, related_name="phone_flags")
    location = models.ForeignKey(Location, models.PROTECT)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    attempt = models.ForeignKey(CallTry, models.PROTECT, null=True, blank=True, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "phone", "guest"],
                condition=Q(lifted_at__isnull=True),
                name="phone_flagged_once",
            )
        ]
        indexes = [models.Index(fields=["phone"], name="phone_flag_by_phone")]

    def __str__(self) -> str:
        return f"{self.phone}: {self.get_kind_display()}"


class CallRules(models.Model):
    """How the business works its call lists. Exactly one row. Calling hours are the quiet hours
    of the outreach policy, so that a guest is left in peace by phone and by message alike."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    rows_per_day = models.SmallIntegerField(default=25)  # per location, asked rows come on top
    extra_rows = models.SmallIntegerField(default=10)  # room for bookings that turn during the day
    days_ahead = models.SmallIntegerField(default=2)  # bookings of today and so many days after
    quiet_days = models.SmallIntegerField(default=30)  # a member who was reached is left alone
    tries_per_day = models.SmallIntegerField(default=3)
    again_after_minutes = models.SmallIntegerField(default=120)  # after nobody answered
    version = models.IntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="one_set_of_call_rules"),
            models.CheckConstraint(
                condition=Q(rows_per_day__gte=0, extra_rows__gte=0, days_ahead__gte=0)
                & Q(quiet_days__gte=0, tries_per_day__gte=1, again_after_minutes__gte=60),
                name="call_rules_in_range",
            ),
        ]

    @classmethod
    def current(cls) -> CallRules:
        """The row, made with defaults at first use."""
        rules: Any = cls.objects.get_or_create(pk=1)[0]
        return rules  # type: ignore[no-any-return]
