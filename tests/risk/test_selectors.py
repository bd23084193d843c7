"""Bands and plain chances."""

from __future__ import annotations

import pytest

from risk.models import Band, BandThreshold, Target
from risk.selectors import band_for, plain_chance, thresholds


@pytest.mark.django_db
def test_bands_follow_the_defaults_until_staff_change_them() -> None:
    assert [band_for(Target.CHURN, s) for s in (1, 39, 40, 74, 75, 89, 90, 100)] == [
        "low", "low", "watch", "watch", "high", "high", "very_high", "very_high",
    ]  # fmt: skip
    BandThreshold.objects.create(target=Target.CHURN, band=Band.HIGH, min_score=60)
    assert band_for(Target.CHURN, 60) == Band.HIGH
    assert thresholds(Target.CANCELLATION)[Band.HIGH] == 35, "the other target keeps its own"


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.01, "less than 1 in 30"),
        (0.05, "about 1 in 20"),
        (0.08, "about 1 in 10"),
        (0.37, "about 4 in 10"),
        (0.94, "about 9 in 10"),
        (0.97, "more than 9 in 10"),
    ],
)
def test_a_chance_is_told_in_tenths(p: float, words: str) -> None:
    assert plain_chance(p) == words
