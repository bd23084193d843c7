"""Background work of the risk engine: arguments parsed, one service called."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from celery import shared_task
from django.db import transaction

from audit import clock, jobs
from audit.nudge import nudge
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


@shared_task
def check_drift() -> None:
    """Once a day: outcomes that became known, alarms, a shadow that has proved itself, models too
    old to keep. Something new that learning may cure asks for a training, which runs at most once
    per week (bookings) or month (members) for this reason."""
    now = clock.now()
    run = jobs.claim_run(job="risk.check_drift", period=now.date().isoformat(), now=now)
    if run is None:
        return
    try:
        counts, relearn = _watch(now)
    except Exception as error:
        jobs.fail_run(run, error=f"{type(error).__name__}: {error}", now=now)
        raise
    jobs.finish_run(run, counts=counts, now=now)
    for target in relearn:
        nudge(train_after_drift, target)


def _watch(now: datetime) -> tuple[dict[str, int], list[str]]:
    from risk import services
    from risk.quality import alarms, outcomes, watch

    on = now.date()
    counts = {"outcomes": 0, "raised": 0, "cleared": 0, "standing": 0, "archived": 0}
    relearn = []
    for target in Target.values:
        with transaction.atomic():
            counts["outcomes"] += outcomes.roll_up(target, on=on)
        services.consider_shadow(target=target, now=now)
        checked = alarms.check(target=target, on=on, now=now)
        counts["raised"] += len(checked.raised)
        counts["cleared"] += checked.cleared
        counts["standing"] += checked.standing
        counts["archived"] += services.archive_old(target=target, now=now)
        if checked.learn_again:
            relearn.append(str(target))
    outcomes.forget_old(on=on)
    watch.forget_old(on=on)
    return counts, relearn


@shared_task
def train_after_drift(target: str) -> None:
    """Learn again because something has changed; once per ISO week or month for this reason."""
    now = clock.now()
    year, week, _ = now.date().isocalendar()
    period = now.strftime("%Y-%m") if target == Target.CHURN else f"{year}-W{week:02}"
    _train(target, f"drift {period}", now)


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
