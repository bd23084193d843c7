"""The one way to a guest: draft, decision, hold, send, answer; and every limit on it."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from memberships.models import Appointment, Guest, LocatedQuerySet, Location, Membership
from platforms.models import OutboxItem

if TYPE_CHECKING:
    from datetime import datetime


class Channel(models.TextChoices):
    SMS = "sms", "text message"
    EMAIL = "email", "e-mail"


class Phase(models.TextChoices):
    REPORT = "report", "report only"
    REVIEW = "review", "every draft reviewed"
    AUTOMATIC = "automatic", "automatic within rules"


class LibraryStatus(models.TextChoices):
    PROPOSED = "proposed", "proposed"
    ACTIVE = "active", "active"
    RETIRED = "retired", "retired"


class Play(models.Model):
    """A rule that turns a situation into a draft. The rule's code lives in retention or
    cancellations; this row holds what staff may change about it."""

    key = models.SlugField(primary_key=True, max_length=40)  # e.g. at-risk-check-in
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True)
    is_marketing = models.BooleanField(
        default=True
    )  # needs marketing consent, not only transactional
    threshold = models.SmallIntegerField(default=75)  # score from which the play acts
    daily_limit = models.IntegerField(default=25)  # drafts per location and day
    holdout_percent = models.SmallIntegerField(default=10)
    draft_days = models.IntegerField(default=5)  # an undecided draft expires after so many days
    quiet_days = models.IntegerField(
        default=30
    )  # days before the play turns to the same guest again

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(holdout_percent__gte=0, holdout_percent__lte=50),
                name="holdout_0_to_50",
            )
        ]

    def __str__(self) -> str:
        return self.name


class PlayPhase(models.Model):
    """How far a play may act by itself at one location."""

    play = models.ForeignKey(Play, models.CASCADE, related_name="phases")
    location = models.ForeignKey(Location, models.CASCADE)
    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.REVIEW)
    since_at = models.DateTimeField()

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["play", "location"], name="one_phase_per_play")
        ]


class Offer(models.Model):
    """A library item that may be offered: what it is, what it costs us, who may get it."""

    class Kind(models.TextChoices):
        UPGRADE = "upgrade", "complimentary upgrade"
        PERCENT = "percent", "percentage off"
        AMOUNT = "amount", "amount off"
        CREDIT = "credit", "account credit"
        SERVICE = "service", "included service"
        PAUSE = "pause", "pause without fee"
        NONE = "none", "no offer, words only"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # How a message names it: "a complimentary upgrade on your next visit". May hold named fields;
    # empty for words only. Other languages by code in `translations`.
    wording = models.CharField(max_length=160, blank=True)
    translations = models.JSONField(default=dict, blank=True)
    percent = models.SmallIntegerField(null=True, blank=True)
    amount_cents = models.BigIntegerField(null=True, blank=True)
    cost_cents = models.BigIntegerField()  # what it costs the business when taken up
    plays = ArrayField(models.CharField(max_length=40), default=list, blank=True)  # empty: any
    causes = ArrayField(
        models.CharField(max_length=40), default=list, blank=True
    )  # reason causes it answers
    plan_kinds = ArrayField(models.CharField(max_length=15), default=list, blank=True)
    min_tenure_days = models.IntegerField(default=0)
    again_after_days = models.IntegerField(default=180)  # per guest
    valid_days = models.IntegerField(default=30)  # how long the guest may take it up
    rank = models.SmallIntegerField(default=50)  # among eligible offers the lowest is tried first
    status = models.CharField(
        max_length=10, choices=LibraryStatus.choices, default=LibraryStatus.PROPOSED
    )
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    version = models.IntegerField(default=1)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(cost_cents__gte=0), name="offer_cost_not_negative"),
            models.CheckConstraint(
                condition=~Q(kind="percent") | Q(percent__gte=1, percent__lte=100),
                name="offer_percent_1_to_100",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["amount", "credit"]) | Q(amount_cents__gt=0),
                name="offer_amount_positive",
            ),
            models.CheckConstraint(
                condition=Q(kind="none", wording="") | (~Q(kind="none") & ~Q(wording="")),
                name="offer_says_what_it_is",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def wording_in(self, language: str) -> str:
        """How a message in `language` names the offer; the default wording where untranslated."""
        return str(self.translations.get(language) or self.wording)

    def terms(self) -> dict[str, Any]:
        """What a draft stores of the offer, by value. Equal terms mean an unchanged offer."""
        return {
            "id": self.pk,
            "version": self.version,
            "name": self.name,
            "kind": self.kind,
            "percent": self.percent,
            "amount_cents": self.amount_cents,
            "cost_cents": self.cost_cents,
            "valid_days": self.valid_days,
        }


class Template(models.Model):
    """An approved text with named fields like {first_name}, no expressions. A row per version."""

    slug = models.SlugField(max_length=60)
    version = models.IntegerField(default=1)
    name = models.CharField(max_length=100)
    play = models.ForeignKey(Play, models.CASCADE, related_name="templates")
    cause = models.CharField(max_length=40, blank=True)  # reason it answers; empty: any
    channel = models.CharField(max_length=6, choices=Channel.choices)
    language = models.CharField(max_length=8, default="en")
    subject = models.CharField(max_length=120, blank=True)
    body = models.TextField()
    status = models.CharField(
        max_length=10, choices=LibraryStatus.choices, default=LibraryStatus.PROPOSED
    )
    proposed_at = models.DateTimeField(null=True, blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["slug", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="template_version_once"),
            models.UniqueConstraint(
                fields=["slug"], condition=Q(status="active"), name="one_active_template_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class DraftQuerySet(LocatedQuerySet):
    def open(self) -> Self:
        """Drafts that still await a decision, snoozed ones included."""
        return self.filter(status=Draft.Status.PENDING)

    def due(self, now: datetime) -> Self:
        """Open drafts that are not snoozed at this instant and have not expired."""
        return self.open().filter(
            Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now), expires_at__gt=now
        )

    def snoozed(self, now: datetime) -> Self:
        """Open drafts put off until later."""
        return self.open().filter(snoozed_until__gt=now, expires_at__gt=now)


class Draft(models.Model):
    """A message with its offer and evidence, awaiting a decision.

    Evidence and offer terms are stored by value: a reviewer sees what was true then. `body` is what
    would be sent; `library_body` is the same template filled in without anybody's change.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "to decide"
        APPROVED = "approved", "approved"
        REJECTED = "rejected", "rejected"
        EXPIRED = "expired", "expired"
        WITHDRAWN = "withdrawn", "withdrawn"  # undone, or the situation is over

    class Group(models.TextChoices):
        NEEDS_CARE = "needs_care", "needs care"
        CHANGED = "changed", "changed text"
        LIBRARY = "library", "library text as is"

    class Rejection(models.TextChoices):
        PERSON = "person", "wrong person"
        OFFER = "offer", "wrong offer"
        WORDS = "words", "wrong words"
        NOT_NOW = "not_now", "not now"

    guest = models.ForeignKey(Guest, models.PROTECT, related_name="drafts")
    location = models.ForeignKey(Location, models.PROTECT)
    membership = models.ForeignKey(Membership, models.PROTECT, null=True, blank=True)
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, blank=True)
    play = models.ForeignKey(Play, models.PROTECT)
    channel = models.CharField(max_length=6, choices=Channel.choices)
    address = models.CharField(max_length=254)  # phone in E.164 or mailbox, at the time of drafting
    template = models.ForeignKey(Template, models.PROTECT)
    offer = models.ForeignKey(Offer, models.PROTECT, null=True, blank=True)
    offer_terms = models.JSONField(default=dict, blank=True)
    cost_cents = models.BigIntegerField(default=0)
    subject = models.CharField(max_length=160, blank=True)
    body = models.TextField()
    library_subject = models.CharField(max_length=160, blank=True)
    library_body = models.TextField()
    fields = models.JSONField(default=dict, blank=True)  # values filled into the template
    evidence = models.JSONField(default=dict, blank=True)  # score, band, reasons, model, as_of
    checks = models.JSONField(default=list, blank=True)  # [{"check", "ok", "blocks", "message"}]
    group = models.CharField(max_length=10, choices=Group.choices, default=Group.LIBRARY)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    version = models.IntegerField(default=1)  # raised by every change; a decision names the version
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    snoozed_until = models.DateTimeField(null=True, blank=True)
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Ids of everybody who changed the text since it was the library's: none of them approves it.
    writers = ArrayField(models.BigIntegerField(), default=list, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    rejection = models.CharField(max_length=10, choices=Rejection.choices, blank=True)
    rejection_note = models.CharField(max_length=300, blank=True)
    approval_hash = models.CharField(max_length=64, blank=True)

    objects = DraftQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["guest", "play"],
                condition=Q(status="pending"),
                name="one_open_draft_per_guest_and_play",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["approved", "rejected"])
                | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="decided_draft_says_who_and_when",
            ),
            models.CheckConstraint(
                condition=~Q(status="rejected") | ~Q(rejection=""), name="rejected_draft_says_why"
            ),
            models.CheckConstraint(
                condition=~Q(status="approved") | ~Q(approval_hash=""),
                name="approved_draft_is_hashed",
            ),
            models.CheckConstraint(condition=Q(cost_cents__gte=0), name="draft_cost_not_negative"),
        ]
        indexes = [
            models.Index(
                fields=["location", "group", "id"],
                name="draft_queue",
                condition=Q(status="pending"),
            ),
            models.Index(fields=["guest", "-created_at"], name="draft_of_guest"),
        ]


