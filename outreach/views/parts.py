"""What the views of this app share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from outreach.errors import OutreachError

if TYPE_CHECKING:
    from staff.request import StaffRequest


def wants_part(request: StaffRequest) -> bool:
    """Whether a script asks for the part that changes; a page restored from history is whole."""
    htmx = request.htmx
    return bool(htmx) and not htmx.history_restore_request


def back(request: StaffRequest, fallback: str, **query: object) -> HttpResponse:
    """To the page the form names, if it is one of ours, else to `fallback`."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        return redirect(wanted)
    asked = urlencode({name: value for name, value in query.items() if value})
    return redirect(reverse(fallback) + (f"?{asked}" if asked else ""))


@contextmanager
def telling(request: StaffRequest, said: str) -> Iterator[None]:
    """Say what came of what is done inside: `said`, or why it was refused."""
    try:
        yield
    except OutreachError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)


def number(text: str | None) -> int | None:
    """A whole number from a form or an address; None when it is not one."""
    return int(text) if text and text.isdecimal() and len(text) < 19 else None
