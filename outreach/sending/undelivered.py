"""Why a message did not arrive, and what to do, in words for staff.

Codes are those of Twilio-compatible carriers (error codes 21xxx and 30xxx of their reference).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from outreach.models import Message, Thread


@dataclass(frozen=True)
class Trouble:
    """`why` is what happened, `todo` the next step; `again` whether the machine may try once
    more."""

    why: str
    todo: str
    again: bool = False


_CALL = gettext_lazy("Ring the guest instead.")
_CORRECT = gettext_lazy("Ask for the right number and correct it in the booking platform.")
_LATER = gettext_lazy("Write again later, or ring.")
_OPERATOR = gettext_lazy("Tell whoever runs Tenure here: the carrier account needs a look.")

CODES = {
    "21211": (gettext_lazy("This is no phone number."), _CORRECT),
    "21610": (gettext_lazy("The guest said stop to the carrier."), _CALL),
    "21612": (gettext_lazy("The carrier cannot reach this number from ours."), _CALL),
    "21614": (gettext_lazy("This is no mobile number."), _CORRECT),
    "30001": (gettext_lazy("The carrier had too much to do."), _LATER),
    "30002": (gettext_lazy("The carrier account is suspended."), _OPERATOR),
    "30003": (gettext_lazy("The phone was off or out of reach."), _LATER),
    "30004": (gettext_lazy("The phone or its carrier blocks our number."), _CALL),
    "30005": (gettext_lazy("The number does not exist any more."), _CORRECT),
    "30006": (gettext_lazy("This is a landline or a phone that gets no texts."), _CALL),
    "30007": (gettext_lazy("The carrier took it for spam."), _OPERATOR),
    "30008": (gettext_lazy("The carrier does not say why."), _LATER),
    "30034": (gettext_lazy("Our number is not registered for this kind of text."), _OPERATOR),
}


def told(thread: Thread, message: Message | None) -> Trouble | None:
    """What staff read about the thread's trouble; None where there is none."""
    if not thread.trouble:
        return None
    kind = Thread.Trouble(thread.trouble)
    if kind == Thread.Trouble.UNCERTAIN:
        return Trouble(
            _("Nobody knows whether it left. The machine does not send it again."),
            _("Ask the guest, then settle it under Outgoing."),
        )
    if kind == Thread.Trouble.DEAD:
        return Trouble(
            _("The carrier could not be reached, many times."),
            _("Try once more, or ring the guest."),
            again=True,
        )
    if kind == Thread.Trouble.BOUNCED:
        return Trouble(
            _("The mailbox does not take it."),
            _("Ask for the right address and correct it in the booking platform."),
        )
    code = message.delivery_error if message is not None else ""
    if code in CODES:
        why, todo = CODES[code]
        return Trouble(str(why), str(todo))
    if kind == Thread.Trouble.REFUSED:
        return Trouble(_("The carrier refused it."), _("Ring the guest, or check the number."))
    return Trouble(_("It did not arrive."), str(_LATER))
