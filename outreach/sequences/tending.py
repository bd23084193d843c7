"""The way through a play's sequence: what became of a step, and what is due next.

A step never sends. It makes a draft, which is reviewed, approved and sent like any other, or asks
the desk for a call; the next wait begins when that message was sent or that call made. Everything
stands in columns (`Run.next_at`), so a lost poke costs a minute, and a doubled one nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from audit import services as audit
from audit.services import Entry
from outreach import events, rules, services
from outreach.drafting.candidates import (
    NO_TEXT,
    NOT_PRESENT,
    REPORT_ONLY,
    SUPPRESSED,
    UNREACHABLE,
    Candidate,
    DraftingResult,
)
from outreach.drafting.making import draft_for
from outreach.gate import leaving
from outreach.models import CallTask, Leave, Run, Step

log = logging.getLogger(__name__)

BATCH = 200
# A worker that died at a step loses it after so long.
LEASE = timedelta(minutes=10)
# What stands in the way now may not later: the step is looked at again after so long.
LOOK_AGAIN = timedelta(hours=6)
# A call nobody made in so many days is past its moment, and the run goes on without it.
CALL_DAYS = 5
# An approved message that has not left for so long will not help any more.
STUCK_DAYS = 30

# What a reason to pass somebody over means for their run. Other reasons are looked at again.
ENDS = {
    NOT_PRESENT: Leave.GONE,
    SUPPRESSED: Leave.OPT_OUT,
    UNREACHABLE: Leave.UNREACHABLE,
    REPORT_ONLY: Leave.REPORT,
}


@dataclass
class Tended:
    """What one look at the runs did, for the run of the job."""

    went_on: int = 0
    finished: int = 0
    left: int = 0
    drafted: int = 0
    calls: int = 0
    postponed: int = 0

    def counts(self) -> dict[str, int]:
        """Counts that are not nothing."""
        return {name: value for name, value in vars(self).items() if value}


@dataclass
class _Steps:
    """The active steps of every play, read once."""

    by_play: dict[str, list[Step]] = field(default_factory=dict)

    @classmethod
    def read(cls) -> _Steps:
        steps = cls()
        for step in Step.objects.filter(is_active=True).order_by("number"):
            steps.by_play.setdefault(step.play_id, []).append(step)
        return steps

    def after(self, run: Run) -> Step | None:
        """The step that follows the one the run is at; None: there is none."""
        steps = self.by_play.get(run.play_id, [])
        return next((step for step in steps if step.number > run.step), None)


def advance(*, now: datetime) -> dict[str, int]:
    """See what became of the steps under way, then begin every step that is due. Safe to run at
    any time and twice at once. Returns counts. What fails is tried again after `LEASE`; the first
    failure is raised when the others have had their turn."""
    done = Tended()
    steps = _Steps.read()
    while _take_stock(steps, done, now=now) == BATCH:
        pass
    failed: list[Exception] = []
    while run_ids := _claim(now=now):
        _begin_due(run_ids, steps, done, failed, now=now)
    if failed:
        raise failed[0]
    return done.counts()


def tend_location(*, location_id: int, now: datetime) -> dict[str, int]:
    """End the runs of a location whose guests booked, paid, left...: what a lost hint would have
    done. Part of the night, before drafting. Returns counts."""
    left = services.leave_runs(leaving.of_location(location_id), now=now)
    return {"left": left}


def leave_with_news(*, guest_ids: Sequence[int], now: datetime) -> int:
    """End the runs of these guests that the data says are over. Returns how many left."""
    return services.leave_runs(leaving.of_guests(guest_ids), now=now)


# --- What became of a step ----------------------------------------------------------------------

_STOCK_SQL = """
    SELECT * FROM (
        SELECT r.id, CASE
            WHEN d.status = 'approved' AND o.state = 'sent' THEN 'done'
            WHEN d.status = 'approved' AND o.state = 'refused' THEN 'refused'
            WHEN d.status = 'rejected' AND d.decided_at <= %(final)s THEN
                CASE WHEN d.rejection = 'not_now' AND r.step > 1 THEN 'done' ELSE 'rejected' END
            WHEN d.status IN ('expired', 'withdrawn') THEN d.status
            WHEN c.state IN ('done', 'expired') THEN 'done'
            WHEN d.status = 'approved' AND r.begun_at <= %(stuck)s THEN 'stuck'
        END AS verdict,
        CASE WHEN d.status = 'rejected' THEN d.decided_at
             ELSE coalesce(o.sent_at, c.closed_at) END AS at
        FROM outreach_run r
        LEFT JOIN LATERAL (
            SELECT * FROM outreach_draft d0 WHERE d0.run_id = r.id AND d0.step = r.step
            ORDER BY d0.id DESC LIMIT 1) d ON true
        LEFT JOIN LATERAL (
            SELECT o0.state, o0.sent_at FROM outreach_message m0
            JOIN platforms_outboxitem o0 ON o0.id = m0.outbox_id
            WHERE m0.draft_id = d.id ORDER BY m0.id DESC LIMIT 1) o ON true
        LEFT JOIN outreach_calltask c ON c.run_id = r.id AND c.step = r.step
        WHERE r.state IN ('running', 'paused') AND r.next_at IS NULL AND r.remaining IS NULL
    ) t WHERE verdict IS NOT NULL ORDER BY id LIMIT %(batch)s
