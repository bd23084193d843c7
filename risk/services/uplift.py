"""What contact changes and for whom, learned from the experiments of the plays."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from audit.services import record
from risk import events, experiments
from risk.models import (
    UpliftEstimate,
)
from risk.services.shared import long_statements

if TYPE_CHECKING:
    from risk.engine.uplift import Found


def estimate_uplift(
    *, play: str, as_of_on: date, now: datetime, by: AbstractBaseUser | None = None
) -> UpliftEstimate:
    """Learn from the play's experiment what contact changes, and for whom. Kept once per play and
    day; "not enough data yet" is an answer like the others."""
    from risk.engine import uplift  # scikit-learn is loaded only where it is needed

    with transaction.atomic():
        long_statements()
        known = experiments.cases(play, as_of_on=as_of_on)
    found = uplift.learn(known.columns, known.treated, known.outcome, categories=known.categories)
    return _keep_uplift(found, play=play, as_of_on=as_of_on, now=now, by=by)


@transaction.atomic
def _keep_uplift(
    found: Found, *, play: str, as_of_on: date, now: datetime, by: AbstractBaseUser | None
) -> UpliftEstimate:
    estimate, _ = UpliftEstimate.objects.update_or_create(
        play=play,
        as_of_on=as_of_on,
        defaults={
            "estimated_at": now,
            "verdict": found.verdict,
            "sentence": found.sentence,
            "treated": found.average.n_treated,
            "held_out": found.average.n_held_out,
            "report": found.report,
        },
    )
    record(
        events.UPLIFT_ESTIMATED,
        at=now,
        by=by,
        target=estimate,
        detail={
            "play": play,
            "as_of": as_of_on.isoformat(),
            "verdict": str(UpliftEstimate.Verdict(found.verdict).label),
            "treated": estimate.treated,
            "held_out": estimate.held_out,
        },
    )
    return estimate
