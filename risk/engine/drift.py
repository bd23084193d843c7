"""Whether what a model is given, what it answers and what comes true still are as they were.

Three questions, each asked of counts and not of people:

- **inputs and score** (`compare`): the newest nights against a reference, input by input, for the
  business and for each location. The distance is the population stability index (PSI = sum of
  (p - q) ln(p / q) over bins; Siddiqi, Credit Risk Scorecards, 2006: below 0.1 nothing happened,
  above 0.25 much). Distances between periods of a calm past tell how far an input strays by itself,
  with its seasons, weekdays and clusters of guests; a night is odd where its distance lies beyond
  what they let expect. All odd chances of one check are judged together (Holm 1979), and a distance
  too small to matter is no alarm however certain.
- **volume** (`volume`): how many rows there were to score at all.
- **calibration** (`calibration`): outcomes against chances given, as they become known, by a test
  that may be looked at each day: an e-detector (Shin, Ramdas & Rinaldo, E-detectors, 2023).

Arrays in, findings out. Words and tables are made in risk/quality.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from risk.engine.additive import Floats

Counts = npt.NDArray[np.int64]

PLACES = 10  # bins of a number
MOST_LEVELS = 40  # codes of a category counted one by one
# The chance that one check of one target finds something where nothing is.
ALPHA = 0.001
# PSI that matters, for the business and for one location.
LEAST, LEAST_HERE = 0.1, 0.25
LEAST_ROWS = 30  # fewer rows say nothing about a distribution
LEAST_PERIODS = 5
# A standard deviation measured on few periods is not let below LEAST_SD, and then counts as
# measured on so many: what inputs usually do is known, too.
LEAST_FREE = 10
MOST_PLACES = 3  # so many odd places, and more than half of all, make an odd business
# Without a calm past to measure, an input strays as by chance, half as much again.
UNMEASURED_MEAN, UNMEASURED_SD, LEAST_SD = 0.4, 0.8, 0.3
SMOOTHING = 0.5


@dataclass(frozen=True)
class Bins:
    """How the values of one input are counted. Numbers: `cuts` ascending, place i holds
    cuts[i-1] < x <= cuts[i]. Categories: one place for each code of `cuts`, one for all others. The
    last place is "not known"."""

    name: str
    kind: Literal["number", "category"]
    cuts: Floats

    @property
    def places(self) -> int:
        return len(self.cuts) + 2

    def codes(self, x: Floats) -> npt.NDArray[np.intp]:
        """The place of each x."""
        unknown = len(self.cuts) + 1
        if self.kind == "number":
            found = np.searchsorted(self.cuts, x, side="left")
        elif len(self.cuts):
            near = np.minimum(np.searchsorted(self.cuts, x), len(self.cuts) - 1)
            found = np.where(self.cuts[near] == x, near, len(self.cuts))
        else:
            found = np.zeros(len(x), dtype=np.intp)
        return np.where(np.isnan(x), unknown, found).astype(np.intp)

    def counts(self, x: Floats) -> Counts:
        return np.bincount(self.codes(x), minlength=self.places).astype(np.int64)


def bins_of(name: str, kind: Literal["number", "category"], x: Floats) -> Bins:
    """Bins that hold about as many of the values each; the commonest codes of a category.

    Cuts lie half-way between neighbouring values, so that a list of few prices may move a little
    without all of it changing bins. The last place of a number is for what lies a quarter of the
    range beyond all that was seen (a change of unit, say).
    """
    known = x[~np.isnan(x)]
    if kind == "category":
        levels, often = np.unique(known, return_counts=True)
        return Bins(name, kind, np.sort(levels[np.argsort(-often, kind="stable")[:MOST_LEVELS]]))
    if not len(known):
        return Bins(name, kind, np.zeros(0))
    # Single precision: the last digits of a quotient are no difference.
    values = np.unique(known.astype(np.float32)).astype(np.float64)
    chosen = np.quantile(known, np.linspace(0, 1, PLACES + 1)[1:-1], method="lower")
    place = np.searchsorted(values, np.unique(chosen.astype(np.float32)))
    place = place[place < len(values) - 1]
    beyond = values[-1] + max((values[-1] - values[0]) / 4, abs(values[-1]) / 4, 1e-6)
    return Bins(name, kind, np.append((values[place] + values[place + 1]) / 2, beyond))


@dataclass(frozen=True)
class Variation:
    """How far periods of a calm past stray: mean and standard deviation of the logarithm of their
    distance over the distance pure chance would give, from `periods` of them, of which `free` count
    as independent."""

    mean: float = UNMEASURED_MEAN
    sd: float = UNMEASURED_SD
    free: int = LEAST_FREE

    def chance(self, distance: Floats, noise: Floats) -> Floats:
        """How probable so large a distance is while all is as it was."""
        with np.errstate(divide="ignore"):
            x = np.log(distance / noise)
        spread = self.sd * np.sqrt(1 + 1 / self.free)
        p: Floats = stats.t.sf((x - self.mean) / spread, df=self.free - 1)
        return p


@dataclass(frozen=True)
class InputReference:
    """One input as it was: counts of all periods together, for the business and by location, and
    how far single periods strayed. Keys of `variation` are lengths of a look in nights; `missing`
    is the same for the share of "not known" alone, which a feed that stops moves from never to
    always while the rest says nothing."""

    bins: Bins
    whole: Counts
    here: dict[int, Counts]
    variation: dict[int, Variation]
    variation_here: dict[int, Variation]
    missing: dict[int, Variation]
    missing_here: dict[int, Variation]


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was. `size` is the PSI (or, for volume, the share that is
    missing), `p` its chance while all is as it was, before correction. `before` and `now` are
    shares by place of the bins; `location` is None for the whole business."""

    name: str
    location: int | None
    look: int
    size: float
    p: float
    before: tuple[float, ...] = ()
    now: tuple[float, ...] = ()

    @property
    def missing_rise(self) -> float:
        """By how much the share of "not known" has risen (0 to 1)."""
        return self.now[-1] - self.before[-1] if self.now else 0.0


