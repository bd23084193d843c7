"""Decisions about drafts and messages: each verb is one transaction with its ledger entry last."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import F

from audit import services as audit
from audit.services import Entry
from memberships.models import Location
from outreach import approval, caps, checks, events, rules
from outreach.errors import AlreadyLeft, Conflict, NotAllowed, OutreachError
from outreach.models import (
    Draft,
    Message,
    OutreachPolicy,
    Reply,
    Suppression,
    Switch,
)
from outreach.transitions import may_become
from platforms import outbox
from platforms.models import OutboxItem

if TYPE_CHECKING:
    from staff.models import User

log = logging.getLogger(__name__)


def _locked(draft_id: int) -> Draft:
    """The draft with everything a decision looks at, its row locked."""
    draft: Draft = (
        Draft.objects.select_for_update(of=("self",))
        .select_related("guest__contact", "location", "play", "template", "offer", "decided_by")
        .get(pk=draft_id)
    )
    return draft


def _decide(draft: Draft, *, version: int, status: Draft.Status, **changes: Any) -> None:
    """Move the draft from pending to `status` if it is still the version the reader saw. The
    condition stands in the statement, whatever was locked or read before. Raises Conflict."""
    if not may_become(draft.status, status):
        raise Conflict(rules.who_decided(draft))
    won = Draft.objects.filter(pk=draft.pk, version=version, status=draft.status).update(
        status=status, version=F("version") + 1, **changes
    )
    if won != 1:
        raise Conflict("Somebody was quicker. Look at the draft again.")
    draft.status, draft.version = status, version + 1
    for name, value in changes.items():
        setattr(draft, name, value)


# --- Approve ------------------------------------------------------------------------------------


@transaction.atomic
def approve_draft(
    *, draft_id: int, version: int, by: User, now: datetime, care: bool = False
) -> Message:
    """Approve the draft as seen and queue its message to leave after the Outgoing time.

    `care` waves warnings through; what blocks stays blocked. Approved twice by the same person it
    is one approval. Raises Conflict, NotAllowed, ChecksFailed, NeedsCare, CapReached.
    """
    draft = _locked(draft_id)
    again = _my_approval(draft, version=version, by=by)
    if again is not None:
        return again
    rules.check_open(draft, version=version, now=now)
    policy = OutreachPolicy.current()
    rules.check_can_approve(by, draft, policy=policy)
    results = checks.check_drafts([draft], now=now)[0]
    rules.check_fit(results, care=care)
    caps.reserve(
        lines=caps.lines_for(
            location=draft.location, play_key=draft.play_id, at=now, policy=policy
        ),
        cost_cents=draft.cost_cents,
    )
    digest = approval.approval_hash(draft, version=version)
    _decide(
        draft,
        version=version,
        status=Draft.Status.APPROVED,
        decided_by=by,
        decided_at=now,
        approval_hash=digest,
        snoozed_until=None,
        checks=[result.as_dict() for result in results],
    )
    message = Message(
        draft=draft,
        guest_id=draft.guest_id,
        location=draft.location,
        play_id=draft.play_id,
        channel=draft.channel,
        address=draft.address,
        subject=draft.subject,
        body=draft.body,
        cost_cents=draft.cost_cents,
        reservation=(
            Message.Reservation.RESERVED if draft.cost_cents else Message.Reservation.NONE
        ),
        approved_by=by,
        approved_at=now,
    )
    queue_message(
        message,
        subject=f"draft:{draft.pk}",
        approval_hash=digest,
        due_at=now + timedelta(minutes=policy.outgoing_minutes),
        now=now,
    )
    audit.record(
        events.DRAFT_APPROVED,
        at=now,
        by=by,
        location_id=draft.location_id,
        guest_id=draft.guest_id,
        target=draft,
        detail={
            "hash": digest,
            "message": message.pk,
            "outbox": message.outbox_id,
            "channel": draft.channel,
            "play": draft.play_id,
            "template": draft.template_id,
            "offer": draft.offer_id,
            "cost_cents": draft.cost_cents,
            "score": draft.evidence.get("score"),
            "model": draft.evidence.get("model"),
            "care": care,
            "warnings": [result.check for result in results if not result.ok],
            "due_at": message.outbox.due_at,
        },
    )
    return message


def _my_approval(draft: Draft, *, version: int, by: User) -> Message | None:
    """The message of this very approval when the same person presses twice."""
    if (
        draft.status == Draft.Status.APPROVED
        and draft.version == version + 1
        and draft.decided_by_id == by.pk
    ):
        message: Message = draft.messages.select_related("outbox").get(
            outbox__approval=draft.approval_hash
        )
        return message
    return None


def queue_message(
    message: Message, *, subject: str, approval_hash: str, due_at: datetime, now: datetime
) -> None:
    """Put the message into the outbox, in the transaction that approved it; wake the sender."""
    from outreach.tasks import wake_sender

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
        transaction.on_commit(wake_sender, robust=True)


def approve_as_is(
    *, picks: Sequence[tuple[int, int]], by: User, now: datetime
) -> tuple[list[Message], dict[int, str]]:
    """Approve several drafts (id, version) whose words are the library's, each by itself: one
    refusal does not stop the others. Returns messages and refusals by draft id."""
    approved: list[Message] = []
    refused: dict[int, str] = {}
    for draft_id, version in picks:
        try:
            with transaction.atomic():
                draft = Draft.objects.visible_to(by).filter(pk=draft_id).first()
                if draft is None:
                    raise Conflict("This draft is gone.")
                if draft.group != Draft.Group.LIBRARY and draft.status == Draft.Status.PENDING:
                    raise NotAllowed("Only library text as it is may be approved in a group.")
                approved.append(approve_draft(draft_id=draft_id, version=version, by=by, now=now))
        except OutreachError as error:
            refused[draft_id] = str(error)
    return approved, refused


# --- Edit, reject, snooze, undo -----------------------------------------------------------------


@transaction.atomic
def edit_draft(
    *, draft_id: int, version: int, body: str, subject: str, by: User, now: datetime
) -> Draft:
    """Change the words of an open draft; checks and group follow. Text that does not change is no
    edit. Raises Conflict, NotAllowed."""
    draft = _locked(draft_id)
    rules.check_open(draft, version=version, now=now)
    rules.check_may(by, "outreach.edit_draft", draft)
    body, subject = body.replace("\r\n", "\n").strip(), " ".join(subject.split())[:160]
    if (body, subject) == (draft.body, draft.subject):
        return draft
    draft.body, draft.subject = body, subject
    back_to_library = (body, subject) == (draft.library_body, draft.library_subject)
    draft.edited_by = None if back_to_library else by
    draft.writers = [] if back_to_library else sorted({*draft.writers, by.pk})
    draft.version += 1
    checks.apply(draft, checks.check_drafts([draft], now=now)[0])
    draft.save(
        update_fields=["body", "subject", "edited_by", "writers", "version", "checks", "group"]
    )
    audit.record(
        events.DRAFT_EDITED,
        at=now,
        by=by,
        location_id=draft.location_id,
        guest_id=draft.guest_id,
        target=draft,
        detail={
            "version": draft.version,
            "hash": approval.approval_hash(draft, version=draft.version),
            "group": draft.group,
            "failed": [check["check"] for check in draft.checks if not check["ok"]],
        },
    )
    return draft


@transaction.atomic
def reject_draft(
    *, draft_id: int, version: int, reason: str, note: str, by: User, now: datetime
) -> Draft:
    """Reject an open draft for one of Draft.Rejection. Twice by the same person is one rejection.
    Raises Conflict, NotAllowed, ValueError for an unknown reason."""
    draft = _locked(draft_id)
    wanted = Draft.Rejection(reason)
    if (
        draft.status == Draft.Status.REJECTED
        and draft.decided_by_id == by.pk
        and draft.version == version + 1
    ):
        return draft
    rules.check_open(draft, version=version, now=now)
    rules.check_may(by, "outreach.reject_draft", draft)
    _decide(
        draft,
        version=version,
        status=Draft.Status.REJECTED,
        decided_by=by,
        decided_at=now,
        rejection=wanted,
        rejection_note=note.strip()[:300],
        snoozed_until=None,
    )
    audit.record(
        events.DRAFT_REJECTED,
        at=now,
        by=by,
        location_id=draft.location_id,
        guest_id=draft.guest_id,
        target=draft,
        detail={"reason": wanted.label, "play": draft.play_id, "noted": bool(note.strip())},
    )
    return draft


@transaction.atomic
def snooze_draft(*, draft_id: int, version: int, until: datetime, by: User, now: datetime) -> Draft:
    """Put an open draft off; `until` in the past brings it back now. It returns before it
    expires. Raises Conflict, NotAllowed."""
    draft = _locked(draft_id)
    rules.check_open(draft, version=version, now=now)
    rules.check_may(by, "outreach.snooze_draft", draft)
    draft.snoozed_until = until if until > now else None
    # Put off on purpose it must not expire unseen: a working day to decide stays.
    draft.expires_at = max(draft.expires_at, until + timedelta(days=1))
    draft.version += 1
    draft.save(update_fields=["snoozed_until", "expires_at", "version"])
    audit.record(
        events.DRAFT_SNOOZED,
        at=now,
        by=by,
        location_id=draft.location_id,
        guest_id=draft.guest_id,
        target=draft,
        detail={"until": until},
    )
    return draft


@transaction.atomic
def undo_decision(*, draft_id: int, by: User, now: datetime) -> Draft:
    """Take back an approval whose message has not left, or a fresh rejection: the draft awaits a
    decision again. Raises AlreadyLeft, Conflict, NotAllowed."""
    draft = _locked(draft_id)
    if draft.status == Draft.Status.PENDING and draft.decided_by_id is None:
        if draft.snoozed_until is None:
            return draft
        return snooze_draft(draft_id=draft.pk, version=draft.version, until=now, by=by, now=now)
    if not may_become(draft.status, Draft.Status.PENDING):
        raise Conflict(rules.who_decided(draft))
    decided = draft.status
    if decided == Draft.Status.APPROVED:
        rules.check_may(by, "outreach.cancel_message", draft)
        _take_back(_waiting_message(draft), now=now)
    else:
        rules.check_may(by, "outreach.reject_draft", draft)
        if draft.decided_at is None or draft.decided_at + rules.UNDO_REJECTION < now:
            raise Conflict("This was rejected too long ago to take it back.")
    draft.status = Draft.Status.PENDING
    draft.decided_by, draft.decided_at = None, None
    draft.rejection, draft.rejection_note, draft.approval_hash = "", "", ""
    draft.version += 1
    draft.expires_at = max(draft.expires_at, now + timedelta(days=1))
    checks.apply(draft, checks.check_drafts([draft], now=now)[0])
    try:
        with transaction.atomic():
            draft.save()
    except IntegrityError:
        raise Conflict("There is a newer draft for this guest. Decide that one.") from None
    audit.record(
        events.DRAFT_UNDONE,
        at=now,
        by=by,
        location_id=draft.location_id,
        guest_id=draft.guest_id,
        target=draft,
        detail={"was": decided},
    )
    return draft


def _waiting_message(draft: Draft) -> Message:
    message: Message | None = (
        draft.messages.select_related("outbox", "location", "draft__decided_by")
        .filter(outbox__approval=draft.approval_hash)
        .first()
    )
    if message is None:
        raise Conflict("The message of this approval is not there any more.")
    return message


def _take_back(message: Message, *, now: datetime) -> None:
    """Withdraw a message that nobody is sending yet and give its cost back. Raises AlreadyLeft."""
    if not outbox.withdraw(item_id=message.outbox_id, now=now):
        message.outbox.refresh_from_db()
        state = message.outbox.get_state_display()
        raise AlreadyLeft(f"Too late: this message is {state}.")
    caps.void(message, policy=OutreachPolicy.current())


@transaction.atomic
def cancel_message(*, message_id: int, by: User, now: datetime) -> Message:
    """Stop one message that waits in Outgoing, for good: its draft is withdrawn. Raises
    AlreadyLeft, NotAllowed."""
    message: Message = Message.objects.select_related("outbox", "location").get(pk=message_id)
    draft = _locked(message.draft_id) if message.draft_id else None
    if not by.has_perm("outreach.cancel_message", message):
        raise NotAllowed("You may not cancel messages here. Ask a manager of the location.")
    if message.outbox.state == OutboxItem.State.WITHDRAWN:
        return message
    _take_back(message, now=now)
    if draft is not None and may_become(draft.status, Draft.Status.WITHDRAWN):
        _decide(draft, version=draft.version, status=Draft.Status.WITHDRAWN)
    audit.record(
        events.MESSAGE_CANCELLED,
        at=now,
        by=by,
        location_id=message.location_id,
        guest_id=message.guest_id,
        target=message,
        detail={"outbox": message.outbox_id, "draft": message.draft_id},
    )
    message.outbox.refresh_from_db()
    return message


# --- Drafts whose time is over ------------------------------------------------------------------


@transaction.atomic
def withdraw_drafts(*, draft_ids: Sequence[int], reason: str, now: datetime) -> int:
    """Withdraw open drafts whose situation is over. Decided ones stay. Returns how many."""
    drafts = list(Draft.objects.select_for_update().open().filter(pk__in=draft_ids).order_by("pk"))
    Draft.objects.filter(pk__in=[draft.pk for draft in drafts]).update(
        status=Draft.Status.WITHDRAWN, version=F("version") + 1
    )
    audit.record_many(
        [
            _entry(events.DRAFT_WITHDRAWN, draft, at=now, detail={"reason": reason})
            for draft in drafts
        ]
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
    audit.record_many([_entry(events.DRAFT_EXPIRED, draft, at=now) for draft in drafts])
    return len(drafts)


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


def lock_open_drafts(*, guest_id: int) -> None:
    """Keep the open drafts of a guest for this transaction."""
    list(
        Draft.objects.select_for_update()
        .open()
        .filter(guest_id=guest_id)
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


def _entry(
    event: str,
    draft: Draft,
    *,
    at: datetime,
    by: User | None = None,
    detail: dict[str, Any] | None = None,
) -> Entry:
    return Entry(
        event=event,
        at=at,
        by=by,
        location_id=draft.location_id,
        guest_id=draft.guest_id,
        target=draft,
        detail=detail,
    )


# --- Stop and resume ----------------------------------------------------------------------------


@transaction.atomic
def stop_sending(*, scope: str, key: str, reason: str, by: User, now: datetime) -> Switch:
    """Keep everything in the scope from leaving, at once. Scope and key as in Switch; the desk
    stops its own locations or everything. Raises NotAllowed, ValueError."""
    return _switch(scope, key, stopped=True, reason=reason or "no reason given", by=by, now=now)


@transaction.atomic
def resume_sending(*, scope: str, key: str, reason: str, by: User, now: datetime) -> Switch:
    """Let the scope send again. The caller has asked for the password. Raises NotAllowed,
    ValueError."""
    if not reason.strip():
        raise NotAllowed("Say why sending may go on.")
    return _switch(scope, key, stopped=False, reason=reason, by=by, now=now)


def _switch(scope: str, key: str, *, stopped: bool, reason: str, by: User, now: datetime) -> Switch:
    wanted = Switch.Scope(scope)
    permission = "outreach.stop_sending" if stopped else "outreach.resume_sending"
    location_id = int(key) if wanted == Switch.Scope.LOCATION else None
    place = Location.objects.get(pk=location_id) if location_id else None
    if not by.has_perm(permission, place):
        verb = "stop" if stopped else "resume"
        raise NotAllowed(f"You may not {verb} sending here. Ask a regional manager.")
    row, _ = Switch.objects.update_or_create(
        scope=wanted,
        key=key,
        defaults={
            "stopped": stopped,
            "changed_at": now,
            "changed_by": by,
            "reason": reason.strip()[:200],
        },
    )
    audit.record(
        events.SENDING_STOPPED if stopped else events.SENDING_RESUMED,
        at=now,
        by=by,
        location_id=location_id,
        target=row,
        detail={"scope": wanted.label, "key": key, "reason": row.reason},
    )
    return row


# --- Stop words ---------------------------------------------------------------------------------


@transaction.atomic
def suppress(
    *,
    channel: str,
    address: str,
    source: str,
    reason: str,
    now: datetime,
    by: User | None = None,
    guest_id: int | None = None,
    location_id: int | None = None,
) -> bool:
    """Never write to the address on this channel again. False when it was so already."""
    row, is_new = Suppression.objects.get_or_create(
        channel=channel,
        address=address,
        lifted_at=None,
        defaults={
            "source": Suppression.Source(source),
            "reason": reason[:200],
            "added_at": now,
            "added_by": by,
        },
    )
    if not is_new:
        return False
    audit.record(
        events.SUPPRESSION_ADDED,
        at=now,
        by=by,
        location_id=location_id,
        guest_id=guest_id,
        target=row,
        detail={"channel": channel, "source": row.get_source_display(), "reason": row.reason},
    )
    return True


@transaction.atomic
def lift_suppression(
    *,
    channel: str,
    address: str,
    reason: str,
    now: datetime,
    by: User | None = None,
    guest_id: int | None = None,
    location_id: int | None = None,
) -> bool:
    """The guest asked to hear from us again. False when nothing was suppressed."""
    rows = Suppression.objects.filter(channel=channel, address=address, lifted_at__isnull=True)
    if not rows.update(lifted_at=now):
        return False
    audit.record(
        events.SUPPRESSION_LIFTED,
        at=now,
        by=by,
        location_id=location_id,
        guest_id=guest_id,
        detail={"channel": channel, "reason": reason},
    )
    return True


# --- Messages that need a person ----------------------------------------------------------------


@transaction.atomic
def settle_uncertain(*, message_id: int, was_sent: bool, by: User, now: datetime) -> Message:
    """A person found out what became of an uncertain message. Raises Conflict, NotAllowed."""
    message: Message = Message.objects.select_related("outbox", "location").get(pk=message_id)
    if not by.has_perm("outreach.cancel_message", message):
        raise NotAllowed("You may not settle messages here. Ask a manager of the location.")
    if not outbox.settle(item_id=message.outbox_id, was_sent=was_sent, now=now):
        raise Conflict("This message has been settled meanwhile.")
    policy = OutreachPolicy.current()
    if was_sent:
        caps.post(message, policy=policy)
    else:
        caps.void(message, policy=policy)
    audit.record(
        events.MESSAGE_SETTLED,
        at=now,
        by=by,
        location_id=message.location_id,
        guest_id=message.guest_id,
        target=message,
        detail={"verdict": "it was sent" if was_sent else "it was not sent"},
    )
    message.outbox.refresh_from_db()
    return message


@transaction.atomic
def retry_message(*, message_id: int, by: User, now: datetime) -> Message:
    """Queue a given-up message once more; its cost is set aside anew. Raises Conflict,
    NotAllowed, CapReached."""
    message: Message = Message.objects.select_related("outbox", "location").get(pk=message_id)
    if not by.has_perm("outreach.cancel_message", message):
        raise NotAllowed("You may not send messages again here. Ask a manager of the location.")
    if not outbox.try_again(item_id=message.outbox_id, now=now):
        raise Conflict("This message is not given up any more.")
    if message.reservation == Message.Reservation.VOIDED:
        policy = OutreachPolicy.current()
        caps.reserve(
            lines=caps.lines_for(
                location=message.location,
                play_key=message.play_id or "",
                at=message.approved_at,
                policy=policy,
            ),
            cost_cents=message.cost_cents,
        )
        message.reservation = Message.Reservation.RESERVED
        message.save(update_fields=["reservation"])
    audit.record(
        events.MESSAGE_RETRIED,
        at=now,
        by=by,
        location_id=message.location_id,
        guest_id=message.guest_id,
        target=message,
    )
    message.outbox.refresh_from_db()
    return message


# --- Replies ------------------------------------------------------------------------------------


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
