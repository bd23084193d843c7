"""Settings: how far each play may act by itself, with the evidence, and what holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth import authenticate
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit import clock
from audit.access import picked_location, requires
from memberships.models import Location
from outreach import services
from outreach.autonomy import automation, tallies
from outreach.errors import OutreachError
from outreach.forms import CloseBreakerForm, PromoteForm, ResumeForm, RuleForm
from outreach.gate import breakers
from outreach.models import AutomaticRule, Breaker, Phase, Play
from outreach.views.parts import telling

if TYPE_CHECKING:
    from staff.request import StaffRequest

PER_PAGE = 50


@requires("outreach.view_library")
@require_GET
def overview(request: StaffRequest) -> HttpResponse:
    """Each play where a person looks at several locations, the locations of one of them on asking;
    each play at the location where they look at one."""
    held = automation.held_for(request.user)
    picked = picked_location(request)
    places = [place for place in request.my_locations if picked in (None, place.pk)]
    play = Play.objects.filter(pk=request.GET["play"]).first() if "play" in request.GET else None
    if play is None and "play" in request.GET:
        raise Http404("No such play.")
    found = automation.lines(places, play=play)
    context: dict[str, Any] = {"held": held, "play": play, "counted": tallies.counted(places)}
    if play is None and len({place.pk for _, place, _ in found}) > 1:
        doubtful = [one for one in found if one[2].doubt]
        context["plays"] = automation.by_play(found, held)
        context["lines"] = automation.with_numbers(doubtful[:PER_PAGE], held)
        context["more"] = max(len(doubtful) - PER_PAGE, 0)
    else:
        page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
        context["page"] = page
        context["lines"] = automation.with_numbers(list(page), held)
    return render(request, "outreach/automation.html", context)


def _of(request: StaffRequest, play: str, location: int) -> tuple[Play, Location]:
    one = Play.objects.filter(pk=play).first()
    place = Location.objects.visible_to(request.user).filter(pk=location).first()
    if one is None or place is None:
        raise Http404("No such play or location.")
    return one, place


@requires("outreach.view_library")
@require_GET
def play(request: StaffRequest, play: str, location: int) -> HttpResponse:
    return _page(request, *_of(request, play, location))


def _page(
    request: StaffRequest,
    play: Play,
    location: Location,
    *,
    form: PromoteForm | None = None,
    rule_form: RuleForm | None = None,
) -> HttpResponse:
    """The page of one play at one location, with the form that was not accepted."""
    page = automation.play_page(play=play, location=location, by=request.user, now=clock.now())
    refused = bool((form and form.errors) or (rule_form and rule_form.errors))
    context = {
        "page": page,
        "form": form or PromoteForm(),
        "rule_form": rule_form or RuleForm(prefix="rule"),
        "may_promote": request.user.has_perm("outreach.promote_play", location),
        "may_lower": request.user.has_perm("outreach.lower_play", location),
        "may_set_rules": request.user.has_perm("outreach.change_policy", play),
    }
    return render(request, "outreach/automation_play.html", context, status=422 if refused else 200)


def _is_them(request: StaffRequest, form: ResumeForm) -> bool:
    """Whether the password in the form is the person's own; says so on the form when not."""
    person = authenticate(
        request, username=request.user.get_username(), password=form.cleaned_data["password"]
    )
    if person is not None and person.pk == request.user.pk:
        return True
    form.add_error("password", _("This is not your password."))
    return False


@requires("outreach.promote_play")
@require_POST
def move_up(request: StaffRequest, play: str, location: int) -> HttpResponse:
    """Moving up takes a reason and the password; what stands in the way is said."""
    one, place = _of(request, play, location)
    form = PromoteForm(request.POST)
    to = request.POST.get("to", "")
    if to not in (Phase.REVIEW, Phase.AUTOMATIC):
        raise Http404("No such phase.")
    if not form.is_valid() or not _is_them(request, form):
        return _page(request, one, place, form=form)
    try:
        row = services.raise_phase(
            play=one,
            location=place,
            to=to,
            reason=form.cleaned_data["reason"],
            by=request.user,
            now=clock.now(),
        )
    except OutreachError as error:
        form.add_error(None, str(error))
        return _page(request, one, place, form=form)
    messages.success(
        request, _("%(play)s: %(phase)s.") % {"play": one, "phase": row.get_phase_display()}
    )
    return redirect("settings-automation-play", one.pk, place.pk)


@requires("outreach.lower_play")
@require_POST
def move_down(request: StaffRequest, play: str, location: int) -> HttpResponse:
    """One click."""
    one, place = _of(request, play, location)
    to = request.POST.get("to", "")
    if to not in (Phase.REPORT, Phase.REVIEW):
        raise Http404("No such phase.")
    with telling(request, _("Moved down. What waited goes back to review.")):
        services.lower_phase(
            play=one,
            location=place,
            to=to,
            reason=request.POST.get("reason", ""),
            by=request.user,
            now=clock.now(),
        )
    return redirect("settings-automation-play", one.pk, place.pk)


@requires("outreach.lower_play")
@require_POST
def seen(request: StaffRequest, play: str, location: int) -> HttpResponse:
    """A person has seen why a play went down by itself."""
    one, place = _of(request, play, location)
    services.see_doubt(play=one, location=place, by=request.user, now=clock.now())
    messages.success(request, _("Noted. People keep deciding here."))
    return redirect("settings-automation-play", one.pk, place.pk)


@requires("outreach.change_policy")
@require_POST
def rule_set(request: StaffRequest, play: str) -> HttpResponse:
    """Add a rule to a play, or change the one of that name; the location says where to go back."""
    one, place = _of(request, play, _location(request))
    form = RuleForm(request.POST, prefix="rule")
    if not form.is_valid():
        return _page(request, one, place, rule_form=form)
    try:
        services.set_rule(play=one, data=form.terms(), by=request.user, now=clock.now())
    except OutreachError as error:
        form.add_error(None, str(error))
        return _page(request, one, place, rule_form=form)
    messages.success(request, _("Set. It counts where the play is moved up from now on."))
    return redirect("settings-automation-play", one.pk, place.pk)


@requires("outreach.change_policy")
@require_POST
def rule_remove(request: StaffRequest, pk: int) -> HttpResponse:
    rule = AutomaticRule.objects.filter(pk=pk).first()
    if rule is None:
        raise Http404("No such rule.")
    one, place = _of(request, rule.play_id, _location(request))
    with telling(request, _("Removed.")):
        services.remove_rule(rule_id=rule.pk, by=request.user, now=clock.now())
    return redirect("settings-automation-play", one.pk, place.pk)


def _location(request: StaffRequest) -> int:
    named = request.POST.get("location", "")
    if not named.isdecimal() or len(named) > 18:
        raise Http404("No such location.")
    return int(named)


@requires("outreach.resume_sending")
@require_http_methods(["GET", "POST"])
def close_breaker(request: StaffRequest, pk: int) -> HttpResponse:
    """Letting held messages go on takes a reason and the password."""
    row = Breaker.objects.select_related("play", "location").filter(pk=pk).first()
    if row is None or (row.location_id and not request.user.serves(row.location_id)):
        raise Http404("No such breaker.")
    form = CloseBreakerForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _is_them(request, form):
        try:
            breakers.close_by_hand(
                breaker_id=row.pk,
                reason=form.cleaned_data["reason"],
                by=request.user,
                now=clock.now(),
            )
        except OutreachError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("They go on. Only what happens from now on counts."))
            return redirect("settings-automation")
    context = {"form": form, "row": row}
    return render(request, "outreach/breaker.html", context, status=422 if form.errors else 200)
