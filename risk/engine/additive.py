"""The additive model every score comes from, trained or scorecard: a sum of small tables.

    log-odds = baseline + sum of shape_j(x_j) + sum of pair_jk(x_j, x_k)
    p        = level(calibration(log-odds))

Each input has one shape: steps and a broken line (numbers) or a lookup (categories), with a value
of its own for "not known". Shapes are centred on the training rows: a contribution compares with
the average case. A pair is a grid over two inputs whose rows and columns average nothing over the
training rows, because what one input says alone has been moved into its shape. Half of a pair
counts towards each of its two inputs. For a model of terms of at most two inputs that is the
Shapley value of the sum of its terms (the terms are its Harsanyi dividends: Lundberg & Lee 2017,
"A unified approach to interpreting model predictions"; Hooker 2007, "Generalized functional ANOVA
diagnostics"; Lengerich et al. 2020, "Purifying interaction effects"). So reasons are exact: the
parts sum to the whole. The artefact is plain JSON; it is signed and stored by risk/registry.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import orjson

from risk.engine.lookup import FEW, Lookup

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, Floats]

Kind = Literal["number", "category"]

FORMAT = 2
P_LEAST, P_MOST = 0.001, 0.999  # nobody is certain
# An interval grows by this share for every input outside what training saw: nothing measured says
# by how much the unknown is worse, so the step is a convention.
WIDER_PER_UNSEEN = 0.5


class BadArtefact(Exception):
    """The text is not an additive model this version can read; the message says what is wrong."""


def places(kind: Kind, cuts: Floats, x: Floats) -> npt.NDArray[np.intp]:
    """The place of each x in a table over `cuts`; what is not known has the last place.

    Numbers: place i is cuts[i-1] < x <= cuts[i], so there are len(cuts) + 1 places and then the
    one for NaN. Categories: place i is the code cuts[i]; any other code is not known.
    """
    if kind == "number":
        return np.where(np.isnan(x), len(cuts) + 1, np.searchsorted(cuts, x, side="left"))
    if not len(cuts):
        return np.zeros(len(x), dtype=np.intp)
    place = np.minimum(np.searchsorted(cuts, x), len(cuts) - 1)
    return np.where(cuts[place] == x, place, len(cuts))


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _none() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True)
class Shape:
    """What one input adds to the log-odds.

    Numbers: `cuts` ascending, `values` one longer; values[i] holds for cuts[i-1] < x <= cuts[i].
    To these steps is added the broken line through `knots` (ascending) and `heights`, flat beyond
    its ends; without knots there is none. Categories: `cuts` are the known codes ascending,
    `values` as long; any other code is unknown, and there is no line. `missing` is the whole
    contribution of what is not known. `least` and `most` bound what training saw (numbers only).
    """

    name: str
    kind: Kind
    cuts: Floats
    values: Floats
    missing: float
    least: float = float("-inf")
    most: float = float("inf")
    knots: Floats = field(default_factory=_none)
    heights: Floats = field(default_factory=_none)

    @cached_property
    def _table(self) -> Floats:
        """`values` with the value for "not known" at the end."""
        return np.append(self.values, self.missing)

    def codes(self, x: Floats) -> npt.NDArray[np.intp]:
        """The place of each x in the table of steps."""
        return places(self.kind, self.cuts, x)

    def contributions(self, x: Floats) -> Floats:
        parts = self._table[self.codes(x)]
        if len(self.knots):
            known = ~np.isnan(x)
            parts[known] += np.interp(x[known], self.knots, self.heights)
        return parts

    @property
    def seen_range(self) -> tuple[float, float]:
        """Between what bounds a number counts as seen."""
        margin = (self.most - self.least) / 4 if np.isfinite(self.most - self.least) else 0.0
        return self.least - margin, self.most + margin

    def unseen(self, x: Floats) -> npt.NDArray[np.bool_]:
        """Which x lie outside what training saw: a number a quarter of the range beyond it (many
        numbers grow with the calendar), a new category."""
        if self.kind == "number":
            least, most = self.seen_range
            outside: npt.NDArray[np.bool_] = (x < least) | (x > most)
            return outside
        other: npt.NDArray[np.bool_] = self.codes(x) == len(self.values)
        return other


@dataclass(frozen=True)
class Axis:
    """One side of a pair: the places of an input, as in its shape but coarser or equal."""

    name: str
    kind: Kind
    cuts: Floats

    @property
    def size(self) -> int:
        """How many places there are, that of "not known" included."""
        return len(self.cuts) + (2 if self.kind == "number" else 1)

    def codes(self, x: Floats) -> npt.NDArray[np.intp]:
        return places(self.kind, self.cuts, x)


@dataclass(frozen=True)
class Pair:
    """What two inputs add together beyond what each adds alone; table of shape (first, second)."""

    first: Axis
    second: Axis
    table: Floats

    @property
    def names(self) -> tuple[str, str]:
        return self.first.name, self.second.name

    def contributions(self, columns: Columns) -> Floats:
        first, second = (axis.codes(columns[axis.name]) for axis in (self.first, self.second))
        return self.table[first, second]


@dataclass(frozen=True)
class Calibration:
    """From log-odds to probability. "platt": logistic of slope * z + intercept. "isotonic":
    linear between the knots (`z`, `p`), flat outside. "beta": with q the logistic of z, logistic of
    slope * log(q) - against * log(1 - q) + intercept (Kull, Silva Filho & Flach 2017, "Beta
    calibration")."""

    kind: Literal["platt", "isotonic", "beta"] = "platt"
    slope: float = 1.0
    intercept: float = 0.0
    against: float = 1.0
    z: tuple[float, ...] = ()
    p: tuple[float, ...] = ()

    def probability(self, z: Floats) -> Floats:
        if self.kind == "isotonic":
            p: Floats = np.interp(z, self.z, self.p)
        elif self.kind == "beta":
            # log(q) = -log(1 + exp(-z)) and log(1 - q) = -log(1 + exp(z))
            for_, against = np.logaddexp(0, -z), np.logaddexp(0, z)
            turned = -self.slope * for_ + self.against * against + self.intercept
            p = 1.0 / (1.0 + np.exp(-turned))
        else:
            p = 1.0 / (1.0 + np.exp(-(self.slope * z + self.intercept)))
        return np.clip(p, P_LEAST, P_MOST)


def shifted(p: Floats, level: float | Floats) -> Floats:
    """Probabilities with `level` added to their log-odds."""
    moved: Floats = 1.0 / (1.0 + (1.0 / p - 1.0) * np.exp(-level))
    return np.clip(moved, P_LEAST, P_MOST)


@dataclass(frozen=True)
class Spread:
    """How far the true chance may lie from the one said: half the width of a 95 % interval in
    calibrated log-odds, linear between the knots `z` (log-odds before calibration), flat beyond.
    How it is measured: risk/engine/calibration.py."""

    z: tuple[float, ...]
    half: tuple[float, ...]


@dataclass(frozen=True)
class AdditiveModel:
    """One head: the chance of one outcome. Each input has one shape; a pair names two of them.

    `level` is added to the calibrated log-odds: it follows the newest cases, which judged the
    model. Two models are compared without it, because it has seen those cases. Without a `spread`
    (the scorecard) nobody knows how exact a chance is.
    """

    baseline: float
    shapes: tuple[Shape, ...]
    calibration: Calibration = Calibration()
    level: float = 0.0
    pairs: tuple[Pair, ...] = ()
    spread: Spread | None = None

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self)

    def contributions(self, columns: Columns) -> Floats:
        """Shape (rows, inputs), in the order of `shapes`: log-odds against the average case."""
        if not self.shapes:
            return np.zeros((_rows(columns), 0))
        if _rows(columns) <= FEW:
            return self._lookup.contributions(columns)
        parts = np.column_stack([shape.contributions(columns[shape.name]) for shape in self.shapes])
        place = {shape.name: number for number, shape in enumerate(self.shapes)}
        for pair in self.pairs:
            half = pair.contributions(columns) / 2
            for name in pair.names:
                parts[:, place[name]] += half
        return parts

    def log_odds(self, columns: Columns) -> Floats:
        total: Floats = self.baseline + self.contributions(columns).sum(axis=1)
        return total

    def interval(
        self, z: Floats, unseen: npt.NDArray[np.int64] | None = None
    ) -> tuple[Floats, Floats] | None:
        """The least and the greatest chance that go with log-odds `z`, 95 in 100; None where
        nothing is known about it. With `unseen` (inputs outside what training saw, per row) they
        move apart."""
        if self.spread is None:
            return None
        half = np.interp(z, self.spread.z, self.spread.half)
        if unseen is not None:
            half = half * (1 + WIDER_PER_UNSEEN * unseen)
        p = self.chance(z)
        return shifted(p, -half), shifted(p, half)

    def probability(self, columns: Columns) -> Floats:
        return self.chance(self.log_odds(columns))

    def chance(self, z: Floats) -> Floats:
        """The probability that goes with log-odds."""
        return shifted(self.calibration.probability(z), self.level)

    def judged_probability(self, columns: Columns) -> Floats:
        """The probability without what the newest cases taught about the level."""
        return self.calibration.probability(self.log_odds(columns))

    def unseen(self, columns: Columns) -> npt.NDArray[np.int64]:
        """Per row, how many inputs lie outside what training saw."""
        if self.shapes and _rows(columns) <= FEW:
            return self._lookup.unseen(columns)
        count = np.zeros(_rows(columns), dtype=np.int64)
        for shape in self.shapes:
            count += shape.unseen(columns[shape.name])
        return count


