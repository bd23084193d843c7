"""Every limit on writing to guests: stops, caps, comparison groups, the rules of the business."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Cast, JSONObject
from django.utils.translation import gettext as _

from memberships.models import Guest, Location
from outreach.models.hours import CallingHours
from outreach.models.library import Channel, Play


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    def standing(self) -> Self:
        """Stops that were not lifted."""
        return self.filter(lifted_at__isnull=True)

    def binding(self, *, is_marketing: bool, everything: bool) -> Self:
        """Stops that keep a message of this kind back; `everything`: whatever was answered then
        (OutreachPolicy.stop_ends_everything)."""
        kind = Suppression.Scope.MARKETING if is_marketing else Suppression.Scope.SERVICE
        scopes = Suppression.Scope.values if everything else [Suppression.Scope.ALL, kind]
        return self.standing().filter(scope__in=scopes)


class Suppression(models.Model):
    """An address that is not to be written to. One table for the whole organisation (INV-12).

    It is about the address, so it holds for everybody who shares it.
    """

    class Scope(models.TextChoices):
        """What the guest answered when they said stop. Whether that ends the rest too is a matter
        of OutreachPolicy.stop_ends_all_on."""

        ALL = "all", "everything"
        MARKETING = "marketing", "offers"
        SERVICE = "service", "notes about bookings and plans"

    class Source(models.TextChoices):
        REPLY = "reply", "the guest's answer"
        PLATFORM = "platform", "the booking platform"
        STAFF = "staff", "staff"
        CARRIER = "carrier", "the carrier"

    # Calls are listed too, so that who wants to be left in peace is looked up in one place.
    CHANNELS = [*Channel.choices, ("call", "phone call")]

    channel = models.CharField(max_length=6, choices=CHANNELS)
    address = models.CharField(max_length=254)
    source = models.CharField(max_length=10, choices=Source.choices)
    reason = models.CharField(max_length=200)
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.ALL)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)  # the guest asked to hear from us again

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address"],
                condition=Q(lifted_at__isnull=True),
                name="suppressed_once",
            )
        ]


class SwitchQuerySet(models.QuerySet["Switch"]):
    def named(self) -> Self:
        """With the name of the location or play, so that `what` asks no more."""
        places = Location.objects.annotate(key=Cast("pk", models.TextField()))
        plays = Play.objects.filter(pk=OuterRef("key")).values("name")
        return self.annotate(
            place_name=Subquery(places.filter(key=OuterRef("key")).values("name")),
            play_name=Subquery(plays),
        )


class Switch(models.Model):
    """A stop switch: all sending, or that of one location, play or channel (INV-9).

    A row with `stopped` keeps everything in its scope from leaving, read inside the claim.
    """

    class Scope(models.TextChoices):
        ALL = "all", "everything"
        LOCATION = "location", "a location"
        PLAY = "play", "a play"
        CHANNEL = "channel", "a channel"

    scope = models.CharField(max_length=10, choices=Scope.choices)
    key = models.CharField(max_length=60, blank=True)  # location id, play key or channel
    stopped = models.BooleanField(default=True)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    objects = SwitchQuerySet.as_manager()

    place_name: str | None  # of named()
    play_name: str | None

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="one_switch_per_scope"),
            models.CheckConstraint(
                condition=Q(scope="all", key="") | (~Q(scope="all") & ~Q(key="")),
                name="switch_names_its_scope",
            ),
        ]

    @property
    def what(self) -> str:
        """What is stopped, in words. Only of a row read with `named()`."""
        if self.scope == Switch.Scope.LOCATION:
            return self.place_name or self.key
        if self.scope == Switch.Scope.PLAY:
            return self.play_name or self.key
        if self.scope == Switch.Scope.CHANNEL:
            return _("text messages") if self.key == "sms" else _("e-mails")
        return _("everything")


class Cap(models.Model):
    """A limit in cents for a scope and period, reserved before it is spent (INV-7).

    Months of a play and of the business are kept per currency: the key ends in it.
    """

    class Scope(models.TextChoices):
        LOCATION_DAY = "location_day", "location and day"
        PLAY_MONTH = "play_month", "play and month"
        BUSINESS_MONTH = "business_month", "business and month"

    scope = models.CharField(max_length=15, choices=Scope.choices)
    key = models.CharField(max_length=60)
    period = models.CharField(max_length=10)  # 2026-11-21 or 2026-11
    limit_cents = models.BigIntegerField()
    reserved_cents = models.BigIntegerField(default=0)
    spent_cents = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key", "period"], name="one_cap_per_period"),
            models.CheckConstraint(
                condition=Q(reserved_cents__gte=0, spent_cents__gte=0),
                name="cap_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(limit_cents__gte=F("reserved_cents") + F("spent_cents")),
                name="cap_never_exceeded",
            ),
        ]


class Holdout(models.Model):
    """Which arm of a play's experiment a guest is in. Drawn once, kept for good, never by hand."""

    guest = models.ForeignKey(Guest, models.CASCADE)
    play = models.ForeignKey(Play, models.CASCADE)
    is_held_out = models.BooleanField()
    assigned_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["guest", "play"], name="one_arm_per_guest_and_play")
        ]


