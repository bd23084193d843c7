"""The causes a reason can name: a fixed list, so that offers, plays and filters can refer to it.

Every input of a score belongs to one cause (risk/targets.py); a reason is the sum of what the
inputs of one cause contribute.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy

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
    return f"{CAUSES[one.cause].label}: {input_name(one.name)}"


# What each input counts, as staff would say it.
INPUTS = {
    "tenure_days": gettext_lazy("days as a member"),
    "plan": gettext_lazy("the mix of plans"),
    "recurring": gettext_lazy("recurring memberships"),
    "term_left_days": gettext_lazy("days left of the term"),
    "anniversary_days": gettext_lazy("days to the anniversary"),
    "price": gettext_lazy("prices"),
    "price_rise": gettext_lazy("price rises"),
    "ticket": gettext_lazy("spending per visit"),
    "visits_30": gettext_lazy("visits in 30 days"),
    "visits_90": gettext_lazy("visits in 90 days"),
    "visits_180": gettext_lazy("visits in 180 days"),
    "visit_ratio": gettext_lazy("visits against the own habit"),
    "spend_ratio": gettext_lazy("spending against the own habit"),
    "own_gap": gettext_lazy("usual days between visits"),
    "services_180": gettext_lazy("kinds of treatment"),
    "days_since_visit": gettext_lazy("days since the last visit"),
    "gap_ratio": gettext_lazy("time since the last visit in own gaps"),
    "next_days": gettext_lazy("days to the next booking"),
    "coming": gettext_lazy("bookings ahead"),
    "visits_per_payment": gettext_lazy("visits per payment"),
    "unused_months": gettext_lazy("payments without a visit"),
    "failed_90": gettext_lazy("failed payments in 90 days"),
    "paid_share": gettext_lazy("the share of payments that go through"),
    "unpaid_days": gettext_lazy("days with a payment open"),
    "card_left_days": gettext_lazy("days until the card expires"),
    "lowest_rating_180": gettext_lazy("the lowest rating in 180 days"),
    "rating": gettext_lazy("ratings"),
    "dropped_30": gettext_lazy("bookings cancelled in 30 days"),
    "fell_share_180": gettext_lazy("the share of bookings cancelled or missed"),
    "late_180": gettext_lazy("late cancellations"),
    "no_shows_180": gettext_lazy("no-shows"),
    "grievance": gettext_lazy("complaints of late"),
    "given_up": gettext_lazy("bookings cancelled with none left"),
    "rating_norm": gettext_lazy("ratings against the usual"),
    "credits_left": gettext_lazy("credits left"),
    "lost_share": gettext_lazy("visits with a therapist who has left"),
    "lost_days": gettext_lazy("days since the own therapist left"),
    "frozen": gettext_lazy("paused memberships"),
    "frozen_days": gettext_lazy("days paused"),
    "location_rate": gettext_lazy("the location's rate of leaving"),
    "lead_days": gettext_lazy("days between booking and visit"),
    "hour": gettext_lazy("hours of the day"),
    "weekday": gettext_lazy("weekdays"),
    "minutes": gettext_lazy("length of services in minutes"),
    "service_rate": gettext_lazy("rates of the services booked"),
    "channel": gettext_lazy("the mix of booking channels"),
    "own_rate": gettext_lazy("guests' own rates of cancelling"),
    "own_no_show_rate": gettext_lazy("guests' own rates of missing"),
    "past_fell": gettext_lazy("bookings guests cancelled before"),
    "past_late": gettext_lazy("late cancellations before"),
    "days_since_fall": gettext_lazy("days since the last cancellation"),
    "first_visit": gettext_lazy("first visits"),
    "therapist_visits": gettext_lazy("visits with the same therapist"),
    "service_visits": gettext_lazy("visits for the same service"),
    "past_bookings": gettext_lazy("past bookings of guests"),
    "member": gettext_lazy("bookings by members"),
    "member_days": gettext_lazy("days as a member"),
    "same_day": gettext_lazy("other bookings of the day"),
    "open_bookings": gettext_lazy("open bookings of guests"),
    "place_rate": gettext_lazy("the location's rate of cancelling"),
    "confirmed": gettext_lazy("confirmations"),
}


def input_name(name: str) -> str:
    return str(INPUTS.get(name, name.replace("_", " ")))
