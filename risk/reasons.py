"""Why a score is what it is, in words: the person's own number beside the person's own norm.

The contributions of the inputs of one cause are summed; the causes with the largest sums become
reasons. Within a cause the input that contributes most gives the words, so that the sentence names
the number that moved the score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from memberships.money import in_words
from risk.engine.additive import AdditiveModel, Columns, Floats
from risk.frame import currency_of
from risk.models import Target
from risk.targets import DECLARATIONS

CHUNK = 10_000  # rows looked at together: few enough for any number of members
MOST = 3
TRIED = 6  # causes looked at, since some have nothing to say about this person
LEAST_CONTRIBUTION = 0.05  # log-odds: about one point in a hundred of chance
# Causes nobody can act on for one person come last, only when nothing else is there to say.
BACKGROUND = frozenset({"billing", "season", "location", "other", "plan"})
# In a score above the average a lowering reason counts half when reasons are ranked, and the
# other way round: the first reason should speak for the score.
AGAINST = 0.5

Row = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Words:
    """`value` and `norm` are the two numbers of the sentence, where it has them."""

    text: str
    value: float | None = None
    norm: float | None = None


def explain(
    target: str,
    model: AdditiveModel,
    columns: Columns,
    contributions: Floats,
    hidden: frozenset[str] = frozenset(),
) -> list[list[dict[str, Any]]]:
    """Per row at most three reasons, the most telling first:
    {"cause", "text", "value", "norm", "contribution", "direction"}.

    `contributions` has shape (rows, inputs) in the order of the model's shapes, log-odds. No
    sentence speaks of an input that is `hidden`.
    """
    told: list[list[dict[str, Any]]] = []
    for start in range(0, len(contributions), CHUNK):
        part = slice(start, start + CHUNK)
        told += _explain(
            target,
            model,
            {name: x[part] for name, x in columns.items()},
            contributions[part],
            hidden,
        )
    return told


def _explain(
    target: str,
    model: AdditiveModel,
    columns: Columns,
    contributions: Floats,
    hidden: frozenset[str],
) -> list[list[dict[str, Any]]]:
    names = [shape.name for shape in model.shapes]
    causes, members, belongs = _grouped(target, tuple(names))
    sums = contributions @ belongs
    above = contributions.sum(axis=1, keepdims=True) > 0
    weight = np.abs(sums) * np.where((sums > 0) == above, 1.0, AGAINST)
    weight[np.abs(sums) < LEAST_CONTRIBUTION] = 0
    weight[:, [cause in BACKGROUND for cause in causes]] *= 1e-3
    order = np.argsort(-weight, axis=1, kind="stable")[:, :TRIED]
    # Within a cause the input that pushes furthest its way; `members` is padded with a column that
    # never does.
    padded = np.column_stack([contributions, np.zeros(len(sums))])[:, members]
    padded *= np.sign(sums)[:, :, None]
    padded[:, members == len(names)] = -np.inf
    leads = np.take_along_axis(members[None], padded.argmax(axis=2)[:, :, None], axis=2)[:, :, 0]

    lists = {name: columns[name].tolist() for name in _needed(names) - hidden if name in columns}
    told: list[list[dict[str, Any]]] = []
    for row, (places, weights, totals, leading) in enumerate(
        zip(order.tolist(), weight.tolist(), sums.tolist(), leads.tolist(), strict=True)
    ):
        reasons: list[dict[str, Any]] = []
        number_of = partial(_cell, lists, row)
        for place in places:
            cause, total = causes[place], totals[place]
            if not weights[place] or len(reasons) == MOST or (cause in BACKGROUND and reasons):
                break  # what follows weighs less
            words = say(target, names[leading[place]], number_of, total > 0)
            if not words.text:
                continue
            reasons.append(
                {
                    "cause": cause,
                    "text": words.text,
                    "value": words.value,
                    "norm": words.norm,
                    "contribution": round(total, 3),
                    "direction": "raises" if total > 0 else "lowers",
                }
            )
        told.append(reasons)
    return told


@lru_cache(maxsize=32)
def _grouped(target: str, names: tuple[str, ...]) -> tuple[list[str], npt.NDArray[np.intp], Floats]:
    """The causes of these inputs; per cause the places of its inputs, padded with len(names); and
    the matrix of shape (inputs, causes) that sums contributions by cause."""
    declaration = DECLARATIONS[target]
    cause_of = [declaration.input(name).cause for name in names]
    causes = sorted(set(cause_of))
    groups = [[i for i, cause in enumerate(cause_of) if cause == one] for one in causes]
    widest = max(map(len, groups))
    members = np.array([group + [len(names)] * (widest - len(group)) for group in groups])
    belongs = np.array([[float(cause == one) for one in causes] for cause in cause_of])
    return causes, members, belongs


def notice_reason(notice_days: float) -> dict[str, Any]:
    """The reason of a member who has asked to cancel: a fact, not a forecast."""
    days = round(notice_days)
    return {
        "cause": "notice",
        "text": "asked to cancel today" if days <= 0 else f"asked to cancel {_ago(days)}",
        "value": float(days),
        "norm": None,
        "contribution": None,
        "direction": "raises",
    }


def say(target: str, name: str, row: Row, raises: bool) -> Words:
    """The sentence of one input for one case; an empty one when there is nothing to say."""
    try:
        return PHRASES[target][name](row, raises)
    except ValueError:  # hidden, or NaN, which cannot be rounded: a number that is not known
        return Words("")


class Hidden(ValueError):
    """A sentence needs a number that is not to be spoken of."""


def _cell(lists: dict[str, list[float]], row: int, name: str) -> float:
    try:
        return lists[name][row]
    except KeyError as error:
        raise Hidden(name) from error


def _needed(names: Sequence[str]) -> set[str]:
    return {*names, *EXTRA}


# Columns the sentences read besides the input they speak of.
EXTRA = [
    "own_gap", "days_since_visit", "habit_90", "visits_30", "visits_90", "visits_180", "paid_90",
    "tenure_days", "failed_365", "spend_90", "unpaid_days", "next_days", "coming", "lead_days",
    "past_bookings", "past_fell", "past_no_shows", "past_late", "past_visits", "rating_days",
    "cancelled_180", "no_shows_180", "paid_120", "covered_120", "lost_days", "lost_visits",
    "visits_booked_180", "ratings", "rating_mean",
    "low_days", "low_rating", "dropped_30", "currency",
]  # fmt: skip


def _known(value: float) -> bool:
    return value == value


def _count(number: float, one: str, many: str | None = None) -> str:
    whole = round(number)
    return f"{whole} {one if whole == 1 else many or one + 's'}"


def _ago(days: float) -> str:
    whole = round(days)
    if whole <= 0:
        return "today"
    if whole == 1:
        return "yesterday"
    if whole < 60:
        return f"{whole} days ago"
    return f"{round(whole / 30.4)} months ago"


def _span(days: float) -> str:
    whole = round(days)
    if whole < 60:
        return _count(whole, "day")
    if whole < 730:
        return _count(whole / 30.4, "month")
    return _count(whole / 365.25, "year")


def _last_visit(row: Row, raises: bool) -> Words:
    days, gap = row("days_since_visit"), row("own_gap")
    if not _known(days):
        return Words(f"no visit yet in {_span(max(row('tenure_days'), 1))} as a member")
    value, norm = round(days), round(gap)
    if raises and value > norm:
        return Words(f"no visit for {_count(value, 'day')}, usual gap {norm}", value, norm)
    return Words(f"last visit {_ago(days)}, usual gap {_count(norm, 'day')}", value, norm)


def _visits(window: int) -> Callable[[Row, bool], Words]:
    def words(row: Row, raises: bool) -> Words:
        visits, habit = row(f"visits_{window}"), row("habit_90")
        text = f"{_count(visits, 'visit')} in {window} days"
        if not _known(habit):
            return Words(text, visits)
        usual = habit * window / 90
        told = round(usual) if usual >= 1.5 else round(usual, 1)
        return Words(f"{text}, usually {told:g}", visits, float(told))

    return words


def _spending(row: Row, raises: bool) -> Words:
    ratio = row("spend_ratio")
    if not _known(ratio):
        return Words("")
    percent = round((ratio - 1) * 100)
    if abs(percent) < 5:
        return Words("spends about as usual")
    way = "less" if percent < 0 else "more"
    return Words(f"spent {min(abs(percent), 300)}% {way} than usual in 90 days", percent)


def _seen_last(row: Row, raises: bool) -> Words:
    days = row("days_since_visit")
    return Words(f"last visit {_ago(days)}", round(days)) if _known(days) else Words("no visit yet")


def _next_booking(row: Row, raises: bool) -> Words:
    days = row("next_days")
    if not _known(days):
        return Words("nothing booked")
    return Words(
        "next visit is today" if days <= 0 else f"next visit in {_count(days, 'day')}", days
    )


def _credits(row: Row, raises: bool) -> Words:
    visits, paid = round(row("visits_90")), round(row("paid_90"))
    if not paid:
        return Words("no payment in the last 90 days")
    came = "came once" if visits == 1 else f"came {visits} times" if visits else "did not come"
    return Words(f"paid {_count(paid, 'time')} in 90 days, {came}", visits, paid)


def _failed(row: Row, raises: bool) -> Words:
    failed = row("failed_90")
    if not failed:
        return Words("all payments went through in 90 days", 0.0)
    return Words(f"{_count(failed, 'failed payment')} in 90 days", failed)


def _unpaid(row: Row, raises: bool) -> Words:
    days = row("unpaid_days")
    if not _known(days):
        return Words("payments are up to date")
    return Words(f"payment open for {_span(max(days, 1))}", round(days))


def _reliability(row: Row, raises: bool) -> Words:
    failed = row("failed_365")
    if not failed:
        return Words("every payment of the year went through", 0.0)
    return Words(f"{_count(failed, 'failed payment')} in a year", failed)


def _card(row: Row, raises: bool) -> Words:
    days = row("card_left_days")
    if not _known(days):
        return Words("")
    if days < 0:
        return Words(f"card expired {_ago(-days)}", round(days))
    return Words(f"card expires in {_count(days, 'day')}", round(days))


def _rating(name: str) -> Callable[[Row, bool], Words]:
    def words(row: Row, raises: bool) -> Words:
        rating = row(name)
        if not _known(rating):
            return Words("")
        if name == "rating":
            return Words(f"last rating {rating:g} of 5, {_ago(row('rating_days'))}", rating, 5.0)
        return Words(f"lowest rating {rating:g} of 5 in 6 months", rating, 5.0)

    return words


def _fell_share(row: Row, raises: bool) -> Words:
    fell = row("cancelled_180") + row("no_shows_180")
    if not fell:
        return Words("kept every booking in 6 months", 0.0)
    total = fell + row("visits_180")
    return Words(f"cancelled or missed {round(fell)} of {round(total)} bookings in 6 months", fell)


def _counted(name: str, one: str, window: str, none: str) -> Callable[[Row, bool], Words]:
    def words(row: Row, raises: bool) -> Words:
        number = row(name)
        if not number:
            return Words(none, 0.0)
        return Words(f"{_count(number, one)} {window}", number)

    return words


def _term(row: Row, raises: bool) -> Words:
    days = row("term_left_days")
    if not _known(days):
        return Words("")
    if days < 0:
        return Words(f"term ended {_ago(-days)}", round(days))
    return Words(f"term ends in {_span(days)}", round(days))


def _anniversary(row: Row, raises: bool) -> Words:
    days = row("anniversary_days")
    if not _known(days):
        return Words("")
    return Words(f"anniversary in {_span(days)}", round(days))


def _amount(name: str, text: str) -> Callable[[Row, bool], Words]:
    def words(row: Row, raises: bool) -> Words:
        amount = row(name)
        if not _known(amount):
            return Words("")
        said = in_words(100 * round(amount), currency_of(row("currency")))
        return Words(text.format(said), round(amount))

    return words


def _price_rise(row: Row, raises: bool) -> Words:
    rise = row("price_rise")
    percent = round(rise * 100) if _known(rise) else 0
    if not percent:
        return Words("same price as before", 0.0)
    return Words(f"pays {abs(percent)}% {'more' if percent > 0 else 'less'} than before", percent)


def _own_history(row: Row, raises: bool) -> Words:
    past, fell = round(row("past_bookings")), round(row("past_fell"))
    if not past:
        return Words("no earlier booking to judge by", 0.0)
    if not fell:
        all_of_them = (
            f"kept all {past} earlier bookings" if past > 1 else "kept the earlier booking"
        )
        return Words(all_of_them, 0.0, past)
    return Words(f"cancelled or missed {fell} of {past} earlier bookings", fell, past)


def _missed(row: Row, raises: bool) -> Words:
    missed, past = round(row("past_no_shows")), round(row("past_bookings"))
    if not missed:
        return Words("never missed a booking" if past else "no earlier booking to judge by", 0.0)
    return Words(f"missed {missed} of {past} earlier bookings without word", missed, past)


def _since_fall(row: Row, raises: bool) -> Words:
    days = row("days_since_fall")
    if not _known(days):
        return Words("has not cancelled in two years")
    return Words(f"last cancelled or missed {_ago(days)}", round(days))


def _ahead(row: Row, raises: bool) -> Words:
    days = row("lead_days")
    if days < 1:
        return Words("booked for the same or next day", 0.0)
    return Words(f"booked {_span(days)} ahead", round(days))


def _to_go(row: Row, raises: bool) -> Words:
    days = row("ahead_days")
    if days < 1.5:
        return Words("starts within a day or so", round(days))
    return Words(f"still {_count(days, 'day')} away", round(days))


WEEKDAYS = ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"]
MONTHS = [date(2000, month, 1).strftime("%B") for month in range(1, 13)]


def _more_or_less(raises: bool) -> str:
    return "more often" if raises else "less often"


def _weekday(row: Row, raises: bool) -> Words:
    day = WEEKDAYS[round(row("weekday")) - 1]
    return Words(f"{day} fall through {_more_or_less(raises)}")


def _hour(row: Row, raises: bool) -> Words:
    return Words(
        f"bookings at {round(row('hour'))}:00 fall through {_more_or_less(raises)}", row("hour")
    )


def _fixed(raising: str, lowering: str) -> Callable[[Row, bool], Words]:
    return lambda row, raises: Words(raising if raises else lowering)


def _month(row: Row, raises: bool) -> Words:
    name = MONTHS[round(row("month")) - 1]
    return Words(f"{name} is a {'harder' if raises else 'better'} month")


def _tenure(row: Row, raises: bool) -> Words:
    days = row("tenure_days")
    return Words(f"member for {_span(max(days, 1))}", round(days))


def _frozen(row: Row, raises: bool) -> Words:
    return Words("membership is paused" if row("frozen") else "membership is not paused")


def _frozen_days(row: Row, raises: bool) -> Words:
    days = row("frozen_days")
    if not _known(days):
        return Words("membership is not paused")
    return Words(f"paused for {_span(max(days, 1))}", round(days))


def _with_therapist(row: Row, raises: bool) -> Words:
    visits = row("therapist_visits")
    if not _known(visits):
        return Words("no therapist chosen yet")
    if not visits:
        return Words("first time with this therapist", 0.0)
    return Words(f"{_count(visits, 'visit')} with this therapist before", visits)


def _credits_left(row: Row, raises: bool) -> Words:
    paid, used = round(row("paid_120")), round(row("covered_120"))
    if not _known(row("credits_left")):
        return Words("")
    if not paid:
        return Words("no payment in 4 months")
    return Words(f"paid {_count(paid, 'time')} in 4 months, used {used} on the plan", used, paid)


def _lost(row: Row, raises: bool) -> Words:
    days, visits = row("lost_days"), round(row("lost_visits"))
    if not _known(days) or not visits:
        return Words("own therapist is still here")
    with_her = f"{visits} of {round(row('visits_booked_180'))} visits"
    return Words(f"therapist of {with_her} left {_ago(days)}", round(days), visits)


def _rating_norm(row: Row, raises: bool) -> Words:
    count = round(row("ratings"))
    if not count:
        return Words("has not rated a visit in a year")
    return Words(
        f"rates {row('rating_mean'):.1f} of 5 on average ({_count(count, 'rating')} in a year)",
        round(row("rating_mean"), 1),
        5.0,
    )


def _grievance(row: Row, raises: bool) -> Words:
    days = row("low_days")
    if not _known(days):
        return Words("no low rating in a year")
    rating = row("low_rating")
    return Words(f"rated a visit {rating:g} of 5, {_ago(days)}", rating, 5.0)


def _given_up(row: Row, raises: bool) -> Words:
    dropped = row("dropped_30")
    if not row("given_up"):
        return Words("cancelled nothing without booking again", 0.0)
    return Words(f"cancelled {_count(dropped, 'booking')} and made no new one", dropped)


def _decision(row: Row, raises: bool) -> Words:
    payments = "" if row("decision_days") else "no "
    return Words(f"{payments}payment due within the two months ahead")


_DROPPED = _counted(
    "dropped_30", "booking", "cancelled in the last 30 days", "nothing cancelled in 30 days"
)
_MEMBERS: dict[str, Callable[[Row, bool], Words]] = {
    "tenure_days": _tenure,
    "plan": _fixed("this plan is left more often", "this plan is kept longer"),
    "recurring": _fixed("kind of plan is left more often", "kind of plan is kept longer"),
    "term_left_days": _term,
    "anniversary_days": _anniversary,
    "price": _amount("price", "pays about {} a time"),
    "price_rise": _price_rise,
    "ticket": _amount("ticket", "spends about {} per visit"),
    "visits_30": _visits(30),
    "visits_90": _visits(90),
    "visits_180": _visits(180),
    "visit_ratio": _visits(90),
    "spend_ratio": _spending,
    "own_gap": lambda row, raises: Words(
        f"comes about every {_count(row('own_gap'), 'day')}", round(row("own_gap"))
    ),
    "services_180": lambda row, raises: Words(
        f"{_count(row('services_180'), 'kind', 'kinds')} of treatment in 6 months",
        row("services_180"),
    ),
    "days_since_visit": _last_visit,
    "gap_ratio": _last_visit,
    "next_days": _next_booking,
    "coming": _next_booking,
    "visits_per_payment": _credits,
    "unused_months": _credits,
    "credits_left": _credits_left,
    "failed_90": _failed,
    "paid_share": _reliability,
    "unpaid_days": _unpaid,
    "card_left_days": _card,
    "lowest_rating_180": _rating("lowest_rating_180"),
    "rating": _rating("rating"),
    "rating_norm": _rating_norm,
    "grievance": _grievance,
    "given_up": _given_up,
    "lost_share": _lost,
    "lost_days": _lost,
    "decision_days": _decision,
    "dropped_30": _DROPPED,
    "fell_share_180": _fell_share,
    "late_180": _counted(
        "late_180", "late cancellation", "in 6 months", "no late cancellation in 6 months"
    ),
    "no_shows_180": _counted("no_shows_180", "no-show", "in 6 months", "no no-show in 6 months"),
    "frozen": _frozen,
    "frozen_days": _frozen_days,
    "location_rate": _fixed(
        "more members than usual leave this location", "few members leave this location"
    ),
}
_BOOKINGS: dict[str, Callable[[Row, bool], Words]] = {
    "dropped_30": _DROPPED,
    "price": _amount("price", "costs about {}"),
    "days_since_visit": _seen_last,
    "lead_days": _ahead,
    "ahead_days": _to_go,
    "weekday": _weekday,
    "hour": _hour,
    "minutes": lambda row, raises: Words(
        f"{_count(row('minutes'), 'minute')} long", row("minutes")
    ),
    "service_rate": _fixed(
        "this treatment falls through more often", "this treatment is mostly kept"
    ),
    "channel": _fixed(
        "booked in a way that falls through more often", "booked in a way that is mostly kept"
    ),
    "own_rate": _own_history,
    "own_no_show_rate": _missed,
    "past_fell": _own_history,
    "past_late": _counted(
        "past_late", "late cancellation", "in two years", "no late cancellation in two years"
    ),
    "days_since_fall": _since_fall,
    "first_visit": lambda row, raises: Words(
        "first visit" if row("first_visit") else f"{_count(row('past_visits'), 'visit')} before",
        row("past_visits"),
    ),
    "therapist_visits": _with_therapist,
    "service_visits": lambda row, raises: Words(
        f"had this treatment {_count(row('service_visits'), 'time')} before"
        if row("service_visits")
        else "first time for this treatment",
        row("service_visits"),
    ),
    "past_bookings": _counted("past_bookings", "earlier booking", "in two years", "first booking"),
    "member": _fixed("not a member", "a member"),
    "member_days": lambda row, raises: Words(
        f"member for {_span(max(row('member_days'), 1))}"
        if _known(row("member_days"))
        else "not a member"
    ),
    "same_day": _counted("same_day", "more booking", "that day", "the only booking that day"),
    "open_bookings": _counted("open_bookings", "more booking", "open", "no other booking open"),
    "place_rate": _fixed(
        "bookings fall through more often at this location",
        "bookings are mostly kept at this location",
    ),
    "holiday": _fixed("near a public holiday", "not near a public holiday"),
    "confirmed": _fixed("not confirmed", "confirmed"),
}
_SHARED = {"month": _month}
PHRASES = {
    str(Target.CHURN): _MEMBERS | _SHARED,
    str(Target.CANCELLATION): _BOOKINGS | _SHARED,
}
