"""Moving a play at a location up or down: up by a person with reasons, down by anybody or by
itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, Min, OuterRef

from audit import fence
from audit import services as audit
from memberships.models import Location
from outreach import events
from outreach.autonomy import doubts, promotion
from outreach.errors import AlreadyLeft, Conflict, NotAllowed
from outreach.models import AutomaticRule, Draft, Message, Phase, PhaseChange, Play, PlayPhase
from outreach.services.decisions import recall_approval
from outreach.transitions import PHASE_ORDER
from platforms.models import OutboxItem

if TYPE_CHECKING:
    from staff.models import User


def phase_row(*, play: Play, location: Location, now: datetime) -> PlayPhase:
    """The row of a play at a location, locked; made when there is none yet: people have reviewed
    since the first draft there."""
    first = Draft.objects.filter(play=play, location=location).aggregate(at=Min("created_at"))["at"]
    PlayPhase.objects.bulk_create(
        [
            PlayPhase(
                play=play,
                location=location,
                phase=Phase.REVIEW,
                since_at=first or now,
                reviewed_since_at=first,
            )
        ],
        ignore_conflicts=True,
    )
    row: PlayPhase = (
        PlayPhase.objects.select_for_update(of=("self",), no_key=True)
        .select_related("play", "location", "set_by")
        .get(play=play, location=location)
    )
    return row


@fence.beyond("guests of the location are counted wherever they went")
@transaction.atomic
def raise_phase(
    *, play: Play, location: Location, to: str, reason: str, by: User, now: datetime
) -> PlayPhase:
    """Move a play up at a location; asked for automatic where it is automatic, the rules as they
    are now count. The caller has asked for the password. Raises NotAllowed with every obstacle."""
    if not by.has_perm("outreach.promote_play", location):
        raise NotAllowed("You may not move plays up here. Ask a regional manager.")
    if not reason.strip():
        raise NotAllowed("Say why this play may act by itself.")
    row = phase_row(play=play, location=location, now=now)
    wanted = Phase(to)
    case = promotion.case_for(row, by=by, now=now)
    obstacles = case.obstacles_to(wanted)
    if obstacles:
        raise NotAllowed(" ".join(obstacles))
    rules = [rule.terms() for rule in AutomaticRule.objects.filter(play=play)]
    return _move(
        row,
        wanted,
        reason=reason,
        by=by,
        now=now,
        evidence=case.figures(),
        rules=rules if wanted == Phase.AUTOMATIC else [],
    )


@fence.beyond("what waits is taken back wherever it waits")
def lower_phase(
    *,
    play: Play,
    location: Location,
    to: str,
    reason: str,
    by: User | None,
    now: datetime,
) -> PlayPhase:
    """Move a play down at a location; by nobody: a doubt did it, shown until a person has looked.
    What the machine approved and nobody is sending yet goes back to people. Raises NotAllowed,
    Conflict."""
    if by is not None and not by.has_perm("outreach.lower_play", location):
        raise NotAllowed("You may not change this here. Ask a manager of the location.")
    wanted = Phase(to)
    with transaction.atomic():
        row = phase_row(play=play, location=location, now=now)
        if PHASE_ORDER.index(wanted) >= PHASE_ORDER.index(Phase(row.phase)):
            raise Conflict(f"{play.name} is at {row.get_phase_display()} already.")
        row = _move(row, wanted, reason=reason or "no reason given", by=by, now=now)
    recall_waiting(now=now)
    return row


def _move(
    row: PlayPhase,
    to: Phase,
    *,
    reason: str,
    by: User | None,
    now: datetime,
    evidence: dict[str, Any] | None = None,
    rules: list[dict[str, Any]] | None = None,
) -> PlayPhase:
    old = Phase(row.phase)
    goes_down = PHASE_ORDER.index(to) < PHASE_ORDER.index(old)
    reason = reason.strip()[:200]
    row.phase, row.since_at, row.rules = to, now, rules or []
    if to == Phase.REPORT:
        row.reviewed_since_at = None
    elif old == Phase.REPORT:
        row.reviewed_since_at = now
    row.doubt = reason if by is None else ""
    if by is not None:
        row.set_by = by
    row.save()
    change = PhaseChange.objects.create(
        play=row.play,
        location=row.location,
        old=old,
        new=to,
        at=now,
        by=by,
        reason=reason,
        evidence=evidence or {},
    )
    audit.record(
        events.PHASE_LOWERED if goes_down else events.PHASE_RAISED,
        at=now,
        by=by,
        location_id=row.location_id,
        target=change,
        detail={
            "play": row.play_id,
            "old": old.label,
            "new": to.label,
            "reason": reason,
            "rules": row.rules,
            "evidence": change.evidence,
        },
    )
    return row


def recall_waiting(*, now: datetime) -> int:
    """Give people back what the machine approved, nobody is sending yet, and whose play is no
    longer automatic there. The gate holds such messages anyway. Each in its own transaction, so
    that it waits for no other's limits. Returns how many."""
    still = PlayPhase.objects.filter(
        play=OuterRef("play"), location=OuterRef("location"), phase=Phase.AUTOMATIC
    )
    waiting = (
        Message.objects.filter(
            ~Exists(still), is_automatic=True, outbox__state=OutboxItem.State.READY
        )
        .order_by("draft_id")
        .values_list("draft_id", "pk")
    )
    recalled = 0
    for draft_id, message_id in list(waiting):
        assert draft_id is not None  # only drafts are approved by a rule
        try:
            recall_approval(
                draft_id=draft_id,
                message_id=message_id,
                reason="the play is no longer automatic here",
                now=now,
            )
        except (AlreadyLeft, Conflict):
            continue  # it is leaving in this moment, or a newer draft of the guest stands
        recalled += 1
    return recalled


