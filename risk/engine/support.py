"""What ordinary cases look like to a model, so that an unusual one is noticed.

A case may have every number in its usual range and still be unlike any other: thirty visits in a
month after a year of none. Its contributions then do not go together as those of ordinary cases do.
The measure is their Mahalanobis distance (Mahalanobis 1936) from the training cases, with the
covariance drawn a little towards a round one so that inputs that hardly vary count little (Ledoit &
Wolf 2004). How far is too far is read from the newest cases, not from a table: the distance that
`ODD_SHARE` of them exceed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from risk.engine.additive import AdditiveModel, Columns, Floats, Support

ODD_SHARE = 0.015
DRAWN = 0.1
NEWEST_SHARE = 0.2
MOST_ROWS = 50_000
LEAST_ROWS = 200
# An input known in so large a share of the past is missed where it is not known.
USUALLY_KNOWN = 0.995


def of(model: AdditiveModel, columns: Columns, moment: Floats) -> Support | None:
    """Of past cases; `moment` tells which are the newest. None with too few to say."""
    rows = len(moment)
    names = [shape.name for shape in model.shapes]
    if rows < LEAST_ROWS or not names:
        return None
    order = np.argsort(moment, kind="stable")
    cut = int(rows * (1 - NEWEST_SHARE))
    older, newest = (
        {name: columns[name][part[:: 1 + len(part) // MOST_ROWS]] for name in names}
        for part in (order[:cut], order[cut:])
    )
    c = model.contributions(older)
    covariance = np.atleast_2d(np.cov(c, rowvar=False))
    even = np.eye(len(covariance)) * max(float(np.trace(covariance)) / len(covariance), 1e-6)
    inverse = np.linalg.inv((1 - DRAWN) * covariance + DRAWN * even)
    found = Support(
        centre=c.mean(axis=0),
        root=np.linalg.cholesky(inverse).T,
        limit=0.0,
        known=tuple(
            name
            for name in names
            if min(float(np.mean(~np.isnan(part[name]))) for part in (older, newest))
            >= USUALLY_KNOWN
        ),
    )
    apart = found.distance(model.contributions(newest))
    return replace(found, limit=float(np.quantile(apart, 1 - ODD_SHARE)))
