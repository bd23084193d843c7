"""Settings: which plays a machine words, and how that went."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from audit import clock
from audit.access import requires
from outreach.library import curation
from outreach.models import Draft, OutreachPolicy, Play
from platforms import writer

if TYPE_CHECKING:
    from staff.request import StaffRequest

LOOK_BACK = timedelta(days=30)


@requires("outreach.view_library")
@require_http_methods(["GET", "POST"])
def wording(request: StaffRequest) -> HttpResponse:
    """One choice per play; those who may not change it read it."""
    now = clock.now()
    may_change = request.user.has_perm("outreach.change_policy", OutreachPolicy.current())
    plays = list(Play.objects.order_by("name"))
    status = 200
    if request.method == "POST":
        wanted = {play.pk: request.POST.get(f"wording-{play.pk}", "") for play in plays}
        if not may_change:
            messages.error(request, _("Only people who serve every location may change the rules."))
            status = 403
        elif not set(wanted.values()) <= set(Play.Wording.values):
            messages.error(request, _("Choose one of the ways for each play."))
            status = 422
        else:
            curation.change_wording(wanted=wanted, by=request.user, now=now)
            messages.success(request, _("Saved."))
            return redirect("settings-wording")
    tried = Draft.objects.visible_to(request.user).filter(worded_at__gt=now - LOOK_BACK)
    counts = {
        row["play_id"]: row
        for row in tried.values("play_id").annotate(
            worded=Count("pk", filter=~Q(worded_by="")), kept=Count("pk", filter=Q(worded_by=""))
        )
    }
    notes = tried.exclude(wording_note="").values_list("wording_note").annotate(Count("pk"))
    reasons: Counter[str] = Counter()
    for note, n in notes:  # the word or name that was refused stands behind the colon
        reasons[note.partition(": ")[0]] += n
    context = {
        "rows": [{"play": play, "counts": counts.get(play.pk)} for play in plays],
        "ways": Play.Wording.choices,
        "is_set_up": writer.is_set_up(),
        "model": settings.DRAFTING["model"],
        "reasons": reasons.most_common(5),
        "may_change": may_change,
    }
    return render(request, "outreach/wording.html", context, status=status)
