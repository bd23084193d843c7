"""Sending a text of the library to oneself, through outbox and carrier as a guest would get it.

Only to the address on file for the person who asks, marked as a test, a few an hour. Stop switch,
opt-out and breakers hold it at the moment of the call, as the gate holds messages to guests.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction

from audit import checkpoints, fence
from audit import services as audit
from outreach import events, reply_address, tasks
from outreach.errors import NotAllowed, TooMany
from outreach.gate import conditions
from outreach.models import Channel, Suppression, Template, TrialSend
from outreach.texts.fields import SAMPLE, fill
from platforms import outbox
from platforms.carriers import email, sms
from platforms.models import OutboxItem
from platforms.outcome import NotBegun, Outcome

if TYPE_CHECKING:
    from staff.models import User

log = logging.getLogger(__name__)

AN_HOUR = 5  # test sends of a person in an hour
MARK = "[Test] "
LEASE = timedelta(seconds=60)  # longer than the slowest call

# What holds a test back, by the names the gate has for it. Asked when it is requested, in the
# statement that claims it, and again when time passed before the call.
_HOLDS = {
    "switch": """EXISTS (
        SELECT 1 FROM outreach_switch s WHERE s.stopped AND (
            s.scope = 'all' OR (s.scope = 'channel' AND s.key = o.channel)
            OR (s.scope = 'play' AND s.key = x.play_id)))""",
    "suppressed": """EXISTS (
        SELECT 1 FROM outreach_suppression s WHERE s.lifted_at IS NULL
          AND s.channel = o.channel AND s.address = o.payload->>'to')""",
    # A person asks for a test, yet it goes through the carrier that may be what is wrong.
    "breaker": """EXISTS (
        SELECT 1 FROM outreach_breaker b WHERE b.state <> 'closed'
          AND b.location_id IS NULL AND (b.play_id IS NULL OR b.play_id = x.play_id))""",
}
_FROM = """
    FROM platforms_outboxitem o
    JOIN outreach_trialsend t ON t.outbox_id = o.id JOIN outreach_template x ON x.id = t.template_id
"""
_FREE = f"NOT ({' OR '.join(_HOLDS.values())})"
_CANDIDATE = f"""
    SELECT o.id {_FROM}
    WHERE o.topic = 'test' AND o.state = 'ready' AND o.due_at <= %(now)s AND {_FREE}
    ORDER BY o.due_at LIMIT 1 FOR UPDATE OF o SKIP LOCKED
"""
_STILL_SQL = f"""
    SELECT o.id {_FROM}
    WHERE o.id = %(item)s AND o.state = 'sending' AND o.attempt = %(attempt)s
      AND o.leased_until > %(now)s AND {_FREE}
