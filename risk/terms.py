"""What scores are given by at one moment, besides the inputs: the model that serves and the bands.

Asked of the database for every run and every changed booking, so that a model put to work and bands
set by staff count at once. Only the verified model itself stays in memory (`registry`).
"""

from __future__ import annotations

from dataclasses import dataclass

from risk import prepared, registry
from risk.engine.additive import Artefact
from risk.models import ModelVersion
from risk.selectors import begins


@dataclass(frozen=True)
class Terms:
    """`limits`: from which score each band begins."""

    model_id: int
    artefact: Artefact
    limits: dict[str, int]


LIVE = f"""
SELECT v.id, v.signature, ARRAY(
        SELECT b.band || ':' || b.min_score FROM risk_bandthreshold b WHERE b.target = %(target)s
    ), {prepared.SETTINGS}
FROM risk_modelversion v
WHERE v.target = %(target)s AND v.status = '{ModelVersion.Status.CHAMPION}'
"""  # noqa: S608 - names of our own tables


def live(target: str) -> Terms | None:
    """One statement; None when this process has not verified the serving model yet, or there is
    none. Also keeps the plans of the statements that follow in this transaction."""
    for model_id, signature, bands, *_ in prepared.rows(LIVE, {"target": target}):
        artefact = registry.verified(model_id, signature)
        if artefact is not None:
            chosen = dict(band.split(":") for band in bands)
            return Terms(model_id, artefact, begins(target, chosen))
    return None
