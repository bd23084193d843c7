"""How far each play may act by itself: phases, what report-only would have sent, named rules."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from memberships.models import Guest, LocatedQuerySet, Location, Membership
from outreach.models.library import Channel, Offer, Phase, Play, Template


class PlayPhase(models.Model):
    """How far a play may act by itself at one location. Without a row every draft is reviewed.

    `rules` are the named rules of the promotion, by value: a rule changed later counts only where
    a person promotes the play anew. `set_by` is the person whose act stands; what went down by
    itself keeps the name and says why in `doubt` until a person has looked.
    """

    play = models.ForeignKey(Play, models.CASCADE, related_name="phases")
    location = models.ForeignKey(Location, models.CASCADE)
    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.REVIEW)
    since_at = models.DateTimeField()
    # Since when people decide here without a break; kept when automatic falls back to review.
    reviewed_since_at = models.DateTimeField(null=True, blank=True)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    rules = models.JSONField(default=list, blank=True)  # AutomaticRule.terms()
    doubt = models.CharField(max_length=200, blank=True)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["play", "location"], name="one_phase_per_play"),
            models.CheckConstraint(
                condition=~Q(phase="automatic") | (Q(set_by__isnull=False) & ~Q(rules=[])),
                name="automatic_has_person_and_rules",
            ),
        ]


class PhaseChange(models.Model):
    """One move of a play at a location, up by a person or down by anybody or by itself, with the
    figures that were on screen. Never changed."""

    play = models.ForeignKey(Play, models.CASCADE, related_name="+")
    location = models.ForeignKey(Location, models.CASCADE)
    old = models.CharField(max_length=10, choices=Phase.choices)
    new = models.CharField(max_length=10, choices=Phase.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )  # nobody: it went down by itself
    reason = models.CharField(max_length=200)
    evidence = models.JSONField(default=dict, blank=True)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["play", "location", "-at"], name="phase_change_of_play")]


class AutomaticRule(models.Model):
    """A named rule of a play: a draft that meets all of it may be approved without a person, where
    the play was promoted with it. Library text only, no failing check, no doubt about the score:
    those hold always and are not part of a rule."""

    play = models.ForeignKey(Play, models.CASCADE, related_name="automatic_rules")
    name = models.CharField(max_length=80)
    min_p = models.FloatField(default=0.85)  # chance behind the score, at least
    min_visits = models.SmallIntegerField(default=2)
    visit_days = models.SmallIntegerField(default=30)  # days back in which the visits count
    max_cost_cents = models.BigIntegerField(default=0)  # of the offer
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    set_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["play", "name"], name="rule_name_once_per_play"),
            models.CheckConstraint(condition=Q(min_p__gte=0, min_p__lte=1), name="rule_p_0_to_1"),
            models.CheckConstraint(
                condition=Q(
                    min_visits__gte=0, visit_days__gte=1, visit_days__lte=365, max_cost_cents__gte=0
                ),
                name="rule_bounds",
            ),
        ]

    def terms(self) -> dict[str, Any]:
        """The rule by value, as a promotion keeps it."""
        return {
            "name": self.name,
            "min_p": self.min_p,
            "min_visits": self.min_visits,
            "visit_days": self.visit_days,
            "max_cost_cents": self.max_cost_cents,
        }


class ShadowDraft(models.Model):
    """What a play that only reports would have sent: the draft it would have made, by value. Made
    by the night, compared later with what the guest did untouched."""

    play = models.ForeignKey(Play, models.CASCADE, related_name="+")
    location = models.ForeignKey(Location, models.CASCADE)
    guest = models.ForeignKey(Guest, models.CASCADE, related_name="shadow_drafts")
    membership = models.ForeignKey(
        Membership, models.CASCADE, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField()
    channel = models.CharField(max_length=6, choices=Channel.choices)
    template = models.ForeignKey(Template, models.PROTECT, related_name="+")
    offer = models.ForeignKey(Offer, models.PROTECT, null=True, blank=True, related_name="+")
    cost_cents = models.BigIntegerField(default=0)
    cause = models.CharField(max_length=40, blank=True)
    score = models.SmallIntegerField(null=True, blank=True)
    p = models.FloatField(null=True, blank=True)
    failed_checks = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    # The arm the guest would be in: such people would have got nothing.
    is_held_out = models.BooleanField(default=False)
    # The rule of the play that would have sent it without a person; empty: none.
    rule = models.CharField(max_length=80, blank=True)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["play", "location", "-at"], name="shadow_of_play"),
            models.Index(fields=["guest", "-at"], name="shadow_of_guest"),
        ]
