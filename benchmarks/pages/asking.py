"""Every list page with its tabs, filters, searches and second page, asked for as one person."""

from __future__ import annotations

import gzip
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cancellations.models import Call
from memberships.models import Membership
from outreach.models import Draft, Thread
from staff.models import User

# {member}, {call}, {draft} and {thread} are filled with a row of the person's first location.
# `>` asks for the page the first link with that parameter leads to.
PAGES = (
    "/calls/",
    "/calls/?show=later",
    "/calls/?show=done",
    "/calls/{call}/",
    "/review/",
    "/review/?view=needs_care",
    "/review/?view=changed",
    "/review/?view=library",
    "/review/?view=snoozed",
    "/review/together/",
    "/review/back/",
    "/review/{draft}/",
    "/outgoing/",
    "/outgoing/?view=sending",
    "/outgoing/?view=trouble",
    "/outgoing/?view=sent",
    "/sequences/",
    "/sequences/?view=waiting",
    "/sequences/?view=paused",
    "/sequences/?view=ended",
    "/sequences/?page=2",
    "/replies/",
    "/replies/ > after",
    "/replies/?view=unread",
    "/replies/?view=undelivered",
    "/replies/?view=all",
    "/replies/?view=all > after",
    "/replies/?topic=cancel",
    "/replies/?q=garcia",
    "/replies/?view=all&q=garcia",
    "/replies/?view=all&q=ada+garcia",
    "/replies/?view=all&q=0001234",
    "/replies/news/?since=2026-01-01T00:00:00Z",
    "/replies/{thread}/",
    "/members/",
    "/members/?page=2",
    "/members/?page=100",
    "/members/?band=at_risk",
    "/members/?band=very_high&cause=payment",
    "/members/?booking=none",
    "/members/?consent=sms",
    "/members/?renews=14",
    "/members/?status=all",
    "/members/?status=left",
    "/members/?sort=name",
    "/members/?sort=renewal",
    "/members/?sort=value",
    "/members/?sort=away",
    "/members/?sort=newest",
    "/members/?q=garcia",
    "/members/?q=ada+garcia",
    "/members/?q=5030001234",
    "/members/?q=no",
    "/members/{member}/",
    "/members/{member}/timeline/",
    "/bookings/",
    "/bookings/?band=all",
    "/bookings/?band=all&page=2",
    "/bookings/?band=high",
    "/overview/",
    "/overview/?week=2026-W40",
    "/overview/bookings/",
    "/quality/",
    "/quality/plays/",
    "/activity/",
    "/sync/",
    "/settings/people/",
    "/settings/automation/",
    "/settings/offers/",
    "/settings/templates/",
)
MOST_SECONDS = 6.0  # a slow page is asked less often
LEAST_RUNS = 3
BUDGET = 12  # queries of a page
# More than lists: the deck with its checks beside the list; what takes a row and reads everything a
# caller or writer may be asked.
MORE = {"/review/": 14, "/calls/{call}/": 24, "/replies/{thread}/": 24}
# Beside a page's own: the session and the person, the movable clock of demo and tests (asked each
# time the clock is), the note of who was shown (an INSERT and its two savepoints), and what a
# process asks once and keeps.
NOT_THE_PAGES = (
    "audit_clockshift",
    "django_session",
    "audit_look",
    "SAVEPOINT",
    "django_content_type",
)


def own_queries(captured: CaptureQueriesContext) -> list[str]:
    """The statements of the page itself."""
    return [
        query["sql"]
        for query in captured.captured_queries
        if not any(word in query["sql"] for word in NOT_THE_PAGES)
    ]


def addresses(person: User) -> Iterator[tuple[str, str]]:
    """Pairs of pattern and address; patterns for which there is no row are passed over."""
    place = person.locations.order_by("pk").first()
    here = {"location": place}
    own = person.pk % 4  # a call is open to one person at a time
    found: dict[str, Any] = {
        "member": Membership.objects.filter(status="active", **here)
        .order_by("pk")
        .values_list("guest_id"),
        "call": Call.objects.filter(**here).order_by("-on", "pk").values_list("pk")[own:],
        "draft": Draft.objects.filter(status="pending", **here).order_by("pk").values_list("pk"),
        "thread": Thread.objects.filter(waiting_since__isnull=False, **here)
        .order_by("pk")
        .values_list("pk"),
    }
    rows = {name: next(iter(values[:1]), (None,))[0] for name, values in found.items()}
    for pattern in PAGES:
        wanted = re.findall(r"{(\w+)}", pattern)
        if all(rows[name] for name in wanted):
            yield pattern, pattern.format(**rows)


def ask(person: User, *, runs: int, only: str = "") -> Iterator[dict[str, Any]]:
    """One line of figures per page the person may see."""
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    for pattern, address in addresses(person):
        if not pattern.startswith(only):
            continue
        url, _, parameter = address.partition(" > ")
        if parameter:
            page = client.get(url).content.decode()
            link = re.search(rf'href="[^"?]*(\?[^"]*{parameter}=[^"]+)"', page)
            if link is None:
                continue
            url = url.partition("?")[0] + link[1].replace("&amp;", "&")
        with CaptureQueriesContext(connection) as captured:
            response = client.get(url)
        if response.status_code == 403:
            continue
        yield {
            "role": person.role,
            "page": pattern,
            "status": response.status_code,
            "queries": len(own_queries(captured)),
            "html_kib": round(len(response.content) / 1024, 1),
            "wire_kib": round(len(gzip.compress(response.content)) / 1024, 1),
            **(_figures(client, url, runs=runs) if runs else {}),
        }


def _figures(client: Client, url: str, *, runs: int) -> dict[str, Any]:
    took: list[float] = []
    database: list[float] = []
    began, cpu = time.perf_counter(), _cpu()
    while len(took) < runs and (
        len(took) < LEAST_RUNS or time.perf_counter() - began < MOST_SECONDS
    ):
        waited = _Waited()
        started = time.perf_counter()
        with connection.execute_wrapper(waited):
            client.get(url)
        took.append((time.perf_counter() - started) * 1000)
        database.append(waited.seconds * 1000)
    cpu = (_cpu() - cpu) * 1000 / len(took)
    return {
        "median_ms": round(statistics.median(took), 1),
        "p95_ms": round(statistics.quantiles(took, n=20)[18], 1) if len(took) > 1 else None,
        "sql_ms": round(statistics.median(database), 1),
        "cpu_ms": round(cpu, 1),
    }


class _Waited:
    """Adds up the seconds a page waited for its statements."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - started


def _cpu() -> float:
    """Processor seconds of this process and its PostgreSQL backend."""
    connection.ensure_connection()
    backend = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    served = int(backend.read_text().split()[0]) / 1e9 if backend.exists() else 0.0
    return time.process_time() + served


def line(row: dict[str, Any]) -> str:
    """A row of figures for reading."""
    return (
        f"{row['role']:9}{row['page']:46}{row['status']:4}{row['median_ms']:9}{row['p95_ms']:9}"
        f"{row['sql_ms']:9}{row['cpu_ms']:9}{row['queries']:4}{row['wire_kib']:7}"
    )
