"""Pages of the risk app."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit import clock
from audit.access import picked_location, requires
from risk import registry, selectors, services
from risk.forms import BookingThresholdsForm, ChurnThresholdsForm, ExclusionForm
from risk.models import InputExclusion, Target
from risk.quality import charts, figures, words
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


@requires("risk.change_thresholds")
@require_http_methods(["GET", "POST"])
def inputs(request: StaffRequest) -> HttpResponse:
    """Which facts are left out of scores, for everybody or for one guest."""
    picked_location(request)
    form = ExclusionForm(request.POST or None)
    if form.is_valid():
        services.exclude_input(**form.chosen(), by=request.user, now=clock.now())
        messages.success(request, _("Saved. It counts from the next score on."))
        return redirect("settings-inputs")
    context = {"form": form, "exclusions": selectors.exclusions()}
    return render(request, "risk/inputs.html", context, status=422 if form.errors else 200)


@requires("risk.change_thresholds")
@require_POST
def include_input(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a fact count again."""
    row = get_object_or_404(InputExclusion, pk=pk)
    services.include_input(
        target=row.target,
        name=row.input,
        guest_id=row.guest_id,
        by=request.user,
        now=clock.now(),
    )
    messages.success(request, _("Saved. It counts again from the next score on."))
    return redirect("settings-inputs")


LOCATIONS_A_PAGE = 50


@requires("risk.view_quality")
@require_GET
def quality(request: StaffRequest) -> HttpResponse:
    """Whether the scores of a target can be trusted, and what to do where not."""
    target = _target(request.GET.get("target", Target.CHURN))
    location_id = picked_location(request)
    shown = figures.figures(
        user=request.user, target=target, location_id=location_id, on=clock.now().date()
    )
    context = {
        "shown": shown,
        "target": target,
        "targets": [
            (str(Target.CHURN), _("Members")),
            (str(Target.CANCELLATION), _("Bookings")),
        ],
        "alarms": [(alarm, words.advice(alarm.kind)) for alarm in shown.alarms],
        "places": Paginator(shown.locations, LOCATIONS_A_PAGE).get_page(request.GET.get("page")),
        "may_serve": request.user.has_perm("risk.serve_model"),
    }
    return render(request, "risk/quality.html", context)


@requires("risk.view_quality")
@require_GET
def quality_chart(request: StaffRequest, target: str, kind: str, scheme: str) -> HttpResponse:
    """One chart of the quality page as SVG, `scheme` light or dark."""
    shown = figures.figures(
        user=request.user,
        target=_target(target),
        location_id=picked_location(request),
        on=clock.now().date(),
    )
    if shown.evidence is None or scheme not in charts.COLOURS:
        raise Http404("No such chart.")
    if kind == "calibration":
        points = tuple((point.expected, point.seen) for point in shown.evidence.points)
        svg = charts.calibration(points, scheme)
    elif kind == "gains":
        svg = charts.gains(tuple(shown.evidence.gains), scheme)
    else:
        raise Http404("No such chart.")
    return HttpResponse(svg, content_type="image/svg+xml")


@requires("risk.serve_model")
@require_POST
def roll_back(request: StaffRequest) -> HttpResponse:
    """Let the model serve that served before the present one."""
    picked_location(request)
    target = _target(request.POST.get("target", ""))
    try:
        version = services.roll_back(target=target, now=clock.now(), by=request.user)
    except (services.UnknownModel, registry.Refused) as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            _("Back at work: %(model)s. New scores come with the next night.")
            % {"model": version.in_words},
        )
    return redirect(f"{reverse('quality')}?target={target}")


def _target(name: str) -> str:
    if name not in Target.values:
        raise Http404("No such target.")
    return name
