"""The life of a model: trained, judged, put to work, taken back, archived."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F, Q

from audit.services import Entry, record, record_many
from risk import events, past, registry, terms
from risk.engine import scorecard, support
from risk.engine.additive import Artefact
from risk.models import (
    ModelReference,
    ModelVersion,
    Target,
)
from risk.quality import outcomes, watch
from risk.services.months import refresh_months
from risk.services.shared import lock_registry, long_statements, named
from risk.targets import DECLARATIONS

if TYPE_CHECKING:
    from risk.engine.training import Trained

log = logging.getLogger(__name__)


class UnknownModel(Exception):
    """No stored model has this name, or it may not serve."""


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
    lock_registry(target)
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
    entries = [Entry(event=events.MODEL_SERVES, at=now, target=version, detail=named(version))]
    if refused is not None:
        entries.insert(
            0,
            Entry(
                event=events.MODEL_REFUSED,
                at=now,
                target=refused,
                detail=named(refused) | {"why": why},
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
        long_statements()
        refresh_months(as_of_on=as_of_on, now=now, whole=True)
    with transaction.atomic():
        long_statements()
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

    lock_registry(target)
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
            detail=named(version) | {"rows": trained.rows, "verdict": trained.verdict},
        )
    ]
    # It was measured against `beaten`: whatever took over meanwhile stays.
    beaten.refresh_from_db(fields=["status"])
    if trained.serves and beaten.status == ModelVersion.Status.CHAMPION:
        _serve(version, now=now)
        entries.append(
            Entry(event=events.MODEL_SERVES, at=now, by=by, target=version, detail=named(version))
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
    lock_registry(version.target)
    registry.load(version)
    _serve(version, now=now)
    record(events.MODEL_SERVES, at=now, by=by, target=version, detail=named(version))
    return version


@transaction.atomic
def roll_back(*, target: str, now: datetime, by: AbstractBaseUser | None = None) -> ModelVersion:
    """Let the model serve that served before the present one. Raises UnknownModel, registry.Refused
    (nothing has changed then)."""
    lock_registry(target)
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
    lock_registry(target)
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
            events.MODEL_REFUSED, at=now, target=shadow, detail=named(shadow) | {"why": str(error)}
        )
        return None
    _serve(shadow, now=now)
    record(
        events.MODEL_PROVED,
        at=now,
        target=shadow,
        detail=named(shadow) | {"before": champion.name, "n": duel.n, "gain": round(-duel.mean, 5)},
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
    lock_registry(target)
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


def _day(number: float) -> date | None:
    return date(1970, 1, 1) + timedelta(days=int(number)) if number else None
