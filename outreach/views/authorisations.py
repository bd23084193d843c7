"""A guest's authorisation of offers that somebody else pays for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from audit import clock
from audit.access import requires
from memberships.models import Guest
from outreach import services
from outreach.errors import OutreachError
from outreach.forms import AuthorisationForm
from outreach.models import Authorisation

if TYPE_CHECKING:
    from staff.request import StaffRequest


@requires("outreach.record_authorisation")
@require_http_methods(["GET", "POST"])
def authorisation(request: StaffRequest, pk: int) -> HttpResponse:
    """What is in force, what was, and the form; `act=end` withdraws."""
    guest = Guest.objects.visible_to(request.user).select_related("location").filter(pk=pk).first()
    if guest is None:
        raise Http404("No such guest.")
    now = clock.now()
    is_ending = request.POST.get("act") == "end"
    form = AuthorisationForm(request.POST if request.method == "POST" and not is_ending else None)
    try:
        if is_ending:
            services.end_authorisation(guest_id=guest.pk, by=request.user, now=now)
            messages.success(request, _("Withdrawn. From now on no such offer goes to this guest."))
            return redirect("guest-authorisation", pk=guest.pk)
        if request.method == "POST" and form.is_valid():
            services.record_authorisation(
                guest_id=guest.pk, by=request.user, now=now, **form.cleaned_data
            )
            messages.success(request, _("Recorded."))
            return redirect("guest-authorisation", pk=guest.pk)
    except OutreachError as error:
        messages.error(request, str(error))
    rows = list(Authorisation.objects.filter(guest=guest).select_related("recorded_by", "ended_by"))
    context = {
        "guest": guest,
        "form": form,
        "current": next((row for row in rows if row.ended_at is None), None),
        "earlier": [row for row in rows if row.ended_at is not None],
    }
    status = 422 if form.is_bound else 200
    return render(request, "outreach/authorisation.html", context, status=status)
