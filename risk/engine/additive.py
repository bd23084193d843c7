"""The additive model every score comes from, trained or scorecard: a sum of one table per input.

    log-odds = baseline + sum of shape_j(x_j),   p = level(calibration(log-odds))

Each shape is a step function (numbers) or a lookup (categories) with a value of its own for "not
known", so a score is a table lookup and its reasons are exact: the parts sum to the whole. Shapes
are centred on the training rows: a contribution compares with the average case. The artefact is
plain JSON; it is signed and stored by risk/registry.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import orjson

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, Floats]

FORMAT = 1
P_LEAST, P_MOST = 0.001, 0.999  # nobody is certain


class BadArtefact(Exception):
    """The text is not an additive model this version can read; the message says what is wrong."""


@dataclass(frozen=True)
class Shape:
    """What one input adds to the log-odds.

    Numbers: `cuts` ascending, `values` one longer; values[i] holds for cuts[i-1] < x <= cuts[i].
    Categories: `cuts` are the known codes ascending, `values` as long; any other code is unknown.
    `least` and `most` bound what training saw (numbers only).
    """

    name: str
    kind: Literal["number", "category"]
    cuts: Floats
    values: Floats
    missing: float
    least: float = float("-inf")
    most: float = float("inf")

    @cached_property
    def _table(self) -> Floats:
        """`values` with the value for "not known" at the end."""
        return np.append(self.values, self.missing)

    def codes(self, x: Floats) -> npt.NDArray[np.intp]:
        """The place of each x in the table."""
        unknown = len(self.values)
        if self.kind == "number":
            return np.where(np.isnan(x), unknown, np.searchsorted(self.cuts, x, side="left"))
        if not unknown:
            return np.zeros(len(x), dtype=np.intp)
        place = np.minimum(np.searchsorted(self.cuts, x), unknown - 1)
        return np.where(self.cuts[place] == x, place, unknown)

    def contributions(self, x: Floats) -> Floats:
        return self._table[self.codes(x)]

    def unseen(self, x: Floats) -> npt.NDArray[np.bool_]:
        """Which x lie outside what training saw: a number a quarter of the range beyond it (many
        numbers grow with the calendar), a new category."""
        if self.kind == "number":
            margin = (self.most - self.least) / 4 if np.isfinite(self.most - self.least) else 0.0
            outside: npt.NDArray[np.bool_] = (x < self.least - margin) | (x > self.most + margin)
            return outside
        other: npt.NDArray[np.bool_] = self.codes(x) == len(self.values)
        return other


@dataclass(frozen=True)
class Calibration:
    """From log-odds to probability. "platt": logistic of slope * z + intercept. "isotonic":
    linear between the knots (`z`, `p`), flat outside."""

    kind: Literal["platt", "isotonic"] = "platt"
    slope: float = 1.0
    intercept: float = 0.0
    z: tuple[float, ...] = ()
    p: tuple[float, ...] = ()

    def probability(self, z: Floats) -> Floats:
        if self.kind == "isotonic":
            p: Floats = np.interp(z, self.z, self.p)
        else:
            p = 1.0 / (1.0 + np.exp(-(self.slope * z + self.intercept)))
        return np.clip(p, P_LEAST, P_MOST)


def shifted(p: Floats, level: float) -> Floats:
    """Probabilities with `level` added to their log-odds."""
    moved: Floats = 1.0 / (1.0 + (1.0 / p - 1.0) * np.exp(-level))
    return np.clip(moved, P_LEAST, P_MOST)


@dataclass(frozen=True)
class AdditiveModel:
    """One head: the chance of one outcome.

    `level` is added to the calibrated log-odds: it follows the newest cases, which judged the
    model. Two models are compared without it, because it has seen those cases.
    """

    baseline: float
    shapes: tuple[Shape, ...]
    calibration: Calibration = Calibration()
    level: float = 0.0

    def contributions(self, columns: Columns) -> Floats:
        """Shape (rows, inputs), in the order of `shapes`: log-odds against the average case."""
        return np.column_stack([shape.contributions(columns[shape.name]) for shape in self.shapes])

    def log_odds(self, columns: Columns) -> Floats:
        total: Floats = self.baseline + self.contributions(columns).sum(axis=1)
        return total

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
        count = np.zeros(len(next(iter(columns.values()))), dtype=np.int64)
        for shape in self.shapes:
            count += shape.unseen(columns[shape.name])
        return count


@dataclass(frozen=True)
class Artefact:
    """A whole model: the head `any` gives score and reasons, further heads split it by kind of
    outcome ("involuntary", "no_show"). `notice_p` is the chance given to a member who has asked
    to cancel, which is known and not predicted."""

    target: str
    kind: str
    heads: dict[str, AdditiveModel]
    notice_p: float = 0.95

    @property
    def main(self) -> AdditiveModel:
        return self.heads["any"]

    @property
    def inputs(self) -> list[str]:
        return sorted({shape.name for head in self.heads.values() for shape in head.shapes})

    def dump(self) -> str:
        """Canonical JSON text: the bytes that are signed."""
        return orjson.dumps(
            {
                "format": FORMAT,
                "target": self.target,
                "kind": self.kind,
                "notice_p": self.notice_p,
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
            return cls(
                target=data["target"],
                kind=data["kind"],
                notice_p=float(data["notice_p"]),
                heads={name: _head_in(head) for name, head in data["heads"].items()},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadArtefact(f"The model's artefact cannot be read: {error!r}") from error


def _head_out(head: AdditiveModel) -> dict[str, Any]:
    calibration = head.calibration
    return {
        "baseline": head.baseline,
        "level": head.level,
        "calibration": {
            "kind": calibration.kind,
            "slope": calibration.slope,
            "intercept": calibration.intercept,
            "z": list(calibration.z),
            "p": list(calibration.p),
        },
        "shapes": [
            {
                "name": shape.name,
                "kind": shape.kind,
                "cuts": shape.cuts.tolist(),
                "values": shape.values.tolist(),
                "missing": shape.missing,
                # JSON knows no infinity; null is unbounded.
                "least": shape.least if np.isfinite(shape.least) else None,
                "most": shape.most if np.isfinite(shape.most) else None,
            }
            for shape in head.shapes
        ],
    }


def _head_in(data: dict[str, Any]) -> AdditiveModel:
    calibration = data["calibration"]
    return AdditiveModel(
        baseline=float(_finite([data["baseline"]])[0]),
        level=float(_finite([data["level"]])[0]),
        calibration=Calibration(
            kind=calibration["kind"],
            slope=float(calibration["slope"]),
            intercept=float(calibration["intercept"]),
            z=tuple(_finite(calibration["z"])),
            p=tuple(_finite(calibration["p"])),
        ),
        shapes=tuple(_shape_in(shape) for shape in data["shapes"]),
    )


def _shape_in(data: dict[str, Any]) -> Shape:
    cuts, values = _finite(data["cuts"]), _finite(data["values"])
    if len(values) != len(cuts) + (data["kind"] == "number"):
        raise BadArtefact(f"The table of {data['name']} has {len(values)} values.")
    if np.any(np.diff(cuts) <= 0):
        raise BadArtefact(f"The cuts of {data['name']} do not ascend.")
    return Shape(
        name=data["name"],
        kind=data["kind"],
        cuts=cuts,
        values=values,
        missing=float(_finite([data["missing"]])[0]),
        least=float("-inf") if data["least"] is None else float(data["least"]),
        most=float("inf") if data["most"] is None else float(data["most"]),
    )


def _finite(numbers: Sequence[float]) -> Floats:
    array = np.asarray(numbers, dtype=np.float64)
    if not np.all(np.isfinite(array)):
        raise BadArtefact("The model holds a number that is not finite.")
    return array
