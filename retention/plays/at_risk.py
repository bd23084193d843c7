"""At-risk check-in: members likely to leave get a friendly word and the offer that answers why.

Reads the night's churn scores, leaves out whom a message would not help, ranks the rest by the
money at stake and hands them to outreach, which checks consent, caps, holdout and drafts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery, Sum
from django.utils.formats import date_format

from memberships.models import Appointment, Benefit, Membership
from outreach import services as outreach
from outreach.drafting.candidates import Candidate
from outreach.models import Draft, Play
from retention.plays.base import (
    RetentionPlay,
    draft_night,
    last_visit_on,
    next_booking_on,
)
from risk.models import ChurnScore

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY = "at-risk-check-in"

# Pays and has not come for so long that a message tends to remind them to cancel. The nudges for
# unused credits act at 30, 60 and 90 days; after twice that they have had their turn.
SLEEPING_DAYS = 180
NEW_DAYS = 90  # a member this new who never came is new, not asleep
LONG_PAUSE_DAYS = 14  # a paused member who is back within this is written to
BOOKED_SOON_DAYS = 14  # who comes so soon is met in person
RECOVERED_POINTS = 5  # below the threshold by this much, an open draft has lost its ground
HABIT_DAYS = 365  # the favourite category is that of the last year
MOST_CANDIDATES = 500  # per location and night; the play's daily limit is far below


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One member as the play sees them on the night, all dates local to the location."""

    as_of_on: date
    status: str
    started_on: date
    frozen_until_on: date | None
    cancel_requested_on: date | None
    last_visit_on: date | None
    next_booking_on: date | None

    @property
    def days_away(self) -> int:
        """Days since the last visit; since the start for who never came."""
        return (self.as_of_on - (self.last_visit_on or self.started_on)).days


def left_alone(situation: Situation) -> str:
    """Why no message goes to this member, as a key of the run's counts; empty when one may go."""
    today = situation.as_of_on
    if situation.status in (Membership.Status.SUSPENDED, Membership.Status.FAILED):
        return "payment"  # a failed card wants a payment link, not a friendly word
    if situation.cancel_requested_on is not None:
        return "leaving"  # who asked to cancel is answered by a person
    if situation.status == Membership.Status.FROZEN and (
        situation.frozen_until_on is None
        or situation.frozen_until_on > today + timedelta(days=LONG_PAUSE_DAYS)
    ):
        return "paused"
    booked = situation.next_booking_on
    if booked is not None and booked <= today + timedelta(days=BOOKED_SOON_DAYS):
        return "booked_soon"
    is_new = situation.last_visit_on is None and situation.days_away < NEW_DAYS
    if not is_new and booked is None and situation.days_away >= SLEEPING_DAYS:
        return "sleeping"
    return ""


def draft_at_risk(*, location_id: int, as_of_on: date, now: datetime) -> dict[str, int]:
    """Withdraw drafts whose ground is gone, then draft for the night's members at risk.

    Only scores as of `as_of_on` count: without a finished score run nothing is drafted. Returns
    counts: withdrawn, scored, drafted, held_out and one per reason to pass somebody over.
    """
    play = Play.objects.get(pk=KEY)
    withdrawn = withdraw_settled(location_id=location_id, threshold=play.threshold, now=now)
    scores = _scores(now).filter(
        location_id=location_id, as_of_on=as_of_on, score__gte=play.threshold
    )
    passed_over: Counter[str] = Counter()
    chosen = []
    for score in sorted(scores, key=_at_stake, reverse=True):
        why = left_alone(_situation(score, as_of_on))
        if why:
            passed_over[why] += 1
        else:
            chosen.append(score)
    passed_over["beyond_most"] = max(0, len(chosen) - MOST_CANDIDATES)
    return draft_night(
        play,
        location_id=location_id,
        as_of_on=as_of_on,
        candidates=_candidates(chosen[:MOST_CANDIDATES], now),
        found=len(scores),
        passed_over=passed_over,
        withdrawn=withdrawn,
        now=now,
    )


