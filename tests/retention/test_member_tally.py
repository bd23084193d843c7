"""The tally behind the member list's counts is at no moment behind the list."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Sum
from django.test.utils import CaptureQueriesContext

from memberships.models import Guest, Location, Membership
from retention.filters import MemberFilter
from retention.models import MemberRow, MemberTally
from retention.selectors.members import member_page
from retention.services import refresh_guests, refresh_location
from risk.models import ChurnScore
from tests.retention.conftest import MakeMember

KIND = ("location", "band", "cause", "plan", "status", "is_running")


def counted() -> Counter[Any]:
    """The rows of the list, counted one by one."""
    return _by_kind(MemberRow, Count("pk"))


def told() -> Counter[Any]:
    """What the tally says."""
    return +_by_kind(MemberTally, Sum("n"))


def _by_kind(model: Any, figure: Any) -> Counter[Any]:
    groups = model.objects.order_by().values_list(*KIND).annotate(total=figure)
    return Counter({tuple(kind): total for *kind, total in groups})


def test_every_change_is_in_the_tally_at_once(
    location: Location, elsewhere: Location, make_member: MakeMember, now: datetime
) -> None:
    """A hundred steps at random: people come, leave, move, are scored anew, vanish; the night."""
    chance = random.Random(7)
    places = [location, elsewhere]
    members: list[Membership] = []
    for _step in range(100):
        what = chance.choice(["come", "come", "leave", "move", "score", "vanish", "night"])
        if what == "come" or not members:
            place = chance.choice(places)
            members.append(make_member(location=place))
            one = members[-1]
        else:
            one = chance.choice(members)
        if what == "leave":
            Membership.objects.filter(pk=one.pk).update(status="cancelled", ended_on=now.date())
        elif what == "move":
            Membership.objects.filter(pk=one.pk).update(location=chance.choice(places))
        elif what == "score":
            ChurnScore.objects.filter(membership=one).update(
                band=chance.choice(["low", "watch", "high"])
            )
        elif what == "vanish":
            type(one.guest).objects.filter(pk=one.guest_id).update(vanished_at=now)
            members.remove(one)
        if what == "night":
            place = chance.choice(places)
            refresh_location(location_id=place.pk, now=now)
            kinds = MemberTally.objects.filter(location=place)
            assert len(kinds) == len(kinds.order_by().values_list(*KIND).distinct())
        else:
            refresh_guests(guest_ids=[one.guest_id], now=now)
        assert told() == counted()
    assert len(counted()) > 5
    MemberRow.objects.all()[:3][0].delete()
    assert told() == counted()


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_leave_it_right(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    """Webhooks and two nights of one location at the same time."""
    members = [make_member() for _ in range(12)]
    refresh_location(location_id=location.pk, now=now)

    def work(number: int) -> None:
        try:
            # The nights end first: a later one would put a wrong sum right.
            for step in range(6 if number < 2 else 60):
                if number < 2:
                    refresh_location(location_id=location.pk, now=now)
                    continue
                mine = members[number::4]
                one = mine[step % len(mine)]
                # Rows that come and go: those there are wait for the night anyway.
                gone_at = None if step // len(mine) % 2 else now
                Guest.objects.filter(pk=one.guest_id).update(vanished_at=gone_at)
                refresh_guests(guest_ids=[one.guest_id], now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, number) for number in range(4)]:
            done.result()
    assert told() == counted()


@pytest.mark.parametrize(
    ("query", "counts_rows"),
    [
        ({}, False),
        ({"band": "high", "status": "all", "cause": "usage_drop"}, False),
        ({"q": "a"}, True),
        ({"booking": "none"}, True),
        ({"joined_from": "2020-01-01"}, True),
    ],
)
def test_the_page_says_the_same_counted_or_told(
    location: Location,
    elsewhere: Location,
    make_member: MakeMember,
    regional: Any,
    now: datetime,
    monkeypatch: Any,
    query: dict[str, str],
    counts_rows: bool,
) -> None:
    for place, band, status in (
        (location, "high", "active"), (location, "low", "active"), (location, "low", "frozen"),
        (location, "high", "cancelled"), (elsewhere, "high", "active"),
    ):  # fmt: skip
        make_member(location=place, band=band, status=status)
    for place in (location, elsewhere):
        refresh_location(location_id=place.pk, now=now)
    chosen = MemberFilter.from_query(query)
    with CaptureQueriesContext(connection) as captured:
        page = member_page(user=regional, chosen=chosen, number=1, now=now)
    counted_rows = any(
        "COUNT(*)" in one["sql"] and "retention_memberrow" in one["sql"] for one in captured
    )
    assert counted_rows == counts_rows
    monkeypatch.setattr(MemberFilter, "is_tallied", False)
    again = member_page(user=regional, chosen=chosen, number=1, now=now)
    assert (page.count, page.options) == (again.count, again.options)
    assert page.count == len(page.lines)
