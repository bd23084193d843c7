"""The page about the data: is it fresh, is it whole, what could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from audit import clock
from audit.access import picked_location, requires
from memberships import runs, selectors
from memberships.models import Location

if TYPE_CHECKING:
    from django.http import HttpRequest


def _wants_part(request: HttpRequest) -> bool:
    htmx: Any = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.history_restore_request


@requires("memberships.view_sync")
@require_GET
def sync(request: HttpRequest) -> HttpResponse:
    """Per location: how old, how far, what broke; below, what was parked."""
    picked = picked_location(request)
    mine: list[Location] = request.my_locations  # type: ignore[attr-defined]
    places = [place for place in mine if place.is_active and picked in (None, place.pk)]
    page = selectors.sync_page(user=request.user, locations=places, now=clock.now())
    context = {
        "result": page,
        "one": page.states[0] if len(page.states) == 1 else None,
        "may_start": request.user.has_perm("memberships.start_sync"),
    }
    template = "memberships/_sync.html" if _wants_part(request) else "memberships/sync.html"
    return render(request, template, context)


@requires("memberships.start_sync")
@require_POST
def sync_now(request: HttpRequest, location_id: int) -> HttpResponse:
    """Ask for a location to be read now; the page shows how far it is."""
    location = get_object_or_404(Location.objects.visible_to(request.user), pk=location_id)
    runs.ask_sync(location=location, by=request.user, now=clock.now())
    messages.success(request, _("%(place)s is being read now.") % {"place": location.name})
    return redirect(f"{reverse('sync')}?location={location.pk}")
