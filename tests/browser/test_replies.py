"""The inbox by keyboard and by thumb: read, answer, undo, next; two people at once; without script;
wide and narrow, light and dark, full and empty."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from audit import clock
from outreach import services
from outreach.library.seed import seed_library
from outreach.models import Message, Reply, Thread
from outreach.replies import receipts
from tests.factories.memberships import AppointmentFactory, GuestFactory, MembershipFactory
from tests.factories.outreach import make_message, take_answer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SAID = [
    ("Ana", "What times do you have on Saturday?"),
    ("Ben", "Please end my membership."),
    ("Carla", "¿Está incluido en mi membresía?"),
    ("Dev", "Yes please!"),
    ("Elif", "I was really disappointed last time, nobody greeted me and the room was cold"),
    ("Finn", "No thanks"),
    ("Gia", "I want out, cancel"),
]


@pytest.fixture
def inbox(location: Any, manager: Any) -> list[Thread]:
    """Seven guests who wrote, and one whom a message did not reach."""
    location.phone = "+12125550100"
    location.save()
    seed_library(by=None, now=clock.now())
    threads = []
    for number, (name, text) in enumerate(SAID):
        guest = GuestFactory(location=location, first_name=name)
        MembershipFactory(guest=guest, location=location)
        AppointmentFactory(
            guest=guest, location=location, status="booked",
            starts_at=clock.now() + timedelta(days=3),
        )  # fmt: skip
        at = clock.now() - timedelta(minutes=60 - number)
        threads.append(take_answer(text, guest=guest, ref=f"B{number}", now=at).thread)
    message = make_message(location, now=clock.now(), first_name="Hugo")
    with transaction.atomic():
        receipts.note_delivery(message, "undelivered", now=clock.now(), error="30005")
    client = Client()
    client.force_login(manager)
    client.get("/replies/")  # templates are read before the clock runs
    return threads


def waiting() -> int:
    return Thread.objects.filter(waiting_since__isnull=False).count()


def test_read_answer_undo_next_by_keys(sign_in, manager, inbox) -> None:
    before = waiting()
    page = sign_in(manager)
    page.goto("/replies/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Ana").wait_for()
    assert Reply.objects.get(carrier_ref="B0").read_by == manager
    assert "you are booked for" in page.locator("#body").input_value()
    page.keyboard.press("s")
    page.get_by_text("Your answer leaves in half a minute.").wait_for()
    assert waiting() == before - 1
    page.keyboard.press("z")
    page.get_by_text("Taken back. The guest still waits.").wait_for()
    assert waiting() == before
    page.keyboard.press("d")
    page.get_by_text("Dealt with.").wait_for()
    # The most pressing one comes by itself.
    page.get_by_role("heading", name="Ben").wait_for()
    page.get_by_text("handle today").first.wait_for()
    page.keyboard.press("Escape")
    page.wait_for_url("**/replies/**")
    assert Message.objects.filter(purpose="answer").count() == 1


def test_what_one_types_is_counted_and_objected_to_at_once(sign_in, manager, inbox) -> None:
    page = sign_in(manager)
    page.goto(f"/replies/{inbox[0].pk}/")
    page.keyboard.press("r")
    page.locator("#body").fill("Come on Saturday 🙂, the mask is free")
    page.get_by_text("promises something").wait_for()
    page.get_by_text("Unicode because of").wait_for()
    page.keyboard.press("Alt+s")
    page.get_by_text("Not sent").wait_for()
    assert page.locator("#body").input_value().startswith("Come on Saturday")
    page.problems.clear()  # the browser notes the 422


def test_two_people_at_once(sign_in, manager, approver, inbox) -> None:
    dana = sign_in(manager)
    dana.goto(f"/replies/{inbox[0].pk}/")
    other = sign_in(approver)
    other.goto("/replies/")
    other.get_by_text(f"{manager.get_full_name()} is answering").wait_for()
    other.get_by_role("link", name="Ana").click()
    other.get_by_text("Take another one meanwhile.").wait_for()
    assert other.locator("#body").count() == 0
    other.keyboard.press("n")
    other.get_by_role("heading", name="Ben").wait_for()


def test_somebody_was_quicker(sign_in, manager, approver, inbox) -> None:
    page = sign_in(approver)
    page.goto(f"/replies/{inbox[0].pk}/")
    services.release_thread(thread_id=inbox[0].pk, by=approver)
    thread = Thread.objects.get(pk=inbox[0].pk)
    services.send_answer(
        thread_id=thread.pk, version=thread.version, body="Gladly", by=manager, now=clock.now()
    )
    page.locator("#body").fill("Yes, come")
    page.locator("form.answer").get_by_role("button", name="Send").click()
    page.get_by_text(f"{manager.get_full_name()} dealt with this at").wait_for()
    assert page.locator("#body").input_value() == "Yes, come"
    assert Message.objects.filter(purpose="answer").count() == 1
    page.problems.clear()  # the browser notes the 409


def test_the_desk_sends_a_library_text_without_script(sign_in, desk, inbox) -> None:
    page = sign_in(desk, java_script_enabled=False)
    page.goto("/replies/")
    page.get_by_role("link", name="Carla").click()
    assert page.locator("#body").get_attribute("readonly") is not None
    page.locator("summary", has_text="Answers of the library").click()
    page.get_by_role("link", name="You are welcome").click()
    page.locator("form.answer").get_by_role("button", name="Send").click()
    page.get_by_text("Your answer leaves in half a minute.").wait_for()
    message = Message.objects.get(purpose="answer")
    assert message.body.startswith("Con mucho gusto, Carla")
    assert message.approved_by == desk


def test_news_are_offered_and_nothing_moves_by_itself(sign_in, manager, inbox) -> None:
    page = sign_in(manager)
    page.goto("/replies/")
    names = page.locator("#list .name").all_inner_texts()
    take_answer("Hello there?", guest=inbox[5].guest, ref="late", now=clock.now())
    page.evaluate("htmx.trigger(document.querySelector('#news'), 'poll')")
    page.get_by_role("link", name="1 new, show").wait_for()
    assert page.locator("#list .name").all_inner_texts() == names
    page.get_by_role("link", name="1 new, show").click()
    page.get_by_role("link", name="Finn").wait_for()


def test_narrow_it_is_the_list_or_the_conversation(sign_in, desk, inbox) -> None:
    page = sign_in(desk, width=390)
    page.goto("/replies/")
    page.get_by_role("link", name="Ana").click()
    page.get_by_role("heading", name="Ana").wait_for()
    assert not page.locator("#list").is_visible()
    page.get_by_role("link", name="All replies").click()
    page.get_by_role("link", name="Ana").wait_for()


@pytest.mark.parametrize("role", ["desk", "manager"])
@pytest.mark.parametrize("which", ["list", "question", "cancel", "silent", "undelivered", "sent"])
def test_accessible_wide_and_narrow(
    sign_in, accessible, request, manager, inbox, role, which
) -> None:
    by_name = {"question": inbox[0], "cancel": inbox[1], "silent": inbox[6]}
    if which == "sent":
        thread = Thread.objects.get(pk=inbox[0].pk)
        services.send_answer(
            thread_id=thread.pk, version=thread.version, body="Saturday at 3 works, Ana",
            by=manager, now=clock.now(),
        )  # fmt: skip
        by_name["sent"] = inbox[0]
    hugo = Thread.objects.get(trouble="undelivered")
    address = {
        "list": "/replies/",
        "undelivered": f"/replies/{hugo.pk}/?view=undelivered",
    }.get(which) or f"/replies/{by_name[which].pk}/"
    page = sign_in(request.getfixturevalue(role))
    page.goto(address)
    accessible(page, everywhere=which in ("list", "question"))


@pytest.mark.parametrize("view", ["unread", "unanswered", "undelivered", "all", "all&q=nobody"])
def test_empty_pages_are_accessible(sign_in, accessible, desk, location, view) -> None:
    page = sign_in(desk)
    page.goto(f"/replies/?view={view}")
    accessible(page)
