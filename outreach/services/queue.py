"""Putting an approved message into the outbox."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from outreach import approval, tasks
from outreach.models import Message
from platforms import outbox
from platforms.models import OutboxItem


def queue_message(
    message: Message, *, subject: str, approval_hash: str, due_at: datetime, now: datetime
) -> None:
    """Put the message into the outbox, in the transaction that approved it; wake the sender."""
    message.outbox = outbox.enqueue(
        topic=OutboxItem.Topic.MESSAGE,
        channel=message.channel,
        subject=subject,
        approval=approval_hash,
        payload=approval.payload_of(message),
        due_at=due_at,
        now=now,
        location_id=message.location_id,
    )
    message.save()
    if due_at <= now:
        transaction.on_commit(tasks.wake_sender, robust=True)
