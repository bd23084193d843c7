"""What keeps a waiting message back, and what a person may do about it. The conditions are the
gate's; the words beside them are here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from outreach.gate import conditions
from outreach.gate.hours import Hours, place_of
from outreach.models import Message

_BY_ITSELF = gettext_lazy("It leaves by itself when that is over.")
_NEVER = gettext_lazy("It will not leave: cancel it.")

REMEDY = {
    "switch": gettext_lazy("Whoever may resume sending does so above."),
    "suppressed": _NEVER,
    "unread": gettext_lazy("It is read within moments; then look under Replies."),
    "told": gettext_lazy(
        "Look under Replies, Could not be read. Cancel it here if the guest has it."
    ),
    "approval": gettext_lazy("Cancel it and decide the draft anew."),
    "aged": gettext_lazy("Nothing to do: it comes back to Review by itself."),
    "approver": gettext_lazy("Somebody else decides it anew."),
    "consent": gettext_lazy("Ask the guest at the next visit. Until then, cancel it."),
    "address": gettext_lazy("Cancel it: a new draft takes the new address."),
    "holdout": _NEVER,
    "phase": gettext_lazy("Cancel it, or move the play up under Settings, Automation."),
    "automatic": gettext_lazy("Nothing to do: it comes back to Review by itself."),
    "sequence": _NEVER,
    "paused": gettext_lazy("Resume it under Sequences, or cancel."),
    "watch": gettext_lazy("Tell whoever runs Tenure here: the watch stands still."),
    "breaker": gettext_lazy("See what it is under Settings, Automation."),
    "authorised": gettext_lazy("Record the signed form on the guest's page, or cancel."),
    "cap": gettext_lazy("Cancel it and decide the draft anew."),
    "stale": gettext_lazy("It leaves once the location is read again: look under Data."),
    "week": _BY_ITSELF,
    "hold": _BY_ITSELF,
    "hours": gettext_lazy("No hour of the coming week is open there: look at the calling hours."),
    conditions.RESTORED: gettext_lazy("Tell whoever runs Tenure here at once."),
}


def opening_hours(
    messages: Collection[Message], held: Mapping[int, str], *, now: datetime
) -> dict[int, datetime]:
    """When those held by calling hours may leave at the earliest, by message. One query if any."""
    late = [message for message in messages if held.get(message.pk) == "hours"]
    if not late:
        return {}
    rules = Hours.current()
    found = {}
    for message in late:
        is_marketing = message.play.is_marketing if message.play else True
        place = place_of(
            message.guest, message.location, channel=message.channel, is_marketing=is_marketing
        )
        if (opens := rules.opens_at(max(now, message.outbox.due_at), place)) is not None:
            found[message.pk] = opens
    return found


def words(condition: str) -> tuple[str, str]:
    """Why, and what to do; both empty where nothing holds."""
    if not condition:
        return "", ""
    return _(conditions.HELD[condition]), str(REMEDY[condition])
