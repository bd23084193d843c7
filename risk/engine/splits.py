"""Which cases teach and which judge. Nothing a test case lies in the future of is held back, and
nothing it lies in the past of may teach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from risk.engine.additive import Floats
from risk.engine.cases import Cases
from risk.engine.task import FoldSplit, SnapshotSplit, TaskError, TimeSplit

EPOCH = date(1970, 1, 1)
LEAST_TEST = 30
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """One judgement: pairs of (training rows, test rows) whose test rows together are judged; a row
    tested more than once by the mean of its chances. `headline` marks the result, the others show
    how much it moves."""

    name: str
    headline: bool
    parts: tuple[tuple[Rows, Rows], ...]

    def judged(self, chances: Floats) -> tuple[Rows, Floats]:
        """(rows tested, ascending; their chances) from the chances of all parts in turn."""
        tested = np.concatenate([test for _, test in self.parts])
        rows, place, times = np.unique(tested, return_inverse=True, return_counts=True)
        return rows, np.bincount(place, chances) / times


def day_number(on: date) -> float:
    return float((on - EPOCH).days)


def day_text(day: float) -> str:
    return (EPOCH + timedelta(days=int(np.floor(day)))).isoformat()


def by_time(cases: Cases, split: TimeSplit, source: str, notes: list[str]) -> list[Split]:
    """Raises TaskError where a cut-off that was asked for leaves too little on one side; one of
    our own choosing is left out and told in `notes`."""
    first, last = float(cases.moment.min()), float(cases.moment.max())
    if split.test_from is not None:
        start = day_number(split.test_from)
        if not first < start <= last:
            raise TaskError(
                f"{source}: split.test_from: {split.test_from} is outside the cases, which are "
                f"scored from {day_text(first)} to {day_text(last)}."
            )
    else:
        start = float(np.floor(np.quantile(cases.moment, 0.75)))
    until = np.inf if split.test_until is None else day_number(split.test_until)
    splits = [_cut(cases, start, until, "headline", headline=True, source=source)]
    if isinstance(split.origins, tuple):
        origins = [day_number(on) for on in split.origins]
        for on, day in zip(split.origins, origins, strict=True):
            if not first < day <= last:
                raise TaskError(
                    f"{source}: split.origins: {on} is outside the cases, which are scored from "
                    f"{day_text(first)} to {day_text(last)}."
                )
    else:
        middle = float(np.quantile(cases.moment, 0.375))
        origins = list(np.unique(np.floor(np.linspace(middle, start, split.origins + 1)[:-1])))
    for place, origin in enumerate(origins):
        if split.origin_days is not None:
            end = origin + split.origin_days
        else:
            end = origins[place + 1] if place + 1 < len(origins) else max(start, origin + 1)
        try:
            splits.append(_cut(cases, origin, end, "", headline=False, source=source))
        except TaskError:
            if isinstance(split.origins, tuple):
                raise
            notes.append(f"too few cases for a further cut-off at {day_text(origin)}")
    return splits


def _cut(
    cases: Cases, start: float, end: float, name: str, *, headline: bool, source: str
) -> Split:
    train = np.flatnonzero((cases.moment < start) & (cases.known <= start))
    test = np.flatnonzero((cases.moment >= start) & (cases.moment < end))
    label = name or f"{day_text(start)} to {day_text(end - 1)}"
    _usable(cases, train, f"before {day_text(start)}", "split", source)
    _usable(cases, test, f"in the test from {day_text(start)}", "split", source)
    return Split(label, headline, ((train, test),))


def by_snapshot(cases: Cases, split: SnapshotSplit, source: str) -> list[Split]:
    """The test snapshots are judged together, and each apart."""
    days = np.unique(cases.moment)
    if split.test:
        # A snapshot is the end of its day, so its cases are scored at the next midnight.
        tests = [day_number(on) + 1 for on in split.test]
        trains = [day_number(on) + 1 for on in split.train]
    else:
        newest = max(1, len(days) // 4)
        tests = days[-newest:].tolist()
        trains = days[:-newest].tolist()
    train_rows = np.flatnonzero(np.isin(cases.moment, trains) & (cases.known <= min(tests)))
    if not len(train_rows):
        raise TaskError(
            f"{source}: split: no snapshot's outcome is known before the first test day "
            f"{day_text(min(tests) - 1)}: take earlier training days or later test days."
        )
    late = sorted(
        {float(m) for m in cases.moment[np.isin(cases.moment, trains)]}
        - set(cases.moment[train_rows].tolist())
    )
    if late and split.train:
        raise TaskError(
            f"{source}: split.train: the outcome of the snapshot {day_text(late[0] - 1)} is not "
            f"known before the first test day {day_text(min(tests) - 1)}: leave it out."
        )
    tested = np.flatnonzero(np.isin(cases.moment, tests))
    _usable(cases, train_rows, "in the training snapshots", "split.train", source)
    _usable(cases, tested, "in the test snapshots", "split.test", source)
    splits = [Split("headline", True, ((train_rows, tested),))]
    if len(tests) > 1:
        splits += [
            Split(day_text(day - 1), False, ((train_rows, np.flatnonzero(cases.moment == day)),))
            for day in tests
        ]
    return splits


def by_fold(cases: Cases, split: FoldSplit, source: str) -> list[Split]:
    """Every case is judged by the mean of its out-of-fold chances, one per repeat."""
    truth = cases.outcomes["any"]
    if min(truth.sum(), len(truth) - truth.sum()) < split.folds:
        raise TaskError(
            f"{source}: split.folds: {int(truth.sum())} positive of {len(truth)} rows do not fill "
            f"{split.folds} folds: take fewer."
        )
    alone = len(np.unique(cases.guest)) == len(cases)  # grouping costs seconds
    parts: list[tuple[Rows, Rows]] = []
    for repeat in range(split.repeats):
        seed = split.seed + repeat
        if alone:
            plain = StratifiedKFold(split.folds, shuffle=True, random_state=seed)
            parts += plain.split(truth, truth)
        else:
            whole = StratifiedGroupKFold(split.folds, shuffle=True, random_state=seed)
            parts += whole.split(truth, truth, cases.guest)
    return [Split(f"{split.repeats} x {split.folds} folds", True, tuple(parts))]


def _usable(cases: Cases, rows: Sequence[int] | Rows, where: str, field: str, source: str) -> None:
    truth = cases.outcomes["any"][rows]
    if len(truth) < LEAST_TEST or truth.min() == truth.max():
        found = "none positive" if not truth.any() else "all positive" if truth.all() else ""
        raise TaskError(
            f"{source}: {field}: {len(truth)} cases {where}{', ' + found if found else ''}; at "
            f"least {LEAST_TEST}, of both kinds, are needed: move the cut-off."
        )
