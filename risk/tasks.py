"""Background work of the risk engine: arguments parsed, one service called."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from celery import shared_task

from audit import clock, jobs
from memberships.models import Location
from risk.models import Target

TRAIN_LEASE = timedelta(hours=1)


@shared_task
def score_members(location_id: int, as_of_on: str | None = None) -> None:
    """Churn scores of a location; without a date, for its own present day."""
    from risk import services

    now = clock.now()
    services.score_members(
        location_id=location_id, as_of_on=_day(location_id, as_of_on, now=now), now=now
    )


@shared_task
def score_bookings(location_id: int, as_of_on: str | None = None) -> None:
    """Scores of the coming bookings of a location; without a date, from its own present day."""
    from risk import services

    now = clock.now()
    services.score_bookings(
        location_id=location_id, as_of_on=_day(location_id, as_of_on, now=now), now=now
    )


@shared_task
def score_appointments(appointment_ids: list[int]) -> None:
    """Scores of bookings that have just changed."""
    from risk import services

    services.score_appointments(appointment_ids=appointment_ids, now=clock.now())


@shared_task
def train_weekly() -> None:
    """The cancellation model, once per ISO week however often this is called."""
    now = clock.now()
    year, week, _ = now.date().isocalendar()
    _train(Target.CANCELLATION, f"{year}-W{week:02}", now)


@shared_task
def train_monthly() -> None:
    """The churn model, once per month however often this is called."""
    now = clock.now()
    _train(Target.CHURN, now.strftime("%Y-%m"), now)


@shared_task
def estimate_uplift() -> None:
    """What the experiment of each play shows, once per month however often this is called."""
    from risk import experiments, services

    now = clock.now()
    for play in experiments.plays():
        run = jobs.claim_run(
            job=f"risk.uplift.{play}", period=now.strftime("%Y-%m"), now=now, lease=TRAIN_LEASE
        )
        if run is None:
            continue
        try:
            found = services.estimate_uplift(play=play, as_of_on=now.date(), now=now)
        except Exception as error:
            jobs.fail_run(run, error=f"{type(error).__name__}: {error}", now=now)
            raise
        jobs.finish_run(
            run,
            counts={"treated": found.treated, "held_out": found.held_out},
            now=now,
        )


def _train(target: str, period: str, now: datetime) -> None:
    from risk import services

    run = jobs.claim_run(job=f"risk.train_{target}", period=period, now=now, lease=TRAIN_LEASE)
    if run is None:
        return
    try:
        version = services.train(target=target, as_of_on=now.date(), now=now)
    except Exception as error:
        jobs.fail_run(run, error=f"{type(error).__name__}: {error}", now=now)
        raise
    jobs.finish_run(
        run,
        counts={"rows": version.rows, "positives": version.positives, "status": version.status},
        now=now,
    )


def _day(location_id: int, as_of_on: str | None, *, now: datetime) -> date:
    if as_of_on is not None:
        return date.fromisoformat(as_of_on)
    return Location.objects.get(pk=location_id).today(now)
