"""Answers of guests, and the way out of an e-mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit import clock
from audit.access import picked_location, public, requires
from outreach import selectors, services, unsubscribe
from outreach.errors import OutreachError
from outreach.models import Reply, Suppression
from outreach.views.parts import back

if TYPE_CHECKING:
    from staff.request import StaffRequest

PAGE = 50


@requires("outreach.view_draft")
@require_GET
def replies(request: StaffRequest) -> HttpResponse:
    view = "all" if request.GET.get("view") == "all" else "open"
    shown = selectors.reply_inbox(request.user, picked_location(request), view=view)
    page = Paginator(shown, PAGE).get_page(request.GET.get("page"))
    return render(request, "outreach/replies.html", {"page": page, "view": view})


@requires("outreach.edit_draft")
@require_POST
def answered(request: StaffRequest, pk: int) -> HttpResponse:
    reply = Reply.objects.visible_to(request.user).filter(pk=pk).first()
    if reply is None:
        raise Http404("No such answer.")
    try:
        services.mark_answered(reply_id=reply.pk, by=request.user, now=clock.now())
    except OutreachError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Dealt with."))
    return back(request, "replies")


@public
@csrf_exempt  # one click of a mail program carries no cookie; the signed address is the proof
@require_http_methods(["GET", "POST"])
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """The way out of e-mails: a button for people, one POST for mail programs."""
    message = unsubscribe.message_of(token)
    if message is None:
        raise Http404("No such address.")
    if request.method == "POST":
        services.suppress(
            channel=message.channel,
            address=message.address,
            source=Suppression.Source.REPLY,
            reason="used the unsubscribe link",
            now=clock.now(),
            guest_id=message.guest_id,
            location_id=message.location_id,
        )
    return render(request, "outreach/unsubscribe.html", {"done": request.method == "POST"})
