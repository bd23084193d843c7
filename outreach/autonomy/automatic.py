"""Which drafts need no person: what must hold of every one, and the named rules of a play.

Plain functions over a draft and the guest's visits; the approval itself is services/automatic.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from memberships.models import GuestDay
from outreach.models import Draft

if TYPE_CHECKING:
    from datetime import datetime

Terms = Mapping[str, Any]  # AutomaticRule.terms()
VisitDays = Mapping[int, Sequence[int]]  # by guest: days back of each visit


def why_a_person(draft: Draft) -> str:
    """What sends this draft to a person whatever the rules say; empty when nothing does. Its
    checks are those stored with it: made just now."""
    if draft.version != 1 or draft.edited_by_id or draft.writers or draft.requested_by_id:
        return "a person had it in hand"
    if (
        draft.group != Draft.Group.LIBRARY
        or draft.body != draft.library_body
        or draft.subject != draft.library_subject
    ):
        return "it is not library text as it is"
    if any(not check["ok"] for check in draft.checks):
        return "a check fails"
    if draft.shaped_by_guest_text or draft.worded_by:
        return "a machine worded it"
    if draft.evidence.get("may_act") is not True:
        return "the score is in doubt"
    if chance_of(draft) is None:
        return "it has no score"
    return ""


def chance_of(draft: Draft) -> float | None:
    """The chance behind the score, 0 to 1. None where there is none that makes sense."""
    p = draft.evidence.get("p")
    if isinstance(p, bool) or not isinstance(p, int | float):
        return None
    return float(p) if math.isfinite(p) and 0 <= p <= 1 else None


def taken_by(draft: Draft, *, rules: Sequence[Terms], visits: VisitDays) -> Terms | None:
    """The first rule that takes the draft. None: a person decides."""
    p = chance_of(draft)
    if p is None:
        return None
    back = visits.get(draft.guest_id, ())
    for rule in rules:
        if (
            p >= rule["min_p"]
            and draft.cost_cents <= rule["max_cost_cents"]
            and sum(days <= rule["visit_days"] for days in back) >= rule["min_visits"]
        ):
            return rule
    return None


def visits_of(drafts: Sequence[Draft], *, rules: Sequence[Terms], now: datetime) -> VisitDays:
    """How many days ago each visit of the drafts' guests was, as far back as the rules look; local
    days of the drafts' locations. One query."""
    furthest = max((int(rule["visit_days"]) for rule in rules), default=0)
    today = {draft.guest_id: draft.location.today(now) for draft in drafts}
    found: dict[int, list[int]] = {guest_id: [] for guest_id in today}
    if not today or not furthest:
        return found
    rows = GuestDay.objects.filter(
        guest_id__in=today,
        visits__gt=0,
        on__gte=min(today.values()) - timedelta(days=furthest),
    ).values_list("guest_id", "on", "visits")
    for guest_id, on, visits in rows:
        back = (today[guest_id] - on).days
        if back >= 0:
            found[guest_id] += [back] * visits
    return found