def psi(counts: Counts, reference: Counts) -> Floats:
    """Population stability index along the last axis, half a case added to each place."""
    p = (counts + SMOOTHING) / (counts + SMOOTHING).sum(axis=-1, keepdims=True)
    q = (reference + SMOOTHING) / (reference + SMOOTHING).sum(axis=-1, keepdims=True)
    distance: Floats = ((p - q) * np.log(p / q)).sum(axis=-1)
    return np.maximum(distance, 1e-12)


def chance_distance(n: Floats, of: Floats, places: Floats) -> Floats:
    """The PSI that samples of n and `of` rows from one distribution have on average."""
    expected: Floats = np.maximum(places - 1, 1) * (1 / np.maximum(n, 1) + 1 / np.maximum(of, 1))
    return expected


def reference(
    bins: Sequence[Bins],
    columns: Mapping[str, Floats],
    *,
    period: npt.NDArray[np.int64],
    location: npt.NDArray[np.int64],
    looks: Sequence[int] = (1,),
    block: int,
) -> dict[str, InputReference]:
    """What the inputs were like. `period` numbers the night of each row; `block` is how many
    periods in a row count as one independent piece of the past (a month of nights, say)."""
    nights, night = np.unique(period, return_inverse=True)
    places, place = np.unique(location, return_inverse=True)
    found = {}
    for one in bins:
        width = one.places
        key = (night * len(places) + place) * width + one.codes(columns[one.name])
        counts = np.bincount(key, minlength=len(nights) * len(places) * width).astype(np.int64)
        counts = counts.reshape(len(nights), len(places), width)
        found[one.name] = from_counts(one, counts, places.tolist(), looks=looks, block=block)
    return found


