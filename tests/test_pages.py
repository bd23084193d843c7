"""No page asks the database more as the business grows: every list, tab, filter and search."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from benchmarks.pages import asking, chain
from memberships.models import Appointment, Location
from outreach import services
from outreach.selectors import VIEWS, open_drafts
from platforms.models import OutboxItem
from retention.models import MemberRow
from staff.models import User
from tests.owner import as_owner


@pytest.mark.django_db
def test_every_page_keeps_to_its_queries() -> None:
    chain.fill(chain.Sizes.of(0.002))
    people, too_many, asked = chain.people(), [], set()
    for role, only in (
        ("desk", "/members/"),
        ("manager", "/re"),
        ("regional", "/"),
        ("admin", "/settings/people/"),
    ):
        for row in asking.ask(people[role], runs=0, only=only):
            assert row["status"] == 200, row
            asked.add(row["page"])
            if row["queries"] > asking.MORE.get(row["page"], asking.BUDGET):
                too_many.append((role, row["page"], row["queries"]))
    assert not too_many
    too_short = {"/sequences/?page=2", "/replies/ > after"}  # no second page in so small a business
    assert set(asking.PAGES) - asked <= too_short, "a page was passed over"


@pytest.mark.django_db
def test_the_first_rows_of_a_list_come_from_an_index_in_their_order(
    admin: User, manager: User, location: Location, now: datetime
) -> None:
    """However long the queue, a page reads its own rows: nothing is sorted, no table is walked."""
    waits = OutboxItem.objects.filter(VIEWS["waiting"], topic="message")
    left = OutboxItem.objects.filter(VIEWS["sent"], topic="message")
    lists = {
        "draft_queue_of_all": open_drafts(admin, None, view="", now=now),
        "draft_queue": open_drafts(manager, location.pk, view="library", now=now),
        "outbox_waits": waits.order_by("due_at"),
        "outbox_left": left.order_by("-sent_at"),
        "appointment_coming": Appointment.objects.coming()
        .filter(location=location, starts_on=now.date())
        .order_by("starts_at"),
        "member_worst_of_all": MemberRow.objects.running().worst_first(),
    }
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
    for index, rows in lists.items():
        plan = rows.values_list("pk", flat=True)[:50].explain()
        assert index in plan, plan
        assert "Sort" not in plan, plan


@pytest.mark.django_db
def test_what_is_looked_for_is_found_by_an_index(manager: User, now: datetime) -> None:
    """Letters of a name or of a member, and everything given up for one cause: the table is not
    walked. The first two are asked inside functions, since a row policy keeps a pattern from
    its index."""
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        services.retry_all(cause="away", location_id=None, by=manager, now=now)
    sql, params = next(one for one in asked if "platforms_outboxitem" in one[0])
    plans = {"outbox_trouble": explained(sql, params)}
    with as_owner():
        for index, function, pattern in (
            ("guest_search", "memberships_named", "'garc'"),
            ("member_search", "retention_found", "'%garc%'"),
        ):
            plans[index] = explained(body_of(function).replace("pattern", pattern))
    for index, plan in plans.items():
        assert index in plan, plan
        # More than a walk through the index: its key narrows what is read.
        assert "Index Cond" in plan.partition(index)[2], plan


def explained(sql: str, params: Any = None) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(row[0] for row in cursor.fetchall())


def body_of(function: str) -> str:
    """The statement a function finds keys by."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [function])
        found = re.search(r"ARRAY\((SELECT .*)\);", cursor.fetchone()[0], re.DOTALL)
    assert found is not None
    return found[1]
