"""Pages of the risk app."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from audit import clock
from audit.access import picked_location, requires
from risk import selectors, services
from risk.forms import BookingThresholdsForm, ChurnThresholdsForm
from risk.models import Target
from staff.request import StaffRequest

FORMS = {str(Target.CHURN): ChurnThresholdsForm, str(Target.CANCELLATION): BookingThresholdsForm}


@requires("risk.change_thresholds")
@require_http_methods(["GET", "POST"])
def thresholds(request: StaffRequest) -> HttpResponse:
    """From which score a member or a booking counts as watch, high, very high."""
    picked_location(request)
    changed = request.POST.get("target")
    forms = {
        target: form(request.POST if target == changed else None, target=target)
        for target, form in FORMS.items()
    }
    form = forms.get(changed or "")
    if form is not None and form.is_valid():
        services.change_thresholds(
            target=str(changed), begins=form.begins(), by=request.user, now=clock.now()
        )
        messages.success(request, _("Saved. The lists show the new bands at once."))
        return redirect("settings-thresholds")
    context = {
        "sections": [selectors.band_section(target, form=form) for target, form in forms.items()]
    }
    return render(
        request,
        "risk/thresholds.html",
        context,
        status=422 if form is not None and form.errors else 200,
    )
