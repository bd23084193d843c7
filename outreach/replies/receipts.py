"""Receipts: what the carriers tell of our messages by themselves.

A receipt names the message by the address we gave the carrier for it, or by the Message-ID it bore.
So it is also the proof that the carrier took the message: one whose own answer was lost is settled
by it. What contradicts our book is kept for people and changes nothing.

Both handlers run inside the transaction that marks the delivery done, so each delivery counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from audit import services as audit
from outreach import events, services, threads
from outreach.gate import caps
from outreach.models import Channel, Message, OutreachPolicy, Suppression, Thread
from platforms import outbox
from platforms.carriers import sms
from platforms.inbox import NotYet, Unreadable
from platforms.models import InboxDelivery, OutboxItem

State = OutboxItem.State
Fate = Message.Delivery

# What a carrier may tell, each word outdoing those before it whatever comes first. A text that
# arrived has arrived; a mail that was taken in may still come back.
FATES: dict[str, list[str]] = {
    Channel.SMS: ["undelivered", "bounced", "delivered"],
    Channel.EMAIL: ["delivered", "undelivered", "bounced"],
}
WORDS = dict.fromkeys(["delivered", "read"], Fate.DELIVERED) | dict.fromkeys(
    ["undelivered", "failed", "canceled"], Fate.UNDELIVERED
)
# The carrier's codes for: the person has said stop to this number; the number cannot get texts.
SAID_STOP = {"21610"}
ALWAYS_FAILS = {"30005", "30006", "21614", "21211"}


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a carrier told about one message, and when it reached us."""

    at: datetime
    ref: str = ""  # the carrier's own id of the message; empty where it gives none
    fate: Message.Delivery = Fate.NONE  # NONE: taken, nothing more is known
    code: str = ""  # why it did not arrive


def take_status(delivery: InboxDelivery, now: datetime) -> None:
    """A status callback of the carrier for texts, however late, often or shuffled it comes. Raises
    Unreadable when it names no message of ours or contradicts what is known of it, NotYet while
    the call of it is under way."""
    form = sms.form_of(bytes(delivery.body))
    ref, status = form.get("MessageSid", "").strip(), form.get("MessageStatus", "").lower()
    if not ref:
        raise Unreadable("The callback names no message.")
    fate = WORDS.get(status, Fate.NONE)
    code = form.get("ErrorCode", "").strip() if fate == Fate.UNDELIVERED else ""
    message = _told_of(ref, delivery.about or _named_by_reference(form))
    if message is None:
        if fate:
            # It may have been quicker than the answer to our call: come again.
            raise NotYet(f"No message of ours has the reference {ref} yet.")
        return
    receipt = Receipt(at=delivery.received_at, ref=ref[:80], fate=fate, code=code)
    take_receipt(message, receipt, now=now)
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


def _told_of(ref: str, ours: UUID | None) -> Message | None:
    """The message a callback is about: by our reference, which was written down before the call;
    else by the carrier's, which we know only once it has answered. Raises Unreadable."""
    messages = Message.objects.select_related("location", "guest")
    if ours is None:
        known: Message | None = messages.filter(outbox__provider_ref=ref).first()
        return known
    message: Message | None = messages.filter(outbox_id=ours).first()
    if message is None:
        raise Unreadable(f"No message of ours has the reference {ours}.")
    return message


def _named_by_reference(form: dict[str, str]) -> UUID | None:
    """Carriers that repeat our reference in what they post."""
    head, _, rest = form.get("Reference", "").partition(":")
    try:
        return UUID(rest) if head == "send" else None
    except ValueError:
        return None


def take_receipt(message: Message, receipt: Receipt, *, now: datetime) -> None:
    """Settle the message where its own answer was lost, and note what became of it. Twice is once.
    Raises Unreadable, NotYet."""
    # Locked: claims, answers and look-ups of the row come before this or after it.
    item = OutboxItem.objects.select_for_update().get(pk=message.outbox_id)
    settled = _settle(message, item, receipt, now=now)
    noted = _note(message, receipt.fate, code=receipt.code, now=now) if receipt.fate else None
    audit.record_many([entry for entry in (settled, noted) if entry is not None])


def _settle(
    message: Message, item: OutboxItem, receipt: Receipt, *, now: datetime
) -> audit.Entry | None:
    """A row in doubt was sent. What the row knows better stays; what speaks against it is raised
    before anything is changed."""
    state = State(item.state)
    if state == State.SENDING:
        raise NotYet("The call of this message has not ended yet.")
    if receipt.ref and item.provider_ref and receipt.ref != item.provider_ref:
        raise Unreadable(
            f"The carrier tells of {receipt.ref}, and we know this message as "
            f"{item.provider_ref}: the guest may have got it twice. Ask the guest or the carrier, "
            "then put this aside."
        )
    if state == State.SENT:
        if receipt.ref and not item.provider_ref:
            OutboxItem.objects.filter(pk=item.pk).update(provider_ref=receipt.ref)
        return None
    if state not in outbox.IN_DOUBT:
        if receipt.ref == item.provider_ref != "" and receipt.fate == Fate.UNDELIVERED:
            return None  # looked up before, with the same end
        raise Unreadable(
            f"The carrier says that it has this message, and here it is {state.label}. It does "
            "not leave until somebody has looked: if the guest has it, cancel what still waits "
            "under Outgoing; then put this aside."
        )
    outbox.confirm(item_id=item.pk, provider_ref=receipt.ref, at=receipt.at)
    caps.post(message, policy=OutreachPolicy.current())
    threads.note_state(message, State.SENT, now=now)
    return audit.Entry.about(
        events.MESSAGE_RECEIPT,
        message,
        at=now,
        outbox=item.pk,
        attempt=item.attempt,
        provider_ref=receipt.ref,
        was=state.label,
        told=receipt.fate.label,
    )


def note_delivery(message: Message, delivery: str, *, now: datetime, error: str) -> None:
    """Move the message on in what its carrier tells, however late, often or shuffled it comes."""
    entry = _note(message, delivery, code=error, now=now)
    if entry is not None:
        audit.record_many([entry])


def _note(message: Message, fate: str, *, code: str, now: datetime) -> audit.Entry | None:
    order = FATES[message.channel]
    known_better = order[order.index(fate) :]
    told = Message.objects.filter(pk=message.pk).exclude(delivery__in=known_better)
    if not told.update(delivery=fate, delivery_at=now, delivery_error=code[:20]):
        return None
    arrived = fate == Fate.DELIVERED
    if arrived:
        threads.clear_trouble(message)
    else:
        threads.note_trouble(message, Thread.Trouble(fate), now=now)
    why: dict[str, Any] = {} if arrived else {"error": code or "unknown"}
    return audit.Entry.about(
        events.MESSAGE_DELIVERED if arrived else events.MESSAGE_UNDELIVERED,
        message,
        at=now,
        outbox=message.outbox_id,
        **why,
    )
