"""The pages: who sees what, the same with and without script, at a fixed number of queries."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit import clock, reads
from audit.models import LedgerEntry, ListLook, Look
from memberships.models import Benefit, Charge, Location, Review
from outreach.models import Draft, Suppression
from retention.filters import MemberFilter
from retention.models import MemberRow, SavedView
from retention.selectors import members as member_list
from retention.services import refresh_location
from staff.models import User
from tests.factories.memberships import AppointmentFactory, GuestFactory
from tests.retention.conftest import TODAY, MakeMember

MOST_QUERIES = 12
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)


@pytest.fixture
def listed(location: Location, elsewhere: Location, make_member: MakeMember, now: datetime) -> Any:
    """Ada at risk and Ben calm at the location, Eve at risk elsewhere, Old who left."""
    people = {
        "ada": make_member(
            guest__first_name="Ada",
            guest__last_name="Ash",
            guest__phone="+12125550142",
        ),
        "ben": make_member(
            score=20, band="low", cause="season", guest__first_name="Ben", guest__last_name="Bo"
        ),
        "eve": make_member(location=elsewhere, guest__first_name="Eve", guest__last_name="Elm"),
        "old": make_member(
            score=None,
            status="cancelled",
            ended_on=TODAY - timedelta(days=2),
            ending="voluntary",
            guest__first_name="Old",
            guest__last_name="Oak",
        ),
    }
    for place in (location, elsewhere):
        refresh_location(location_id=place.pk, now=now)
    return people


def names(response: Any) -> list[str]:
    return [line.guest.name for line in response.context["page"].lines]


def visible(response: Any) -> str:
    """The text of a page without marks and drawings."""
    return re.sub(
        r"<svg.*?</svg>|<head>.*?</head>|<[^>]+>", " ", response.content.decode(), flags=re.S
    )


def tells(score: int, text: str) -> bool:
    """Whether the score stands in the text as a number of its own. The names that factories number
    do not count."""
    return f" {score} " in re.sub(r"(Location|Glow|Facial|Kim) \d+|\W", " ", text)


def opened(client: Client, user: User, path: str, **headers: str) -> Any:
    client.force_login(user)
    return client.get(path, headers=headers or None)


def test_a_manager_sees_members_of_the_own_locations_worst_first(
    client: Client, manager: User, listed: Any
) -> None:
    page = opened(client, manager, "/members/")
    assert names(page) == ["Ada Ash", "Ben Bo"]
    assert page.context["page"].count == 2
    text = page.content.decode()
    assert "High 82" in text
    assert "no visit for 74 days, usual gap 28" in text


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_desk_searches_and_never_gets_a_score(
    client: Client, desk: User, listed: Any, headers: dict[str, str]
) -> None:
    nothing = opened(client, desk, "/members/?band=high", **headers)
    assert nothing.context["page"] is None
    found = opened(client, desk, "/members/?q=ada", **headers)
    text = visible(found)
    assert "Ada Ash" in text
    assert "Priority" in text
    assert not tells(82, text)
    assert "band-very_high" not in found.content.decode()
    assert all(line.score is None for line in found.context["page"].lines)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ASH", ["Ada Ash"]),
        ("q=ash ada", ["Ada Ash"]),
        ("q=(212) 555-0142", ["Ada Ash"]),
        ("q=eve", []),
        ("band=at_risk", ["Ada Ash"]),
        ("band=low", ["Ben Bo"]),
        ("cause=season", ["Ben Bo"]),
        ("status=left", ["Old Oak"]),
        ("status=all&q=o", ["Ben Bo", "Old Oak"]),
        ("left_from=2026-11-16&left_to=2026-11-20", ["Old Oak"]),
        ("left_from=2026-11-19&left_to=2026-11-20", []),
        ("joined_from=2025-11-20&joined_to=2025-11-20&sort=name", ["Ada Ash", "Ben Bo", "Old Oak"]),
        ("booking=none", ["Ada Ash", "Ben Bo"]),
        ("booking=some", []),
        ("consent=none", []),
        ("band=nonsense&plan=x&sort=zz&page=-1", ["Ada Ash", "Ben Bo"]),
        ("page=900", ["Ada Ash", "Ben Bo"]),
    ],
)
def test_filters(client: Client, manager: User, listed: Any, query: str, found: list[str]) -> None:
    assert names(opened(client, manager, f"/members/?{query}")) == found


@pytest.mark.parametrize(
    "chosen",
    [
        MemberFilter(),
        MemberFilter(band="at_risk"),
        MemberFilter(status="left"),
        MemberFilter(status="all"),
        MemberFilter(status="active", cause="season"),
        MemberFilter(left_from=TODAY - timedelta(days=30), left_to=TODAY),
        MemberFilter(q="a", status="all"),
    ],
)
def test_the_count_and_the_options_agree_with_the_lists(
    admin: User, listed: Any, chosen: MemberFilter, now: datetime
) -> None:
    def page(filter_: MemberFilter) -> member_list.MemberPage:
        return member_list.member_page(user=admin, chosen=filter_, number=1, now=now)

    shown = page(chosen)
    assert shown.count == len(shown.lines)
    for dimension in ("band", "status", "cause"):
        for option in shown.options[dimension]:
            changed = MemberFilter.from_query(
                {
                    **{name: getattr(chosen, name) or "" for name in chosen.__slots__},
                    dimension: option.value,
                }
            )
            assert option.count == len(page(changed).lines), (dimension, option.value)


def test_a_filter_survives_its_own_address(listed: Any) -> None:
    chosen = MemberFilter(q="ada & co", band="at_risk", plan=3, left_to=TODAY, sort="name")
    from django.http import QueryDict

    assert MemberFilter.from_query(QueryDict(chosen.address())) == chosen
    assert MemberFilter().address() == ""


def test_a_script_gets_the_list_alone_with_the_address_and_the_count(
    client: Client, manager: User, listed: Any
) -> None:
    part = opened(client, manager, "/members/?q=ash&band=&status=", **HTMX)
    text = part.content.decode()
    assert "<html" not in text
    assert part.headers["HX-Push-Url"] == "/members/?q=ash"
    assert "1 person" in part.headers["HX-Trigger"]
    whole = opened(
        client, manager, "/members/?q=ada", **HTMX, **{"HX-History-Restore-Request": "true"}
    )
    assert "<html" in whole.content.decode()


def queries(client: Client, path: str, **headers: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(path, headers=headers or None).status_code == 200
    return len(seen)


def test_the_list_takes_the_same_few_queries_for_any_number_of_rows(
    client: Client, manager: User, location: Location, make_member: MakeMember, now: datetime
) -> None:
    client.force_login(manager)
    make_member()
    refresh_location(location_id=location.pk, now=now)
    client.get("/members/")  # the first request notes the sign-in
    few = queries(client, "/members/?booking=none")
    for _ in range(12):
        make_member()
    refresh_location(location_id=location.pk, now=now)
    assert queries(client, "/members/?booking=none") == few <= MOST_QUERIES


def test_pages_do_not_overlap(
    client: Client, manager: User, location: Location, make_member: MakeMember, now: datetime
) -> None:
    for _ in range(member_list.PAGE_SIZE + 3):
        make_member(last_visit_days=None)  # all with the same score
    refresh_location(location_id=location.pk, now=now)
    first = names(opened(client, manager, "/members/"))
    second = names(opened(client, manager, "/members/?page=2"))
    assert len(first) == member_list.PAGE_SIZE
    assert len(second) == 3
    assert not set(first) & set(second)


def test_an_empty_list_says_what_to_do(client: Client, manager: User, listed: Any) -> None:
    text = opened(client, manager, "/members/?q=oak").content.decode()
    assert "Search past members too" in text
    text = opened(client, manager, "/members/?q=zzz&status=all").content.decode()
    assert "Take a filter away" in text
    MemberRow.objects.all().delete()
    assert "after the first sync" in opened(client, manager, "/members/").content.decode()


# --- Views ---------------------------------------------------------------------------------------


def test_a_view_is_kept_shown_and_removed(
    client: Client, manager: User, approver: User, listed: Any
) -> None:
    client.force_login(manager)
    answer = client.post(
        "/members/views/",
        {"name": " Worth  a call ", "query": "band=at_risk&junk=1", "is_shared": "on"},
    )
    assert answer.headers["Location"] == "/members/?band=at_risk"
    view = SavedView.objects.get()
    assert view.name == "Worth a call"
    assert "Worth a call" in opened(client, approver, "/members/").content.decode()
    assert client.post(f"/members/views/{view.pk}/remove/").status_code == 404
    client.force_login(manager)
    client.post(f"/members/views/{view.pk}/remove/")
    assert not SavedView.objects.exists()


def test_a_private_view_stays_private(client: Client, manager: User, approver: User) -> None:
    client.force_login(manager)
    client.post("/members/views/", {"name": "Mine alone", "query": ""})
    assert "Mine alone" in opened(client, manager, "/members/").content.decode()
    assert "Mine alone" not in opened(client, approver, "/members/").content.decode()


def test_a_view_without_a_name_is_refused(client: Client, manager: User) -> None:
    client.force_login(manager)
    client.post("/members/views/", {"name": "  ", "query": ""})
    assert not SavedView.objects.exists()


# --- Drafts on request ---------------------------------------------------------------------------


@pytest.mark.usefixtures("library")
def test_drafts_for_the_ticked_say_what_became_of_each(
    client: Client, manager: User, listed: Any
) -> None:
    client.force_login(manager)
    answer = client.post(
        "/members/drafts/",
        {
            "guest": [listed["ada"].guest_id, listed["eve"].guest_id],
            "back": "/members/?band=at_risk",
        },
        follow=True,
    )
    text = answer.content.decode()
    assert answer.redirect_chain == [("/members/?band=at_risk", 302)]
    assert "1 draft waits for review." in text
    assert "1 person was passed over: not a member of your locations." in text
    assert "draft waits" in text
    assert Draft.objects.get().requested_by == manager


def test_nobody_ticked_is_said(client: Client, manager: User, listed: Any) -> None:
    client.force_login(manager)
    answer = client.post("/members/drafts/", {"back": "https://evil.test/"}, follow=True)
    assert answer.redirect_chain == [("/members/", 302)]
    assert "Nobody is ticked" in answer.content.decode()


def test_the_desk_may_not_ask_for_drafts(client: Client, desk: User, listed: Any) -> None:
    client.force_login(desk)
    assert client.post("/members/drafts/", {"guest": listed["ada"].guest_id}).status_code == 403
    assert client.post("/members/views/", {"name": "x", "query": ""}).status_code == 403


# --- One person ----------------------------------------------------------------------------------


@pytest.fixture
def known(listed: Any, location: Location, now: datetime) -> Any:
    """Ada with everything a page can show."""
    member = listed["ada"]
    Benefit.objects.create(
        membership=member,
        service_external_id="s",
        service_name="Facial",
        total=4,
        used=1,
        balance=3,
        expires_on=TODAY + timedelta(days=9),
    )
    for number, status in enumerate(["paid", "failed"]):
        Charge.objects.create(
            external_id=f"charge-{number}",
            membership=member,
            guest=member.guest,
            location=location,
            charged_on=TODAY - timedelta(days=30 * number + 2),
            status=status,
            amount_cents=8_900,
            decline_code="insufficient funds" if status == "failed" else "",
        )
    Review.objects.create(
        external_id="review",
        location=location,
        guest=member.guest,
        rating=2,
        comment="<b>Too cold</b>",
        written_at=now - timedelta(days=74),
    )
    AppointmentFactory(guest=member.guest, starts_at=now + timedelta(days=4))
    AppointmentFactory(guest=member.guest, status="no_show", starts_at=now - timedelta(days=20))
    Suppression.objects.create(
        channel="sms", address="+12125550142", source="reply", reason="wrote STOP", added_at=now
    )
    return member


def path_of(member: Any) -> str:
    return reverse("member", args=[member.guest_id])


def test_a_manager_knows_one_person_at_a_glance(client: Client, manager: User, known: Any) -> None:
    text = opened(client, manager, path_of(known)).content.decode()
    for part in (
        "Ada Ash",
        "High 82",
        "no visit for 74 days, usual gap 28",
        "about 4 in 10",
        known.plan.name,
        "1 of 4 used",
        "3 left, gone after Sun 29 Nov",
        "1 no-show",
        "insufficient funds",
        "stopped: wrote STOP",
        "agreed to offers",
    ):
        assert part in text, part


def test_the_desk_knows_why_but_no_score(client: Client, desk: User, known: Any) -> None:
    page = opened(client, desk, path_of(known))
    text = visible(page)
    assert "no visit for 74 days" in text
    assert "Priority" in text
    assert not tells(82, text)
    assert "4 in 10" not in text
    assert "churn-2026-11" not in text
    person = page.context["person"]
    assert (person.score, person.p, person.change, person.risk) == (None, None, None, None)


def test_the_timeline_tells_what_happened_newest_first(
    client: Client, manager: User, known: Any
) -> None:
    path = reverse("member-timeline", args=[known.guest_id])
    for headers in ({}, HTMX):
        text = opened(client, manager, path, **headers).content.decode()
        order = [
            text.index(words)
            for words in ("Booked: ", "Did not come: ", "Payment failed", "Rated 2 of 5", "Joined")
        ]
        assert order == sorted(order)
        assert "&lt;b&gt;Too cold" in text
    assert "<html" not in text


def test_an_older_page_of_the_timeline_follows_the_newer(
    client: Client, manager: User, known: Any, now: datetime
) -> None:
    for day in range(60):
        AppointmentFactory(
            guest=known.guest, status="completed", starts_at=now - timedelta(days=100 + day)
        )
    path = reverse("member-timeline", args=[known.guest_id])
    first = opened(client, manager, path)
    older = first.context["older"]
    second = opened(client, manager, f"{path}?before={older.isoformat().replace('+', '%2B')}")
    seen = [(m.at, m.text) for page in (first, second) for m in page.context["moments"]]
    assert len(first.context["moments"]) == 40
    assert [at for at, _ in seen] == sorted((at for at, _ in seen), reverse=True)
    assert len(seen) == len(set(seen)) == 66
    assert second.context["older"] is None


def test_who_looked_is_noted_once_a_day(
    client: Client, manager: User, desk: User, known: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def views() -> int:
        return Look.objects.filter(guest_id=known.guest_id, place="member page").count()

    opened(client, manager, path_of(known))
    opened(client, manager, path_of(known))
    assert views() == 1
    opened(client, desk, path_of(known))
    assert views() == 2


def test_somebody_elses_member_is_not_found_and_leaves_no_trace(
    client: Client, outsider: User, desk: User, known: Any
) -> None:
    for path in (path_of(known), reverse("member-timeline", args=[known.guest_id])):
        assert opened(client, outsider, path).status_code == 404
    assert opened(client, desk, "/members/999999/").status_code == 404
    assert not Look.objects.exists()


def test_a_member_with_a_contract_here_but_a_home_elsewhere_is_ours_too(
    client: Client, manager: User, listed: Any, elsewhere: Location, location: Location
) -> None:
    guest = listed["ada"].guest
    guest.location = elsewhere
    guest.save()
    assert opened(client, manager, path_of(listed["ada"])).status_code == 200


def test_a_merged_guest_leads_to_the_one_that_stands_for_them(
    client: Client, manager: User, listed: Any, elsewhere: Location
) -> None:
    gone = listed["ben"].guest
    gone.merged_into = listed["ada"].guest
    gone.save()
    answer = opened(client, manager, path_of(listed["ben"]))
    assert answer.headers["Location"] == path_of(listed["ada"])
    gone.merged_into = listed["eve"].guest  # not ours to see
    gone.save()
    assert opened(client, manager, path_of(listed["ben"])).status_code == 404


def test_a_vanished_guest_is_shown_as_gone(
    client: Client, manager: User, listed: Any, now: datetime
) -> None:
    guest = listed["ben"].guest
    guest.vanished_at = now
    guest.save()
    text = opened(client, manager, path_of(listed["ben"])).content.decode()
    assert "no longer lists this guest" in text


def test_a_guest_without_membership_has_a_page(
    client: Client, manager: User, location: Location
) -> None:
    guest = GuestFactory(location=location, phone="", email="")
    text = opened(client, manager, reverse("member", args=[guest.pk])).content.decode()
    assert "visits without a membership" in text
    assert "No visits yet." in text
    assert "no number" in text


def test_the_person_takes_few_queries(client: Client, manager: User, known: Any) -> None:
    client.force_login(manager)
    client.get(path_of(known))  # writes the view into the ledger
    assert queries(client, path_of(known)) <= MOST_QUERIES
    timeline = reverse("member-timeline", args=[known.guest_id])
    assert queries(client, timeline, **HTMX) <= MOST_QUERIES


# --- Who was shown a list -------------------------------------------------------------------------


def test_a_list_and_a_search_are_noted_without_what_was_typed(
    client: Client, manager: User, desk: User, listed: Any, location: Location, now: datetime
) -> None:
    ada = listed["ada"].guest
    for person, asked in ((manager, {"q": ada.first_name, "band": "high"}), (desk, {"q": "ada"})):
        client.force_login(person)
        answer = client.get(reverse("members"), asked, headers=HTMX)
        assert ada.first_name in answer.content.decode()
        look = ListLook.objects.get(person_id=person.pk)
        shown = [line.guest.pk for line in answer.context["page"].lines]
        assert ada.pk in shown
        assert (look.guests, look.place, look.location_id) == (shown, "member list", location.pk)
        assert {"search"} <= set(look.filters) <= {"search", "band", "status", "sort"}
    assert reads.note_pending(now=now) == 2
    assert not LedgerEntry.objects.filter(
        event="guests.listed", body__icontains=ada.first_name
    ).exists()


def test_a_list_of_nobody_is_not_noted(client: Client, manager: User, listed: Any) -> None:
    client.force_login(manager)
    assert client.get(reverse("members"), {"q": "nobody here"}).status_code == 200
    assert not ListLook.objects.exists()
