"""The daily watch over inputs and scores: what a model learned from is kept in counts, each night
is counted in the same bins, and the two are compared (risk/engine/drift.py)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

from risk.engine import drift
from risk.engine.additive import Artefact, Floats
from risk.engine.cases import Cases
from risk.frame import Frame
from risk.models import ModelReference, ModelVersion, ScoringDay, Target
from risk.quality.outcomes import P_CUTS
from risk.targets import DECLARATIONS

SCORE = "score"
# Inputs that follow the calendar or the moment of looking differ from night to night by nature.
CALENDAR_CAUSES = {"season", "billing"}
OF_THE_MOMENT = {"ahead_days"}
EVE = 3  # the view of a past booking that a night can be compared with (risk/features/bookings.py)
KEPT_DAYS = 100
TRAILING = 28
# A location whose newest night is older than this is not looked at: its data is late, and said so.
NEWEST_WITHIN_DAYS = 2
# Nights summed up in one look, and how many past periods count as one independent piece (a month).
LOOKS = {str(Target.CHURN): (1,), str(Target.CANCELLATION): (1, 7)}
BLOCK = {str(Target.CHURN): 1, str(Target.CANCELLATION): 30}


def watched(target: str) -> list[Any]:
    """The inputs that can be compared from night to night."""
    return [
        one
        for one in DECLARATIONS[target].inputs
        if one.cause not in CALENDAR_CAUSES and one.name not in OF_THE_MOMENT
    ]


def log_odds(p: Floats) -> Floats:
    z: Floats = np.log(p / (1 - p))
    return z


# --- At training ---------------------------------------------------------------------------------


def reference_of(target: str, cases: Cases, artefact: Artefact) -> dict[str, Any]:
    """The fields of the model's `ModelReference`, from the cases it was made from. Without cases,
    bins only."""
    cases = _as_a_night(target, cases)
    columns = dict(cases.columns)
    bins = {
        one.name: drift.bins_of(one.name, one.kind, columns[one.name])
        if one.learned and len(cases)
        else _declared_bins(one)
        for one in watched(target)
        if one.name in columns
    }
    bins[SCORE] = drift.Bins(SCORE, "number", log_odds(P_CUTS))
    fields: dict[str, Any] = {"bins": drift.dump_bins(bins), "inputs": {}, "calm": {}}
    if not len(cases):
        return fields
    p = artefact.main.probability(cases.columns)
    columns[SCORE] = log_odds(p)
    bins[SCORE] = drift.bins_of(SCORE, "number", columns[SCORE])
    fields["bins"] = drift.dump_bins(bins)
    learned = {one.name for one in watched(target) if one.learned} | {SCORE}
    day = np.floor(cases.moment).astype(np.int64)
    fields["inputs"] = drift.dump(
        drift.reference(
            [one for name, one in bins.items() if name in learned],
            columns,
            period=day,
            location=cases.location,
            looks=LOOKS[target],
            block=BLOCK[target],
        )
    )
    return fields


def calm_of(cases: Cases, artefact: Artefact, *, from_day: float) -> dict[str, float]:
    """How calibration scattered on the days since `from_day`, which judged the model."""
    cases = _as_a_night(artefact.target, cases)
    newest = cases.where(cases.moment >= from_day)
    if not len(newest):
        return {}
    p = artefact.main.probability(newest.columns)
    _, day = np.unique(np.floor(newest.known), return_inverse=True)
    by_day = [
        np.bincount(day, weights=weights).astype(np.float64)
        for weights in (p, newest.outcomes["any"], p * (1 - p))
    ]
    calm = drift.calm(*by_day)
    return {"dispersion": calm.dispersion, "margin": calm.margin}


def _as_a_night(target: str, cases: Cases) -> Cases:
    """The cases a night is like: bookings on their eve, memberships all."""
    if target == Target.CANCELLATION and "view" in cases.columns:
        return cases.where(cases.columns["view"] == EVE)
    return cases


def _declared_bins(one: Any) -> drift.Bins:
    """Bins of an input the past knows nothing of: the steps of its points."""
    cuts = np.array([limit for limit, _ in one.points if np.isfinite(limit)])
    return drift.Bins(one.name, one.kind, cuts)


# --- Each night ----------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _bins(reference_id: int) -> dict[str, drift.Bins]:
    """A reference never changes, so a process may keep its bins."""
    return drift.parse_bins(ModelReference.objects.values_list("bins").get(pk=reference_id)[0])


def bins_for(version: ModelVersion) -> dict[str, drift.Bins]:
    found = ModelReference.objects.filter(model=version).values_list("pk").first()
    return _bins(found[0]) if found else {}


DAYS = {
    str(Target.CHURN): ("risk_churnscoreday", "membership_id"),
    str(Target.CANCELLATION): ("risk_bookingscoreday", "appointment_id"),
}


class Night:
    """One location's night, counted part by part in the bins of the model that scored it, and what
    the newest shadow would have said. Members who have asked to cancel and bookings of other days
    than the next are not counted as inputs, because the past has none of them."""

    def __init__(
        self,
        version: ModelVersion,
        location_id: int,
        as_of_on: date,
        *,
        shadow: ModelVersion | None = None,
        shadow_artefact: Artefact | None = None,
    ) -> None:
        self.version, self.location_id, self.as_of_on = version, location_id, as_of_on
        self.shadow, self.shadow_artefact = shadow, shadow_artefact
        self.bins = bins_for(version)
        self.rows = 0
        self.inputs: dict[str, drift.Counts] = {}
        self.shadowed: list[tuple[list[int], list[float]]] = []

    def add(self, frame: Frame, p: Floats) -> None:
        """Count rows and the chances they were given, in their order."""
        self.rows += len(frame)
        use = comparable(self.version.target, frame, self.as_of_on)
        columns = {**frame.columns, SCORE: log_odds(p)}
        for name, one in self.bins.items():
            if name in columns:
                counts = one.counts(columns[name][use])
                self.inputs[name] = self.inputs.get(name, 0) + counts
        if self.shadow_artefact is not None:
            chances = self.shadow_artefact.main.probability(frame.columns)
            ids = frame.ids[DAYS[self.version.target][1]]
            self.shadowed.append((ids.tolist(), chances.tolist()))

    def write(self) -> None:
        """Keep the counts, and the shadow's chances beside the scores kept this night. Call inside
        the transaction that keeps those."""
        if self.bins and self.rows:
            ScoringDay.objects.update_or_create(
                target=self.version.target,
                location_id=self.location_id,
                as_of_on=self.as_of_on,
                model=self.version,
                defaults={
                    "rows": self.rows,
                    "inputs": {name: counts.tolist() for name, counts in self.inputs.items()},
                },
            )
        if self.shadow is None:
            return
        table, key = DAYS[self.version.target]
        with connection.cursor() as cursor:
            for ids, chances in self.shadowed:
                cursor.execute(
                    f"UPDATE {table} d SET shadow_p = n.p, shadow_model_id = %s "  # noqa: S608
                    f"FROM UNNEST(%s::bigint[], %s::float8[]) n (id, p) "
                    f"WHERE d.{key} = n.id AND d.as_of_on = %s",
                    [self.shadow.pk, ids, chances, self.as_of_on],
                )


def comparable(target: str, frame: Frame, as_of_on: date) -> npt.NDArray[np.bool_]:
    """Which rows of a night are like the cases a model learns from."""
    if target == Target.CHURN:
        asked: npt.NDArray[np.bool_] = ~(frame.columns["notice_days"] >= 0)
        return asked
    tomorrow = (as_of_on - date(1970, 1, 1)).days + 1
    eve: npt.NDArray[np.bool_] = frame.columns["day"] == tomorrow
    return eve


def keep_bookings(*, location_id: int, as_of_on: date) -> None:
    """Keep the scores of the bookings of the next day, to be measured when they are over."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO risk_bookingscoreday (appointment_id, as_of_on, p, score, model_id) "
            "SELECT s.appointment_id, s.as_of_on, s.p, s.score, s.model_id "
            "FROM risk_bookingscore s JOIN memberships_appointment b ON b.id = s.appointment_id "
            "WHERE s.location_id = %s AND s.as_of_on = %s AND b.starts_on = s.as_of_on + 1 "
            "ON CONFLICT (appointment_id, as_of_on) DO UPDATE "
            "SET p = EXCLUDED.p, score = EXCLUDED.score, model_id = EXCLUDED.model_id",
            [location_id, as_of_on],
        )


