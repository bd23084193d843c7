"""How bookings ended, month by month: counted before anything learns or scores."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Min

from audit import jobs
from audit.models import JobRun
from memberships.models import Appointment
from risk.features.months import rebuild_outcome_months
from risk.models import (
    OutcomeMonth,
)

if TYPE_CHECKING:
    pass

MONTHS_JOB = "risk.months"


def refresh_months(*, as_of_on: date, now: datetime, whole: bool = False) -> None:
    """Count how bookings ended in the months before `as_of_on`: the last three each day, all of
    them the first time or when asked for the `whole`. Others wait until the counting is done.
    Call inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(HASHTEXT('risk.months'))")
    since = as_of_on - timedelta(days=92)
    if whole or not OutcomeMonth.objects.exists():
        since = Appointment.objects.aggregate(first=Min("starts_on"))["first"] or as_of_on
    elif jobs.due_run(MONTHS_JOB, as_of_on.isoformat()).status == JobRun.Status.DONE:
        return
    run = jobs.claim_run(job=MONTHS_JOB, period=as_of_on.isoformat(), now=now)
    changed = rebuild_outcome_months(from_on=since, until_on=as_of_on)
    if run is not None:
        jobs.finish_run(run, counts={"months": changed}, now=now)