class Message(models.Model):
    """What was approved and goes, or went, to a guest. One per approval.

    The words here are the words sent: nothing is rendered again after approval. Its sending state
    is that of `outbox`; `delivery` is what the carrier said afterwards.
    """

    class Delivery(models.TextChoices):
        NONE = "", "no word yet"
        DELIVERED = "delivered", "delivered"
        UNDELIVERED = "undelivered", "not delivered"
        BOUNCED = "bounced", "bounced"

    class Purpose(models.TextChoices):
        OUTREACH = "outreach", "outreach"
        CONFIRMATION = "confirmation", "confirms a stop"  # the one text the law allows after STOP
        ANSWER = "answer", "answer to the guest"

    class Reservation(models.TextChoices):
        """What became of the cost that was set aside in the caps at approval."""

        NONE = "none", "costs nothing"
        RESERVED = "reserved", "set aside"
        POSTED = "posted", "spent"
        VOIDED = "voided", "given back"

    draft = models.ForeignKey(Draft, models.PROTECT, null=True, blank=True, related_name="messages")
    outbox = models.OneToOneField(OutboxItem, models.PROTECT, related_name="message")
    guest = models.ForeignKey(Guest, models.PROTECT, related_name="messages")
    location = models.ForeignKey(Location, models.PROTECT)
    play = models.ForeignKey(Play, models.PROTECT, null=True, blank=True)
    channel = models.CharField(max_length=6, choices=Channel.choices)
    address = models.CharField(max_length=254)
    subject = models.CharField(max_length=160, blank=True)
    body = models.TextField()
    cost_cents = models.BigIntegerField(default=0)
    purpose = models.CharField(max_length=12, choices=Purpose.choices, default=Purpose.OUTREACH)
    reservation = models.CharField(
        max_length=8, choices=Reservation.choices, default=Reservation.NONE
    )
    is_automatic = models.BooleanField(default=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField()
    delivery = models.CharField(max_length=12, choices=Delivery.choices, blank=True, default="")
    delivery_at = models.DateTimeField(null=True, blank=True)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cost_cents=0, reservation="none")
                | (Q(cost_cents__gt=0) & ~Q(reservation="none")),
                name="message_cost_is_reserved",
            )
        ]
        indexes = [
            models.Index(fields=["guest", "-approved_at"], name="message_of_guest"),
            models.Index(fields=["channel", "address", "-approved_at"], name="message_to_address"),
            models.Index(fields=["location", "-approved_at"], name="message_of_location"),
        ]


