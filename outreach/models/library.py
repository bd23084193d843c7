"""The library: plays, how far each may act, and the offers and texts staff approved."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Channel(models.TextChoices):
    SMS = "sms", "text message"
    EMAIL = "email", "e-mail"


class Topic(models.TextChoices):
    """What an answer of a guest that needs a person is about, told by rule. Labels follow "the
    guest …"."""

    YES = "yes", "said yes: book the visit"
    RESTART = "restart", "wants to start again"
    CANCEL = "cancel", "wants to cancel the plan"
    MOVE = "move", "wants to move or cancel a visit"
    BOOK = "book", "asks for a time"
    PRICE = "price", "asks about the price"
    HOURS = "hours", "asks about opening hours"
    PLACE = "place", "asks where you are"
    PLAN = "plan", "asks about plan or credits"
    COMPLAINT = "complaint", "is not happy"
    THANKS = "thanks", "says thanks"
    SILENCE = "silence", "may want no more messages"
    OTHER = "other", "needs a person to read it"


class Phase(models.TextChoices):
    REPORT = "report", "report only"
    REVIEW = "review", "every draft reviewed"
    AUTOMATIC = "automatic", "automatic within rules"


class LibraryStatus(models.TextChoices):
    PROPOSED = "proposed", "proposed"
    ACTIVE = "active", "active"
    RETIRED = "retired", "retired"


def default_leaves_on() -> list[str]:
    """What ends a play's sequences where nobody said otherwise (values of sequences.Leave)."""
    return ["booked", "came", "ended", "notice"]


class Play(models.Model):
    """A rule that turns a situation into a draft. The rule's code lives in retention or
    cancellations; this row holds what staff may change about it."""

    class Wording(models.TextChoices):
        """Who words its drafts, where a machine is set up (DRAFTING_URL)."""

        LIBRARY = "library", "the library's text as it is"
        MACHINE = "machine", "a machine words the friendly sentences"
        REVIEWS = "reviews", "the same, in the tone of the guest's latest reviews"

    key = models.SlugField(primary_key=True, max_length=40)  # e.g. at-risk-check-in
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True)
    is_marketing = models.BooleanField(
        default=True
    )  # needs marketing consent, not only transactional
    threshold = models.SmallIntegerField(default=75)  # score from which the play acts
    daily_limit = models.IntegerField(default=25)  # drafts per location and day
    holdout_percent = models.SmallIntegerField(default=10)
    # It writes to people who have left: it is judged by who is a member again, not by who stayed.
    wins_back = models.BooleanField(default=False)
    draft_days = models.IntegerField(default=5)  # an undecided draft expires after so many days
    quiet_days = models.IntegerField(
        default=30
    )  # days before the play turns to the same guest again
    # What ends its sequences early, beside an answer and a stop, which always do.
    leaves_on = ArrayField(models.CharField(max_length=12), default=default_leaves_on, blank=True)
    choose_time = models.BooleanField(
        default=False
    )  # messages leave in the hour the guest usually answers
    wording = models.CharField(max_length=7, choices=Wording.choices, default=Wording.LIBRARY)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(holdout_percent__gte=0, holdout_percent__lte=50),
                name="holdout_0_to_50",
            )
        ]

    def __str__(self) -> str:
        return self.name


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
    # Then the message is marketing for somebody else (45 CFR 164.501): the guest must have
    # authorised it.
    paid_by_manufacturer = models.BooleanField(default=False)
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
            "paid_by_manufacturer": self.paid_by_manufacturer,
        }


class Template(models.Model):
    """An approved text with named fields like {first_name}, no expressions. A row per version.

    It belongs to a play, or answers what a guest wrote about a topic.
    """

    slug = models.SlugField(max_length=60)
    version = models.IntegerField(default=1)
    name = models.CharField(max_length=100)
    play = models.ForeignKey(Play, models.CASCADE, null=True, blank=True, related_name="templates")
    topic = models.CharField(max_length=10, choices=Topic.choices, blank=True)
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
            models.CheckConstraint(
                condition=Q(play__isnull=False, topic="")
                | (Q(play__isnull=True) & ~Q(topic="") & Q(cause="")),
                name="template_has_play_or_topic",
            ),
            models.UniqueConstraint(fields=["slug", "version"], name="template_version_once"),
            models.UniqueConstraint(
                fields=["slug"], condition=Q(status="active"), name="one_active_template_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"
