"""The shaky bookings of a day, and tomorrow's forecast for the overview."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from audit import clock
from audit.access import requires
from cancellations import bookings
from cancellations.views import asked
from risk.models import Band
from staff.request import StaffRequest

DAYS = 7


@requires("cancellations.view_bookings")
@require_GET
def booking_list(request: StaffRequest) -> HttpResponse:
    """Bookings of one day by time: how shaky, why, what is at stake, who would take the slot."""
    now = clock.now()
    found = asked.places(request)
    today = asked.today(found, now)
    on = asked.day(request.GET.get("day")) or today + timedelta(days=1)
    coming = bookings.coming(request.user, places=found, on=on, now=now)
    hour = asked.number(request.GET.get("hour"))
    if hour is not None and found:
        coming = bookings.at_hour(coming, hour=hour, zone=found[0].zone)
    therapist = asked.number(request.GET.get("therapist"))
    sees_scores = request.user.has_perm("risk.view_scores")
    band = request.GET.get("band", "")
    if not sees_scores and band not in bookings.PLAIN_FILTERS:
        band = ""
    result = bookings.bookings_page(
        coming,
        band=band,
        therapist_id=therapist,
        page_no=request.GET.get("page", "1"),
        sees_scores=sees_scores,
        now=now,
    )
    return render(
        request,
        "cancellations/booking_list.html",
        {
            "result": result,
            "on": on,
            "today": today,
            "days": [today + timedelta(days=ahead) for ahead in range(DAYS)],
            "band": band,
            "bands": [Band.VERY_HIGH, Band.HIGH, Band.WATCH, Band.LOW] if sees_scores else [],
            "hour": hour,
            "therapist": therapist,
            "therapists": bookings.therapists(coming),
            "several": len(found) > 1,
            "may_ask": request.user.has_perm("cancellations.ask_call"),
            "is_narrowed": bool(band or therapist or hour is not None),
            "now": now,
        },
    )


@requires("retention.view_overview")
@require_GET
def booking_forecast(request: StaffRequest) -> HttpResponse:
    """Tomorrow's expected cancellations by location, as a part of the overview."""
    now = clock.now()
    lines = bookings.tomorrow(request.user, places=asked.places(request), now=now)
    is_fragment = request.htmx and not request.htmx.history_restore_request
    return render(
        request,
        f"cancellations/{'_' if is_fragment else ''}booking_forecast.html",
        {
            "lines": [line for line in lines if line.bookings],
            "empty": sum(1 for line in lines if not line.bookings),
            "bookings": sum(line.bookings for line in lines),
            "scored": sum(line.scored for line in lines),
            "expected": sum(line.expected for line in lines),
        },
    )
