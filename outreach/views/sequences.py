"""Sequences under way: what each guest still gets and when; pause, resume, end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from audit import clock
from audit.access import picked_location, requires
from memberships.models import Guest, Location
from outreach import services
from outreach.errors import OutreachError
from outreach.models import Play, Run
from outreach.sequences import running
from outreach.views.parts import back, number, telling, wants_part

if TYPE_CHECKING:
    from staff.request import StaffRequest

PAGE = 50
TABS = {
    "running": _("Next step set"),
    "waiting": _("Step under way"),
    "paused": _("Paused"),
    "ended": _("Ended"),
}


@requires("outreach.view_sequence")
@require_GET
def sequences(request: StaffRequest) -> HttpResponse:
    steps = running.Steps.read()
    plays = steps.plays()
    play = request.GET.get("play", "")
    play = play if play in {one.pk for one in plays} else ""
    place = picked_location(request)
    counts = running.counts(request.user, place, play=play)
    view = request.GET.get("view", "")
    if view not in running.VIEWS:  # the first that has anything to show
        view = next((one for one in ("running", "waiting", "paused") if counts[one]), "running")
    shown = running.runs_shown(request.user, place, view=view, play=play)
    paginator = Paginator(shown, PAGE)
    paginator.count = counts[view]  # counted already
    page = paginator.get_page(request.GET.get("page"))
    context = {
        "view": view,
        "tabs": [(key, label, counts[key]) for key, label in TABS.items()],
        "plays": plays,
        "play": play,
        "page": page,
        "rows": running.rows(list(page.object_list), steps),
        "under_way": counts["running"] + counts["waiting"],
        "paused": counts["paused"],
        "may_steer": request.user.has_perm("outreach.steer_sequence"),
        "may_resume_all": request.user.has_perm("outreach.resume_sending"),
    }
    return render(request, "outreach/sequences.html", context)


@requires("outreach.view_sequence")
@require_GET
def of_guest(request: StaffRequest, guest_id: int) -> HttpResponse:
    """One guest's sequences: a part of the member's page, and a page of its own."""
    guest = Guest.objects.visible_to(request.user).filter(pk=guest_id).first()
    if guest is None:
        raise Http404("No such guest.")
    context = {
        "guest": guest,
        "rows": running.of_guest(guest, request.user),
        "may_steer": request.user.has_perm("outreach.steer_sequence"),
    }
    name = "_guest_sequences" if wants_part(request) else "guest_sequences"
    response = render(request, f"outreach/{name}.html", context)
    response["Vary"] = "HX-Request"
    return response


def _one(request: StaffRequest, pk: int, act: Callable[..., Any], said: str) -> HttpResponse:
    run = Run.objects.visible_to(request.user).filter(pk=pk).first()
    if run is None:
        raise Http404("No such sequence.")
    with telling(request, said):
        act(run_id=run.pk, by=request.user, now=clock.now())
    return back(request, "sequences")


@requires("outreach.steer_sequence")
@require_POST
def pause(request: StaffRequest, pk: int) -> HttpResponse:
    return _one(request, pk, services.pause_run, _("Paused. What is left of the wait is kept."))


@requires("outreach.steer_sequence")
@require_POST
def resume(request: StaffRequest, pk: int) -> HttpResponse:
    return _one(request, pk, services.resume_run, _("It goes on after what was left of the wait."))


@requires("outreach.steer_sequence")
@require_POST
def end(request: StaffRequest, pk: int) -> HttpResponse:
    return _one(request, pk, services.end_run, _("Ended. Nothing more of it is sent."))


def _many(request: StaffRequest, act: Callable[..., int]) -> int | None:
    """Pause or resume all of a play, here or everywhere. None when it was refused."""
    play = request.POST.get("play", "")
    if play and not Play.objects.filter(pk=play).exists():
        raise Http404("No such play.")
    place = None
    if request.POST.get("location"):
        wanted = number(request.POST["location"])
        place = Location.objects.visible_to(request.user).filter(pk=wanted).first()
        if place is None:
            raise Http404("No such location.")
    try:
        return act(play_key=play, location=place, by=request.user, now=clock.now())
    except OutreachError as error:
        messages.error(request, str(error))
        return None


@requires("outreach.steer_sequence")
@require_POST
def pause_all(request: StaffRequest) -> HttpResponse:
    count = _many(request, services.pause_runs)
    if count is not None:
        said = ngettext("%(n)d sequence paused.", "%(n)d sequences paused.", count)
        messages.warning(request, said % {"n": count})
    return back(request, "sequences", view="paused")


@requires("outreach.resume_sending")
@require_POST
def resume_all(request: StaffRequest) -> HttpResponse:
    count = _many(request, services.resume_runs)
    if count is not None:
        said = ngettext("%(n)d sequence goes on.", "%(n)d sequences go on.", count)
        messages.success(request, said % {"n": count})
    return back(request, "sequences")
