"""What the mail service tells: answers of guests by e-mail, and mails that came back.

The handler runs inside the transaction that marks the delivery done, so each counts once.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from audit import fence
from outreach import reply_address, services
from outreach.models import Channel, Message, Reply, Suppression, Topic
from outreach.reading import intents
from outreach.replies import mail_text, receipts
from outreach.replies.taking import Known, take_reply
from platforms.carriers import inbound_mail
from platforms.carriers.inbound_mail import InboundMail
from platforms.inbox import Unreadable
from platforms.models import InboxDelivery, OutboxItem

log = logging.getLogger(__name__)

Delivery = Message.Delivery

# Mail may travel for days; what claims to be older, or from the future, came when it came.
OLDEST = timedelta(days=5)
# The name our mails bear (platforms.carriers.email.message_id); nobody but who got one knows it.
_OURS = re.compile(r"^<send\.([0-9a-f-]{36})@[^<>\s]+>$")
_REPLY_MARK = re.compile(r"^(?:(?:re|fwd?|aw|rv|tr)\s*(?:\[\d+\])?\s*:\s*)+", re.I)


def take_mail(delivery: InboxDelivery, now: datetime) -> None:
    """A mail that came in, or a notice about one of ours. Raises Unreadable."""
    mail = inbound_mail.parse(bytes(delivery.body))
    if mail.kind == "inbound":
        _take_answer(delivery, mail, now=now)
    else:
        _take_notice(delivery, mail, now=now)


@fence.beyond("whose mail is answered is not known before it is read")
def author_of(body: bytes) -> str:
    """Whose messages wait until the mail is read: the guest we wrote to, if it answers a mail of
    ours, else who wrote; empty for notices and for what cannot be read."""
    try:
        mail = inbound_mail.parse(body)
    except Unreadable:
        return ""
    if mail.kind != "inbound":
        return ""
    message = answered_by(mail)
    return message.address if message is not None else mail.sender


def answered_by(mail: InboundMail) -> Message | None:
    """The message a mail answers: by its signed address, or by the name our mail bore."""
    return reply_address.message_of(mail.to) or _by_name(mail)


def _by_name(mail: InboundMail) -> Message | None:
    numbers = [UUID(found.group(1)) for name in mail.named if (found := _match(name))]
    return (
        Message.objects.filter(outbox__in=numbers, channel=Channel.EMAIL)
        .select_related("guest__merged_into", "location", "play")
        .order_by("-approved_at", "-pk")
        .first()
    )


def _match(name: str) -> re.Match[str] | None:
    found = _OURS.match(name)
    try:
        return found if found and UUID(found.group(1)) else None
    except ValueError:
        return None


# --- Answers ------------------------------------------------------------------------------------


def _take_answer(delivery: InboxDelivery, mail: InboundMail, *, now: datetime) -> None:
    words, known = read_mail(mail)
    take_reply(
        channel=Channel.EMAIL,
        address=mail.sender,
        carrier_ref=_ref(mail, delivery),
        body=words,
        received_at=_received_at(mail, delivery),
        now=now,
        known=known,
    )


def read_mail(mail: InboundMail) -> tuple[str, Known]:
    """The guest's own words, and what is known besides."""
    signed = reply_address.message_of(mail.to)
    message = signed or _by_name(mail)
    words = mail_text.own_words(mail.text, mail.html, ours=message.body if message else "")
    subject = _REPLY_MARK.sub("", mail.subject).strip()
    # Who writes a new subject says something by it: "STOP", and nothing below.
    is_ours = message is not None and message.subject.lower() in subject.lower()
    if subject and subject == mail.subject.strip() and not is_ours:
        words = f"{subject}\n{words}".strip()
    is_elsewhere = message is not None and mail.sender != message.address
    known = Known(
        message=message,
        home=message.address if message is not None else mail.sender,
        mail_id=mail.message_id,
        is_automatic=mail_text.is_automatic(mail.headers, mail.subject),
    )
    if known.is_automatic:
        return words or mail.text, known
    if not words:
        # Only what was quoted, or a picture: nobody can say what is meant.
        reading = intents.Reading(Reply.Intent.OTHER, for_person=True, suppresses=False)
        return mail.text, replace(known, reading=reading, topic=Topic.OTHER)
    reading = intents.read(words)
    if reading.suppresses and is_elsewhere:
        # Somebody with our mail in hand says stop, from an address we did not write to. The address
        # we wrote to is left in peace, and a person sees why; the other one is not touched.
        reading = replace(reading, for_person=True)
        return words, replace(known, reading=reading, topic=Topic.SILENCE)
    if reading.intent == Reply.Intent.RESTART and (signed is None or is_elsewhere):
        # A sender is easily forged; only our own address on their mail proves who may ask for more.
        reading = intents.Reading(Reply.Intent.OTHER, for_person=True, suppresses=False)
        return words, replace(known, reading=reading, topic=Topic.RESTART)
    return words, replace(known, reading=reading)


def _ref(mail: InboundMail, delivery: InboxDelivery) -> str:
    """One per mail, however often it is posted."""
    name = mail.message_id or mail.id
    if not name:
        return f"mail:{delivery.pk}"
    return f"mail:{hashlib.sha256(f'{mail.sender} {name}'.encode()).hexdigest()[:40]}"


def _received_at(mail: InboundMail, delivery: InboxDelivery) -> datetime:
    at = mail.received_at
    if at is None or not delivery.received_at - OLDEST < at <= delivery.received_at:
        return delivery.received_at
    return at


# --- What became of a mail ------------------------------------------------------------------------


def _take_notice(delivery: InboxDelivery, mail: InboundMail, *, now: datetime) -> None:
    """A receipt for a mail of ours: even a delay and a complaint prove that it left. A mailbox that
    does not exist and who complains are not written to again, whatever else the notice says. Raises
    Unreadable, NotYet."""
    message = answered_by(mail)
    if message is None:
        if _names_a_test(mail):
            return
        raise Unreadable("The notice names no message of ours.")
    fate, unwanted = Delivery.NONE, ""
    if mail.kind == "delivered":
        fate = Delivery.DELIVERED
    elif mail.kind == "complaint":
        unwanted = "marked our e-mail as unwanted"
    elif mail.is_final:
        fate = Delivery.BOUNCED
        unwanted = "the mailbox does not exist" if mail.code.startswith("5.1.") else ""
    code = mail.code if fate == Delivery.BOUNCED else ""
    receipt = receipts.Receipt(at=delivery.received_at, fate=fate, code=code)
    try:
        receipts.take_receipt(message, receipt, now=now)
    except Unreadable:
        if not unwanted:
            raise
        log.warning("mail: a notice contradicts message %s; its address is left alone", message.pk)
    if unwanted:
        _leave_alone(message, unwanted, now=now)


def _names_a_test(mail: InboundMail) -> bool:
    numbers = [UUID(found.group(1)) for name in mail.named if (found := _match(name))]
    return OutboxItem.objects.filter(pk__in=numbers).exists()


def _leave_alone(message: Message, reason: str, *, now: datetime) -> None:
    services.suppress(
        channel=message.channel,
        address=message.address,
        source=Suppression.Source.CARRIER,
        reason=reason,
        now=now,
        guest_id=message.guest_id,
        location_id=message.location_id,
    )
