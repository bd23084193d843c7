"""What guests write back.

The handler runs inside the transaction that marks the delivery done, so each delivery counts once.
"""

from __future__ import annotations

import logging
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction

from audit import services as audit
from audit.nudge import nudge
from memberships.models import Guest
from outreach import events, services, tasks, threads
from outreach.models import Channel, Message, Reply, Suppression, Topic
from outreach.reading import intents, topics
from outreach.texts.fields import fill
from platforms.carriers import sms
from platforms.inbox import Unreadable
from platforms.models import InboxDelivery, OutboxItem

log = logging.getLogger(__name__)

# An answer belongs to the newest message of this time; an older one stands alone.
THREAD = timedelta(days=60)

HELP_AGAIN = timedelta(days=1)
HELP = {
    "en": "{business}: texts about your visits and membership. Questions? Call {location_phone}. "
    "Reply STOP to get no more. Message and data rates may apply.",
    "es": "{business}: mensajes sobre tus visitas y tu plan. Dudas? Llama al {location_phone}. "
    "Responde STOP para no recibir mas. Pueden aplicarse tarifas.",
}
CONFIRMATION = {
    "en": "{business}: you will get no more texts from us. Reply START to hear from us again.",
    "es": "{business}: no recibiras mas mensajes nuestros. Responde START para volver.",
}


