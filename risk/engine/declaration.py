"""What a prediction problem is: its inputs, what they mean, its outcomes and its scorecard.

An input names a column of the cases, the cause its contribution counts towards, and the direction
in which it may only raise (+1) or lower (-1) the risk, where experience leaves no doubt. `points`
are the scorecard: (up to and including, log-odds) in rising order, the last open; a category has
(code, log-odds).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

INF = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    name: str
    cause: str
    kind: Literal["number", "category"] = "number"
    direction: Literal[-1, 0, 1] = 0
    learned: bool = True
    points: tuple[tuple[float, float], ...] = ()
    points_missing: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One target. `base` is the chance of a case with no points on the scorecard; `heads` are the
    outcomes that get a model: the first is the score, the others are the causes that divide it
    among them (in every case their outcomes add up to the first)."""

    target: str
    heads: tuple[str, ...]
    base: float
    inputs: tuple[Input, ...]

    def input(self, name: str) -> Input:
        return next(one for one in self.inputs if one.name == name)

    @property
    def learned(self) -> list[Input]:
        return [one for one in self.inputs if one.learned]

    @property
    def rules(self) -> list[Input]:
        return [one for one in self.inputs if not one.learned]
