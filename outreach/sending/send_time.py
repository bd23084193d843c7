"""When a message leaves: in the hour of the day in which the guest usually answers.

Answers and bookings a guest made tell when they look at their phone. Most guests have few, so
their hours are shrunk towards those of their location:

    share(h) = (own(h) + K x location(h)) / (own + K)

the posterior mean of a multinomial under a Dirichlet prior centred on the location's shares (Gelman
et al., Bayesian Data Analysis, section 3.4), with counts smoothed over neighbouring hours. The best
hour of the next 24 within the calling hours wins, the earlier of equals. The same history gives the
same instant, so looking again does not move it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from memberships.models import Appointment
from outreach.gate import hours
from outreach.gate.hours import Hours
from outreach.gate.places import Place
from outreach.models import Draft, OutreachPolicy, Reply

HOURS = 24
REMEMBER = timedelta(days=365)  # of the guest
REMEMBER_PLACE = timedelta(days=90)  # of the location: enough to know its day
REPLY_WEIGHT = 2.0  # an answer to a message says more about messages than a booking does
# The location's shares weigh as much as so many observations of the guest.
PRIOR_WEIGHT = 10.0
# Who books at the desk stands in front of it: that hour says nothing about their phone.
AT_DESK = "desk"
# With fewer observations than these nothing is known, and nothing waits.
LEAST_OWN = 3.0
LEAST_PLACE = 20.0
# Guests with the same best hour do not all hear from us in its first minute.
SPREAD_MINUTES = 50


@dataclass(frozen=True)
class Choice:
    """When a message leaves, and whether the guest's own hours or the location's chose it."""

    at: datetime
    is_own: bool


def smoothed(counts: Sequence[float]) -> list[float]:
    """Each hour with a quarter of both its neighbours, round the clock; the sum stays."""
    return [counts[h] / 2 + counts[h - 1] / 4 + counts[(h + 1) % HOURS] / 4 for h in range(HOURS)]


def shares(own: Sequence[float], place: Sequence[float]) -> list[float]:
    """The share of each local hour, 24 numbers that sum to 1: the guest's counts shrunk to the
    location's. Without any count every hour is alike."""
    total = sum(place)
    prior = [(count + 1) / (total + HOURS) for count in smoothed(place)]
    weight = sum(own) + PRIOR_WEIGHT
    return [
        (count + PRIOR_WEIGHT * p) / weight for count, p in zip(smoothed(own), prior, strict=True)
    ]


