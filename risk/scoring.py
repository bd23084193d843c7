"""From inputs to scores: chance, score, reasons and how far to trust them. Pure arrays.

The churn score runs from 1 to 100 on a scale of odds: 50 is a chance of 15 in 100 to leave within
60 days, and the score rises with the odds from there,

    score / (100 - score) = odds(p) / odds(0.15)

so 40 is a chance of 11 in 100, 75 of 35 and 90 of 61. A plain percentage would leave everybody in
the lowest band, because few members leave in any two months; a rank would move when others do. The
score of a booking is its chance in percent.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from risk import ease, reasons
from risk.engine.additive import Artefact, Floats
from risk.engine.scorecard import KIND as SCORECARD
from risk.frame import Frame
from risk.models import Flag, Target
from risk.withheld import Withheld, blind

SCORE_50_AT = 0.15
THIN_TENURE_DAYS, THIN_EVENTS = 30, 3
UNKNOWN_TENURE_DAYS = 14
ODD_INPUTS = 3  # so many inputs outside what training saw make the score doubtful
TRUST = ("low", "fair", "good")


@dataclass(frozen=True)
class Scored:
    """Scores in the order of the frame's rows. `second` is the part of the chance that falls to
    the cause told apart (involuntary, no-show), NaN where the model knows no causes. `low` and
    `high` are the ends of the interval, NaN where none is known. `confidence` indexes TRUST.
    `flags` are the doubts (`Flag`) of each row. `unknown` marks rows with too little to go by."""

    p: Floats
    low: Floats
    high: Floats
    score: npt.NDArray[np.int64]
    second: Floats
    reasons: list[list[dict[str, Any]]]
    confidence: npt.NDArray[np.int64]
    notes: list[str]
    flags: list[list[str]]
    unknown: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Doubts:
    """What makes every score of a run doubtful, whatever the inputs: the world drifts away from
    what the model learned, or the mirror of a location is behind."""

    drifting: bool = False
    stale_locations: frozenset[int] = frozenset()


@dataclass(frozen=True)
class _Seen:
    """What the model says of rows, before what each target adds."""

    p: Floats
    low: Floats
    high: Floats
    second: Floats
    reasons: list[list[dict[str, Any]]]
    unseen: npt.NDArray[np.int64]
    odd: npt.NDArray[np.bool_]
    missing: npt.NDArray[np.int64]


def churn_points(p: Floats) -> npt.NDArray[np.int64]:
    """Chance to score, 1 to 100, on the scale above."""
    odds = p / (1 - p) / (SCORE_50_AT / (1 - SCORE_50_AT))
    points: npt.NDArray[np.int64] = np.clip(np.rint(100 * odds / (1 + odds)), 1, 100).astype(
        np.int64
    )
    return points


def percent(p: Floats) -> npt.NDArray[np.int64]:
    """Chance to the score of a booking, 0 to 100."""
    return np.rint(100 * p).astype(np.int64)


def chance_at(score: float) -> float:
    """The chance a churn score stands for."""
    odds = score / (100 - score) * SCORE_50_AT / (1 - SCORE_50_AT)
    return odds / (1 + odds)


def score(
    target: str, artefact: Artefact, frame: Frame, *, withheld: Withheld, doubts: Doubts
) -> Scored:
    """Scores of all rows; those from which inputs are withheld by the model without them."""
    groups = withheld.groups(frame.ids["guest_id"])
    parts = []
    for names, rows in groups:
        mine, hidden = frame, artefact
        if len(groups) > 1:
            mine = frame.where(np.isin(np.arange(len(frame)), rows))
        if names:
            hidden = blind(artefact, names)
        parts.append(SCORERS[target](hidden, mine, doubts, names))
    if len(parts) == 1:
        return parts[0]
    return _merged(parts, np.argsort(np.concatenate([rows for _, rows in groups])))


def _merged(parts: list[Scored], order: npt.NDArray[np.intp]) -> Scored:
    merged: dict[str, Any] = {}
    for one in fields(Scored):
        values = [getattr(part, one.name) for part in parts]
        if isinstance(values[0], list):
            flat = [value for part in values for value in part]
            merged[one.name] = [flat[row] for row in order.tolist()]
        else:
            merged[one.name] = np.concatenate(values)[order]
    return Scored(**merged)


def score_members(
    artefact: Artefact,
    frame: Frame,
    doubts: Doubts = Doubts(),
    hidden: frozenset[str] = frozenset(),
) -> Scored:
    """Churn scores. A member who has asked to cancel gets the chance with which such members leave
    and that one reason; that is a fact, and in no doubt."""
    c = frame.columns
    seen = _seen(artefact, frame, "involuntary", churn_points, hidden)
    noticed = c["notice_days"] >= 0
    p = np.where(noticed, artefact.notice_p, seen.p)
    for row in np.flatnonzero(noticed).tolist():
        seen.reasons[row] = [reasons.notice_reason(float(c["notice_days"][row]))]
    thin = (c["tenure_days"] < THIN_TENURE_DAYS) & (c["visits_365"] + c["paid_365"] < THIN_EVENTS)
    confidence, notes, flags = _trust(
        artefact, frame, seen, thin, "joined only lately, few visits and payments yet", doubts
    )
    confidence[noticed] = TRUST.index("good")
    for row in np.flatnonzero(noticed).tolist():
        notes[row], flags[row] = "", []
    return Scored(
        p=p,
        low=np.where(noticed, np.nan, seen.low),
        high=np.where(noticed, np.nan, seen.high),
        score=churn_points(p),
        second=np.where(noticed, 0.0, seen.second),
        reasons=seen.reasons,
        confidence=confidence,
        notes=notes,
        flags=flags,
        unknown=thin & ~noticed & (c["tenure_days"] < UNKNOWN_TENURE_DAYS) & (c["visits_365"] == 0),
    )


def score_bookings(
    artefact: Artefact,
    frame: Frame,
    doubts: Doubts = Doubts(),
    hidden: frozenset[str] = frozenset(),
) -> Scored:
    """Scores of bookings: the chance in percent that each is cancelled or missed."""
    seen = _seen(artefact, frame, "no_show", percent, hidden)
    first = frame.columns["past_bookings"] == 0
    confidence, notes, flags = _trust(
        artefact, frame, seen, np.zeros(len(seen.p), dtype=bool), "", doubts
    )
    # Of a guest's first booking only the booking itself is known.
    confidence = np.where(first, np.minimum(confidence, TRUST.index("fair")), confidence)
    notes = [
        note or ("first booking of this guest" if new else "")
        for note, new in zip(notes, first.tolist(), strict=True)
    ]
    return Scored(
        p=seen.p,
        low=seen.low,
        high=seen.high,
        score=percent(seen.p),
        second=seen.second,
        reasons=seen.reasons,
        confidence=confidence,
        notes=notes,
        flags=flags,
        unknown=np.zeros(len(seen.p), dtype=bool),
    )


SCORERS = {str(Target.CHURN): score_members, str(Target.CANCELLATION): score_bookings}


def _seen(
    artefact: Artefact, frame: Frame, head: str, points: ease.Points, hidden: frozenset[str]
) -> _Seen:
    main = artefact.main
    parts = main.contributions(frame.columns)
    z = main.baseline + parts.sum(axis=1)
    p = main.chance(z)
    nothing = np.full(len(p), np.nan)
    unseen = main.unseen(frame.columns)
    why = reasons.explain(artefact.target, main, frame.columns, parts, hidden)
    ease.add(artefact.target, main, frame.columns, p, why, points=points)
    low, high = main.interval(z, unseen) or (nothing, nothing)
    support = artefact.support
    odd = unseen >= ODD_INPUTS
    return _Seen(
        p=p,
        low=low,
        high=high,
        second=artefact.parts(frame.columns, p).get(head, nothing),
        reasons=why,
        unseen=unseen,
        odd=odd if support is None else odd | (support.distance(parts) > support.limit),
        missing=np.zeros(len(p), np.int64) if support is None else support.missing(frame.columns),
    )


# The doubts in the order in which one of them gives the note, with how far it lowers the trust.
NOTES = {
    Flag.THIN_HISTORY: ("low", ""),
    Flag.OUT_OF_DISTRIBUTION: ("low", "the facts are unlike those of anybody seen before"),
    Flag.MISSING_INPUTS: ("fair", "facts are missing that are usually known"),
    Flag.STALE_SYNC: ("fair", "the data of the location is behind"),
    Flag.MODEL_DRIFT: ("fair", "things have changed since the model learned"),
    Flag.SCORECARD: (
        "fair",
        "estimated from general experience until there are enough outcomes here",
    ),
}


def _trust(
    artefact: Artefact,
    frame: Frame,
    seen: _Seen,
    thin: npt.NDArray[np.bool_],
    thin_note: str,
    doubts: Doubts,
) -> tuple[npt.NDArray[np.int64], list[str], list[list[str]]]:
    """How far to trust each score, why not further, and the doubts by name."""
    rows = len(thin)
    marks = {
        Flag.THIN_HISTORY: thin,
        Flag.OUT_OF_DISTRIBUTION: seen.odd,
        Flag.MISSING_INPUTS: seen.missing > 0,
        Flag.STALE_SYNC: np.isin(frame.ids["location_id"], list(doubts.stale_locations))
        if doubts.stale_locations
        else np.zeros(rows, dtype=bool),
        Flag.MODEL_DRIFT: np.full(rows, doubts.drifting),
        Flag.SCORECARD: np.full(rows, artefact.kind == SCORECARD),
    }
    confidence = np.where(seen.unseen > 0, TRUST.index("fair"), TRUST.index("good"))
    notes = [""] * rows
    flags: list[list[str]] = [[] for _ in range(rows)]
    for flag, mark in marks.items():
        trust, note = NOTES[flag]
        confidence[mark] = np.minimum(confidence[mark], TRUST.index(trust))
        for row in np.flatnonzero(mark).tolist():
            flags[row].append(str(flag))
            notes[row] = notes[row] or note or thin_note
    return confidence, notes, flags
