"""What the quality page shows of one target: what was said, what came true, who says it.

Reads roll-ups only; the number of statements does not depend on locations or cases. Live outcomes
count whatever model gave the score: they judge what staff saw. Until enough are known, the newest
past cases the serving model was tested on stand in for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Case, F, Q, QuerySet, Sum, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from risk.models import (
    Band,
    DriftAlarm,
    ModelVersion,
    OutcomeGroup,
    Target,
    UpliftEstimate,
)
from risk.quality import outcomes, words

NEEDED = 200  # outcomes before the page judges live scores
MONTHS = 6
FEW = 20  # below so many cases counts are shown, no shares
POINTS = 8  # of the calibration plot
# A location or group is marked when chance alone would put it so far off once in a thousand, with
# half again the variance of independent cases.
MARKED_AT, OVERDISPERSION = 3.3, 1.5
Status = ModelVersion.Status

GROUPS: dict[str, dict[str, Any]] = {
    "plan": {
        "title": gettext_lazy("Kind of plan"),
        "values": {
            "recurring": gettext_lazy("recurring"),
            "non_recurring": gettext_lazy("package"),
        },
    },
    "tenure": {
        "title": gettext_lazy("Member for"),
        "values": {
            "to_3_months": gettext_lazy("up to 3 months"),
            "to_1_year": gettext_lazy("3 to 12 months"),
            "longer": gettext_lazy("over a year"),
        },
    },
    "channel": {"title": gettext_lazy("Booked by"), "values": {}},
    "lead": {
        "title": gettext_lazy("Booked ahead"),
        "values": {
            "to_3_days": gettext_lazy("up to 3 days"),
            "to_2_weeks": gettext_lazy("3 to 14 days"),
            "longer": gettext_lazy("over two weeks"),
            "untold": gettext_lazy("not told"),
        },
    },
}


@dataclass(frozen=True)
class Said:
    """Cases of one row: how many, how many were expected to come true, how many did."""

    name: str
    n: int
    expected: float
    seen: int
    band: str = ""

    def and_also(self, n: int, expected: float, seen: int) -> Said:
        return replace(self, n=self.n + n, expected=self.expected + expected, seen=self.seen + seen)

    @property
    def is_few(self) -> bool:
        return self.n < FEW

    @property
    def said(self) -> str:
        return _shown(self.expected, self.n)

    @property
    def came(self) -> str:
        return _shown(self.seen, self.n)

    @property
    def off(self) -> float:
        """In units of what chance gives."""
        if not self.n:
            return 0.0
        variance = max(self.expected * (1 - self.expected / self.n), 0.5) * OVERDISPERSION
        return (self.seen - self.expected) / float(variance**0.5)

    @property
    def is_marked(self) -> bool:
        return not self.is_few and abs(self.off) >= MARKED_AT


def _shown(of: float, n: int) -> str:
    """A share where there are enough cases, else the count."""
    return words.percent(of / n) if n >= FEW else f"{of:.0f}"


@dataclass(frozen=True)
class Point:
    """One point of the calibration plot; shares from 0 to 1."""

    n: int
    expected: float
    seen: float

    @property
    def said(self) -> str:
        return _fine(self.expected)

    @property
    def came(self) -> str:
        return _fine(self.seen)


def _fine(share: float) -> str:
    return _("%(n).1f %%") % {"n": 100 * share}


@dataclass(frozen=True)
class Evidence:
    """What scores are judged by. `is_live`: outcomes of scores staff saw; else past cases the model
    was tested on before it served."""

    is_live: bool
    n: int
    seen: int
    from_on: date | None
    until_on: date | None
    points: Sequence[Point]
    top_share: float | None  # of all that came true, how much was in the tenth rated highest
    gains: Sequence[tuple[float, float]] = ()  # share called, share caught

    @property
    def gain_rows(self) -> list[tuple[str, str]]:
        return [(_fine(called), words.percent(caught)) for called, caught in self.gains[1:]]

    @property
    def top_percent(self) -> str:
        return words.percent(self.top_share) if self.top_share is not None else ""


@dataclass(frozen=True)
class Candidate:
    """A rival on the newest cases: how much better the serving model is, in percent of the rival's
    log loss, with its interval."""

    name: str
    better: float
    low: float
    high: float


@dataclass(frozen=True)
class Figures:
    target: str
    champion: ModelVersion | None
    shadow: ModelVersion | None
    before: ModelVersion | None
    evidence: Evidence | None
    known: int
    bands: list[Said]
    groups: list[tuple[str, str, list[Said]]]  # id, title, rows
    locations: list[Said]
    alarms: list[DriftAlarm]
    duel: outcomes.Duel | None
    candidates: list[Candidate] = field(default_factory=list)
    tried: list[dict[str, Any]] = field(default_factory=list)
    uplift: list[UpliftEstimate] = field(default_factory=list)

    @property
    def needed(self) -> int:
        return NEEDED

    @property
    def high(self) -> Said | None:
        """Everybody called high or very high, in one row."""
        both = [row for row in self.bands if row.band in (Band.HIGH, Band.VERY_HIGH)]
        n = sum(row.n for row in both)
        if not n:
            return None
        return Said("", n, sum(row.expected for row in both), sum(row.seen for row in both))

    @property
    def high_sentence(self) -> str:
        row = self.high
        if row is None:
            return ""
        of = 100 if row.n >= 100 else row.n
        figures = {
            "of": of,
            "seen": round(row.seen / row.n * of),
            "said": round(row.expected / row.n * of),
        }
        if self.target == Target.CHURN:
            return (
                _("Of %(of)d members we called high risk, %(seen)d left; we had said %(said)d.")
                % figures
            )
        return (
            _("Of %(of)d bookings called high risk, %(seen)d fell through; we had said %(said)d.")
            % figures
        )

    @property
    def right_pairs(self) -> str:
        """Of pairs of one case that came true and one that did not, how many it ranks rightly."""
        auc = self.champion.metrics.get("test", {}).get("auc") if self.champion else None
        return words.percent(auc) if auc else ""

    @property
    def is_scorecard(self) -> bool:
        return self.champion is not None and self.champion.kind == "scorecard"


def figures(*, user: Any, target: str, location_id: int | None, on: date) -> Figures:
    """Six statements at most."""
    champion, shadow, before = _models(target)
    divisions, places = _groups(user=user, target=target, location_id=location_id, on=on)
    bins = divisions.get("score", [])
    known = sum(row.n for row in bins)
    evidence = _live(bins, on) if known >= NEEDED else _tested(champion)
    alarms = DriftAlarm.objects.filter(target=target, cleared_at=None).select_related("location")
    return Figures(
        target=target,
        champion=champion,
        shadow=shadow,
        before=before,
        evidence=evidence,
        known=known,
        bands=_bands(divisions.get("band", [])),
        groups=[
            (f"group-{name}", str(GROUPS[name]["title"]), _named(name, divisions[name]))
            for name in GROUPS
            if name in divisions
        ],
        locations=sorted(places, key=lambda row: -abs(row.off)),
        alarms=list(alarms.order_by("-size")),
        duel=outcomes.duel(champion, shadow) if champion and shadow else None,
        candidates=_candidates(champion),
        tried=_tried(champion),
        uplift=_uplift() if target == Target.CHURN else [],
    )


def _models(
    target: str,
) -> tuple[ModelVersion | None, ModelVersion | None, ModelVersion | None]:
    """What serves, what is in shadow beside it, what served before it."""
    versions = list(
        ModelVersion.objects.filter(
            target=target, status__in=[Status.CHAMPION, Status.SHADOW, Status.RETIRED]
        )
        .defer("artefact", "features", "libraries")
        .order_by("-trained_at", "-pk")
    )
    champion = next((one for one in versions if one.status == Status.CHAMPION), None)
    shadow = next(
        (
            one
            for one in versions
            if one.status == Status.SHADOW
            and (champion is None or one.trained_at >= champion.trained_at)
        ),
        None,
    )
    served = [one for one in versions if one.status == Status.RETIRED and one.served_at]
    before = max(served, key=lambda one: one.served_at or one.trained_at, default=None)
    return champion, shadow, before


def _groups(
    *, user: Any, target: str, location_id: int | None, on: date
) -> tuple[dict[str, list[Said]], list[Said]]:
    """Rows by division, and by location, of the outcomes that became known in the last months."""
    since = (on.replace(day=1) - timedelta(days=31 * (MONTHS - 1))).replace(day=1)
    rows: QuerySet[OutcomeGroup] = (
        OutcomeGroup.objects.visible_to(user)
        .at(location_id)
        .filter(target=target, month_on__gte=since)
    )
    # Bands are asked for by location, and give the locations; one statement for both.
    of_bands = Q(division="band")
    summed = rows.values_list(
        "division",
        "value",
        Case(When(of_bands, then=F("location_id"))),
        Case(When(of_bands, then=F("location__name"))),
    ).annotate(Sum("n"), Sum("expected"), Sum("seen"))
    divisions: dict[str, dict[str, Said]] = {}
    places: dict[int, Said] = {}
    for division, value, place, name, n, expected, seen in summed.order_by("division", "value"):
        held = divisions.setdefault(division, {})
        held[value] = held.get(value, Said(value, 0, 0.0, 0)).and_also(n, expected, seen)
        if place is not None:
            places[place] = places.get(place, Said(name, 0, 0.0, 0)).and_also(n, expected, seen)
    return {name: list(held.values()) for name, held in divisions.items()}, list(places.values())


def _live(bins: list[Said], on: date) -> Evidence:
    """From counts by bin of the score, at most `POINTS` points of about equal size."""
    rising = sorted(bins, key=lambda row: int(row.name))
    n, seen = sum(row.n for row in rising), sum(row.seen for row in rising)
    points: list[Point] = []
    held = [0, 0.0, 0]
    for row in rising:
        held = [held[0] + row.n, held[1] + row.expected, held[2] + row.seen]
        if held[0] >= n / POINTS or row is rising[-1]:
            points.append(Point(int(held[0]), held[1] / held[0], held[2] / held[0]))
            held = [0, 0.0, 0]
    gains = [(0.0, 0.0)]
    called, caught = 0, 0
    for row in reversed(rising):
        called, caught = called + row.n, caught + row.seen
        gains.append((called / n, caught / seen if seen else 0.0))
    return Evidence(
        is_live=True,
        n=n,
        seen=seen,
        from_on=(on.replace(day=1) - timedelta(days=31 * (MONTHS - 1))).replace(day=1),
        until_on=on,
        points=points,
        top_share=_at(gains, 0.1) if seen else None,
        gains=gains,
    )


def _at(gains: Sequence[tuple[float, float]], share: float) -> float:
    """The share caught by calling `share` of all, straight between the known points."""
    for (x, y), (x2, y2) in pairwise(gains):
        if x2 >= share:
            return y + (y2 - y) * (share - x) / (x2 - x) if x2 > x else y2
    return 1.0


def _tested(champion: ModelVersion | None) -> Evidence | None:
    """What the serving model was tested on before it served; None for the scorecard."""
    metrics = champion.metrics if champion is not None else {}
    test = metrics.get("test")
    if champion is None or not test:
        return None
    points = [Point(int(b["n"]), b["expected"], b["seen"]) for b in metrics["calibration"]]
    falling = sorted(points, key=lambda point: -point.expected)
    n, seen = sum(p.n for p in falling), sum(p.n * p.seen for p in falling)
    gains, called, caught = [(0.0, 0.0)], 0.0, 0.0
    for point in falling:
        called, caught = called + point.n, caught + point.n * point.seen
        gains.append((called / n, caught / seen if seen else 0.0))
    return Evidence(
        is_live=False,
        n=test["n"],
        seen=test["positives"],
        from_on=champion.data_until_on,
        until_on=champion.trained_at.date(),
        points=points,
        top_share=test["lift"] / 10,
        gains=gains,
    )


def _bands(rows: list[Said]) -> list[Said]:
    found = {row.name: row for row in rows}
    return [
        Said(str(Band(band).label), one.n, one.expected, one.seen, band=str(band))
        for band in (Band.VERY_HIGH, Band.HIGH, Band.WATCH, Band.LOW)
        if (one := found.get(str(band)))
    ]


def _named(division: str, rows: list[Said]) -> list[Said]:
    names = GROUPS[division]["values"]
    order = list(names)
    rows = sorted(rows, key=lambda row: order.index(row.name) if row.name in order else -row.n)
    return [Said(str(names.get(row.name, row.name)), row.n, row.expected, row.seen) for row in rows]


RIVALS = {
    "scorecard": gettext_lazy("general experience"),
    "champion": gettext_lazy("what gave the scores before"),
}


def _candidates(champion: ModelVersion | None) -> list[Candidate]:
    metrics = champion.metrics if champion is not None else {}
    found = []
    for name, gap in metrics.get("against", {}).items():
        loss = metrics.get(name, {}).get("log_loss")
        if loss:
            found.append(
                Candidate(
                    name=str(RIVALS.get(name, name)),
                    better=-100 * gap["mean"] / loss,
                    low=-100 * gap["high"] / loss,
                    high=-100 * gap["low"] / loss,
                )
            )
    return found


def _tried(champion: ModelVersion | None) -> list[dict[str, Any]]:
    """The candidates the serving model was chosen from, as the backtest noted them."""
    metrics = champion.metrics if champion is not None else {}
    choice = metrics.get("choice", {})
    return [
        row
        | {
            "is_chosen": row.get("name") == choice.get("chosen"),
            "pairs": _fine(row["auc"]) if row.get("auc") else "",
        }
        for row in choice.get("candidates", [])
    ]


def _uplift() -> list[UpliftEstimate]:
    return list(
        UpliftEstimate.objects.order_by("play", "-as_of_on").distinct("play").defer("report")
    )
