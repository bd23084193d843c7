"""Approving without a person, inside the named rules of a promotion (INV-10, INV-20).

Whatever is in doubt stays what it was: a draft that awaits a person.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from outreach import checks, rules
from outreach.autonomy import automatic, doubts
from outreach.errors import OutreachError
from outreach.gate import breakers
from outreach.models import Draft, Holdout, Message, OutreachPolicy, Phase, PlayPhase
from outreach.services.decisions import commit_approval, locked
from outreach.services.phases import lower_doubtful

log = logging.getLogger(__name__)

APPROVED = "approved"
NO_RULE = "no rule takes it"
HELD = "held because something is not as usual"


class ForAPerson(OutreachError):
    """Something speaks against approving this without a person."""


def approve_by_rules(*, now: datetime, location_id: int | None = None) -> Counter[str]:
    """Approve what the rules take, at one location or everywhere; each draft in its own
    transaction, in which everything is asked again. Returns how many were approved and why others
    were left to people."""
    lower_doubtful(now=now)
    places = PlayPhase.objects.filter(phase=Phase.AUTOMATIC)
    if location_id is not None:
        places = places.filter(location=location_id)
    counts: Counter[str] = Counter()
    for place in places.order_by("location_id").values_list("location_id", flat=True).distinct():
        counts += _approve_at(place, now=now)
    return counts


def _approve_at(location_id: int, *, now: datetime) -> Counter[str]:
    counts: Counter[str] = Counter()
    taken: list[Draft] = []
    for row, drafts in _eligible(location_id, now=now):
        visits = automatic.visits_of(drafts, rules=row.rules, now=now)
        for draft in drafts:
            why = automatic.why_a_person(draft)
            if not why and automatic.taken_by(draft, rules=row.rules, visits=visits) is None:
                why = NO_RULE
            if why:
                counts[why] += 1
            else:
                taken.append(draft)
    # What is about to be approved counts as if it had happened: too much of it is held before.
    held = breakers.look(now=now, planned=_planned(taken)) if taken else []
    room: dict[tuple[str, int], int | None] = {}
    for draft in taken:
        pair = (draft.play_id, draft.location_id)
        if pair not in room:
            room[pair] = breakers.room_for(*pair, held)
        left = room[pair]
        if left == 0:
            counts[HELD] += 1
            continue
        try:
            approve_by_rule(draft_id=draft.pk, now=now)
        except OutreachError as error:
            counts[str(error)] += 1
            continue
        counts[APPROVED] += 1
        room[pair] = None if left is None else left - 1
    return counts


def _planned(drafts: Sequence[Draft]) -> dict[tuple[str, int], breakers.Planned]:
    costs: dict[tuple[str, int], list[int]] = defaultdict(list)
    for draft in drafts:
        costs[draft.play_id, draft.location_id].append(draft.cost_cents)
    return {
        pair: breakers.Planned(len(cents), sum(cents), sum(one * one for one in cents))
        for pair, cents in costs.items()
    }


def _eligible(location_id: int, *, now: datetime) -> list[tuple[PlayPhase, list[Draft]]]:
    """Fresh drafts of automatic plays at a location, made since their promotion and touched by
    nobody. Two queries."""
    automatic_here = PlayPhase.objects.filter(phase=Phase.AUTOMATIC, location=location_id)
    rows = {row.play_id: row for row in automatic_here}
    of_its_play = automatic_here.filter(play=OuterRef("play"), since_at__lte=OuterRef("created_at"))
    drafts = (
        Draft.objects.due(now)
        .filter(
            Exists(of_its_play),
            location=location_id,
            version=1,
            group=Draft.Group.LIBRARY,
            requested_by=None,
        )
        .select_related("location")
        .order_by("pk")
    )
    grouped: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.play_id in rows:
            grouped[draft.play_id].append(draft)
    return [(rows[play], members) for play, members in sorted(grouped.items())]


@transaction.atomic
def approve_by_rule(*, draft_id: int, now: datetime) -> Message:
    """Approve one draft by the first rule that takes it, in the name of the person who promoted
    the play. Raises ForAPerson, Conflict, NotAllowed, ChecksFailed, NeedsCare, CapReached."""
    place = Draft.objects.values_list("play_id", "location_id").get(pk=draft_id)
    # Phase before draft, as lowering does: what is lowered after this sees this approval.
    row = (
        PlayPhase.objects.select_for_update(of=("self",), no_key=True)
        .select_related("location", "set_by")
        .filter(play=place[0], location=place[1], phase=Phase.AUTOMATIC)
        .first()
    )
    if row is None or row.set_by is None:
        raise ForAPerson("the play is not automatic here")
    draft = locked(draft_id)
    rules.check_open(draft, version=1, now=now)
    if draft.created_at < row.since_at:
        raise ForAPerson("it is older than the promotion")
    policy = OutreachPolicy.current()
    results = checks.check_drafts([draft], now=now)[0]
    checks.apply(draft, results)
    why = automatic.why_a_person(draft) or doubts.about_promoter(row) or _held_out(draft)
    if why:
        raise ForAPerson(why)
    rules.check_fit(results, care=False)
    rules.check_can_approve(row.set_by, draft, policy=policy)
    rule = _rule(draft, row.rules, now=now)
    return commit_approval(
        draft,
        version=draft.version,
        approver=row.set_by,
        results=results,
        policy=policy,
        now=now,
        rule=rule,
    )


def _held_out(draft: Draft) -> str:
    arm = Holdout.objects.filter(play=draft.play_id, guest=draft.guest_id, is_held_out=True)
    return "the guest is in the comparison group" if arm.exists() else ""


def _rule(draft: Draft, terms: Sequence[automatic.Terms], *, now: datetime) -> automatic.Terms:
    visits = automatic.visits_of([draft], rules=terms, now=now)
    rule = automatic.taken_by(draft, rules=terms, visits=visits)
    if rule is None:
        raise ForAPerson(NO_RULE)
    return rule
