"""/activity/: who did what, and the same as a table to take away."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from audit import clock, selectors, services
from audit.access import picked_location, requires
from audit.apps import ACTIVITY_EXPORTED
from audit.forms import ActivityForm
from audit.selectors import Filters, Line

# A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")


BIGGEST = 2**63 - 1  # behind every id


def _filters(request: HttpRequest) -> tuple[ActivityForm, Filters]:
    """The filters of the address; a wrong one is shown as an error and narrows nothing."""
    form = ActivityForm(request.GET, user=request.user)
    form.is_valid()
    asked = form.cleaned_data
    return form, Filters(
        location_id=picked_location(request),
        person_id=int(asked["person"]) if asked.get("person") else None,
        guest_id=asked.get("guest"),
        event=asked.get("event", ""),
        play=asked.get("play", ""),
        about=asked.get("about", ""),
        from_on=asked.get("from_on"),
        to_on=asked.get("to_on"),
        zone=timezone.get_current_timezone(),
    )


def _told(form: ActivityForm) -> dict[str, Any]:
    return {name: value for name, value in form.cleaned_data.items() if value}


def _cursor(request: HttpRequest) -> tuple[datetime, int] | None:
    """`before=<instant>_<id>`: the last entry of the page before. Nonsense starts at the newest."""
    at, _sep, pk = request.GET.get("before", "").partition("_")
    try:
        instant, number = datetime.fromisoformat(at), int(pk)
    except ValueError:
        return None
    return (instant, number) if instant.tzinfo else None


@requires("audit.view_activity")
@require_GET
def activity(request: HttpRequest) -> HttpResponse:
    form, filters = _filters(request)
    chains = selectors.chains_of(request.user, filters.location_id)
    found = selectors.newest(chains, filters, before=_cursor(request), limit=selectors.PAGE + 1)
    shown = found[: selectors.PAGE]
    more = ""
    if len(found) > selectors.PAGE:
        more = f"{shown[-1].at.isoformat()}_{shown[-1].pk}"
    asked: dict[str, Any] = {key: value for key, value in request.GET.items() if value}
    asked.pop("before", None)
    context = {
        "form": form,
        "lines": selectors.lines(shown),
        "more": more,
        "is_first": "before" not in request.GET,
        "is_filtered": bool(asked.keys() - {"location"}),
        "export_query": urlencode(asked),
    }
    return render(request, "audit/activity.html", context)


@requires("audit.view_activity")
@require_GET
def activity_export(request: HttpRequest) -> HttpResponseBase:
    """The filtered entries as CSV, newest first. That it was taken away is itself an entry."""
    now = clock.now()
    form, filters = _filters(request)
    chains = selectors.chains_of(request.user, filters.location_id)
    # What is written from here on is for the next time.
    entries = selectors.everything(chains, filters, before=(now, BIGGEST))
    with transaction.atomic():
        services.record(
            ACTIVITY_EXPORTED,
            at=now,
            by=request.user,  # type: ignore[arg-type]
            location_id=filters.location_id,
            detail={"filters": urlencode(_told(form)) or "no filters"},
        )
    response = StreamingHttpResponse(_rows(selectors.in_batches(entries)), content_type="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="activity-{now:%Y-%m-%d}.csv"'
    return response


class _Echo:
    """A file for csv.writer that hands each line straight on."""

    def write(self, line: str) -> str:
        return line


def _rows(batches: Iterable[list[Line]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(["at", "location", "who", "what", "sentence", "chain", "entry", "hash"])
    for batch in batches:
        for line in batch:
            entry = line.entry
            cells = [line.location, entry.actor_label, entry.event, line.text, entry.chain]
            yield writer.writerow(
                [entry.at.isoformat(), *map(guarded, cells), entry.seq, entry.hash]
            )


def guarded(cell: str) -> str:
    """The text, quoted when a spreadsheet would run it."""
    return "'" + cell if cell.startswith(FORMULA) else cell