@transaction.atomic
def see_doubt(*, play: Play, location: Location, by: User, now: datetime) -> PlayPhase:
    """A person has seen why a play went down by itself and leaves it there. Raises NotAllowed."""
    if not by.has_perm("outreach.lower_play", location):
        raise NotAllowed("You may not change this here. Ask a manager of the location.")
    row = phase_row(play=play, location=location, now=now)
    if not row.doubt:
        return row
    reason, row.doubt = row.doubt, ""
    row.save(update_fields=["doubt"])
    audit.record(
        events.PHASE_DOUBT_SEEN,
        at=now,
        by=by,
        location_id=row.location_id,
        target=row,
        detail={"play": row.play_id, "reason": reason},
    )
    return row


def lower_doubtful(*, now: datetime) -> int:
    """Take every automatic play with a standing doubt back to review, each in its own transaction.
    Returns how many."""
    rows = list(
        PlayPhase.objects.filter(phase=Phase.AUTOMATIC).select_related("play", "location", "set_by")
    )
    found = doubts.standing([(row.play_id, row.location_id) for row in rows], now=now)
    lowered = 0
    people: dict[int | None, User | None] = {}
    for row in rows:
        # One object per person: their locations are then read once.
        row.set_by = people.setdefault(row.set_by_id, row.set_by)
        reason = found.get((row.play_id, row.location_id)) or doubts.about_promoter(row)
        if not reason:
            continue
        try:
            lower_phase(
                play=row.play,
                location=row.location,
                to=Phase.REVIEW,
                reason=reason,
                by=None,
                now=now,
            )
        except Conflict:
            continue  # somebody was quicker: it is down already
        lowered += 1
    recall_waiting(now=now)
    return lowered


@transaction.atomic
def set_rule(*, play: Play, data: Mapping[str, Any], by: User, now: datetime) -> AutomaticRule:
    """Add a named rule to a play, or change the one of that name. It counts where the play is
    promoted from now on. `data` as AutomaticRule.terms(). Raises NotAllowed."""
    if not by.has_perm("outreach.change_policy"):
        raise NotAllowed("Rules are changed by people who serve every location.")
    terms = {name: data[name] for name in ("min_p", "min_visits", "visit_days", "max_cost_cents")}
    rule, _ = AutomaticRule.objects.update_or_create(
        play=play, name=data["name"], defaults={**terms, "set_by": by, "set_at": now}
    )
    audit.record(
        events.RULE_SET,
        at=now,
        by=by,
        target=rule,
        detail={"play": play.pk, "rule": rule.name, "terms": rule.terms()},
    )
    return rule


@transaction.atomic
def remove_rule(*, rule_id: int, by: User, now: datetime) -> None:
    """Take a rule out of a play. Where the play is automatic the rules of its promotion go on
    until somebody moves it down or promotes it anew. Raises NotAllowed, DoesNotExist."""
    if not by.has_perm("outreach.change_policy"):
        raise NotAllowed("Rules are changed by people who serve every location.")
    rule = AutomaticRule.objects.select_for_update().get(pk=rule_id)
    detail = {"play": rule.play_id, "rule": rule.name, "terms": rule.terms()}
    rule.delete()
    audit.record(events.RULE_REMOVED, at=now, by=by, detail=detail)
