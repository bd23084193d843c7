"""Sign-in, settings, people and activity as people meet them."""

from __future__ import annotations

import gzip
from datetime import datetime

import pytest
from django.db import transaction
from django.urls import reverse

from audit import services
from audit.services import Entry
from retention.services import refresh_location
from staff import events
from tests.factories.memberships import GuestFactory, MembershipFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "a long enough password"


def packed(body: bytes) -> int:
    return len(gzip.compress(body, 6))


def fill_ledger(now: datetime, location, people) -> None:
    guests = GuestFactory.create_batch(3, location=location)
    entries = [
        Entry(
            event=events.CHANGED,
            at=now,
            by=people[n % len(people)],
            location_id=location.pk,
            guest_id=guests[n % 3].pk,
            target=people[-1],
            detail={"changes": {"role": ["desk", "manager"]}},
        )
        for n in range(60)
    ]
    with transaction.atomic():
        services.record_many(entries)


@pytest.mark.parametrize(
    "name",
    [
        "settings",
        "settings-people",
        "settings-person-add",
        "settings-person",
        "preferences",
        "activity",
        "second-factor-set-up",
    ],
)
def test_pages_are_accessible(
    sign_in, accessible, admin, manager, location, elsewhere, now, name
) -> None:
    fill_ledger(now, location, [admin, manager])
    page = sign_in(admin)
    page.goto(reverse(name, args=[manager.pk] if name == "settings-person" else []))
    accessible(page, everywhere=True)


def test_on_a_phone_the_buttons_for_the_ticked_wait_until_something_is_ticked(
    sign_in, accessible, manager, location, now
) -> None:
    MembershipFactory(guest=GuestFactory(location=location))
    refresh_location(location_id=location.pk, now=now)
    page = sign_in(manager, width=390)
    page.goto(reverse("members"))

    def place() -> str:
        return str(page.locator("#bar").evaluate("bar => getComputedStyle(bar).position"))

    assert place() == "static"
    page.locator(".tick input").first.check()
    assert place() == "sticky"
    accessible(page)


def test_the_door_is_accessible(sign_in, accessible, db) -> None:
    page = sign_in()
    page.goto("/sign-in/")
    accessible(page, everywhere=True)
    page.fill("#id_username", "nobody")
    page.fill("#id_password", "wrong")
    page.keyboard.press("Enter")
    page.locator("text=do not fit together").wait_for()
    accessible(page)
    page.problems[:] = [text for text in page.problems if "422" not in text]


def test_by_keyboard_from_the_door_to_the_activity(sign_in, manager) -> None:
    manager.set_password(PASSWORD)
    manager.save()
    page = sign_in()
    page.goto("/activity/")
    page.locator("#id_username:focus").wait_for()
    page.keyboard.type("Manager")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("h1", has_text="Activity").wait_for()


def test_an_administrator_adds_a_person_and_hears_what_is_missing(
    sign_in, accessible, admin, location
) -> None:
    page = sign_in(admin)
    page.goto(reverse("settings-person-add"))
    page.get_by_label("First name").fill("Kim")
    page.get_by_label("Sign-in name").fill("kim")
    page.get_by_role("button", name="Add").click()
    page.locator(".notice.error", has_text="Choose at least one location").wait_for()
    accessible(page)
    assert page.get_by_label("First name").input_value() == "Kim"
    page.get_by_label("North").check()
    page.get_by_role("button", name="Add").click()
    page.locator("h1", has_text="A link for Kim").wait_for()
    accessible(page)
    page.problems[:] = [text for text in page.problems if "422" not in text]


def test_pages_stay_within_their_budget(sign_in, manager) -> None:
    page = sign_in(manager)
    sizes: dict[str, int] = {}  # as they travel, compressed
    page.on("response", lambda answer: sizes.update({answer.url: packed(answer.body())}))
    page.goto("/activity/")
    page.wait_for_load_state("networkidle")
    assert sum(size for url, size in sizes.items() if url.endswith("/activity/")) < 40_000
    for ending, budget in ((".css", 20_000), (".js", 30_000)):
        assert 0 < sum(size for url, size in sizes.items() if ending in url) < budget
