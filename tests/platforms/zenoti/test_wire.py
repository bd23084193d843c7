"""What the wire says and what it means: the traps of docs/platforms.md, one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
import responses

from platforms.zenoti import wire as zenoti
from platforms.zenoti.adapter import Gone, Incomplete, Zenoti, windows
from platforms.zenoti.client import Unavailable
from tests.memberships import wire

NEW_YORK = ZoneInfo("America/New_York")


def read_appointment(**given):
    good, bad = zenoti.read_rows(
        zenoti.AppointmentRow, [wire.appointment(**given)], lambda row: row.record(NEW_YORK), "c"
    )
    return good[0] if good else bad[0].reason


def test_local_times_have_no_offset_and_their_utc_twin_counts():
    record = read_appointment()
    assert record.starts_at == datetime(2026, 11, 23, 15, tzinfo=UTC)
    assert record.booked_at == datetime(2026, 11, 1, 14, tzinfo=UTC)


def test_without_the_twin_the_location_zone_decides():
    record = read_appointment(start_time_utc=None, end_time_utc="0001-01-01T00:00:00")
    assert record.starts_at == datetime(2026, 11, 23, 15, tzinfo=UTC)
    assert record.ends_at == datetime(2026, 11, 23, 16, tzinfo=UTC)


def test_the_local_date_is_the_location_s():
    record = read_appointment(
        start_time_utc="2026-11-24T02:00:00", end_time_utc="2026-11-24T03:00:00"
    )
    assert record.starts_on == date(2026, 11, 23)


def test_empty_values_are_empty():
    record = read_appointment(
        appointment_group_id=wire.ZERO,
        creation_date="0001-01-01T00:00:00",
        creation_date_utc="0001-01-01T00:00:00",
        therapist={"id": wire.ZERO, "first_name": ""},
    )
    assert (record.group, record.booked_at, record.therapist) == ("", None, None)


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (-2, "no_show"),
        (-1, "cancelled"),
        (0, "booked"),
        (1, "completed"),
        (2, "checked_in"),
        (4, "confirmed"),
        (21, "voided"),
    ],
)
def test_appointment_statuses(number, status):
    assert read_appointment(status=number).status == status


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"status": 77}, "unknown appointment status 77"),
        ({"start_time": None, "start_time_utc": None}, "no start time"),
        ({"end_time_utc": "2026-11-23T14:00:00"}, "ends before it starts"),
        ({"start_time_utc": "2026-13-45T00:00:00"}, "start_time_utc"),
        ({"start_time_utc": "9026-01-01T00:00:00"}, "cannot be true"),
        ({"appointment_id": None}, "an id is missing"),
        ({"price": {"final": "NaN"}}, "price"),
        ({"guest": {"first_name": "Ada"}}, "guest.id"),
    ],
)
def test_poison_is_named(given, reason):
    assert reason in read_appointment(**given)


def test_one_bad_row_does_not_take_the_page_with_it():
    rows = [wire.appointment("a1"), wire.appointment("a2", status="?"), wire.appointment("a3"), 7]
    good, bad = zenoti.read_rows(
        zenoti.AppointmentRow, rows, lambda row: row.record(NEW_YORK), "center"
    )
    assert [record.external_id for record in good] == ["a1", "a3"]
    assert [poison.external_id for poison in bad] == ["a2", ""]
    assert bad[0].location_external_id == "center"


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("Active", "active"),
        ("NotStarted", "not_started"),
        ("Not Started", "not_started"),
        ("Canceled", "cancelled"),
        (1, "active"),
        ("12", "failed"),
        (-1, "unknown"),
        (None, "unknown"),
    ],
)
def test_membership_statuses_are_words_in_one_list_and_numbers_in_the_other(value, status):
    assert zenoti.membership_status(value) == status


@pytest.mark.parametrize("value", ["Sleeping", 99])
def test_a_status_nobody_heard_of_is_poison(value):
    with pytest.raises(ValueError, match="unknown membership status"):
        zenoti.membership_status(value)


def test_details_of_a_membership():
    row = zenoti.GuestMembershipRow.model_validate(wire.membership())
    detail = row.record("g1")
    assert (detail.status, detail.next_charge_cents) == ("active", 8_900)
    assert detail.card_expires_on == date(2027, 2, 28)
    assert detail.cancelled_on is None
    assert (detail.benefits[0].balance, detail.credit_balance_cents) == (2, 12_000)
    assert detail.price_cents == 8_900


def test_guest_keeps_what_the_platform_does_not_say():
    row = zenoti.GuestRow.model_validate(wire.guest(preferences=None, tags=None))
    record = row.record(NEW_YORK)
    assert (record.sms_marketing, record.tags) == (None, None)
    assert (record.phone, record.phone_as_given) == ("+12125550101", "+1 2125550101")
    assert record.registered_at == datetime(2025, 2, 3, 15, 11, 12, tzinfo=UTC)


def test_a_phone_that_cannot_be_one_is_kept_as_given_only():
    info = wire.guest()["personal_info"] | {"mobile_phone": {"phone_code": 1, "number": "call me"}}
    record = zenoti.GuestRow.model_validate(wire.guest(personal_info=info)).record(NEW_YORK)
    assert (record.phone, record.phone_as_given) == ("", "+1 call me")


def test_money_that_did_not_come_is_a_failed_charge():
    row = {"payment_date": "2026-11-03", "invoice_id": "i1", "guest_id": "g1"}
    states = [
        zenoti.CollectionRow.model_validate(row | money).record().status
        for money in (
            {"amount_paid": 89, "due": 0},
            {"amount_paid": 0, "due": 89},
            {"amount_paid": -89, "due": 0},
            {"amount_paid": 40, "due": 49},
        )
    ]
    assert states == ["paid", "failed", "refunded", "open"]


def test_each_attempt_is_a_charge_of_its_own():
    row = {"invoice_id": "i1", "guest_id": "g1", "amount_paid": 0, "due": 89}
    ids = {
        zenoti.CollectionRow.model_validate(row | {"payment_date": day}).record().external_id
        for day in ("2026-11-03", "2026-11-06")
    }
    assert len(ids) == 2


def test_rates_on_any_scale_become_0_to_5():
    row = {"id": "r", "guest_id": "g", "rating": 8, "scale": 10, "created_date": "2026-11-03"}
    assert zenoti.FeedbackRow.model_validate(row).record(NEW_YORK).rating == 4


def test_windows_are_a_week_newest_first_with_the_end_excluded():
    spans = windows(date(2026, 11, 1), date(2026, 11, 10))
    assert spans == [
        (date(2026, 11, 4), date(2026, 11, 11)),
        (date(2026, 11, 1), date(2026, 11, 4)),
    ]


# --- Whole or not ---------------------------------------------------------------------------------
@pytest.fixture
def platform(db, monkeypatch):
    monkeypatch.setattr("platforms.zenoti.client.time.sleep", lambda seconds: None)
    return Zenoti(clock=lambda: datetime(2026, 11, 20, tzinfo=UTC))


def roster(first, count, total, page):
    rows = [wire.guest(f"g{number}") for number in range(first, first + count)]
    return {"guests": rows, "page_Info": wire.info(total, page)}


@responses.activate
def test_every_page_is_read_under_either_spelling(platform):
    wire.answer("GET", "/v1/guests", roster(0, 100, 150, 1))
    wire.answer("GET", "/v1/guests", roster(100, 50, 150, 2))
    pages = list(platform.guests("c", NEW_YORK))
    assert [len(page.records) for page in pages] == [100, 50]
    assert pages[0].of == 2


@responses.activate
def test_a_page_cut_short_makes_the_run_incomplete(platform):
    wire.answer("GET", "/v1/guests", roster(0, 100, 150, 1))
    wire.answer("GET", "/v1/guests", roster(100, 30, 150, 2))
    with pytest.raises(Incomplete, match="130 different rows"):
        list(platform.guests("c", NEW_YORK))


@responses.activate
def test_a_repeated_page_is_asked_for_again(platform):
    wire.answer("GET", "/v1/guests", roster(0, 100, 150, 1))
    wire.answer("GET", "/v1/guests", roster(0, 100, 150, 1))
    wire.answer("GET", "/v1/guests", roster(100, 50, 150, 2))
    pages = list(platform.guests("c", NEW_YORK))
    assert sum(len(page.records) for page in pages) == 150


@responses.activate
def test_a_repeated_page_that_lies_about_its_number_is_noticed(platform):
    wire.answer("GET", "/v1/guests", roster(0, 100, 150, 1))
    wire.answer("GET", "/v1/guests", roster(0, 50, 150, 2))
    with pytest.raises(Incomplete):
        list(platform.guests("c", NEW_YORK))


@responses.activate
def test_the_list_is_found_under_another_name(platform):
    wire.answer(
        "GET", "/v1/centers/c/members", {"rows": [wire.member()], "page_info": wire.info(1)}
    )
    (page,) = platform.members("c")
    assert page.records[0].status == "active"


@responses.activate
def test_a_body_without_any_list_is_no_answer(platform):
    wire.answer("GET", "/v1/guests", {"error": None})
    with pytest.raises(Unavailable):
        list(platform.guests("c", NEW_YORK))


@responses.activate
def test_breaks_in_the_book_are_left_out(platform):
    rows = [wire.appointment(), wire.blockout(), wire.appointment("free", status=20)]
    wire.answer("GET", "/v1/appointments", rows)
    (page,) = platform.appointments("c", NEW_YORK, [(date(2026, 11, 20), date(2026, 11, 27))])
    assert [record.external_id for record in page.records] == ["a1"]
    assert not page.poisons
    sent = responses.calls[0].request.params
    assert sent["include_no_show_cancel"] == "true"


@responses.activate
def test_a_report_falls_back_to_small_pages(platform):
    path = "/v1/reports/collections/flat_file"
    wire.answer("POST", path, {"code": 422, "message": "size"}, status=422)
    wire.answer("POST", path, {"collections": [], "page_info": wire.info(0)})
    list(platform.charges("c", date(2026, 11, 1), date(2026, 11, 20)))
    assert [call.request.params["size"] for call in responses.calls] == ["1000", "100"]


@responses.activate
def test_what_the_platform_does_not_know_is_gone(platform):
    wire.answer("GET", "/v1/appointments/a1", {"error": {"code": 404, "message": "no"}}, status=404)
    wire.answer("GET", "/v1/appointments/a2", [])
    found = list(platform.appointments_by_id(["a1", "a2"], [("c", NEW_YORK)] * 2))
    assert found == [Gone("a1"), Gone("a2")]


@responses.activate
def test_memberships_are_asked_with_the_centre_and_ended_ones_too(platform):
    wire.answer("GET", "/v1/guests/g1/memberships", {"guest_memberships": [wire.membership()]})
    list(platform.memberships_of([("g1", "c")]))
    sent = responses.calls[0].request.params
    assert (sent["center_id"], sent["is_active"]) == ("c", "-1")
