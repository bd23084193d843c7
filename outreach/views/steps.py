"""Settings: the steps of each play's sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from audit import clock
from audit.access import requires
from outreach.errors import OutreachError
from outreach.models import Play
from outreach.sequences import steps
from outreach.sequences.step_forms import StepsForm

if TYPE_CHECKING:
    from staff.request import StaffRequest


@requires("outreach.view_library")
@require_GET
def plays(request: StaffRequest) -> HttpResponse:
    """Every play with its steps in a line."""
    found = Play.objects.prefetch_related("steps").order_by("name")
    return render(request, "outreach/steps.html", {"plays": found})


@requires("outreach.view_library")
@require_http_methods(["GET", "POST"])
def play(request: StaffRequest, key: str) -> HttpResponse:
    """The steps of one play; those who may not change them read them."""
    current = Play.objects.prefetch_related("steps").filter(pk=key).first()
    if current is None:
        raise Http404("No such play.")
    may_change = request.user.has_perm("outreach.approve_library")
    form = StepsForm(request.POST if request.method == "POST" else None, play=current)
    if form.is_bound and not may_change:
        form.add_error(None, _("You may not change sequences. Ask a regional manager."))
    elif form.is_bound and form.is_valid():
        try:
            steps.set_steps(
                play_key=current.pk,
                lines=form.lines(),
                leaves_on=form.cleaned_data["leaves_on"],
                choose_time=form.cleaned_data["choose_time"],
                by=request.user,
                now=clock.now(),
            )
        except OutreachError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved. Guests under way go on with the new steps."))
            return redirect("settings-steps-play", key=current.pk)
    if not may_change:
        for field in form.fields.values():
            field.disabled = True
    context = {"form": form, "play": current, "may_change": may_change}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "outreach/steps_play.html", context, status=status)
