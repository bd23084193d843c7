"""Alarms: raised by the daily check, cleared when it finds them gone, each on the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from audit.services import Entry, record_many
from memberships.models import Location
from risk import events
from risk.engine import drift
from risk.models import DriftAlarm, ModelReference, ModelVersion
from risk.quality import outcomes, watch, words

# Alarms a model may cure by learning what is new. A feed that has stopped is not to be learned.
CURED_BY_LEARNING = [
    DriftAlarm.Kind.INPUT,
    DriftAlarm.Kind.SCORE,
    DriftAlarm.Kind.LEVEL,
    DriftAlarm.Kind.SLOPE,
]
OUTCOMES = "outcomes"


@dataclass(frozen=True)
class _Found:
    kind: str
    input: str
    location_id: int | None
    size: float
    sentence: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Checked:
    raised: list[DriftAlarm]
    cleared: int
    standing: int

    @property
    def learn_again(self) -> bool:
        """Whether something new came up that learning again may cure."""
        return any(alarm.kind in CURED_BY_LEARNING for alarm in self.raised)


@transaction.atomic
def check(*, target: str, on: date, now: datetime) -> Checked:
    """Compare the newest nights and outcomes with what the serving model learned from, raise what
    is new and clear what is gone. Safe to run twice."""
    champion = (
        ModelVersion.objects.select_for_update(of=["self"])
        .filter(target=target, status=ModelVersion.Status.CHAMPION)
        .defer("artefact")
        .first()
    )
    if champion is None:
        return Checked([], 0, 0)
    found = {(one.input, one.location_id): one for one in _look(champion, on)}
    standing = {
        (alarm.input, alarm.location_id): alarm
        for alarm in DriftAlarm.objects.filter(target=target, cleared_at=None)
    }
    gone = [
        alarm
        for key, alarm in standing.items()
        if key not in found or alarm.model_id != champion.pk
    ]
    DriftAlarm.objects.filter(pk__in=[alarm.pk for alarm in gone]).update(cleared_at=now)
    still = {key: alarm for key, alarm in standing.items() if alarm not in gone}
    DriftAlarm.objects.filter(pk__in=[alarm.pk for alarm in still.values()]).update(seen_at=now)
    raised = DriftAlarm.objects.bulk_create(
        [
            DriftAlarm(
                target=target,
                model=champion,
                kind=one.kind,
                input=one.input,
                location_id=one.location_id,
                size=one.size,
                sentence=one.sentence[:300],
                detail=one.detail,
                raised_at=now,
                seen_at=now,
            )
            for key, one in found.items()
            if key not in still
        ]
    )
    record_many(
        [_entry(events.DRIFT_RAISED, alarm, now) for alarm in raised]
        + [_entry(events.DRIFT_CLEARED, alarm, now) for alarm in gone]
    )
    return Checked(raised, len(gone), len(still) + len(raised))


def _look(champion: ModelVersion, on: date) -> list[_Found]:
    odd = watch.findings(champion, on=on)
    reference = ModelReference.objects.filter(model=champion).values_list("bins").first()
    bins = drift.parse_bins(reference[0]) if reference else {}
    found = [_of(champion.target, one, bins, _names(odd)) for one in odd]
    judged = outcomes.calibrated(champion, on=on)
    if judged is not None and judged.what:
        found.append(
            _Found(
                kind=judged.what,
                input=OUTCOMES,
                location_id=None,
                size=abs(judged.level if judged.what == "level" else judged.slope - 1),
                sentence=words.outcome_sentence(champion.target, judged),
                detail={
                    "n": judged.n,
                    "expected": round(judged.expected, 1),
                    "seen": judged.seen,
                    "level": round(judged.level, 3),
                    "slope": round(judged.slope, 3),
                },
            )
        )
    return found


def _names(odd: Sequence[drift.Finding]) -> dict[int, str]:
    wanted = {one.location for one in odd if one.location is not None}
    return dict(Location.objects.filter(pk__in=wanted).values_list("pk", "name")) if wanted else {}


def _of(
    target: str, one: drift.Finding, bins: dict[str, drift.Bins], names: dict[int, str]
) -> _Found:
    where = names.get(one.location, "") if one.location is not None else ""
    return _Found(
        kind=words.kind_of(one),
        input=one.name,
        location_id=one.location,
        size=one.size,
        sentence=words.sentence(target, one, bins.get(one.name), where),
        detail={
            "nights": one.look,
            "p": one.p,
            "before": [round(share, 4) for share in one.before],
            "now": [round(share, 4) for share in one.now],
        },
    )


def _entry(event: str, alarm: DriftAlarm, now: datetime) -> Entry:
    return Entry(
        event=event,
        at=now,
        location_id=alarm.location_id,
        target=alarm,
        detail={
            "what": str(words.WHAT[alarm.target]),
            "sentence": alarm.sentence,
            "size": round(alarm.size, 3),
        },
    )
