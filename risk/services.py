"""What the risk engine does: learn, put a model to work, score a night and score a booking."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import F, Min, Q

from audit import jobs
from audit.models import JobRun
from audit.services import Entry, record, record_many
from memberships.models import Appointment
from risk import events, experiments, past, registry, scoring, signals, terms, writing
from risk.engine import scorecard, support
from risk.engine.additive import Artefact
from risk.features import bookings, churn
from risk.features.months import rebuild_outcome_months
from risk.frame import Frame
from risk.models import (
    Band,
    BandThreshold,
    ChurnScore,
    InputExclusion,
    ModelReference,
    ModelVersion,
    OutcomeMonth,
    Target,
    UpliftEstimate,
)
from risk.quality import outcomes, watch
from risk.selectors import DEFAULT_THRESHOLDS, thresholds
from risk.targets import DECLARATIONS
from risk.terms import Terms

if TYPE_CHECKING:
    from risk.engine.training import Trained
    from risk.engine.uplift import Found

log = logging.getLogger(__name__)

COMING_DAYS = 14
BATCH = 20_000  # rows scored and worded at a time
LEASE = timedelta(minutes=20)
MEMBERS_JOB, BOOKINGS_JOB, MONTHS_JOB = "risk.score_members", "risk.score_bookings", "risk.months"

# Enough to group the visits of some hundred thousand guests without going to disk. PostgreSQL may
# use it several times in one statement.
WORK_MEM = "128MB"

Counts = dict[str, int]


class Busy(Exception):
    """Another worker has this run; try again when it is done or its lease has ended."""


class BadThresholds(Exception):
    """The bands do not ascend; the message says which."""


class UnknownInput(Exception):
    """The score has no input of this name."""


class UnknownModel(Exception):
    """No stored model has this name, or it may not serve."""


# --- Models ------------------------------------------------------------------------------------


def serving_model(target: str, *, now: datetime) -> tuple[ModelVersion, Artefact]:
    """The model that scores now, verified. One that fails its check is refused for good, and the
    newest that served before it takes over; with none left, the scorecard."""
    champion = (
        ModelVersion.objects.filter(target=target, status=ModelVersion.Status.CHAMPION)
        .defer("artefact")  # read only by a process that has not verified it yet
        .first()
    )
    if champion is not None:
        try:
            return champion, registry.load(champion)
        except registry.Refused as error:
            log.error("model %s refused: %s", champion.name, error)
            return _fall_back(target=target, refused=champion, why=str(error), now=now)
    return _fall_back(target=target, refused=None, why="", now=now)


@transaction.atomic
def _fall_back(
    *, target: str, refused: ModelVersion | None, why: str, now: datetime
) -> tuple[ModelVersion, Artefact]:
    _lock_registry(target)
    if refused is not None:
        ModelVersion.objects.filter(pk=refused.pk).update(status=ModelVersion.Status.REFUSED)
    champion = ModelVersion.objects.filter(
        target=target, status=ModelVersion.Status.CHAMPION
    ).first()
    if champion is not None:  # somebody else was quicker
        return champion, registry.load(champion)
    for version in ModelVersion.objects.filter(
        target=target, status=ModelVersion.Status.RETIRED
    ).order_by(F("served_at").desc(nulls_last=True), "-trained_at"):
        try:
            artefact = registry.load(version)
        except registry.Refused:
            continue
        break
    else:
        artefact = scorecard.scorecard(DECLARATIONS[target])
        version = _store(artefact, now=now, status=ModelVersion.Status.RETIRED)
    _serve(version, now=now)
    entries = [Entry(event=events.MODEL_SERVES, at=now, target=version, detail=_named(version))]
    if refused is not None:
        entries.insert(
            0,
            Entry(
                event=events.MODEL_REFUSED,
                at=now,
                target=refused,
                detail=_named(refused) | {"why": why},
            ),
        )
    record_many(entries)
    return version, artefact


def train(
    *, target: str, as_of_on: date, now: datetime, by: AbstractBaseUser | None = None
) -> ModelVersion:
    """Learn from everything known before the day `as_of_on`. The new version serves if it beats
    the scorecard and what serves now on the newest cases; otherwise it is kept in shadow."""
    from risk.engine import training  # scikit-learn is loaded only where it is needed

    champion, champion_artefact = serving_model(target, now=now)
    with transaction.atomic():
        _long_statements()
        refresh_months(as_of_on=as_of_on, now=now, whole=True)
    with transaction.atomic():
        _long_statements()
        known = past.of(target, as_of_on=as_of_on)
    declaration = DECLARATIONS[target]
    left_out = terms.left_out(target)
    trained = training.train(
        replace(
            declaration,
            inputs=tuple(one for one in declaration.inputs if one.name not in left_out),
        ),
        known.cases,
        window_days=known.window_days,
        champion=champion_artefact,
        champion_until_day=champion.metrics.get("until_day"),
        notice_p=known.notice_p,
    )
    if trained.artefact.kind != scorecard.KIND:
        ordinary = support.of(trained.artefact.main, known.cases.columns, known.cases.moment)
        trained = replace(trained, artefact=replace(trained.artefact, support=ordinary))
    reference = watch.reference_of(target, known.cases, trained.artefact)
    reference["calm"] = watch.calm_of(known.cases, trained.artefact, from_day=trained.until_day)
    return _keep(trained, reference, target=target, beaten=champion, now=now, by=by)


@transaction.atomic
def _keep(
    trained: Trained,
    reference: dict[str, Any],
    *,
    target: str,
    beaten: ModelVersion,
    now: datetime,
    by: AbstractBaseUser | None,
) -> ModelVersion:
    from risk.engine.training import LIBRARIES

    _lock_registry(target)
    version = _store(
        trained.artefact,
        now=now,
        status=ModelVersion.Status.SHADOW,
        data_from_on=_day(trained.from_day),
        data_until_on=_day(trained.until_day),
        rows=trained.rows,
        positives=trained.positives,
        features=trained.artefact.inputs,
        metrics=trained.measured | {"verdict": trained.verdict, "until_day": trained.until_day},
        libraries=LIBRARIES,
    )
    ModelReference.objects.create(model=version, **reference)
    entries = [
        Entry(
            event=events.MODEL_TRAINED,
            at=now,
            by=by,
            target=version,
            detail=_named(version) | {"rows": trained.rows, "verdict": trained.verdict},
        )
    ]
    # It was measured against `beaten`: whatever took over meanwhile stays.
    beaten.refresh_from_db(fields=["status"])
    if trained.serves and beaten.status == ModelVersion.Status.CHAMPION:
        _serve(version, now=now)
        entries.append(
            Entry(event=events.MODEL_SERVES, at=now, by=by, target=version, detail=_named(version))
        )
    record_many(entries)
    return version


@transaction.atomic
def put_to_work(*, name: str, now: datetime, by: AbstractBaseUser | None = None) -> ModelVersion:
    """Let a stored model serve from now on: a roll-back, or a shadow a person trusts more. Raises
    UnknownModel, registry.Refused."""
    version = (
        ModelVersion.objects.filter(name=name)
        .exclude(status__in=[ModelVersion.Status.REFUSED, ModelVersion.Status.ARCHIVED])
        .first()
    )
    if version is None:
        raise UnknownModel(
            f"No model called {name} may serve. `manage.py models` lists those there are."
        )
    _lock_registry(version.target)
    registry.load(version)
    _serve(version, now=now)
    record(events.MODEL_SERVES, at=now, by=by, target=version, detail=_named(version))
    return version


@transaction.atomic
def roll_back(*, target: str, now: datetime, by: AbstractBaseUser | None = None) -> ModelVersion:
    """Let the model serve that served before the present one. Raises UnknownModel, registry.Refused
    (nothing has changed then)."""
    _lock_registry(target)
    before = (
        ModelVersion.objects.filter(
            target=target, status=ModelVersion.Status.RETIRED, served_at__isnull=False
        )
        .order_by("-served_at")
        .first()
    )
    if before is None:
        raise UnknownModel(f"No model served {Target(target).label} before this one.")
    return put_to_work(name=before.name, now=now, by=by)


SHADOW_CASES, SHADOW_OUTCOMES = 500, 100


@transaction.atomic
def consider_shadow(*, target: str, now: datetime) -> ModelVersion | None:
    """Let the newest shadow serve if what came true since it began says that it is better beyond
    chance; the model it was compared with must still serve. Returns it if it serves now."""
    _lock_registry(target)
    champion = ModelVersion.objects.filter(
        target=target, status=ModelVersion.Status.CHAMPION
    ).first()
    shadow = newest_shadow(target)
    if champion is None or shadow is None:
        return None
    duel = outcomes.duel(champion, shadow)
    enough = duel is not None and duel.n >= SHADOW_CASES and duel.seen >= SHADOW_OUTCOMES
    if duel is None or not enough or not duel.shadow_wins:
        return None
    try:
        registry.load(shadow)
    except registry.Refused as error:
        ModelVersion.objects.filter(pk=shadow.pk).update(status=ModelVersion.Status.REFUSED)
        record(
            events.MODEL_REFUSED, at=now, target=shadow, detail=_named(shadow) | {"why": str(error)}
        )
        return None
    _serve(shadow, now=now)
    record(
        events.MODEL_PROVED,
        at=now,
        target=shadow,
        detail=_named(shadow)
        | {"before": champion.name, "n": duel.n, "gain": round(-duel.mean, 5)},
    )
    return shadow


def newest_shadow(target: str) -> ModelVersion | None:
    """The shadow that scores too each night: the newest, if it is no older than what serves."""
    champion = (
        ModelVersion.objects.filter(target=target, status=ModelVersion.Status.CHAMPION)
        .values_list("trained_at", flat=True)
        .first()
    )
    shadows = ModelVersion.objects.filter(target=target, status=ModelVersion.Status.SHADOW)
    if champion is not None:
        shadows = shadows.filter(trained_at__gte=champion)
    return shadows.order_by("-trained_at", "-pk").first()


KEPT_SERVED = 3
SHADOW_KEPT, SERVED_KEPT = timedelta(days=120), timedelta(days=400)


@transaction.atomic
def archive_old(*, target: str, now: datetime) -> int:
    """Drop the tables of models nobody will go back to; what they were and how they did stays. The
    newest shadow and the last few that served are kept whatever their age. Returns how many."""
    _lock_registry(target)
    kept = list(
        ModelVersion.objects.filter(target=target, served_at__isnull=False)
        .order_by("-served_at")
        .values_list("pk", flat=True)[: KEPT_SERVED + 1]
    )
    shadow = newest_shadow(target)
    old = (
        ModelVersion.objects.filter(target=target)
        .filter(
            Q(served_at__isnull=True, trained_at__lt=now - SHADOW_KEPT)
            | Q(served_at__lt=now - SERVED_KEPT)
        )
        .exclude(status__in=[ModelVersion.Status.CHAMPION, ModelVersion.Status.ARCHIVED])
        .exclude(pk__in=[*kept, *([shadow.pk] if shadow else [])])
    )
    names = list(old.values_list("pk", "name"))
    if not names:
        return 0
    ModelReference.objects.filter(model__in=[pk for pk, _ in names]).delete()
    ModelVersion.objects.filter(pk__in=[pk for pk, _ in names]).update(
        status=ModelVersion.Status.ARCHIVED, artefact="", signature=""
    )
    record(events.MODEL_ARCHIVED, at=now, detail={"model": ", ".join(name for _, name in names)})
    return len(names)


def _serve(version: ModelVersion, *, now: datetime) -> None:
    ModelVersion.objects.filter(target=version.target, status=ModelVersion.Status.CHAMPION).exclude(
        pk=version.pk
    ).update(status=ModelVersion.Status.RETIRED)
    version.status, version.served_at = ModelVersion.Status.CHAMPION, now
    version.save(update_fields=["status", "served_at"])


def _store(artefact: Artefact, *, now: datetime, status: str, **facts: Any) -> ModelVersion:
    text = artefact.dump()
    stem = f"{artefact.target}-{artefact.kind}-{now.date().isoformat()}"
    same_day = ModelVersion.objects.filter(name__startswith=stem).count()
    return ModelVersion.objects.create(
        target=artefact.target,
        name=f"{stem}-{same_day + 1}",
        kind=artefact.kind,
        status=status,
        trained_at=now,
        artefact=text,
        signature=registry.sign(text),
        **facts,
    )


def _lock_registry(target: str) -> None:
    """One at a time may change what serves a target; freed at the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(HASHTEXT(%s))", [f"risk.registry.{target}"])


