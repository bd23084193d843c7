"""Several messages of one play to one guest, with waits between them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from memberships.models import Appointment, Guest, LocatedQuerySet, Location, Membership
from outreach.models.library import Channel, Play

MOST_STEPS = 6


class Leave(models.TextChoices):
    """Why a guest left a sequence before its end. The first three always end one; the others are
    chosen per play (`LeaveRule`) or come from what became of a step."""

    GONE = "gone", "no longer in the booking platform"
    OPT_OUT = "opt_out", "said stop"
    REPLIED = "replied", "answered"
    BOOKED = "booked", "booked"
    CAME = "came", "came in"
    PAID = "paid", "paid"
    CARD = "card", "put in a new card"
    ENDED = "ended", "the membership ended"
    NOTICE = "notice", "asked to cancel"
    RENEWED = "renewed", "renewed or joined again"
    REJECTED = "rejected", "a step was rejected"
    EXPIRED = "expired", "a step was not decided in time"
    WITHDRAWN = "withdrawn", "a step was withdrawn"
    REFUSED = "refused", "a message was refused"
    STUCK = "stuck", "a step never left"
    UNREACHABLE = "unreachable", "may not be written to any more"
    REPORT = "report", "the play only reports there now"
    BY_HAND = "by_hand", "ended by a person"


# What a play may choose to end its sequences on, beside an answer and a stop.
LEAVE_RULES = [
    Leave.BOOKED,
    Leave.CAME,
    Leave.PAID,
    Leave.CARD,
    Leave.ENDED,
    Leave.NOTICE,
    Leave.RENEWED,
]


class Step(models.Model):
    """One step of a play's sequence: a message with its own text, or a call by the desk.

    The wait begins when the step before was sent (or its call made), not when it was drafted.
    """

    play = models.ForeignKey(Play, models.CASCADE, related_name="steps")
    number = models.SmallIntegerField()  # 1 is the play's first message
    wait_hours = models.IntegerField(default=0)
    is_call = models.BooleanField(default=False)
    channel = models.CharField(max_length=6, choices=Channel.choices, blank=True)  # empty: any
    # Texts of the play that answer this reason; empty: the guest's own reason.
    cause = models.CharField(max_length=40, blank=True)
    with_offer = models.BooleanField(default=True)  # False: words only
    note = models.CharField(max_length=200, blank=True)  # of a call: what it is about
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["play", "number"]
        constraints = [
            models.UniqueConstraint(fields=["play", "number"], name="one_step_per_number"),
            models.CheckConstraint(
                condition=Q(number__gte=1, number__lte=MOST_STEPS), name="step_1_to_6"
            ),
            models.CheckConstraint(
                condition=Q(number=1, wait_hours=0) | Q(number__gt=1, wait_hours__gt=0),
                name="later_steps_wait",
            ),
            models.CheckConstraint(
                condition=Q(is_call=False) | Q(number__gt=1), name="first_step_is_a_message"
            ),
        ]


class RunQuerySet(LocatedQuerySet):
    def under_way(self) -> RunQuerySet:
        """Runs that have neither left nor finished, paused ones included."""
        return self.filter(state__in=Run.UNDER_WAY)


class Run(models.Model):
    """One guest on the way through a play's sequence, from the first draft to the end.

    `next_at` says when the next step is due; it is empty while the current step's draft or call
    has not come to its end, and while the run is paused (`remaining` then keeps the rest of the
    wait). `step` is the last step begun. What the steps' drafts are made from is kept by value.
    """

    class State(models.TextChoices):
        RUNNING = "running", "running"
        PAUSED = "paused", "paused"
        LEFT = "left", "left"
        FINISHED = "finished", "finished"

    UNDER_WAY = [State.RUNNING, State.PAUSED]

    guest = models.ForeignKey(Guest, models.PROTECT, related_name="runs")
    play = models.ForeignKey(Play, models.PROTECT, related_name="runs")
    location = models.ForeignKey(Location, models.PROTECT)
    membership = models.ForeignKey(Membership, models.PROTECT, null=True, blank=True)
    appointment = models.ForeignKey(Appointment, models.PROTECT, null=True, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    step = models.SmallIntegerField(default=1)
    steps_total = models.SmallIntegerField(default=1)  # how many there were when it began
    begun_at = models.DateTimeField()  # when the current step was drafted or its call asked for
    next_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)  # a worker is at the next step
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    left_why = models.CharField(max_length=12, choices=Leave.choices, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    remaining = models.DurationField(null=True, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    cause = models.CharField(max_length=40, blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    ended_before_on = models.DateField(null=True, blank=True)  # the contract's end at the start

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["guest", "play"],
                condition=Q(state__in=["running", "paused"]),
                name="one_run_under_way_per_guest_and_play",
            ),
            models.CheckConstraint(
                condition=(Q(state="left") & ~Q(left_why="")) | (~Q(state="left") & Q(left_why="")),
                name="left_run_says_why",
            ),
            models.CheckConstraint(
                condition=Q(state="paused", paused_at__isnull=False)
                | (~Q(state="paused") & Q(paused_at__isnull=True, remaining__isnull=True)),
                name="paused_run_says_since_when",
            ),
            models.CheckConstraint(
                condition=Q(state="running") | Q(next_at__isnull=True),
                name="only_a_running_run_is_due",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["running", "paused"], ended_at__isnull=True)
                | (Q(state__in=["left", "finished"]) & Q(ended_at__isnull=False)),
                name="ended_run_says_when",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_at"],
                name="run_due",
                condition=Q(state="running", next_at__isnull=False),
            ),
            models.Index(
                fields=["id"],
                name="run_awaits_its_step",
                condition=Q(
                    state__in=["running", "paused"], next_at__isnull=True, remaining__isnull=True
                ),
            ),
            models.Index(fields=["guest", "-started_at"], name="run_of_guest"),
            models.Index(fields=["location", "state", "-started_at"], name="run_of_location"),
        ]


class CallTask(models.Model):
    """A call a sequence asks the desk for. The call list takes it up; a call that was made, or
    that nobody made in time, lets the run go on."""

    class State(models.TextChoices):
        OPEN = "open", "to be made"
        DONE = "done", "made"
        EXPIRED = "expired", "not made in time"
        WITHDRAWN = "withdrawn", "no longer needed"

    run = models.ForeignKey(Run, models.CASCADE, related_name="calls")
    step = models.SmallIntegerField()
    guest = models.ForeignKey(Guest, models.PROTECT, related_name="call_tasks")
    location = models.ForeignKey(Location, models.PROTECT)
    note = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = LocatedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="one_call_per_step"),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True)
                | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="closed_call_task_says_when",
            ),
        ]
        indexes = [
            models.Index(
                fields=["location", "asked_at"], name="call_task_open", condition=Q(state="open")
            )
        ]
