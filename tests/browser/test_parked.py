"""Answers nobody could read: found from the navigation, read by keyboard; wide and narrow, light
and dark, full and empty."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from audit import clock
from outreach.library.seed import seed_library
from outreach.models import Reply, Suppression
from platforms.models import InboxDelivery, OutboxItem
from tests.factories.memberships import GuestFactory
from tests.factories.outreach import make_message, parked_answer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def parked(location, desk):
    """Two answers given up, of guests one of whom has a message waiting; one still being tried."""
    now = clock.now()
    seed_library(by=None, now=now)
    message = make_message(location, now=now, first_name="María", last_name="Quintanilla-Núñez")
    ben = GuestFactory(location=location, first_name="Ben")
    eve = GuestFactory(location=location, first_name="Eve")
    parked_answer("Ya no me escriban", guest=message.guest, ref="P1", now=now)
    parked_answer("Hello?", guest=ben, ref="P2", now=now)
    trying = parked_answer("Hm", guest=eve, ref="P3", now=now)
    InboxDelivery.objects.filter(pk=trying.pk).update(
        status="received", leased_until=now + timedelta(minutes=5)
    )
    client = Client()
    client.force_login(desk)
    client.get("/replies/")  # templates are read before the clock runs
    client.get("/replies/parked/")
    return message


def test_found_and_read_by_keyboard(sign_in, desk, parked) -> None:
    page = sign_in(desk)
    page.goto("/replies/")
    page.get_by_role("link", name="See to them").click()
    page.get_by_role("heading", name="Could not be read").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.get_by_text("Ya no me escriban").wait_for()
    page.get_by_text("1 message waits until it is read.").wait_for()
    page.get_by_label("The guest wants no more messages").check()
    page.keyboard.press("Alt+s")
    page.get_by_text("It is among the replies now.").wait_for()
    assert Suppression.objects.get().address == parked.address
    page.goto("/replies/parked/")
    page.get_by_role("button", name="Try again").click()
    page.get_by_text("1 is being read again.").wait_for()
    assert Reply.objects.count() == 1


def test_accessible(sign_in, accessible, desk, manager, parked) -> None:
    page = sign_in(desk)
    page.goto("/replies/parked/")
    accessible(page, everywhere=True)
    page.goto(f"/replies/parked/{InboxDelivery.objects.get(delivery_id='P1').pk}/")
    accessible(page, everywhere=True)
    page = sign_in(manager)
    page.goto("/replies/")
    accessible(page)


def test_empty_is_accessible(sign_in, accessible, desk, location) -> None:
    page = sign_in(desk)
    page.goto("/replies/parked/")
    accessible(page)


def test_what_did_not_leave_is_accessible(sign_in, accessible, manager, parked) -> None:
    """Given up, uncertain and refused, with the buttons for each."""
    now = clock.now()
    for state, error in (
        ("dead", "Connection to the carrier failed: refused"),
        ("uncertain", "The carrier cannot say whether it was sent."),
        ("refused", "Error 21614: not a mobile number"),
    ):
        message = make_message(parked.location, now=now, first_name=state.title())
        OutboxItem.objects.filter(pk=message.outbox_id).update(state=state, error=error)
    page = sign_in(manager)
    page.goto("/outgoing/?view=trouble")
    page.get_by_text("This is no mobile number.").wait_for()
    accessible(page, everywhere=True)
    page.get_by_placeholder("How you know").fill("Ring me, she said")
    page.get_by_role("button", name="It was not").click()
    page.get_by_text("Settled.").wait_for()
    page.locator("form[action^='/outgoing/retry/'] button").click()
    page.get_by_text("1 is queued once more").wait_for()
    page.goto("/outgoing/?view=sending")
    accessible(page)
