"""From which score a band begins."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from audit import fence
from audit.services import record
from risk import events, writing
from risk.models import (
    Band,
    BandThreshold,
    Target,
)
from risk.selectors import DEFAULT_THRESHOLDS, thresholds
from risk.services.shared import lock_registry

if TYPE_CHECKING:
    pass


class BadThresholds(Exception):
    """The bands do not ascend; the message says which."""


@fence.beyond("every score gets its band anew")
@transaction.atomic
def change_thresholds(
    *, target: str, begins: dict[str, int], by: AbstractBaseUser, now: datetime
) -> None:
    """Set from which score Watch, High and Very high begin, and move the scores that exist into
    their new bands. Raises BadThresholds."""
    lock_registry(f"{target}.bands")
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
