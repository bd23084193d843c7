"""What came back to the person: drafts they wrote in or asked for, texts and offers they
proposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit import clock
from audit.access import requires
from outreach import selectors, services

if TYPE_CHECKING:
    from staff.request import StaffRequest

LENGTH = 50


@requires("outreach.view_draft")
@require_GET
def refusals(request: StaffRequest) -> HttpResponse:
    rows = selectors.came_back(request.user).select_related(
        "draft__guest", "draft__location", "draft__play", "template", "offer", "refused_by"
    )
    shown = list(rows.order_by("-refused_at", "-pk")[:LENGTH])
    context = {"rows": shown, "unread": sum(row.read_at is None for row in shown)}
    return render(request, "outreach/refusals.html", context)


@requires("outreach.view_draft")
@require_POST
def refusals_read(request: StaffRequest) -> HttpResponse:
    services.mark_refusals_read(by=request.user, now=clock.now())
    return redirect("refusals")
