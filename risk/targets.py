"""The two declared targets: which inputs each score has, what they mean, and their scorecard.

`points` are the scorecard (risk/engine/declaration.py). An input that is not `learned` keeps its
points beside a trained model too: the mirror knows only its present value, so its past cannot be
learned from.
"""

from __future__ import annotations

from risk.causes import CAUSES
from risk.engine.declaration import INF, Declaration, Input
from risk.models import Target

CHURN = Declaration(
    target=Target.CHURN,
    heads=("any", "voluntary", "involuntary"),
    base=0.05,
    inputs=(
        Input(
            name="tenure_days",
            cause="new_member",
            points=((90, 0.3), (365, 0.0), (730, -0.2), (INF, -0.4)),
        ),
        Input(name="plan", cause="plan", kind="category"),
        Input(name="recurring", cause="plan"),
        Input(
            name="term_left_days",
            cause="renewal_near",
            points=((30, 1.0), (60, 0.6), (INF, 0.0)),
        ),
        Input(name="anniversary_days", cause="renewal_near"),
        Input(name="price", cause="price"),
        Input(
            name="price_rise",
            cause="price",
            direction=1,
            points=((0.03, 0.0), (0.10, 0.2), (INF, 0.4)),
        ),
        Input(name="ticket", cause="price"),
        Input(name="visits_30", cause="usage_drop", direction=-1),
        Input(name="visits_90", cause="usage_drop", direction=-1),
        Input(name="visits_180", cause="usage_drop"),
        Input(
            name="visit_ratio",
            cause="usage_drop",
            direction=-1,
            points=((0.35, 0.7), (0.7, 0.3), (1.3, 0.0), (INF, -0.2)),
        ),
        Input(name="spend_ratio", cause="usage_drop", direction=-1),
        Input(name="own_gap", cause="usage_drop"),
        Input(name="services_180", cause="usage_drop"),
        Input(
            name="days_since_visit",
            cause="no_visits",
            direction=1,
            points=((14, -0.4), (30, -0.1), (45, 0.2), (60, 0.4), (90, 0.7), (INF, 1.0)),
            points_missing=0.5,
        ),
        Input(
            name="gap_ratio",
            cause="no_visits",
            direction=1,
            points=((1, -0.3), (2, 0.1), (3, 0.5), (INF, 0.8)),
        ),
        Input(name="next_days", cause="no_booking", points=((INF, -0.5),), points_missing=0.2),
        Input(name="coming", cause="no_booking", direction=-1),
        Input(name="visits_per_payment", cause="unused_benefits", direction=-1),
        Input(
            name="unused_months",
            cause="unused_benefits",
            direction=1,
            points=((0, -0.2), (1, 0.2), (2, 0.4), (INF, 0.6)),
        ),
        Input(
            name="credits_left",
            cause="unused_benefits",
            direction=1,
        ),
        Input(
            name="failed_90",
            cause="payment",
            direction=1,
            points=((0, 0.0), (1, 0.5), (INF, 1.0)),
        ),
        Input(name="paid_share", cause="payment", direction=-1),
        Input(name="unpaid_days", cause="payment", points=((7, 0.4), (INF, 0.9))),
        Input(
            name="card_left_days",
            cause="payment",
            learned=False,
            # A card long expired that still pays was replaced without the platform saying so.
            points=((-46, 0.0), (-1, 0.9), (30, 0.6), (60, 0.3), (INF, 0.0)),
        ),
        Input(
            name="lowest_rating_180",
            cause="dissatisfaction",
            direction=-1,
            points=((2, 0.9), (3, 0.5), (4, 0.0), (INF, -0.2)),
        ),
        Input(name="rating", cause="dissatisfaction", direction=-1),
        Input(name="rating_norm", cause="dissatisfaction", direction=-1),
        Input(name="grievance", cause="dissatisfaction", direction=1),
        Input(
            name="lost_share",
            cause="therapist",
            direction=1,
            points=((0.2, 0.0), (0.5, 0.3), (INF, 0.6)),
        ),
        Input(name="lost_days", cause="therapist"),
        Input(
            name="dropped_30",
            cause="cancellations",
            direction=1,
            points=((0, 0.0), (INF, 0.3)),
        ),
        Input(
            name="given_up",
            cause="no_booking",
            direction=1,
            points=((0, 0.0), (INF, 0.2)),
        ),
        Input(
            name="fell_share_180",
            cause="cancellations",
            direction=1,
            points=((0.2, 0.0), (0.4, 0.2), (INF, 0.4)),
        ),
        Input(name="late_180", cause="cancellations", direction=1),
        Input(name="no_shows_180", cause="cancellations", direction=1),
        Input(name="frozen", cause="paused", points=((0, 0.0), (INF, 0.3))),
        Input(name="frozen_days", cause="paused"),
        Input(name="decision_days", cause="billing", direction=1),
        Input(name="location_rate", cause="location", direction=1),
        Input(name="month", cause="season"),
    ),
)