def take_inbound(delivery: InboxDelivery, now: datetime) -> None:
    """An inbound text message of the carrier. Raises Unreadable when it names no sender."""
    form = sms.form_of(bytes(delivery.body))
    sender, ref = form.get("From", "").strip(), form.get("MessageSid", "").strip()
    if not sender or not ref:
        raise Unreadable("The message names no sender or no id.")
    pictures = form.get("NumMedia", "")
    take_reply(
        channel=Channel.SMS,
        address=sender[:254],
        carrier_ref=ref[:80],
        body=form.get("Body", ""),
        received_at=delivery.received_at,
        now=now,
        pictures=min(int(pictures), 100) if pictures.isdecimal() else 0,
    )


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of an answer besides its words: what a person or the mail's own words made of
    it, the message it names, where to write back when it came from another address, its mail id,
    and whether a machine wrote it."""

    reading: intents.Reading | None = None
    topic: str | None = None
    message: Message | None = None
    home: str = ""
    mail_id: str = ""
    is_automatic: bool = False


_NOTHING_KNOWN = Known()


def take_reply(
    *,
    channel: str,
    address: str,
    carrier_ref: str,
    body: str,
    received_at: datetime,
    now: datetime,
    pictures: int = 0,
    known: Known = _NOTHING_KNOWN,
) -> Reply | None:
    """Store an answer, thread it to the message it names or the newest to that address, and act on
    a clear one. What a machine wrote is kept and changes nothing. None when it was stored
    before."""
    if Reply.objects.filter(carrier_ref=carrier_ref).exists():
        return None
    home = known.home or address
    message = known.message or _answered_message(channel=channel, address=home, at=received_at)
    guest = _today(message.guest) if message is not None else _guest_at(channel, home)
    location_id = message.location_id if message else guest.location_id if guest else None
    if guest is None:
        location_id = _shared_location(channel, home)
    # Decisions lock the draft first and the ledger last; so must whoever changes both.
    sharing = set(threads.sharing(channel, home).values_list("pk", flat=True))
    services.lock_open_drafts(guest_ids=sharing | ({guest.pk} if guest else set()))
    body = cleaned(body)
    reading = known.reading or intents.read(body)
    topic = known.topic
    if topic is None:
        topic = _topic(body, reading, message, pictures=pictures)
    if known.is_automatic:
        reading = intents.Reading(Reply.Intent.AUTOMATIC, for_person=False, suppresses=False)
        topic = ""
    thread = threads.thread_for(
        guest=guest, location_id=location_id, channel=channel, address=home, at=received_at
    )
    reply, is_new = Reply.objects.get_or_create(
        carrier_ref=carrier_ref,
        defaults={
            "guest": guest,
            "location_id": location_id,
            "message": message,
            "thread": thread,
            "channel": channel,
            "address": address,
            "mail_id": known.mail_id,
            "body": body,
            "pictures": pictures,
            "intent": reading.intent,
            "topic": topic,
            "received_at": received_at,
            # What needs nobody is dealt with on arrival.
            "answered_at": None if topic else now,
        },
    )
    if not is_new:
        return None
    threads.add_reply(thread, reply, address=home)
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
            "topic": reply.get_topic_display(),
            "other_address": home != address,
        },
    )
    if known.is_automatic:
        return reply
    if reading.suppresses and home:
        _stop(reply, message, reading, address=home, now=now)
    elif reading.intent == Reply.Intent.HELP:
        _help(reply, message, now=now)
    elif reading.intent == Reply.Intent.RESTART and not _stopped_since(reply, address=home):
        services.lift_suppression(
            channel=channel,
            address=home,
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


MOST_CHARACTERS = 10_000
# Marks that turn the direction of writing: they would let an answer disguise what it says.
_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def cleaned(body: str) -> str:
    """The words of an answer without control characters; the end of a very long one is cut and
    says so."""
    text = body.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(
        c for c in text if c in "\n\t" or (unicodedata.category(c) != "Cc" and c not in _TURNS)
    )
    if len(kept) > MOST_CHARACTERS:
        return kept[:MOST_CHARACTERS] + f"\n[{len(kept) - MOST_CHARACTERS} more characters]"
    return kept


def _topic(body: str, reading: intents.Reading, message: Message | None, *, pictures: int) -> str:
    """What a person has to see to; empty where the rule has dealt with it."""
    if reading.intent == Reply.Intent.RESTART:
        # After a win-back it asks for the membership; else only to hear from us again.
        return Topic.RESTART if _is_win_back(message) else ""
    if reading.for_person or reading.intent == Reply.Intent.YES or pictures:
        return topics.read(body, reading).topic
    return ""


def _is_win_back(message: Message | None) -> bool:
    return message is not None and "win-back" in (message.play_id or "")


def _shared_location(channel: str, address: str) -> int | None:
    """The location of an address nobody or several share, if it can be only one."""
    found = {guest.location_id for guest in threads.guests_at(channel, address)}
    return found.pop() if len(found) == 1 else None


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
        .select_related("guest__merged_into", "location", "play")
        .order_by("-outbox__sent_at", "-pk")
        .first()
    )


def _today(guest: Guest) -> Guest:
    """Who the guest is in the platform by now: one that was merged answers as the other."""
    return guest.merged_into if guest.merged_into is not None else guest


def _guest_at(channel: str, address: str) -> Guest | None:
    """The guest an address belongs to; None when it is nobody's or several people's."""
    found = threads.guests_at(channel, address)
    return found[0] if len(found) == 1 else None


def _stop(
    reply: Reply,
    message: Message | None,
    reading: intents.Reading,
    *,
    address: str,
    now: datetime,
) -> None:
    """Suppress the address we wrote to, look anew at what waits for everybody who shares it, and
    confirm once."""
    sure = not reading.for_person
    is_new = services.suppress(
        channel=reply.channel,
        address=address,
        source=Suppression.Source.REPLY,
        reason="answered stop" if sure else "the answer may mean stop; a person should ask",
        scope=Suppression.Scope.ALL if reading.everything else scope_of(message),
        now=now,
        guest_id=reply.guest_id,
        location_id=reply.location_id,
    )
    sharing = list(threads.sharing(reply.channel, address).values_list("pk", flat=True))
    services.recheck_drafts(guest_ids=sharing, now=now)
    if is_new and sure and message is not None:
        _confirm(reply, message, now=now)


def scope_of(message: Message | None) -> Suppression.Scope:
    """The kind of message a stop answers; everything where nobody knows which was meant."""
    play = message.play if message is not None else None
    if play is None:
        return Suppression.Scope.ALL
    return Suppression.Scope.MARKETING if play.is_marketing else Suppression.Scope.SERVICE


def _stopped_since(reply: Reply, *, address: str) -> bool:
    """A start that is read late does not undo the stop that came after it, by whatever way."""
    answers = Reply.objects.filter(channel=reply.channel, address=reply.address)
    if answers.filter(received_at__gt=reply.received_at, intent=Reply.Intent.STOP).exists():
        return True
    stop = (
        Suppression.objects.standing()
        .filter(channel=reply.channel, address=address, added_at__gt=reply.received_at)
        .first()
    )
    if stop is None or stop.source != Suppression.Source.REPLY:
        return stop is not None
    # A stop by answer counts from when it was written, not from when it was read; one by the way
    # out of an e-mail has no answer. What was said in between stops and starts nothing.
    before = answers.filter(
        received_at__lte=reply.received_at,
        intent__in=[Reply.Intent.STOP, Reply.Intent.RESTART],
    ).exclude(pk=reply.pk)
    newest = before.order_by("-received_at", "-pk").first()
    return newest is None or newest.intent != Reply.Intent.STOP


def _help(reply: Reply, message: Message | None, *, now: datetime) -> None:
    """Who we are, whom to call, how to stop: what carriers ask for. One a day and address, so that
    two machines do not answer each other for ever."""
    if message is None or reply.channel != Channel.SMS:
        return
    answered = Message.objects.filter(
        purpose=Message.Purpose.HELP, address=reply.address, approved_at__gt=now - HELP_AGAIN
    )
    if answered.exists():
        return
    words = fill(
        HELP[_language(message.guest)],
        {"business": settings.BUSINESS_NAME, "location_phone": message.location.phone},
    )
    _queue(reply, message, Message.Purpose.HELP, words, events.MESSAGE_HELP, now=now)


def _language(guest: Guest) -> str:
    return "es" if guest.language.lower().startswith("es") else "en"


def _confirm(reply: Reply, message: Message, *, now: datetime) -> None:
    """The one text that may follow a stop. Once per suppression."""
    if reply.channel != Channel.SMS:
        return
    words = fill(CONFIRMATION[_language(message.guest)], {"business": settings.BUSINESS_NAME})
    _queue(
        reply, message, Message.Purpose.CONFIRMATION, words, events.MESSAGE_CONFIRMATION, now=now
    )


def _queue(
    reply: Reply,
    message: Message,
    purpose: Message.Purpose,
    words: str,
    event: str,
    *,
    now: datetime,
) -> None:
    """Put an answer the rules give into the outbox, to leave at once."""
    answer = Message(
        guest=message.guest,
        location=message.location,
        channel=reply.channel,
        address=reply.address,
        body=words,
        purpose=purpose,
        approved_at=now,
    )
    subject = f"{'stop' if purpose == Message.Purpose.CONFIRMATION else 'help'}:{reply.pk}"
    services.queue_message(answer, subject=subject, approval_hash="", due_at=now, now=now)
    audit.record(
        event,
        at=now,
        location_id=message.location_id,
        guest_id=message.guest_id,
        target=answer,
        detail={"outbox": answer.outbox_id, "reply": reply.pk},
    )
