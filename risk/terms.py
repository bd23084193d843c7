"""What scores are given by at one moment, besides the inputs: the model that serves, the bands,
what is left out and what is in doubt.

Asked of the database for every run and every changed booking, so that a model put to work, bands
set by staff and an input excluded count at once. Only the verified model itself stays in memory
(`registry`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from memberships.models import WHOLE, SyncCursor
from memberships.selectors import LATE_AFTER
from risk import prepared, registry
from risk.engine.additive import Artefact
from risk.models import BandThreshold, DriftAlarm, InputExclusion, ModelVersion
from risk.scoring import Doubts
from risk.selectors import begins, drifting
from risk.withheld import Withheld


@dataclass(frozen=True)
class Terms:
    """`limits`: from which score each band begins."""

    model_id: int
    artefact: Artefact
    limits: dict[str, int]
    withheld: Withheld
    doubts: Doubts


LIVE = f"""
SELECT v.id, v.signature,
    ARRAY(SELECT b.band || ':' || b.min_score FROM {BandThreshold._meta.db_table} b
        WHERE b.target = %(target)s),
    ARRAY(SELECT x.input || ':' || COALESCE(x.guest_id, 0) FROM {InputExclusion._meta.db_table} x
        WHERE x.target = %(target)s AND (x.guest_id IS NULL OR x.guest_id IN (
            SELECT a.guest_id FROM memberships_appointment a WHERE a.id = ANY(%(ids)s)))),
    ARRAY(SELECT c.location_id FROM {SyncCursor._meta.db_table} c
        WHERE c.stream = '{WHOLE}' AND c.location_id IS NOT NULL
        AND COALESCE(c.complete_at, '-infinity') < %(in_time_since)s),
    EXISTS(SELECT FROM {DriftAlarm._meta.db_table} d
        WHERE d.target = %(target)s AND d.cleared_at IS NULL),
    {prepared.SETTINGS}
FROM {ModelVersion._meta.db_table} v
WHERE v.target = %(target)s AND v.status = '{ModelVersion.Status.CHAMPION}'
"""  # noqa: S608 - names of our own tables


def live(target: str, *, appointment_ids: list[int], now: datetime) -> Terms | None:
    """For these bookings, in one statement; None when this process has not verified the serving
    model yet, or there is none. Also keeps the plans of the statements that follow in this
    transaction."""
    found = prepared.rows(
        LIVE,
        {
            "target": target,
            "ids": prepared.whole_numbers(appointment_ids),
            "in_time_since": now - LATE_AFTER,
        },
    )
    for model_id, signature, bands, excluded, stale, alarmed, *_ in found:
        artefact = registry.verified(model_id, signature)
        if artefact is None:
            continue
        pairs = [text.split(":") for text in excluded]
        return Terms(
            model_id,
            artefact,
            begins(target, dict(band.split(":") for band in bands)),
            Withheld.of((name, int(guest) or None) for name, guest in pairs),
            Doubts(alarmed, frozenset(stale)),
        )
    return None


def of(version: ModelVersion, artefact: Artefact, *, now: datetime) -> Terms:
    """For a whole run by this model: a query each for bands, exclusions and stale locations,
    however many members."""
    target = version.target
    bands = BandThreshold.objects.filter(target=target).values_list("band", "min_score")
    excluded = InputExclusion.objects.filter(target=target).values_list("input", "guest")
    stale = SyncCursor.objects.filter(stream=WHOLE, location__isnull=False).filter(
        Q(complete_at=None) | Q(complete_at__lt=now - LATE_AFTER)
    )
    return Terms(
        version.pk,
        artefact,
        begins(target, dict(bands)),
        Withheld.of(excluded),
        Doubts(drifting(target), frozenset(stale.values_list("location", flat=True))),
    )


def left_out(target: str) -> frozenset[str]:
    """The inputs left out of everybody's scores, which are not learned from either."""
    rows = InputExclusion.objects.filter(target=target, guest=None).values_list("input", "guest")
    return Withheld.of(rows).everywhere
