"""Settings: calling hours of the law, by country and state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit import clock
from audit.access import requires
from outreach import services
from outreach.errors import OutreachError
from outreach.forms import CallingHoursForm
from outreach.gate.hours import lay_out
from outreach.gate.places import place_name
from outreach.models import CallingHours, OutreachPolicy
from outreach.views.parts import telling

if TYPE_CHECKING:
    from staff.request import StaffRequest


@requires("outreach.view_library")
@require_GET
def calling_hours(request: StaffRequest) -> HttpResponse:
    """The hours in force; `?all=1` shows what held before too."""
    lay_out()
    show_all = request.GET.get("all") == "1"
    rows = CallingHours.objects.select_related("changed_by")
    if not show_all:
        rows = rows.filter(in_force=True)
    lines = [
        {
            "place": place_name(row.jurisdiction),
            "days": in_short(row.weekdays),
            "city": row.also_zone.rpartition("/")[2].replace("_", " "),
            "row": row,
        }
        for row in sorted(rows, key=_order)
    ]
    context = {
        "lines": lines,
        "show_all": show_all,
        "policy": OutreachPolicy.current(),
        "may_change": request.user.has_perm("outreach.change_policy"),
    }
    return render(request, "outreach/hours.html", context)


@requires("outreach.change_policy")
@require_http_methods(["GET", "POST"])
def calling_hours_add(request: StaffRequest) -> HttpResponse:
    return _form_page(request, None)


@requires("outreach.change_policy")
@require_http_methods(["GET", "POST"])
def calling_hours_change(request: StaffRequest, pk: int) -> HttpResponse:
    return _form_page(request, _row(pk))


@requires("outreach.change_policy")
@require_POST
def calling_hours_end(request: StaffRequest, pk: int) -> HttpResponse:
    with telling(request, _("No longer in force. To bring the hours back, add them again.")):
        services.end_hours(hours_id=_row(pk).pk, by=request.user, now=clock.now())
    return redirect("settings-hours")


def _order(row: CallingHours) -> tuple[bool, bool, str, list[int]]:
    """What holds first, the country before its states, then by name."""
    return (
        not row.in_force,
        row.jurisdiction != "US",
        place_name(row.jurisdiction),
        row.weekdays,
    )


def in_short(weekdays: list[int]) -> str:
    """Days as people write them: "every day", "Mon – Fri", "Mon, Wed"."""
    names = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]
    first, last = weekdays[0], weekdays[-1]
    if len(weekdays) == len(names):
        return _("every day")
    if len(weekdays) > 2 and weekdays == list(range(first, last + 1)):
        return f"{names[first - 1]} – {names[last - 1]}"
    return ", ".join(names[day - 1] for day in weekdays)


def _row(pk: int) -> CallingHours:
    row = CallingHours.objects.filter(pk=pk).first()
    if row is None:
        raise Http404("No such hours.")
    return row


def _form_page(request: StaffRequest, row: CallingHours | None) -> HttpResponse:
    form = CallingHoursForm(
        request.POST or None, initial=CallingHoursForm.initial_of(row) if row else None
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.set_hours(
                data=form.cleaned_data,
                by=request.user,
                now=clock.now(),
                replaces_id=row.pk if row else None,
            )
        except OutreachError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved. It holds from the next message on."))
            return redirect("settings-hours")
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "outreach/hours_form.html", {"form": form, "row": row}, status=status)
