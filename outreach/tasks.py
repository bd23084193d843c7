"""Celery entry points. All are hints: due times stand in PostgreSQL, and beat finds what a lost
hint left behind."""

from __future__ import annotations

from celery import shared_task

from audit import clock
from audit.nudge import nudge

DISPATCH_LIMIT = 1_000
# So many send at a time, whatever the number of workers: a long queue, or a carrier that hangs,
# leaves the others to webhooks and pages.
SENDERS = 2


@shared_task
def dispatch() -> None:
    """Send what is due."""
    from outreach.sending import sender
    from platforms.turns import Work, turn

    with turn(Work.SENDING, places=SENDERS) as free:
        if free:
            sender.dispatch_due(now=clock.now(), limit=DISPATCH_LIMIT)


@shared_task
def check_unknown() -> None:
    """Ask the carriers what became of calls without an answer."""
    from outreach.sending import sender
    from platforms.turns import Work, turn

    with turn(Work.LOOKING_UP, places=1) as free:
        if free:
            sender.check_unknown(now=clock.now())


@shared_task
def dispatch_trials() -> None:
    """Send the tests people asked for."""
    from outreach import services

    services.dispatch_trials(now=clock.now())


def wake_trials() -> None:
    """A nudge only: when the broker is away, beat finds the test."""
    nudge(dispatch_trials)


@shared_task
def dispatch_notices() -> None:
    """Tell staff by e-mail what a breaker did."""
    from outreach.gate import notices

    notices.dispatch_notices(now=clock.now())


@shared_task
def word_drafts() -> None:
    """Have fresh drafts worded by the machine, where one is set up."""
    from outreach import services

    services.word_drafts(now=clock.now())


@shared_task
def expire_drafts() -> None:
    """Close drafts past their time; approvals that grew too old go back to people."""
    from outreach import services

    services.expire_drafts(now=clock.now())
    services.recall_aged(now=clock.now())


@shared_task
def recheck_drafts(guest_ids: list[int]) -> None:
    """Look again at open drafts of guests whose data changed."""
    from outreach import services

    services.recheck_drafts(guest_ids=guest_ids, now=clock.now())


@shared_task
def wake_for_bookings(appointment_ids: list[int]) -> None:
    """Bring snoozed drafts back whose guest has booked."""
    from memberships.models import Appointment
    from outreach import services

    guest_ids = Appointment.objects.coming().filter(pk__in=appointment_ids)
    services.wake_snoozed(
        guest_ids=list(guest_ids.values_list("guest_id", flat=True)), now=clock.now()
    )


@shared_task
def approve_by_rules() -> None:
    """Approve what the rules of automatic plays take; what is in doubt stays with people."""
    from outreach import services

    services.approve_by_rules(now=clock.now())


@shared_task
def watch_sending() -> None:
    """Judge whether what was sent is as usual, and hold what the machine sends where it is not."""
    from outreach.gate import breakers

    breakers.look(now=clock.now())


@shared_task
def lower_doubtful() -> None:
    """Take automatic plays in doubt back to review."""
    from outreach import services

    services.lower_doubtful(now=clock.now())


@shared_task
def advance_sequences() -> None:
    """Begin the steps that are due."""
    from outreach.sequences import tending

    tending.advance(now=clock.now())


@shared_task
def leave_sequences(guest_ids: list[int]) -> None:
    """End the sequences of guests who booked, paid, answered or left."""
    from outreach.sequences import tending

    tending.leave_with_news(guest_ids=guest_ids, now=clock.now())


@shared_task
def leave_for_bookings(appointment_ids: list[int]) -> None:
    """End the sequences of guests whose bookings changed, where the play ends on it."""
    from memberships.models import Appointment
    from outreach.sequences import tending

    guests = Appointment.objects.filter(pk__in=appointment_ids).values_list("guest_id", flat=True)
    tending.leave_with_news(guest_ids=sorted(set(guests)), now=clock.now())


def wake_sender() -> None:
    """A nudge only: when the broker is away, beat finds the message."""
    nudge(dispatch)
