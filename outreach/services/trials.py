"""Sending a text of the library to oneself, through outbox and carrier as a guest would get it.

Only to the address on file for the person who asks, marked as a test, a few an hour. The stop
switch holds it as it holds everything.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction

from audit import checkpoints
from audit import services as audit
from outreach import events
from outreach.errors import NotAllowed, TooMany
from outreach.models import Channel, Suppression, Template, TrialSend
from outreach.texts import SAMPLE, fill
from platforms import outbox
from platforms.carriers import email, sms
from platforms.models import OutboxItem
from platforms.outcome import Outcome, Result

if TYPE_CHECKING:
    from staff.models import User

log = logging.getLogger(__name__)

AN_HOUR = 5  # test sends of a person in an hour
MARK = "[Test] "
LEASE = timedelta(seconds=60)  # longer than the slowest call

_CANDIDATE = """
    SELECT o.id FROM platforms_outboxitem o
    WHERE o.topic = 'test' AND o.state = 'ready' AND o.due_at <= %(now)s
      AND NOT EXISTS (
          SELECT 1 FROM outreach_switch s WHERE s.stopped
            AND (s.scope = 'all' OR (s.scope = 'channel' AND s.key = o.channel)))
    ORDER BY o.due_at LIMIT 1 FOR UPDATE OF o SKIP LOCKED
"""


@transaction.atomic
def send_test(*, template_id: int, by: User, now: datetime) -> TrialSend:
    """Queue the text, filled with sample values, to the person's own address. Raises NotAllowed,
    TooMany."""
    from outreach.tasks import wake_trials

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
    values = {**SAMPLE, "business": settings.BUSINESS_NAME}
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
    transaction.on_commit(wake_trials, robust=True)
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
    for look_up in (False, True):
        while made < limit:
            instant = now + timedelta(seconds=time.monotonic() - begun)
            item = (
                outbox.claim_unknown(topic=OutboxItem.Topic.TEST, now=instant, lease=LEASE)
                if look_up
                else outbox.claim(candidate_sql=_CANDIDATE, params={}, now=instant, lease=LEASE)
            )
            if item is None:
                break
            made += 1
            _store(item, _call(item, look_up=look_up), now=instant)
    return made


def _call(item: OutboxItem, *, look_up: bool) -> Outcome:
    key, payload = outbox.key_of(item), item.payload
    is_text = item.channel == Channel.SMS
    try:
        if look_up:
            return sms.look_up(key=key) if is_text else email.look_up(key=key)
        if is_text:
            return sms.send(key=key, to=payload["to"], body=payload["body"])
        return email.send(
            key=key, to=payload["to"], subject=payload["subject"], body=payload["body"]
        )
    except Exception as error:
        log.exception("test %s: the call failed", item.pk)
        return Outcome(Result.UNKNOWN, error=f"The call failed: {type(error).__name__}.")


@transaction.atomic
def _store(item: OutboxItem, outcome: Outcome, *, now: datetime) -> None:
    finished = outbox.finish(item, outcome, now)
    if finished is None:
        return
    trial = TrialSend.objects.select_related("template").get(outbox=finished)
    audit.record(
        events.TEST_ANSWERED,
        at=now,
        target=trial.template,
        detail={"outbox": finished.pk, "state": finished.state, "attempt": finished.attempt},
    )
