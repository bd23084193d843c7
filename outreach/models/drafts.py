"""What awaits a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, IntegerField, Q, Value, When
from django.db.models.fields.json import KT, KeyTransform

from memberships.models import Appointment, Guest, LocatedQuerySet, Location, Membership
from outreach.models.library import Channel, Offer, Play, Template
from outreach.models.sequences import Run

if TYPE_CHECKING:
    from datetime import datetime


class DraftQuerySet(LocatedQuerySet):
    def open(self) -> Self:
        """Drafts that still await a decision, snoozed ones included."""
        return self.filter(status=Draft.Status.PENDING)

    def rivals(self, draft: Draft) -> Self:
        """Open drafts beside which this one may not be open: of the same guest, by the same play
        or for the same reason (the constraints of the table in one question)."""
        same = Q(play=draft.play_id)
        if cause := draft.evidence.get("cause"):
            same |= Q(evidence__cause=cause)
        return self.open().filter(same, guest=draft.guest_id).exclude(pk=draft.pk)

    def due(self, now: datetime) -> Self:
        """Open drafts that are not snoozed at this instant and have not expired."""
        return self.open().filter(
            Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now), expires_at__gt=now
        )

    def snoozed(self, now: datetime) -> Self:
        """Open drafts put off until later."""
        return self.open().filter(snoozed_until__gt=now, expires_at__gt=now)

    def in_group(self, group: str) -> Self:
        """Drafts of one group, asked for as the indexes of the queue know them."""
        return self.alias(in_groups=in_groups()).filter(in_groups=GROUP_ORDER.index(group))

    def in_turn(self) -> Self:
        """Needs care, changed, library; in each the highest score first; equal ones oldest
        first. The indexes of the queue have the same order."""
        return self.order_by(in_groups(), HIGHEST.desc(nulls_last=True), "pk")


def in_groups() -> Case:
    """The place of a draft's group in the queue."""
    return Case(
        *[When(group=group, then=Value(place)) for place, group in enumerate(GROUP_ORDER)],
        output_field=IntegerField(),
    )


GROUP_ORDER = ["needs_care", "changed", "library"]
# The score as it stands in the evidence; numbers are compared as numbers.
HIGHEST = KeyTransform("score", "evidence")


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
    # The sequence this draft is a step of; empty for a play of one message.
    run = models.ForeignKey(Run, models.PROTECT, null=True, blank=True, related_name="drafts")
    step = models.SmallIntegerField(null=True, blank=True)
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
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    rejection = models.CharField(max_length=10, choices=Rejection.choices, blank=True)
    rejection_note = models.CharField(max_length=300, blank=True)
    approval_hash = models.CharField(max_length=64, blank=True)
    # Worded by a machine (outreach.services.wording). `worded_at`: when that was settled, either
    # way; `wording_note`: why the library's text stayed.
    worded_at = models.DateTimeField(null=True, blank=True)
    worded_by = models.CharField(max_length=80, blank=True)  # the model; empty: library or person
    prompt_version = models.CharField(max_length=10, blank=True)
    wording_note = models.CharField(max_length=200, blank=True)
    wording_until = models.DateTimeField(null=True, blank=True)  # lease of who is asking
    wording_tries = models.SmallIntegerField(default=0)
    # Words of the guest gave the tone: never library text, never sent without a person.
    shaped_by_guest_text = models.BooleanField(default=False)
    # The named rule under which the machine approved it; empty where a person decided.
    automatic_rule = models.CharField(max_length=80, blank=True)

    objects = DraftQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["guest", "play"],
                condition=Q(status="pending"),
                name="one_open_draft_per_guest_and_play",
            ),
            # One draft for one reason, whichever play asks; a draft without a reason is no rival.
            models.UniqueConstraint(
                "guest",
                KT("evidence__cause"),
                condition=Q(status="pending") & ~Q(evidence__cause=""),
                name="one_open_draft_per_guest_and_cause",
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
            models.CheckConstraint(
                condition=Q(run__isnull=True, step__isnull=True)
                | Q(run__isnull=False, step__isnull=False),
                name="draft_of_a_run_says_its_step",
            ),
            models.CheckConstraint(
                condition=Q(worded_by="", prompt_version="", shaped_by_guest_text=False)
                | (~Q(worded_by="") & ~Q(prompt_version="") & Q(worded_at__isnull=False)),
                name="worded_draft_says_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(shaped_by_guest_text=False) | ~Q(group="library"),
                name="guests_words_are_no_library_text",
            ),
        ]
        indexes = [
            # The queue in the order it is decided, of one location and of all, and its counts.
            models.Index(
                "location",
                in_groups(),
                HIGHEST.desc(nulls_last=True),
                "id",
                name="draft_queue",
                condition=Q(status="pending"),
                include=["group", "snoozed_until", "expires_at"],
            ),
            models.Index(
                in_groups(),
                HIGHEST.desc(nulls_last=True),
                "id",
                name="draft_queue_of_all",
                condition=Q(status="pending"),
            ),
            models.Index(
                fields=["decided_by", "-decided_at"],
                name="draft_decided_by",
                condition=Q(decided_at__isnull=False),
            ),
            models.Index(fields=["guest", "-created_at"], name="draft_of_guest"),
            models.Index(
                fields=["id"],
                name="draft_to_word",
                condition=Q(status="pending", worded_at__isnull=True),
            ),
            models.Index(
                fields=["created_at"], name="draft_tried", condition=Q(wording_tries__gt=0)
            ),
        ]
