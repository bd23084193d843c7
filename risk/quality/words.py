"""What the watch finds, in sentences staff understand, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from risk.engine import drift
from risk.models import DriftAlarm, Target

Kind = DriftAlarm.Kind
MISSING_RISE = 0.05  # a share of "not known" that has risen so far is what to tell

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
ADVICE = {
    Kind.INPUT: gettext_lazy(
        "If you changed this (prices, plans, opening hours), nothing is wrong: the model learns "
        "it. If not, look at the data page and at the platform's settings."
    ),
    Kind.MISSING: gettext_lazy(
        "Look at the data page: the platform may no longer send this. Until it does, scores treat "
        "it as not known."
    ),
    Kind.SCORE: gettext_lazy(
        "Many scores have moved together. Look at the other alarms for the reason before acting "
        "on them."
    ),
    Kind.VOLUME: gettext_lazy(
        "Look at the data page: a location may not have been read completely."
    ),
    Kind.LEVEL: gettext_lazy(
        "Trust the order of the list, less the numbers. The model learns again by itself; if a "
        "change of rules explains it, nothing is to be done."
    ),
    Kind.SLOPE: gettext_lazy(
        "Treat very high and very low scores as less certain. The model learns again by itself."
    ),
}
WHAT = {
    str(Target.CHURN): pgettext_lazy("what is scored", "members"),
    str(Target.CANCELLATION): pgettext_lazy("what is scored", "bookings"),
}


def input_name(name: str) -> str:
    return str(INPUTS.get(name, name.replace("_", " ")))


def advice(kind: str) -> str:
    return str(ADVICE[Kind(kind)])


def kind_of(finding: drift.Finding) -> str:
    if finding.name == "rows":
        return Kind.VOLUME
    if finding.name == "score":
        return Kind.SCORE
    return Kind.MISSING if finding.missing_rise > MISSING_RISE else Kind.INPUT


def sentence(target: str, finding: drift.Finding, bins: drift.Bins | None, where: str) -> str:
    """What has changed. `where` is the location's name, empty for the whole business."""
    kind = kind_of(finding)
    if kind == Kind.VOLUME:
        text = _("%(lost)s of the usual number of %(what)s did not come in to be scored.") % {
            "lost": percent(finding.size),
            "what": WHAT[target],
        }
    elif kind == Kind.MISSING:
        text = _("%(input)s: not known for %(now)s of %(what)s, before for %(before)s.") % {
            "input": _begin(input_name(finding.name)),
            "now": percent(finding.now[-1]),
            "before": percent(finding.before[-1]),
            "what": WHAT[target],
        }
    elif kind == Kind.SCORE:
        up = _middle_place(finding.now) > _middle_place(finding.before)
        text = (
            _("Scores have risen together, more than seasons explain.")
            if up
            else _("Scores have moved together, more than seasons explain.")
        )
    else:
        text = _shifted(finding, bins)
    return f"{where}: {text}" if where else text


def _shifted(finding: drift.Finding, bins: drift.Bins | None) -> str:
    name = _begin(input_name(finding.name))
    if bins is not None and bins.kind == "number" and len(bins.cuts) > 2:
        before, now = _middle_place(finding.before), _middle_place(finding.now)
        if now >= len(bins.cuts):
            return _("%(input)s: mostly beyond anything seen before. Has a unit changed?") % {
                "input": name
            }
        if before != now:
            return _(
                "%(input)s: the middle value was about %(before)s and is about %(now)s now."
            ) % {
                "input": name,
                "before": _plain(_value(bins, before)),
                "now": _plain(_value(bins, now)),
            }
    change = np.array(finding.now) - np.array(finding.before)
    most = int(np.argmax(np.abs(change)))
    return _("%(input)s: what made up %(before)s makes up %(now)s now.") % {
        "input": name,
        "before": percent(finding.before[most]),
        "now": percent(finding.now[most]),
    }


def outcome_sentence(target: str, found: drift.Calibrated) -> str:
    """What came true against what was said, of outcomes known lately."""
    if found.what == "slope":
        return (
            _(
                "High and low scores differ less or more than they should: they are further apart "
                "than outcomes are."
            )
            if found.slope < 1
            else _("High and low scores differ less than outcomes do: they are too close together.")
        )
    said, seen = round(100 * found.expected / found.n), round(100 * found.seen / found.n)
    if target == Target.CHURN:
        return _("Of 100 members %(seen)d left; the scores had said %(said)d.") % {
            "seen": seen,
            "said": said,
        }
    return _("Of 100 bookings %(seen)d fell through; the scores had said %(said)d.") % {
        "seen": seen,
        "said": said,
    }


def percent(share: float) -> str:
    return _("%(n)d %%") % {"n": round(100 * share)}


def _middle_place(shares: Sequence[float]) -> int:
    """The place the median of the known values lies in."""
    known = np.cumsum(shares[:-1])
    if not len(known) or known[-1] <= 0:
        return 0
    return int(np.searchsorted(known, known[-1] / 2))


def _value(bins: drift.Bins, place: int) -> float:
    below = bins.cuts[place - 1] if place else bins.cuts[0]
    return float((below + bins.cuts[place]) / 2)


def _plain(value: float) -> str:
    if abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 0.1 else f"{value:.2g}"


def _begin(text: str) -> str:
    return text[:1].upper() + text[1:]
