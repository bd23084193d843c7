"""What may be done with a call, and when. Each refusal has a sentence for staff."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cancellations.hours import FURTHEST, call_place, may_call
from cancellations.models import Call, CallTry

if TYPE_CHECKING:
    from outreach.gate.hours import Hours
    from staff.models import User

HOLD = timedelta(minutes=10)
# A second identical entry within this time is a second press of the same key.
SAME_PRESS = timedelta(minutes=1)
# Nobody is called again sooner, whoever asks.
BETWEEN_TRIES = timedelta(hours=1)


class CallRefused(Exception):
    """The call does not allow it. The message is for staff: what happened, what to do."""


class CallHeld(CallRefused):
    """Somebody else is on this call."""


class CallChanged(CallRefused):
    """The row is no longer as it was seen: somebody decided first."""


class CallOver(CallRefused):
    """The row is done, or its day has passed."""


class WrongTime(CallRefused):
    """A time that is missing, past, too far off or outside calling hours."""


class NotCallable(CallRefused):
    """This guest cannot be called at all."""


class NoSuchRow(CallRefused):
    """A line of a paper list that does not name a row or an outcome."""


def who(user: User | None) -> str:
    return (user.get_full_name() or user.get_username()) if user else "Somebody"


def check_not_held(call: Call, by: User, now: datetime) -> None:
    """Raises CallHeld while another person is on the call."""
    if call.is_held_against(by.pk, now):
        raise CallHeld(f"{who(call.held_by)} is on this call.")


def check_can_change(call: Call, by: User, version: int, now: datetime) -> None:
    """The row is open, as it was seen and free. Raises CallHeld, CallOver, CallChanged."""
    check_not_held(call, by, now)
    if not call.is_open:
        raise CallOver(f"Row {call.row_no} is done: {said(call)}")
    if call.version != version:
        raise CallChanged(f"Row {call.row_no} has changed since: {said(call)}")


def check_call_back(at: datetime | None, *, call: Call, hours: Hours, now: datetime) -> datetime:
    """A call-back has a time that can be kept. Raises WrongTime."""
    if at is None:
        raise WrongTime("Say when to call back.")
    if not now < at <= now + FURTHEST:
        raise WrongTime("Choose a time in the next 60 days.")
    if not may_call(at, call, hours):
        raise WrongTime(
            "The guest may not be called then. Choose a time inside calling hours on their clock: "
            f"{hours.words_for(call_place(call), at.astimezone(call.zone).date())}."
        )
    return at


def said(call: Call) -> str:
    """What came of the row so far, with who and when: for the person who comes second."""
    if call.outcome == Call.Outcome.CLOSED:
        return call.closed_why
    last = CallTry.objects.filter(call=call).standing().select_related("by").order_by("-pk").first()
    if last is None:
        return f"it is {call.get_status_display().lower()} now."
    local = last.at.astimezone(call.location.zone)
    return f"{who(last.by)} logged “{last.get_outcome_display()}” at {local:%H:%M}."
