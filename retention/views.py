"""Pages of retention: the member list, one person, the overview."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import push_url, trigger_client_event

from audit import clock
from audit.access import picked_location, requires
from audit.reads import note_list, note_read
from retention import filters, services
from retention.filters import MemberFilter
from retention.forms import PickedGuests, ViewForm
from retention.models import SavedView
from retention.selectors import members as member_list
from retention.selectors import overview as overview_figures
from retention.selectors import person as one_person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from staff.models import User
    from staff.request import StaffRequest

LEAST_LETTERS = 2


def _wants_part(request: StaffRequest) -> bool:
    """Whether a script asks for the part that changes; a page restored from history is whole."""
    htmx = request.htmx
    return bool(htmx) and not htmx.history_restore_request


@requires("retention.search_members")
@require_GET
def members(request: StaffRequest) -> HttpResponse:
    """The list with its filter; for people who may only search, what they search for."""
    user, now = request.user, clock.now()
    if user.has_perm("retention.view_members"):
        return _browse(request, MemberFilter.from_query(request.GET), user, now)
    asked = MemberFilter.from_query(request.GET)
    chosen = MemberFilter(q=asked.q, location=asked.location, status="all", sort="name")
    page = None
    if len(chosen.q) >= LEAST_LETTERS:
        page = member_list.member_page(
            user=user, chosen=chosen, number=_number(request.GET), now=now
        )
    context = {"chosen": chosen, "page": page, "may_browse": False, "now": now}
    return _list_or_page(request, context)


def _browse(request: StaffRequest, chosen: MemberFilter, user: User, now: datetime) -> HttpResponse:
    page = member_list.member_page(user=user, chosen=chosen, number=_number(request.GET), now=now)
    context = {
        "chosen": chosen,
        "page": page,
        "may_browse": True,
        "chips": member_list.chips(chosen, page),
        "views": SavedView.objects.open_to(user).select_related("owner"),
        "view_form": ViewForm(initial={"query": chosen.address()}),
        "may_draft": user.has_perm("outreach.request_draft"),
        "may_call": user.has_perm("cancellations.ask_call"),
        "now": now,
    }
    return _list_or_page(request, context)


def _list_or_page(request: StaffRequest, context: dict[str, Any]) -> HttpResponse:
    chosen: MemberFilter = context["chosen"]
    page: member_list.MemberPage | None = context["page"]
    if page is not None:
        note_list(
            by=request.user,
            place="member list",
            guests=[(line.guest.pk, line.row.location_id) for line in page.lines],
            filters=chosen.names(),
            now=context["now"],
        )
    context |= {
        "order": filters.SORTS[chosen.sort],
        "bookings": filters.BOOKINGS,
        "consents": filters.CONSENTS,
        "renewals": filters.RENEWALS,
        "sorts": filters.SORTS,
        "show_location": chosen.location is None and len(request.user.location_ids()) > 1,
        "clear_url": f"{request.path}?{MemberFilter(location=chosen.location).address()}",
        "search_all": f"{request.path}?{chosen.address(status='all')}",
    }
    if not _wants_part(request):
        return render(request, "retention/members.html", context)
    response = render(request, "retention/_member_list.html", context | {"is_part": True})
    address = chosen.address()
    push_url(response, f"{request.path}?{address}" if address else request.path)
    if page is not None:
        found = ngettext("%(n)d person", "%(n)d people", page.count) % {"n": page.count}
        trigger_client_event(response, "announce", {"value": found})
    return response


def _number(query: Mapping[str, Any]) -> int:
    text = str(query.get("page", "1"))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _back(request: StaffRequest) -> str:
    """Where the list stood, as the form says; only an address of our own."""
    back = request.POST.get("back", "")
    ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return back if ours else reverse("members")


@requires("outreach.request_draft")
@require_POST
def request_drafts(request: StaffRequest) -> HttpResponse:
    """Draft the at-risk check-in for the ticked people, and say what became of each."""
    form = PickedGuests(request.POST)
    if not form.is_valid():
        for error in form.errors["guest"]:
            messages.error(request, str(error))
        return redirect(_back(request))
    result = services.request_drafts(
        guest_ids=form.cleaned_data["guest"], by=request.user, now=clock.now()
    )
    if result.drafted:
        text = ngettext(
            "%(n)d draft waits for review.", "%(n)d drafts wait for review.", result.drafted
        )
        messages.success(request, text % {"n": result.drafted})
    if result.held_out:
        text = ngettext(
            "%(n)d person is in the comparison group and is left alone.",
            "%(n)d people are in the comparison group and are left alone.",
            result.held_out,
        )
        messages.info(request, text % {"n": result.held_out})
    for why, n in sorted(result.skipped.items()):
        text = ngettext(
            "%(n)d person was passed over: %(why)s.", "%(n)d people were passed over: %(why)s.", n
        )
        messages.warning(request, text % {"n": n, "why": why})
    return redirect(_back(request))


@requires("retention.view_members")
@require_POST
def save_view(request: StaffRequest) -> HttpResponse:
    """Keep the filter on the screen under a name."""
    form = ViewForm(request.POST)
    if not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(str(error) for error in errors))
        return redirect(_back(request))
    chosen = form.cleaned_data
    view = services.save_view(
        name=chosen["name"],
        query=chosen["query"],
        is_shared=chosen["is_shared"],
        by=request.user,
        now=clock.now(),
    )
    messages.success(request, _("The view %(name)s is saved.") % {"name": view.name})
    return redirect(f"{reverse('members')}?{view.query}")


@requires("retention.view_members")
@require_POST
def drop_view(request: StaffRequest, view_id: int) -> HttpResponse:
    """Remove one of one's own views."""
    try:
        services.drop_view(view_id=view_id, by=request.user, now=clock.now())
    except SavedView.DoesNotExist:
        raise Http404 from None
    messages.success(request, _("The view is removed."))
    return redirect(_back(request))


