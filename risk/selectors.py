"""Readings of scores for pages and jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F
from django.utils.translation import gettext as _

from risk.causes import label_of
from risk.models import (
    Band,
    BandThreshold,
    BookingScore,
    ChurnScore,
    DriftAlarm,
    InputExclusion,
    ModelVersion,
    Target,
)
from risk.targets import DECLARATIONS

# From which score a band begins, until staff say otherwise. Churn scores run from 1 to 100 on the
# scale of risk/scoring.py; the score of a booking is its chance in percent.
DEFAULT_THRESHOLDS: dict[str, dict[str, int]] = {
    Target.CHURN: {Band.LOW: 0, Band.WATCH: 40, Band.HIGH: 75, Band.VERY_HIGH: 90},
    Target.CANCELLATION: {Band.LOW: 0, Band.WATCH: 20, Band.HIGH: 35, Band.VERY_HIGH: 50},
}


def thresholds(target: str) -> dict[str, int]:
    """From which score each band begins, lowest band first. Low always begins at 0."""
    chosen = BandThreshold.objects.filter(target=target).values_list("band", "min_score")
    return begins(target, dict(chosen))


def begins(target: str, chosen: Mapping[str, int]) -> dict[str, int]:
    """The same from what staff chose, by band."""
    return {
        str(band): int(chosen.get(band, default)) if default else 0
        for band, default in DEFAULT_THRESHOLDS[target].items()
    }


def band_for(target: str, score: int, limits: dict[str, int] | None = None) -> str:
    """The band of one score. Pass `limits` (from `thresholds`) to spare the query."""
    begins = thresholds(target) if limits is None else limits
    return max(
        (band for band, least in begins.items() if score >= least),
        key=lambda band: begins[band],
    )


def drifting(target: str) -> bool:
    """Whether an alarm of the target stands: then nothing goes out by itself on its scores
    (INV-20)."""
    return DriftAlarm.objects.filter(target=target, cleared_at=None).exists()


def plain_chance(p: float) -> str:
    """A probability as staff would say it: "about 4 in 10". Never finer than the model is."""
    if p < 0.03:
        return _("less than 1 in 30")
    if p < 0.075:
        return _("about 1 in 20")
    if p >= 0.95:
        return _("more than 9 in 10")
    return _("about %(tenths)d in 10") % {"tenths": max(1, round(p * 10))}


@dataclass(frozen=True)
class BandSection:
    """One target on the page of bands: its form, how many scores lie in each band now, and the
    model behind them."""

    target: str
    form: Any
    counts: list[tuple[str, str, int]]  # band, label, how many
    model: ModelVersion | None

    @property
    def is_scorecard(self) -> bool:
        return self.model is not None and self.model.kind == "scorecard"


def band_section(target: str, *, form: Any) -> BandSection:
    """Two queries."""
    scores = ChurnScore if target == Target.CHURN else BookingScore
    found = dict(scores.objects.values_list("band").annotate(n=Count("pk")).order_by())
    return BandSection(
        target=target,
        form=form,
        counts=[(str(band), str(band.label), found.get(band, 0)) for band in Band],
        model=ModelVersion.objects.filter(target=target, status=ModelVersion.Status.CHAMPION)
        .defer("artefact")
        .first(),
    )


def exclusions() -> list[dict[str, Any]]:
    """The inputs left out, everybody's first, with their words. One query."""
    rows = InputExclusion.objects.select_related("guest", "by").order_by(
        F("guest").asc(nulls_first=True), "target", "input"
    )
    return [
        {
            "exclusion": row,
            "label": label_of(DECLARATIONS[row.target].input(row.input)),
            "target": str(Target(row.target).label),
        }
        for row in rows
    ]
