"""The rules of the call lists."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from audit import clock
from audit.access import requires
from cancellations.forms import CallRulesForm
from cancellations.models import CallRules
from cancellations.services import change_rules
from staff.request import StaffRequest


@requires("outreach.change_policy")
@require_http_methods(["GET", "POST"])
def call_rules(request: StaffRequest) -> HttpResponse:
    """How many rows a day has, how far it looks ahead, how often a number is tried."""
    form = CallRulesForm(request.POST or None, instance=CallRules.current())
    if form.is_valid():
        change_rules(values=form.cleaned_data, by=request.user, now=clock.now())
        messages.success(request, _("Saved. It holds from the next list on."))
        return redirect("settings-calls")
    return render(
        request,
        "cancellations/call_rules.html",
        {"form": form},
        status=422 if form.errors else 200,
    )
