"""From inputs to scores: chance, score, reasons and how far to trust them. Pure arrays.

The churn score runs from 1 to 100 on a scale of odds: 50 is a chance of 15 in 100 to leave within
60 days, and the score rises with the odds from there,

    score / (100 - score) = odds(p) / odds(0.15)

so 40 is a chance of 11 in 100, 75 of 35 and 90 of 61. A plain percentage would leave everybody in
the lowest band, because few members leave in any two months; a rank would move when others do. The
score of a booking is its chance in percent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from risk import ease, reasons
from risk.engine.additive import Artefact, Floats
from risk.engine.scorecard import KIND as SCORECARD
from risk.frame import Frame
from risk.models import Target

SCORE_50_AT = 0.15
THIN_TENURE_DAYS, THIN_EVENTS = 30, 3
UNKNOWN_TENURE_DAYS = 14
ODD_INPUTS = 3  # so many inputs outside what training saw make the score doubtful
TRUST = ("low", "fair", "good")


@dataclass(frozen=True)
class Scored:
    """Scores in the order of the frame's rows. `second` is the part of the chance that falls to
    the cause told apart (involuntary, no-show), NaN where the model knows no causes. `confidence`
    indexes TRUST. `unknown` marks rows with too little to go by."""

    p: Floats
    score: npt.NDArray[np.int64]
    second: Floats
    reasons: list[list[dict[str, Any]]]
    confidence: npt.NDArray[np.int64]
    notes: list[str]
    unknown: npt.NDArray[np.bool_]


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


def score_members(artefact: Artefact, frame: Frame) -> Scored:
    """Churn scores. A member who has asked to cancel gets the chance with which such members leave
    and that one reason."""
    c = frame.columns
    p, second, why, unseen = _common(artefact, frame, "involuntary", churn_points)
    noticed = c["notice_days"] >= 0
    p = np.where(noticed, artefact.notice_p, p)
    second = np.where(noticed, 0.0, second)
    for row in np.flatnonzero(noticed).tolist():
        why[row] = [reasons.notice_reason(float(c["notice_days"][row]))]
    thin = (c["tenure_days"] < THIN_TENURE_DAYS) & (c["visits_365"] + c["paid_365"] < THIN_EVENTS)
    confidence, notes = _trust(
        artefact, thin & ~noticed, "joined only lately, few visits and payments yet", unseen
    )
    confidence[noticed] = TRUST.index("good")
    return Scored(
        p=p,
        score=churn_points(p),
        second=second,
        reasons=why,
        confidence=confidence,
        notes=["" if gave else note for gave, note in zip(noticed.tolist(), notes, strict=True)],
        unknown=thin & ~noticed & (c["tenure_days"] < UNKNOWN_TENURE_DAYS) & (c["visits_365"] == 0),
    )


def score_bookings(artefact: Artefact, frame: Frame) -> Scored:
    """Scores of bookings: the chance in percent that each is cancelled or missed."""
    p, second, why, unseen = _common(artefact, frame, "no_show", percent)
    first = frame.columns["past_bookings"] == 0
    confidence, notes = _trust(artefact, np.zeros(len(p), dtype=bool), "", unseen)
    # Of a guest's first booking only the booking itself is known.
    confidence = np.where(first, np.minimum(confidence, TRUST.index("fair")), confidence)
    notes = [
        note or ("first booking of this guest" if new else "")
        for note, new in zip(notes, first.tolist(), strict=True)
    ]
    return Scored(
        p=p,
        score=percent(p),
        second=second,
        reasons=why,
        confidence=confidence,
        notes=notes,
        unknown=np.zeros(len(p), dtype=bool),
    )


SCORERS = {str(Target.CHURN): score_members, str(Target.CANCELLATION): score_bookings}


def _common(
    artefact: Artefact, frame: Frame, head: str, points: ease.Points
) -> tuple[Floats, Floats, list[list[dict[str, Any]]], npt.NDArray[np.int64]]:
    main = artefact.main
    parts = main.contributions(frame.columns)
    p = main.chance(main.baseline + parts.sum(axis=1))
    second = artefact.parts(frame.columns, p).get(head, np.full(len(p), np.nan))
    why = reasons.explain(artefact.target, main, frame.columns, parts)
    ease.add(artefact.target, main, frame.columns, p, why, points=points)
    return p, second, why, main.unseen(frame.columns)


def _trust(
    artefact: Artefact,
    thin: npt.NDArray[np.bool_],
    thin_note: str,
    unseen: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """How far to trust each score, and why not further."""
    from_scorecard = artefact.kind == SCORECARD
    odd = unseen >= ODD_INPUTS
    confidence = np.full(len(thin), TRUST.index("good"))
    confidence[unseen > 0] = TRUST.index("fair")
    if from_scorecard:
        confidence[:] = TRUST.index("fair")
    confidence[thin | odd] = TRUST.index("low")
    general = "estimated from general experience until there are enough outcomes here"
    notes = [
        thin_note
        if few
        else f"{count} of the facts are unlike anything seen before"
        if strange
        else general
        if from_scorecard
        else ""
        for few, strange, count in zip(thin.tolist(), odd.tolist(), unseen.tolist(), strict=True)
    ]
    return confidence, notes
