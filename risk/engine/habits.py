"""Inputs for one look at a visit log: how recent, how regular, how silent against the own habit.

Chosen by rolling backtests: visits that fade with time say more
than counts in windows, which jump as one visit leaves the window, and the chance of silence from
both rhythm models says what a rare guest's silence is worth. Lifetime totals are kept apart in
`TOTALS`: in a log that follows one crowd they grow with the calendar, so a model that leans on them
drifts away from the level of the coming months.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from risk.engine import rhythm
from risk.engine.rhythm import Floats

# Half-lives of a visit's weight in parts of the horizon: a sixth to four thirds.
HALF_LIVES = {"faded_fast": 1 / 6, "faded": 1 / 3, "faded_slow": 2 / 3, "faded_slowest": 4 / 3}
# Days added to a gap before dividing by it, so that two visits in a row make no habit.
PRETENDED_DAYS = 7.0
TOTALS = ("visits", "days_since_first")
SURE = 1e-6


def habit_inputs(
    guest: npt.NDArray[Any],
    day: Floats,
    *,
    until: float,
    horizon: float,
    amounts: Mapping[str, Floats] | None = None,
) -> tuple[npt.NDArray[Any], dict[str, Floats]]:
    """(guests ascending, a column per input) from visits on or before the day `until`; what is
    asked is whether a guest comes in the `horizon` days after it.

    One row per visit in any order; several on one day count as one, their `amounts` (spending,
    pieces) added up. Skewed inputs are given as logarithms. Where too few guests came again for a
    rhythm, `silence_*` are NaN.
    """
    seen = np.floor(day) <= until
    end = float(np.floor(until))
    names, x, t_x, age = rhythm.histories(guest, day, until=until)
    place = np.searchsorted(names, guest[seen])
    keys, row = np.unique(
        np.column_stack([place, np.floor(day[seen])]), axis=0, return_inverse=True
    )
    who, ago = keys[:, 0].astype(np.intp), end - keys[:, 1]
    since = age - t_x
    columns = {"visits": x + 1, "days_since_first": age, "days_since_last": np.log1p(since)}
    for name, part in HALF_LIVES.items():
        half_life = part * horizon
        # Counted from the last visit and moved afterwards: no underflow after years of silence.
        weights = 0.5 ** ((ago - since[who]) / half_life)
        columns[name] = np.log(np.bincount(who, weights, len(names))) - since * np.log(2) / (
            half_life
        )
    usual = t_x.sum() / max(x.sum(), 1.0) if x.any() else horizon
    columns["against_gap"] = np.log1p(since * (x + 1) / (t_x + usual))
    columns["against_last_gap"] = np.log1p(
        since / (_last_gap(who, keys[:, 1], usual) + PRETENDED_DAYS)
    )
    for name, values in (amounts or {}).items():
        by_day = np.bincount(row, values[seen], len(keys)).astype(np.float64)
        last = np.append(np.flatnonzero(np.diff(who)), len(who) - 1) if len(who) else who
        columns[f"{name}_mean"] = _signed_log(np.bincount(who, by_day, len(names)) / (x + 1))
        columns[f"{name}_last"] = _signed_log(by_day[last])
    kinds: tuple[rhythm.Kind, ...] = ("bgnbd", "paretonbd")
    for kind in kinds:
        columns[f"silence_{kind}"] = _silence(x, t_x, age, kind, horizon)
    return names, columns


def _last_gap(who: npt.NDArray[np.intp], day: Floats, usual: float) -> Floats:
    """Days between the last two visits of each guest, the usual gap for those with one visit;
    visits in the order of guest and day."""
    gap = np.diff(day, prepend=np.nan)
    first = np.diff(who, prepend=-1) != 0
    gap[first] = usual
    return gap[np.append(first[1:], True)] if len(who) else gap


def _silence(x: Floats, t_x: Floats, age: Floats, kind: rhythm.Kind, horizon: float) -> Floats:
    """Log-odds of no visit within the horizon."""
    try:
        found = rhythm.fit(x, t_x, age, kind=kind)
    except rhythm.NotEnoughHistory:
        return np.full(len(x), np.nan)
    p = np.clip(found.p_none_within(x, t_x, age, horizon), SURE, 1 - SURE)
    return np.log(p / (1 - p))


def _signed_log(values: Floats) -> Floats:
    """Refunds may make an amount negative."""
    return np.sign(values) * np.log1p(np.abs(values))
