"""A scheduled job runs once per period (INV-15)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from audit import jobs
from audit.models import JobRun

pytestmark = pytest.mark.django_db


def claim(now: datetime, **changes: object) -> JobRun | None:
    return jobs.claim_run(
        **{"job": "sync", "period": "2026-11-20", "location_id": 3, "now": now, **changes}
    )


def test_only_one_worker_gets_the_run(now: datetime) -> None:
    assert claim(now) is not None
    assert claim(now) is None
    assert JobRun.objects.count() == 1


def test_a_finished_run_is_not_run_again(now: datetime) -> None:
    run = claim(now)
    assert run is not None
    jobs.finish_run(run, counts={"guests": 4}, now=now)
    assert claim(now + timedelta(days=1)) is None
    assert JobRun.objects.get().counts == {"guests": 4}


def test_a_failed_run_may_be_tried_again(now: datetime) -> None:
    run = claim(now)
    assert run is not None
    jobs.fail_run(run, error="The platform did not answer.", now=now)
    again = claim(now)
    assert again is not None
    assert (again.attempt, again.error) == (2, "")


def test_the_run_of_a_dead_worker_is_taken_over_and_the_dead_cannot_write(now: datetime) -> None:
    dead = claim(now, lease=timedelta(minutes=5))
    assert dead is not None
    assert claim(now + timedelta(minutes=4)) is None
    heir = claim(now + timedelta(minutes=5))
    assert heir is not None
    with pytest.raises(jobs.LeaseLost):
        jobs.finish_run(dead, counts={}, now=now + timedelta(minutes=6))
    jobs.finish_run(heir, counts={}, now=now + timedelta(minutes=6))


def test_a_long_run_keeps_its_lease_and_shows_how_far_it_is(now: datetime) -> None:
    run = claim(now, lease=timedelta(minutes=5))
    assert run is not None
    jobs.extend_run(run, now=now + timedelta(minutes=4), counts={"pages": 10})
    assert claim(now + timedelta(minutes=6)) is None
    assert JobRun.objects.get().counts == {"pages": 10}


def test_the_newest_run_of_each_location_is_shown(now: datetime) -> None:
    for period in ("2026-11-19", "2026-11-20"):
        for location_id in (1, 2):
            jobs.due_run("sync", period, location_id)
    assert [(run.location_id, run.period) for run in jobs.latest_runs("sync")] == [
        (1, "2026-11-20"),
        (2, "2026-11-20"),
    ]
