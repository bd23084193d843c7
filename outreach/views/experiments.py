"""What each play changes: a part of the quality page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from audit.access import picked_location, requires
from outreach.autonomy import tallies
from outreach.experiments import effects, experiment_counts, experiment_words
from outreach.views.parts import wants_part

if TYPE_CHECKING:
    from staff.request import StaffRequest


@requires("risk.view_quality")
@require_GET
def quality_plays(request: StaffRequest) -> HttpResponse:
    """Each play's members written to beside those left alone."""
    picked = picked_location(request)
    places = [place for place in request.my_locations if picked in (None, place.pk)]
    found = effects.experiments(location_ids=[place.pk for place in places])
    context = {
        "told": [experiment_words.told(one) for one in found],
        "counted": tallies.counted(places),
        "days": experiment_counts.DAYS,
    }
    template = "_experiments" if wants_part(request) else "experiments"
    return render(request, f"outreach/{template}.html", context)
