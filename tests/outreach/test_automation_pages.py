"""The pages about automation: the evidence on screen, the acts, and who may do them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit import clock
from outreach import selectors, services
from outreach.autonomy.evidence import share_in_words
from outreach.library.seed import AT_RISK
from outreach.models import AutomaticRule, Breaker, Draft, Message, PlayPhase
from tests.factories.autonomy import make_automatic, make_rule, make_sure_draft
from tests.factories.memberships import LocationFactory
from tests.factories.outreach import make_draft, mirror_is_fresh

pytestmark = pytest.mark.usefixtures("library")
DAY = timedelta(days=1)
PASSWORD = "a long enough password"


@pytest.fixture(autouse=True)
def ledger_in_order(monkeypatch):
    """The library was laid out at the tests' own instant, long before the clock of the pages."""
    monkeypatch.setattr("audit.health.UNFIXED_FOR", 10_000 * DAY)


def enter(person) -> Client:
    person.set_password(PASSWORD)
    person.save()
    client = Client()
    client.force_login(person)
    return client


def at(name, location):
    return reverse(name, args=[AT_RISK, location.pk])


def decide_many(location, by, *, rejected=6, approved=24):
    """Decisions of people over the last month, without their messages."""
    now = clock.now()
    draft = make_draft(location, now=now)
    Draft.objects.bulk_create(
        Draft(
            guest=draft.guest, location=location, play_id=AT_RISK, channel="sms", address="+1",
            template=draft.template, body="x", library_body="x", created_at=now - 40 * DAY,
            expires_at=now, decided_by=by, decided_at=now,
            status="rejected" if n < rejected else "approved",
            rejection="offer" if n < rejected else "",
            approval_hash="" if n < rejected else "0" * 64,
        )
        for n in range(rejected + approved)
    )  # fmt: skip


@pytest.fixture
def ready(location, manager) -> PlayPhase:
    mirror_is_fresh(location, clock.now())
    decide_many(location, manager)
    make_rule()
    return PlayPhase.objects.create(
        play_id=AT_RISK, location=location, phase="review",
        since_at=clock.now() - 40 * DAY, reviewed_since_at=clock.now() - 40 * DAY,
    )  # fmt: skip


def test_promotion_stands_on_the_page_with_its_evidence(ready, regional, location):
    client = enter(regional)
    page = client.get(at("settings-automation-play", location)).content.decode()
    assert "80 % of 30" in page  # approved as they came
    assert "20 % of 30" in page  # rejected
    assert "Rejected: wrong offer" in page
    assert "People have decided here for 40 days." in page
    form = {"to": "automatic", "reason": "a quiet month"}
    refused = client.post(at("settings-automation-up", location), form | {"password": "wrong"})
    assert refused.status_code == 422
    assert "not your password" in refused.content.decode()
    ready.refresh_from_db()
    assert ready.phase == "review"
    answer = client.post(at("settings-automation-up", location), form | {"password": PASSWORD})
    assert answer.status_code == 302
    ready.refresh_from_db()
    assert (ready.phase, ready.set_by) == ("automatic", regional)
    page = client.get(at("settings-automation-play", location)).content.decode()
    assert "a quiet month" in page
    assert "30 decided, 24 approved as they came" in page


def test_what_stands_in_the_way_is_listed_and_nothing_moves(location, regional):
    client = enter(regional)
    page = client.get(at("settings-automation-play", location)).content.decode()
    for obstacle in ("0 of 30 days", "0 of 30 decisions", "has no rule", "too old"):
        assert obstacle in page
    form = {"to": "automatic", "reason": "now", "password": PASSWORD}
    answer = client.post(at("settings-automation-up", location), form)
    assert answer.status_code == 422
    assert not PlayPhase.objects.filter(phase="automatic").exists()


def test_a_manager_moves_down_with_one_click(location, regional, manager):
    make_automatic(location, regional, now=clock.now())
    client = enter(manager)
    page = client.get(at("settings-automation-play", location)).content.decode()
    assert f"in the name of {regional.get_full_name()}" in page
    client.post(at("settings-automation-down", location), {"to": "review"})
    assert PlayPhase.objects.get().phase == "review"
    assert (
        client.post(at("settings-automation-down", location), {"to": "automatic"}).status_code
        == 404
    )


