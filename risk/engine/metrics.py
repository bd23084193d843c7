"""How good predictions are: ranking, probability, calibration, lift. Arrays in, numbers out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from risk.engine.additive import Floats

RESAMPLES = 300


def log_losses(p: Floats, truth: Floats) -> Floats:
    """The log loss of each case."""
    q = np.clip(p, 1e-6, 1 - 1e-6)
    return -(truth * np.log(q) + (1 - truth) * np.log(1 - q))


def auc(p: Floats, truth: Floats) -> float:
    """The chance that a case that came true is ranked above one that did not; ties count half."""
    positive = int(truth.sum())
    negative = len(truth) - positive
    if not positive or not negative:
        return 0.5
    _, place, count = np.unique(p, return_inverse=True, return_counts=True)
    middle_rank = np.cumsum(count) - (count - 1) / 2
    ranks = middle_rank[place]
    return float((ranks[truth == 1].sum() - positive * (positive + 1) / 2) / positive / negative)


def calibration_points(p: Floats, truth: Floats) -> list[dict[str, float]]:
    """Cases by rising chance in bins of equal size (15, or 10 below 3,000): expected and seen."""
    order = np.argsort(p, kind="stable")
    bins = np.array_split(order, 15 if len(p) >= 3_000 else 10)
    return [
        {
            "n": len(part),
            "expected": float(p[part].mean()),
            "seen": float(truth[part].mean()),
        }
        for part in bins
        if len(part)
    ]


def ece(p: Floats, truth: Floats) -> float:
    """Expected calibration error over those bins."""
    points = calibration_points(p, truth)
    return sum(b["n"] * abs(b["expected"] - b["seen"]) for b in points) / len(p)


def lift_top_tenth(p: Floats, truth: Floats) -> float:
    """How many times the base rate the tenth with the highest chance came true."""
    top = np.argsort(-p, kind="stable")[: max(1, len(p) // 10)]
    return float(truth[top].mean() / truth.mean()) if truth.any() else 0.0


def summary(p: Floats, truth: Floats) -> dict[str, Any]:
    return {
        "n": len(truth),
        "positives": int(truth.sum()),
        "rate": round(float(truth.mean()), 5),
        "auc": round(auc(p, truth), 4),
        "log_loss": round(float(log_losses(p, truth).mean()), 5),
        "brier": round(float(((p - truth) ** 2).mean()), 5),
        "ece": round(ece(p, truth), 4),
        "lift": round(lift_top_tenth(p, truth), 3),
    }


def difference(
    per_case: Floats, group: npt.NDArray[np.int64], seed: int = 7
) -> tuple[float, float, float]:
    """Mean of a per-case difference with a 95 % interval from resampling whole groups."""
    _, place = np.unique(group, return_inverse=True)
    totals = np.bincount(place, weights=per_case)
    counts = np.bincount(place)
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, len(totals), len(totals))
        means.append(totals[drawn].sum() / counts[drawn].sum())
    low, high = np.quantile(means, [0.025, 0.975])
    return float(per_case.mean()), float(low), float(high)
