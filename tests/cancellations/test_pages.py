"""The call pages as staff see them: who may, what is shown, what a key does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import LedgerEntry
from cancellations.models import Call, CallRules, CallTry
from cancellations.services import ask_call, build_call_list, hold_call, log_call
from staff.models import User
from tests.factories.cancellations import listed, row_for, shaky_booking, shaky_member
from tests.factories.memberships import NOW, GuestFactory
from tests.factories.staff import UserFactory

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
MOST_QUERIES = 12


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: Any) -> None:
    monkeypatch.setattr("audit.clock.now", lambda: NOW)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def client(desk: User) -> Client:
    return signed_in(desk)


@pytest.fixture
def row(location: Any) -> Call:
    return row_for(location)


def post(client: Client, name: str, row: Call, **data: Any) -> Any:
    headers = data.pop("headers", {})
    given = {"version": row.version, **data}
    return client.post(reverse(name, args=[row.pk]), given, headers=headers)


def test_the_list_shows_rows_progress_and_reasons(client: Client, location: Any) -> None:
    first, second = shaky_booking(location, price_cents=90_000), shaky_booking(location)
    build_call_list(location_id=location.pk, on=location.today(NOW), now=NOW)
    page = client.get(reverse("calls")).content.decode()
    assert page.index(first.guest.name) < page.index(second.guest.name)
    assert "0 of 2" in page
    assert "cancelled 3 of the last 8 bookings" in page


def test_no_score_reaches_the_desk(client: Client, location: Any) -> None:
    booking = shaky_booking(location, p=0.6137)
    row = listed(booking.guest)
    for url in (
        reverse("calls"),
        reverse("call", args=[row.pk]),
        reverse("bookings"),
        reverse("calls") + f"?print=1&location={location.pk}",
    ):
        page = client.get(url).content.decode()
        assert booking.guest.name in page
        assert "in 10" not in page
        assert "61%" not in page
        assert "Very high" not in page


def test_the_tabs_split_by_what_is_left(client: Client, location: Any, desk: User) -> None:
    rows = [row_for(location) for _ in range(3)]
    log_call(call_id=rows[0].pk, version=1, outcome="booked", by=desk, now=NOW)
    log_call(call_id=rows[1].pk, version=1, outcome="no_answer", by=desk, now=NOW)
    for tab, row in zip(("done", "later", "todo"), rows, strict=True):
        page = client.get(reverse("calls"), {"show": tab})
        assert [one.pk for one in page.context["rows"]] == [row.pk]


def test_a_list_that_is_worked_says_so(client: Client, row: Call, desk: User) -> None:
    log_call(call_id=row.pk, version=1, outcome="booked", by=desk, now=NOW)
    page = client.get(reverse("calls")).content.decode()
    assert "All 1 worked" in page
    assert "1 reached" in page


def test_without_a_list_the_page_says_when_there_will_be_one(client: Client) -> None:
    assert "No list for this day" in client.get(reverse("calls")).content.decode()


def test_the_list_costs_the_same_queries_for_any_length(client: Client, location: Any) -> None:
    def queries() -> int:
        client.get(reverse("calls"))
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("calls"))
        return len(captured)

    row_for(location)
    few = queries()
    for _ in range(12):
        row_for(location)
    assert queries() == few <= MOST_QUERIES


def test_opening_a_call_holds_it(client: Client, row: Call, desk: User) -> None:
    page = client.get(reverse("call", args=[row.pk]))
    row.refresh_from_db()
    assert row.held_by == desk
    assert f"tel:{row.guest.phone}" in page.content.decode()


def test_a_held_call_says_who_is_on_it(client: Client, row: Call, location: Any) -> None:
    ines = UserFactory(first_name="Ines", last_name="Park", locations=[location])
    hold_call(call_id=row.pk, by=ines, now=NOW)
    page = client.get(reverse("call", args=[row.pk]))
    assert page.status_code == 409
    assert "Ines Park is on this call" in page.content.decode()
    assert "tel:" not in page.content.decode()
    assert post(client, "call-log", row, outcome="booked").status_code == 409
    assert not CallTry.objects.exists()


def test_the_card_costs_few_queries(client: Client, row: Call) -> None:
    url = reverse("call", args=[row.pk])
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    reads = [one for one in captured.captured_queries if one["sql"].startswith("SELECT")]
    assert len(reads) <= 20


def test_an_outcome_saves_and_opens_the_next_call(client: Client, location: Any) -> None:
    row, following = row_for(location), row_for(location)
    answer = post(client, "call-log", row, outcome="voicemail", note="left word")
    assert answer.status_code == 302
    assert answer["Location"] == reverse("call", args=[following.pk])
    row.refresh_from_db()
    assert (row.outcome, row.note) == ("voicemail", "left word")


def test_by_htmx_the_next_card_comes_in_the_same_answer(client: Client, location: Any) -> None:
    row, following = row_for(location), row_for(location)
    answer = post(client, "call-log", row, outcome="booked", headers=HTMX)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert answer["HX-Push-Url"] == reverse("call", args=[following.pk])
    assert following.guest.name in page
    assert "<html" not in page
    assert "booked" in answer["HX-Trigger"]
    assert len(answer.content) < 15_000
    following.refresh_from_db()
    assert following.held_by is not None


def test_after_the_last_call_the_list_says_it_is_done(client: Client, row: Call) -> None:
    answer = post(client, "call-log", row, outcome="booked")
    assert answer["Location"] == reverse("calls")
    answer = post(client, "call-log", row, outcome="booked", headers=HTMX)  # a second press
    assert answer["HX-Redirect"] == reverse("calls")
    assert CallTry.objects.count() == 1


def test_a_call_back_takes_one_of_the_offered_times(client: Client, row: Call) -> None:
    page = client.get(reverse("call", args=[row.pk]))
    at = page.context["card"].times[2]
    post(client, "call-log", row, call_back_at=at.isoformat(), note="busy")
    row.refresh_from_db()
    assert (row.outcome, row.due_at) == ("call_back", at)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "Choose what came of the call"),
        ({"outcome": "nonsense"}, "valid choice"),
        ({"outcome": "call_back"}, "Say when to call back"),
        ({"call_back_at": "soon"}, "Choose one of the times"),
        ({"call_back_at": "2020-01-01T10:00:00+00:00"}, "next 60 days"),
    ],
)
def test_what_is_wrong_is_said_and_the_note_is_kept(
    client: Client, row: Call, data: dict[str, str], says: str
) -> None:
    answer = post(client, "call-log", row, note="typed with care", **data)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert says in page
    assert "typed with care" in page
    assert not CallTry.objects.exists()


def test_who_comes_second_gets_409_and_what_was_logged(
    client: Client, row: Call, location: Any
) -> None:
    ines = UserFactory(first_name="Ines", last_name="Park", locations=[location])
    log_call(call_id=row.pk, version=1, outcome="thinking", by=ines, now=NOW)
    answer = post(client, "call-log", row, outcome="booked")
    assert answer.status_code == 409
    assert "Ines Park logged “thinking” at 12:00" in answer.content.decode()


def test_undo_brings_the_row_back(client: Client, row: Call, desk: User) -> None:
    done = log_call(call_id=row.pk, version=1, outcome="booked", by=desk, now=NOW)
    answer = post(client, "call-undo", done)
    assert answer["Location"] == reverse("call", args=[row.pk])
    row.refresh_from_db()
    assert row.status == "todo"


def test_later_goes_on_to_the_next(client: Client, location: Any) -> None:
    row, following = row_for(location), row_for(location)
    answer = post(client, "call-later", row)
    assert answer["Location"] == reverse("call", args=[following.pk])
    row.refresh_from_db()
    assert (row.status, row.tries) == ("later", 0)


def test_the_next_call_is_a_due_call_back_then_the_first_free_row(
    client: Client, location: Any
) -> None:
    first, second, promised = row_for(location), row_for(location), row_for(location)
    promised_at = NOW - timedelta(minutes=5)
    Call.objects.filter(pk=promised.pk).update(status="later", due_at=promised_at)
    assert client.get(reverse("call-next"))["Location"].endswith(f"/{promised.pk}/")
    other = UserFactory(locations=[location])
    hold_call(call_id=promised.pk, by=other, now=NOW)
    assert client.get(reverse("call-next"))["Location"].endswith(f"/{first.pk}/")
    assert client.get(reverse("call-next"), {"after": first.pk})["Location"].endswith(
        f"/{second.pk}/"
    )


def test_outside_calling_hours_the_number_is_no_link(
    client: Client, row: Call, monkeypatch: Any
) -> None:
    monkeypatch.setattr("audit.clock.now", lambda: NOW - timedelta(hours=4))  # 8:00 there
    page = client.get(reverse("call", args=[row.pk])).content.decode()
    assert "tel:" not in page
    assert "from 09:00 their time" in page
    assert client.get(reverse("call-next"))["Location"] == reverse("calls")


def test_the_guests_own_clock_decides(client: Client, location: Any) -> None:
    guest = GuestFactory(location=location, time_zone="America/Los_Angeles")  # 9:00 there
    row = listed(shaky_booking(location, guest=guest).guest)
    assert "09:00 where they are" in client.get(reverse("call", args=[row.pk])).content.decode()


def test_a_foreign_call_is_not_there(row: Call, outsider: User) -> None:
    stranger = signed_in(outsider)
    assert stranger.get(reverse("call", args=[row.pk])).status_code == 404
    for name in ("call-log", "call-later", "call-undo", "call-release"):
        assert post(stranger, name, row, outcome="booked").status_code == 404
    assert row.guest.name not in stranger.get(reverse("calls")).content.decode()
    assert stranger.get(reverse("call-history", args=[row.guest_id])).status_code == 404
    answer = stranger.post(reverse("call-ask"), {"guest": row.guest_id})
    assert answer.status_code == 404


def test_the_sheet_for_paper_has_rows_boxes_and_foot(client: Client, row: Call, desk: User) -> None:
    url = reverse("calls") + "?print=1"
    page = client.get(url).content.decode()
    assert row.guest.name in page
    assert "shred today" in page
    assert f"printed by {desk.get_full_name()}" in page
    assert row.appointment is not None
    assert row.appointment.service.name not in page
    assert LedgerEntry.objects.filter(event="call_list.printed").count() == 1


def test_several_locations_are_not_printed_on_one_sheet(
    location: Any, elsewhere: Any, row: Call
) -> None:
    both = UserFactory(locations=[location, elsewhere])
    answer = signed_in(both).get(reverse("calls") + "?print=1")
    assert answer.status_code == 302


def test_paper_is_keyed_in_line_by_line(client: Client, row: Call, location: Any) -> None:
    on = row.on.isoformat()
    given = {"location": location.pk, "date": on, "line": "1 2 wants Friday"}
    answer = client.post(reverse("call-enter"), given)
    assert answer.status_code == 302
    page = client.get(answer["Location"]).content.decode()
    assert "thinking" in page
    assert "wants Friday" in page


def test_a_wrong_line_stays_in_its_field(client: Client, row: Call, location: Any) -> None:
    given = {"location": location.pk, "date": row.on.isoformat(), "line": "7 2"}
    answer = client.post(reverse("call-enter"), given, headers=HTMX)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Rows go from 1 to 1." in page
    assert 'value="7 2"' in page


def test_asking_for_a_call_from_another_page(client: Client, location: Any) -> None:
    guests = [GuestFactory(location=location) for _ in range(2)]
    back = "/members/?q=moss"
    answer = client.post(
        reverse("call-ask"), {"guest": [guest.pk for guest in guests], "next": back}
    )
    assert answer["Location"] == back
    assert Call.objects.filter(kind="asked").count() == 2


def test_asking_never_leads_to_another_site(client: Client, location: Any) -> None:
    guest = GuestFactory(location=location)
    answer = client.post(
        reverse("call-ask"), {"guest": guest.pk, "next": "https://elsewhere.example/"}
    )
    assert answer["Location"] == reverse("calls")


def test_asking_for_who_cannot_be_called_is_said(client: Client, location: Any) -> None:
    guest = GuestFactory(location=location, phone="")
    answer = client.post(reverse("call-ask"), {"guest": guest.pk}, headers=HTMX)
    assert "no phone number" in answer["HX-Trigger"]


def test_the_history_of_a_guest_is_a_fragment_and_a_page(
    client: Client, row: Call, desk: User
) -> None:
    log_call(call_id=row.pk, version=1, outcome="thinking", note="in May", by=desk, now=NOW)
    url = reverse("call-history", args=[row.guest_id])
    fragment, page = client.get(url, headers=HTMX), client.get(url)
    assert "<html" not in fragment.content.decode()
    assert "<html" in page.content.decode()
    for answer in (fragment, page):
        assert "in May" in answer.content.decode()


def test_the_rules_are_changed_by_who_may(regional: User, manager: User) -> None:
    values = {
        "rows_per_day": 40,
        "extra_rows": 5,
        "days_ahead": 3,
        "quiet_days": 14,
        "tries_per_day": 2,
        "again_after_minutes": 90,
    }
    url = reverse("settings-calls")
    assert signed_in(manager).post(url, values).status_code == 403
    assert signed_in(regional).post(url, values).status_code == 302
    assert CallRules.current().rows_per_day == 40
    assert LedgerEntry.objects.filter(event="call_rules.changed").count() == 1
    assert signed_in(regional).post(url, {**values, "again_after_minutes": 5}).status_code == 422


def test_an_asked_row_shows_who_asked(client: Client, location: Any, manager: User) -> None:
    member = shaky_member(location)
    row = ask_call(guest_id=member.guest_id, by=manager, now=NOW)
    page = client.get(reverse("call", args=[row.pk])).content.decode()
    assert f"Asked for by {manager.get_full_name()}" in page