def _named(version: ModelVersion) -> dict[str, Any]:
    return {"model": version.name}


def _day(number: float) -> date | None:
    return date(1970, 1, 1) + timedelta(days=int(number)) if number else None


# --- Scores ------------------------------------------------------------------------------------


def score_members(*, location_id: int, as_of_on: date, now: datetime) -> Counts:
    """Score every membership of the location that binds on `as_of_on`. A second call for the same
    night and model changes nothing. Raises Busy."""
    version, artefact = serving_model(Target.CHURN, now=now)
    with _night(MEMBERS_JOB, version, location_id, as_of_on, now) as run:
        if run.status == JobRun.Status.DONE:
            return dict(run.counts)
        _long_statements()
        if ChurnScore.objects.filter(location=location_id, as_of_on__gt=as_of_on).exists():
            # A night that comes too late would bring back members who have left since.
            jobs.finish_run(run, counts=(counts := _counts({}, 0)), now=now)
            return counts
        frame = churn.members(as_of_on=as_of_on, location_ids=[location_id])
        given = terms.of(version, artefact, now=now)
        night = _to_count(version, location_id, as_of_on)
        bands = _score(Target.CHURN, frame, given, {location_id: as_of_on}, now, night)
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
        _long_statements()
        frame = bookings.coming(
            location_ids=[location_id],
            now=now,
            from_on=as_of_on,
            until_on=as_of_on + timedelta(days=COMING_DAYS),
        )
        given = terms.of(version, artefact, now=now)
        night = _to_count(version, location_id, as_of_on)
        bands = _score(Target.CANCELLATION, frame, given, {location_id: as_of_on}, now, night)
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
    bands = _score(Target.CANCELLATION, frame, given, bookings.local_days(frame), now)
    ids = frame.ids["appointment_id"].tolist()
    fallen = set(appointment_ids) - set(ids)
    if fallen:
        writing.drop_chosen(Target.CANCELLATION, sorted(fallen))
    if ids:
        _tell_bookings(None, bands, now)
    return len(ids)


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


