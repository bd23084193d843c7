"""The pages about automation as people meet them: wide and narrow, light and dark, by keyboard."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from audit import clock
from outreach.library.seed import AT_RISK, seed_library
from outreach.models import Breaker, PhaseChange, ShadowDraft
from tests.factories.autonomy import make_automatic, make_rule
from tests.factories.outreach import make_draft, mirror_is_fresh

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DAY = timedelta(days=1)


def fill(location, elsewhere, regional) -> None:
    now = clock.now()
    seed_library(by=None, now=now)
    mirror_is_fresh(location, now)
    draft = make_draft(location, now=now)
    row = make_automatic(location, regional, now=now)
    make_rule(name="Everybody, words only", min_p=0.9, min_visits=0, max_cost_cents=0)
    ShadowDraft.objects.create(
        play_id=AT_RISK, location=location, guest=draft.guest, at=now - 40 * DAY, channel="sms",
        template=draft.template, cost_cents=2_500, rule="Regulars",
    )  # fmt: skip
    PhaseChange.objects.create(
        play_id=AT_RISK, location=location, old="review", new="automatic", at=now - DAY,
        by=regional, reason="a quiet month",
        evidence={"decided": 30, "as_is": 28, "sent": 27, "stops": 0},
    )  # fmt: skip
    row.pk, row.location, row.phase = None, elsewhere, "review"
    row.doubt = "The data of the location is too old"
    row.save()
    Breaker.objects.create(
        location=location, signal="stops", state="open", evaluated_at=now, changed_at=now,
        tries_at=now + timedelta(hours=2), reason="9 of 120 guests said stop; usual are 1 in 100.",
    )  # fmt: skip


@pytest.mark.parametrize("which", ["empty", "list", "automatic", "lowered", "breaker"])
def test_pages_are_accessible(
    sign_in, accessible, admin, regional, location, elsewhere, which
) -> None:
    if which != "empty":
        fill(location, elsewhere, regional)
    paths = {
        "automatic": reverse("settings-automation-play", args=[AT_RISK, location.pk]),
        "lowered": reverse("settings-automation-play", args=[AT_RISK, elsewhere.pk]),
        "breaker": reverse(
            "settings-breaker-close", args=[getattr(Breaker.objects.first(), "pk", 0)]
        ),
    }
    page = sign_in(admin)
    page.goto(paths.get(which, reverse("settings-automation")))
    accessible(page, everywhere=True)


def test_down_by_keyboard(sign_in, manager, regional, location, elsewhere) -> None:
    fill(location, elsewhere, regional)
    page = sign_in(manager)
    page.goto(reverse("settings-automation"))
    page.get_by_role("link", name="At-risk check-in").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Down: every draft reviewed").focus()
    page.keyboard.press("Enter")
    page.locator(".pill", has_text="every draft reviewed").wait_for()
