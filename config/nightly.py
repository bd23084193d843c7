"""The order of the night, written once: what happens to a location after it has closed.

Each stage is one Celery task and one `job_run` row per location and local date. A stage knows only
itself; this module knows the order. A failed stage stops its own location and no other, is tried
again by the poke, and is shown on /sync/.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from audit import jobs
from audit.models import JobRun
from memberships.models import Location

# Local times. The list must be ready by 06:30, so the night begins well before.
NIGHT_BEGINS = time(2, 0)
# A night that has not begun by the evening is left to the next one.
NIGHT_ENDS = time(21, 0)
LEASE = timedelta(minutes=50)
MAX_ATTEMPTS = 5

Counts = dict[str, int]


@dataclass(frozen=True)
class Stage:
    """One step of the night: its job name and what it does to a location on a local date."""

    job: str
    run: Callable[[int, date, datetime], Counts]


def _sync(location_id: int, on: date, now: datetime) -> Counts:
    from memberships.services import sync_location

    return sync_location(location_id=location_id, now=now)


def _score_members(location_id: int, on: date, now: datetime) -> Counts:
    from risk.services import score_members

    return score_members(location_id=location_id, as_of_on=on, now=now)


def _score_bookings(location_id: int, on: date, now: datetime) -> Counts:
    from risk.services import score_bookings

    return score_bookings(location_id=location_id, as_of_on=on, now=now)


def _sequences(location_id: int, on: date, now: datetime) -> Counts:
    from outreach.sequences.tending import tend_location

    return tend_location(location_id=location_id, now=now)


def _draft(location_id: int, on: date, now: datetime) -> Counts:
    from retention.services import draft_plays

    return draft_plays(location_id=location_id, as_of_on=on, now=now)


def _approve_by_rules(location_id: int, on: date, now: datetime) -> Counts:
    from outreach.services import approve_by_rules

    return dict(approve_by_rules(location_id=location_id, now=now))


def _call_list(location_id: int, on: date, now: datetime) -> Counts:
    from cancellations.services import build_call_list

    return build_call_list(location_id=location_id, on=on, now=now)


def _tallies(location_id: int, on: date, now: datetime) -> Counts:
    from outreach.autonomy.tallies import count_location

    return count_location(location_id=location_id, now=now)


STAGES = (
    Stage("night.sync", _sync),
    Stage("night.score_members", _score_members),
    Stage("night.score_bookings", _score_bookings),
    Stage("night.sequences", _sequences),
    Stage("night.draft", _draft),
    Stage("night.approve", _approve_by_rules),
    Stage("night.call_list", _call_list),
    # Last: the morning does not wait for figures.
    Stage("night.tallies", _tallies),
)


def nights_due(now: datetime) -> list[tuple[int, date]]:
    """Locations whose night has begun and is not finished, with the local date it belongs to.

    Two queries, whatever the number of locations.
    """
    open_now: dict[int, date] = {}
    for location in Location.objects.filter(is_active=True):
        local = now.astimezone(location.zone)
        if NIGHT_BEGINS <= local.time() < NIGHT_ENDS:
            open_now[location.pk] = local.date()
    finished = set(
        JobRun.objects.filter(
            job=STAGES[-1].job,
            status=JobRun.Status.DONE,
            period__in={on.isoformat() for on in open_now.values()},
        ).values_list("location_id", "period")
    )
    return [(pk, on) for pk, on in open_now.items() if (pk, on.isoformat()) not in finished]


def run_next_stage(*, location_id: int, on: date, now: datetime) -> Stage | None:
    """Run the first stage of this night that is not done. Returns it if another may follow.

    None: the night is over, somebody else has the stage, or the stage has failed too often.
    Whatever a stage raises is recorded on its run and raised again.
    """
    night = JobRun.objects.filter(location_id=location_id, period=on.isoformat())
    runs = {run.job: run for run in night}
    waiting = (
        stage
        for stage in STAGES
        if stage.job not in runs or runs[stage.job].status != JobRun.Status.DONE
    )
    stage = next(waiting, None)
    if stage is None or (stage.job in runs and runs[stage.job].attempt >= MAX_ATTEMPTS):
        return None
    run = jobs.claim_run(
        job=stage.job, period=on.isoformat(), location_id=location_id, now=now, lease=LEASE
    )
    if run is None:
        return None
    try:
        counts = stage.run(location_id, on, now)
    except Exception as error:
        jobs.fail_run(run, error=f"{type(error).__name__}: {error}", now=now)
        raise
    jobs.finish_run(run, counts=counts, now=now)
    return stage
