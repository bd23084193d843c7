"""The one sender: claim through the gate, call the carrier, store what came of it.

The call is made outside any transaction. Whatever happens between claim and answer (a killed
worker, a broken line) leaves the row leased; when the lease ends it becomes *unknown* and is looked
up, never simply sent again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.urls import reverse

from audit import checkpoints
from audit import services as audit
from outreach import approval, events, reply_address, threads
from outreach.gate import breakers, caps, conditions
from outreach.models import Channel, Contact, Message, OutreachPolicy
from outreach.sending import unsubscribe
from platforms import outbox
from platforms.carriers import email, sms
from platforms.http import CONNECT_SECONDS
from platforms.models import OutboxItem
from platforms.outcome import NotBegun, Outcome, Result

log = logging.getLogger(__name__)

State = OutboxItem.State
# Longer than the slowest text (connecting, then waiting for the answer), so that a live worker
# never loses the row it is working on; no longer, because a dead one's row is decided only after
# it. With SMS_SETTLE_SECONDS and the round of check_unknown it bounds the time until then.
LEASE = timedelta(seconds=CONNECT_SECONDS + settings.CARRIER["timeout_seconds"] + 10)
# A run ends after this and beat begins the next: checkpoints are compared again, and a deploy or a
# stop of the worker never waits long.
RUN_S = 20.0

EVENT_OF = {
    State.SENT: events.MESSAGE_SENT,
    State.REFUSED: events.MESSAGE_REFUSED,
    State.READY: events.MESSAGE_POSTPONED,
    State.UNKNOWN: events.MESSAGE_UNKNOWN,
    State.UNCERTAIN: events.MESSAGE_UNCERTAIN,
    State.DEAD: events.MESSAGE_DEAD,
}


class NotNow(Exception):
    """A claimed message goes back untouched: the gate closed behind the claim."""


class GuestTaken(NotNow):
    """Another message to the same guest was claimed in this very moment."""


def dispatch_due(*, now: datetime, limit: int = 200) -> int:
    """Send what is due and may leave, one by one, up to `limit` or RUN_S. Returns how many were
    handed to a carrier. `now` is the instant of the call; time that passes in here is added to it.
    A database older than the exported ledger does not know what has left already and sends
    nothing."""
    try:
        checkpoints.check()
    except checkpoints.Behind as error:
        log.error("nothing is sent: %s", error)
        return 0
    begun = time.monotonic()
    conditions.set_aside(now=now, policy=OutreachPolicy.current())
    handed_over = 0
    for _ in range(limit):
        passed = time.monotonic() - begun
        if passed > RUN_S:
            break
        try:
            message = _send_next(now=now + timedelta(seconds=passed))
        except NotNow:
            continue
        if message is None:
            break
        handed_over += 1
    return handed_over


def _send_next(*, now: datetime) -> Message | None:
    """Claim, call, finish one message. None when nothing may leave. Raises NotNow."""
    looked = time.monotonic()
    policy = OutreachPolicy.current()
    item = outbox.claim(
        candidate_sql=conditions.CANDIDATE_SQL,
        params=conditions.parameters(now=now, policy=policy, among=conditions.NEXT),
        now=now,
        lease=LEASE,
        also=partial(_begin, now=now, policy=policy),
    )
    if item is None:
        return None
    message: Message = Message.objects.select_related("draft", "location", "guest").get(
        outbox_id=item.pk
    )
    if not approval.matches(message, item.payload, item.approval) or (
        outbox.payload_hash(item.payload) != item.payload_hash
    ):
        log.error("message %s differs from what was approved: not sent", message.pk)
        outcome = Outcome(Result.REFUSED, error="The text differs from the approved one.")
        outbox.carry_out(item, lambda: outcome, now=now, also=partial(_note_end, message))
        return message

    def ask_again(instant: datetime) -> bool:
        return conditions.still_open(item, now=instant, policy=policy)

    begin_by = conditions.open_until(ask_again, looked=looked, now=now)
    now += timedelta(seconds=time.monotonic() - looked)
    try:
        if begin_by is None:
            raise NotBegun
        call = partial(_call, item, message, begin_by=begin_by)
        outbox.carry_out(item, call, now=now, also=partial(_note_end, message))
    except NotBegun:
        _let_go(item, message, now=now)
        raise NotNow from None
    return message


@transaction.atomic
def _let_go(item: OutboxItem, message: Message, *, now: datetime) -> None:
    """Give a claimed message back and say so: the ledger has told of a try that was none."""
    if outbox.release(item):
        _take_back_contact(item, message)
        audit.record_about(
            events.MESSAGE_HELD_BACK, message, at=now, outbox=item.pk, attempt=item.attempt
        )


def _take_back_contact(item: OutboxItem, message: Message) -> None:
    """The guest was not written to: whatever kept her peace before this claim does so again."""
    mine = Contact.objects.filter(guest_id=message.guest_id, outbox_id=item.pk)
    if mine.filter(before_at=None).delete()[0]:
        return
    mine.update(
        last_at=F("before_at"),
        outbox_id=F("before_outbox_id"),
        before_at=None,
        before_outbox_id=None,
    )


def _begin(item: OutboxItem, *, now: datetime, policy: OutreachPolicy) -> None:
    """Within the claim: move the guest's contact row, on which two senders meet, and write the
    ledger. Raises GuestTaken, which undoes the claim."""
    message = Message.objects.get(outbox_id=item.pk)
    if message.purpose == Message.Purpose.OUTREACH:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO outreach_contact AS c (guest_id, last_at, outbox_id)
                VALUES (%(guest)s, %(now)s, %(item)s)
                ON CONFLICT (guest_id) DO UPDATE
                    SET last_at = excluded.last_at, outbox_id = excluded.outbox_id,
                        before_at = c.last_at, before_outbox_id = c.outbox_id
                    WHERE c.outbox_id = excluded.outbox_id OR c.last_at <= %(hold_since)s
                """,
                {
                    "guest": message.guest_id,
                    "now": now,
                    "item": item.pk,
                    "hold_since": conditions.hold_since(now=now, policy=policy),
                },
            )
            if cursor.rowcount != 1:
                raise GuestTaken
    if message.is_automatic and not breakers.take_probe(message, now=now):
        raise NotNow
    audit.record_about(
        events.MESSAGE_BEGUN,
        message,
        at=now,
        outbox=item.pk,
        attempt=item.attempt,
        channel=message.channel,
        # The claim is made by a statement in which all of these hold.
        gate=[condition.key for condition in conditions.CONDITIONS],
    )


