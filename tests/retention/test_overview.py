"""The overview: every number is the length of the list behind it."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit import clock
from memberships.models import Location, LocationDay
from retention.models import AtRiskDay
from retention.selectors.overview import Standing, Week, overview, signed
from retention.services import refresh_location
from staff.models import User
from tests.factories.memberships import LocationFactory
from tests.retention.conftest import TODAY, MakeMember
from tests.retention.test_pages import MOST_QUERIES, visible

MONDAY = date(2026, 11, 16)


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)


@pytest.fixture
def business(location: Location, make_member: MakeMember, now: datetime) -> list[Location]:
    """North and a second location of the same manager: who runs, joined, left and is at risk."""
    west = LocationFactory(name="West", currency="CAD")
    for place, at_risk, calm, joined, left in ((location, 3, 2, 2, 1), (west, 1, 4, 0, 2)):
        for _ in range(at_risk):
            make_member(location=place)
        for _ in range(calm):
            make_member(location=place, score=10, band="low")
        for _ in range(joined):
            make_member(location=place, score=None, started_on=MONDAY)
        for number in range(left):
            make_member(
                location=place,
                score=None,
                status="cancelled",
                ended_on=MONDAY + timedelta(days=number),
            )
        make_member(  # on the last day that is compared, and on the first that is not
            location=place, score=None, status="expired", ended_on=MONDAY - timedelta(days=3)
        )
        make_member(
            location=place, score=None, status="expired", ended_on=MONDAY - timedelta(days=2)
        )
        LocationDay.objects.create(
            location=place, on=MONDAY - timedelta(days=1), members=40, left=5, joined=1
        )
        AtRiskDay.objects.create(
            location=place, on=TODAY - timedelta(days=7), members=40, at_risk=2, at_risk_cents=1
        )
        refresh_location(location_id=place.pk, now=now)
    return [location, west]


@pytest.fixture
def head(regional: User, business: list[Location]) -> User:
    regional.locations.set(business)
    return User.objects.get(pk=regional.pk)


def test_standings(head: User, business: list[Location], now: datetime) -> None:
    page = overview(user=head, location_id=None, week_key="", now=now)
    assert [line.location.name for line in page.lines] == ["West", "North"]  # more left there
    west, north = (line.standing for line in page.lines)
    assert (north.members, north.joined, north.left, north.at_risk) == (7, 2, 1, 3)
    assert (west.members, west.joined, west.left, west.at_risk) == (5, 0, 2, 1)
    assert (north.left_before, north.members_at_start, north.at_risk_before) == (1, 40, 2)
    assert north.at_risk_cents == 3 * 8_900
    total = page.total
    assert (total.members, total.joined, total.left, total.at_risk) == (12, 2, 3, 4)
    assert page.at_risk_money == [("CAD", 8_900), ("USD", 26_700)]  # never added up
    assert page.lines[0].trend[-2:] == [5, 0]


def test_every_number_is_the_length_of_its_list(
    client: Client, head: User, business: list[Location], now: datetime
) -> None:
    client.force_login(head)
    page = overview(user=head, location_id=None, week_key="", now=now)

    def listed(query: str) -> int:
        answer = client.get(f"/members/?{query}")
        shown = answer.context["page"]
        assert shown.count == len(shown.lines)
        return int(shown.count)

    for part in (page, *page.lines):
        standing = part.total if part is page else part.standing  # type: ignore[union-attr]
        assert listed(part.members_query) == standing.members
        assert listed(part.joined_query) == standing.joined
        assert listed(part.left_query) == standing.left
        assert listed(part.at_risk_query) == standing.at_risk


def test_the_page_shows_and_links_them(client: Client, head: User) -> None:
    client.force_login(head)
    answer = client.get("/overview/")
    text = re.sub(r"\s+", " ", visible(answer))
    assert "3 members left this week so far, 1 more than in the first 5 days" in text
    assert "4 of 12 members are likely to leave" in text
    assert "CA$89 · $267 a month" in text
    assert "West stands worst: 2 left and 1 likely to." in text
    html = answer.content.decode()
    assert "/members/?band=at_risk" in html
    for tile in answer.context["figures"].tiles:
        assert tile.query is not None


def test_one_location_may_be_picked_but_not_a_foreign_one(
    client: Client, head: User, business: list[Location], elsewhere: Location
) -> None:
    client.force_login(head)
    page = client.get(f"/overview/?location={business[1].pk}")
    assert [line.location.name for line in page.context["figures"].lines] == ["West"]
    assert client.get(f"/overview/?location={elsewhere.pk}").status_code == 404


def test_a_past_week_shows_what_was_kept_and_lists_only_who_joined_or_left(
    head: User, business: list[Location], now: datetime
) -> None:
    last = overview(user=head, location_id=None, week_key="2026-W46", now=now)
    assert last.week.monday == date(2026, 11, 9)
    assert last.total.left == 4
    assert last.total.members == 80  # of the evening of Sunday
    assert last.total.at_risk is None
    assert [tile.query is None for tile in last.tiles] == [True, False, False, True]


@pytest.mark.parametrize(
    ("text", "monday", "days"),
    [
        ("", MONDAY, 5),
        ("nonsense", MONDAY, 5),
        ("2027-W30", MONDAY, 5),
        ("2026-W46", date(2026, 11, 9), 7),
        ("2020-W53", date(2020, 12, 28), 7),
    ],
)
def test_weeks(text: str, monday: date, days: int) -> None:
    week = Week.parse(text, TODAY)
    assert (week.monday, week.days) == (monday, days)
    assert week.before_last - week.before_first == week.last - week.monday


def test_a_handful_of_people_is_counted_not_rated() -> None:
    assert Standing(members_at_start=19, left=3).left_percent is None
    assert Standing(members_at_start=20, left=3).left_percent == 15
    assert Standing(members=19, at_risk=3).at_risk_share == ""
    assert Standing(members=20, at_risk=3).at_risk_share == "15%"
    assert Standing(members=0, at_risk=0).at_risk_percent is None


def test_changes_carry_their_sign() -> None:
    assert [signed(n) for n in (3, -1_200, 0, None)] == ["+3", "−1,200", "no change", ""]


def test_the_overview_takes_the_same_few_queries_for_any_number_of_locations(
    client: Client, admin: User, business: list[Location]
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get("/overview/").status_code == 200
        return len(seen)

    client.force_login(admin)
    client.get("/overview/")
    few = queries()
    for _ in range(5):
        LocationFactory()
    assert queries() == few <= MOST_QUERIES


def test_managers_and_the_desk_have_no_overview(client: Client, manager: User, desk: User) -> None:
    for user in (manager, desk):
        client.force_login(user)
        assert client.get("/overview/").status_code == 403


def test_without_locations_the_page_says_what_is_missing(client: Client, admin: User) -> None:
    client.force_login(admin)
    answer: Any = client.get("/overview/")
    assert "after the first sync" in answer.content.decode()
