"""Decisions about drafts: approve, edit, reject, snooze, undo.

Each is one transaction with its ledger entry last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import F

from audit import fence
from audit import services as audit
from outreach import approval, checks, events, rules
from outreach.errors import AlreadyLeft, Conflict, NotAllowed, OutreachError
from outreach.gate import caps
from outreach.models import Draft, Message, OutreachPolicy
from outreach.results import Check
from outreach.sending import send_time
from outreach.services import refusals
from outreach.services.answers import reopen
from outreach.services.queue import queue_message
from outreach.transitions import may_become
from platforms import outbox
from platforms.models import OutboxItem

if TYPE_CHECKING:
    from staff.models import User


def locked(draft_id: int) -> Draft:
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


@fence.beyond("the guest may have been written to from elsewhere")
@transaction.atomic
def approve_draft(
    *, draft_id: int, version: int, by: User, now: datetime, care: bool = False
) -> Message:
    """Approve the draft as seen and queue its message to leave after the Outgoing time.

    `care` waves warnings through; what blocks stays blocked. Approved twice by the same person it
    is one approval. Raises Conflict, NotAllowed, ChecksFailed, NeedsCare, CapReached.
    """
    draft = locked(draft_id)
    again = _my_approval(draft, version=version, by=by)
    if again is not None:
        return again
    rules.check_open(draft, version=version, now=now)
    policy = OutreachPolicy.current()
    rules.check_can_approve(by, draft, policy=policy)
    results = checks.check_drafts([draft], now=now)[0]
    rules.check_fit(results, care=care)
    return commit_approval(
        draft, version=version, approver=by, results=results, policy=policy, now=now, care=care
    )


def commit_approval(
    draft: Draft,
    *,
    version: int,
    approver: User,
    results: Sequence[Check],
    policy: OutreachPolicy,
    now: datetime,
    care: bool = False,
    rule: Mapping[str, Any] | None = None,
) -> Message:
    """Set the cost aside, decide the locked draft, bind and queue its message, write the ledger.

    Everything that may speak against it has been asked. With `rule` (AutomaticRule.terms()) the
    machine approves under the name of the person who promoted the play, and the ledger says so.
    Raises CapReached, Conflict.
    """
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
        decided_by=approver,
        decided_at=now,
        approval_hash=digest,
        automatic_rule=rule["name"] if rule else "",
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
        is_automatic=rule is not None,
        approved_by=approver,
        approved_at=now,
    )
    queue_message(
        message,
        subject=f"draft:{draft.pk}",
        approval_hash=digest,
        due_at=send_time.leaves_at(draft, now=now, policy=policy),
        now=now,
    )
    detail = {
        "hash": digest,
        "worded_by": draft.worded_by,
        "prompt": draft.prompt_version,
        "message": message.pk,
        "outbox": message.outbox_id,
        "channel": draft.channel,
        "play": draft.play_id,
        "template": draft.template_id,
        "offer": draft.offer_id,
        "cost_cents": draft.cost_cents,
        "score": draft.evidence.get("score"),
        "model": draft.evidence.get("model"),
        "evidence": approval.evidence_hash(draft),
        "care": care,
        "warnings": [result.check for result in results if not result.ok],
        "due_at": message.outbox.due_at,
    }
    if rule is not None:
        detail |= {
            "rule": rule["name"],
            "terms": dict(rule),
            "p": draft.evidence.get("p"),
            "promoted_by": approver.pk,
        }
    audit.record_about(
        events.DRAFT_APPROVED if rule is None else events.DRAFT_APPROVED_BY_RULE,
        draft,
        at=now,
        by=approver if rule is None else None,
        **detail,
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


@fence.beyond("the guest may have been written to from elsewhere")
@transaction.atomic
def edit_draft(
    *, draft_id: int, version: int, body: str, subject: str, by: User, now: datetime
) -> Draft:
    """Change the words of an open draft; checks and group follow. Text that does not change is no
    edit. Raises Conflict, NotAllowed."""
    draft = locked(draft_id)
    rules.check_open(draft, version=version, now=now)
    rules.check_may(by, "outreach.edit_draft", draft)
    body, subject = body.replace("\r\n", "\n").strip(), " ".join(subject.split())[:160]
    if (body, subject) == (draft.body, draft.subject):
        return draft
    draft.body, draft.subject = body, subject
    back_to_library = (body, subject) == (draft.library_body, draft.library_subject)
    draft.edited_by = None if back_to_library else by
    draft.writers = [] if back_to_library else sorted({*draft.writers, by.pk})
    if back_to_library:
        draft.worded_by, draft.prompt_version, draft.shaped_by_guest_text = "", "", False
    draft.version += 1
    checks.apply(draft, checks.check_drafts([draft], now=now)[0])
    draft.save(
        update_fields=[
            "body",
            "subject",
            "edited_by",
            "writers",
            "version",
            "checks",
            "group",
            "worded_by",
            "prompt_version",
            "shaped_by_guest_text",
        ]
    )
    audit.record_about(
        events.DRAFT_EDITED,
        draft,
        at=now,
        by=by,
        version=draft.version,
        hash=approval.approval_hash(draft, version=draft.version),
        group=draft.group,
        failed=[check["check"] for check in draft.checks if not check["ok"]],
    )
    return draft


@transaction.atomic
def reject_draft(
    *, draft_id: int, version: int, reason: str, note: str, by: User, now: datetime
) -> Draft:
    """Reject an open draft for one of Draft.Rejection. Twice by the same person is one rejection.
    Raises Conflict, NotAllowed, ValueError for an unknown reason."""
    draft = locked(draft_id)
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
    refusals.tell_writers(draft, by=by, now=now)
    audit.record_about(
        events.DRAFT_REJECTED,
        draft,
        at=now,
        by=by,
        reason=wanted.label,
        noted=bool(note.strip()),
    )
    return draft


@transaction.atomic
def snooze_draft(*, draft_id: int, version: int, until: datetime, by: User, now: datetime) -> Draft:
    """Put an open draft off; `until` in the past brings it back now. It returns before it
    expires. Raises Conflict, NotAllowed."""
    draft = locked(draft_id)
    rules.check_open(draft, version=version, now=now)
    rules.check_may(by, "outreach.snooze_draft", draft)
    draft.snoozed_until = until if until > now else None
    # Put off on purpose it must not expire unseen: a working day to decide stays.
    draft.expires_at = max(draft.expires_at, until + timedelta(days=1))
    draft.version += 1
    draft.save(update_fields=["snoozed_until", "expires_at", "version"])
    audit.record_about(
        events.DRAFT_SNOOZED,
        draft,
        at=now,
        by=by,
        until=until,
    )
    return draft


@fence.beyond("another open draft may stand elsewhere")
@transaction.atomic
def undo_decision(*, draft_id: int, by: User, now: datetime) -> Draft:
    """Take back an approval whose message has not left, or a fresh rejection: the draft awaits a
    decision again. Raises AlreadyLeft, Conflict, NotAllowed."""
    draft = locked(draft_id)
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
    refusals.take_back(draft)
    _reopen(draft, now=now)
    audit.record_about(
        events.DRAFT_UNDONE,
        draft,
        at=now,
        by=by,
        was=decided,
    )
    return draft


@transaction.atomic
def recall_approval(*, draft_id: int, message_id: int, reason: str, now: datetime) -> Draft:
    """Take back the approval behind a message nobody is sending yet: a person decides. A newer
    approval of the same draft stands. Raises AlreadyLeft, Conflict."""
    draft = locked(draft_id)
    if draft.status != Draft.Status.APPROVED:
        raise Conflict(rules.who_decided(draft))
    message = _waiting_message(draft)
    if message.pk != message_id:
        raise Conflict("It was approved anew meanwhile.")
    _take_back(message, now=now)
    _reopen(draft, now=now)
    audit.record_about(
        events.DRAFT_RECALLED,
        draft,
        at=now,
        reason=reason,
    )
    return draft


def _reopen(draft: Draft, *, now: datetime) -> None:
    """The draft awaits a decision again, looked at anew. As at drafting, there is one open draft
    per guest and play, and per guest and reason whichever play asks. Raises Conflict."""
    draft.status = Draft.Status.PENDING
    draft.decided_by, draft.decided_at = None, None
    draft.rejection, draft.rejection_note, draft.approval_hash = "", "", ""
    draft.automatic_rule = ""
    draft.version += 1
    draft.expires_at = max(draft.expires_at, now + timedelta(days=1))
    checks.apply(draft, checks.check_drafts([draft], now=now)[0])
    try:
        with transaction.atomic():
            draft.save()
    except IntegrityError:
        # The constraints decide, also against what is drafted in this very moment.
        _check_alone(draft)
        raise


def _check_alone(draft: Draft) -> None:
    """No other open draft stands in the way. Raises Conflict that says whose it is."""
    other: Draft | None = (
        Draft.objects.rivals(draft)
        .select_related("play", "location", "requested_by")
        .order_by("pk")
        .first()
    )
    if other is not None:
        raise Conflict(rules.whose(other))


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


@fence.beyond("the guest's thread may be another location's")
@transaction.atomic
def cancel_message(*, message_id: int, by: User, now: datetime) -> Message:
    """Stop one message that waits in Outgoing, for good: its draft is withdrawn. Raises
    AlreadyLeft, NotAllowed."""
    message: Message = Message.objects.select_related("outbox", "location").get(pk=message_id)
    draft = locked(message.draft_id) if message.draft_id else None
    if not by.has_perm("outreach.cancel_message", message):
        raise NotAllowed("You may not cancel messages here. Ask a manager of the location.")
    if message.outbox.state == OutboxItem.State.WITHDRAWN:
        return message
    _take_back(message, now=now)
    reopen(message)
    if draft is not None and may_become(draft.status, Draft.Status.WITHDRAWN):
        _decide(draft, version=draft.version, status=Draft.Status.WITHDRAWN)
    audit.record_about(
        events.MESSAGE_CANCELLED,
        message,
        at=now,
        by=by,
        outbox=message.outbox_id,
        draft=message.draft_id,
    )
    message.outbox.refresh_from_db()
    return message
