"""Who may open a page. Every view carries one mark: a permission by name, or an explicit `public`.

The permissions themselves live in staff/permissions.py; a test walks all URLs and fails a view
without a mark.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase

View = Callable[..., HttpResponseBase]


def requires(permission: str) -> Callable[[View], View]:
    """Only people who hold `permission` (asked without an object) may open the view; else 403."""

    def mark(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise PermissionDenied(permission)
            return view(request, *args, **kwargs)

        guarded.access = permission  # type: ignore[attr-defined]
        return guarded

    return mark


def public(view: View) -> View:
    """The view answers anybody: it checks by itself (signature, password) or shows nothing."""
    opened = login_not_required(view)
    opened.access = "public"  # type: ignore[attr-defined]
    return opened


def signed_in(view: View) -> View:
    """Everybody who is signed in may open the view."""
    view.access = "signed in"  # type: ignore[attr-defined]
    return view


def picked_location(request: HttpRequest) -> int | None:
    """The location picked in the head of the page (`?location=<id>`), or None for all of mine.

    A location the person does not serve is a 404, as one that does not exist.
    """
    picked = request.GET.get("location", "")
    if not picked:
        return None
    if not picked.isdecimal() or not (
        request.user.is_authenticated and int(picked) in request.user.location_ids()
    ):
        raise Http404("No such location.")
    return int(picked)
