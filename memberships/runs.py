"""Syncs people ask for, and the sweep behind the nudges."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from audit import jobs
from audit import services as audit
from audit.models import JobRun
from memberships import events, hints, services, tasks
from memberships.models import Location
from memberships.streams import FAILURES
from platforms import inbox

log = logging.getLogger(__name__)
JOB = "sync.now"
LEASE = timedelta(minutes=45)
MAX_ATTEMPTS = 3


@transaction.atomic
def ask_sync(*, location: Location, by: Any, now: datetime) -> JobRun:
    """Somebody wants fresh data now. Asked twice within a minute it is one run."""
    period = now.strftime("%Y-%m-%dT%H:%M")
    run = jobs.due_run(JOB, period, location.pk)
    transaction.on_commit(lambda: tasks.wake_sync(location.pk, period), robust=True)
    audit.record(events.SYNC_ASKED, at=now, by=by, location_id=location.pk, target=location)
    return run


def run_sync(*, location_id: int, period: str, now: datetime) -> dict[str, int] | None:
    """Work on a run that was asked for. None: it is done, or somebody else has it."""
    run = jobs.claim_run(
        job=JOB, period=period or now.isoformat(), location_id=location_id, now=now, lease=LEASE
    )
    if run is None:
        return None
    try:
        counts = services.sync_location(location_id=location_id, now=now)
    except (*FAILURES, services.SyncFailed, services.AlreadyRunning) as error:
        jobs.fail_run(run, error=str(error), now=now)
        return None
    except Exception as error:
        jobs.fail_run(run, error=f"{type(error).__name__}: {error}", now=now)
        raise
    jobs.finish_run(run, counts=counts, now=now)
    return counts


def sweep(*, now: datetime) -> dict[str, int]:
    """Do what waits: deliveries, hints, and syncs that nobody has claimed or whose worker died."""
    counts = dict(inbox.work_through(now=now))
    counts |= hints.refresh_hints(now=now)
    waiting = JobRun.objects.filter(job=JOB, attempt__lt=MAX_ATTEMPTS).exclude(
        status__in=[JobRun.Status.DONE, JobRun.Status.FAILED]
    )
    for run in waiting.exclude(leased_until__gt=now).order_by("pk")[:20]:
        tasks.wake_sync(run.location_id, run.period)
    return counts
