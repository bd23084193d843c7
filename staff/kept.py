"""What somebody sent when the sign-in had ended: kept for a quarter of an hour in the session of
that browser, so that nobody types it twice. After the sign-in the person sees it and decides.

Nothing is done by itself: what was sent is shown with a button that sends it to the same address,
where every check is made as for any other request. Passwords are never kept. What one person left
is not shown to another.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

KEY = "kept"
KEPT_SECONDS = 15 * 60  # the machine's clock, as for sessions
MOST_FIELDS, MOST_CHARACTERS = 60, 40_000
SHORT = 20  # shorter values without a space are choices and numbers, not words somebody typed


@dataclass(frozen=True)
class Kept:
    """A form as it was sent: where to, its fields, and the page it was on."""

    path: str
    fields: list[tuple[str, str]]
    page: str

    @property
    def words(self) -> list[str]:
        """What a person typed."""
        texts = [value.strip() for _name, value in self.fields]
        return [text for text in texts if len(text) > SHORT or " " in text]


def sent(request: HttpRequest) -> Kept:
    """The form of a request, without token and passwords."""
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken" and "password" not in name and isinstance(value, str)
    ]
    return Kept(path=request.get_full_path(), fields=fields, page=page_of(request))


def page_of(request: HttpRequest) -> str:
    """The page a form was on, as a path of ours; the home page when the browser does not say."""
    page = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()}):
        return reverse("home")
    parts = urlsplit(page)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def is_from_our_page(request: HttpRequest) -> bool:
    """Whether the browser vouches that the form was on one of our pages; no other site can."""
    ours = f"{request.scheme}://{request.get_host()}"
    return request.headers.get("Origin") == ours


def keep(request: HttpRequest, *, person_id: int | None) -> None:
    """Put the form away until somebody signs in. What is too long for a form of ours is not."""
    form = sent(request)
    length = sum(len(value) for _name, value in form.fields)
    if form.path == reverse("sign-out"):
        return
    if len(form.fields) > MOST_FIELDS or length > MOST_CHARACTERS:
        return
    request.session[KEY] = {
        "path": form.path,
        "fields": form.fields,
        "page": form.page,
        "person": person_id,
        "until": int(time.time()) + KEPT_SECONDS,
    }


def waiting(request: HttpRequest) -> Kept | None:
    """What waits for the person who has signed in; what is too old or another's is dropped."""
    found = request.session.get(KEY)
    if not found:
        return None
    if found["until"] < time.time() or found["person"] not in (None, request.user.pk):
        drop(request)
        return None
    fields = [(name, value) for name, value in found["fields"]]
    return Kept(path=found["path"], fields=fields, page=found["page"])


def is_for(request: HttpRequest) -> bool:
    """Whether what waits goes to the address of this request."""
    found = request.session.get(KEY)
    return found is not None and found["path"] == request.get_full_path()


def drop(request: HttpRequest) -> None:
    request.session.pop(KEY, None)
