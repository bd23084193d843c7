"""The desk's morning in Chromium: ten calls by keyboard, a paper list keyed in, the bookings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cancellations.models import Call, CallTry
from cancellations.services import ask_call, build_call_list, log_call
from tests.factories.cancellations import row_for, shaky_booking, shaky_member
from tests.factories.memberships import NOW, GuestFactory, LocationFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: Any) -> None:
    monkeypatch.setattr("audit.clock.now", lambda: NOW)


@pytest.fixture
def rows(location: Any) -> list[Call]:
    for number in range(11):
        guest = GuestFactory(location=location, first_name=f"Guest{number:02d}")
        shaky_booking(location, guest=guest, price_cents=20_000 - number * 1_000)
    build_call_list(location_id=location.pk, on=location.today(NOW), now=NOW)
    return list(Call.objects.select_related("guest").order_by("row_no"))


def shown(page: Any, call: Call) -> None:
    page.locator("#who", has_text=call.guest.name).wait_for()


def outcomes() -> list[str]:
    return list(Call.objects.order_by("row_no").values_list("outcome", flat=True))


def test_ten_calls_are_ten_digits(sign_in: Any, desk: Any, rows: list[Call]) -> None:
    page = sign_in(desk)
    page.goto("/calls/")
    page.keyboard.press("Enter")  # "Call next" has the focus
    for number, digit in enumerate("1231123131"):
        shown(page, rows[number])
        page.keyboard.press(digit)
    shown(page, rows[10])
    given = {"1": "booked", "2": "thinking", "3": "voicemail"}
    assert outcomes() == [given[digit] for digit in "1231123131"] + [""]
    assert page.url.endswith(f"/calls/{rows[10].pk}/")
    assert page.evaluate("document.activeElement.id") == "who"
    page.locator("#announce", has_text="booked").wait_for(state="attached")


def test_a_call_back_takes_two_digits(sign_in: Any, desk: Any, rows: list[Call]) -> None:
    page = sign_in(desk)
    page.goto(f"/calls/{rows[0].pk}/")
    page.keyboard.press("5")
    page.wait_for_selector("#back[open]")
    page.keyboard.press("2")
    shown(page, rows[1])
    call = Call.objects.get(pk=rows[0].pk)
    assert (call.outcome, call.due_at) == ("call_back", NOW + timedelta(hours=5))  # 17:00 there


def test_while_typing_alt_and_the_digit_saves_the_note(
    sign_in: Any, desk: Any, rows: list[Call]
) -> None:
    page = sign_in(desk)
    page.goto(f"/calls/{rows[0].pk}/")
    page.keyboard.press("n")
    page.keyboard.type("call 7 pm next time")
    page.keyboard.press("Alt+Digit3")
    shown(page, rows[1])
    call = Call.objects.get(pk=rows[0].pk)
    assert (call.outcome, call.note) == ("voicemail", "call 7 pm next time")


def test_later_and_undo_have_keys(sign_in: Any, desk: Any, rows: list[Call]) -> None:
    page = sign_in(desk)
    page.goto(f"/calls/{rows[0].pk}/")
    page.keyboard.press("s")
    shown(page, rows[1])
    assert Call.objects.get(pk=rows[0].pk).status == "later"
    assert not CallTry.objects.exists()
    page.keyboard.press("1")
    shown(page, rows[2])
    page.keyboard.press("z")
    shown(page, rows[1])
    assert Call.objects.get(pk=rows[1].pk).status == "todo"


def test_two_quick_presses_log_one_call(sign_in: Any, desk: Any, rows: list[Call]) -> None:
    page = sign_in(desk)
    page.goto(f"/calls/{rows[0].pk}/")
    page.evaluate(
        "const b = document.querySelector('[name=outcome][value=booked]'); b.click(); b.click();"
    )
    shown(page, rows[1])
    assert CallTry.objects.count() == 1


def test_back_shows_the_call_as_it_is_now(sign_in: Any, desk: Any, rows: list[Call]) -> None:
    page = sign_in(desk)
    page.goto(f"/calls/{rows[0].pk}/")
    page.keyboard.press("1")
    shown(page, rows[1])
    page.go_back()
    shown(page, rows[0])
    assert "This row is done" in page.locator("#card").inner_text()


def test_without_script_the_same_work_is_done(sign_in: Any, desk: Any, rows: list[Call]) -> None:
    page = sign_in(desk, java_script_enabled=False)
    page.goto("/calls/")
    page.click("text=Call next")
    page.fill("#note", "left word")
    page.click("button[value=voicemail]")
    assert rows[1].guest.name in page.locator("#who").inner_text()
    page.click("noscript button >> nth=1")
    assert rows[2].guest.name in page.locator("#who").inner_text()
    assert outcomes()[:2] == ["voicemail", "call_back"]


def test_a_paper_list_is_keyed_in_without_the_mouse(
    sign_in: Any, desk: Any, rows: list[Call]
) -> None:
    page = sign_in(desk)
    page.goto("/calls/enter/")
    for line in ("1 3", "2 1 moved to Friday", "3 4"):
        page.keyboard.type(line)
        page.keyboard.press("Enter")
        page.locator("#content .timeline li", has_text=f"{line[0]} ·").wait_for()
    assert outcomes()[:3] == ["voicemail", "booked", "no_answer"]


def test_a_booking_goes_to_the_list_by_one_key(
    sign_in: Any, desk: Any, location: Any, rows: list[Call]
) -> None:
    booking = shaky_booking(location)
    page = sign_in(desk)
    page.goto("/bookings/")
    page.locator(f"#booking-{booking.pk} a").first.focus()
    page.keyboard.press("c")
    page.wait_for_selector(f"#ask-{booking.pk} a:has-text('on the list, row 12')")
    assert Call.objects.get(appointment=booking).kind == "asked"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_call_and_booking_pages_are_accessible(
    sign_in: Any,
    accessible: Any,
    desk: Any,
    manager: Any,
    regional: Any,
    location: Any,
    rows: list[Call],
    width: int,
    dark: bool,
) -> None:
    log_call(call_id=rows[0].pk, version=1, outcome="thinking", note="in May", by=desk, now=NOW)
    asked = ask_call(guest_id=shaky_member(location).guest_id, by=manager, now=NOW)
    for person, paths in (
        (
            desk,
            [
                "/calls/",
                "/calls/?show=done",
                "/calls/?show=later",
                "/calls/?print=1",
                "/calls/enter/",
                f"/calls/{asked.pk}/",
                f"/calls/of/{rows[0].guest_id}/",
                "/bookings/",
            ],
        ),
        (regional, ["/bookings/?band=all", "/bookings/?day=2027-01-01", "/overview/bookings/"]),
    ):
        page = sign_in(person, width=width, dark=dark)
        for path in paths:
            page.goto(path)
            accessible(page)


def test_an_empty_list_is_accessible(sign_in: Any, accessible: Any, desk: Any) -> None:
    page = sign_in(desk)
    page.goto("/calls/")
    accessible(page)
    assert "No list for this day" in page.locator("#content").inner_text()


def test_a_chip_of_another_place_is_named(sign_in: Any, regional: Any, location: Any) -> None:
    west = LocationFactory(name="West")
    regional.locations.add(west)
    row_for(location)
    row_for(west)
    page = sign_in(regional)
    page.goto("/calls/")
    assert "West" in page.locator("#list").inner_text()