@dataclass(frozen=True)
class Support:
    """Where ordinary cases lie, in the contributions of a model with k inputs (how it is measured:
    risk/engine/support.py). A case lies |root (c - centre)| away; from `limit` on it is unusual.
    `known` are the inputs that were known of nearly every case. Shapes (k,) and (k, k)."""

    centre: Floats
    root: Floats
    limit: float
    known: tuple[str, ...]

    def distance(self, contributions: Floats) -> Floats:
        apart: Floats = np.sqrt((((contributions - self.centre) @ self.root.T) ** 2).sum(axis=1))
        return apart

    def missing(self, columns: Columns) -> npt.NDArray[np.int64]:
        """Per row, how many inputs are not known that usually are."""
        count = np.zeros(_rows(columns), dtype=np.int64)
        for name in self.known:
            count += np.isnan(columns[name])
        return count


@dataclass(frozen=True)
class Artefact:
    """A whole model: the head `any` gives score and reasons, further heads split it by cause
    ("voluntary" and "involuntary", or "early", "late" and "no_show"). `notice_p` is the chance
    given to a member who has asked to cancel, which is known and not predicted."""

    target: str
    kind: str
    heads: dict[str, AdditiveModel]
    notice_p: float = 0.95
    support: Support | None = None

    @property
    def main(self) -> AdditiveModel:
        return self.heads["any"]

    @property
    def inputs(self) -> list[str]:
        return sorted({shape.name for head in self.heads.values() for shape in head.shapes})

    def parts(self, columns: Columns, p: Floats) -> dict[str, Floats]:
        """The chance `p` of the main outcome divided among its causes: the parts sum to `p`. Each
        further head says how likely its cause is; only the proportions count."""
        causes = {name: head for name, head in self.heads.items() if name != "any"}
        chances = {name: head.probability(columns) for name, head in causes.items()}
        total = sum(chances.values(), np.zeros(len(p)))
        return {name: p * chance / total for name, chance in chances.items()}

    def dump(self) -> str:
        """Canonical JSON text: the bytes that are signed."""
        return orjson.dumps(
            {
                "format": FORMAT,
                "target": self.target,
                "kind": self.kind,
                "notice_p": self.notice_p,
                "support": self.support and _support_out(self.support),
                "heads": {name: _head_out(head) for name, head in self.heads.items()},
            },
            option=orjson.OPT_SORT_KEYS,
        ).decode()

    @classmethod
    def parse(cls, text: str) -> Artefact:
        """Raises BadArtefact. Verify the signature over the text first."""
        try:
            data = orjson.loads(text)
            if data["format"] != FORMAT:
                raise BadArtefact(f"Format {data['format']} of the model is not {FORMAT}.")
            heads = {name: _head_in(head) for name, head in data["heads"].items()}
            return cls(
                target=data["target"],
                kind=data["kind"],
                notice_p=float(data["notice_p"]),
                heads=heads,
                support=_support_in(data["support"], heads["any"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadArtefact(f"The model's artefact cannot be read: {error!r}") from error


def _support_out(found: Support) -> dict[str, Any]:
    return {
        "centre": found.centre.tolist(),
        "root": found.root.tolist(),
        "limit": found.limit,
        "known": list(found.known),
    }


def _support_in(data: dict[str, Any] | None, main: AdditiveModel) -> Support | None:
    if data is None:
        return None
    size = len(main.shapes)
    centre, root = _finite(data["centre"]), _finite(data["root"])
    if centre.shape != (size,) or root.shape != (size, size):
        raise BadArtefact(f"The support of the model does not fit its {size} inputs.")
    if not set(data["known"]) <= {shape.name for shape in main.shapes}:
        raise BadArtefact("The support of the model names an input without a shape.")
    return Support(centre, root, float(_finite([data["limit"]])[0]), tuple(data["known"]))


def _head_out(head: AdditiveModel) -> dict[str, Any]:
    calibration = head.calibration
    return {
        "baseline": head.baseline,
        "level": head.level,
        "calibration": {
            "kind": calibration.kind,
            "slope": calibration.slope,
            "intercept": calibration.intercept,
            "against": calibration.against,
            "z": list(calibration.z),
            "p": list(calibration.p),
        },
        "spread": head.spread and {"z": list(head.spread.z), "half": list(head.spread.half)},
        "shapes": [
            {
                "name": shape.name,
                "kind": shape.kind,
                "cuts": shape.cuts.tolist(),
                "values": shape.values.tolist(),
                "missing": shape.missing,
                "knots": shape.knots.tolist(),
                "heights": shape.heights.tolist(),
                # JSON knows no infinity; null is unbounded.
                "least": shape.least if np.isfinite(shape.least) else None,
                "most": shape.most if np.isfinite(shape.most) else None,
            }
            for shape in head.shapes
        ],
        "pairs": [
            {
                "axes": [
                    {"name": axis.name, "kind": axis.kind, "cuts": axis.cuts.tolist()}
                    for axis in (pair.first, pair.second)
                ],
                "table": pair.table.tolist(),
            }
            for pair in head.pairs
        ],
    }


def _head_in(data: dict[str, Any]) -> AdditiveModel:
    shapes = tuple(_shape_in(shape) for shape in data["shapes"])
    names = [shape.name for shape in shapes]
    if len(set(names)) < len(names):
        raise BadArtefact("An input of the model has two shapes.")
    pairs = tuple(_pair_in(pair) for pair in data["pairs"])
    if any(name not in names for pair in pairs for name in pair.names):
        raise BadArtefact("A pair of the model names an input without a shape.")
    return AdditiveModel(
        baseline=float(_finite([data["baseline"]])[0]),
        level=float(_finite([data["level"]])[0]),
        calibration=_calibration_in(data["calibration"]),
        shapes=shapes,
        pairs=pairs,
        spread=None if data["spread"] is None else _spread_in(data["spread"]),
    )


def _calibration_in(data: dict[str, Any]) -> Calibration:
    if data["kind"] not in ("platt", "isotonic", "beta"):
        raise BadArtefact(f"The calibration {data['kind']!r} is not known.")
    z, p = _curve(data["z"], data["p"], "calibration")
    if data["kind"] == "isotonic" and not len(z):
        raise BadArtefact("The isotonic calibration has no points.")
    slope, intercept, against = _finite([data["slope"], data["intercept"], data["against"]])
    return Calibration(
        kind=data["kind"],
        slope=float(slope),
        intercept=float(intercept),
        against=float(against),
        z=tuple(z.tolist()),
        p=tuple(p.tolist()),
    )


def _spread_in(data: dict[str, Any]) -> Spread:
    z, half = _curve(data["z"], data["half"], "interval")
    if not len(z) or half.min() < 0:
        raise BadArtefact("The interval of the model is empty or upside down.")
    return Spread(tuple(z.tolist()), tuple(half.tolist()))


def _shape_in(data: dict[str, Any]) -> Shape:
    name = data["name"]
    cuts, values = _cuts(data["cuts"], name), _finite(data["values"])
    knots, heights = _curve(data["knots"], data["heights"], name)
    if data["kind"] not in ("number", "category"):
        raise BadArtefact(f"The kind {data['kind']!r} of {name} is not known.")
    if len(values) != len(cuts) + (data["kind"] == "number"):
        raise BadArtefact(f"The table of {name} has {len(values)} values.")
    if len(knots) and data["kind"] == "category":
        raise BadArtefact(f"The category {name} has a line.")
    return Shape(
        name=name,
        kind=data["kind"],
        cuts=cuts,
        values=values,
        missing=float(_finite([data["missing"]])[0]),
        least=float("-inf") if data["least"] is None else float(data["least"]),
        most=float("inf") if data["most"] is None else float(data["most"]),
        knots=knots,
        heights=heights,
    )


def _pair_in(data: dict[str, Any]) -> Pair:
    first, second = (
        Axis(axis["name"], axis["kind"], _cuts(axis["cuts"], axis["name"])) for axis in data["axes"]
    )
    if first.name == second.name or {first.kind, second.kind} - {"number", "category"}:
        raise BadArtefact(f"The pair of {first.name} and {second.name} is not one.")
    table = _finite(data["table"])
    if table.shape != (first.size, second.size):
        raise BadArtefact(f"The table of {first.name} and {second.name} has shape {table.shape}.")
    return Pair(first, second, table)


def _cuts(numbers: Sequence[float], name: str) -> Floats:
    cuts = _finite(numbers)
    if cuts.ndim != 1 or np.any(np.diff(cuts) <= 0):
        raise BadArtefact(f"The cuts of {name} do not ascend.")
    return cuts


def _curve(x: Sequence[float], y: Sequence[float], name: str) -> tuple[Floats, Floats]:
    at, heights = _cuts(x, name), _finite(y)
    if at.shape != heights.shape:
        raise BadArtefact(f"The curve of {name} has {len(at)} points and {len(heights)} heights.")
    return at, heights


def _finite(numbers: Sequence[Any]) -> Floats:
    array = np.asarray(numbers, dtype=np.float64)
    if not np.all(np.isfinite(array)):
        raise BadArtefact("The model holds a number that is not finite.")
    return array
