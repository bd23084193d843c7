"""What holds for every request of somebody who is signed in."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import quote
from zoneinfo import ZoneInfo

import psycopg
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.db import OperationalError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from audit import fence
from memberships.models import Location
from staff import kept, second_factor

Handler = Callable[[HttpRequest], HttpResponse]
log = logging.getLogger(__name__)

SAVE_EVERY = 60  # seconds: the session is written at most so often to note that somebody is here


# Addresses that act for the system and not for a person, with why. All others see, of the fenced
# tables, the rows of who is signed in, and signed out none.
FOR_THE_SYSTEM = {
    "unsubscribe": "the signed address is the proof; whoever follows it has no sign-in",
}


class Fence:
    """What the database shows is what the person serves at the moment of the request, whatever a
    view forgot to ask (audit/fence.py). `place` below says who it is. A response that streams is
    made after the view: each of its pieces is asked for as the same person."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with fence.looking(fence.NOTHING):
            response = self.get_response(request)
            if response.streaming:
                pieces = cast(StreamingHttpResponse, response)
                pieces.streaming_content = _seen_as(fence.current(), pieces.streaming_content)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        match = request.resolver_match
        if match is not None and match.url_name in FOR_THE_SYSTEM:
            fence.look(fence.EVERYTHING)


def _seen_as(sight: fence.Sight, pieces: Any) -> Iterator[Any]:
    """The pieces, each made with this sight: between two of them the process serves nobody."""
    rest = iter(pieces)
    while True:
        with fence.looking(sight):
            piece = next(rest, None)
        if piece is None:
            return
        yield piece


def session_limits(get_response: Handler) -> Handler:
    """A sign-in ends after some time without a person's doing, and at the latest after the whole
    working day. The machine's clock counts, not the demo's. Pages that look again by themselves
    (X-Poll) do not keep it alive."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            present = int(time.time())
            began = request.session.get("signed_in_at", 0)
            seen = request.session.get("seen_at", 0)
            if (
                present - seen > settings.SESSION_IDLE_SECONDS
                or present - began > settings.SESSION_COOKIE_AGE
            ):
                request.was_signed_in = request.user.pk  # type: ignore[attr-defined]
                logout(request)
            elif present - seen >= SAVE_EVERY and "X-Poll" not in request.headers:
                request.session["seen_at"] = present
            if request.method == "POST" and kept.is_for(request):
                kept.drop(request)  # sent after all
        return get_response(request)

    return middleware


class SignInFirst(LoginRequiredMiddleware):
    """Whoever is not signed in is led to the sign-in. A form that was sent is kept meanwhile, and
    the way back leads to the page it was on: its own address only takes a press."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponseRedirect:
        if request.method != "POST":
            return super().handle_no_permission(request, view_func)
        if request.headers.get("HX-Request") != "true":
            kept.keep(request, person_id=getattr(request, "was_signed_in", None))
        return redirect_to_login(kept.page_of(request), resolve_url(settings.LOGIN_URL))


def expired_sign_in(get_response: Handler) -> Handler:
    """HTMX must not put the sign-in page into the middle of a page: it is told to go there, and
    back to the page the person was on. A form is not left behind for that: its page sends it once
    more as a whole (static/js/tenure.js), so that it is kept. Nor is a page on which somebody may
    be typing left because a part of it looked again by itself."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.headers.get("HX-Request") == "true" and response.status_code == 302:
            door = response.headers["Location"].partition("?")[0]
            if door in (resolve_url(settings.LOGIN_URL), reverse("second-factor")):
                from_page = request.headers.get("HX-Current-URL", "")
                path = "/" + from_page.split("://", 1)[-1].partition("/")[2]
                response = HttpResponse(status=401)
                if request.method != "POST" and "X-Poll" not in request.headers:
                    response.headers["HX-Redirect"] = f"{door}?next={quote(path)}"
        return response

    return middleware


class Busy:
    """Rows that others hold for longer than the database lets anybody wait, or hold in a circle:
    the transaction was undone whole, and the person is told to press once more. Whoever calls by
    machine reads the same from the status."""

    PASSING = psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, OperationalError) or not isinstance(error.__cause__, self.PASSING):
            return None
        log.warning("%s %s gave up waiting: %s", request.method, request.path, error)
        back = kept.page_of(request)
        page = render(request, "503.html", {"back": back}, status=503)
        page.headers["Retry-After"], page.headers["X-Busy"] = "5", "1"
        return page


def presses_only(get_response: Handler) -> Handler:
    """An address that only takes a press, opened as a page (typed in, or out of the history), says
    so instead of staying blank."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code == 405 and request.method == "GET":
            page = render(request, "405.html", status=405)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        return response

    return middleware


def private_pages(get_response: Handler) -> Handler:
    """Pages hold personal data on shared machines: nothing is kept by a browser or a proxy. One
    address answers whole pages and fragments."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        add_never_cache_headers(response)
        patch_vary_headers(response, ["HX-Request", "HX-History-Restore-Request"])
        return response

    return middleware


def storable(get_response: Handler) -> Handler:
    """The one character PostgreSQL cannot keep (NUL) is refused before a page meets it. Nobody can
    type it; it comes out of broken programs. What other systems send is read by its own view, as
    the bytes that were signed."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and not request.path.startswith("/hooks/"):
            forms = [request.GET, request.POST]
            texts = (text for form in forms for _name, some in form.lists() for text in some)
            if any("\x00" in text for text in texts):
                return render(request, "400.html", status=400)
        return get_response(request)

    return middleware


def place(get_response: Handler) -> Handler:
    """Reads the person's locations once (`request.my_locations`), and shows times as they are at
    the picked location, else at the first of the person's. To pick a location one does not serve
    is a 404 on every page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        zone: ZoneInfo | None = None
        if request.user.is_authenticated:
            mine = list(
                Location.objects.all()
                if request.user.all_locations
                else request.user.locations.all()
            )
            request.user._location_ids = [location.pk for location in mine]  # asked once
            request.my_locations = mine  # type: ignore[attr-defined]
            fence.look(
                fence.of(
                    all_locations=request.user.all_locations,
                    location_ids=request.user._location_ids,
                )
            )
            picked = request.GET.get("location")
            here = next((place for place in mine if str(place.pk) == picked), None)
            if picked and here is None:
                raise Http404("No such location.")
            first = here or next((place for place in mine if place.is_active), None)
            zone = first.zone if first else None
        with timezone.override(zone):
            return get_response(request)

    return middleware


class SecondFactor:
    """Whoever may approve or administer, and whoever has set one up, shows a second factor after
    the password. Until then only the pages for it, and signing out, are open."""

    OPEN = frozenset({"second-factor", "second-factor-set-up", "sign-out"})

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if (
            getattr(view, "access", "") == "public"
            or (match is not None and match.url_name in self.OPEN)
            or not second_factor.is_missing(request)
        ):
            return None
        here = quote(request.get_full_path() if request.method == "GET" else "/")
        return HttpResponseRedirect(f"{reverse('second-factor')}?next={here}")