def test_a_doubt_is_shown_everywhere_until_somebody_has_seen_it(location, regional, manager):
    make_automatic(location, regional, now=clock.now())
    assert selectors.automation_state(manager).label == "partly automatic"
    services.lower_doubtful(now=clock.now())  # nothing was ever synced
    client = enter(manager)
    assert "1 thing held or lowered" in client.get("/outgoing/").content.decode()
    assert "too old" in client.get(reverse("settings-automation")).content.decode()
    client.post(at("settings-automation-seen", location))
    assert "held or lowered" not in client.get("/outgoing/").content.decode()


def test_held_messages_go_on_with_reason_and_password(location, regional, manager):
    now = clock.now()
    row = Breaker.objects.create(
        location=location, signal="stops", state="open", evaluated_at=now, changed_at=now,
        tries_at=now + DAY, reason="9 of 20 guests said stop; usual are 1 in 100.",
    )  # fmt: skip
    assert (
        "9 of 20 guests said stop" in enter(manager).get("/settings/automation/").content.decode()
    )
    client, path = enter(regional), reverse("settings-breaker-close", args=[row.pk])
    form = {"reason": "one family", "password": "wrong"}
    assert client.post(path, form).status_code == 422
    assert client.post(path, form | {"password": PASSWORD}).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.changed_by) == ("closed", regional)


def test_many_holds_do_not_push_the_plays_off_the_page(location, manager):
    now = clock.now()
    for signal in ("stops", "undelivered", "failures", "volume", "cost"):
        Breaker.objects.create(
            location=location, signal=signal, state="open", evaluated_at=now, changed_at=now,
            tries_at=now + DAY, reason="Not as usual.",
        )  # fmt: skip
    page = enter(manager).get("/settings/automation/").content.decode()
    assert page.count("Not as usual.") == 5
    head, _, folded = page.partition("2 more are held")
    assert head.count("Not as usual.") == 3
    assert folded.count("Not as usual.") == 2


def test_rules_are_set_and_removed_by_who_serves_everything(location, admin):
    client = enter(admin)
    form = {
        "location": location.pk, "rule-name": "Regulars", "rule-percent": 90,
        "rule-min_visits": 2, "rule-visit_days": 30, "rule-max_cost": "12.50",
    }  # fmt: skip
    assert client.post(reverse("settings-rule-set", args=[AT_RISK]), form).status_code == 302
    rule = AutomaticRule.objects.get()
    assert (rule.min_p, rule.max_cost_cents, rule.set_by) == (0.9, 1_250, admin)
    page = client.get(at("settings-automation-play", location)).content.decode()
    assert "chance of at least 90 in 100" in page
    bad = client.post(reverse("settings-rule-set", args=[AT_RISK]), form | {"rule-percent": 101})
    assert bad.status_code == 422
    client.post(reverse("settings-rule-remove", args=[rule.pk]), {"location": location.pk})
    assert not AutomaticRule.objects.exists()


@pytest.mark.parametrize("places", [1, 50])
def test_the_list_takes_as_many_queries_for_fifty_locations(admin, location, places):
    for _ in range(places - 1):
        LocationFactory()
    make_draft(location, now=clock.now())
    client = enter(admin)
    path = reverse("settings-automation")
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(path)
    assert page.status_code == 200
    assert len(queries) <= 12 + 2  # the movable clock is asked twice


def test_outgoing_says_what_a_rule_approved_and_lets_a_manager_cancel_it(
    location, regional, manager
):
    now = clock.now()
    mirror_is_fresh(location, now)
    make_automatic(location, regional, now=now)
    make_sure_draft(location, now=now)
    assert services.approve_by_rules(now=now)["approved"] == 1
    client = enter(manager)
    page = client.get(reverse("outgoing")).content.decode()
    assert "by the rule Regulars" in page
    client.post(reverse("message-cancel", args=[Message.objects.get().pk]))
    assert Draft.objects.get().status == "withdrawn"


def test_shares_are_counts_below_twenty():
    assert [share_in_words(*one) for one in [(0, 0), (3, 19), (5, 20), (1, 3)]] == [
        "–", "3 of 19", "25 % of 20", "1 of 3",
    ]  # fmt: skip
