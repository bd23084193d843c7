"""The bookkeeping of conversations: which thread something belongs to, and what it waits for.

Who changes a thread locks its row first; `settle` is the one place that says what follows from the
answers nobody has dealt with.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Max, Q, QuerySet

from memberships.models import Guest
from outreach.models import Channel, Message, Reply, Thread
from outreach.reading import topics
from platforms.models import OutboxItem

UTC = ZoneInfo("UTC")
# What the carrier or the outbox says of a message that did not reach the guest.
TROUBLE = {
    OutboxItem.State.REFUSED: Thread.Trouble.REFUSED,
    OutboxItem.State.DEAD: Thread.Trouble.DEAD,
    OutboxItem.State.UNCERTAIN: Thread.Trouble.UNCERTAIN,
}


def guests_at(channel: str, address: str, *, most: int = 10) -> list[Guest]:
    """The guests who gave this address, by name."""
    return list(sharing(channel, address).order_by("first_name", "last_name", "pk")[:most])


def sharing(channel: str, address: str) -> QuerySet[Guest]:
    """Everybody who shares an address. Nobody shares none."""
    if not address:
        return Guest.objects.none()
    where = Q(phone=address) if channel == Channel.SMS else Q(email=address.lower())
    present: QuerySet[Guest] = Guest.objects.present().filter(where)
    return present


def locked(thread_id: int) -> Thread:
    """The thread with what its page shows, its row locked for this transaction."""
    thread: Thread = (
        Thread.objects.select_for_update(of=("self",))
        .select_related("guest", "location", "last_reply__message", "held_by", "trouble_message")
        .get(pk=thread_id)
    )
    return thread


def thread_for(
    *, guest: Guest | None, location_id: int | None, channel: str, address: str, at: datetime
) -> Thread:
    """The conversation something that happened at `at` belongs to, locked; begun if there is
    none."""
    who = {"guest": guest} if guest is not None else {"guest": None, "address": address}
    thread, is_new = Thread.objects.get_or_create(
        channel=channel,
        **who,
        defaults={"address": address, "location_id": location_id, "last_at": at},
    )
    return thread if is_new else locked(thread.pk)


def settle(thread: Thread) -> None:
    """Derive what the thread waits for from its open answers, and save it. One query and a
    write."""
    waiting = list(
        thread.replies.filter(answered_at__isnull=True).order_by("received_at", "pk").only(
            "received_at", "topic", "read_at", "thread_id"
        )
    )  # fmt: skip
    zone = thread.location.zone if thread.location else UTC
    thread.waiting_since = waiting[0].received_at if waiting else None
    thread.is_unread = any(reply.read_at is None for reply in waiting)
    pressing = min(waiting, key=lambda reply: topics.rank_of(reply.topic), default=None)
    thread.topic = pressing.topic if pressing else ""
    thread.rank = topics.rank_of(thread.topic)
    due = [topics.due_at(reply.topic, reply.received_at, zone) for reply in waiting]
    thread.due_at = min([at for at in due if at is not None], default=None)
    thread.version += 1
    thread.save()


def add_reply(thread: Thread, reply: Reply, *, address: str) -> None:
    """A new answer of the guest; `address` is where to write back. Late ones do not make the thread
    older, and what a machine wrote is not what the guest said last."""
    is_last = reply.received_at >= thread.last_at and reply.intent != Reply.Intent.AUTOMATIC
    if is_last or thread.last_reply_id is None:
        thread.last_reply = reply
        thread.address = address
    thread.last_at = max(thread.last_at, reply.received_at)
    if thread.location_id is None:
        thread.location = reply.location
    settle(thread)


def link_guest(thread: Thread, guest: Guest) -> Thread:
    """Give a stranger's thread to the guest it turned out to be; a thread the guest has already
    takes it in. Returns the one that stays, locked and saved."""
    other: Thread | None = (
        Thread.objects.select_for_update().filter(guest=guest, channel=thread.channel).first()
    )  # fmt: skip
    replies = Reply.objects.filter(thread=thread)
    if other is None:
        replies.update(guest=guest, location=guest.location)
        thread.guest, thread.location = guest, guest.location
        settle(thread)
        return thread
    replies.update(thread=other, guest=guest, location=guest.location)
    newest = Reply.objects.filter(thread=other).order_by("-received_at", "-pk").first()
    thread.last_reply = None
    thread.delete()
    other.last_reply = newest
    latest = other.replies.aggregate(at=Max("received_at"))["at"]
    other.last_at = max(other.last_at, latest) if latest else other.last_at
    settle(other)
    return other


# --- Messages that did not arrive ---------------------------------------------------------------


def note_state(message: Message, state: str, *, now: datetime) -> None:
    """The outbox row of the message came to `state`: trouble is shown, its end clears it."""
    trouble = TROUBLE.get(OutboxItem.State(state))
    if trouble is not None:
        note_trouble(message, trouble, now=now)
    elif state in (OutboxItem.State.SENT, OutboxItem.State.READY):
        clear_trouble(message)


def note_trouble(message: Message, trouble: str, *, now: datetime) -> None:
    """Show the message under Undelivered. What the guest wrote last stays on top of the rest."""
    thread = thread_for(
        guest=message.guest,
        location_id=message.location_id,
        channel=message.channel,
        address=message.address,
        at=now,
    )
    thread.trouble, thread.trouble_at, thread.trouble_message = trouble, now, message
    thread.last_at = max(thread.last_at, now)
    thread.save(update_fields=["trouble", "trouble_at", "trouble_message", "last_at"])


def clear_trouble(message: Message) -> None:
    """The message arrived after all, or somebody saw to it. A newer message's trouble stays."""
    Thread.objects.filter(trouble_message=message).update(
        trouble="", trouble_at=None, trouble_message=None
    )
