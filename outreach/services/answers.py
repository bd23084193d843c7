"""Dealing with what guests wrote back: read, hold, answer, take back, deal with otherwise.

Each verb locks the thread's row first (after an outbox row, where one is touched) and writes the
ledger last."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from audit import fence
from audit import services as audit
from memberships.models import Guest
from outreach import approval, events, rules, threads
from outreach.answers import answer_checks
from outreach.errors import AlreadyLeft, Conflict, NotAllowed
from outreach.models import Message, Reply, Thread
from outreach.reading import topics
from outreach.services.queue import queue_message
from platforms import outbox

if TYPE_CHECKING:
    from staff.models import User

HOLD = timedelta(minutes=10)  # as long as a call card is held
# An answer is awaited, so it waits less than a message nobody asked for; long enough for Undo.
LEAVES_AFTER = timedelta(seconds=30)


@fence.beyond("who shares the number decides whose it is")
@transaction.atomic
def open_thread(*, thread_id: int, by: User, now: datetime) -> Thread:
    """A person opens a conversation: what came is read, and it is theirs for ten minutes if it
    waits and nobody else has it. Other threads they hold become free. A stranger's thread whose
    number the platform has come to know goes to its guest; then another thread may be returned
    than was asked for. Raises NotAllowed."""
    thread = threads.locked(thread_id)
    rules.check_can_answer(by, thread)
    if thread.guest is None:
        # The platform may know the number by now.
        found = threads.guests_at(thread.channel, thread.address)
        if len(found) == 1:
            thread = threads.link_guest(thread, found[0])
    unread = thread.replies.filter(read_at__isnull=True, answered_at__isnull=True)
    newly_read = unread.update(read_at=now, read_by=by) if thread.is_unread else 0
    takes_it = thread.waiting_since is not None and not thread.is_held_against(by.pk, now)
    Thread.objects.filter(held_by=by).exclude(pk=thread.pk).update(held_by=None, held_until=None)
    if takes_it:
        thread.held_by, thread.held_until = by, now + HOLD
    thread.is_unread = False
    thread.save(update_fields=["held_by", "held_until", "is_unread"])
    if newly_read:
        audit.record_about(events.THREAD_READ, thread, at=now, by=by, answers=newly_read)
    return thread


@transaction.atomic
def release_thread(*, thread_id: int, by: User) -> None:
    """Leave a conversation to others. Somebody else's hold stays."""
    Thread.objects.filter(pk=thread_id, held_by=by).update(held_by=None, held_until=None)


@fence.beyond("the guest's plans may be another location's")
@transaction.atomic
def send_answer(
    *,
    thread_id: int,
    version: int,
    body: str,
    by: User,
    now: datetime,
    care: bool = False,
) -> Message:
    """Answer the guest. `version` is that of the thread the writer saw. Words that are not exactly
    a filled text of the library are one's own, which not everybody may send. `care` waves
    warnings through.

    A task (topics.TASKS) stays one until somebody deals with it. Sent twice by the same person it
    is one answer. Raises Conflict, NotAllowed, ChecksFailed,
    NeedsCare.
    """
    thread = threads.locked(thread_id)
    rules.check_can_answer(by, thread)
    body = body.replace("\r\n", "\n").strip()
    again = _my_answer(thread, version=version, body=body, by=by)
    if again is not None:
        return again
    _check_free(thread, by=by, now=now)
    _check_version(thread, version=version)
    if thread.guest is None or thread.location is None:
        raise NotAllowed("Nobody knows yet who this is. Say who wrote before you answer.")
    text = answer_checks.AnswerText.of(thread, body=body, by=by, now=now)
    if not text.is_library:
        rules.check_own_words(by, thread)
    results = answer_checks.check(text)
    rules.check_fit(results, care=care)
    message = Message(
        guest=thread.guest,
        location=thread.location,
        channel=thread.channel,
        address=thread.address,
        subject=text.subject,
        body=body,
        purpose=Message.Purpose.ANSWER,
        approved_by=by,
        approved_at=now,
        thread=thread,
    )
    digest = approval.answer_hash(message)
    queue_message(
        message,
        subject=f"thread:{thread.pk}:{thread.version}",
        approval_hash=digest,
        due_at=now + LEAVES_AFTER,
        now=now,
    )
    waited = thread.replies.filter(answered_at__isnull=True)
    answered = waited.update(answer=message)
    waited.exclude(topic__in=topics.TASKS).update(answered_at=now, answered_by=by)
    _let_go(thread, now=now)
    audit.record_about(
        events.MESSAGE_ANSWER,
        thread,
        at=now,
        by=by,
        message=message.pk,
        outbox=message.outbox_id,
        hash=digest,
        template=text.template.pk if text.template else None,
        own_words=not text.is_library,
        answers=answered,
        warnings=[result.check for result in results if not result.ok],
    )
    return message