def candidates_for(membership_ids: Sequence[int], now: datetime) -> list[Candidate]:
    """Candidates of contracts that a person picked from the list, whatever their score; the most
    at stake first. Contracts without a score are left out: there is no evidence to show."""
    scores = _scores(now).filter(membership__in=membership_ids)
    return _candidates(sorted(scores, key=_at_stake, reverse=True), now)


def withdraw_settled(*, location_id: int, threshold: int, now: datetime) -> int:
    """Withdraw this play's open drafts at the location whose situation is over: the guest came,
    booked, left, asked to cancel, or is no longer at risk. Returns how many."""
    reasons: dict[str, list[int]] = {}
    drafts = Draft.objects.open().filter(play=KEY, location=location_id)
    for draft in _with_news(drafts, now):
        why = _settled(draft, threshold)
        if why:
            reasons.setdefault(why, []).append(draft.pk)
    return sum(
        outreach.withdraw_drafts(draft_ids=ids, reason=why, now=now)
        for why, ids in sorted(reasons.items())
    )


def _settled(draft: Any, threshold: int) -> str:
    contract = draft.membership
    if draft.came_on is not None:
        return "They came in."
    if draft.booked_for is not None:
        return "They booked."
    if contract is None or contract.status not in Membership.RUNNING:
        return "The membership has ended."
    if contract.cancel_requested_on is not None:
        return "They asked to cancel: a person should answer."
    # A draft a colleague asked for does not rest on the score.
    asked = draft.requested_by_id is not None
    if (
        not asked
        and draft.new_score is not None
        and draft.new_score <= threshold - RECOVERED_POINTS
    ):
        return "No longer likely to leave."
    return ""


def _with_news(drafts: QuerySet[Draft], now: datetime) -> QuerySet[Draft, Any]:
    """Drafts with what happened to the guest since: visit, booking, newest score."""
    own = Appointment.objects.filter(guest=OuterRef("guest"), vanished_at__isnull=True)
    visits = own.filter(
        status=Appointment.Status.COMPLETED, ends_at__gt=OuterRef("created_at")
    ).order_by("-starts_at")
    bookings = own.coming().filter(booked_at__gt=OuterRef("created_at"), starts_at__gt=now)
    score = ChurnScore.objects.filter(membership=OuterRef("membership"))
    return drafts.select_related("membership").annotate(
        came_on=Subquery(visits.values("starts_on")[:1]),
        booked_for=Subquery(bookings.order_by("starts_at").values("starts_at")[:1]),
        new_score=Subquery(score.values("score")[:1]),
    )


def _scores(now: datetime) -> QuerySet[ChurnScore, Any]:
    """Scores of running contracts of present guests, with the last visit and the next booking."""
    scores: QuerySet[ChurnScore, Any] = (
        ChurnScore.objects.filter(
            membership__status__in=Membership.RUNNING,
            guest__vanished_at__isnull=True,
            guest__merged_into__isnull=True,
        )
        .select_related("membership__plan", "guest", "model", "location")
        .annotate(last_visit_on=last_visit_on(), next_booking_on=next_booking_on(now))
    )
    return scores


def _situation(score: Any, as_of_on: date) -> Situation:
    contract = score.membership
    return Situation(
        as_of_on=as_of_on,
        status=contract.status,
        started_on=contract.started_on,
        frozen_until_on=contract.frozen_until_on,
        cancel_requested_on=contract.cancel_requested_on,
        last_visit_on=score.last_visit_on,
        next_booking_on=score.next_booking_on,
    )


def _at_stake(score: Any) -> tuple[float, int]:
    """Chance to leave times the monthly price in cents: who is worth a message first."""
    plan = score.membership.plan
    price = score.membership.price_cents or plan.price_cents or 0
    return score.p * price / max(plan.period_months or 1, 1), score.score


