"""Who should be called: shaky bookings, members whose best route is a call, promised call-backs.

Every function is a fixed number of statements, whatever the number of guests. What a row is worth
is what a call *today* keeps that a call tomorrow would not:

    expected cents = p x value x share saved / days left to act

The shares are careful defaults, to be replaced by the business's own measured effect: calls cut
no-shows by 22 % (29.2 % to 22.8 %) in Shah 2016; for members there is no trial to lean on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from cancellations.models import Call, CallRules, CallTry, PhoneFlag
from cancellations.rules import BETWEEN_TRIES
from memberships.models import Appointment, Charge, Guest, GuestDay, Location, Membership
from outreach.models import CallTask, Draft, Holdout, Message, Reply, Run, Suppression
from risk.models import Band, BookingScore, ChurnScore

SHAKY = [Band.HIGH, Band.VERY_HIGH]
SAVED_BOOKINGS = 0.22
SAVED_MEMBERS = 0.10
SOMEBODY_ASKED_CENTS = 5_000  # a colleague's wish weighs at least so much
FURTHEST_RENEWAL_DAYS = 60  # the horizon of the churn score

# Causes that a person answers better than a text.
CALL_CAUSES = frozenset({"dissatisfaction", "payment", "notice"})
# The play whose held-out guests are left alone by everybody, so that its effect can be measured.
MEASURED_PLAY = "at-risk-check-in"
SLEEPING_DAYS = 180  # pays and has not come for so long: a contact tends to remind them to cancel
MET_SOON_DAYS = 7  # who comes so soon is spoken to at the visit
JUST_WRITTEN_DAYS = 7  # a message gets so long before a call follows
UNANSWERED_DAYS = 45  # an unanswered message counts so long as a sign that texts do not reach
PROMISE_DAYS = 7  # a promised call-back is still made when its day had no list


@dataclass(slots=True, kw_only=True)
class Candidate:
    """A guest who may become a row. `cause` is the strongest cause that raises the score."""

    guest_id: int
    kind: str
    expected_cents: int
    value_cents: int
    appointment_id: int | None = None
    membership_id: int | None = None
    reasons: list[str] = field(default_factory=list)
    cause: str = "other"
    call_by_at: datetime | None = None
    due_at: datetime | None = None
    asked_by_id: int | None = None

    @property
    def order(self) -> tuple[int, int]:
        """Sorts what is worth most first; the guest id only makes it stable."""
        return (-self.expected_cents, self.guest_id)


def not_to_be_dialled() -> Q:
    """A condition on Guest: the number is wrong, or the guest asked not to be called."""
    return Q(
        Exists(
            PhoneFlag.objects.filter(
                Q(phone=OuterRef("phone"))
                | Q(guest=OuterRef("pk"), kind=PhoneFlag.Kind.DO_NOT_CALL),
                lifted_at__isnull=True,
            )
        )
    ) | Q(
        Exists(
            Suppression.objects.filter(
                channel="call", address=OuterRef("phone"), lifted_at__isnull=True
            )
        )
    )


def callable_guests(now: datetime) -> QuerySet[Guest, Any]:
    """Guests with a number that may be dialled, nobody having tried within the hour."""
    just_tried = CallTry.objects.standing().filter(guest=OuterRef("pk"), at__gt=now - BETWEEN_TRIES)
    return (
        Guest.objects.present()
        .exclude(phone="")
        .exclude(not_to_be_dialled())
        .exclude(Exists(just_tried))
    )


def unlisted_guests(on: date, now: datetime) -> QuerySet[Guest, Any]:
    """Callable guests who are on no list of that day."""
    return callable_guests(now).exclude(Exists(Call.objects.filter(guest=OuterRef("pk"), on=on)))


def shaky_bookings(
    *,
    location: Location,
    on: date,
    now: datetime,
    days_ahead: int,
    bands: Collection[str] = SHAKY,
    appointment_ids: Collection[int] | None = None,
) -> list[Candidate]:
    """Bookings at risk from now to the end of the days ahead, one per guest: the dearest one."""
    scores = BookingScore.objects.filter(
        Exists(unlisted_guests(on, now).filter(pk=OuterRef("guest"))),
        location=location,
        band__in=bands,
        appointment__status__in=Appointment.COMING,
        appointment__vanished_at__isnull=True,
        appointment__starts_at__gt=now,
        appointment__starts_on__range=(on, on + timedelta(days=days_ahead)),
    ).select_related("appointment")
    if appointment_ids is not None:
        scores = scores.filter(appointment__in=appointment_ids)
    return _one_per_guest([_of_booking(score, location, on, now) for score in scores])


def _of_booking(score: Any, location: Location, on: date, now: datetime) -> Candidate:
    appointment = score.appointment
    value = appointment.price_cents or 0
    # While the notice window is still ahead a call can free the slot in time; then until the start.
    notice = appointment.starts_at - timedelta(hours=location.late_cancel_hours)
    call_by = notice if notice > now else appointment.starts_at
    days_left = max((location.today(call_by) - on).days + 1, 1)
    return Candidate(
        guest_id=score.guest_id,
        kind=Call.Kind.BOOKING,
        appointment_id=appointment.pk,
        expected_cents=round(score.p * value * SAVED_BOOKINGS / days_left),
        value_cents=value,
        reasons=why(score.reasons),
        cause=first_cause(score.reasons),
        call_by_at=call_by,
    )


def members_to_call(
    *, location: Location, on: date, now: datetime, rules: CallRules
) -> list[Candidate]:
    """Members at very high risk whose best route is a call: no message may reach them, the cause
    wants a person, or a message stayed unanswered."""
    own_messages = Message.objects.filter(guest=OuterRef("guest"))
    just_written = own_messages.filter(approved_at__gt=now - timedelta(days=JUST_WRITTEN_DAYS))
    unanswered = own_messages.filter(approved_at__gt=now - timedelta(days=UNANSWERED_DAYS)).exclude(
        Exists(
            Reply.objects.filter(
                guest=OuterRef("guest"), received_at__gt=OuterRef("approved_at")
            ).exclude(intent=Reply.Intent.AUTOMATIC)
        )
    )
    scores = (
        ChurnScore.objects.filter(
            Exists(unlisted_guests(on, now).filter(pk=OuterRef("guest"))),
            location=location,
            band=Band.VERY_HIGH,
            membership__status__in=[
                Membership.Status.ACTIVE,
                Membership.Status.SUSPENDED,
                Membership.Status.FAILED,
            ],
        )
        .exclude(Exists(left_in_peace(on, now, rules).filter(pk=OuterRef("guest"))))
        .exclude(Exists(Draft.objects.open().filter(guest=OuterRef("guest"))))
        .exclude(Exists(just_written))
        .annotate(is_unanswered=Exists(unanswered), is_texted_in_vain=_cannot_be_written_to())
        .select_related("membership__plan", "guest")
    )
    return _one_per_guest(
        [
            _of_member(score, on)
            for score in scores
            if score.is_unanswered
            or score.is_texted_in_vain
            or first_cause(score.reasons) in CALL_CAUSES
        ]
    )


def _cannot_be_written_to() -> Q:
    """No channel is open: neither consent for text messages nor for e-mail, or no address."""
    return (Q(guest__sms_marketing=False) | Q(guest__phone="")) & (
        Q(guest__email_marketing=False) | Q(guest__email="")
    )


def left_in_peace(on: date, now: datetime, rules: CallRules) -> QuerySet[Guest, Any]:
    """Guests no call about their membership is made to: they said stop, were reached lately, come
    in soon, sleep, or are held out of the play that is being measured."""
    reached = CallTry.objects.standing().filter(
        guest=OuterRef("pk"),
        outcome__in=CallTry.REACHED,
        at__gt=now - timedelta(days=rules.quiet_days),
    )
    said_stop = Suppression.objects.filter(
        channel="sms",
        address=OuterRef("phone"),
        source=Suppression.Source.REPLY,
        lifted_at__isnull=True,
    )
    coming = Appointment.objects.coming().filter(
        guest=OuterRef("pk"), vanished_at__isnull=True, starts_at__gt=now
    )
    came = GuestDay.objects.filter(
        guest=OuterRef("pk"), visits__gt=0, on__gt=on - timedelta(days=SLEEPING_DAYS)
    )
    is_new = Membership.objects.running().filter(
        guest=OuterRef("pk"), started_on__gt=on - timedelta(days=SLEEPING_DAYS)
    )
    failed = Charge.objects.filter(
        guest=OuterRef("pk"),
        status=Charge.Status.FAILED,
        charged_on__gt=on - timedelta(days=SLEEPING_DAYS),
    )
    leaving = Membership.objects.running().filter(
        guest=OuterRef("pk"), cancel_requested_on__isnull=False
    )
    sleeps = (
        ~Q(Exists(came))
        & ~Q(Exists(coming))
        & ~Q(Exists(is_new))
        & ~Q(Exists(failed))
        & ~Q(Exists(leaving))
    )
    held_out = Holdout.objects.filter(guest=OuterRef("pk"), play=MEASURED_PLAY, is_held_out=True)
    return Guest.objects.filter(
        Q(Exists(reached))
        | Q(Exists(said_stop))
        | Q(Exists(coming.filter(starts_on__lte=on + timedelta(days=MET_SOON_DAYS))))
        | Q(Exists(held_out))
        | sleeps
    )


def _of_member(score: Any, on: date) -> Candidate:
    membership = score.membership
    monthly = monthly_cents(membership)
    renewal = membership.next_charge_on or membership.ends_on
    days_left = FURTHEST_RENEWAL_DAYS
    if renewal is not None and renewal >= on:
        days_left = min(max((renewal - on).days, 1), FURTHEST_RENEWAL_DAYS)
    return Candidate(
        guest_id=score.guest_id,
        kind=Call.Kind.MEMBER,
        membership_id=membership.pk,
        expected_cents=round(score.p * 12 * monthly * SAVED_MEMBERS / days_left),
        value_cents=12 * monthly,
        reasons=why(score.reasons),
        cause=first_cause(score.reasons),
    )


def promised_calls(*, location: Location, on: date, now: datetime) -> list[Candidate]:
    """Guests who asked on an earlier day to be called back on this one, or on a day just before
    that had no list."""
    day_begins = datetime.combine(on, time(), tzinfo=location.zone)
    calls = (
        Call.objects.filter(
            Exists(unlisted_guests(on, now).filter(pk=OuterRef("guest"))),
            location=location,
            on__lt=on,
            status=Call.Status.DONE,
            outcome=Call.Outcome.CALL_BACK,
            due_at__gte=day_begins - timedelta(days=PROMISE_DAYS),
            due_at__lt=day_begins + timedelta(days=1),
        )
        .exclude(Exists(Call.objects.filter(guest=OuterRef("guest"), on__gt=OuterRef("on"))))
        .order_by("due_at", "pk")
    )
    return _one_per_guest(
        [
            Candidate(
                guest_id=call.guest_id,
                kind=Call.Kind.BACK,
                appointment_id=call.appointment_id,
                membership_id=call.membership_id,
                expected_cents=max(call.expected_cents, SOMEBODY_ASKED_CENTS),
                value_cents=call.value_cents,
                reasons=["Asked to be called back", *_without_promise(call.reasons)][:3],
                call_by_at=call.call_by_at if call.call_by_at and call.call_by_at > now else None,
                due_at=call.due_at,
                asked_by_id=call.asked_by_id,
            )
            for call in calls
        ]
    )


def step_calls(*, location: Location, on: date, now: datetime) -> list[Candidate]:
    """Guests whose sequence has come to a call: what was written stayed without an answer."""
    tasks = CallTask.objects.filter(
        Exists(unlisted_guests(on, now).filter(pk=OuterRef("guest"))),
        location=location,
        state=CallTask.State.OPEN,
        expires_at__gt=now,
        run__state=Run.State.RUNNING,
    ).select_related("run__play", "run__membership__plan")
    return _one_per_guest([_of_step(task) for task in tasks.order_by("asked_at", "pk")])


def _of_step(task: CallTask) -> Candidate:
    run = task.run
    value = 12 * monthly_cents(run.membership) if run.membership else 0
    about = task.note or f"Next step of {run.play.name}"
    return Candidate(
        guest_id=task.guest_id,
        kind=Call.Kind.STEP,
        membership_id=run.membership_id,
        appointment_id=run.appointment_id,
        expected_cents=SOMEBODY_ASKED_CENTS,
        value_cents=value,
        reasons=[about[:200], *why(run.evidence.get("reasons", []))][:3],
        cause=run.cause or "other",
    )


def _without_promise(reasons: list[str]) -> list[str]:
    return [reason for reason in reasons if reason != "Asked to be called back"]


def monthly_cents(membership: Membership) -> int:
    """What the contract brings in a month, in cents."""
    price = membership.price_cents or membership.plan.price_cents or 0
    return price // max(membership.plan.period_months or 1, 1)


def why(reasons: list[dict[str, Any]]) -> list[str]:
    """The plain words of what raises a score, strongest first. No numbers of the score itself."""
    return [reason["text"][:200] for reason in reasons if reason.get("direction") == "raises"][:3]


def first_cause(reasons: list[dict[str, Any]]) -> str:
    """The cause of the strongest reason that raises the score; "other" when none does."""
    return next((r["cause"] for r in reasons if r.get("direction") == "raises"), "other")


def _one_per_guest(candidates: list[Candidate]) -> list[Candidate]:
    """Worth most first, the first one of each guest."""
    best: dict[int, Candidate] = {}
    for candidate in sorted(candidates, key=lambda c: c.order):
        best.setdefault(candidate.guest_id, candidate)
    return list(best.values())
