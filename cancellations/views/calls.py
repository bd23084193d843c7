"""The call list, one call, a paper list keyed in."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect, push_url, trigger_client_event

from audit import clock
from audit.access import requires
from audit.reads import note_read
from cancellations import selectors, services, talk
from cancellations.forms import AskForm, OutcomeForm, VersionForm
from cancellations.models import Call
from cancellations.rules import CallHeld, CallOver, CallRefused, WrongTime
from cancellations.services.calls import LOGGABLE
from cancellations.views import asked
from memberships.models import Appointment, Guest
from staff.request import StaffRequest

ROWS = 50
CONFLICT, UNPROCESSABLE = 409, 422


@requires("cancellations.work_calls")
@require_GET
def call_list(request: StaffRequest) -> HttpResponse:
    """The day's rows, in the order they are worked; `?print=1` is the sheet for paper."""
    now = clock.now()
    found, on = asked.places(request), asked.day(request.GET.get("date"))
    rows = Call.objects.visible_to(request.user).filter(selectors.of_day(found, on, now))
    if request.GET.get("print"):
        return _sheet(request, found, rows, now)
    tab = request.GET.get("show", "todo")
    tab = tab if tab in selectors.TABS else "todo"
    today = asked.today(found, now)
    page = Paginator(selectors.tab_rows(rows, tab, now), ROWS).get_page(request.GET.get("page"))
    return render(
        request,
        "cancellations/call_list.html",
        {
            "page": page,
            "rows": _shown(request, page.object_list, now),
            "tab": tab,
            "progress": selectors.progress(rows, now),
            "built": selectors.built(found, on, now),
            "on": on or today,
            "today": today,
            "is_today": on is None or on == today,
            "several": len(found) > 1,
            "now": now,
        },
    )


def _shown(request: StaffRequest, rows: Any, now: datetime) -> list[Call]:
    """Rows with who is on them, for the template."""
    shown = list(rows)
    _note_read(request, shown, "call list", now)
    for row in shown:
        row.is_taken = row.is_held_against(request.user.pk, now)
    return shown


def _note_read(request: StaffRequest, rows: list[Call], place: str, now: datetime) -> None:
    note_read(
        by=request.user,
        place=place,
        guests=[(row.guest_id, row.location_id) for row in rows],
        now=now,
    )


def _sheet(request: StaffRequest, found: list[Any], rows: Any, now: datetime) -> HttpResponse:
    """The list of one location on paper: no scores, no treatments."""
    if len(found) != 1:
        messages.error(request, _("Choose one location to print its list."))
        return redirect(f"{reverse('calls')}?{_without_print(request)}")
    on = asked.day(request.GET.get("date")) or found[0].today(now)
    listed = list(
        rows.select_related("guest", "location", "appointment__therapist")
        .exclude(status=Call.Status.DONE)
        .order_by("row_no")
    )
    _note_read(request, listed, "printed call list", now)
    for row in listed:
        row.on_paper = talk.on_paper(row)
    services.record_print(
        location_id=found[0].pk, on=on, rows=len(listed), by=request.user, now=now
    )
    return render(
        request,
        "cancellations/call_sheet.html",
        {
            "rows": listed,
            "place": found[0],
            "on": on,
            "now": now,
            "outcomes": _outcomes(),
        },
    )


def _without_print(request: StaffRequest) -> str:
    kept = request.GET.copy()
    kept.pop("print", None)
    return kept.urlencode()


@requires("cancellations.work_calls")
@require_GET
def call_next(request: StaffRequest) -> HttpResponse:
    """Go to the row to call next, or back to the list when there is none."""
    row = _next(request, asked.number(request.GET.get("after")))
    if row is None:
        messages.info(request, _("Nobody is left to call right now."))
        return redirect(_list_url(request))
    return redirect(_card_url(request, row))


@requires("cancellations.work_calls")
@require_GET
def call_card(request: StaffRequest, call_id: int) -> HttpResponse:
    """One call. Opening it takes the row for ten minutes; somebody else's row says whose it is."""
    row = _row(request, call_id)
    return _card(request, row)


def _card(
    request: StaffRequest,
    row: Call,
    *,
    status: int = 200,
    errors: list[str] | None = None,
    note: str | None = None,
) -> HttpResponse:
    """The card of a row as a page or a fragment, holding it when it is free and open."""
    now = clock.now()
    _note_read(request, [row], "call card", now)
    refused = ""
    try:
        row = services.hold_call(call_id=row.pk, by=request.user, now=now)
        row = _row(request, row.pk)
    except CallHeld as error:
        refused, status = str(error), CONFLICT
    except CallOver:
        refused = ""
    rows = Call.objects.visible_to(request.user).filter(location=row.location_id, on=row.on)
    context = {
        "card": selectors.call_card(row, now=now),
        "call": row,
        "refused": refused,
        "errors": errors or [],
        "note": row.note if note is None else note,
        "outcomes": _outcomes(),
        "progress": selectors.progress(rows, now),
        "last": selectors.last_try(request.user, now),
        "list_url": _list_url(request),
        "keep": _keep(request),
        "now": now,
    }
    response = render(request, _template(request, "call"), context, status=status)
    return push_url(response, _card_url(request, row)) if request.htmx else response


