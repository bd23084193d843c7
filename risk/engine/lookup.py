"""The tables of a model for a handful of rows.

Arrays pay off over many rows; one booking would spend most of its time calling them, once per
input. Here the same tables lie in plain lists and each number is looked up by bisection. The
answers are those of `AdditiveModel.contributions` and `unseen` (a test holds them together).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from risk.engine.additive import AdditiveModel, Axis, Columns, Floats, Shape

FEW = 8  # rows up to which this is the quicker way


class Lookup:
    """`contributions` and `unseen` of one model, row by row."""

    def __init__(self, model: AdditiveModel) -> None:
        self._shapes = [_Shape(shape) for shape in model.shapes]
        place = {shape.name: number for number, shape in enumerate(model.shapes)}
        self._pairs = [
            (_Axis(pair.first), _Axis(pair.second), (pair.table / 2).tolist(),
             [place[name] for name in pair.names])
            for pair in model.pairs
        ]  # fmt: skip

    def contributions(self, columns: Columns) -> Floats:
        parts = np.array(
            [[shape.value(x) for x in columns[shape.name].tolist()] for shape in self._shapes]
        ).T.copy()
        for first, second, table, places in self._pairs:
            both = zip(columns[first.name].tolist(), columns[second.name].tolist(), strict=True)
            for row, (x, y) in enumerate(both):
                half = table[first.place(x)][second.place(y)]
                for place in places:
                    parts[row, place] += half
        return parts

    def unseen(self, columns: Columns) -> npt.NDArray[np.int64]:
        rows = [[shape.odd(x) for x in columns[shape.name].tolist()] for shape in self._shapes]
        count: npt.NDArray[np.int64] = np.array(rows, dtype=np.int64).sum(axis=0)
        return count


class _Axis:
    def __init__(self, axis: Axis | Shape) -> None:
        self.name = axis.name
        self.cuts: list[float] = axis.cuts.tolist()
        self.number = axis.kind == "number"
        self.unknown = len(self.cuts) + self.number

    def place(self, x: float) -> int:
        if x != x:
            return self.unknown
        place = bisect_left(self.cuts, x)
        if self.number or (place < self.unknown and self.cuts[place] == x):
            return place
        return self.unknown


class _Shape(_Axis):
    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self._table = [*shape.values.tolist(), shape.missing]
        self._knots: list[float] = shape.knots.tolist()
        self._heights: list[float] = shape.heights.tolist()
        self._least, self._most = shape.seen_range

    def value(self, x: float) -> float:
        value: float = self._table[self.place(x)]
        return value + self._line(x) if self._knots and x == x else value

    def _line(self, x: float) -> float:
        """As numpy.interp."""
        after = bisect_left(self._knots, x)
        if after == 0:
            return self._heights[0]
        if after == len(self._knots):
            return self._heights[-1]
        left, right = self._knots[after - 1], self._knots[after]
        low, high = self._heights[after - 1], self._heights[after]
        return low + (high - low) / (right - left) * (x - left)

    def odd(self, x: float) -> bool:
        if self.number:
            return x < self._least or x > self._most
        return self.place(x) == self.unknown
