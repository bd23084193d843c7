"""Arithmetic of additive models: sums, means over rows, pairs without what one input says alone.

A weighted sum of additive models is an additive model, so blends and bags stay exactly
explainable. Calibrations, levels and spreads are not summed: they belong to the finished model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from risk.engine.additive import AdditiveModel, Axis, Columns, Floats, Kind, Pair, Shape

SWEEPS, SMALL = 200, 1e-13


def summed(parts: Sequence[tuple[float, AdditiveModel]], intercept: float = 0.0) -> AdditiveModel:
    """intercept + the sum of weight * model, in log-odds."""
    shapes: dict[str, list[tuple[float, Shape]]] = {}
    pairs: dict[tuple[str, str], list[tuple[float, Pair]]] = {}
    for weight, model in parts:
        for shape in model.shapes:
            shapes.setdefault(shape.name, []).append((weight, shape))
        for pair in model.pairs:
            turned = pair if pair.names == tuple(sorted(pair.names)) else _turned(pair)
            pairs.setdefault(turned.names, []).append((weight, turned))
    return AdditiveModel(
        baseline=intercept + sum(weight * model.baseline for weight, model in parts),
        shapes=tuple(_shape_sum(some) for some in shapes.values()),
        pairs=tuple(_pair_sum(some) for some in pairs.values()),
    )


def scaled(model: AdditiveModel, slope: float, intercept: float) -> AdditiveModel:
    """The model whose log-odds are slope * z + intercept, otherwise unchanged."""
    turned = summed([(slope, model)], intercept)
    return replace(model, baseline=turned.baseline, shapes=turned.shapes, pairs=turned.pairs)


def centred(model: AdditiveModel, columns: Columns) -> AdditiveModel:
    """The same log-odds, with pairs purified and every shape averaging 0 over these rows."""
    pure = _purified(model, columns)
    baseline, shapes = pure.baseline, []
    for shape in pure.shapes:
        mean = float(shape.contributions(columns[shape.name]).mean())
        baseline += mean
        shapes.append(replace(shape, values=shape.values - mean, missing=shape.missing - mean))
    return replace(pure, baseline=baseline, shapes=tuple(shapes))


def without(model: AdditiveModel, names: frozenset[str]) -> AdditiveModel:
    """The model without these inputs: each counts as the average case."""
    return replace(
        model,
        shapes=tuple(shape for shape in model.shapes if shape.name not in names),
        pairs=tuple(pair for pair in model.pairs if not names.intersection(pair.names)),
    )


def _purified(model: AdditiveModel, columns: Columns) -> AdditiveModel:
    """Moves the mean of every row and column of a pair's table, weighted by how many of these rows
    fall into each cell, into the shapes of its two inputs until nothing is left to move (the mass
    moving of Lengerich et al. 2020). Cells without rows weigh nothing."""
    moved: list[tuple[float, AdditiveModel]] = [(1.0, replace(model, pairs=()))]
    pairs = []
    for pair in model.pairs:
        weight = np.zeros(pair.table.shape)
        codes = [axis.codes(columns[axis.name]) for axis in (pair.first, pair.second)]
        np.add.at(weight, (codes[0], codes[1]), 1.0)
        table = pair.table.copy()
        first, second = np.zeros(len(table)), np.zeros(table.shape[1])
        for _ in range(SWEEPS):
            rows, down = _means(table, weight, 1)
            table -= rows[:, None]
            across, sideways = _means(table, weight, 0)
            table -= across[None, :]
            first, second = first + rows, second + across
            if max(down, sideways) < SMALL:
                break
        pairs.append(replace(pair, table=table))
        own = (_axis_shape(pair.first, first), _axis_shape(pair.second, second))
        moved.append((1.0, AdditiveModel(0.0, own)))
    if not pairs:
        return model
    return replace(model, shapes=summed(moved).shapes, pairs=tuple(pairs))


def _means(table: Floats, weight: Floats, axis: int) -> tuple[Floats, float]:
    total = weight.sum(axis=axis)
    means = np.divide(
        (table * weight).sum(axis=axis), total, out=np.zeros(len(total)), where=total > 0
    )
    return means, float(np.abs(means).max(initial=0.0))


def _axis_shape(axis: Axis, values: Floats) -> Shape:
    return Shape(axis.name, axis.kind, axis.cuts, values[:-1], float(values[-1]))


def _turned(pair: Pair) -> Pair:
    return Pair(pair.second, pair.first, pair.table.T)


def _union(kind: Kind, cuts: Sequence[Floats]) -> tuple[Floats, Floats]:
    """The cuts of all, and a point in each place of the table over them, NaN in the last."""
    union = np.unique(np.concatenate(cuts))
    points = np.append(union, [np.inf, np.nan] if kind == "number" else [np.nan])
    return union, points


def _shape_sum(parts: Sequence[tuple[float, Shape]]) -> Shape:
    first = parts[0][1]
    if any(shape.kind != first.kind for _, shape in parts):
        raise ValueError(f"{first.name} is a number in one model and a category in another.")
    cuts, points = _union(first.kind, [shape.cuts for _, shape in parts])
    table = np.zeros(len(points))
    for weight, shape in parts:
        table += weight * np.append(shape.values, shape.missing)[shape.codes(points)]
    knots = np.unique(np.concatenate([shape.knots for _, shape in parts]))
    heights = np.zeros(len(knots))
    for weight, shape in parts:
        if len(shape.knots):
            heights += weight * np.interp(knots, shape.knots, shape.heights)
    # Bounds are known to those who saw training rows; points written by hand have none.
    least = [shape.least for _, shape in parts if np.isfinite(shape.least)]
    most = [shape.most for _, shape in parts if np.isfinite(shape.most)]
    return Shape(
        first.name,
        first.kind,
        cuts,
        table[:-1],
        float(table[-1]),
        least=min(least, default=float("-inf")),
        most=max(most, default=float("inf")),
        knots=knots,
        heights=heights,
    )


def _pair_sum(parts: Sequence[tuple[float, Pair]]) -> Pair:
    if len(parts) == 1:
        weight, pair = parts[0]
        return replace(pair, table=weight * pair.table)
    axes, points = [], []
    for side in ("first", "second"):
        sides: list[Axis] = [getattr(pair, side) for _, pair in parts]
        cuts, at = _union(sides[0].kind, [axis.cuts for axis in sides])
        axes.append(replace(sides[0], cuts=cuts))
        points.append(at)
    table = np.zeros((axes[0].size, axes[1].size))
    for weight, pair in parts:
        rows, across = pair.first.codes(points[0]), pair.second.codes(points[1])
        table += weight * pair.table[np.ix_(rows, across)]
    return Pair(axes[0], axes[1], table)
