"""What comes back from the carriers: answers of guests and the fate of messages.

Both handlers run inside the transaction that marks the delivery done, so each delivery counts once.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import QueryDict

from audit import services as audit
from audit.nudge import nudge
from memberships.models import Guest
from outreach import events, intents, services, tasks
from outreach.models import Channel, Message, Reply, Suppression
from platforms.inbox import Unreadable
from platforms.models import InboxDelivery, OutboxItem

log = logging.getLogger(__name__)

# An answer belongs to the newest message of this time; an older one stands alone.
THREAD = timedelta(days=60)

CONFIRMATION = {
    "en": "{business}: you will get no more texts from us. Reply START to hear from us again.",
    "es": "{business}: no recibiras mas mensajes nuestros. Responde START para volver.",
}


def _form(delivery: InboxDelivery) -> dict[str, str]:
    form = QueryDict(bytes(delivery.body), encoding="utf-8")
    return {name: str(form[name]) for name in form}


# --- Answers ------------------------------------------------------------------------------------


def take_inbound(delivery: InboxDelivery, now: datetime) -> None:
    """An inbound text message of the carrier. Raises Unreadable when it names no sender."""
    form = _form(delivery)
    sender, ref = form.get("From", "").strip(), form.get("MessageSid", "").strip()
    if not sender or not ref:
        raise Unreadable("The message names no sender or no id.")
    take_reply(
        channel=Channel.SMS,
        address=sender,
        carrier_ref=ref,
        body=form.get("Body", ""),
        received_at=delivery.received_at,
        now=now,
    )


def take_reply(
    *,
    channel: str,
    address: str,
    carrier_ref: str,
    body: str,
    received_at: datetime,
    now: datetime,
) -> Reply | None:
    """Store an answer, thread it to the newest message to that address, and act on a clear one.
    None when it was stored before."""
    message = _answered_message(channel=channel, address=address, at=received_at)
    guest = message.guest if message is not None else _guest_at(channel, address)
    location_id = message.location_id if message else guest.location_id if guest else None
    if guest is not None:
        # Decisions lock the draft first and the ledger last; so must whoever changes both.
        services.lock_open_drafts(guest_id=guest.pk)
    reading = intents.read(body)
    reply, is_new = Reply.objects.get_or_create(
        carrier_ref=carrier_ref,
        defaults={
            "guest": guest,
            "location_id": location_id,
            "message": message,
            "channel": channel,
            "address": address,
            "body": body.replace("\x00", "")[:4000],
            "intent": reading.intent,
            "received_at": received_at,
            # What needs nobody is dealt with on arrival; a clear yes still wants a booking.
            "answered_at": (
                None if reading.for_person or reading.intent == Reply.Intent.YES else now
            ),
        },
    )
    if not is_new:
        return None
    guest_id = guest.pk if guest is not None else None
    audit.record(
        events.REPLY_RECEIVED,
        at=now,
        location_id=location_id,
        guest_id=guest_id,
        target=reply,
        detail={
            "intent": reply.get_intent_display(),
            "message": message.pk if message else None,
            "for_person": reading.for_person,
        },
    )
    if reading.suppresses:
        _stop(reply, message, sure=not reading.for_person, now=now)
    elif reading.intent == Reply.Intent.RESTART:
        services.lift_suppression(
            channel=channel,
            address=address,
            reason="the guest asked to hear from us again",
            now=now,
            guest_id=guest_id,
            location_id=location_id,
        )
    if guest_id is not None:
        services.wake_snoozed(guest_ids=[guest_id], now=now)
        # After commit: ending a sequence locks what waits in Outgoing, and here the ledger is held.
        # The gate reads the answer itself, so nothing of the sequence leaves meanwhile.
        transaction.on_commit(partial(nudge, tasks.leave_sequences, [guest_id]), robust=True)
    return reply


def _answered_message(*, channel: str, address: str, at: datetime) -> Message | None:
    return (
        Message.objects.filter(
            channel=channel,
            address=address,
            outbox__state__in=[
                OutboxItem.State.SENT,
                OutboxItem.State.UNKNOWN,
                OutboxItem.State.CHECKING,
                OutboxItem.State.UNCERTAIN,
                OutboxItem.State.SENDING,
            ],
            approved_at__gt=at - THREAD,
        )
        .select_related("guest", "location")
        .order_by("-outbox__sent_at", "-pk")
        .first()
    )


def _guest_at(channel: str, address: str) -> Guest | None:
    """The guest an address belongs to; None when it is nobody's or several people's."""
    where = Q(phone=address) if channel == Channel.SMS else Q(email__iexact=address)
    found = list(Guest.objects.present().filter(where)[:2])
    return found[0] if len(found) == 1 else None


def _stop(reply: Reply, message: Message | None, *, sure: bool, now: datetime) -> None:
    """Suppress the address, withdraw what waits for it, and confirm once."""
    is_new = services.suppress(
        channel=reply.channel,
        address=reply.address,
        source=Suppression.Source.REPLY,
        reason="answered stop" if sure else "the answer may mean stop; a person should ask",
        now=now,
        guest_id=reply.guest_id,
        location_id=reply.location_id,
    )
    if reply.guest_id is not None:
        services.recheck_drafts(guest_ids=[reply.guest_id], now=now)
    if is_new and sure and message is not None:
        _confirm(reply, message, now=now)


def _confirm(reply: Reply, message: Message, *, now: datetime) -> None:
    """The one text that may follow a stop. Once per suppression."""
    if reply.channel != Channel.SMS:
        return
    language = "es" if message.guest.language.lower().startswith("es") else "en"
    words = CONFIRMATION[language].replace("{business}", settings.BUSINESS_NAME)
    confirmation = Message(
        guest=message.guest,
        location=message.location,
        channel=reply.channel,
        address=reply.address,
        body=words,
        purpose=Message.Purpose.CONFIRMATION,
        approved_at=now,
    )
    services.queue_message(
        confirmation, subject=f"stop:{reply.pk}", approval_hash="", due_at=now, now=now
    )
    audit.record(
        events.MESSAGE_CONFIRMATION,
        at=now,
        location_id=message.location_id,
        guest_id=message.guest_id,
        target=confirmation,
        detail={"outbox": confirmation.outbox_id, "reply": reply.pk},
    )


# --- What became of a message -------------------------------------------------------------------

DELIVERED = {"delivered", "read"}
UNDELIVERED = {"undelivered", "failed", "canceled"}
# The carrier's codes for: the person has said stop to this number; the number cannot get texts.
SAID_STOP = {"21610"}
ALWAYS_FAILS = {"30005", "30006", "21614", "21211"}


def take_status(delivery: InboxDelivery, now: datetime) -> None:
    """A status callback of the carrier. Raises Unreadable without a message id. Late and repeated
    callbacks change nothing: delivered stays delivered."""
    form = _form(delivery)
    ref, status = form.get("MessageSid", "").strip(), form.get("MessageStatus", "").lower()
    if not ref:
        raise Unreadable("The callback names no message.")
    item = OutboxItem.objects.filter(
        Q(provider_ref=ref) | Q(pk__in=_named_by_reference(form)),
        topic=OutboxItem.Topic.MESSAGE,
    ).first()
    message = (
        Message.objects.select_related("location", "guest").filter(outbox=item).first()
        if item is not None
        else None
    )
    if message is None:
        if status in DELIVERED | UNDELIVERED:
            # It may have been quicker than the answer to our call: come again.
            raise UnknownMessage(f"No message of ours has the reference {ref} yet.")
        return
    code = form.get("ErrorCode", "").strip()
    if status in DELIVERED:
        _delivery(message, Message.Delivery.DELIVERED, now=now, error="")
    elif status in UNDELIVERED:
        _delivery(message, Message.Delivery.UNDELIVERED, now=now, error=code)
        if code in SAID_STOP | ALWAYS_FAILS:
            services.suppress(
                channel=message.channel,
                address=message.address,
                source=Suppression.Source.CARRIER,
                reason=(
                    "the carrier says the guest said stop"
                    if code in SAID_STOP
                    else "the carrier cannot reach this number"
                ),
                now=now,
                guest_id=message.guest_id,
                location_id=message.location_id,
            )


class UnknownMessage(Exception):
    """A callback about a message whose reference we do not have yet."""


def _named_by_reference(form: dict[str, str]) -> list[str]:
    """Carriers that repeat our reference tell us even before their own id reached us."""
    key = form.get("Reference", "")
    prefix = "send:"
    candidate = key.removeprefix(prefix) if key.startswith(prefix) else ""
    return [candidate] if len(candidate) == 36 else []


def _delivery(message: Message, delivery: str, *, now: datetime, error: str) -> None:
    told = Message.objects.filter(pk=message.pk).exclude(
        delivery__in=[Message.Delivery.DELIVERED, delivery]
    )
    if not told.update(delivery=delivery, delivery_at=now):
        return
    arrived = delivery == Message.Delivery.DELIVERED
    audit.record(
        events.MESSAGE_DELIVERED if arrived else events.MESSAGE_UNDELIVERED,
        at=now,
        location_id=message.location_id,
        guest_id=message.guest_id,
        target=message,
        detail={"outbox": message.outbox_id} | ({} if arrived else {"error": error or "unknown"}),
    )
