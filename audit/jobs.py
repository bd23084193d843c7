"""Job runs: a scheduled job runs once per period, however many clocks and workers poke it.

A worker leases a run; when the worker dies, the lease ends and another may claim it. What a run
does must therefore be safe to do twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet

from audit.models import JobRun

LEASE = timedelta(minutes=30)
ERROR_LENGTH = 2_000


class LeaseLost(Exception):
    """The lease ended and another worker took the run over: this worker's result is void."""


def due_run(job: str, period: str, location_id: int = 0) -> JobRun:
    """The run of a job for a period (and a location; 0 is all), made when there is none yet."""
    return JobRun.objects.get_or_create(job=job, period=period, location_id=location_id)[0]


def claim_run(
    *, job: str, period: str, location_id: int = 0, now: datetime, lease: timedelta = LEASE
) -> JobRun | None:
    """The run to work on, or None when it is done or another worker holds it. A failed run may be
    claimed again."""
    run = due_run(job, period, location_id)
    claimable = Q(status__in=[JobRun.Status.DUE, JobRun.Status.FAILED]) | Q(
        status=JobRun.Status.RUNNING, leased_until__lte=now
    )
    won = JobRun.objects.filter(claimable, pk=run.pk).update(
        status=JobRun.Status.RUNNING,
        attempt=F("attempt") + 1,
        leased_until=now + lease,
        started_at=now,
        finished_at=None,
        error="",
    )
    if not won:
        return None
    run.refresh_from_db()
    return run


def extend_run(
    run: JobRun,
    *,
    now: datetime,
    lease: timedelta = LEASE,
    counts: Mapping[str, Any] | None = None,
) -> None:
    """Keep the run for another lease and show how far it is. Raises LeaseLost."""
    _close_or_lose(run, leased_until=now + lease, counts=dict(counts or run.counts))


def finish_run(run: JobRun, *, counts: Mapping[str, Any], now: datetime) -> None:
    """Close the run as done. Raises LeaseLost when another worker has it by now."""
    _close_or_lose(
        run,
        status=JobRun.Status.DONE,
        counts=dict(counts),
        finished_at=now,
        leased_until=None,
    )


def fail_run(run: JobRun, *, error: str, now: datetime) -> None:
    """Close the run as failed, with an error staff can read. Raises LeaseLost."""
    _close_or_lose(
        run,
        status=JobRun.Status.FAILED,
        error=error[:ERROR_LENGTH],
        finished_at=now,
        leased_until=None,
    )


def _close_or_lose(run: JobRun, **fields: Any) -> None:
    """The attempt number fences: a worker whose lease ended cannot write over its successor."""
    held = JobRun.objects.filter(pk=run.pk, attempt=run.attempt, status=JobRun.Status.RUNNING)
    if not held.update(**fields):
        raise LeaseLost(f"{run.job} {run.period}: another worker took this run over.")
    for name, value in fields.items():
        setattr(run, name, value)


def latest_runs(job: str) -> QuerySet[JobRun]:
    """The newest run of the job at each location."""
    return JobRun.objects.filter(job=job).order_by("location_id", "-id").distinct("location_id")
