"""Dealing with what guests wrote back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from audit import services as audit
from outreach import events
from outreach.errors import NotAllowed
from outreach.models import Reply

if TYPE_CHECKING:
    from staff.models import User


@transaction.atomic
def mark_answered(*, reply_id: int, by: User, now: datetime) -> Reply:
    """A person has dealt with the guest's answer. Twice is once. Raises NotAllowed."""
    reply: Reply = Reply.objects.select_for_update(of=("self",)).get(pk=reply_id)
    if not by.has_perm("outreach.edit_draft", reply):
        raise NotAllowed("You may not deal with answers here. Ask a manager of the location.")
    if reply.answered_at is not None:
        return reply
    reply.answered_at, reply.answered_by = now, by
    reply.save(update_fields=["answered_at", "answered_by"])
    audit.record(
        events.REPLY_ANSWERED,
        at=now,
        by=by,
        location_id=reply.location_id,
        guest_id=reply.guest_id,
        target=reply,
    )
    return reply
