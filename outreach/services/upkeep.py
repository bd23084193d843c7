"""Drafts that change without a decision: their time or situation is over, or the data moved."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from audit import services as audit
from audit.services import Entry
from outreach import checks, events
from outreach.errors import AlreadyLeft, Conflict
from outreach.models import Draft, Message, OutreachPolicy
from outreach.services.decisions import recall_approval
from platforms.models import OutboxItem

if TYPE_CHECKING:
    pass


@transaction.atomic
def withdraw_drafts(*, draft_ids: Sequence[int], reason: str, now: datetime) -> int:
    """Withdraw open drafts whose situation is over. Decided ones stay. Returns how many."""
    drafts = list(Draft.objects.select_for_update().open().filter(pk__in=draft_ids).order_by("pk"))
    Draft.objects.filter(pk__in=[draft.pk for draft in drafts]).update(
        status=Draft.Status.WITHDRAWN, version=F("version") + 1
    )
    audit.record_many(
        [Entry.about(events.DRAFT_WITHDRAWN, draft, at=now, reason=reason) for draft in drafts]
    )
    return len(drafts)


@transaction.atomic
def expire_drafts(*, now: datetime) -> int:
    """Close open drafts past their time. Returns how many."""
    drafts = list(
        Draft.objects.select_for_update(skip_locked=True)
        .open()
        .filter(expires_at__lte=now)
        .order_by("pk")[:1000]
    )
    Draft.objects.filter(pk__in=[draft.pk for draft in drafts]).update(
        status=Draft.Status.EXPIRED, version=F("version") + 1
    )
    audit.record_many([Entry.about(events.DRAFT_EXPIRED, draft, at=now) for draft in drafts])
    return len(drafts)


def recall_aged(*, now: datetime) -> int:
    """Give people back what was approved and could not leave for too long: they decide anew, by
    what is true now. The gate holds such messages anyway. Each in its own transaction. Returns how
    many."""
    hours = OutreachPolicy.current().approval_hours
    waiting = (
        Message.objects.filter(
            purpose=Message.Purpose.OUTREACH,
            draft__isnull=False,
            outbox__state=OutboxItem.State.READY,
            approved_at__lte=now - timedelta(hours=hours),
        )
        .order_by("approved_at", "pk")
        .values_list("draft_id", "pk")[:1000]
    )
    recalled = 0
    for draft_id, message_id in list(waiting):
        assert draft_id is not None  # the query asks for those with a draft
        try:
            recall_approval(
                draft_id=draft_id,
                message_id=message_id,
                reason=f"it could not leave for {hours} hours",
                now=now,
            )
        except (AlreadyLeft, Conflict):
            continue  # it is leaving in this moment, or a newer draft of the guest stands
        recalled += 1
    return recalled


@transaction.atomic
def recheck_drafts(*, guest_ids: Sequence[int], now: datetime) -> int:
    """Look again at the open drafts of guests whose data changed. Returns how many moved."""
    drafts = list(
        Draft.objects.select_for_update(of=("self",))
        .open()
        .filter(guest_id__in=guest_ids)
        .select_related("guest__contact", "location", "play", "template", "offer")
        .order_by("pk")
    )
    changed: list[Draft] = []
    for draft, results in zip(drafts, checks.check_drafts(drafts, now=now), strict=True):
        before = (draft.checks, draft.group)
        checks.apply(draft, results)
        if (draft.checks, draft.group) != before:
            changed.append(draft)
    # The words are the same: no new version, a reviewer in front of the card is not thrown out.
    Draft.objects.bulk_update(changed, ["checks", "group"], batch_size=500)
    return len(changed)


def lock_open_drafts(*, guest_ids: Collection[int]) -> None:
    """Keep the open drafts of guests for this transaction."""
    list(
        Draft.objects.select_for_update()
        .open()
        .filter(guest_id__in=guest_ids)
        .order_by("pk")
        .values_list("pk")
    )


def wake_snoozed(*, guest_ids: Sequence[int], now: datetime) -> int:
    """Bring snoozed drafts of guests back who booked or answered. Returns how many."""
    return (
        Draft.objects.snoozed(now)
        .filter(guest_id__in=guest_ids)
        .update(snoozed_until=None, version=F("version") + 1)
    )
