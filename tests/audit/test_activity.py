"""/activity/: who did what, told in sentences, only to those who serve the place."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from audit import services
from audit.models import LedgerEntry
from audit.services import Entry
from audit.views import guarded
from memberships.models import Location
from staff.models import User
from tests.factories.memberships import GuestFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client, manager: User):
    client.force_login(manager)

    def get(**query: object) -> str:
        answer = client.get(reverse("activity"), query)
        assert answer.status_code == 200
        return answer.content.decode()

    return get


def test_an_entry_reads_as_a_sentence_with_names(
    page, now: datetime, manager: User, location: Location
) -> None:
    guest = GuestFactory(location=location, first_name="Ada", last_name="<Moss>")
    services.record(
        "sample.created", at=now, by=manager, location_id=location.pk, guest_id=guest.pk
    )
    shown = page()
    assert f"<strong>{manager}</strong> drafted for" in shown
    assert "Ada &lt;Moss&gt;" in shown
    assert "Fri 20 Nov, 12:00" in shown  # the reader's zone


def test_only_places_one_serves_are_told(
    page, now: datetime, location: Location, elsewhere: Location
) -> None:
    services.record_many(
        [
            Entry(event="sample.approved", at=now, location_id=place, detail={"cost_cents": cost})
            for place, cost in ((location.pk, 111), (elsewhere.pk, 222), (None, 333))
        ]
    )
    shown = page()
    assert "at 111 cents" in shown
    assert "at 222 cents" not in shown
    assert "at 333 cents" not in shown


def test_the_filters_narrow(
    page, now: datetime, manager: User, desk: User, location: Location
) -> None:
    def note(cost: int, **changes: object) -> None:
        usual = {"at": now, "by": manager, "location_id": location.pk}
        services.record("sample.approved", detail={"cost_cents": cost}, **{**usual, **changes})

    note(111, by=desk)
    note(222, guest_id=7)
    note(333, at=now - timedelta(days=3))
    services.record("sample.created", at=now, location_id=location.pk)

    def costs(**query: object) -> list[int]:
        shown = page(**query)
        return [cost for cost in (111, 222, 333) if f"at {cost} cents" in shown]

    assert costs() == [111, 222, 333]
    assert costs(person=desk.pk) == [111]
    assert costs(guest=7) == [222]
    assert costs(to_on="2026-11-18") == [333]
    assert costs(from_on="2026-11-20") == [111, 222]
    assert costs(event="sample.created") == []
    assert costs(event="sample.") == [111, 222, 333]
    assert costs(location=location.pk) == [111, 222, 333]


def test_pages_follow_each_other_without_gap_or_repeat(
    client: Client, manager: User, now: datetime, location: Location
) -> None:
    client.force_login(manager)
    services.record_many(
        [
            Entry(
                event="sample.approved", at=now, location_id=location.pk, detail={"cost_cents": n}
            )
            for n in range(120)
        ]
    )
    seen: list[str] = []
    query: dict[str, str] = {}
    for _ in range(3):
        answer = client.get(reverse("activity"), query)
        seen += [line.text for line in answer.context["lines"]]
        query = {"before": answer.context["more"]}
    assert query == {"before": ""}
    assert len(seen) == len(set(seen)) == 120


def test_a_long_list_takes_no_more_queries_than_a_short_one(
    client: Client, manager: User, now: datetime, location: Location, django_assert_max_num_queries
) -> None:
    guests = GuestFactory.create_batch(3, location=location)
    services.record_many(
        [
            Entry(
                event="sample.created",
                at=now,
                location_id=location.pk,
                guest_id=guests[n % 3].pk,
                target=manager,
            )
            for n in range(60)
        ]
    )
    client.force_login(manager)
    with django_assert_max_num_queries(12):
        client.get(reverse("activity"))


def test_the_export_holds_what_the_page_shows_and_is_noted(
    client: Client, manager: User, now: datetime, location: Location, elsewhere: Location
) -> None:
    bad = GuestFactory(location=location, first_name="=HYPERLINK(1)", last_name="")
    services.record_many(
        [
            Entry(event="sample.created", at=now, location_id=location.pk, guest_id=bad.pk),
            Entry(event="sample.created", at=now, location_id=elsewhere.pk),
        ]
    )
    client.force_login(manager)
    answer = client.get(reverse("activity-export"), {"event": "sample."})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [row["location"] for row in rows] == [location.name]
    assert rows[0]["sentence"].endswith("=HYPERLINK(1).")
    noted = LedgerEntry.objects.get(event="activity.exported")
    assert noted.actor_id == manager.pk
    assert "event=sample." in noted.body


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@a", "\tx", "\rx", "\0"])
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(cell: str) -> None:
    assert guarded(cell) == "'" + cell
    assert guarded("a" + cell) == "a" + cell
