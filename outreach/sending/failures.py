"""Why a message did not leave, in words for staff, and which failures pass by themselves."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, CharField, Q, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from outreach.models import Message
from outreach.sending.undelivered import CODES
from platforms.models import OutboxItem

State = OutboxItem.State

# Failures of the carrier, not of the message, told apart by what it said: the first that fits.
# After many tries the machine gives up; when the cause is gone, all of them may be tried again.
_SAID = [
    ("busy", r"429|too many|throttl|rate limit|try again later|4\.7\.|4\.3\."),
    ("account", r"(^|\D)40[13](\D|$)|authenti|credential|unauthor|forbidden|suspended|account"),
    ("away", r""),
]
PASSING = {
    "busy": gettext_lazy("The carrier had too much to do, for hours."),
    "account": gettext_lazy("The carrier did not accept our account."),
    "away": gettext_lazy("The carrier could not be reached, for hours."),
}
_TODO = {
    "busy": gettext_lazy("Try it again later."),
    "account": gettext_lazy("Tell whoever runs Tenure here; then try it again."),
    "away": gettext_lazy("Try it again, or ring the guest."),
}


def cause() -> Case:
    """The key of PASSING that a given-up message falls under, for a query over messages."""
    cases = [When(outbox__error__iregex=said, then=Value(key)) for key, said in _SAID if said]
    return Case(*cases, default=Value("away"), output_field=CharField())


def given_up() -> Q:
    """Messages the machine has given up."""
    return Q(outbox__state=State.DEAD)


@dataclass(frozen=True)
class Told:
    """What happened, and the next step."""

    why: str
    todo: str


def told(message: Message, *, cause: str = "") -> Told | None:
    """Plain words for a message that needs a person; None for any other. `cause` is that of a
    given-up one."""
    state = State(message.outbox.state)
    if state == State.UNCERTAIN:
        return Told(
            _("Nobody knows whether it left. The machine does not send it again."),
            _("Ask the guest or look at the carrier, then say what happened."),
        )
    if state == State.DEAD:
        key = cause or "away"
        return Told(str(PASSING[key]), str(_TODO[key]))
    if state != State.REFUSED:
        return None
    error = message.outbox.error
    code = next((code for code in CODES if code in error), "")
    if code:
        why, todo = CODES[code]
        return Told(str(why), str(todo))
    if "differs from the approved" in error:
        return Told(_("It was changed after the approval and not sent."), _("Approve it anew."))
    return Told(_("The carrier refused it."), _("Ring the guest, or check number and address."))