def best_instant(
    by_hour: Sequence[float],
    *,
    earliest: datetime,
    place: Place,
    calling: Hours,
    guest_id: int,
) -> datetime | None:
    """The instant within 24 hours from `earliest` in the open local hour with the greatest share.
    None when no hour is open or the zone is unknown."""
    zone = hours.zone_named(place.zone_name)
    if zone is None:
        return None
    local = earliest.astimezone(zone)
    hour_began = earliest - timedelta(
        minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
    best: tuple[float, datetime] | None = None
    for ahead in range(HOURS + 1):
        instant = hour_began + timedelta(hours=ahead, minutes=_minute_of(guest_id))
        if instant < earliest:
            instant = earliest if ahead == 0 else instant
        if instant > earliest + timedelta(hours=HOURS) or not calling.is_open(instant, place):
            continue
        share = round(by_hour[instant.astimezone(zone).hour], 9)
        if best is None or share > best[0]:
            best = (share, instant)
    return best[1] if best else None


def _minute_of(guest_id: int) -> int:
    """A minute of the hour, the same for a guest every time."""
    digest = hashlib.sha256(f"minute:{guest_id}".encode()).digest()
    return digest[0] % SPREAD_MINUTES


# --- From the data ------------------------------------------------------------------------------


def choices(drafts: Sequence[Draft], *, now: datetime, policy: OutreachPolicy) -> dict[int, Choice]:
    """When each of these drafts would leave if it were approved now, by draft id; those of plays
    that do not choose, or of which nothing is known, are not in it. Three queries, or none."""
    wanted = [draft for draft in drafts if draft.play.choose_time]
    if not wanted:
        return {}
    calling = Hours.current(policy)
    own = _own_counts(wanted, now)
    places = _place_counts(sorted({draft.location_id for draft in wanted}), now)
    earliest = now + timedelta(minutes=policy.outgoing_minutes)
    chosen: dict[int, Choice] = {}
    for draft in wanted:
        guest, place = own[draft.pk], places.get(draft.location_id, [0.0] * HOURS)
        is_own = sum(guest) >= LEAST_OWN
        if not is_own and sum(place) < LEAST_PLACE:
            continue
        at = best_instant(
            shares(guest, place),
            earliest=earliest,
            place=_place(draft),
            calling=calling,
            guest_id=draft.guest_id,
        )
        if at is not None:
            chosen[draft.pk] = Choice(at=at, is_own=is_own)
    return chosen


def leaves_at(draft: Draft, *, now: datetime, policy: OutreachPolicy) -> datetime:
    """When a draft approved now is due: in the guest's hour where its play chooses one, else after
    the time in Outgoing."""
    choice = choices([draft], now=now, policy=policy).get(draft.pk)
    return choice.at if choice else now + timedelta(minutes=policy.outgoing_minutes)


def _place(draft: Draft) -> Place:
    return hours.place_of(
        draft.guest,
        draft.location,
        channel=draft.channel,
        is_marketing=draft.play.is_marketing,
    )


def _own_counts(drafts: Sequence[Draft], now: datetime) -> dict[int, list[float]]:
    """Weighted observations by local hour of each draft's guest."""
    guest_ids = [draft.guest_id for draft in drafts]
    since = now - REMEMBER
    seen: dict[int, list[tuple[datetime, float]]] = {guest_id: [] for guest_id in guest_ids}
    replies = Reply.objects.filter(guest__in=guest_ids, received_at__range=(since, now))
    replies = replies.exclude(intent=Reply.Intent.AUTOMATIC)
    for guest_id, at in replies.values_list("guest_id", "received_at"):
        seen[guest_id or 0].append((at, REPLY_WEIGHT))
    bookings = Appointment.objects.filter(
        guest__in=guest_ids, booked_at__range=(since, now), vanished_at__isnull=True
    ).exclude(channel=AT_DESK)
    # A visit of several services is booked in one go.
    for guest_id, booked_at in bookings.values_list("guest_id", "booked_at").distinct():
        if booked_at is not None:
            seen[guest_id].append((booked_at, 1.0))
    counts: dict[int, list[float]] = {}
    for draft in drafts:
        zone = hours.zone_named(_place(draft).zone_name)
        by_hour = [0.0] * HOURS
        for at, weight in seen[draft.guest_id] if zone else []:
            by_hour[at.astimezone(zone).hour] += weight
        counts[draft.pk] = by_hour
    return counts


def _place_counts(location_ids: Sequence[int], now: datetime) -> dict[int, list[float]]:
    """Weighted observations by local hour of each location. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT l.id, extract(hour FROM t.at AT TIME ZONE l.time_zone)::int, sum(t.weight)
            FROM (
                SELECT location_id, received_at AS at, %(reply)s::float AS weight
                FROM outreach_reply
                WHERE location_id = ANY(%(places)s) AND received_at BETWEEN %(since)s AND %(now)s
                  AND intent <> 'auto'
                UNION ALL
                SELECT location_id, booked_at, 1.0 FROM memberships_appointment
                WHERE location_id = ANY(%(places)s) AND starts_on >= %(since)s::date
                  AND booked_at BETWEEN %(since)s AND %(now)s AND vanished_at IS NULL
                  AND channel <> %(desk)s
            ) t JOIN memberships_location l ON l.id = t.location_id
            GROUP BY 1, 2
            """,
            {
                "places": list(location_ids),
                "since": now - REMEMBER_PLACE,
                "now": now,
                "reply": REPLY_WEIGHT,
                "desk": AT_DESK,
            },
        )
        counts: dict[int, list[float]] = {}
        for location_id, hour, weight in cursor.fetchall():
            counts.setdefault(location_id, [0.0] * HOURS)[hour] = float(weight)
    return counts