class Contact(models.Model):
    """When we last wrote to a guest, one row per guest, moved by the sender's claim (INV-13).

    Two senders that both see a free guest meet on this row: the second finds it moved and lets go.
    """

    guest = models.OneToOneField(Guest, models.CASCADE, primary_key=True, related_name="contact")
    last_at = models.DateTimeField()
    outbox_id = models.UUIDField()  # whose contact it was: the same item may try again


class Reply(models.Model):
    """What a guest wrote back. Its text is untrusted."""

    class Intent(models.TextChoices):
        YES = "yes", "yes"
        NO = "no", "no"
        STOP = "stop", "stop"
        RESTART = "restart", "restart"
        OTHER = "other", "for a person"

    carrier_ref = models.CharField(max_length=80, unique=True)
    guest = models.ForeignKey(Guest, models.PROTECT, null=True, blank=True, related_name="replies")
    location = models.ForeignKey(Location, models.PROTECT, null=True, blank=True)
    message = models.ForeignKey(
        Message, models.SET_NULL, null=True, blank=True, related_name="replies"
    )
    channel = models.CharField(max_length=6, choices=Channel.choices)
    address = models.CharField(max_length=254)
    body = models.TextField()
    intent = models.CharField(max_length=8, choices=Intent.choices)
    received_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = LocatedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["guest", "-received_at"], name="reply_of_guest"),
            models.Index(
                fields=["location", "-received_at"],
                name="reply_unanswered",
                condition=Q(answered_at__isnull=True),
            ),
        ]


class Suppression(models.Model):
    """An address that is not to be written to. One table for the whole organisation (INV-12)."""

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
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)  # the guest asked to hear from us again

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address"],
                condition=Q(lifted_at__isnull=True),
                name="suppressed_once",
            )
        ]


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

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="one_switch_per_scope"),
            models.CheckConstraint(
                condition=Q(scope="all", key="") | (~Q(scope="all") & ~Q(key="")),
                name="switch_names_its_scope",
            ),
        ]


class Cap(models.Model):
    """A limit in cents for a scope and period, reserved before it is spent (INV-7)."""

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
    quiet_from = models.TimeField(default=time(20))  # local time of the guest
    quiet_until = models.TimeField(default=time(9))
    four_eyes_on_edits = models.BooleanField(default=True)
    location_day_cents = models.BigIntegerField(default=30_000)
    play_month_cents = models.BigIntegerField(default=500_000)
    business_month_cents = models.BigIntegerField(default=1_000_000)
    stale_after_hours = models.IntegerField(default=26)  # data older than this stops sending

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_policy")]

    @classmethod
    def current(cls) -> OutreachPolicy:
        """The row, made with defaults at first use."""
        return cls.objects.get_or_create(pk=1)[0]
