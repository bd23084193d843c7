"""Three lines to say: plain words, no treatment by name, no score, so that they may be printed."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cancellations.models import Call
    from memberships.models import Appointment, Guest, Location, Membership

LISTEN = "Listen first. If something bothers them, write it down and promise a manager's call."
CLOSE_MEMBER = "Shall I look for a time that suits you? I can book it while we speak."

# What to say to a member, by the cause that weighs most in the score (risk/causes.py).
MEMBER_LINES = {
    "usage_drop": "We have seen less of you lately. Is the time or the place in the way?",
    "no_visits": "We have missed you. Is there anything that keeps you from coming?",
    "no_booking": "You have nothing booked at the moment. Shall we find a time for you?",
    "unused_benefits": "Your plan has treatments waiting for you. Shall we use one this week?",
    "payment": "A payment did not go through. We send a secure link; no card details by phone.",
    "dissatisfaction": "How were your last visits? I would like to put right what went wrong.",
    "price": "Let us look together whether your plan still fits the way you come.",
    "plan": "Let us look together whether your plan still fits the way you come.",
    "renewal_near": "Your plan is about to renew. Is there anything you would like changed?",
    "notice": "You asked to end your plan. May I ask what would have made you stay?",
    "paused": "Your plan is on pause. Do you know yet when you would like to come back?",
    "new_member": "How were your first weeks with us? May I show you what your plan includes?",
    "cancellations": "Some visits fell through lately. Would another day or hour be easier?",
    "season": "It is a busy season. Shall we hold a time for you before it fills up?",
}
MEMBER_LINE = "We would like to know how you are getting on with your plan."
# Causes after which the guest is heard out before anything is suggested.
LISTEN_CAUSES = frozenset({"dissatisfaction", "notice"})

BOOKING_LINES = {
    "first_visit": "They are new: tell them how to find us and how long it takes.",
    "lead_time": "It was booked a while ago. Does the time still suit?",
    "own_history": "If the time has become awkward, we can move it now while there is choice.",
    "slot": "If another hour is easier, we can move it now while there is choice.",
    "service": "Tell them how to prepare, and ask whether they have any question about it.",
    "unconfirmed": "Ask for a clear yes, and mark the booking as confirmed.",
}
BOOKING_LINE = "If the time has become awkward, we can move it now while there is choice."


def clock(at: datetime) -> str:
    """An aware, already local instant as staff read it: Tue 4 Nov, 14:30."""
    return f"{at:%a} {at.day} {at:%b}, {at:%H:%M}"


def day_word(at: datetime, today: date) -> str:
    """An already local instant as it is spoken: today at 14:30, tomorrow at 9:00, on Tue 4 Nov."""
    days = (at.date() - today).days
    spoken = f"{at.hour}:{at:%M}"
    if days == 0:
        return f"today at {spoken}"
    if days == 1:
        return f"tomorrow at {spoken}"
    return f"on {at:%a} {at.day} {at:%b} at {spoken}"


def booking_lines(
    *, guest: Guest, appointment: Appointment, location: Location, cause: str, now: datetime
) -> list[str]:
    """For a booking at risk."""
    at = appointment.starts_at.astimezone(location.zone)
    when = day_word(at, location.today(now))
    whom = f" with {appointment.therapist.name}" if appointment.therapist else ""
    return [
        f"Hello {guest.first_name or 'there'}, this is {location.name}. "
        f"You are booked{whom} {when}. Are you coming?",
        BOOKING_LINES.get(cause, BOOKING_LINE),
        "If they cannot come: offer two other times first, then thank them for telling us early.",
    ]


def member_lines(
    *, guest: Guest, membership: Membership | None, location: Location, cause: str, credits: int
) -> list[str]:
    """For a member at risk, or for somebody a colleague wants called. `credits`: treatments of the
    plan that are left to use."""
    line = MEMBER_LINES.get(cause, MEMBER_LINE) if membership else LISTEN
    if cause == "unused_benefits" and credits == 1:
        line = "Your plan has a treatment waiting for you. Shall we use it this week?"
    elif cause == "unused_benefits" and credits > 1:
        line = f"Your plan has {credits} treatments waiting for you. Shall we use one this week?"
    last = LISTEN if cause in LISTEN_CAUSES else CLOSE_MEMBER
    return [f"Hello {guest.first_name or 'there'}, this is {location.name}.", line, last]


def on_paper(call: Call) -> str:
    """What a sheet has room for: the booking and the point of the call. `call` comes with
    location, appointment and its therapist."""
    point = call.say[1] if len(call.say) > 1 else ""
    if call.appointment is None:
        return point
    at = call.appointment.starts_at.astimezone(call.location.zone)
    whom = f" with {call.appointment.therapist.name}" if call.appointment.therapist else ""
    days = (at.date() - call.on).days
    when = day_word(at, call.on) if days >= 0 else clock(at)
    return f"Booked {when}{whom}. {point}"
