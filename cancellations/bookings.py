"""Reads of the booking pages: the shaky ones of a day, who waits for their slot, what tomorrow
will cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.db.models.functions import ExtractHour

from cancellations.candidates import SHAKY
from cancellations.models import Call
from memberships.models import Appointment, Location, Therapist, WaitlistEntry, among
from risk.models import Band, BookingScore
from risk.selectors import plain_chance

ROWS = 50
MOST_MATCHES = 3
WORST_HOURS = 3
# What the filter may ask for; "all" shows bookings without a score as well.
BAND_FILTERS: dict[str, list[str]] = {
    "": [str(band) for band in SHAKY],
    **{str(band): [str(band)] for band in (Band.VERY_HIGH, Band.HIGH, Band.WATCH, Band.LOW)},
}


PLAIN_FILTERS = ("", "all")  # for who does not see bands


@dataclass(slots=True)
class BookingRow:
    """One coming booking on the page. `chance` is None for who may not see it."""

    appointment: Appointment
    band: str
    label: str
    chance: str | None
    reasons: list[dict[str, Any]]
    scored_at: datetime | None
    matches: list[WaitlistEntry] = field(default_factory=list)
    waiting: int = 0
    call: Call | None = None


@dataclass(slots=True)
class BookingsPage:
    """The bookings of a day: `standing` is all that still stand, `checked` those that have been
    scored, `shaky` those in the top bands."""

    page: Page[Any]
    rows: list[BookingRow]
    standing: int
    checked: int
    shaky: int
    by_band: dict[str, int]
    scored_at: datetime | None

    @property
    def unscored(self) -> int:
        return self.standing - self.checked


def coming(user: Any, *, places: Sequence[Location], on: date, now: datetime) -> QuerySet[Any]:
    """Bookings of the local day `on` that still stand and have not begun."""
    bookings: QuerySet[Any] = (
        Appointment.objects.visible_to(user)
        .coming()
        .filter(
            location__in=[place.pk for place in places],
            starts_on=on,
            starts_at__gt=now,
            vanished_at__isnull=True,
        )
    )
    return bookings


def bookings_page(
    bookings: QuerySet[Any],
    *,
    band: str,
    therapist_id: int | None,
    page_no: str,
    sees_scores: bool,
    now: datetime,
) -> BookingsPage:
    """One page of the day's bookings by time. Five statements, whatever the number of rows."""
    if therapist_id is not None:
        bookings = bookings.filter(therapist=therapist_id)
    summary = bookings.order_by().aggregate(
        standing=Count("pk"),
        checked=Count("booking_score"),
        scored_at=Max("booking_score__scored_at"),
        **{f"band_{one}": Count("pk", filter=Q(booking_score__band=one)) for one in Band.values},
    )
    by_band = {one: summary[f"band_{one}"] for one in Band.values}
    bands = BAND_FILTERS.get(band)
    wanted = bookings if bands is None else bookings.filter(booking_score__band__in=bands)
    paginator = Paginator(wanted.order_by("starts_at", "pk"), ROWS)
    # Counted above: spares the paginator's own statement.
    counted = summary["standing"] if bands is None else sum(by_band[one] for one in bands)
    paginator.__dict__["count"] = counted
    page = paginator.get_page(page_no)
    # First which ones, then all that is shown of them: a day of a chain is thousands.
    shown = Appointment.objects.filter(among("pk", page.object_list)).order_by("starts_at", "pk")
    rows = [
        _row(appointment, sees_scores)
        for appointment in shown.select_related(
            "guest", "service", "therapist", "location", "booking_score"
        )
    ]
    _add_waiting(rows)
    _add_calls(rows, now)
    return BookingsPage(
        page=page,
        rows=rows,
        standing=summary["standing"],
        checked=summary["checked"],
        shaky=sum(by_band[one] for one in SHAKY),
        by_band=by_band,
        scored_at=summary["scored_at"],
    )


def _row(appointment: Any, sees_scores: bool) -> BookingRow:
    score: BookingScore | None = getattr(appointment, "booking_score", None)
    if score is None:
        return BookingRow(appointment, Band.UNKNOWN, Band.UNKNOWN.label, None, [], None)
    label = Band(score.band).label
    if not sees_scores and score.band in SHAKY:
        label = "Priority"
    return BookingRow(
        appointment=appointment,
        band=score.band,
        label=label,
        chance=plain_chance(score.p) if sees_scores else None,
        reasons=[
            {"text": one["text"], "raises": one.get("direction") == "raises"}
            for one in score.reasons[:3]
        ],
        scored_at=score.scored_at,
    )


