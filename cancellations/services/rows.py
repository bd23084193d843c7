"""From candidates to rows with words: what to say, the offer, when the guest picks up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Sum

from cancellations import offers, talk
from cancellations.candidates import Candidate
from cancellations.models import Call, CallTry, guest_zone
from memberships.models import Appointment, Benefit, Guest, Location, Membership

REMEMBER = timedelta(days=365)  # how long an answered call tells when a guest picks up


def make_rows(
    candidates: Sequence[Candidate], *, location: Location, on: date, first_no: int, now: datetime
) -> list[Call]:
    """Unsaved rows in the order given, numbered from `first_no`. A fixed number of statements."""
    guests = Guest.objects.in_bulk({c.guest_id for c in candidates})
    memberships = _memberships(candidates)
    bookings = Appointment.objects.select_related("therapist").in_bulk(
        {c.appointment_id for c in candidates if c.appointment_id}
    )
    credits = _credits({membership.pk for membership in memberships.values()})
    times = _best_times([guests[c.guest_id] for c in candidates], location, now)
    allowed = offers.allowed_offers(
        [(c, memberships.get(c.guest_id)) for c in candidates], on=on, now=now
    )
    rows = []
    for number, candidate in enumerate(candidates, start=first_no):
        guest = guests[candidate.guest_id]
        membership = memberships.get(candidate.guest_id)
        appointment = bookings.get(candidate.appointment_id or 0)
        is_later = candidate.due_at is not None and candidate.due_at > now
        rows.append(
            Call(
                location=location,
                on=on,
                row_no=number,
                guest=guest,
                appointment=appointment,
                membership=membership if candidate.kind != Call.Kind.BOOKING else None,
                kind=candidate.kind,
                expected_cents=candidate.expected_cents,
                value_cents=candidate.value_cents,
                reasons=candidate.reasons,
                say=_say(candidate, guest, membership, appointment, location, credits, now),
                offer_text=allowed.get(candidate.guest_id, ""),
                best_time=times.get(guest.pk, ""),
                call_by_at=candidate.call_by_at,
                status=Call.Status.LATER if is_later else Call.Status.TODO,
                due_at=candidate.due_at,
                asked_by_id=candidate.asked_by_id,
                created_at=now,
            )
        )
    return rows


def _say(
    candidate: Candidate,
    guest: Guest,
    membership: Membership | None,
    appointment: Appointment | None,
    location: Location,
    credits: dict[int, int],
    now: datetime,
) -> list[str]:
    if appointment is not None:
        return talk.booking_lines(
            guest=guest, appointment=appointment, location=location, cause=candidate.cause, now=now
        )
    return talk.member_lines(
        guest=guest,
        membership=membership,
        location=location,
        cause=candidate.cause,
        credits=credits.get(membership.pk, 0) if membership else 0,
    )


def _memberships(candidates: Sequence[Candidate]) -> dict[int, Membership]:
    """The contract of each guest that the row is about: the one named, else the newest running."""
    named = {c.membership_id for c in candidates if c.membership_id}
    running = (
        Membership.objects.running()
        .filter(guest__in={c.guest_id for c in candidates})
        .select_related("plan")
        .order_by("started_on", "pk")
    )
    chosen: dict[int, Membership] = {}
    for membership in running:
        if not (membership.guest_id in chosen and chosen[membership.guest_id].pk in named):
            chosen[membership.guest_id] = membership
    return chosen


def _credits(membership_ids: Collection[int]) -> dict[int, int]:
    """Treatments left to use, by contract."""
    left = (
        Benefit.objects.filter(membership__in=membership_ids, balance__gt=0)
        .values("membership")
        .annotate(left=Sum("balance"))
    )
    return {row["membership"]: row["left"] for row in left}


def _best_times(guests: Sequence[Guest], location: Location, now: datetime) -> dict[int, str]:
    """When a guest picked up before, on their own clock; nothing for who never did."""
    zones = {guest.pk: guest_zone(guest, location) for guest in guests}
    answered: dict[int, Counter[str]] = defaultdict(Counter)
    tries = CallTry.objects.standing().filter(
        guest__in=zones, outcome__in=CallTry.REACHED, at__gt=now - REMEMBER
    )
    for guest_id, at in tries.values_list("guest", "at"):
        answered[guest_id][_part_of_day(at.astimezone(zones[guest_id]))] += 1
    return {guest_id: parts.most_common(1)[0][0] for guest_id, parts in answered.items()}


def _part_of_day(at: datetime) -> str:
    if at.hour < 12:
        return "mornings"
    return "afternoons" if at.hour < 17 else "evenings"


def rows_saved(rows: Sequence[Any]) -> list[Call]:
    """Save the rows that still may be: a guest whom another location listed meanwhile is left out.
    Returns what was saved, with ids."""
    if not rows:
        return []
    Call.objects.bulk_create(rows, ignore_conflicts=True)
    first = rows[0]
    return list(
        Call.objects.filter(
            location=first.location, on=first.on, row_no__in=[row.row_no for row in rows]
        ).order_by("row_no")
    )
