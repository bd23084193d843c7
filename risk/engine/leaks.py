"""Refuses inputs that know the future.

Three questions, all asked before anything is learned:

1. Built inputs: is the number the same when the table is taken back to the moment of scoring? Later
   bookings are gone then and later outcomes not known. A number that changes was made from them.
2. Columns of the table, whose making nobody can see: does one alone tell the outcome apart as no
   honest input does, is it a copy of the outcome, or is it filled (or not) only where the outcome
   was so? Asked of the training part only.
3. Is such a column the outcome itself, averaged or counted per entity or place over all rows? With
   many rows per entity it need not stand out in the second question.

Kaufman et al. 2012 ("Leakage in data mining", ACM TKDD 6(4)) call these legitimacy by time and by
exploration. A refused column can be let pass with inputs.trusted once somebody has checked when it
is written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from risk.engine import metrics
from risk.engine.additive import Floats
from risk.engine.events import Events, features
from risk.engine.problem import Problem
from risk.engine.table import Mask
from risk.engine.task import EventsTask, TaskError

# A single honest column has not been seen above 0.90 in published no-show and churn data (0.85 for
# whole models); a rate over all rows, the answer included, has 0.99.
REFUSED_AUC = 0.95
# A value or a gap that is always positive, so often, and holds so much of all that is positive.
PURE_ROWS, PURE_SHARE, PURE_BELOW = 30, 0.05, 0.5
BINS = 20
# So many keys are needed to see that a column follows their outcomes, so closely.
LEAST_KEYS, IN_STEP, SAME_SUM = 20, 0.999, 1e-6
MOMENTS = 12
SAME = 1e-9
SEED = 7

Build = Callable[[Events], Mapping[str, Floats]]


class LeakError(TaskError):
    """Inputs that know the future; the message names each and the remedy."""


@dataclass(frozen=True)
class Leak:
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"


def check(problem: Problem) -> list[Leak]:
    """Every input of a problem that knows the future, except the trusted ones."""
    task, trusted = problem.task, set(problem.task.inputs.trusted)
    found: list[Leak] = []
    if problem.events is not None and problem.case_rows is not None:
        assert isinstance(task, EventsTask)  # the only kind with events
        automatic = task.inputs.automatic

        def build(events: Events) -> dict[str, Floats]:
            return {one.name: one.values for one in features(events, automatic)}

        found += taken_back(build, problem.events, problem.case_rows)
    first = problem.splits[0].parts[0][0]
    truth = problem.cases.outcomes["any"][first]
    categories = {one.name for one in problem.declaration.inputs if one.kind == "category"}
    plain = [name for name in problem.raw if name in problem.cases.columns]
    for name in plain:
        if name not in trusted:
            x = problem.cases.columns[name][first]
            found += [Leak(name, why) for why in tells_too_much(x, truth, name in categories)]
    cases = problem.cases
    keys = {"entity": cases.guest, "group": cases.location}
    keys |= {name: _codes(cases.columns[name]) for name in plain if name in categories}
    named = {one.name for one in found} | categories
    for name in plain:
        for key, codes in keys.items():
            if name not in named and sums_up(cases.columns[name], cases.outcomes["any"], codes):
                found.append(Leak(name, f"is the outcome summed up per {key} over all rows"))
                named.add(name)
    return [one for one in found if one.name not in trusted]


def refuse(leaks: Collection[Leak], source: str) -> None:
    """Raises LeakError."""
    if leaks:
        lines = "\n".join(f"  {leak}" for leak in leaks)
        raise LeakError(
            f"{source}: inputs that know the future:\n{lines}\n"
            "Take them out (inputs.exclude, or outcome.filled_after for a column written with the "
            "outcome); if one is known at the moment of scoring after all, name it under "
            "inputs.trusted."
        )


def taken_back(build: Build, events: Events, rows: npt.NDArray[np.intp]) -> list[Leak]:
    """Built inputs whose number for a case changes when the table is taken back to its moment."""
    whole = build(events)
    found: dict[str, Leak] = {}
    for moment in _moments(events, rows):
        past, there = events.as_known(moment)
        mine = rows[(events.moment[rows] == moment) & there[rows]]
        place = np.cumsum(there) - 1
        then = build(past)
        for name, values in whole.items():
            if name in found or name not in then:  # too little past for that input to exist
                continue
            now, before = values[mine], then[name][place[mine]]
            differs = ~np.isclose(now, before, rtol=SAME, atol=SAME, equal_nan=True)
            if differs.any():
                first = int(np.flatnonzero(differs)[0])
                found[name] = Leak(
                    name,
                    f"knows what came later: {now[first]:.6g} over the whole table, "
                    f"{before[first]:.6g} with the table as it stood on "
                    f"{np.datetime64(moment, 's')} ({int(differs.sum())} of {len(mine)} cases)",
                )
    return list(found.values())


def _moments(events: Events, rows: npt.NDArray[np.intp]) -> Iterator[int]:
    """Some moments at which cases are scored, spread over time; those of several cases first."""
    moments, counts = np.unique(events.moment[rows], return_counts=True)
    shared = moments[counts >= np.quantile(counts, 0.9)]
    drawn = np.random.default_rng(SEED).permutation(moments)[: MOMENTS // 3]
    spread = shared[
        np.linspace(0, len(shared) - 1, min(len(shared), MOMENTS - len(drawn)), dtype=int)
    ]
    yield from (int(one) for one in np.unique(np.concatenate([drawn, spread])))


def tells_too_much(x: Floats, truth: Floats, category: bool) -> Iterator[str]:
    """Why a column is refused; nothing for an honest one."""
    missing = np.isnan(x)
    if not missing.any() and (np.array_equal(x, truth) or np.array_equal(x, 1 - truth)):
        yield "is the outcome itself"
        return
    codes = _steps(x, missing, category)
    alone = _alone(codes, truth)
    if alone > REFUSED_AUC:
        yield (
            f"alone tells the outcome apart with AUC {alone:.3f} (above {REFUSED_AUC}), as only "
            "something made from the outcome does"
        )
        return
    pure = _pure(codes, truth)
    if pure is not None:
        where = (
            "where it is empty"
            if missing.any() and pure[0] == codes[missing][0]
            else ("where it is filled" if _only_filled(codes, missing, pure[0]) else "at one value")
        )
        yield (
            f"{where} the outcome is always positive ({pure[1]} rows, {pure[2]:.0%} of all "
            "positives), as in a column filled in afterwards"
        )


def sums_up(x: Floats, truth: Floats, key: npt.NDArray[np.int64]) -> bool:
    """Whether a column is made from the positives of all rows of the same key: it rises with their
    share in step, or is one number for all keys with as many rows and positives."""
    known = ~np.isnan(x)
    keys, place, rows = np.unique(key[known], return_inverse=True, return_counts=True)
    if len(keys) < LEAST_KEYS or rows.max() < 2:
        return False
    value = np.bincount(place, x[known]) / rows
    if np.abs(value[place] - x[known]).max() > SAME * max(1.0, float(np.abs(value).max())):
        return False  # it differs within a key
    positive = np.bincount(place, truth[known])
    share = positive / rows
    several = rows >= 2
    if several.sum() >= LEAST_KEYS and np.ptp(share[several]) > 0 and np.ptp(value[several]) > 0:
        step = abs(float(np.corrcoef(value[several], share[several])[0, 1]))
        if step > IN_STEP:
            return True
    _, cell, members = np.unique(
        np.column_stack([rows, positive]), axis=0, return_inverse=True, return_counts=True
    )
    shared = (members[cell] >= 2) & several
    if shared.sum() < LEAST_KEYS:
        return False
    within = value - (np.bincount(cell, value) / members)[cell]
    alike = value - (np.bincount(rows, value) / np.maximum(np.bincount(rows), 1))[rows]
    return bool(
        np.abs(within[shared]).max() <= SAME_SUM * np.ptp(value)
        and np.abs(alike[shared]).max() > SAME_SUM * np.ptp(value)
    )


def _codes(x: Floats) -> npt.NDArray[np.int64]:
    return np.where(np.isnan(x), -1, x).astype(np.int64)


def _steps(x: Floats, missing: Mask, category: bool) -> npt.NDArray[np.int64]:
    """A code per value or range of values; the last one for "not known"."""
    known = x[~missing]
    if category or len(np.unique(known)) <= BINS:
        levels = np.unique(known)
        codes = np.searchsorted(levels, x)
        count = len(levels)
    else:
        cuts = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
        codes = np.searchsorted(cuts, x, side="left")
        count = len(cuts) + 1
    return np.where(missing, count, codes).astype(np.int64)


def _alone(codes: npt.NDArray[np.int64], truth: Floats) -> float:
    """The AUC of ranking by the share of positives at each code, learned on one half and asked on
    the other, so that many rare values prove nothing."""
    half = np.random.default_rng(SEED).random(len(truth)) < 0.5
    areas = []
    for learn, ask in ((half, ~half), (~half, half)):
        count = np.bincount(codes[learn], minlength=codes.max() + 1)
        positive = np.bincount(codes[learn], truth[learn], minlength=codes.max() + 1)
        rate = (positive + truth.mean()) / (count + 1)
        areas.append(metrics.auc(rate[codes[ask]], truth[ask]))
    return float(np.mean(areas))


def _pure(codes: npt.NDArray[np.int64], truth: Floats) -> tuple[int, int, float] | None:
    """(code, rows, share of positives) of a value that is always positive, if there is one."""
    if truth.mean() >= PURE_BELOW:
        return None
    count = np.bincount(codes)
    positive = np.bincount(codes, truth)
    pure = (count >= PURE_ROWS) & (positive == count) & (positive >= PURE_SHARE * truth.sum())
    if not pure.any():
        return None
    code = int(np.argmax(np.where(pure, count, 0)))
    return code, int(count[code]), float(positive[code] / truth.sum())


def _only_filled(codes: npt.NDArray[np.int64], missing: Mask, code: int) -> bool:
    return bool(missing.any()) and bool((codes[~missing] == code).all())