def _add_waiting(rows: Sequence[BookingRow]) -> None:
    """Who on the waitlist would take the slot: same location, the same service or its category,
    the time inside their window, no other therapist wanted."""
    if not rows:
        return
    starts = [row.appointment.starts_at for row in rows]
    entries = (
        WaitlistEntry.objects.filter(
            Q(from_at__isnull=True) | Q(from_at__lte=max(starts)),
            Q(until_at__isnull=True) | Q(until_at__gte=min(starts)),
            location__in={row.appointment.location_id for row in rows},
            status=WaitlistEntry.Status.OPEN,
            guest__vanished_at__isnull=True,
        )
        .select_related("guest", "service")
        .order_by("added_at", "pk")
    )
    by_location: dict[int, list[WaitlistEntry]] = defaultdict(list)
    for entry in entries:
        by_location[entry.location_id].append(entry)
    for row in rows:
        fits = [entry for entry in by_location[row.appointment.location_id] if _fits(entry, row)]
        row.matches, row.waiting = fits[:MOST_MATCHES], len(fits)


def _fits(entry: WaitlistEntry, row: BookingRow) -> bool:
    slot = row.appointment
    wanted, offered = entry.service, slot.service
    same_kind = wanted is None or (
        offered is not None
        and (
            wanted.pk == offered.pk
            or (wanted.category != "" and wanted.category == offered.category)
        )
    )
    return (
        same_kind
        and entry.guest_id != slot.guest_id
        and (entry.therapist_id is None or entry.therapist_id == slot.therapist_id)
        and (entry.from_at is None or entry.from_at <= slot.starts_at)
        and (entry.until_at is None or slot.starts_at <= entry.until_at)
    )


def _add_calls(rows: Sequence[BookingRow], now: datetime) -> None:
    """Which of these guests are on a call list today."""
    today = {row.appointment.location.today(now) for row in rows}
    calls = {
        call.guest_id: call
        for call in Call.objects.filter(
            guest__in={row.appointment.guest_id for row in rows}, on__in=today
        )
    }
    for row in rows:
        row.call = calls.get(row.appointment.guest_id)


def at_hour(bookings: QuerySet[Any], *, hour: int, zone: ZoneInfo) -> QuerySet[Any]:
    """Bookings that begin in one hour of the day, on the clock of `zone`."""
    begun: QuerySet[Any] = bookings.annotate(hour=ExtractHour("starts_at", tzinfo=zone))
    return begun.filter(hour=hour)


def therapists(bookings: QuerySet[Any]) -> list[Therapist]:
    """Who has bookings on the day, for the filter."""
    return list(
        Therapist.objects.filter(pk__in=bookings.order_by().values("therapist")).order_by("name")
    )


@dataclass(slots=True)
class LocationForecast:
    """What is expected to fall through at one location on one day."""

    location: Location
    on: date
    bookings: int
    scored: int
    expected: float  # sum of the chances: bookings that are likely to fall through
    shaky: int
    value_cents: int  # what the shaky bookings are worth
    hours: list[tuple[int, float, int]] = field(default_factory=list)  # hour, expected, bookings

    @property
    def share(self) -> float | None:
        """Expected part of the scored bookings, 0 to 1."""
        return self.expected / self.scored if self.scored else None


def tomorrow(user: Any, *, places: Collection[Location], now: datetime) -> list[LocationForecast]:
    """Tomorrow's expected cancellations and no-shows at each location, most first. One statement
    per time zone of the locations."""
    by_zone: dict[str, list[Location]] = defaultdict(list)
    for place in places:
        by_zone[place.time_zone].append(place)
    found: dict[int, LocationForecast] = {}
    for group in by_zone.values():
        on = group[0].today(now) + timedelta(days=1)
        for place in group:
            found[place.pk] = LocationForecast(place, on, 0, 0, 0.0, 0, 0)
        lines = (
            coming(user, places=group, on=on, now=now)
            .order_by()
            .annotate(hour=ExtractHour("starts_at", tzinfo=group[0].zone))
            .values("location", "hour")
            .annotate(
                n=Count("pk"),
                scored=Count("booking_score"),
                expected=Sum("booking_score__p"),
                shaky=Count("pk", filter=Q(booking_score__band__in=SHAKY)),
                value=Sum("price_cents", filter=Q(booking_score__band__in=SHAKY)),
            )
        )
        for line in lines:
            forecast = found[line["location"]]
            forecast.bookings += line["n"]
            forecast.scored += line["scored"]
            forecast.expected += line["expected"] or 0.0
            forecast.shaky += line["shaky"]
            forecast.value_cents += line["value"] or 0
            forecast.hours.append((line["hour"], line["expected"] or 0.0, line["n"]))
    for forecast in found.values():
        forecast.hours = sorted(forecast.hours, key=lambda one: (-one[1], one[0]))[:WORST_HOURS]
    return sorted(found.values(), key=lambda one: (-one.expected, one.location.name))
