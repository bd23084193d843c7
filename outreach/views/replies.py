"""The inbox of what guests wrote back, and the way out of an e-mail."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit import clock
from audit.access import picked_location, public, requires
from audit.reads import note_read
from outreach import services
from outreach.answers import answer_checks
from outreach.errors import ChecksFailed, Conflict, NeedsCare, NotAllowed, OutreachError
from outreach.models import Message, Suppression, Thread, Topic
from outreach.replies import inbox
from outreach.replies.inbox import Wanted
from outreach.replies.taking import scope_of
from outreach.results import Check
from outreach.sending import unsubscribe
from outreach.views.parts import number, telling, wants_part

if TYPE_CHECKING:
    from staff.request import StaffRequest

TABS = [
    ("unread", _("Unread")),
    ("unanswered", _("Unanswered")),
    ("undelivered", _("Undelivered")),
    ("all", _("All")),
]
MOST_TYPED = 5_000


# --- The list -----------------------------------------------------------------------------------


@requires("outreach.answer_reply")
@require_GET
def replies(request: StaffRequest) -> HttpResponse:
    """The conversations of a tab; none of them is open, so none is marked as read."""
    return _page(request, pane=None)


@requires("outreach.answer_reply")
@require_GET
def news(request: StaffRequest) -> HttpResponse:
    """How much came since the page was made; asked by the page while somebody looks at it."""
    wanted, location_id = _wanted(request), picked_location(request)
    try:
        since = datetime.fromisoformat(request.GET.get("since", ""))
    except ValueError:
        since = clock.now()
    count = inbox.news(request.user, location_id, wanted, since=since) if since.tzinfo else 0
    context = {"count": count, "query": _query(request)}
    return render(request, "outreach/_replies_news.html", context)


def _wanted(request: StaffRequest) -> Wanted:
    """The tab, search and place the address names; an unknown tab is the usual one."""
    asked = request.GET
    view = asked.get("view", "")
    topic = asked.get("topic", "")
    return Wanted(
        view=view if view in inbox.VIEWS else "unanswered",
        q=" ".join(asked.get("q", "").split())[:80],
        topic=topic if topic in Topic.values else "",
        after=asked.get("after", "")[:120],
    )


def _query(request: StaffRequest, **changes: str) -> str:
    """The filters of this address, to be put behind another one."""
    kept = {name: request.GET.get(name, "") for name in ("view", "q", "topic", "location", "after")}
    asked = urlencode({name: value for name, value in (kept | changes).items() if value})
    return f"?{asked}" if asked else ""


def _page(request: StaffRequest, *, pane: inbox.Pane | None, status: int = 200) -> HttpResponse:
    """The list, with one conversation beside it where one is open."""
    now = clock.now()
    wanted, location_id = _wanted(request), picked_location(request)
    context: dict[str, Any] = {
        "wanted": wanted,
        "query": _query(request),
        "query_without_after": _query(request, after=""),
        "now": now,
        "topics": Topic.choices,
        **_about(request, pane, wanted, location_id, now=now),
    }
    if pane is not None and wants_part(request):
        return render(request, "outreach/_thread.html", context, status=status)
    page = inbox.inbox(request.user, location_id, wanted, now=now)
    context["page"] = page
    context["tabs"] = [(key, label, page.counts[key]) for key, label in TABS]
    return render(request, "outreach/replies.html", context, status=status)


def _about(
    request: StaffRequest,
    pane: inbox.Pane | None,
    wanted: Wanted,
    location_id: int | None,
    *,
    now: datetime,
) -> dict[str, Any]:
    if pane is None:
        return {"pane": None}
    following = None
    if not pane.waits or pane.is_taken:
        following = inbox.next_to_do(
            request.user, location_id, wanted, besides=pane.thread.pk, now=now
        )
    return {"pane": pane, "thread": pane.thread, "following": following}


# --- One conversation ---------------------------------------------------------------------------


@requires("outreach.answer_reply")
@require_GET
def thread(request: StaffRequest, pk: int) -> HttpResponse:
    """Open a conversation: it is read now, and one's own for ten minutes if it waits.
    `?use=<text>` puts a library answer into the field."""
    found = _mine(request, pk)
    now = clock.now()
    note_read(
        by=request.user,
        place="conversation",
        guests=[(found.guest_id, found.location_id)],
        now=now,
    )
    if request.GET.get("part") == "talk":
        context = {"talk": inbox.talk(found, request.user, now=now), "thread": found}
        context["query"] = _query(request)
        return render(request, "outreach/_talk.html", context)
    opened = services.open_thread(thread_id=found.pk, by=request.user, now=now)
    if (opened.pk, opened.location_id) != (found.pk, found.location_id):
        opened = _mine(request, opened.pk)  # the guest's, known by now: perhaps elsewhere
    pane = inbox.pane(opened, request.user, now=now)
    use = number(request.GET.get("use"))
    chosen = next((one for one in pane.answers if one.template.pk == use), pane.suggested)
    pane.body = chosen.text if chosen and pane.waits else ""
    return _page(request, pane=pane)


def _mine(request: StaffRequest, pk: int) -> Thread:
    found = inbox.one(request.user, pk)
    if found is None:
        raise Http404("No such conversation.")
    return found


@requires("outreach.answer_reply")
@require_POST
def answer(request: StaffRequest, pk: int) -> HttpResponse:
    """Send what was typed, or with `act=check` only look at it. What was typed is kept whatever
    happens."""
    found = _mine(request, pk)
    typed = request.POST.get("body", "")[:MOST_TYPED]
    status = 200
    errors: list[str] = []
    care = False
    if request.POST.get("act") == "check":
        errors, care = _objections(request, found, typed)
    else:
        try:
            services.send_answer(
                thread_id=found.pk,
                version=number(request.POST.get("version")) or 0,
                body=typed,
                by=request.user,
                now=clock.now(),
                care=request.POST.get("care") == "1",
            )
        except ChecksFailed as error:
            errors, status = [check.message for check in error.failed], 422
        except NeedsCare as error:
            errors, status, care = [str(error)], 422, True
        except Conflict as error:
            errors, status = [str(error)], 409
        except NotAllowed as error:
            errors, status = [str(error)], 403
        else:
            messages.success(request, _("Your answer leaves in half a minute."))
            return redirect(reverse("reply-thread", args=[found.pk]) + _query(request))
    pane = inbox.pane(_mine(request, pk), request.user, now=clock.now())
    pane.body, pane.errors, pane.needs_care = typed, errors, care
    return _page(request, pane=pane, status=status)


@requires("outreach.answer_reply")
@require_POST
def preview(request: StaffRequest, pk: int) -> HttpResponse:
    """What speaks against the words being typed."""
    found = _mine(request, pk)
    typed = request.POST.get("body", "").replace("\r\n", "\n").strip()[:MOST_TYPED]
    errors, care = _objections(request, found, typed) if typed else ([], False)
    context = {"errors": errors, "needs_care": care}
    return render(request, "outreach/_answer_preview.html", context)


def _objections(request: StaffRequest, found: Thread, typed: str) -> tuple[list[str], bool]:
    """What speaks against a text, and whether it may be sent all the same."""
    if found.guest is None or found.location is None:
        return [], False
    text = answer_checks.AnswerText.of(found, body=typed.strip(), by=request.user, now=clock.now())
    failed: list[Check] = [check for check in answer_checks.check(text) if not check.ok]
    return [check.message for check in failed], not any(check.blocks for check in failed)


@requires("outreach.answer_reply")
@require_POST
def done(request: StaffRequest, pk: int) -> HttpResponse:
    """Seen to without writing: rung, booked, passed on."""
    found = _mine(request, pk)
    now = clock.now()
    try:
        services.deal_with_thread(
            thread_id=found.pk,
            version=number(request.POST.get("version")) or 0,
            by=request.user,
            now=now,
        )
    except OutreachError as error:
        messages.error(request, str(error))
        return redirect(reverse("reply-thread", args=[found.pk]) + _query(request))
    messages.success(request, _("Dealt with."))
    following = inbox.next_to_do(
        request.user, picked_location(request), _wanted(request), besides=found.pk, now=now
    )
    if following is None:
        return redirect(reverse("replies") + _query(request, after=""))
    return redirect(reverse("reply-thread", args=[following.pk]) + _query(request))


@requires("outreach.answer_reply")
@require_POST
def release(request: StaffRequest, pk: int) -> HttpResponse:
    """Leave a conversation to the colleagues."""
    found = _mine(request, pk)
    services.release_thread(thread_id=found.pk, by=request.user)
    return redirect(reverse("replies") + _query(request))


@requires("outreach.answer_reply")
@require_POST
def name_writer(request: StaffRequest, pk: int) -> HttpResponse:
    """Say which of several guests wrote."""
    found = _mine(request, pk)
    try:
        found = services.name_writer(
            thread_id=found.pk,
            version=number(request.POST.get("version")) or 0,
            guest_id=number(request.POST.get("guest")) or 0,
            by=request.user,
            now=clock.now(),
        )
    except OutreachError as error:
        messages.error(request, str(error))
    return redirect(reverse("reply-thread", args=[found.pk]) + _query(request))


@requires("outreach.answer_reply")
@require_POST
def take_back(request: StaffRequest, pk: int) -> HttpResponse:
    """Undo an answer that has not left."""
    shown = Message.objects.visible_to(request.user).filter(pk=pk, thread__isnull=False).first()
    if shown is None:
        raise Http404("No such answer.")
    with telling(request, _("Taken back. The guest still waits.")):
        services.take_back_answer(message_id=shown.pk, by=request.user, now=clock.now())
    return redirect(reverse("reply-thread", args=[shown.thread_id]) + _query(request))


# --- The way out ---------------------------------------------------------------------------------


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
            scope=scope_of(message),
            now=clock.now(),
            guest_id=message.guest_id,
            location_id=message.location_id,
        )
    return render(request, "outreach/unsubscribe.html", {"done": request.method == "POST"})
