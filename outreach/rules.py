"""Who may decide what, and when. `check_...` raises with a sentence for staff; the buttons and the
services ask the same rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from memberships.money import in_words
from outreach.errors import ChecksFailed, Conflict, NeedsCare, NotAllowed
from outreach.models import Draft, OutreachPolicy, Thread
from outreach.results import Check

if TYPE_CHECKING:
    from staff.models import User

# A rejection may be taken back for so long; an approval until its message leaves.
UNDO_REJECTION = timedelta(hours=8)

DECIDED = {
    Draft.Status.APPROVED: "approved",
    Draft.Status.REJECTED: "rejected",
    Draft.Status.EXPIRED: "let expire",
    Draft.Status.WITHDRAWN: "withdrew",
}


def who_decided(draft: Draft) -> str:
    """What became of a draft in one sentence: Dana Roe approved this at 9:02."""
    status = Draft.Status(draft.status)
    if status == Draft.Status.PENDING:
        return "This draft was changed meanwhile. Look at it again."
    if draft.decided_by is None or draft.decided_at is None:
        return f"This draft is {status.label}."
    at = timezone.localtime(draft.decided_at, draft.location.zone)
    if draft.automatic_rule:
        return f"The rule {draft.automatic_rule} approved this at {at:%-H:%M}."
    return f"{draft.decided_by.get_full_name()} {DECIDED[status]} this at {at:%-H:%M}."


def whose(draft: Draft) -> str:
    """Who has the open draft that keeps another of the guest from being open, in one sentence."""
    at = timezone.localtime(draft.created_at, draft.location.zone)
    asked = f", asked for by {draft.requested_by.get_full_name()}" if draft.requested_by else ""
    return (
        f"Another draft for this guest awaits a decision: {draft.play.name} at "
        f"{draft.location.name}, since {at:%-d %b %-H:%M}{asked}. Reject that one first, or "
        "decide it and leave this as it is."
    )


def check_open(draft: Draft, *, version: int, now: datetime) -> None:
    """The draft awaits a decision and is what the reader saw. Raises Conflict."""
    if draft.status != Draft.Status.PENDING or draft.version != version:
        raise Conflict(who_decided(draft))
    if draft.expires_at <= now:
        raise Conflict("This draft has expired. It is no longer current enough to send.")


def check_may(user: User, permission: str, draft: Draft) -> None:
    """Raises NotAllowed unless the person holds the permission for this draft."""
    if not user.has_perm(permission, draft):
        raise NotAllowed("You may not do this here. Ask a manager of the location.")


def check_can_approve(user: User, draft: Draft, *, policy: OutreachPolicy) -> None:
    """Right person, right location, within the cost limit, not one's own words. Raises
    NotAllowed with the rule that says no."""
    asked: Any = draft
    asked.four_eyes_on_edits = policy.four_eyes_on_edits
    if user.has_perm("outreach.approve_draft", draft):
        return
    if policy.four_eyes_on_edits and user.pk in draft.writers:
        raise NotAllowed("You changed this text, so someone else must approve it.")
    if user.has_perm("outreach.approve_draft") and user.serves(draft.location_id):
        currency = draft.location.currency
        raise NotAllowed(
            f"This costs {in_words(draft.cost_cents, currency)} and your limit is "
            f"{in_words(user.approval_limit_cents, currency)}. Someone with a higher limit must "
            "approve it."
        )
    raise NotAllowed("You may not approve this. Ask a manager of the location.")


def can_approve(user: User, draft: Draft, *, policy: OutreachPolicy) -> bool:
    """Whether `check_can_approve` lets the person through."""
    try:
        check_can_approve(user, draft, policy=policy)
    except NotAllowed:
        return False
    return True


def check_can_answer(user: User, thread: Thread) -> None:
    """Raises NotAllowed unless the person works the replies of the thread's location."""
    if not user.has_perm("outreach.answer_reply", thread):
        raise NotAllowed("You may not answer here. Ask somebody of the location.")


def check_own_words(user: User, thread: Thread) -> None:
    """Raises NotAllowed unless the person may write to guests in their own words."""
    if not user.has_perm("outreach.answer_freely", thread):
        raise NotAllowed(
            "You may send the library's answers as they are. For other words ask a manager."
        )


def check_fit(results: Sequence[Check], *, care: bool) -> None:
    """No blocking check fails, and a warning was waved through on purpose. Raises ChecksFailed,
    NeedsCare."""
    blocking = [result for result in results if not result.ok and result.blocks]
    if blocking:
        raise ChecksFailed(blocking)
    warnings = [result for result in results if not result.ok]
    if warnings and not care:
        raise NeedsCare(" ".join(result.message for result in warnings) + " Approve with care.")
