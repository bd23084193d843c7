"""Leaving, pausing and going on with sequences.

Whoever changes a run with its drafts locks the drafts first, then the runs, then what waits in the
outbox, the caps, and the ledger last: the order of every decision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Value
from django.db.models.functions import Greatest

from audit import fence
from audit import services as audit
from audit.services import Entry
from outreach import events
from outreach.errors import Conflict, NotAllowed
from outreach.gate import caps
from outreach.models import CallTask, Draft, Leave, Message, OutreachPolicy, Run
from outreach.models.sequences import RunQuerySet
from platforms import outbox
from platforms.models import OutboxItem

if TYPE_CHECKING:
    from memberships.models import Location
    from staff.models import User

BATCH = 500


@fence.beyond("a sequence ends with all its drafts and messages")
def leave_runs(whys: Mapping[int, Leave], *, now: datetime, by: User | None = None) -> int:
    """End the runs (why by id) early: their open drafts and what waits in Outgoing are withdrawn.
    Runs that are over stay as they are. Returns how many left.

    A run with a waiting message has a transaction of its own: giving its cost back locks caps, and
    two transactions with several of them could wait for each other.
    """
    with_message = set(
        Message.objects.filter(
            draft__run__in=list(whys), outbox__state=OutboxItem.State.READY
        ).values_list("draft__run_id", flat=True)
    )
    together = [pk for pk in sorted(whys) if pk not in with_message]
    batches = [together[start : start + BATCH] for start in range(0, len(together), BATCH)]
    batches += [[pk] for pk in sorted(with_message)]
    return sum(_leave({pk: whys[pk] for pk in batch}, now=now, by=by) for batch in batches)


@transaction.atomic
def _leave(whys: Mapping[int, Leave], *, now: datetime, by: User | None) -> int:
    drafts = list(
        Draft.objects.select_for_update(of=("self",))
        .filter(run__in=list(whys), status__in=[Draft.Status.PENDING, Draft.Status.APPROVED])
        .order_by("pk")
    )
    runs = {run.pk: run for run in _locked(Run.objects.under_way().filter(pk__in=list(whys)))}
    by_why: dict[Leave, list[int]] = {}
    for pk in runs:
        by_why.setdefault(whys[pk], []).append(pk)
    for why, ids in by_why.items():
        Run.objects.filter(pk__in=ids).update(
            state=Run.State.LEFT,
            left_why=why,
            ended_at=now,
            next_at=None,
            leased_until=None,
            paused_at=None,
            remaining=None,
            changed_by=by,
        )
    CallTask.objects.filter(run__in=list(runs), state=CallTask.State.OPEN).update(
        state=CallTask.State.WITHDRAWN, closed_at=now
    )
    stopped = _withdraw_waiting([d for d in drafts if d.run_id in runs], now=now)
    withdrawn = [
        draft
        for draft in drafts
        if draft.run_id in runs and (draft.status == Draft.Status.PENDING or draft.pk in stopped)
    ]
    Draft.objects.filter(pk__in=[draft.pk for draft in withdrawn]).update(
        status=Draft.Status.WITHDRAWN, version=F("version") + 1, snoozed_until=None
    )
    audit.record_many(
        [
            Entry.about(
                events.DRAFT_WITHDRAWN,
                draft,
                at=now,
                by=by,
                reason=whys[draft.run_id or 0].label,
                message=stopped.get(draft.pk),
            )
            for draft in withdrawn
        ]
        + [
            _entry(events.SEQUENCE_LEFT, run, at=now, by=by, why=whys[run.pk].label)
            for run in runs.values()
        ]
    )
    return len(runs)


def _withdraw_waiting(drafts: Sequence[Draft], *, now: datetime) -> dict[int, int]:
    """Take back messages of these drafts that nobody is sending yet, and give their cost back.
    Returns message ids by draft id."""
    policy = OutreachPolicy.current()
    waiting = (
        Message.objects.filter(
            draft__in=[d.pk for d in drafts if d.status == Draft.Status.APPROVED],
            outbox__state=OutboxItem.State.READY,
        )
        .select_related("location")
        .order_by("pk")
    )
    stopped: dict[int, int] = {}
    for message in waiting:
        if outbox.withdraw(item_id=message.outbox_id, now=now):
            caps.void(message, policy=policy)
            stopped[message.draft_id or 0] = message.pk
    return stopped


def _locked(runs: RunQuerySet) -> list[Run]:
    return list(runs.select_for_update(of=("self",)).select_related("location").order_by("pk"))


def _entry(event: str, run: Run, *, at: datetime, by: User | None = None, **detail: Any) -> Entry:
    return Entry.about(
        event,
        run,
        at=at,
        by=by,
        **({"step": run.step} | detail),
    )


# --- By hand: one guest -------------------------------------------------------------------------


def _mine(run_id: int, by: User) -> Run:
    run: Run = Run.objects.select_for_update(of=("self",)).select_related("location").get(pk=run_id)
    if not by.has_perm("outreach.steer_sequence", run):
        raise NotAllowed("You may not change sequences here. Ask a manager of the location.")
    return run


def _check_under_way(run: Run) -> None:
    if run.state not in Run.UNDER_WAY:
        raise Conflict(f"This sequence is over: {run.get_left_why_display() or 'finished'}.")


@transaction.atomic
def pause_run(*, run_id: int, by: User, now: datetime) -> Run:
    """Hold one guest's sequence; what is left of the wait is kept. Twice is once. Raises Conflict,
    NotAllowed."""
    run = _mine(run_id, by)
    _check_under_way(run)
    if run.state == Run.State.PAUSED:
        return run
    _pause(Run.objects.filter(pk=run.pk), by=by, now=now)
    run.refresh_from_db()
    audit.record_many([_entry(events.SEQUENCE_PAUSED, run, at=now, by=by, count=1)])
    return run


@transaction.atomic
def resume_run(*, run_id: int, by: User, now: datetime) -> Run:
    """Let one guest's sequence go on after what was left of the wait. Twice is once. Raises
    Conflict, NotAllowed."""
    run = _mine(run_id, by)
    _check_under_way(run)
    if run.state == Run.State.RUNNING:
        return run
    _resume(Run.objects.filter(pk=run.pk), by=by, now=now)
    run.refresh_from_db()
    audit.record_many([_entry(events.SEQUENCE_RESUMED, run, at=now, by=by, count=1)])
    return run


def end_run(*, run_id: int, by: User, now: datetime) -> Run:
    """End one guest's sequence for good. Twice is once. Raises NotAllowed."""
    with transaction.atomic():
        run = _mine(run_id, by)
    leave_runs({run.pk: Leave.BY_HAND}, now=now, by=by)
    run.refresh_from_db()
    return run