def _call(item: OutboxItem, message: Message, *, begin_by: float) -> Outcome:
    """Hand the message to its carrier. Raises NotBegun."""
    key = outbox.key_of(item)
    if message.channel == Channel.SMS:
        return sms.send(
            key=key,
            to=message.address,
            body=message.body,
            status_callback=receipt_url(item),
            begin_by=begin_by,
        )
    return email.send(
        key=key,
        to=message.address,
        subject=message.subject,
        body=message.body,
        unsubscribe=unsubscribe_url(message),
        reply_to=reply_address.address_for(message),
        answers=_answered_mails(message),
        begin_by=begin_by,
    )


def receipt_url(item: OutboxItem) -> str:
    """Where the carrier tells what became of a message. It names the row, so that a receipt is
    known for ours even when the answer to our call was lost."""
    return settings.PUBLIC_URL.rstrip("/") + reverse("hook-sms-receipt", args=[item.pk])


def _answered_mails(message: Message) -> list[str]:
    """Message-IDs of the mail an answer answers, and of ours before it: mail programs show them as
    one conversation."""
    if message.purpose != Message.Purpose.ANSWER:
        return []
    reply = (
        message.answered_replies.exclude(mail_id="")
        .select_related("message")
        .order_by("-received_at", "-pk")
        .first()
    )
    if reply is None:
        return []
    before = reply.message
    ours = [email.message_id(f"send:{before.outbox_id}")] if before is not None else []
    return [*ours, reply.mail_id]


def unsubscribe_url(message: Message) -> str:
    """The one-click way out of an e-mail; the token names the message and is signed."""
    path = reverse("unsubscribe", args=[unsubscribe.token_for(message)])
    return settings.PUBLIC_URL.rstrip("/") + path


def _note_end(message: Message, finished: OutboxItem, at: datetime) -> None:
    """What belongs to the end of a call or look-up: money, thread, ledger."""
    state = State(finished.state)
    policy = OutreachPolicy.current()
    if state == State.SENT:
        caps.post(message, policy=policy)
    elif state in (State.REFUSED, State.DEAD):
        caps.void(message, policy=policy)
    threads.note_state(message, state, now=at)
    audit.record_about(
        EVENT_OF[state],
        message,
        at=at,
        outbox=finished.pk,
        attempt=finished.attempt,
        provider_ref=finished.provider_ref,
        due_at=finished.due_at,
        error=_without_address(finished.error, message),
    )


def _without_address(error: str, message: Message) -> str:
    """Carriers like to repeat the number; the ledger is never erased."""
    return error.replace(message.address, "the address")[:300]


def entries_of_lost(items: Sequence[OutboxItem], now: datetime) -> list[audit.Entry]:
    """What the ledger is told of calls whose worker died. One query."""
    attempts = {item.pk: item.attempt for item in items}
    messages = Message.objects.filter(outbox_id__in=attempts).order_by("pk")
    return [
        audit.Entry.about(
            events.MESSAGE_LOST,
            message,
            at=now,
            outbox=message.outbox_id,
            attempt=attempts[message.outbox_id],
        )
        for message in messages
    ]


def check_unknown(*, now: datetime, limit: int = 1_000) -> int:
    """Ask the carriers what became of calls without an answer, up to `limit` or RUN_S. Returns how
    many were asked. `now` is the instant of the call."""
    begun = time.monotonic()
    outbox.expire_leases(now=now)
    asked = 0
    while asked < limit and (passed := time.monotonic() - begun) <= RUN_S:
        instant = now + timedelta(seconds=passed)
        item = outbox.claim_unknown(topic=OutboxItem.Topic.MESSAGE, now=instant, lease=LEASE)
        if item is None:
            break
        asked += 1
        message = Message.objects.select_related("location").get(outbox_id=item.pk)
        carrier = sms if message.channel == Channel.SMS else email
        look_up = partial(carrier.look_up, key=outbox.key_of(item))
        outbox.carry_out(item, look_up, now=instant, also=partial(_note_end, message))
    return asked
