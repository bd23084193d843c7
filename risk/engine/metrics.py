"""How good predictions are: ranking, probability, calibration, lift. Arrays in, numbers out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from risk.engine.additive import Floats

RESAMPLES = 300
LIFT_AT = (0.01, 0.05, 0.1, 0.2, 0.3)


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


def pr_auc(p: Floats, truth: Floats) -> float:
    """Average precision: precision at each rank of a case that came true, ties taken together."""
    if not truth.any():
        return 0.0
    order = np.argsort(-p, kind="stable")
    hits, cases = np.cumsum(truth[order]), np.arange(1, len(p) + 1)
    ends = np.append(np.diff(p[order]) != 0, True)
    recall = hits[ends] / truth.sum()
    return float((np.diff(recall, prepend=0.0) * hits[ends] / cases[ends]).sum())


def lift(p: Floats, truth: Floats, share: float = 0.1) -> float:
    """How many times the base rate the `share` with the highest chance came true."""
    top = np.argsort(-p, kind="stable")[: max(1, int(len(p) * share))]
    return float(truth[top].mean() / truth.mean()) if truth.any() else 0.0


def auc_interval(p: Floats, truth: Floats, group: npt.NDArray[np.int64]) -> tuple[float, float]:
    """95 % interval of the AUC. Each case's part in it (DeLong, DeLong & Clarke-Pearson 1988) is
    summed by group first, so that people with many cases count as one (Obuchowski 1997)."""
    positive = truth == 1
    if positive.all() or not positive.any():
        return 0.0, 1.0
    area = auc(p, truth)
    above, below = np.sort(p[~positive]), np.sort(p[positive])
    part = np.empty(len(p))
    part[positive] = _share_below(above, p[positive])
    part[~positive] = 1 - _share_below(below, p[~positive])
    count = np.where(positive, positive.sum(), (~positive).sum())
    _, place = np.unique(group, return_inverse=True)
    sums = np.bincount(place, weights=(part - area) / count)
    half = 1.96 * float(np.sqrt((sums**2).sum()))
    return max(0.0, area - half), min(1.0, area + half)


def _share_below(ordered: Floats, x: Floats) -> Floats:
    """The share of `ordered` below each x, ties counting half."""
    low = np.searchsorted(ordered, x, side="left")
    high = np.searchsorted(ordered, x, side="right")
    share: Floats = (low + high) / 2 / len(ordered)
    return share


def summary(p: Floats, truth: Floats) -> dict[str, Any]:
    return {
        "n": len(truth),
        "positives": int(truth.sum()),
        "rate": round(float(truth.mean()), 5),
        "auc": round(auc(p, truth), 4),
        "log_loss": round(float(log_losses(p, truth).mean()), 5),
        "brier": round(float(((p - truth) ** 2).mean()), 5),
        "ece": round(ece(p, truth), 4),
        "pr_auc": round(pr_auc(p, truth), 4),
        "lift": round(lift(p, truth), 3),
        "lift_at": {str(share): round(lift(p, truth, share), 3) for share in LIFT_AT},
    }


def clustered(per_case: Floats, group: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Mean of a per-case difference and its standard error, whole groups counting as one draw."""
    mean = float(per_case.mean())
    _, place = np.unique(group, return_inverse=True)
    sums = np.bincount(place, weights=per_case - mean)
    return mean, float(np.sqrt((sums**2).sum())) / len(per_case)


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