@requires("cancellations.work_calls")
@require_POST
def call_log(request: StaffRequest, call_id: int) -> HttpResponse:
    """Save one outcome and go on to the next row."""
    row = _row(request, call_id)
    form = OutcomeForm(request.POST)
    if not form.is_valid():
        errors = [str(one) for found in form.errors.values() for one in found]
        return _card(
            request, row, status=UNPROCESSABLE, errors=errors, note=request.POST.get("note", "")
        )
    data = form.cleaned_data
    try:
        services.log_call(
            call_id=row.pk,
            version=data["version"],
            outcome=data["outcome"],
            note=data["note"],
            call_back_at=data["call_back_at"],
            by=request.user,
            now=clock.now(),
        )
    except WrongTime as error:
        return _card(request, row, status=UNPROCESSABLE, errors=[str(error)], note=data["note"])
    except CallRefused as error:
        return _refused(request, row, error)
    label = Call.Outcome(data["outcome"]).label
    return _go_on(request, row, f"{row.guest.name}: {label}.")


@requires("cancellations.work_calls")
@require_POST
def call_later(request: StaffRequest, call_id: int) -> HttpResponse:
    """Put the row off for an hour, without a call."""
    row = _row(request, call_id)
    form = VersionForm(request.POST)
    if not form.is_valid():
        return _card(request, row, status=UNPROCESSABLE)
    try:
        services.put_off_call(
            call_id=row.pk,
            version=form.cleaned_data["version"],
            note=form.cleaned_data["note"],
            by=request.user,
            now=clock.now(),
        )
    except CallRefused as error:
        return _refused(request, row, error)
    return _go_on(request, row, _("%(name)s: later.") % {"name": row.guest.name})


@requires("cancellations.work_calls")
@require_POST
def call_undo(request: StaffRequest, call_id: int) -> HttpResponse:
    """Take back the last outcome of a row and show the row again."""
    row = _row(request, call_id)
    form = VersionForm(request.POST)
    if not form.is_valid():
        return _card(request, row, status=UNPROCESSABLE)
    try:
        services.undo_call(
            call_id=row.pk,
            version=form.cleaned_data["version"],
            by=request.user,
            now=clock.now(),
        )
    except CallRefused as error:
        return _refused(request, row, error)
    said = _("Taken back.")
    if request.htmx:
        return trigger_client_event(_card(request, row), "announce", {"value": said})
    messages.success(request, said)
    return redirect(_card_url(request, row))


@requires("cancellations.work_calls")
@require_POST
def call_release(request: StaffRequest, call_id: int) -> HttpResponse:
    """Let go of a row and go back to the list."""
    row = _row(request, call_id)
    services.release_call(call_id=row.pk, by=request.user)
    return _leave(request, _list_url(request))


def _go_on(request: StaffRequest, done: Call, said: str) -> HttpResponse:
    """After an outcome: the next card, or the list when nobody is left."""
    row = _next(request, done.pk)
    if row is None:
        messages.success(request, said)
        return _leave(request, _list_url(request))
    if request.htmx:
        return trigger_client_event(_card(request, row), "announce", {"value": said})
    messages.success(request, said)
    return redirect(_card_url(request, row))


def _refused(request: StaffRequest, row: Call, error: CallRefused) -> HttpResponse:
    """Somebody decided first: say who and what, and offer the next row."""
    context = {
        "call": row,
        "refused": str(error),
        "list_url": _list_url(request),
        "keep": _keep(request),
    }
    return render(request, _template(request, "call_refused"), context, status=CONFLICT)


