"""Outgoing: what waits, why it waits, what left, what went wrong; and the stop switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit import clock
from audit.access import picked_location, requires
from audit.reads import note_read
from memberships.models import Location
from outreach import selectors, services
from outreach.errors import OutreachError
from outreach.forms import ResumeForm
from outreach.models import Message, Play, Switch
from outreach.sending import failures
from outreach.views.parts import back, number, telling

if TYPE_CHECKING:
    from staff.request import StaffRequest

TABS = [
    ("waiting", _("Waiting")),
    ("sending", _("Being sent")),
    ("trouble", _("Needs a look")),
    ("sent", _("Sent")),
]


@requires("outreach.view_outgoing")
@require_GET
def outgoing(request: StaffRequest) -> HttpResponse:
    now = clock.now()
    view = request.GET.get("view", "waiting")
    if view not in selectors.VIEWS:
        view = "waiting"
    page = selectors.outgoing(request.user, picked_location(request), view=view, now=now)
    note_read(
        by=request.user,
        place="outgoing",
        guests=[(row.message.guest_id, row.message.location_id) for row in page.rows],
        now=now,
    )
    context = {
        "page": page,
        "tabs": [(key, label, selectors.many(page.counts[key])) for key, label in TABS],
        "may_cancel": request.user.has_perm("outreach.cancel_message"),
        "now": now,
    }
    return render(request, "outreach/outgoing.html", context)


def _mine(request: StaffRequest, pk: int) -> Message:
    message: Message | None = Message.objects.visible_to(request.user).filter(pk=pk).first()
    if message is None:
        raise Http404("No such message.")
    return message


def _do(request: StaffRequest, said: str, act: Any, **arguments: Any) -> HttpResponse:
    """Run a service for a message and say what came of it."""
    with telling(request, said):
        act(by=request.user, now=clock.now(), **arguments)
    return back(request, "outgoing")


@requires("outreach.cancel_message")
@require_POST
def cancel(request: StaffRequest, pk: int) -> HttpResponse:
    message = _mine(request, pk)
    return _do(request, _("Cancelled."), services.cancel_message, message_id=message.pk)


@requires("outreach.cancel_message")
@require_POST
def retry(request: StaffRequest, pk: int) -> HttpResponse:
    message = _mine(request, pk)
    return _do(request, _("Queued once more."), services.retry_message, message_id=message.pk)


@requires("outreach.cancel_message")
@require_POST
def settle(request: StaffRequest, pk: int) -> HttpResponse:
    """A person says what became of an uncertain message."""
    message = _mine(request, pk)
    return _do(
        request,
        _("Settled."),
        services.settle_uncertain,
        message_id=message.pk,
        was_sent=request.POST.get("was_sent") == "1",
        note=request.POST.get("note", ""),
    )


@requires("outreach.cancel_message")
@require_POST
def retry_all(request: StaffRequest) -> HttpResponse:
    """Everything of the person's that was given up for one cause."""
    cause = request.POST.get("cause", "")
    if cause not in failures.PASSING:
        raise Http404("No such cause.")
    queued, left = services.retry_all(
        cause=cause, location_id=picked_location(request), by=request.user, now=clock.now()
    )
    if queued:
        said = ngettext(
            "%(n)d is queued once more and checked afresh.",
            "%(n)d are queued once more; each is checked afresh.",
            queued,
        )
        messages.success(request, said % {"n": queued})
    if left:
        said = ngettext(
            "%(n)d stays: a spending limit has no room for it.",
            "%(n)d stay: a spending limit has no room for them.",
            left,
        )
        messages.warning(request, said % {"n": left})
    if not queued and not left:
        messages.info(request, _("Nothing is given up for this cause any more."))
    return back(request, "outgoing", view="trouble", location=request.GET.get("location", ""))


# --- Stop and resume ----------------------------------------------------------------------------


@requires("outreach.stop_sending")
@require_POST
def stop(request: StaffRequest) -> HttpResponse:
    """One click, no question: everything, or the location, play or channel that is named."""
    scope, key = "all", ""
    for name in ("location", "play", "channel"):
        if request.POST.get(name):
            scope, key = name, request.POST[name]
    _check_known(request, scope, key)
    try:
        services.stop_sending(
            scope=scope,
            key=key,
            reason=request.POST.get("reason", ""),
            by=request.user,
            now=clock.now(),
        )
    except OutreachError as error:
        messages.error(request, str(error))
    else:
        messages.warning(request, _("Sending is stopped. Nothing leaves until it is resumed."))
    return back(request, "home")


def _check_known(request: StaffRequest, scope: str, key: str) -> None:
    """A switch names something there is, and a location the person may see."""
    known = {
        "all": lambda: key == "",
        "location": lambda: (
            number(key) is not None
            and Location.objects.visible_to(request.user).filter(pk=int(key)).exists()
        ),
        "play": lambda: Play.objects.filter(pk=key).exists(),
        "channel": lambda: key in ("sms", "email"),
    }
    if not known[scope]():
        raise Http404("No such switch.")


@requires("outreach.resume_sending")
@require_http_methods(["GET", "POST"])
def resume(request: StaffRequest, pk: int) -> HttpResponse:
    """Sending again takes a reason and the password."""
    switch = Switch.objects.named().select_related("changed_by").filter(pk=pk).first()
    if switch is None:
        raise Http404("No such switch.")
    _check_known(request, switch.scope, switch.key)
    form = ResumeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person = authenticate(
            request, username=request.user.get_username(), password=form.cleaned_data["password"]
        )
        if person is None or person.pk != request.user.pk:
            form.add_error("password", _("This is not your password."))
        else:
            try:
                services.resume_sending(
                    scope=switch.scope,
                    key=switch.key,
                    reason=form.cleaned_data["reason"],
                    by=request.user,
                    now=clock.now(),
                )
            except OutreachError as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _("Sending goes on. Each message is checked afresh."))
                return redirect("outgoing")
    context = {"form": form, "switch": switch, "what": switch.what}
    return render(request, "outreach/resume.html", context, status=422 if form.errors else 200)
