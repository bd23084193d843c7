"""What may be offered on the phone: active library offers that answer the cause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from cancellations.candidates import Candidate
from cancellations.models import Call
from memberships.models import Membership
from outreach.models import Draft, LibraryStatus, Offer
from outreach.texts.fields import field_names, fill

FAVOURITE = "favourite service"  # by its name it would be health detail on paper
MOVE_IT = "Another time, as often as needed"
# On the phone the same offers hold as in the play that writes to members at risk.
MEMBER_PLAY = "at-risk-check-in"


def allowed_offers(
    asked: Sequence[tuple[Candidate, Membership | None]], *, on: date, now: datetime
) -> dict[int, str]:
    """Wording of the offer by guest id. Bookings are moved, never paid for; a member gets the first
    eligible library offer for the cause; nobody gets what they got within its resting time."""
    library = list(
        Offer.objects.filter(status=LibraryStatus.ACTIVE)
        .exclude(kind=Offer.Kind.NONE)
        .order_by("rank", "cost_cents", "pk")
    )
    had: dict[int, dict[int, datetime]] = defaultdict(dict)
    approved = Draft.objects.filter(
        guest__in=[candidate.guest_id for candidate, _ in asked],
        status=Draft.Status.APPROVED,
        offer__isnull=False,
    ).order_by("decided_at")
    for guest_id, offer_id, decided_at in approved.values_list("guest", "offer", "decided_at"):
        had[guest_id][offer_id] = decided_at
    texts = {}
    for candidate, membership in asked:
        if candidate.appointment_id is not None:
            texts[candidate.guest_id] = MOVE_IT
        elif membership is not None and candidate.kind != Call.Kind.BOOKING:
            values = {"plan": membership.plan.name, "favourite": FAVOURITE}
            fits = (
                fill(offer.wording, values)
                for offer in library
                if set(field_names(offer.wording)) <= values.keys()
                and _fits(offer, candidate.cause, membership, on)
                and _rested(offer, had[candidate.guest_id].get(offer.pk), now)
            )
            texts[candidate.guest_id] = next(fits, "")
    return texts


def _fits(offer: Offer, cause: str, membership: Membership, on: date) -> bool:
    return (
        (not offer.plays or MEMBER_PLAY in offer.plays)
        and (not offer.causes or cause in offer.causes)
        and (not offer.plan_kinds or membership.plan.kind in offer.plan_kinds)
        and (on - membership.started_on).days >= offer.min_tenure_days
    )


def _rested(offer: Offer, had_at: datetime | None, now: datetime) -> bool:
    return had_at is None or had_at <= now - timedelta(days=offer.again_after_days)