def _leave(request: StaffRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


def _template(request: StaffRequest, name: str) -> str:
    """A fragment for HTMX, the page that includes it for everybody else."""
    is_fragment = request.htmx and not request.htmx.history_restore_request
    return f"cancellations/{'_' if is_fragment else ''}{name}.html"


def _row(request: StaffRequest, call_id: int) -> Call:
    rows = Call.objects.visible_to(request.user).select_related(
        "location", "guest", "held_by", "asked_by", "appointment__service", "appointment__therapist"
    )
    row: Call = get_object_or_404(rows, pk=call_id)
    return row


def _next(request: StaffRequest, after: int | None) -> Call | None:
    now = clock.now()
    found = asked.places(request)
    rows = Call.objects.visible_to(request.user).filter(selectors.of_day(found, None, now))
    return selectors.next_call(rows, user_id=request.user.pk, now=now, after=after)


def _keep(request: StaffRequest) -> str:
    """The picked location goes along to the next page."""
    location = request.GET.get("location", "")
    return urlencode({"location": location}) if location else ""


def _list_url(request: StaffRequest) -> str:
    keep = _keep(request)
    return f"{reverse('calls')}?{keep}" if keep else reverse("calls")


def _card_url(request: StaffRequest, row: Call) -> str:
    keep, url = _keep(request), reverse("call", args=[row.pk])
    return f"{url}?{keep}" if keep else url


def _outcomes() -> list[tuple[int, str, str]]:
    """Digit, value and label of each outcome."""
    return [(n, one, Call.Outcome(one).label) for n, one in enumerate(LOGGABLE, start=1)]


@requires("cancellations.work_calls")
@require_http_methods(["GET", "POST"])
def call_enter(request: StaffRequest) -> HttpResponse:
    """Key in a list that was worked on paper. A line that is wrong stays in its field."""
    now = clock.now()
    given = request.POST if request.method == "POST" else request.GET
    found = asked.places(request, given.get("location", ""))
    if not found:
        return redirect("call-enter")
    place = found[0]
    on = asked.day(given.get("date")) or place.today(now)
    line, error, said = "", "", ""
    if request.method == "POST":
        line = request.POST.get("line", "")
        try:
            said = services.enter_line(
                location_id=place.pk, on=on, line=line, by=request.user, now=now
            ).text
            line = ""
        except CallRefused as refusal:
            error = str(refusal)
    if said and not request.htmx:
        where = urlencode({"location": place.pk, "date": on.isoformat()})
        return redirect(f"{reverse('call-enter')}?{where}")
    rows = Call.objects.filter(location=place, on=on)
    context = {
        "place": place,
        "choices": asked.places(request, ""),
        "on": on,
        "line": line,
        "error": error,
        "entered": selectors.entered(place, on, request.user),
        "progress": selectors.progress(rows, now),
        "outcomes": _outcomes(),
        "now": now,
    }
    status = UNPROCESSABLE if error else 200
    response = render(request, _template(request, "call_enter"), context, status=status)
    return trigger_client_event(response, "announce", {"value": said}) if said else response


@requires("cancellations.ask_call")
@require_POST
def call_ask(request: StaffRequest) -> HttpResponse:
    """Put guests on the list: `guest` once or often, `appointment` for one booking. Answers with
    what happened, as notices, and goes back to `next`."""
    form = AskForm(request.POST)
    if not form.is_valid():
        return _asked(request, [], [_("Choose whom to call.")])
    now, guest_ids, booking = clock.now(), form.cleaned_data["guest"], None
    if form.cleaned_data["appointment"] is not None:
        booking = get_object_or_404(
            Appointment.objects.visible_to(request.user), pk=form.cleaned_data["appointment"]
        )
        guest_ids = [booking.guest_id]
    else:
        mine = Guest.objects.visible_to(request.user).filter(pk__in=guest_ids)
        guest_ids = list(mine.values_list("pk", flat=True))
        if not guest_ids:
            raise Http404
    listed, refused = [], []
    for guest_id in guest_ids:
        try:
            listed.append(
                services.ask_call(
                    guest_id=guest_id,
                    appointment_id=booking.pk if booking else None,
                    by=request.user,
                    now=now,
                )
            )
        except CallRefused as error:
            refused.append(str(error))
    return _asked(request, listed, refused, booking)


def _asked(
    request: StaffRequest,
    listed: list[Call],
    refused: list[str],
    booking: Appointment | None = None,
) -> HttpResponse:
    said = ""
    if len(listed) == 1:
        said = _("%(name)s is on the call list, row %(row)s.") % {
            "name": listed[0].guest.name,
            "row": listed[0].row_no,
        }
    elif listed:
        said = _("%(count)s guests are on the call list.") % {"count": len(listed)}
    if request.htmx:
        response = render(
            request,
            "cancellations/_asked.html",
            {
                "call": listed[0] if len(listed) == 1 else None,
                "appointment": booking.pk if booking else None,
                "said": said,
                "refused": refused,
            },
        )
        if refused:
            trigger_client_event(response, "alert", {"value": " ".join(refused)})
        return trigger_client_event(response, "announce", {"value": said}) if said else response
    if said:
        messages.success(request, said)
    for why in refused:
        messages.error(request, why)
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = reverse("calls")
    return redirect(back)


@requires("retention.view_member")
@require_GET
def call_history(request: StaffRequest, guest_id: int) -> HttpResponse:
    """The guest's calls, as a part of the member page."""
    guest = get_object_or_404(Guest.objects.visible_to(request.user), pk=guest_id)
    return render(
        request,
        _template(request, "call_history"),
        {"guest": guest, "calls": selectors.call_history(guest.pk, request.user)},
    )