def _my_answer(thread: Thread, *, version: int, body: str, by: User) -> Message | None:
    """The message of this very press when the same person presses twice."""
    if thread.version != version + 1:
        return None
    message: Message | None = (
        thread.answers.filter(approved_by=by, body=body).order_by("-pk").first()
    )
    return message if message and message.outbox.subject.endswith(f":{version}") else None


@fence.beyond("the guest's thread may be another location's")
@transaction.atomic
def take_back_answer(*, message_id: int, by: User, now: datetime) -> Thread:
    """Undo an answer that has not left: the guest waits again. Raises AlreadyLeft, NotAllowed."""
    message: Message = Message.objects.select_related("outbox").get(pk=message_id)
    if message.thread_id is None or not (
        message.approved_by_id == by.pk or by.has_perm("outreach.cancel_message", message)
    ):
        raise NotAllowed("Only who wrote an answer, or a manager, may take it back.")
    if message.outbox.state == message.outbox.State.WITHDRAWN:
        return threads.locked(message.thread_id)
    if not outbox.withdraw(item_id=message.outbox_id, now=now):
        message.outbox.refresh_from_db()
        raise AlreadyLeft(f"Too late: this answer is {message.outbox.get_state_display()}.")
    reopen(message)
    thread = threads.locked(message.thread_id)
    audit.record_about(events.ANSWER_UNDONE, thread, at=now, by=by, message=message.pk)
    return thread


def reopen(message: Message) -> None:
    """An answer was withdrawn: what it answered waits again."""
    if message.thread_id is None:
        return
    thread = threads.locked(message.thread_id)
    Reply.objects.filter(answer=message).update(answered_at=None, answered_by=None, answer=None)
    threads.settle(thread)


@fence.beyond("answers of the thread may be another location's")
@transaction.atomic
def deal_with_thread(*, thread_id: int, version: int, by: User, now: datetime) -> Thread:
    """A person has seen to it without writing: rang, booked, passed it on. Covers answers and a
    message that did not arrive. Twice is once. Raises Conflict, NotAllowed."""
    thread = threads.locked(thread_id)
    rules.check_can_answer(by, thread)
    if thread.waiting_since is None and not thread.trouble:
        return thread
    _check_free(thread, by=by, now=now)
    _check_version(thread, version=version)
    topic, trouble = thread.get_topic_display(), thread.get_trouble_display()
    waited = thread.replies.filter(answered_at__isnull=True)
    answered = waited.update(answered_at=now, answered_by=by)
    thread.trouble, thread.trouble_at, thread.trouble_message = "", None, None
    _let_go(thread, now=now)
    audit.record_about(
        events.REPLY_ANSWERED,
        thread,
        at=now,
        by=by,
        topic=topic,
        trouble=trouble,
        answers=answered,
    )
    return thread


@fence.beyond("the guest may have a thread elsewhere")
@transaction.atomic
def name_writer(*, thread_id: int, version: int, guest_id: int, by: User, now: datetime) -> Thread:
    """Several guests share the address: a person says who wrote. Raises Conflict, NotAllowed."""
    thread = threads.locked(thread_id)
    rules.check_can_answer(by, thread)
    _check_version(thread, version=version)
    if thread.guest_id is not None:
        raise Conflict("Somebody has said meanwhile who wrote.")
    guest: Guest | None = next(
        (one for one in threads.guests_at(thread.channel, thread.address) if one.pk == guest_id),
        None,
    )
    if guest is None or not by.serves(guest.location_id):
        raise NotAllowed("This guest does not have this address. Correct it in the platform.")
    thread = threads.link_guest(thread, guest)
    audit.record_about(events.THREAD_NAMED, thread, at=now, by=by)
    return thread


# --- Shared ---------------------------------------------------------------------------------------


def _check_free(thread: Thread, *, by: User, now: datetime) -> None:
    if thread.is_held_against(by.pk, now) and thread.held_by is not None:
        raise Conflict(f"{thread.held_by.get_full_name()} is answering. Take another one.")


def _check_version(thread: Thread, *, version: int) -> None:
    """What the person saw is still all there is."""
    if thread.version == version:
        return
    newest = (
        thread.replies.select_related("answered_by", "answer__approved_by")
        .order_by("-received_at", "-pk")
        .first()
    )
    who, at = None, None
    if newest is not None and newest.answered_at is not None:
        who, at = newest.answered_by, newest.answered_at
    elif newest is not None and newest.answer is not None:
        who, at = newest.answer.approved_by, newest.answer.approved_at
    if at is None:
        raise Conflict("The guest wrote again meanwhile. Read that first.")
    name = who.get_full_name() if who else "Tenure"
    at = timezone.localtime(at, thread.location.zone if thread.location else None)
    raise Conflict(f"{name} dealt with this at {at:%-H:%M}.")


def _let_go(thread: Thread, *, now: datetime) -> None:
    """The end of somebody's work on a thread: free again, derived and saved."""
    thread.held_by, thread.held_until = None, None
    thread.last_at = max(thread.last_at, now)
    threads.settle(thread)
