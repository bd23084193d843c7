"""What the head of every page shows: where one may go, whose data, how fresh, is sending stopped.

Everything that asks the database does so only when the template prints it: fragments pay nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from audit import clock
from config.templatetags.tenure import url_if
from memberships.selectors import freshness
from outreach.selectors import automation_state


@dataclass(frozen=True)
class Page:
    """A line of the navigation. `key` is the letter after `g`."""

    url_name: str
    title: Any
    permission: str
    icon: str
    key: str = ""


PAGES = [
    Page("calls", _("Calls"), "cancellations.work_calls", "phone", "c"),
    Page("review", _("Review"), "outreach.view_draft", "list-checks", "r"),
    Page("outgoing", _("Outgoing"), "outreach.view_outgoing", "send", "u"),
    Page("sequences", _("Sequences"), "outreach.view_sequence", "list-ordered", "e"),
    Page("replies", _("Replies"), "outreach.answer_reply", "messages-square", "a"),
    Page("members", _("Members"), "retention.search_members", "users", "m"),
    Page("bookings", _("Bookings"), "cancellations.view_bookings", "calendar-days", "b"),
    Page("overview", _("Overview"), "retention.view_overview", "layout-dashboard", "o"),
    Page("quality", _("Quality"), "risk.view_quality", "gauge", "q"),
    Page("activity", _("Activity"), "audit.view_activity", "scroll-text", "l"),
    Page("sync", _("Data"), "memberships.view_sync", "refresh-cw", "d"),
    Page("settings", _("Settings"), "outreach.propose_library", "settings-2", "s"),
]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of templates/base.html."""
    user = request.user
    base: dict[str, Any] = {"business": settings.BUSINESS_NAME}
    if not user.is_authenticated:
        return base
    picked = _picked(request)
    keep = f"location={picked.pk}" if picked else ""
    automation: Any = SimpleLazyObject(partial(automation_state, user))
    return base | {
        "nav": SimpleLazyObject(lambda: _nav(request, keep, automation)),
        "locations": SimpleLazyObject(
            lambda: [place for place in _mine(request) if place.is_active]
        ),
        "location": picked,
        "location_query": keep,
        "freshness": SimpleLazyObject(lambda: freshness(request.user, clock.now())),
        "automation": automation,
        "idle_seconds": settings.SESSION_IDLE_SECONDS,
        "keep_in_picker": [
            (name, value)
            for name, values in request.GET.lists()
            for value in values
            if name not in ("location", "page", "before")
        ],
    }


def _mine(request: HttpRequest) -> list[Any]:
    return getattr(request, "my_locations", [])


def _picked(request: HttpRequest) -> Any:
    wanted = request.GET.get("location", "")
    return next((place for place in _mine(request) if str(place.pk) == wanted), None)


def _nav(request: HttpRequest, keep: str, automation: Any) -> list[dict[str, Any]]:
    """The pages this person may open. Replies say how many answers nobody could read."""
    lines = []
    for page in PAGES:
        url = url_if(page.url_name) if request.user.has_perm(page.permission) else ""
        if url:
            lines.append(
                {
                    "page": page,
                    "url": f"{url}?{keep}" if keep else url,
                    "current": request.path.startswith(url),
                    "parked": automation.parked if page.url_name == "replies" else 0,
                }
            )
    return lines
