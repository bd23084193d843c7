"""The review queue: see why, read the words, decide with one key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from audit import clock
from audit.access import picked_location, requires
from audit.reads import note_read
from outreach import selectors, services
from outreach.errors import (
    AlreadyLeft,
    CapReached,
    ChecksFailed,
    Conflict,
    NeedsCare,
    NotAllowed,
    OutreachError,
)
from outreach.models import Draft, Message
from outreach.views.parts import back, number, telling, wants_part

if TYPE_CHECKING:
    from staff.request import StaffRequest

AHEAD = 2  # cards made ready behind the open one
MOST_TYPED = 5_000  # as for a text of the library
VIEWS = ["", "needs_care", "changed", "library", "snoozed"]


def _place(request: StaffRequest) -> dict[str, Any]:
    """The location the form was sent from, for the parts that are rendered after it: their own
    address names none."""
    wanted = number(request.POST.get("location"))
    place = next((place for place in request.my_locations if place.pk == wanted), None)
    return {"location": place, "location_query": f"location={place.pk}"} if place else {}


def _view_of(value: str | None) -> str:
    return value if value in VIEWS else ""


def _mine(request: StaffRequest, draft_id: int) -> Draft:
    """The draft if the person may see it; a foreign one is as one that does not exist."""
    draft: Draft | None = (
        Draft.objects.visible_to(request.user)
        .select_related(*selectors.WITH_ALL, "decided_by")
        .filter(pk=draft_id)
        .first()
    )
    if draft is None:
        raise Http404("No such draft.")
    return draft


def _cards(request: StaffRequest, drafts: Sequence[Draft], now: datetime) -> list[selectors.Card]:
    note_read(
        by=request.user,
        place="draft",
        guests=[(draft.guest_id, draft.location_id) for draft in drafts],
        now=now,
    )
    return selectors.cards(drafts, user=request.user, now=now)


@requires("outreach.view_draft")
@require_GET
def review(request: StaffRequest) -> HttpResponse:
    """List and card. `?draft=` opens one; the two after it wait behind it."""
    now, view = clock.now(), _view_of(request.GET.get("view"))
    queue = selectors.queue(request.user, picked_location(request), view=view, now=now)
    wanted = number(request.GET.get("draft"))
    ids = [draft.pk for draft in queue.drafts]
    first = ids.index(wanted) if wanted in ids else 0
    deck = queue.drafts[first : first + 1 + AHEAD]
    context = {
        "queue": queue,
        "view": view,
        "views": _tabs(queue),
        "cards": _cards(request, deck, now),
        "undo": selectors.decided_lately(request.user, now=now),
        "came_back": queue.came_back,
        "may_group": request.user.has_perm("outreach.approve_draft"),
        "now": now,
    }
    return render(request, "outreach/review.html", context)


def _tabs(queue: selectors.Queue) -> list[tuple[str, Any, int]]:
    counts = queue.counts
    return [
        ("", _("All"), queue.total),
        ("needs_care", _("Needs care"), counts["needs_care"]),
        ("changed", _("Changed text"), counts["changed"]),
        ("library", _("Library text"), counts["library"]),
        ("snoozed", _("Snoozed"), counts["snoozed"]),
    ]


@requires("outreach.view_draft")
@require_GET
def review_draft(request: StaffRequest, pk: int) -> HttpResponse:
    """One card as a page of its own."""
    now = clock.now()
    card = _cards(request, [_mine(request, pk)], now)[0]
    return render(request, "outreach/review_draft.html", {"card": card, "now": now})


# --- Decisions ----------------------------------------------------------------------------------


@requires("outreach.approve_draft")
@require_POST
def approve(request: StaffRequest, pk: int) -> HttpResponse:
    draft, now = _mine(request, pk), clock.now()
    try:
        message = services.approve_draft(
            draft_id=draft.pk,
            version=number(request.POST.get("version")) or 0,
            by=request.user,
            now=now,
            care=request.POST.get("care") == "1",
        )
    except OutreachError as error:
        return _refused(request, draft, error, now)
    return _decided(request, draft, _approved_words(message, draft), now)


def _approved_words(message: Message, draft: Draft) -> str:
    """The time belongs to it where it was chosen: the message may wait until tomorrow."""
    if not draft.play.choose_time:
        return _("Approved.")
    at = timezone.localtime(message.outbox.due_at, draft.location.zone)
    return _("Approved. Leaves %(at)s.") % {"at": date_format(at, "D j M, H:i")}


@requires("outreach.reject_draft")
@require_POST
def reject(request: StaffRequest, pk: int) -> HttpResponse:
    draft, now = _mine(request, pk), clock.now()
    reason = request.POST.get("reason", "")
    if reason not in Draft.Rejection.values:
        return _refused(request, draft, NotAllowed(_("Say why: choose one of the reasons.")), now)
    try:
        services.reject_draft(
            draft_id=draft.pk,
            version=number(request.POST.get("version")) or 0,
            reason=reason,
            note=request.POST.get("note", ""),
            by=request.user,
            now=now,
        )
    except OutreachError as error:
        return _refused(request, draft, error, now)
    return _decided(request, draft, _("Rejected."), now)


@requires("outreach.snooze_draft")
@require_POST
def snooze(request: StaffRequest, pk: int) -> HttpResponse:
    draft, now = _mine(request, pk), clock.now()
    try:
        until = parse_datetime(request.POST.get("until", ""))
    except ValueError:
        until = None
    if until is None or until.tzinfo is None:
        return _refused(request, draft, NotAllowed(_("Choose when it should come back.")), now)
    try:
        services.snooze_draft(
            draft_id=draft.pk,
            version=number(request.POST.get("version")) or 0,
            until=until,
            by=request.user,
            now=now,
        )
    except OutreachError as error:
        return _refused(request, draft, error, now)
    return _decided(request, draft, _("Snoozed."), now)


@requires("outreach.edit_draft")
@require_POST
def edit(request: StaffRequest, pk: int) -> HttpResponse:
    """Save changed words; the card comes back with its checks made anew."""
    draft, now = _mine(request, pk), clock.now()
    body = request.POST.get("body", "")
    if len(body) > MOST_TYPED:
        said = _("A text may have %(most)d characters, this one has %(n)d. Nothing was saved.")
        error = NotAllowed(said % {"most": MOST_TYPED, "n": len(body)})
        return _refused(request, draft, error, now, body_typed=body)
    try:
        services.edit_draft(
            draft_id=draft.pk,
            version=number(request.POST.get("version")) or 0,
            body=body,
            subject=request.POST.get("subject", draft.subject),
            by=request.user,
            now=now,
        )
    except OutreachError as error:
        return _refused(request, draft, error, now, body_typed=body)
    if not wants_part(request):
        messages.success(request, _("Saved."))
        return _to_queue(request, draft.pk)
    card = _cards(request, [_mine(request, pk)], now)[0]
    context: dict[str, Any] = {"card": card, "shown": True, "now": now, **_place(request)}
    if request.POST.get("page") == "own":
        context["own_page"] = True
    else:  # the changed text may now stand in another group
        view = _view_of(request.POST.get("view"))
        queue = selectors.queue(
            request.user, number(request.POST.get("location")), view=view, now=now
        )
        context |= {"view": view, "views": _tabs(queue)}
    response = render(request, "outreach/_edited.html", context)
    return trigger_client_event(response, "announce", {"value": _("Saved. Checks made anew.")})


@requires("outreach.view_draft")
@require_POST
def undo(request: StaffRequest, pk: int) -> HttpResponse:
    draft, now = _mine(request, pk), clock.now()
    with telling(request, _("Taken back. It awaits a decision again.")):
        services.undo_decision(draft_id=draft.pk, by=request.user, now=now)
    return _to_queue(request, draft.pk)


def _to_queue(request: StaffRequest, draft_id: int | None = None) -> HttpResponse:
    """Back to the queue the form came from, at a draft if one is named."""
    query = {
        "view": _view_of(request.POST.get("view")),
        "location": number(request.POST.get("location")) or "",
        "draft": draft_id or "",
    }
    if request.POST.get("page") == "own" and draft_id:
        return redirect("review-draft", pk=draft_id)
    return back(request, "review", **query)


def _decided(request: StaffRequest, draft: Draft, said: str, now: datetime) -> HttpResponse:
    """After a decision: without script the next draft; with it, what changed on the page and the
    cards that are missing behind the open one."""
    view = _view_of(request.POST.get("view"))
    location_id = number(request.POST.get("location"))
    if not wants_part(request):
        messages.success(request, said)
        return _to_queue(request)
    shown = {number(one) for one in request.POST.get("shown", "").split(",")}
    queue = selectors.queue(request.user, location_id, view=view, now=now)
    following = [one for one in queue.drafts if one.pk not in shown and one.pk != draft.pk]
    if request.POST.get("page") == "own":
        following = []
    missing = max(0, 1 + AHEAD - (number(request.POST.get("ready")) or 0))
    left = queue.counts["snoozed"] if view == "snoozed" else queue.total
    context = {
        "draft": draft,
        "cards": _cards(request, following[:missing], now),
        "undo": selectors.decided_lately(request.user, now=now),
        "views": _tabs(queue),
        "view": view,
        "queue": queue,
        "now": now,
        **_place(request),
    }
    response = render(request, "outreach/_decided.html", context)
    words = ngettext("%(n)d left", "%(n)d left", left) % {"n": left}
    return trigger_client_event(response, "announce", {"value": f"{said} {words}", "left": left})


STATUS = {
    Conflict: 409,
    AlreadyLeft: 409,
    NotAllowed: 403,
    NeedsCare: 422,
    ChecksFailed: 422,
    CapReached: 422,
}


def _refused(
    request: StaffRequest,
    draft: Draft,
    error: OutreachError,
    now: datetime,
    *,
    body_typed: str | None = None,
) -> HttpResponse:
    """The card as it is now, with the reason; whatever was typed is kept."""
    status = STATUS.get(type(error), 422)
    card = _cards(request, [_mine(request, draft.pk)], now)[0]
    card.error = str(error)
    if body_typed is not None and card.is_open:
        card.body_typed, card.edit_open = body_typed, True
    context: dict[str, Any] = {"card": card, "now": now, **_place(request)}
    if not wants_part(request):
        return render(request, "outreach/review_draft.html", context, status=status)
    context |= {
        "shown": True,
        "oob": body_typed is None,
        "view": _view_of(request.POST.get("view")),
        "own_page": request.POST.get("page") == "own",
    }
    # htmx swaps 409 and 422 only; a refusal by rank is shown the same way.
    response = render(
        request, "outreach/_card.html", context, status=422 if status == 403 else status
    )
    return trigger_client_event(response, "announce", {"value": str(error)})


# --- Several at once ----------------------------------------------------------------------------


@requires("outreach.approve_draft")
@require_http_methods(["GET", "POST"])
def sheet(request: StaffRequest) -> HttpResponse:
    """Every name, offer and filled field of the chosen drafts, before they are approved together.
    Only library text as it is."""
    now = clock.now()
    if request.method == "POST":
        return _approve_together(request, now)
    ids = [pk for pk in map(number, request.GET.getlist("draft")) if pk]
    drafts = list(
        selectors.open_drafts(
            request.user, picked_location(request), view="library", now=now
        ).filter(pk__in=ids)[: selectors.QUEUE_LENGTH]
    )
    fit = [card for card in _cards(request, drafts, now) if card.group == Draft.Group.LIBRARY]
    shown = [card for card in fit if card.may_approve]
    costs: Counter[str] = Counter()  # by currency: two are never added
    for card in shown:
        costs[card.draft.location.currency] += card.draft.cost_cents
    context = {
        "cards": shown,
        "left_out": len(ids) - len(shown),
        "costs": sorted(costs.items()),
        "now": now,
    }
    return render(request, "outreach/sheet.html", context)


def _approve_together(request: StaffRequest, now: datetime) -> HttpResponse:
    picks = []
    for pick in request.POST.getlist("pick")[: selectors.QUEUE_LENGTH]:
        draft_id, _colon, version = pick.partition(":")
        if number(draft_id) and number(version):
            picks.append((int(draft_id), int(version)))
    approved, refused = services.approve_as_is(picks=picks, by=request.user, now=now)
    if approved:
        said = ngettext("%(n)d approved.", "%(n)d approved.", len(approved))
        messages.success(request, said % {"n": len(approved)})
    for reason in sorted(set(refused.values())):
        count = list(refused.values()).count(reason)
        messages.warning(request, _("%(n)d not approved: %(why)s") % {"n": count, "why": reason})
    return redirect(f"{reverse('review')}?view=library")