def from_counts(
    bins: Bins, counts: Counts, locations: Sequence[int], *, looks: Sequence[int], block: int
) -> InputReference:
    """The same from counts of shape (periods, locations, places)."""
    by_place = counts.sum(axis=0)
    business = counts.sum(axis=1, keepdims=True)

    def strayed(counts: Counts) -> dict[int, Variation]:
        return {look: _variation(_together(counts, look), block / look) for look in looks}

    return InputReference(
        bins=bins,
        whole=by_place.sum(axis=0),
        here=dict(zip(locations, by_place, strict=True)),
        variation=strayed(business),
        variation_here=strayed(counts),
        missing=strayed(known_or_not(business)),
        missing_here=strayed(known_or_not(counts)),
    )


def known_or_not(counts: Counts) -> Counts:
    """Counts of two places from those of all: known, not known."""
    return np.stack([counts[..., :-1].sum(axis=-1), counts[..., -1]], axis=-1)


def _together(counts: Counts, look: int) -> Counts:
    """Sums of `look` periods in a row, the newest complete."""
    whole = len(counts) // look
    rest = counts[len(counts) - whole * look :]
    summed: Counts = rest.reshape(whole, look, *counts.shape[1:]).sum(axis=1)
    return summed


def _variation(counts: Counts, block: float) -> Variation:
    """Each period against all before it, as a night is compared with the past it follows. The first
    third only serves as a past."""
    first = max(len(counts) // 3, 1)
    past = np.cumsum(counts, axis=0)[first - 1 : -1]
    now = counts[first:]
    n, of = now.sum(axis=-1), past.sum(axis=-1)
    enough = (n >= LEAST_ROWS) & (of >= LEAST_ROWS)
    periods = int(enough.any(axis=1).sum())
    if periods < LEAST_PERIODS:
        return Variation()
    used = ((past + now)[enough] > 0).sum(axis=-1)
    strayed = np.log(psi(now[enough], past[enough]) / chance_distance(n[enough], of[enough], used))
    # Locations stray on their own, but share seasons: ten of them count as ten at most.
    pieces = periods / max(block, 1) * min(counts.shape[1], 10)
    return Variation(
        mean=float(strayed.mean()),
        sd=max(float(strayed.std(ddof=1)), LEAST_SD),
        free=int(max(LEAST_FREE, pieces)),
    )


def compare(
    references: Mapping[str, InputReference],
    nights: Mapping[str, Counts],
    locations: Sequence[int],
    *,
    alpha: float = ALPHA,
) -> list[Finding]:
    """What is not as it was in the newest nights: counts of shape (nights, locations, places) for
    each input, the newest last. Worst first."""
    tests: list[Finding] = []
    business: dict[str, Finding] = {}
    for name, was in references.items():
        counts = nights.get(name)
        if counts is None or not len(counts):
            continue
        for look in was.variation:
            if len(counts) < look:
                continue
            tonight = counts[len(counts) - look :].sum(axis=0)
            whole = _tests(was, tonight.sum(axis=0)[None], was.whole[None], [None], look)
            for one in whole:
                if name not in business or one.size > business[name].size:
                    business[name] = one
            tests += whole
            known = [i for i, place in enumerate(locations) if place in was.here]
            if len(known) < 2:
                continue  # one location is the business
            past = np.stack([was.here[locations[i]] for i in known])
            tests += _tests(was, tonight[known], past, [locations[i] for i in known], look)
    found = [tests[i] for i in holm([test.p for test in tests], alpha)]
    matter = [one for one in found if one.size >= (LEAST if one.location is None else LEAST_HERE)]
    told: list[Finding] = []
    for name in dict.fromkeys(one.name for one in matter):
        odd = [one for one in matter if one.name == name]
        told += _business_or_places(
            odd, business.get(name), references[name], nights[name], locations
        )
    return sorted(_once(told), key=lambda one: -one.size)


def _business_or_places(
    odd: list[Finding],
    business: Finding | None,
    was: InputReference,
    counts: Counts,
    locations: Sequence[int],
) -> list[Finding]:
    """Of one input, what to tell: what has moved at most places has moved in the business; where
    the rest of the business is as it was without the odd places, it is they that have moved."""
    places = {one.location for one in odd} - {None}
    if not places:
        return odd
    if len(places) >= MOST_PLACES and 2 * len(places) > len(locations):
        whole = [one for one in odd if one.location is None]
        return whole or ([business] if business is not None and business.size >= LEAST else odd)
    here = [i for i, place in enumerate(locations) if place not in places and place in was.here]
    if here:
        rest = counts[-1, here].sum(axis=0)
        past = np.sum([was.here[locations[i]] for i in here], axis=0)
        if psi(rest, past) < LEAST:
            return [one for one in odd if one.location is not None]
    return odd


LEAST_TRAILING = 14  # nights that make a past of their own
FREE_EVERY = 4  # nights in a row that count as one independent piece of it


def check(
    references: Mapping[str, InputReference],
    nights: Mapping[str, Counts],
    rows: Counts,
    locations: Sequence[int],
    *,
    bins: Mapping[str, Bins],
    alpha: float = ALPHA,
) -> list[Finding]:
    """All that is odd about the newest night: against what the model learned from, against the
    nights before it, and in volume. `nights` are counts of shape (nights, locations, places) by
    input, `rows` of shape (nights, locations), the newest last; `bins` says how they were counted,
    also for inputs the past knows nothing of."""
    found = compare(references, nights, locations, alpha=alpha / 2)
    if len(rows) > LEAST_TRAILING:
        before = {
            name: from_counts(
                bins[name], counts[:-1], list(locations), looks=(1,), block=FREE_EVERY
            )
            for name, counts in nights.items()
        }
        newest = {name: counts[-1:] for name, counts in nights.items()}
        found += compare(before, newest, locations, alpha=alpha / 2)
    found += volume(rows[:-1], rows[-1], locations, alpha=alpha)
    return sorted(_once(found), key=lambda one: -one.size)


def _tests(
    was: InputReference,
    counts: Counts,
    past: Counts,
    names: Sequence[int | None],
    look: int,
) -> list[Finding]:
    """Two tests per place: of all bins, and of known or not."""
    enough = (counts.sum(axis=-1) >= LEAST_ROWS) & (past.sum(axis=-1) >= LEAST_ROWS)
    if not enough.any():
        return []
    counts, past = counts[enough], past[enough]
    n, of = counts.sum(axis=-1), past.sum(axis=-1)
    whole = names[0] is None
    found = []
    for now, before, variation in (
        (counts, past, was.variation if whole else was.variation_here),
        (known_or_not(counts), known_or_not(past), was.missing if whole else was.missing_here),
    ):
        size = psi(now, before)
        p = variation[look].chance(size, chance_distance(n, of, ((now + before) > 0).sum(axis=-1)))
        found += [
            Finding(
                name=was.bins.name,
                location=where,
                look=look,
                size=float(size[i]),
                p=float(p[i]),
                before=tuple((past[i] / of[i]).tolist()),
                now=tuple((counts[i] / n[i]).tolist()),
            )
            for i, where in enumerate(name for name, e in zip(names, enough, strict=True) if e)
        ]
    return found


def _once(found: Sequence[Finding]) -> list[Finding]:
    """One finding per input and place, the surest look of it; where the whole business has moved,
    its locations are not told one by one."""
    best: dict[tuple[str, int | None], Finding] = {}
    for one in sorted(found, key=lambda one: one.p, reverse=True):
        best[one.name, one.location] = one
    return [one for one in best.values() if one.location is None or (one.name, None) not in best]


def holm(chances: Sequence[float], alpha: float) -> list[int]:
    """Which of many tests are significant when the chance of any false one may be `alpha` (Holm, A
    simple sequentially rejective multiple test procedure, 1979)."""
    order = np.argsort(chances, kind="stable")
    kept: list[int] = []
    for rank, i in enumerate(order.tolist()):
        if chances[i] > alpha / (len(chances) - rank):
            break
        kept.append(i)
    return kept


# --- Volume ------------------------------------------------------------------------------------

HALF = 0.5  # fewer rows than this share of the usual is worth an alarm
LEAST_NIGHTS = 7


def volume(
    history: Counts, tonight: Counts, locations: Sequence[int], *, alpha: float = ALPHA
) -> list[Finding]:
    """Where far fewer rows came than usual: `history` (nights, locations) and `tonight`
    (locations). The usual is the median; how far nights stray from it is measured on them."""
    if len(history) < LEAST_NIGHTS:
        return []
    past = np.column_stack([history.sum(axis=1), history])
    now = np.concatenate([[tonight.sum()], tonight])
    usual = np.median(past, axis=0)
    worth = usual >= LEAST_ROWS
    strayed = np.log((past + 1) / (usual + 1))
    spread = np.maximum(strayed.std(axis=0, ddof=1), 0.05)
    z = np.log((now + 1) / (usual + 1)) / spread
    p = np.where(worth, stats.t.cdf(z, df=len(history) - 1), 1.0)
    names: list[int | None] = [None, *locations]
    found = [
        Finding("rows", names[i], 1, float(1 - now[i] / usual[i]), float(p[i]))
        for i in holm(p.tolist(), alpha)
        if now[i] < HALF * usual[i]
    ]
    return _once(found)


# --- Calibration -------------------------------------------------------------------------------

# An alarm means that evidence reached a level it reaches once in so many days while all is well.
FALSE_ALARM_DAYS = 200
LEAST_MARGIN = 0.15  # in log-odds: a level so little off is no alarm
MOST_MARGIN = 0.5
SHIFTS = (0.35, 0.8)
JUMP_ALPHA = 0.001  # the chance that one day by itself looks so odd
LEAST_ROOM = 8.0
# Slopes looked for, each against the nearest one that is still left alone.
SLOPES = ((0.5, 0.85), (0.7, 0.85), (1.5, 1.2), (2.0, 1.2))


@dataclass(frozen=True)
class Calm:
    """How calibration strays while all is well: by how much daily counts scatter beyond chance (a
    factor of the variance), and the level in log-odds within which it is left alone."""

    dispersion: float = 1.5
    margin: float = 0.25


@dataclass(frozen=True)
class Calibrated:
    """Outcomes against chances. `level` is by how much the log-odds are off (above 0: more comes
    true than was said), `slope` 1 means differences between cases are as large as said. `evidence`
    is the newest value of the detector in units of its alarm level: from 1 on it is an alarm."""

    n: int
    expected: float
    seen: float
    level: float
    slope: float
    evidence: float
    what: Literal["", "level", "slope"]


def calm(expected: Floats, seen: Floats, variance: Floats) -> Calm:
    """Measured on days of a past that judged the model and did not teach it: arrays by day of the
    sum of chances, of outcomes, of p (1 - p). The margin is twice the standard deviation of the
    level of weeks beyond chance."""
    use = variance > 0
    if use.sum() < 10:
        return Calm()
    off, room = (seen - expected)[use], variance[use]
    off = off - room * off.sum() / room.sum()  # the level itself follows the newest cases
    dispersion = float(np.clip((off**2 / room).sum() / (len(off) - 1), 1.0, 5.0))
    weeks = len(off) // 7
    if weeks < 4:
        return Calm(dispersion=max(dispersion, 1.5))
    off, room = off[-weeks * 7 :], room[-weeks * 7 :]
    level = off.reshape(weeks, 7).sum(axis=1) / room.reshape(weeks, 7).sum(axis=1)
    by_chance = (1 / room.reshape(weeks, 7).sum(axis=1)).mean()
    beyond = np.sqrt(max(float(level.var(ddof=1)) - by_chance, 0.0))
    return Calm(dispersion, float(np.clip(2 * beyond, LEAST_MARGIN, MOST_MARGIN)))


def calibration(n: Floats, expected: Floats, seen: Floats, *, calm: Calm = Calm()) -> Calibrated:
    """Judge outcomes that became known day by day: arrays of shape (days, bins of the score).

    For each kind of wrongness (a level above or below the margin, a slope) likelihood ratios are
    multiplied day by day, and a sum over all days on which it may have begun makes the detector
    (Shiryaev-Roberts form). While the level lies within the margin each ratio has a mean of at most
    1: bins of scores, by Jensen's inequality, and the root for overdispersion only lower it. So the
    detector reaches its alarm level on average no sooner than in `FALSE_ALARM_DAYS` looks.
    """
    total_n, total_e, total_s = float(n.sum()), float(expected.sum()), float(seen.sum())
    if not total_n:
        return Calibrated(0, 0.0, 0.0, 0.0, 1.0, 0.0, "")
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.clip(np.where(n > 0, expected / n, 0.5), 1e-4, 1 - 1e-4)
    z = np.log(p / (1 - p))
    logs = {
        "level": [
            _log_ratio(n, seen, z + sign * calm.margin, z + sign * (calm.margin + shift), calm)
            for shift in SHIFTS
            for sign in (1.0, -1.0)
        ],
        "slope": _slopes(n, seen, z, total_e / total_n, calm),
    }
    alarm = np.log(FALSE_ALARM_DAYS * len(logs))
    evidence = {what: _detector(np.array(each)) / alarm for what, each in logs.items()}
    evidence["level"] = max(evidence["level"], _jump(n[-1], expected[-1], seen[-1], z[-1], calm))
    worst = max(evidence, key=lambda what: evidence[what])
    level, slope = _level_and_slope(n.sum(axis=0), seen.sum(axis=0), expected.sum(axis=0))
    what: Literal["", "level", "slope"] = ""
    if evidence[worst] >= 1:
        what = "level" if evidence["level"] >= 1 else "slope"
    return Calibrated(int(total_n), total_e, total_s, level, slope, float(evidence[worst]), what)


def _log_ratio(n: Floats, seen: Floats, null: Floats, other: Floats, calm: Calm) -> Floats:
    """By day, the logarithm of the likelihood ratio of two sets of log-odds, its root taken for
    overdispersion."""
    gain = seen * (other - null) - n * (np.logaddexp(0, other) - np.logaddexp(0, null))
    day: Floats = gain.sum(axis=1) / calm.dispersion
    return day


def _jump(n: Floats, expected: Floats, seen: Floats, z: Floats, calm: Calm) -> float:
    """The newest day by itself, which the detector is slow to see: how far its sum lies beyond the
    margin, in units of its alarm level. A day with too few outcomes for a normal tail says 0."""
    sign = 1.0 if seen.sum() > expected.sum() else -1.0
    p = 1 / (1 + np.exp(-(z + sign * calm.margin)))
    room = calm.dispersion * float((n * p * (1 - p)).sum())
    if room < LEAST_ROOM:
        return 0.0
    beyond = sign * float(seen.sum() - (n * p).sum()) / np.sqrt(room)
    return float(stats.norm.logsf(beyond) / np.log(JUMP_ALPHA))


def _slopes(n: Floats, seen: Floats, z: Floats, rate: float, calm: Calm) -> list[Floats]:
    """The same for slopes. The level of each day is first set to what the days before it showed, so
    that a level that is off does not pass for a slope."""
    rate = float(np.clip(rate, 1e-4, 1 - 1e-4))
    pivot = np.log(rate / (1 - rate))
    p = 1 / (1 + np.exp(-z))
    room = np.cumsum((n * p * (1 - p)).sum(axis=1))
    off = np.cumsum((seen - n * p).sum(axis=1))
    before = np.concatenate([[0.0], off[:-1] / (room[:-1] + 10.0)])[:, None]
    far = z - pivot
    return [
        _log_ratio(n, seen, pivot + before + allowed * far, pivot + before + slope * far, calm)
        for slope, allowed in SLOPES
    ]


def _detector(logs: Floats) -> float:
    """Logarithm of the mean over alternatives of sum_j prod_{t >= j} ratio_t, at the newest day:
    R_t = (1 + R_{t-1}) ratio_t."""
    running = np.full(len(logs), -np.inf)
    for day in logs.T:
        running = np.logaddexp(0.0, running) + day
    return float(np.logaddexp.reduce(running) - np.log(len(logs)))


def _level_and_slope(n: Floats, seen: Floats, expected: Floats) -> tuple[float, float]:
    """Level and slope of outcomes on the log-odds of the bins (Cox 1958), by Newton's steps with a
    weak pull to 0 and 1."""
    use = n > 0
    n, seen, p = n[use], seen[use], np.clip(expected[use] / n[use], 1e-4, 1 - 1e-4)
    z = np.log(p / (1 - p))
    middle = float((n * z).sum() / n.sum())
    design = np.column_stack([np.ones(len(z)), z - middle])
    prior, pull = np.array([middle, 1.0]), np.diag([0.1, 5.0])
    found = prior.copy()
    for _ in range(25):
        q = 1 / (1 + np.exp(-design @ found))
        slope = design.T @ (seen - n * q) - pull @ (found - prior)
        room = design.T @ (design * (n * q * (1 - q))[:, None]) + pull
        found = found + np.clip(np.linalg.solve(room, slope), -1, 1)
    return float(found[0] - middle), float(found[1])


# --- As JSON -----------------------------------------------------------------------------------


def dump_bins(bins: Mapping[str, Bins]) -> dict[str, Any]:
    """The bins as plain JSON."""
    return {name: {"kind": one.kind, "cuts": one.cuts.tolist()} for name, one in bins.items()}


def parse_bins(data: Mapping[str, Any]) -> dict[str, Bins]:
    """What `dump_bins` gave. Raises KeyError, TypeError, ValueError where it is something else."""
    return {
        name: Bins(name, one["kind"], np.asarray(one["cuts"], dtype=np.float64))
        for name, one in data.items()
    }


def dump(references: Mapping[str, InputReference]) -> dict[str, Any]:
    """The references as plain JSON."""
    bins = dump_bins({name: one.bins for name, one in references.items()})
    return {
        name: bins[name]
        | {
            "whole": one.whole.tolist(),
            "here": {str(place): counts.tolist() for place, counts in one.here.items()},
            "variation": {str(look): _out(v) for look, v in one.variation.items()},
            "variation_here": {str(look): _out(v) for look, v in one.variation_here.items()},
            "missing": {str(look): _out(v) for look, v in one.missing.items()},
            "missing_here": {str(look): _out(v) for look, v in one.missing_here.items()},
        }
        for name, one in references.items()
    }


def parse(data: Mapping[str, Any]) -> dict[str, InputReference]:
    """What `dump` gave. Raises KeyError, TypeError, ValueError where it is something else."""
    bins = parse_bins(data)
    return {
        name: InputReference(
            bins=bins[name],
            whole=np.asarray(one["whole"], dtype=np.int64),
            here={int(place): np.asarray(c, dtype=np.int64) for place, c in one["here"].items()},
            variation={int(look): Variation(*v) for look, v in one["variation"].items()},
            variation_here={int(look): Variation(*v) for look, v in one["variation_here"].items()},
            missing={int(look): Variation(*v) for look, v in one["missing"].items()},
            missing_here={int(look): Variation(*v) for look, v in one["missing_here"].items()},
        )
        for name, one in data.items()
    }


def _out(variation: Variation) -> list[float]:
    return [round(variation.mean, 4), round(variation.sd, 4), variation.free]