def _pause(runs: RunQuerySet, *, by: User, now: datetime) -> int:
    """The rest of the wait is never negative: a step that was due is due at once afterwards."""
    zero = Value(timedelta(0), output_field=DurationField())
    left = ExpressionWrapper(F("next_at") - Value(now), output_field=DurationField())
    waiting = runs.filter(state=Run.State.RUNNING, next_at__isnull=False)
    common = {
        "state": Run.State.PAUSED,
        "paused_at": now,
        "next_at": None,
        "leased_until": None,
        "changed_by": by,
    }
    held = waiting.update(remaining=Greatest(left, zero), **common)
    return held + runs.filter(state=Run.State.RUNNING).update(remaining=None, **common)


def _resume(runs: RunQuerySet, *, by: User, now: datetime) -> int:
    """A run that awaited its draft or call awaits it still: it has no rest to add."""
    due = ExpressionWrapper(
        Value(now) + F("remaining"), output_field=Run._meta.get_field("next_at")
    )
    return runs.filter(state=Run.State.PAUSED).update(
        state=Run.State.RUNNING, next_at=due, paused_at=None, remaining=None, changed_by=by
    )


# --- By hand: many ------------------------------------------------------------------------------


@transaction.atomic
def pause_runs(*, play_key: str, location: Location | None, by: User, now: datetime) -> int:
    """Hold every run of a play ("" for all plays) at a location, or at all the person serves.
    Returns how many were held. Raises NotAllowed."""
    if not by.has_perm("outreach.steer_sequence", location):
        raise NotAllowed("You may not pause sequences here. Ask a manager of the location.")
    return _many(events.SEQUENCE_PAUSED, play_key, location, by=by, now=now)


@transaction.atomic
def resume_runs(*, play_key: str, location: Location | None, by: User, now: datetime) -> int:
    """Let every paused run of a play go on, each after what was left of its wait. Takes the right
    to start sending again. Returns how many. Raises NotAllowed."""
    if not by.has_perm("outreach.resume_sending", location):
        raise NotAllowed("You may not resume all sequences here. Ask a regional manager.")
    return _many(events.SEQUENCE_RESUMED, play_key, location, by=by, now=now)


def _many(event: str, play_key: str, location: Location | None, *, by: User, now: datetime) -> int:
    """One entry per location: how many, of which play. Which runs they were is on the runs."""
    pausing = event == events.SEQUENCE_PAUSED
    state = Run.State.RUNNING if pausing else Run.State.PAUSED
    wanted = Run.objects.visible_to(by).at(location.pk if location else None).filter(state=state)
    if play_key:
        wanted = wanted.filter(play=play_key)
    # In the order of their ids: two people pausing at once do not wait for each other in a circle.
    places = dict(
        wanted.select_for_update(of=("self",)).order_by("pk").values_list("pk", "location")
    )
    runs = Run.objects.filter(pk__in=list(places))
    count = _pause(runs, by=by, now=now) if pausing else _resume(runs, by=by, now=now)
    audit.record_many(
        [
            Entry(
                event=event,
                at=now,
                by=by,
                location_id=location_id,
                detail={"play": play_key or "all", "count": held},
            )
            for location_id, held in sorted(Counter(places.values()).items())
        ]
    )
    return count


# --- Calls --------------------------------------------------------------------------------------


@fence.beyond("a call ends the wait of sequences elsewhere")
def call_made(*, guest_id: int, now: datetime) -> int:
    """The guest was called, for whatever reason: open calls of their sequences are made. Call it
    in the transaction that stores the outcome. Returns how many."""
    return CallTask.objects.filter(guest=guest_id, state=CallTask.State.OPEN).update(
        state=CallTask.State.DONE, closed_at=now
    )