def _score(
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
        detail=_named(version) | counts | {"what": what, "as_of": as_of_on.isoformat()},
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


def _long_statements() -> None:
    """Work over all members may take longer than a page's query, and more memory than the many
    pages at once may have; until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL work_mem = '{WORK_MEM}'")
        cursor.execute("SET LOCAL jit = off")  # compiling takes longer than it saves
        cursor.execute("SET LOCAL statement_timeout = '30min'")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '30min'")


# --- Experiments -------------------------------------------------------------------------------


def estimate_uplift(
    *, play: str, as_of_on: date, now: datetime, by: AbstractBaseUser | None = None
) -> UpliftEstimate:
    """Learn from the play's experiment what contact changes, and for whom. Kept once per play and
    day; "not enough data yet" is an answer like the others."""
    from risk.engine import uplift  # scikit-learn is loaded only where it is needed

    with transaction.atomic():
        _long_statements()
        known = experiments.cases(play, as_of_on=as_of_on)
    found = uplift.learn(known.columns, known.treated, known.outcome, categories=known.categories)
    return _keep_uplift(found, play=play, as_of_on=as_of_on, now=now, by=by)


@transaction.atomic
def _keep_uplift(
    found: Found, *, play: str, as_of_on: date, now: datetime, by: AbstractBaseUser | None
) -> UpliftEstimate:
    estimate, _ = UpliftEstimate.objects.update_or_create(
        play=play,
        as_of_on=as_of_on,
        defaults={
            "estimated_at": now,
            "verdict": found.verdict,
            "sentence": found.sentence,
            "treated": found.average.n_treated,
            "held_out": found.average.n_held_out,
            "report": found.report,
        },
    )
    record(
        events.UPLIFT_ESTIMATED,
        at=now,
        by=by,
        target=estimate,
        detail={
            "play": play,
            "as_of": as_of_on.isoformat(),
            "verdict": str(UpliftEstimate.Verdict(found.verdict).label),
            "treated": estimate.treated,
            "held_out": estimate.held_out,
        },
    )
    return estimate


# --- Inputs left out -------------------------------------------------------------------------


@transaction.atomic
def exclude_input(
    *,
    target: str,
    name: str,
    reason: str,
    by: AbstractBaseUser,
    now: datetime,
    guest_id: int | None = None,
) -> None:
    """Leave an input, and those that tell the same fact, out of the scores of one guest, or of
    everybody and of training. One guest's scores are made again at once, everybody's in the coming
    night. Excluding twice changes nothing. Raises UnknownInput."""
    if name not in {one.name for one in DECLARATIONS[target].inputs}:
        raise UnknownInput(f"There is no input called {name}.")
    _, new = InputExclusion.objects.get_or_create(
        target=target,
        input=name,
        guest_id=guest_id,  # type: ignore[misc]
        defaults={"reason": reason, "by_id": by.pk, "at": now},
    )
    if new:
        _record_input(events.INPUT_EXCLUDED, target, name, guest_id, by, now, reason=reason)


@transaction.atomic
def include_input(
    *, target: str, name: str, by: AbstractBaseUser, now: datetime, guest_id: int | None = None
) -> None:
    """Let an excluded input count again. Including what is not excluded changes nothing."""
    whose = Q(guest=None) if guest_id is None else Q(guest=guest_id)
    gone, _ = InputExclusion.objects.filter(whose, target=target, input=name).delete()
    if gone:
        _record_input(events.INPUT_INCLUDED, target, name, guest_id, by, now)


def _record_input(
    event: str,
    target: str,
    name: str,
    guest_id: int | None,
    by: AbstractBaseUser,
    now: datetime,
    **detail: str,
) -> None:
    record(
        event,
        at=now,
        by=by,
        guest_id=guest_id,
        detail={
            "what": str(Target(target).label),
            "input": name.replace("_", " "),
            "whose": "of everybody" if guest_id is None else "of one guest",
        }
        | detail,
    )
    if guest_id is not None:
        _score_guest(target, guest_id, now)


def _score_guest(target: str, guest_id: int, now: datetime) -> None:
    """Make the scores of one guest again."""
    if target == Target.CANCELLATION:
        coming = Appointment.objects.coming().filter(guest=guest_id, booking_score__isnull=False)
        score_appointments(appointment_ids=list(coming.values_list("pk", flat=True)), now=now)
        return
    given = terms.of(*serving_model(target, now=now), now=now)
    scores = ChurnScore.objects.filter(guest=guest_id)
    for location_id, as_of_on in set(scores.values_list("location", "as_of_on")):
        frame = churn.members(as_of_on=as_of_on, location_ids=[location_id], guest_id=guest_id)
        _score(target, frame, given, {location_id: as_of_on}, now)


# --- Bands -------------------------------------------------------------------------------------


@transaction.atomic
def change_thresholds(
    *, target: str, begins: dict[str, int], by: AbstractBaseUser, now: datetime
) -> None:
    """Set from which score Watch, High and Very high begin, and move the scores that exist into
    their new bands. Raises BadThresholds."""
    _lock_registry(f"{target}.bands")
    order = [str(band) for band in DEFAULT_THRESHOLDS[target] if band != Band.LOW]
    chosen = [begins[band] for band in order]
    if not 0 < chosen[0] < chosen[1] < chosen[2] <= 100:
        raise BadThresholds("Each band must begin above the one before it, between 1 and 100.")
    before = thresholds(target)
    BandThreshold.objects.bulk_create(
        [BandThreshold(target=target, band=band, min_score=begins[band]) for band in order],
        update_conflicts=True,
        unique_fields=["target", "band"],
        update_fields=["min_score"],
    )
    writing.move_bands(target, thresholds(target))
    record(
        events.THRESHOLDS_CHANGED,
        at=now,
        by=by,
        detail={
            "what": str(Target(target).label),
            "bands": ", ".join(f"{Band(band).label} from {begins[band]}" for band in order),
            "before": ", ".join(f"{Band(band).label} from {before[band]}" for band in order),
        },
    )
