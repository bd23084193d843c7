"""The quality page as people meet it: empty and full, wide and narrow, light and dark, by keys."""

from __future__ import annotations

import pytest
from django.urls import reverse

from outreach.library.seed import seed_library
from risk.models import DriftAlarm
from tests.factories.memberships import NOW, LocationFactory
from tests.outreach.test_experiments import counted, many
from tests.risk.test_quality_page import came_true, version

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_empty_page_is_accessible(sign_in, accessible, admin, location) -> None:
    page = sign_in(admin)
    page.goto(reverse("quality"))
    page.locator("text=0 of 200 outcomes needed").wait_for()
    accessible(page, everywhere=True)


def test_the_full_page_is_accessible_and_works_by_keys(
    sign_in, accessible, admin, location
) -> None:
    version("before", "retired")
    model = version("serving", "champion")
    version("shadow", "shadow")
    for place in [location, *LocationFactory.create_batch(3)]:
        came_true(model, place, seen=41 if place != location else 80)
    DriftAlarm.objects.create(
        target="churn", model=model, kind="missing", input="rating", size=1.0,
        sentence="Ratings: not known for 90 % of members, before for 40 %.",
        raised_at=NOW, seen_at=NOW,
    )  # fmt: skip
    page = sign_in(admin)
    page.goto("/overview/")
    page.keyboard.press("g")
    page.keyboard.press("q")
    page.locator("h1", has_text="Can we trust the scores?").wait_for()
    for picture in page.locator("img.chart").all():
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 560
    accessible(page, everywhere=True)
    for summary in page.locator("details > summary").all():
        summary.focus()
        page.keyboard.press("Enter")
    page.locator("button", has_text="Go back to it").wait_for()
    accessible(page)


def test_facts_are_left_out_and_let_back_in_by_keys(sign_in, accessible, admin, location) -> None:
    page = sign_in(admin)
    page.goto(reverse("settings-inputs"))
    accessible(page, everywhere=True)
    page.set_viewport_size({"width": 390, "height": 900})
    page.locator("#id_what").focus()
    page.keyboard.press("ArrowDown")
    page.locator("#id_reason").fill("Asked for by the clinic.")
    page.keyboard.press("Enter")
    page.locator("text=It counts from the next score on.").wait_for()
    accessible(page, everywhere=True)
    page.locator("button", has_text="Let it count again").focus()
    page.keyboard.press("Enter")
    page.locator("text=Nothing is left out.").wait_for()


def test_what_the_plays_change_is_read_wide_and_narrow(
    sign_in, accessible, regional, location
) -> None:
    page = sign_in(regional)
    page.goto(reverse("quality"))
    page.locator("text=Nobody has been drawn yet").wait_for()
    accessible(page)
    seed_library(by=None, now=NOW)
    many(location, held=False, n=300, left=15)
    many(location, held=True, n=100, left=40)
    counted(location)
    page.goto(reverse("quality"))
    page.locator(".pill", has_text="keeps members").wait_for()
    page.locator("text=How to read this").click()
    accessible(page, everywhere=True)
