"""Sequences as people meet them: the list, wide and narrow, light and dark, full and empty."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit import clock
from outreach import services
from outreach.library.seed import seed_library
from outreach.models import Leave, Run
from tests.factories.outreach import make_draft

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def some_runs(location, manager) -> list[Run]:
    now = clock.now()
    seed_library(by=None, now=now)
    names = ["Marguerite", "Rosa", "Ines", "Kim", "Paula"]
    runs = [make_draft(location, now=now, first_name=name).run for name in names]
    Run.objects.filter(pk__in=[run.pk for run in runs[1:]]).update(next_at=now + timedelta(days=3))
    services.pause_run(run_id=runs[3].pk, by=manager, now=now + timedelta(hours=5))
    services.leave_runs({runs[4].pk: Leave.BOOKED}, now=now)
    return runs


def test_the_list_is_accessible_full_and_empty(sign_in, accessible, manager, location) -> None:
    page = sign_in(manager)
    page.goto("/sequences/")
    accessible(page)
    some_runs(location, manager)
    page.goto("/sequences/")
    accessible(page, everywhere=True)
    for view in ("waiting", "paused", "ended"):
        page.goto(f"/sequences/?view={view}")
        accessible(page)


def test_pausing_by_key_and_on_the_members_page(sign_in, accessible, manager, location) -> None:
    runs = some_runs(location, manager)
    page = sign_in(manager)
    page.goto("/sequences/")
    page.keyboard.press("j")
    page.keyboard.press("p")
    page.locator(".notice", has_text="Paused").wait_for()
    page.goto(f"/members/{runs[2].guest_id}/")
    part = page.locator("section", has=page.locator("#sequences"))
    part.get_by_text("of At-risk check-in").wait_for()
    accessible(page)


def test_the_steps_of_a_play_are_read_and_changed(sign_in, accessible, regional, location) -> None:
    seed_library(by=None, now=clock.now())
    page = sign_in(regional)
    page.goto("/settings/sequences/")
    accessible(page)
    page.goto("/settings/sequences/at-risk-check-in/")
    accessible(page, everywhere=True)
    page.locator("#id_days_2").fill("0")
    page.get_by_role("button", name="Save").click()
    page.locator(".notice.error", has_text="Step 2 needs a wait").wait_for()
    page.locator("#id_days_2").fill("2")
    page.get_by_role("button", name="Save").click()
    page.locator(".notice", has_text="Saved").wait_for()
    page.problems[:] = [text for text in page.problems if "422" not in text]
