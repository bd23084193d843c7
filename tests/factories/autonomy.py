"""Plays that act by themselves, and drafts a rule takes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from memberships.models import GuestDay, Location
from outreach.library.seed import AT_RISK
from outreach.models import AutomaticRule, Draft, PlayPhase
from staff.models import User
from tests.factories.memberships import NOW
from tests.factories.outreach import EVIDENCE, make_draft

DAY = timedelta(days=1)
# A score beyond doubt, as a play hands it over.
SURE: dict[str, Any] = {**EVIDENCE, "p": 0.9, "may_act": True, "flags": [], "confidence": "good"}


def make_rule(**changes: Any) -> AutomaticRule:
    """Regulars who are very likely to leave, with an offer of up to 50.00."""
    values = {
        "play_id": AT_RISK, "name": "Regulars", "min_p": 0.85, "min_visits": 2, "visit_days": 30,
        "max_cost_cents": 5_000, "set_at": NOW,
    } | changes  # fmt: skip
    return AutomaticRule.objects.create(**values)


def make_automatic(location: Location, by: User, *, now: datetime = NOW) -> PlayPhase:
    """The at-risk play, promoted at the location a day ago with the rules there are."""
    rules = list(AutomaticRule.objects.filter(play_id=AT_RISK)) or [make_rule()]
    return PlayPhase.objects.update_or_create(
        play_id=AT_RISK,
        location=location,
        defaults={
            "phase": "automatic",
            "since_at": now - DAY,
            "reviewed_since_at": now - 40 * DAY,
            "set_by": by,
            "rules": [rule.terms() for rule in rules],
        },
    )[0]


def make_sure_draft(location: Location, *, now: datetime = NOW, **changes: Any) -> Draft:
    """A draft for a regular visitor with a score beyond doubt: the rule of `make_rule` takes it."""
    draft = make_draft(location, now=now, **({"evidence": SURE} | changes))
    for back in (3, 20):
        GuestDay.objects.create(
            guest=draft.guest, location=location, on=location.today(now) - back * DAY, visits=1
        )
    return draft
