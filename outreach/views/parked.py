"""Deliveries nobody could read: the list, one answer, and what people do about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from audit import clock
from audit.access import picked_location, requires
from audit.reads import note_read
from outreach.errors import OutreachError
from outreach.replies import parked as unread
from outreach.views.parts import back, telling

if TYPE_CHECKING:
    from staff.request import StaffRequest


@requires("outreach.answer_reply")
@require_GET
def parked(request: StaffRequest) -> HttpResponse:
    page = unread.parked(request.user, picked_location(request))
    return render(request, "outreach/parked.html", {"page": page})


def _mine(request: StaffRequest, pk: int) -> unread.Row:
    row = unread.one(request.user, pk)
    if row is None:
        raise Http404("No such delivery.")
    return row


@requires("outreach.answer_reply")
@require_GET
def one(request: StaffRequest, pk: int) -> HttpResponse:
    """The words of an answer, for the eye of a person."""
    row = _mine(request, pk)
    note_read(
        by=request.user,
        place="answer nobody could read",
        guests=[(guest.pk, guest.location_id) for guest in row.guests],
        now=clock.now(),
    )
    words = unread.text_of(row.delivery) if row.is_answer else ""
    return render(request, "outreach/parked_one.html", {"row": row, "words": words})


@requires("outreach.answer_reply")
@require_POST
def again(request: StaffRequest, pk: int) -> HttpResponse:
    row = _mine(request, pk)
    return _again(request, [row.delivery.pk])


@requires("outreach.answer_reply")
@require_POST
def again_all(request: StaffRequest) -> HttpResponse:
    """Everything of the person's that the machine has given up."""
    mine = unread.visible(request.user, picked_location(request))
    return _again(request, list(mine.values_list("pk", flat=True)))


def _again(request: StaffRequest, ids: list[int]) -> HttpResponse:
    tried = unread.read_again(delivery_ids=ids, by=request.user, now=clock.now())
    if tried:
        messages.success(
            request,
            ngettext(
                "%(n)d is being read again. It comes back here if that fails.",
                "%(n)d are being read again. What fails comes back here.",
                tried,
            )
            % {"n": tried},
        )
    else:
        messages.info(request, _("Nothing here waits for a person any more."))
    return back(request, "parked", location=request.GET.get("location", ""))


@requires("outreach.answer_reply")
@require_POST
def read(request: StaffRequest, pk: int) -> HttpResponse:
    """Make the answer a reply for a person, and go there."""
    row = _mine(request, pk)
    try:
        reply = unread.read_by_eye(
            delivery_id=row.delivery.pk,
            says_stop=request.POST.get("stop") == "1",
            by=request.user,
            now=clock.now(),
        )
    except OutreachError as error:
        messages.error(request, str(error))
        return back(request, "parked")
    if reply.location_id is None and not request.user.all_locations:
        messages.success(request, _("It is among the replies of whoever serves all locations."))
        return redirect("parked")
    messages.success(request, _("It is among the replies now."))
    return redirect(reverse("reply-thread", args=[reply.thread_id]))


@requires("outreach.answer_reply")
@require_POST
def aside(request: StaffRequest, pk: int) -> HttpResponse:
    row = _mine(request, pk)
    with telling(request, _("Put aside.")):
        unread.put_aside(delivery_id=row.delivery.pk, by=request.user, now=clock.now())
    return back(request, "parked")