def _candidates(scores: Sequence[Any], now: datetime) -> list[Candidate]:
    """Scores as candidates in the same order. Two statements for any number of them."""
    habits = _habits([score.guest_id for score in scores], now)
    credits = _credits([score.membership_id for score in scores])
    return [
        Candidate(
            guest_id=score.guest_id,
            location_id=score.location_id,
            membership_id=score.membership_id,
            appointment_id=None,
            cause=_cause(score),
            evidence=_evidence(score),
            facts=_facts(
                score,
                habits.get(score.guest_id, Habit()),
                credits.get(score.membership_id, 0),
                now,
            ),
        )
        for score in scores
    ]


def _cause(score: Any) -> str:
    """The cause of the strongest reason that raises the score."""
    return next((r["cause"] for r in score.reasons if r.get("direction") == "raises"), "other")


def _evidence(score: Any) -> dict[str, Any]:
    """What a reviewer is shown, by value: it stays true when the next night scores anew."""
    return {
        "target": "churn",
        "score": score.score,
        "band": score.band,
        "p": round(score.p, 4),
        "reasons": [{**r, "raises": r.get("direction") == "raises"} for r in score.reasons],
        "confidence": score.confidence,
        "confidence_note": score.confidence_note,
        "flags": score.flags,
        "may_act": score.may_act,
        "model": score.model.name,
        "model_kind": score.model.kind,
        "as_of_on": score.as_of_on.isoformat(),
        "score_week_ago": score.score_week_ago,
    }


@dataclass(frozen=True, slots=True)
class Habit:
    """What a guest came for, and to whom, most often in the last year."""

    category: str = ""
    therapist: str = ""


def _facts(score: Any, habit: Habit, credits: int, now: datetime) -> dict[str, str]:
    """Values for the named fields of a template (outreach.texts.fields.FIELDS). What is not known
    is left out: a text that needs it then shows up among those that need care."""
    contract = score.membership
    today = score.location.today(now)
    # A day that has passed (a payment that failed stays due) is no renewal to speak of.
    days_known = (contract.ends_on, contract.next_charge_on)
    renews_on = next((day for day in days_known if day is not None and day >= today), None)
    days = _situation(score, today).days_away
    facts = {
        "first_name": score.guest.first_name,
        "location": score.location.name,
        "location_phone": score.location.phone,
        "plan": contract.plan.name,
        "favourite": habit.category,
        "therapist": habit.therapist,
        "days_away": str(days) if score.last_visit_on else "",
        "unused_credits": str(credits) if credits else "",
        "renews_on": date_format(renews_on, "j M") if renews_on else "",
    }
    return {name: value for name, value in facts.items() if value}


def _habits(guest_ids: Sequence[int], now: datetime) -> dict[int, Habit]:
    """The habit of each guest with a visit in the last year; the newer wins a tie."""
    rows = (
        Appointment.objects.filter(
            guest__in=guest_ids,
            status=Appointment.Status.COMPLETED,
            starts_at__gt=now - timedelta(days=HABIT_DAYS),
            vanished_at__isnull=True,
        )
        .exclude(service__is_addon=True)
        .values("guest", "service__category", "therapist__name")
        .annotate(visits=Count("id"), newest=Max("starts_at"))
        .order_by("newest")
    )
    categories: dict[int, Counter[str]] = defaultdict(Counter)
    therapists: dict[int, Counter[str]] = defaultdict(Counter)
    for row in rows:
        categories[row["guest"]][row["service__category"] or ""] += row["visits"]
        therapists[row["guest"]][row["therapist__name"] or ""] += row["visits"]
    return {
        guest: Habit(_most_often(counts), _most_often(therapists[guest]))
        for guest, counts in categories.items()
    }


def _most_often(counts: Counter[str]) -> str:
    """The name counted most; of equals the one met last."""
    return max(reversed(counts), key=lambda name: counts[name], default="")


def _credits(membership_ids: Sequence[int]) -> dict[int, int]:
    """Unused credits by contract, none where there are none."""
    rows = (
        Benefit.objects.filter(membership__in=membership_ids, balance__gt=0)
        .values("membership")
        .annotate(left=Sum("balance"))
    )
    return {row["membership"]: row["left"] for row in rows}


PLAY = RetentionPlay(key=KEY, run=draft_at_risk)
