"""One guest: who may be written to at all, and what was said on both sides."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from memberships.models import Appointment, Guest
from outreach import checks
from outreach.models import Channel, Message, OutreachPolicy, Reply, Suppression
from platforms.models import OutboxItem

State = OutboxItem.State
BOOKING_COUNTS = timedelta(days=30)  # a booking so soon after a message is shown as following it


def contact_allowed(
    guest_ids: Collection[int], channel: str, now: datetime, *, is_marketing: bool = True
) -> set[int]:
    """The guests who may be written to on a channel as far as consent, address and stops go."""
    guests = list(Guest.objects.present().filter(pk__in=guest_ids))
    addresses = {checks.address_of(guest, channel) for guest in guests}
    stopped = set(
        Suppression.objects.binding(
            is_marketing=is_marketing,
            everything=OutreachPolicy.current().stop_ends_everything(now),
        )
        .filter(channel=channel, address__in=addresses)
        .values_list("address", flat=True)
    )
    return {
        guest.pk
        for guest in guests
        if checks.address_of(guest, channel)
        and checks.address_of(guest, channel) not in stopped
        and checks.has_consent(guest, channel, is_marketing=is_marketing)
    }


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the conversation with a guest. `text` is ours or the guest's own words (then
    `theirs`, and untrusted); `detail` says what became of it."""

    at: datetime
    kind: str  # message, reply, booking
    title: str
    text: str = ""
    detail: str = ""
    icon: str = "message-square"
    tone: str = ""
    theirs: bool = False


def conversation(guest: Guest, *, limit: int = 50) -> list[Line]:
    """Messages, what became of them, answers and bookings that followed, newest first. Three
    queries."""
    messages = list(
        Message.objects.filter(guest=guest)
        .select_related("outbox", "approved_by", "draft__offer", "location")
        .order_by("-approved_at")[:limit]
    )
    replies = (
        Reply.objects.filter(guest=guest)
        .select_related("answered_by")
        .order_by("-received_at")[:limit]
    )
    lines = [_message_line(message) for message in messages]
    lines += [_reply_line(reply) for reply in replies]
    lines += _bookings_after(guest, messages)
    return sorted(lines, key=lambda line: line.at, reverse=True)[:limit]


def _message_line(message: Message) -> Line:
    sent_at = message.outbox.sent_at
    names = {
        Message.Purpose.CONFIRMATION: _("Stop confirmed"),
        Message.Purpose.HELP: _("Asked for help: answered"),
        Message.Purpose.ANSWER: _("Answer by %(channel)s"),
        Message.Purpose.OUTREACH: (
            _("Sent by %(channel)s") if sent_at else _("Approved, by %(channel)s")
        ),
    }
    title = names[Message.Purpose(message.purpose)] % {"channel": message.get_channel_display()}
    return Line(
        at=sent_at or message.approved_at,
        kind="message",
        title=title,
        text=message.body,
        detail=delivery_words(message),
        icon="mail" if message.channel == Channel.EMAIL else "message-square",
        tone="warn" if message.outbox.state in TROUBLE else "",
    )


def _reply_line(reply: Reply) -> Line:
    pictures = (
        ngettext("%(n)d picture came with it", "%(n)d pictures came with it", reply.pictures)
        % {"n": reply.pictures}
        if reply.pictures
        else ""
    )
    what = reply.get_topic_display() or reply.get_intent_display()
    return Line(
        at=reply.received_at,
        kind="reply",
        title=_("Answered: %(what)s") % {"what": what},
        text=reply.body,
        detail=" · ".join(words for words in (pictures, _dealt_with(reply)) if words),
        icon="reply",
        tone="warn" if reply.intent == Reply.Intent.STOP else "",
        theirs=True,
    )


def _dealt_with(reply: Reply) -> str:
    """What became of an answer."""
    if reply.answered_at is None:
        return _("waits for an answer")
    if reply.answered_by is None:
        return ""
    return _("dealt with by %(name)s") % {"name": reply.answered_by.get_full_name()}


def _bookings_after(guest: Guest, messages: Sequence[Message]) -> list[Line]:
    """Bookings made within a month after a message that left: what it may have brought."""
    sent = sorted(m.outbox.sent_at for m in messages if m.outbox.sent_at)
    if not sent:
        return []
    bookings = Appointment.objects.filter(guest=guest, booked_at__gt=sent[0]).select_related(
        "service", "location"
    )
    lines = []
    for booking in bookings.order_by("-booked_at")[:20]:
        booked_at = booking.booked_at
        before = [at for at in sent if at < booked_at] if booked_at else []
        if not before or booked_at is None or booked_at - before[-1] > BOOKING_COUNTS:
            continue
        days = (booked_at - before[-1]).days
        after = (
            _("the same day")
            if days == 0
            else ngettext("%(n)d day after", "%(n)d days after", days) % {"n": days}
        )
        lines.append(
            Line(
                at=booked_at,
                kind="booking",
                title=_("Booked %(after)s the message") % {"after": after}
                if days
                else _("Booked the same day as the message"),
                detail=str(booking.service or ""),
                icon="calendar-check",
                tone="ok",
            )
        )
    return lines


TROUBLE = {State.REFUSED, State.DEAD, State.UNCERTAIN}


def delivery_words(message: Message) -> str:
    """What became of a message, in a few words."""
    state = State(message.outbox.state)
    if state == State.SENT:
        if message.delivery:
            return message.get_delivery_display()
        return _("sent")
    return str(state.label)