# --- The daily check -----------------------------------------------------------------------------


def findings(version: ModelVersion, *, on: date) -> list[drift.Finding]:
    """What is odd about the newest night of each location up to the day `on`. Two statements."""
    reference = ModelReference.objects.filter(model=version).first()
    if reference is None:
        return []
    bins = drift.parse_bins(reference.bins)
    locations, nights, rows = _nights(version, on, bins)
    if not locations:
        return []
    return drift.check(drift.parse(reference.inputs), nights, rows, locations, bins=bins)


def _nights(
    version: ModelVersion, on: date, bins: Mapping[str, drift.Bins]
) -> tuple[list[int], dict[str, drift.Counts], drift.Counts]:
    """Counts of the last nights, shape (nights, locations, places) by input, the newest last, for
    the locations whose newest night is fresh; nights before the first one known are left out."""
    since = on - timedelta(days=TRAILING + NEWEST_WITHIN_DAYS)
    kept = list(
        ScoringDay.objects.filter(model=version, as_of_on__gt=since, as_of_on__lte=on).values_list(
            "location_id", "as_of_on", "rows", "inputs"
        )
    )
    newest: dict[int, date] = {}
    for place, day, _, _ in kept:
        newest[place] = max(newest.get(place, day), day)
    fresh = {
        place: day for place, day in newest.items() if (on - day).days < NEWEST_WITHIN_DAYS + 1
    }
    locations = sorted(fresh)
    column = {place: number for number, place in enumerate(locations)}
    length = 1 + max(((fresh[p] - day).days for p, day, _, _ in kept if p in fresh), default=0)
    rows = np.zeros((length, len(locations)), dtype=np.int64)
    nights = {
        name: np.zeros((length, len(locations), one.places), dtype=np.int64)
        for name, one in bins.items()
    }
    for place, day, count, inputs in kept:
        if place not in fresh:
            continue
        night = length - 1 - (fresh[place] - day).days
        rows[night, column[place]] = count
        for name, counts in inputs.items():
            nights[name][night, column[place]] = counts
    return locations, nights, rows


def forget_old(*, on: date) -> int:
    """Drop nights that no check looks at any more."""
    gone, _ = ScoringDay.objects.filter(as_of_on__lt=on - timedelta(days=KEPT_DAYS)).delete()
    return gone
