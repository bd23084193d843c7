"""Keys, focus, notices and access of the base page, on a page with every component."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from django.conf import settings as plain_settings
from playwright.sync_api import expect

from tests.browser import sample

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def sample_pages(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.browser.sample"
    templates = [dict(engine) for engine in plain_settings.TEMPLATES]
    folder = pathlib.Path(__file__).parent / "templates"
    templates[0]["DIRS"] = [*templates[0]["DIRS"], folder]
    settings.TEMPLATES = templates
    sample.pressed.clear()


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def test_every_component_is_accessible(sign_in, accessible, manager) -> None:
    page = sign_in(manager)
    page.goto("/sample/")
    accessible(page, everywhere=True)


def test_j_and_k_move_enter_opens_and_x_ticks(sign_in, manager) -> None:
    page = sign_in(manager)
    page.goto("/sample/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert focused(page) == "Ben Okafor"
    page.keyboard.press("x")
    assert page.locator("#row-1 input").is_checked()
    page.keyboard.press("k")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "Ben Okafor"
    page.keyboard.press("Enter")
    page.wait_for_url("**/sample/?open=1")


def test_a_key_of_a_row_acts_on_the_row_with_the_focus(sign_in, manager) -> None:
    page = sign_in(manager)
    page.goto("/sample/")
    page.evaluate(
        "document.addEventListener('click', (e) => window.last = e.target.dataset.pressed)"
    )
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("c")
    assert page.evaluate("window.last") == "Ben Okafor"


def test_arrows_move_between_cells_of_a_grid(sign_in, manager) -> None:
    page = sign_in(manager)
    page.goto("/sample/")
    page.locator("[data-grid] a").first.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    assert focused(page) == "70% so far"  # the cell without people is passed over


def test_shift_tells_two_keys_apart_and_the_answer_gets_the_focus(sign_in, manager) -> None:
    page = sign_in(manager)
    page.goto("/sample/")
    page.keyboard.press("a")
    page.wait_for_selector("#said")
    assert focused(page) == "Done: approve"
    expect(page.locator("#announce")).to_have_text("Approved. 41 left")
    page.keyboard.press("Shift+A")
    page.wait_for_selector("text=Done: care")
    assert sample.pressed == ["approve", "care"]


def test_letters_are_letters_in_a_text_field_and_keys_with_alt(sign_in, manager) -> None:
    page = sign_in(manager)
    page.goto("/sample/")
    page.locator("#note").focus()
    page.keyboard.type("a jar/ ?")
    assert page.locator("#note").input_value() == "a jar/ ?"
    assert sample.pressed == []
    page.keyboard.press("Alt+a")
    page.wait_for_selector("text=Done: approve")


def test_single_keys_can_be_switched_off(sign_in, manager) -> None:
    manager.single_keys = False
    manager.save()
    page = sign_in(manager)
    page.goto("/sample/")
    page.keyboard.press("a")
    page.keyboard.press("Alt+r")
    page.wait_for_selector("text=Dana was first")
    assert sample.pressed == ["taken"]
    page.problems[:] = [text for text in page.problems if "409" not in text]


def test_an_error_is_shown_kept_and_can_be_tried_again(sign_in, manager) -> None:
    page = sign_in(manager)
    page.goto("/sample/")
    page.locator("#broken").click()
    page.locator("#alert >> text=That did not work").wait_for()
    page.locator("#alert button", has_text="Try again").click()
    page.locator("#alert >> text=That did not work").wait_for()
    assert sample.pressed == ["broken", "broken"]
    page.locator("#alert button", has_text="Dismiss").click()
    assert page.locator("#alert > *").count() == 0
    page.problems[:] = [text for text in page.problems if "500" not in text]


def test_two_presses_send_once(sign_in, manager) -> None:
    page = sign_in(manager)
    page.goto("/sample/")
    page.evaluate("for (const n of [1, 2, 3]) document.querySelector('#plain').click()")
    page.wait_for_selector("text=Done: plain")
    page.wait_for_timeout(200)
    assert sample.pressed == ["plain"]
    page.locator("#plain").click()
    expect(page.locator("#announce")).not_to_be_empty()
    page.wait_for_timeout(200)
    assert sample.pressed == ["plain", "plain"]


def test_g_and_a_letter_go_to_a_page_and_slash_searches(sign_in, manager) -> None:
    page = sign_in(manager)
    page.goto("/sample/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_url("**/activity/")


def test_the_key_list_names_the_keys_of_the_page(sign_in, accessible, manager) -> None:
    page = sign_in(manager)
    page.goto("/sample/")
    page.keyboard.press("?")
    keys = page.locator("#keys-here")
    assert "Approve with care" in keys.inner_text()
    assert "SHIFT+A" in keys.inner_text().upper()
    accessible(page)
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_a_click_anywhere_on_a_row_opens_it(sign_in, manager) -> None:
    page = sign_in(manager)
    page.goto("/sample/")
    page.locator("#row-3 .why").click()
    page.wait_for_url("**/sample/?open=3")


def test_on_a_phone_the_menu_opens_without_script(sign_in, accessible, manager) -> None:
    page = sign_in(manager, width=390, java_script_enabled=False)
    page.goto("/sample/")
    assert not page.locator("#nav").is_visible()
    page.locator(".menu-button").click()
    page.locator("#nav a", has_text="Activity").click()
    page.wait_for_url("**/activity/")