@requires("retention.view_member")
@require_GET
def member(request: StaffRequest, guest_id: int) -> HttpResponse:
    """One person. The ledger notes who looked."""
    user, now = request.user, clock.now()
    guest = _guest(user, guest_id, now)
    if guest.merged_into_id is not None:
        stands_for = get_object_or_404(member_list.visible_guests(user), pk=guest.merged_into_id)
        messages.info(
            request, _("The platform merged this guest into %(name)s.") % {"name": stands_for.name}
        )
        return redirect("member", guest_id=stands_for.pk)
    note_read(by=user, place="member page", guests=[(guest.pk, guest.location_id)], now=now)
    person = one_person.person_page(guest=guest, user=user, now=now)
    context = {
        "person": person,
        "guest": guest,
        "now": now,
        "may_draft": bool(person.band) and user.has_perm("outreach.request_draft", person.contract),
        "may_call": user.has_perm("cancellations.ask_call", guest),
        "may_export": user.has_perm("audit.export_guest", guest),
        "sees_scores": user.has_perm("risk.view_scores"),
    }
    return render(request, "retention/member.html", context)


@requires("retention.view_member")
@require_GET
def timeline(request: StaffRequest, guest_id: int) -> HttpResponse:
    """What happened with one person, a page of moments at a time."""
    user, now = request.user, clock.now()
    guest = _guest(user, guest_id, now)
    note_read(by=user, place="member page", guests=[(guest.pk, guest.location_id)], now=now)
    page = one_person.timeline(guest=guest, before=_instant(request.GET.get("before", "")), now=now)
    context = {"guest": guest, "moments": page.moments, "older": page.older_than}
    part = "retention/_timeline.html"
    return render(request, part if _wants_part(request) else "retention/timeline.html", context)


def _guest(user: User, guest_id: int, now: datetime) -> Any:
    guests = member_list.visible_guests(user).select_related("location")
    return get_object_or_404(one_person.guests_with_stops(guests, now=now), pk=guest_id)


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


@requires("retention.view_overview")
@require_GET
def overview(request: StaffRequest) -> HttpResponse:
    """How the person's locations stand this week, worst first."""
    user, now = request.user, clock.now()
    figures = overview_figures.overview(
        user=user,
        location_id=picked_location(request),
        week_key=request.GET.get("week", ""),
        now=now,
    )
    week = figures.week
    context = {
        "figures": figures,
        "week": week,
        "total": figures.total,
        "fewer": -figures.total.left_change,
        "previous_week": week.shifted(-1).key,
        "next_week": week.shifted(1).key,
    }
    return render(request, "retention/overview.html", context)
