"""Messages that need a person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from audit import fence
from audit import services as audit
from outreach import events, threads
from outreach.errors import Conflict, NotAllowed
from outreach.gate import caps
from outreach.models import Message, OutreachPolicy, Thread
from outreach.sending import failures
from platforms import outbox
from platforms.models import OutboxItem

if TYPE_CHECKING:
    from staff.models import User


@fence.beyond("the guest's thread may be another location's")
@transaction.atomic
def settle_uncertain(
    *, message_id: int, was_sent: bool, by: User, now: datetime, note: str = ""
) -> Message:
    """A person found out what became of an uncertain message; `note` says how, beside the message
    and not in the ledger: it may name people. Raises Conflict, NotAllowed."""
    message: Message = Message.objects.select_related("outbox", "location").get(pk=message_id)
    if not by.has_perm("outreach.cancel_message", message):
        raise NotAllowed("You may not settle messages here. Ask a manager of the location.")
    note = " ".join(note.split())[:200]
    if note:
        note = f"{by.get_full_name() or by.get_username()}: {note}"
    if not outbox.settle(item_id=message.outbox_id, was_sent=was_sent, now=now, note=note):
        raise Conflict("This message has been settled meanwhile.")
    policy = OutreachPolicy.current()
    if was_sent:
        caps.post(message, policy=policy)
    else:
        caps.void(message, policy=policy)
    threads.clear_trouble(message)
    audit.record_about(
        events.MESSAGE_SETTLED,
        message,
        at=now,
        by=by,
        verdict="it was sent" if was_sent else "it was not sent",
    )
    message.outbox.refresh_from_db()
    return message


@fence.beyond("the guest's thread may be another location's")
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
    audit.record_about(
        events.MESSAGE_RETRIED,
        message,
        at=now,
        by=by,
    )
    message.outbox.refresh_from_db()
    return message


MOST_AT_ONCE = 1_000
RETRIED_FOR = timedelta(days=30)


@fence.beyond("the guests' threads may be other locations'")
@transaction.atomic
def retry_all(*, cause: str, location_id: int | None, by: User, now: datetime) -> tuple[int, int]:
    """Queue once more what the person's locations have given up for one cause (failures.PASSING),
    the oldest first, MOST_AT_ONCE at a time; each cost is set aside anew. Every one passes the gate
    afresh, at the usual pace. Returns how many were queued, and how many a limit has no room for.
    Raises NotAllowed."""
    if not by.has_perm("outreach.cancel_message"):
        raise NotAllowed("You may not send messages again. Ask a manager of the location.")
    # By the outbox, whose index knows what went wrong since when.
    given_up = list(
        Message.objects.visible_to(by)
        .at(location_id)
        .annotate(cause=failures.cause())
        .filter(
            failures.given_up(),
            cause=cause,
            outbox__topic=OutboxItem.Topic.MESSAGE,
            outbox__created_at__gt=now - RETRIED_FOR,
        )
        .select_related("location", "outbox")
        .order_by("outbox__created_at", "pk")
        .select_for_update(of=("self", "outbox"))[:MOST_AT_ONCE]
    )
    fitting = caps.reserve_anew(given_up, policy=OutreachPolicy.current())
    outbox.try_all_again(item_ids=[message.outbox_id for message in fitting], now=now)
    Thread.objects.filter(trouble_message__in=[message.pk for message in fitting]).update(
        trouble="", trouble_at=None, trouble_message=None
    )
    audit.record_many(
        [
            audit.Entry.about(
                events.MESSAGE_RETRIED,
                message,
                at=now,
                by=by,
            )
            for message in fitting
        ]
    )
    return len(fitting), len(given_up) - len(fitting)
