"""Messages that need a person."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from audit import services as audit
from outreach import caps, events, threads
from outreach.errors import Conflict, NotAllowed
from outreach.models import Message, OutreachPolicy
from platforms import outbox

if TYPE_CHECKING:
    from staff.models import User


@transaction.atomic
def settle_uncertain(*, message_id: int, was_sent: bool, by: User, now: datetime) -> Message:
    """A person found out what became of an uncertain message. Raises Conflict, NotAllowed."""
    message: Message = Message.objects.select_related("outbox", "location").get(pk=message_id)
    if not by.has_perm("outreach.cancel_message", message):
        raise NotAllowed("You may not settle messages here. Ask a manager of the location.")
    if not outbox.settle(item_id=message.outbox_id, was_sent=was_sent, now=now):
        raise Conflict("This message has been settled meanwhile.")
    policy = OutreachPolicy.current()
    if was_sent:
        caps.post(message, policy=policy)
    else:
        caps.void(message, policy=policy)
    threads.clear_trouble(message)
    audit.record(
        events.MESSAGE_SETTLED,
        at=now,
        by=by,
        location_id=message.location_id,
        guest_id=message.guest_id,
        target=message,
        detail={
            "play": message.play_id,
            "verdict": "it was sent" if was_sent else "it was not sent",
        },
    )
    message.outbox.refresh_from_db()
    return message


@transaction.atomic
def retry_message(*, message_id: int, by: User, now: datetime) -> Message:
    """Queue a given-up message once more; its cost is set aside anew. Raises Conflict,
    NotAllowed, CapReached."""
    message: Message = Message.objects.select_related("outbox", "location").get(pk=message_id)
    if not by.has_perm("outreach.cancel_message", message):
        raise NotAllowed("You may not send messages again here. Ask a manager of the location.")
    if not outbox.try_again(item_id=message.outbox_id, now=now):
        raise Conflict("This message is not given up any more.")
    if message.reservation == Message.Reservation.VOIDED:
        policy = OutreachPolicy.current()
        caps.reserve(
            lines=caps.lines_for(
                location=message.location,
                play_key=message.play_id or "",
                at=message.approved_at,
                policy=policy,
            ),
            cost_cents=message.cost_cents,
        )
        message.reservation = Message.Reservation.RESERVED
        message.save(update_fields=["reservation"])
    threads.clear_trouble(message)
    audit.record(
        events.MESSAGE_RETRIED,
        at=now,
        by=by,
        location_id=message.location_id,
        guest_id=message.guest_id,
        target=message,
    )
    message.outbox.refresh_from_db()
    return message
