"""What the risk engine does: learn, put a model to work, score a night and score a booking."""

from risk.services.bands import BadThresholds, change_thresholds
from risk.services.inputs import UnknownInput, exclude_input, include_input
from risk.services.lifecycle import (
    UnknownModel,
    archive_old,
    consider_shadow,
    newest_shadow,
    put_to_work,
    roll_back,
    serving_model,
    train,
)
from risk.services.months import refresh_months
from risk.services.scores import (
    Busy,
    score_appointments,
    score_bookings,
    score_members,
)
from risk.services.uplift import estimate_uplift

__all__ = [
    "BadThresholds",
    "Busy",
    "UnknownInput",
    "UnknownModel",
    "archive_old",
    "change_thresholds",
    "consider_shadow",
    "estimate_uplift",
    "exclude_input",
    "include_input",
    "newest_shadow",
    "put_to_work",
    "refresh_months",
    "roll_back",
    "score_appointments",
    "score_bookings",
    "score_members",
    "serving_model",
    "train",
]
