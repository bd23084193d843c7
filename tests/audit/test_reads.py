"""Who looked at whom: noted without waiting, in the ledger a minute later, and out of the way."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from audit import reads, services
from audit.models import LedgerEntry, LedgerHead, ListLook, Look
from audit.verification import verify
from memberships.models import Location
from outreach.library.seed import seed_library
from staff.models import User
from tests.factories.cancellations import row_for
from tests.factories.memberships import GuestFactory
from tests.factories.outreach import make_draft, make_message

pytestmark = pytest.mark.django_db


def look(by: User, *guests: int, place: str = "draft", now: datetime, at: int = 1) -> None:
    reads.note_read(by=by, place=place, guests=[(guest, at) for guest in guests], now=now)


def told() -> list[tuple[int | None, int | None, str]]:
    """Actor, guest and place of every look in the ledger, in its order."""
    entries = LedgerEntry.objects.filter(event="guest.viewed").order_by("chain", "seq")
    return [
        (entry.actor_id, entry.guest_id, json.loads(entry.body)["detail"]["where"])
        for entry in entries
    ]


def test_a_look_counts_once_a_day_for_a_person_a_guest_and_a_place(
    desk: User, manager: User, now: datetime
) -> None:
    for later in (0, 1, 3):
        look(desk, 7, 8, now=now + timedelta(hours=later))
    look(manager, 7, now=now)
    look(desk, 7, place="call card", now=now)
    look(desk, 7, now=now + timedelta(days=1))
    assert reads.note_pending(now=now) == 5
    assert sorted(told()) == sorted(
        [
            (desk.pk, 7, "draft"),
            (desk.pk, 8, "draft"),
            (manager.pk, 7, "draft"),
            (desk.pk, 7, "call card"),
            (desk.pk, 7, "draft"),
        ]
    )
    assert reads.note_pending(now=now) == 0
    look(desk, 7, now=now)
    assert reads.note_pending(now=now) == 0, "brought in already, still the same day"
    assert verify().faults == []


def test_the_entry_has_the_instant_of_the_look_and_the_chain_of_its_place(
    desk: User, now: datetime
) -> None:
    look(desk, 7, now=now, at=3)
    reads.note_pending(now=now + timedelta(minutes=1))
    entry = LedgerEntry.objects.get(event="guest.viewed")
    assert (entry.at, entry.chain, entry.actor_label) == (now, "location:3", str(desk))


def test_what_stands_in_the_ledger_is_forgotten_here_after_two_days(
    desk: User, now: datetime
) -> None:
    look(desk, 7, now=now - timedelta(days=3))
    look(desk, 8, now=now)
    reads.note_pending(now=now)
    assert list(Look.objects.values_list("guest_id", flat=True)) == [8]
    assert len(told()) == 2


def test_nobody_shown_is_no_statement(
    desk: User, now: datetime, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        reads.note_read(by=desk, place="draft", guests=[(None, 1)], now=now)
    with django_assert_num_queries(1):
        look(desk, *range(1, 51), now=now)


@pytest.mark.django_db(transaction=True)
def test_a_page_never_waits_for_the_head_of_a_chain(desk: User, now: datetime) -> None:
    with transaction.atomic():
        services.record("activity.exported", at=now, location_id=1)
    done = threading.Event()

    def page() -> None:
        try:
            look(desk, 7, now=now)
            done.set()
        finally:
            connection.close()

    with transaction.atomic():
        LedgerHead.objects.select_for_update().get(chain="location:1")
        reader = threading.Thread(target=page)
        reader.start()
        assert done.wait(5), "the page waited for the head"
    reader.join()


# --- Every page that shows a guest ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "place"),
    [
        ("member", "member page"),
        ("member-timeline", "member page"),
        ("review", "draft"),
        ("review-draft", "draft"),
        ("outgoing", "outgoing"),
        ("call", "call card"),
        ("calls", "call list"),
    ],
)
def test_the_page_notes_whom_it_shows(
    page: str, place: str, client: Client, manager: User, location: Location
) -> None:
    now = datetime.now().astimezone()
    seed_library(by=None, now=now)
    client.force_login(manager)
    if page in ("review", "review-draft"):
        draft = make_draft(location, now=now)
        guest_id, args = draft.guest_id, [draft.pk] if page == "review-draft" else []
    elif page == "outgoing":
        guest_id, args = make_message(location, now=now).guest_id, []
    elif page in ("call", "calls"):
        row = row_for(location)
        guest_id, args = row.guest_id, [row.pk] if page == "call" else []
    else:
        guest_id = GuestFactory(location=location).pk
        args = [guest_id]
    query = {"date": str(row.on)} if page == "calls" else {}
    assert client.get(reverse(page, args=args), query).status_code == 200
    assert (guest_id, place) in Look.objects.values_list("guest_id", "place")


# --- Lists ----------------------------------------------------------------------------------------


def listed() -> list[dict[str, Any]]:
    entries = LedgerEntry.objects.filter(event="guests.listed").order_by("chain", "seq")
    return [
        {"who": entry.actor_id, "chain": entry.chain} | json.loads(entry.body)["detail"]
        for entry in entries
    ]


def list_look(by: User, *guests: tuple[int, int], now: datetime, filters: Any = ()) -> None:
    reads.note_list(by=by, place="member list", guests=guests, filters=filters, now=now)


def test_a_list_is_one_entry_with_all_it_showed(
    desk: User, admin: User, now: datetime, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        list_look(
            desk, *((guest, 3) for guest in range(1, 51)), now=now, filters=["search", "band"]
        )
    list_look(admin, (7, 3), (8, 4), now=now)
    assert reads.note_pending(now=now) == 2
    assert listed() == [
        {
            "who": desk.pk, "chain": "location:3", "where": "member list", "count": 50,
            "filters": ["band", "search"], "guests": list(range(1, 51)),
        },
        {
            "who": admin.pk, "chain": "organisation", "where": "member list", "count": 2,
            "filters": [], "guests": [7, 8],
        },
    ]  # fmt: skip
    assert verify().faults == []


def test_the_same_list_counts_once_a_day_and_another_anew(
    desk: User, now: datetime, django_assert_num_queries: Any
) -> None:
    for later in (0, 2, 5):
        list_look(desk, (7, 3), (8, 3), now=now + timedelta(minutes=later))
    list_look(desk, (8, 3), (7, 3), now=now)
    list_look(desk, (7, 3), (8, 3), now=now, filters=["plan"])
    list_look(desk, (7, 3), (8, 3), now=now + timedelta(days=1))
    with django_assert_num_queries(0):
        list_look(desk, now=now)
    assert reads.note_pending(now=now) == 4
    assert reads.note_pending(now=now + timedelta(days=4)) == 0
    assert not ListLook.objects.exists(), "what stands in the ledger is forgotten here"


def test_looks_are_left_out_of_the_activity_unless_asked_for(
    client: Client, regional: User, location: Location, now: datetime
) -> None:
    guest = GuestFactory(location=location, first_name="Ada", last_name="Moss")
    look(regional, guest.pk, now=now, at=location.pk)
    reads.note_pending(now=now)
    client.force_login(regional)
    url = reverse("activity")
    assert "looked at" not in client.get(url).content.decode().split("<table")[-1]
    shown = client.get(url, {"event": "guest.viewed"}).content.decode()
    assert "looked at" in shown
    assert "Ada Moss" in shown
