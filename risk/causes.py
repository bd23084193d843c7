"""The causes a reason can name: a fixed list, so that offers, plays and filters can refer to it.

Every input of a score belongs to one cause (risk/targets.py); a reason is the sum of what the
inputs of one cause contribute.
"""

from __future__ import annotations

from dataclasses import dataclass

from risk.engine.declaration import Input


@dataclass(frozen=True, slots=True)
class Cause:
    """`label` heads a filter or a report; `eases` is what would lower the risk, in plain words."""

    key: str
    label: str
    eases: str


# What nobody can do anything about.
IDLE = "nothing to do"

_CAUSES = [
    # Why a membership may end.
    Cause("usage_drop", "comes less often", "a visit at the usual rhythm"),
    Cause("no_visits", "has not been in", "a booked and kept visit"),
    Cause("unused_benefits", "pays without using the plan", "using the credits already paid for"),
    Cause("payment", "payment trouble", "a working card on file"),
    Cause("dissatisfaction", "was not happy", "a personal word after the low rating"),
    Cause("therapist", "therapist has left", "an introduction to a new therapist"),
    Cause("price", "price or spending", "an offer that fits the spending"),
    Cause("renewal_near", "contract term", "renewal terms before the term ends"),
    Cause("new_member", "length of membership", "a good start in the first weeks"),
    Cause("cancellations", "cancels or misses bookings", "a time that really suits"),
    Cause("no_booking", "nothing booked", "a next booking"),
    Cause("paused", "membership paused", "a date to come back"),
    Cause("notice", "asked to cancel", "a talk before the last day"),
    Cause("plan", "plan", "a plan that fits the use"),
    # Why a booking may fall through.
    Cause("own_history", "earlier cancellations", "a confirmation by a person"),
    Cause("lead_time", "booked far ahead", "a reminder nearer the day"),
    Cause("first_visit", "not a regular yet", "a welcome and directions"),
    Cause("slot", "day and hour", "an easier time"),
    Cause("service", "kind of treatment", "preparation details"),
    Cause("channel", "how it was booked", "a confirmation by a person"),
    Cause("unconfirmed", "confirmation", "a confirmed booking"),
    # Both.
    Cause("billing", "days of payment", IDLE),
    Cause("season", "time of year", IDLE),
    Cause("location", "usual rate of the location", IDLE),
    Cause("other", "other", "a personal word"),
]
CAUSES: dict[str, Cause] = {cause.key: cause for cause in _CAUSES}


def label_of(one: Input) -> str:
    """An input in words for staff: its cause, then its own name."""
    return f"{CAUSES[one.cause].label}: {one.name.replace('_', ' ')}"