"""


def _take_stock(steps: _Steps, done: Tended, *, now: datetime) -> int:
    """Runs whose step came to its end go on, finish or leave. Returns how many there were."""
    CallTask.objects.filter(state=CallTask.State.OPEN, expires_at__lte=now).update(
        state=CallTask.State.EXPIRED, closed_at=now
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _STOCK_SQL,
            {
                # Until then a rejection may be taken back.
                "final": now - rules.UNDO_REJECTION,
                "stuck": now - timedelta(days=STUCK_DAYS),
                "batch": BATCH,
            },
        )
        found = cursor.fetchall()
    ended = {run_id: at for run_id, verdict, at in found if verdict == "done"}
    _go_on(ended, steps, done, now=now)
    left = {run_id: Leave(verdict) for run_id, verdict, _ in found if verdict != "done"}
    done.left += services.leave_runs(left, now=now)
    return len(found)


@transaction.atomic
def _go_on(ended: dict[int, datetime], steps: _Steps, done: Tended, *, now: datetime) -> None:
    """The next wait begins at the instant the step ended; a run without a further step is
    finished. A paused run keeps the whole wait."""
    runs = list(
        Run.objects.select_for_update(of=("self",))
        .under_way()
        .filter(pk__in=list(ended), next_at__isnull=True, remaining__isnull=True)
        .order_by("pk")
    )
    finished: list[Run] = []
    for run in runs:
        following = steps.after(run)
        if following is None:
            _finish(run, at=now)
            finished.append(run)
            continue
        wait = timedelta(hours=following.wait_hours)
        if run.state == Run.State.PAUSED:
            run.remaining = wait
        else:
            run.next_at = ended[run.pk] + wait
    Run.objects.bulk_update(
        runs, ["state", "next_at", "remaining", "paused_at", "ended_at", "leased_until"]
    )
    done.went_on += len(runs) - len(finished)
    done.finished += len(finished)
    audit.record_many([_entry(events.SEQUENCE_FINISHED, run, at=now) for run in finished])


def _finish(run: Run, *, at: datetime) -> None:
    run.state, run.ended_at = Run.State.FINISHED, at
    run.next_at, run.leased_until, run.paused_at, run.remaining = None, None, None, None


# --- What is due --------------------------------------------------------------------------------


def _claim(*, now: datetime) -> list[int]:
    """Take up to BATCH runs whose next step is due and nobody is at, the longest due first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE outreach_run SET leased_until = %(until)s WHERE id = ANY(ARRAY(
                SELECT id FROM outreach_run
                WHERE state = 'running' AND next_at <= %(now)s
                  AND (leased_until IS NULL OR leased_until <= %(now)s)
                ORDER BY next_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
            RETURNING id
            """,
            {"now": now, "until": now + LEASE, "batch": BATCH},
        )
        return sorted(row[0] for row in cursor.fetchall())


def _begin_due(
    run_ids: Sequence[int],
    steps: _Steps,
    done: Tended,
    failed: list[Exception],
    *,
    now: datetime,
) -> None:
    """Begin the next step of these runs, each play and step by itself."""
    over = leaving.of_runs(run_ids)
    done.left += services.leave_runs(over, now=now)
    groups: dict[tuple[str, int | None], list[int]] = {}
    following: dict[tuple[str, int | None], Step | None] = {}
    for run in Run.objects.filter(pk__in=set(run_ids) - over.keys()):
        step = steps.after(run)
        key = (run.play_id, step.number if step else None)
        groups.setdefault(key, []).append(run.pk)
        following[key] = step
    for key, ids in groups.items():
        step = following[key]
        try:
            if step is None:
                _end_without_step(ids, done, now=now)
            elif step.is_call:
                _ask_for_calls(ids, step, done, now=now)
            else:
                _draft_step(ids, step, steps, done, now=now)
        except Exception as error:
            log.exception("a step failed: play %s, step %s", *key)
            failed.append(error)


def _locked(run_ids: Iterable[int], *, now: datetime) -> list[Run]:
    """Those runs that are still due, kept for this transaction."""
    return list(
        Run.objects.select_for_update(of=("self",))
        .filter(pk__in=list(run_ids), state=Run.State.RUNNING, next_at__lte=now)
        .order_by("pk")
    )


@transaction.atomic
def _end_without_step(run_ids: Sequence[int], done: Tended, *, now: datetime) -> None:
    """The steps that were to follow were taken out of the play meanwhile."""
    runs = _locked(run_ids, now=now)
    for run in runs:
        _finish(run, at=now)
    Run.objects.bulk_update(runs, ["state", "ended_at", "next_at", "leased_until"])
    done.finished += len(runs)
    audit.record_many([_entry(events.SEQUENCE_FINISHED, run, at=now) for run in runs])


@transaction.atomic
def _ask_for_calls(run_ids: Sequence[int], step: Step, done: Tended, *, now: datetime) -> None:
    """A call step gives the desk a row of the next call list."""
    runs = _locked(run_ids, now=now)
    Run.objects.filter(pk__in=[run.pk for run in runs]).update(
        step=step.number, begun_at=now, next_at=None, leased_until=None
    )
    CallTask.objects.bulk_create(
        [
            CallTask(
                run=run,
                step=step.number,
                guest_id=run.guest_id,
                location_id=run.location_id,
                note=step.note,
                asked_at=now,
                expires_at=now + timedelta(days=CALL_DAYS),
            )
            for run in runs
        ],
        ignore_conflicts=True,
    )
    done.calls += len(runs)
    audit.record_many([_entry(events.SEQUENCE_CALL, run, at=now, step=step.number) for run in runs])


def _draft_step(
    run_ids: Sequence[int], step: Step, steps: _Steps, done: Tended, *, now: datetime
) -> None:
    """Draft the step for these runs; what stands in the way ends the run, passes the step over or
    is looked at again."""
    with transaction.atomic():
        runs = {run.guest_id: run for run in _locked(run_ids, now=now)}
        if not runs:
            return
        result = draft_for(
            play_key=step.play_id,
            candidates=[_candidate(run, step) for run in runs.values()],
            now=now,
        )
    done.drafted += result.drafted
    _mind_the_rest(runs, result, step, steps, done, now=now)


def _candidate(run: Run, step: Step) -> Candidate:
    evidence: dict[str, Any] = run.evidence
    return Candidate(
        guest_id=run.guest_id,
        location_id=run.location_id,
        membership_id=run.membership_id,
        appointment_id=run.appointment_id,
        cause=run.cause,
        evidence=evidence,
        facts=run.facts,
        run_id=run.pk,
        step=step.number,
    )


def _mind_the_rest(
    runs: dict[int, Run],
    result: DraftingResult,
    step: Step,
    steps: _Steps,
    done: Tended,
    *,
    now: datetime,
) -> None:
    ended: dict[int, Leave] = {}
    passed: list[int] = []
    for guest_id, reason in result.skipped_guests.items():
        run = runs[guest_id]
        if reason in ENDS:
            ended[run.pk] = ENDS[reason]
        elif reason == NO_TEXT:
            passed.append(run.pk)
    done.left += services.leave_runs(ended, now=now)
    _pass_over(passed, step, steps, done, now=now)
    # Whoever is still due was kept back by something that may pass.
    waiting = Run.objects.filter(
        pk__in=[run.pk for run in runs.values()], state=Run.State.RUNNING, next_at__lte=now
    )
    done.postponed += waiting.update(next_at=now + LOOK_AGAIN, leased_until=None)


@transaction.atomic
def _pass_over(
    run_ids: Sequence[int], step: Step, steps: _Steps, done: Tended, *, now: datetime
) -> None:
    """No text of the library fits the step: the wait for the one after it begins."""
    runs = _locked(run_ids, now=now)
    entries: list[Entry] = []
    for run in runs:
        run.step, run.begun_at, run.leased_until = step.number, now, None
        following = steps.after(run)
        entries.append(_entry(events.SEQUENCE_PASSED, run, at=now, why=NO_TEXT))
        if following is None:
            _finish(run, at=now)
            entries.append(_entry(events.SEQUENCE_FINISHED, run, at=now))
        else:
            run.next_at = now + timedelta(hours=following.wait_hours)
    Run.objects.bulk_update(
        runs, ["step", "begun_at", "leased_until", "state", "ended_at", "next_at"]
    )
    finished = Counter(run.state for run in runs)[Run.State.FINISHED]
    done.finished += finished
    done.went_on += len(runs) - finished
    audit.record_many(entries)


def _entry(event: str, run: Run, *, at: datetime, **detail: Any) -> Entry:
    return Entry.about(event, run, at=at, **({"step": run.step} | detail))
