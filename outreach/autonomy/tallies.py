"""The night's counts: of each play at a location, and of the arms of its experiment. Pages that
show many plays and locations read them; to count all of a chain's messages takes seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Min, Sum

from memberships.models import Location
from outreach.autonomy import evidence
from outreach.autonomy.evidence import Numbers, Pair
from outreach.experiments import experiment_counts
from outreach.models import ExperimentTally, Play, PlayTally

_NAMES = tuple(Numbers().counts())


@transaction.atomic
def count_location(*, location_id: int, now: datetime) -> dict[str, int]:
    """Count a location's plays and experiments as of an instant, in place of what was counted
    before. Safe to run twice. Eleven statements, however many messages."""
    found = evidence.numbers([location_id], now=now)
    arms = experiment_counts.counted([location_id], now=now)
    PlayTally.objects.filter(location=location_id).delete()
    ExperimentTally.objects.filter(location=location_id).delete()
    plays = PlayTally.objects.bulk_create(
        PlayTally(
            play_id=key,
            location_id=location_id,
            counted_at=now,
            **found.get((key, location_id), Numbers()).counts(),
        )
        for key in Play.objects.values_list("pk", flat=True)
    )
    ExperimentTally.objects.bulk_create(arms)
    return {"plays": len(plays), "arms": len(arms)}


def numbers(location_ids: Iterable[int]) -> dict[Pair, Numbers]:
    """What the night has counted, by play and location, as `evidence.numbers` would have counted
    it then. One query."""
    rows = PlayTally.objects.filter(location__in=location_ids)
    return {
        (key, location): Numbers.of_counts(dict(zip(_NAMES, counts, strict=True)))
        for key, location, *counts in rows.values_list("play", "location", *_NAMES)
    }


def totals(location_ids: Iterable[int]) -> dict[str, Numbers]:
    """What the night has counted of each play at all these locations together. One query."""
    rows = PlayTally.objects.filter(location__in=location_ids).values("play").order_by()
    sums = {f"total_{name}": Sum(name) for name in _NAMES}
    return {
        row["play"]: Numbers.of_counts({name: row[f"total_{name}"] for name in _NAMES})
        for row in rows.annotate(**sums)
    }


@dataclass(frozen=True)
class Counted:
    """When the figures of some locations were counted: the oldest of them, and how many locations
    have had no night yet."""

    at: datetime | None
    missing: int


def counted(places: Sequence[Location]) -> Counted:
    """How old the night's counts of these locations are; those closed for good have no nights.
    One query."""
    at_work = [place.pk for place in places if place.is_active]
    ages = (
        PlayTally.objects.filter(location__in=at_work)
        .values("location")
        .annotate(at=Min("counted_at"))
        .values_list("at", flat=True)
    )
    known = list(ages)
    return Counted(min(known, default=None), len(at_work) - len(known))
