"""Scores of a night, and of bookings that have just changed."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import transaction

from audit import jobs
from audit.models import JobRun
from audit.services import record
from risk import events, registry, scoring, signals, terms, writing
from risk.features import bookings, churn
from risk.frame import Frame
from risk.models import (
    Band,
    ChurnScore,
    ModelVersion,
    Target,
)
from risk.quality import watch
from risk.services.lifecycle import newest_shadow, serving_model
from risk.services.months import refresh_months
from risk.services.shared import long_statements, named
from risk.terms import Terms

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)

COMING_DAYS = 14
BATCH = 20_000  # rows scored and worded at a time
LEASE = timedelta(minutes=20)
MEMBERS_JOB, BOOKINGS_JOB = "risk.score_members", "risk.score_bookings"

Counts = dict[str, int]


class Busy(Exception):
    """Another worker has this run; try again when it is done or its lease has ended."""


def score_members(*, location_id: int, as_of_on: date, now: datetime) -> Counts:
    """Score every membership of the location that binds on `as_of_on`. A second call for the same
    night and model changes nothing. Raises Busy."""
    version, artefact = serving_model(Target.CHURN, now=now)
    with _night(MEMBERS_JOB, version, location_id, as_of_on, now) as run:
        if run.status == JobRun.Status.DONE:
            return dict(run.counts)
        long_statements()
        if ChurnScore.objects.filter(location=location_id, as_of_on__gt=as_of_on).exists():
            # A night that comes too late would bring back members who have left since.
            jobs.finish_run(run, counts=(counts := _counts({}, 0)), now=now)
            return counts
        frame = churn.members(as_of_on=as_of_on, location_ids=[location_id])
        given = terms.of(version, artefact, now=now)
        night = _to_count(version, location_id, as_of_on)
        bands = score_frame(Target.CHURN, frame, given, {location_id: as_of_on}, now, night)
        ended = writing.drop_others(
            Target.CHURN,
            location_id=location_id,
            keep=frame.ids["membership_id"].tolist(),
            as_of_on=as_of_on,
        )
        writing.keep_days(location_id=location_id, as_of_on=as_of_on)
        night.write()
        counts = _counts(bands, ended)
        jobs.finish_run(run, counts=counts, now=now)
        transaction.on_commit(
            partial(
                signals.members_scored.send,
                sender=ModelVersion,
                location_id=location_id,
                as_of_on=as_of_on,
                now=now,
            )
        )
        _record_run(version, location_id, as_of_on, now, "members", counts)
    return counts


def score_bookings(*, location_id: int, as_of_on: date, now: datetime) -> Counts:
    """Score the bookings that stand and start in the next 14 days of the location, counted from
    `as_of_on`. A second call for the same night and model changes nothing. Raises Busy."""
    with transaction.atomic():
        refresh_months(as_of_on=as_of_on, now=now)
    version, artefact = serving_model(Target.CANCELLATION, now=now)
    with _night(BOOKINGS_JOB, version, location_id, as_of_on, now) as run:
        if run.status == JobRun.Status.DONE:
            return dict(run.counts)
        long_statements()
        frame = bookings.coming(
            location_ids=[location_id],
            now=now,
            from_on=as_of_on,
            until_on=as_of_on + timedelta(days=COMING_DAYS),
        )
        given = terms.of(version, artefact, now=now)
        night = _to_count(version, location_id, as_of_on)
        bands = score_frame(Target.CANCELLATION, frame, given, {location_id: as_of_on}, now, night)
        ids = frame.ids["appointment_id"].tolist()
        gone = writing.drop_others(
            Target.CANCELLATION, location_id=location_id, keep=ids, as_of_on=as_of_on
        )
        watch.keep_bookings(location_id=location_id, as_of_on=as_of_on)
        night.write()
        counts = _counts(bands, gone)
        jobs.finish_run(run, counts=counts, now=now)
        _tell_bookings(location_id, bands, now)
        _record_run(version, location_id, as_of_on, now, "bookings", counts)
    return counts


@transaction.atomic
def score_appointments(*, appointment_ids: Sequence[int], now: datetime) -> int:
    """Score these bookings at once, as after a change; returns how many stand. Those that no longer
    stand lose their score."""
    ids = list(appointment_ids)
    given = terms.live(Target.CANCELLATION, appointment_ids=ids, now=now) or terms.of(
        *serving_model(Target.CANCELLATION, now=now), now=now
    )
    frame = bookings.chosen(appointment_ids=appointment_ids, now=now)
    bands = score_frame(Target.CANCELLATION, frame, given, bookings.local_days(frame), now)
    ids = frame.ids["appointment_id"].tolist()
    fallen = set(appointment_ids) - set(ids)
    if fallen:
        writing.drop_chosen(Target.CANCELLATION, sorted(fallen))
    if ids:
        _tell_bookings(None, bands, now)
    return len(ids)


def score_frame(
    target: str,
    frame: Frame,
    given: Terms,
    days: Mapping[int, date],
    now: datetime,
    night: watch.Night | None = None,
) -> dict[int, str]:
    """Score and write the rows of the frame; the band of each by membership or booking. `night`
    counts them."""
    bands: dict[int, str] = {}

    def batches() -> Iterator[list[tuple[Any, ...]]]:
        for part in frame.parts(BATCH):
            rows = writing.rows_of(
                target,
                part,
                scoring.score(
                    target, given.artefact, part, withheld=given.withheld, doubts=given.doubts
                ),
                model_id=given.model_id,
                limits=given.limits,
                days=days,
                now=now,
            )
            bands.update((row[0], row[3]) for row in rows)
            if night is not None:
                night.add(part, np.array([row[1] for row in rows]))
            yield rows

    writing.write(target, len(frame), batches())
    return bands


def _to_count(version: ModelVersion, location_id: int, as_of_on: date) -> watch.Night:
    """The night of a location, to be counted, with the newest shadow. A shadow that fails its check
    is left out: training or a person deals with it."""
    shadow = newest_shadow(version.target)
    artefact = None
    if shadow is not None:
        try:
            artefact = registry.load(shadow)
        except registry.Refused as error:
            log.error("shadow %s refused: %s", shadow.name, error)
    return watch.Night(version, location_id, as_of_on, shadow=shadow, shadow_artefact=artefact)


@contextmanager
def _night(
    job: str, version: ModelVersion, location_id: int, as_of_on: date, now: datetime
) -> Iterator[JobRun]:
    """The run of this job, night and model, with one transaction for all it does. A run that is
    done already is handed out as it is. What goes wrong is kept on the run. Raises Busy."""
    period = f"{as_of_on.isoformat()} m{version.pk}"
    run = jobs.claim_run(job=job, period=period, location_id=location_id, now=now, lease=LEASE)
    if run is None:
        held = jobs.due_run(job, period, location_id)
        if held.status != JobRun.Status.DONE:
            raise Busy("These scores are being made by another worker.")
        yield held
        return
    try:
        with transaction.atomic():
            yield run
    except Exception as error:
        jobs.fail_run(run, error=f"{type(error).__name__}: {error}", now=now)
        raise


def _counts(bands: Mapping[int, str], removed: int) -> Counts:
    found = Counter(bands.values())
    return {"scored": len(bands), "removed": removed, **{band: found[band] for band in Band.values}}


def _record_run(
    version: ModelVersion, location_id: int, as_of_on: date, now: datetime, what: str,
    counts: Counts,
) -> None:  # fmt: skip
    record(
        events.SCORE_RUN,
        at=now,
        location_id=location_id,
        target=version,
        detail=named(version) | counts | {"what": what, "as_of": as_of_on.isoformat()},
    )


def _tell_bookings(location_id: int | None, bands: dict[int, str], now: datetime) -> None:
    transaction.on_commit(
        partial(
            signals.bookings_scored.send,
            sender=ModelVersion,
            location_id=location_id,
            bands=bands,
            now=now,
        )
    )