CANCELLATION = Declaration(
    target=Target.CANCELLATION,
    heads=("any", "early", "late", "no_show"),
    base=0.12,
    inputs=(
        Input(
            name="lead_days",
            cause="lead_time",
            direction=1,
            points=((1, -0.8), (3, -0.4), (7, -0.1), (14, 0.1), (30, 0.4), (INF, 0.6)),
        ),
        Input(
            name="ahead_days",
            cause="lead_time",
            direction=1,
            points=((1.2, -0.7), (3, -0.4), (7, -0.1), (INF, 0.1)),
        ),
        Input(name="weekday", cause="slot", kind="category"),
        Input(name="hour", cause="slot"),
        Input(name="minutes", cause="service"),
        Input(name="price", cause="service"),
        Input(name="service_rate", cause="service", direction=1),
        Input(name="channel", cause="channel", kind="category"),
        Input(
            name="own_rate",
            cause="own_history",
            direction=1,
            points=((0.08, -0.6), (0.14, -0.2), (0.2, 0.1), (0.3, 0.6), (0.45, 1.1), (INF, 1.6)),
        ),
        Input(name="own_no_show_rate", cause="own_history", direction=1),
        Input(name="past_fell", cause="own_history"),
        Input(name="past_late", cause="own_history"),
        Input(
            name="days_since_fall",
            cause="own_history",
            points=((30, 0.4), (90, 0.2), (INF, 0.0)),
        ),
        Input(name="dropped_30", cause="own_history", direction=1),
        Input(name="first_visit", cause="first_visit", points=((0, 0.0), (INF, 0.3))),
        Input(
            name="therapist_visits",
            cause="first_visit",
            direction=-1,
            points=((2, 0.0), (INF, -0.2)),
        ),
        Input(name="service_visits", cause="first_visit", direction=-1),
        Input(name="past_bookings", cause="first_visit"),
        Input(name="days_since_visit", cause="first_visit"),
        Input(name="member", cause="plan", points=((0, 0.0), (INF, -0.2))),
        Input(name="member_days", cause="plan"),
        Input(name="same_day", cause="other"),
        Input(name="open_bookings", cause="other"),
        Input(
            name="place_rate",
            cause="location",
            direction=1,
            points=((0.08, -0.4), (0.12, -0.1), (0.18, 0.1), (0.25, 0.4), (INF, 0.7)),
        ),
        Input(name="month", cause="season"),
        Input(name="holiday", cause="season"),
        Input(
            name="confirmed",
            cause="unconfirmed",
            learned=False,
            points=((0, 0.0), (INF, -0.5)),
        ),
    ),
)

DECLARATIONS: dict[str, Declaration] = {
    Target.CHURN: CHURN,
    Target.CANCELLATION: CANCELLATION,
}

for _declaration in DECLARATIONS.values():
    for _input in _declaration.inputs:
        if _input.cause not in CAUSES:
            raise ValueError(f"{_input.name}: {_input.cause} is not in risk/causes.py.")