class OutreachPolicy(models.Model):
    """The business's rules for writing to guests. Exactly one row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    outgoing_minutes = models.IntegerField(
        default=5
    )  # approved messages wait so long: Undo is real
    hold_minutes = models.IntegerField(default=60)  # between two messages to one guest
    weekly_cap = models.IntegerField(default=2)  # messages per guest in 7 days, all plays
    # What was approved and could not leave within so many hours goes back to be decided anew.
    approval_hours = models.IntegerField(default=72)
    quiet_from = models.TimeField(default=time(20))  # local time of the guest
    quiet_until = models.TimeField(default=time(9))
    treatment_names_in_sms = models.BooleanField(default=False)
    four_eyes_on_edits = models.BooleanField(default=True)
    location_day_cents = models.BigIntegerField(default=30_000)
    play_month_cents = models.BigIntegerField(default=500_000)
    business_month_cents = models.BigIntegerField(default=1_000_000)
    # A currency with amounts of its own: {"CAD": {"play_month": 700000}}, in its cents. What it
    # does not name is as above.
    limits_by_currency = models.JSONField(default=dict, blank=True)
    stale_after_hours = models.IntegerField(default=26)  # data older than this stops sending
    # From this day a stop ends every message. The law asks for it from 31 January 2027 (47 CFR
    # 64.1200(a)(10) as postponed); the stricter reading holds unless a business chooses otherwise.
    stop_ends_all_on = models.DateField(default=date(2026, 1, 1))

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_policy")]

    # The hours of the law in force, read together with the row: see outreach.gate.hours.Hours.
    law: list[dict[str, Any]]

    @classmethod
    def current(cls) -> OutreachPolicy:
        """The row with the calling hours in force, made with defaults at first use."""
        rows = cls.objects.annotate(
            law=ArraySubquery(
                CallingHours.objects.filter(in_force=True).values(
                    line=JSONObject(**{name: name for name in CallingHours.LINE})
                )
            )
        )
        found = rows.first()
        if found is None:
            cls.objects.get_or_create(pk=1)
            found = rows.get()
        return found

    def limit_cents(self, scope: Cap.Scope, currency: str) -> int:
        """What may be spent under this limit where amounts are in `currency`, in its cents."""
        own = self.limits_by_currency.get(currency, {}).get(scope.value)
        return int(getattr(self, f"{scope.value}_cents") if own is None else own)

    def stop_ends_everything(self, now: datetime) -> bool:
        """Whether a stop to one kind of message ends the other kind too at the instant `now`."""
        return now.date() >= self.stop_ends_all_on
