"""The whole round on real parts: platform, mirror, scores, drafts, approval, send, answer, ledger.

The business is the sandbox in a process of its own; carrier and webhooks come back over HTTP.
Only the worker is played by the test, so that each step can be looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Count

from audit.models import LedgerEntry
from audit.verification import verify
from config.nightly import run_next_stage
from memberships.models import Appointment, Guest, Location, Membership
from outreach import services
from outreach.models import Draft, Message, Play, Reply
from outreach.sending import sender
from platforms import inbox
from platforms.models import InboxDelivery
from risk.models import BookingScore, ChurnScore
from tests import sandbox_server
from tests.factories.staff import UserFactory

MORNING = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)  # 11:30 in New York, 10:30 in Chicago
PATIENCE_S = 60.0

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def business(live_server: Any, settings: Any) -> Iterator[sandbox_server.Sandbox]:
    """A business of this test's own, whose webhooks and carrier speak to the live server."""
    running = sandbox_server.start(
        "sandbox_round",
        SANDBOX_WEBHOOK_URL=f"{live_server.url}/hooks/zenoti/",
        SANDBOX_SMS_INBOUND_URL=f"{live_server.url}/hooks/sms/inbound/",
    )
    settings.PUBLIC_URL = live_server.url
    settings.PLATFORM = settings.PLATFORM | {
        "base_url": running.url,
        "api_key": running.api_key,
        "webhook_secrets": [running.webhook_secret],
        "rate_per_minute": 1_000_000,
    }
    settings.CARRIER = settings.CARRIER | {
        "sms_url": running.url,
        "sms_account": running.sms_account,
        "sms_token": running.sms_token,
    }
    settings.EMAIL_PORT = running.smtp_port
    yield running
    sandbox_server.stop(running)


def until(done: Callable[[], Any], what: str) -> None:
    """Wait for something the other process does."""
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE_S:.0f} s"
        time.sleep(0.1)


def run_nights(now: datetime) -> None:
    for location in Location.objects.all():
        while run_next_stage(location_id=location.pk, on=location.today(now), now=now):
            pass


def test_the_whole_round(business: sandbox_server.Sandbox, monkeypatch: Any) -> None:
    monkeypatch.setattr("audit.clock.now", lambda: MORNING)
    call_command("seed_library", verbosity=0)
    call_command("sync", verbosity=0)
    assert Guest.objects.count() == business.status()["counts"]["guest"]
    # A small business has few members at risk: let the play see more of them.
    Play.objects.update(threshold=20, holdout_percent=0)

    run_nights(MORNING)
    running = Membership.objects.running().count()
    assert 0 < ChurnScore.objects.count() <= running
    assert BookingScore.objects.exists()
    drafts = Draft.objects.filter(status="pending", channel="sms")
    assert drafts.exists()
    before = (Draft.objects.count(), ChurnScore.objects.count())
    run_nights(MORNING)
    assert (Draft.objects.count(), ChurnScore.objects.count()) == before

    manager = UserFactory(
        role="manager", locations=Location.objects.all(), approval_limit_cents=10_000
    )
    approved = []
    for draft in drafts.exclude(group="needs_care"):
        message = services.approve_draft(
            draft_id=draft.pk, version=draft.version, by=manager, now=MORNING
        )
        approved.append(message)
    assert approved

    assert sender.dispatch_due(now=MORNING) == 0, "approved messages wait in Outgoing"
    assert business.sink() == []
    after_the_hold = MORNING + timedelta(minutes=6)
    sender.dispatch_due(now=after_the_hold)
    sender.dispatch_due(now=after_the_hold)
    received = [mail for mail in business.sink() if mail["direction"] == "out"]
    left = Message.objects.filter(outbox__state="sent")
    assert left.count() == len(approved)
    assert sorted(mail["body"] for mail in received) == sorted(m.body for m in approved)

    def answered() -> bool:
        inbox.work_through(now=after_the_hold)
        return Reply.objects.exists() and left.filter(delivery="delivered").exists()

    until(answered, "An answer")
    assert Reply.objects.filter(guest__isnull=False).exists()

    story = set(LedgerEntry.objects.values_list("event", flat=True))
    assert {"draft.created", "draft.approved", "message.sent", "reply.received"} <= story
    assert verify().faults == []

    # A day passes: the business tells what happened by webhooks, and the mirror follows.
    business.advance(1)
    until(lambda: not business.status()["waiting"]["webhooks"], "The delivery of all webhooks")
    next_morning = MORNING + timedelta(days=1)
    monkeypatch.setattr("audit.clock.now", lambda: next_morning)
    inbox.work_through(now=next_morning)
    assert not InboxDelivery.objects.filter(status="parked").exists()
    run_nights(next_morning)
    theirs = business.status()["counts"]["guest"]
    assert Guest.objects.count() == theirs
    done_before_today = Appointment.objects.filter(
        starts_at__lt=MORNING - timedelta(hours=12), status__in=["booked", "confirmed"]
    )
    assert not done_before_today.exists(), "yesterday's bookings have an outcome"
    twice = Message.objects.values("draft").annotate(n=Count("pk")).filter(n__gt=1, draft__gt=0)
    assert not twice.exists()
    assert verify().faults == []