"""
_WHICH = " ".join(f"WHEN {sql} THEN '{key}'" for key, sql in _HOLDS.items())
_HELD_SQL = f"SELECT CASE {_WHICH} ELSE '' END {_FROM} WHERE o.id = %(item)s"


@fence.beyond("a test belongs to no location")
@transaction.atomic
def send_test(*, template_id: int, by: User, now: datetime) -> TrialSend:
    """Queue the text, filled with sample values, to the person's own address. Raises NotAllowed,
    TooMany."""
    if not by.has_perm("outreach.propose_library"):
        raise NotAllowed("You may not send tests. Ask a manager.")
    template = Template.objects.get(pk=template_id)
    address = by.phone if template.channel == Channel.SMS else by.email
    if not address:
        wanted = "phone number" if template.channel == Channel.SMS else "e-mail address"
        raise NotAllowed(
            f"There is no {wanted} on file for you. An administrator adds it under People."
        )
    stops = Suppression.objects.filter(
        channel=template.channel, address=address, lifted_at__isnull=True
    )
    if stops.exists():
        raise NotAllowed("This address has said stop: nothing is sent to it, tests neither.")
    with connection.cursor() as cursor:
        # Counted, then added to: one request of a person at a time.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"trial:{by.pk}"])
    lately = TrialSend.objects.filter(asked_by=by, asked_at__gt=now - timedelta(hours=1))
    if lately.count() >= AN_HOUR:
        raise TooMany(f"{AN_HOUR} tests in an hour are enough. Try again later.")
    ways = reply_address.ways(language=template.language, phone=SAMPLE["location_phone"])
    values = {**SAMPLE, **ways, "business": settings.BUSINESS_NAME}
    is_text = template.channel == Channel.SMS
    subject = "" if is_text else MARK + fill(template.subject, values)
    item = outbox.enqueue(
        topic=OutboxItem.Topic.TEST,
        channel=template.channel,
        subject=f"test:{uuid4()}",
        approval="",
        payload={"to": address, "subject": subject, "body": MARK + fill(template.body, values)},
        due_at=now,
        now=now,
    )
    trial = TrialSend.objects.create(
        template=template, asked_by=by, asked_at=now, channel=template.channel, outbox=item
    )
    if held := _held(item):
        raise NotAllowed(f"{conditions.HELD[held]}. Ask for the test again when that is over.")
    transaction.on_commit(tasks.wake_trials, robust=True)
    audit.record(
        events.TEST_ASKED,
        at=now,
        by=by,
        target=template,
        detail={"outbox": item.pk, "channel": template.channel, "version": template.version},
    )
    return trial


def dispatch_trials(*, now: datetime, limit: int = 20) -> int:
    """Send what waits, and look up what got no answer. Returns how many calls were made. A
    database older than the exported ledger sends nothing."""
    try:
        checkpoints.check()
    except checkpoints.Behind as error:
        log.error("no test is sent: %s", error)
        return 0
    begun, made = time.monotonic(), 0
    for _ in range(limit):
        instant = now + timedelta(seconds=time.monotonic() - begun)
        looked = time.monotonic()
        item = outbox.claim(candidate_sql=_CANDIDATE, params={}, now=instant, lease=LEASE)
        if item is None:
            break
        begin_by = conditions.open_until(partial(_still_open, item), looked=looked, now=instant)
        try:
            if begin_by is None:
                raise NotBegun
            call = partial(_call, item, begin_by=begin_by)
            outbox.carry_out(item, call, now=instant, also=_note_end)
            made += 1
        except NotBegun:
            outbox.release(item)
    while made < limit:
        instant = now + timedelta(seconds=time.monotonic() - begun)
        item = outbox.claim_unknown(topic=OutboxItem.Topic.TEST, now=instant, lease=LEASE)
        if item is None:
            break
        made += 1
        carrier = sms if item.channel == Channel.SMS else email
        look_up = partial(carrier.look_up, key=outbox.key_of(item))
        outbox.carry_out(item, look_up, now=instant, also=_note_end)
    return made


def _held(item: OutboxItem) -> str:
    """Which of _HOLDS keeps the test back; empty where none does."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD_SQL, {"item": item.pk})
        return str(cursor.fetchone()[0])


def _still_open(item: OutboxItem, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_STILL_SQL, {"item": item.pk, "attempt": item.attempt, "now": now})
        return cursor.fetchone() is not None


def _call(item: OutboxItem, *, begin_by: float) -> Outcome:
    key, payload = outbox.key_of(item), item.payload
    if item.channel == Channel.SMS:
        return sms.send(key=key, to=payload["to"], body=payload["body"], begin_by=begin_by)
    return email.send(
        key=key,
        to=payload["to"],
        subject=payload["subject"],
        body=payload["body"],
        begin_by=begin_by,
    )


def _note_end(finished: OutboxItem, at: datetime) -> None:
    trial = TrialSend.objects.select_related("template").get(outbox=finished)
    audit.record(
        events.TEST_ANSWERED,
        at=at,
        target=trial.template,
        detail={"outbox": finished.pk, "state": finished.state, "attempt": finished.attempt},
    )
