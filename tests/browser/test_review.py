"""The review queue by keyboard: one key a draft, nothing lost when two decide at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from playwright.sync_api import expect

from audit import clock
from outreach import services
from outreach.library.seed import seed_library
from outreach.models import Draft, Message
from outreach.texts.fields import sms_size
from tests.factories.outreach import draft_members, make_draft, make_member, mirror_is_fresh

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NAMES = ["Ana", "Ben", "Carla", "Dev", "Elif", "Finn", "Gia", "Hugo"]


@pytest.fixture
def drafts(location: Any, manager: Any) -> list[Draft]:
    """Eight drafts with library text, and a server that has made the page before."""
    seed_library(by=None, now=clock.now())
    mirror_is_fresh(location, clock.now())
    members = [make_member(location, first_name=name) for name in NAMES]
    draft_members(*members, now=clock.now())
    client = Client()
    client.force_login(manager)
    client.get("/review/")
    return list(Draft.objects.order_by("pk"))


def statuses() -> list[str]:
    return list(Draft.objects.order_by("pk").values_list("status", flat=True))


def settled(page: Any) -> None:
    page.locator("body:not(.busy)").wait_for()


def test_eight_drafts_are_eight_keystrokes(sign_in, manager, drafts) -> None:
    page = sign_in(manager)
    page.goto("/review/")
    for name in NAMES:
        page.get_by_role("heading", name=name).wait_for()
        page.keyboard.press("a")
    page.get_by_text("That was the last one here.").wait_for()
    settled(page)
    assert statuses() == ["approved"] * 8
    assert Message.objects.count() == 8
    assert page.locator("#announce").text_content() in ("Approved. 0 left", "")


def test_every_decision_by_its_key(sign_in, manager, drafts) -> None:
    page = sign_in(manager)
    page.goto("/review/")
    page.keyboard.press("r")
    page.keyboard.press("3")
    page.get_by_role("heading", name="Ben").wait_for()
    page.keyboard.press("s")
    page.keyboard.press("1")
    page.get_by_role("heading", name="Carla").wait_for()
    settled(page)
    page.keyboard.press("n")
    page.get_by_role("heading", name="Dev").wait_for()
    page.keyboard.press("a")
    page.get_by_role("heading", name="Elif").wait_for()
    settled(page)
    ana, ben, carla, dev, *_ = Draft.objects.order_by("pk")
    assert (ana.status, ana.rejection) == ("rejected", "words")
    assert ben.snoozed_until is not None
    assert carla.status == "pending"
    assert dev.status == "approved"
    page.keyboard.press("z")
    page.get_by_text("Taken back.").wait_for()
    dev.refresh_from_db()
    assert dev.status == "pending"


def test_an_edit_comes_back_checked_and_waits_for_other_eyes(sign_in, manager, drafts) -> None:
    page = sign_in(manager)
    page.goto("/review/")
    page.keyboard.press("e")
    field = page.locator("article:not([hidden]) textarea")
    field.fill(drafts[0].body.replace("it's", "it is") + " Plus a free massage.")
    page.locator("article:not([hidden])").get_by_role("button", name="Save").click()
    page.get_by_text("promises something that is not in the offer").wait_for()
    page.get_by_text("You changed this text, so someone else must approve it.").wait_for()
    page.keyboard.press("a")
    page.keyboard.press("Shift+A")
    page.wait_for_timeout(300)
    assert statuses() == ["pending"] * 8


def test_who_comes_second_hears_who_was_quicker(sign_in, manager, approver, drafts) -> None:
    page = sign_in(manager)
    page.goto("/review/")
    services.approve_draft(draft_id=drafts[0].pk, version=1, by=approver, now=clock.now())
    page.keyboard.press("r")
    page.keyboard.press("1")
    page.get_by_text(f"{approver.get_full_name()} approved this at").first.wait_for()
    assert statuses()[0] == "approved"
    page.problems.clear()


def test_without_script_every_decision_works(sign_in, manager, drafts) -> None:
    page = sign_in(manager, java_script_enabled=False)
    page.goto("/review/")
    page.locator("article").first.get_by_role("button", name="Approve").click()
    page.get_by_text("Approved.").wait_for()
    page.get_by_role("link", name="Ben").first.click()
    page.locator("article").first.get_by_text("Reject", exact=False).first.click()
    page.get_by_role("button", name="Wrong offer").first.click()
    page.get_by_text("Rejected.").wait_for()
    assert statuses()[:2] == ["approved", "rejected"]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    "where",
    ["/review/", "/review/?view=snoozed", "/outgoing/", "/replies/", "/settings/offers/",
     "/settings/offers/add/", "/settings/templates/", "/settings/policy/"],
)  # fmt: skip
def test_pages_are_accessible(
    sign_in, accessible, regional, manager, location, drafts, where, width, dark
) -> None:
    services.approve_draft(draft_id=drafts[7].pk, version=1, by=manager, now=clock.now())
    services.edit_draft(
        draft_id=drafts[1].pk, version=1, subject="", by=manager, now=clock.now(),
        body=drafts[1].body.replace("we miss you", "we miss you, it cures pain"),
    )  # fmt: skip
    page = sign_in(regional, width=width, dark=dark)
    page.goto(where)
    accessible(page)


@pytest.mark.parametrize("where", ["template", "draft", "sheet", "resume"])
def test_pages_of_one_thing_are_accessible(
    sign_in, accessible, regional, manager, location, drafts, where
) -> None:
    switch = services.stop_sending(
        scope="all", key="", reason="Fire alarm", by=manager, now=clock.now()
    )
    address = {
        "template": f"/settings/templates/{drafts[0].template_id}/",
        "draft": f"/review/{drafts[0].pk}/",
        "sheet": f"/review/together/?draft={drafts[0].pk}&draft={drafts[1].pk}",
        "resume": f"/sending/{switch.pk}/resume/",
    }[where]
    page = sign_in(regional)
    page.goto(address)
    accessible(page)


def test_drafts_elsewhere_are_not_on_the_page(sign_in, outsider, location, elsewhere) -> None:
    seed_library(by=None, now=clock.now())
    make_draft(location, now=clock.now(), first_name="Zelda")
    page = sign_in(outsider)
    page.goto("/review/")
    page.get_by_text("Queue clear").wait_for()
    assert page.get_by_text("Zelda").count() == 0


def test_the_phone_follows_what_is_typed(sign_in, manager, drafts, accessible) -> None:
    page = sign_in(manager)
    page.goto("/review/")
    page.keyboard.press("e")
    field = page.get_by_role("textbox", name="Text").first
    field.fill("Hi Ana, it is us. Reply STOP to opt out.")
    phone, size = page.locator(".phone .bubble").first, page.locator(".sms-size").first
    assert phone.text_content() == "Hi Ana, it is us. Reply STOP to opt out."
    assert size.inner_text() == "40 characters · 1 SMS part"
    for text in ["é" * 161, "Ana 💆 " + "a" * 70, "{" * 80 + "x", "“quoted” " * 9]:
        field.fill(text)
        counted = sms_size(text.strip())
        told = size.inner_text()
        assert told.startswith(f"{counted.characters} characters")
        assert f"{counted.parts} SMS part" in told
        assert (f"Unicode because of {counted.culprits}" in told) == counted.is_unicode
    accessible(page, everywhere=True)


def test_a_note_typed_before_the_sign_in_ended_is_sent_after_it(
    sign_in, accessible, manager, drafts
) -> None:
    manager.set_password("a long enough password")
    manager.save()
    page = sign_in(manager)
    page.goto(f"/review/?draft={drafts[0].pk}")
    page.keyboard.press("r")
    note = "She moved to Lyon; ask again in spring."
    page.locator(f"#note-{drafts[0].pk}").fill(note)
    Session.objects.all().delete()
    page.locator(f"#draft-{drafts[0].pk} button", has_text="Wrong person").click()
    page.wait_for_url("**/sign-in/**")
    page.fill("#id_username", manager.username)
    page.fill("#id_password", "a long enough password")
    page.keyboard.press("Enter")
    page.wait_for_url("**/kept/")
    assert note in page.locator("main").inner_text()
    accessible(page, everywhere=True)
    page.locator("button", has_text="Send it now").click()
    page.wait_for_url("**/review/**")
    drafts[0].refresh_from_db()
    assert (drafts[0].status, drafts[0].rejection_note) == ("rejected", note)
    page.problems[:] = [text for text in page.problems if "401" not in text]


def test_what_opens_moves_no_button_and_a_shut_button_says_why(
    sign_in, accessible, manager, drafts
) -> None:
    Draft.objects.filter(pk=drafts[0].pk).update(body=drafts[0].body + " https://evil.example")
    page = sign_in(manager)
    page.goto(f"/review/{drafts[0].pk}/")
    buttons = page.locator(".decide .btn:visible")
    before = [button.bounding_box() for button in buttons.all()][:4]
    page.keyboard.press("e")
    after = [button.bounding_box() for button in page.locator(".decide > * > .btn").all()][:4]
    assert [(box["x"], box["width"]) for box in before] == [
        (box["x"], box["width"]) for box in after
    ]
    accessible(page, everywhere=True)
    page.keyboard.press("Escape")
    page.locator("article h2").focus()
    page.keyboard.press("Shift+A")
    expect(page.locator("#announce")).to_contain_text("Cannot be approved as it is")
