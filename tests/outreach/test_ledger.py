"""The life of one message, told by the ledger alone: from what it was made of to who read it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit import clock, reads
from audit.models import LedgerEntry
from audit.verification import verify
from memberships.models import Location
from outreach import approval, services
from outreach.gate import conditions
from outreach.models import Draft, Thread
from outreach.sending import sender
from platforms import outbox
from platforms.outcome import Outcome, Result
from staff.models import User
from tests.factories.outreach import make_draft, take_answer
from tests.outreach.test_replies import hook

pytestmark = pytest.mark.usefixtures("library", "fresh")
MINUTE = timedelta(minutes=1)


def told(guest_id: int) -> list[tuple[str, dict[str, Any]]]:
    """Event and detail of all entries about a guest, in their order."""
    entries = LedgerEntry.objects.filter(guest_id=guest_id).order_by("seq")
    return [(entry.event, json.loads(entry.body)["detail"]) for entry in entries]


def test_the_ledger_tells_the_life_of_a_message(
    client: Client,
    location: Location,
    manager: User,
    regional: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)
    draft = make_draft(location)
    guest_id = draft.guest_id
    client.force_login(manager)
    assert client.get(reverse("review-draft", args=[draft.pk])).status_code == 200
    draft = services.edit_draft(
        draft_id=draft.pk, version=draft.version, body=draft.body + " See you!", subject="",
        by=manager, now=now,
    )  # fmt: skip
    message = services.approve_draft(
        draft_id=draft.pk, version=draft.version, by=regional, now=now, care=True
    )
    due = now + 6 * MINUTE
    unclear = Outcome(Result.UNKNOWN, error=f"no answer for {message.address}")
    monkeypatch.setattr(sender.sms, "send", lambda **call: unclear)
    monkeypatch.setattr(
        sender.sms, "look_up", lambda **call: Outcome(Result.SENT, provider_ref="SM1")
    )
    assert sender.dispatch_due(now=due) == 1
    assert sender.check_unknown(now=due + outbox.SETTLE + MINUTE) == 1
    hook("sms-status", due + 5 * MINUTE, MessageSid="SM1", MessageStatus="delivered")
    take_answer("What does it cost?", guest=message.guest, now=due + 6 * MINUTE)
    thread = Thread.objects.get(guest=guest_id)
    services.send_answer(
        thread_id=thread.pk, version=thread.version, body="I will ring you this afternoon.",
        by=manager, now=due + 7 * MINUTE, care=True,
    )  # fmt: skip
    client.force_login(regional)
    assert client.post(reverse("member-export", args=[guest_id])).status_code == 200
    reads.note_pending(now=due + 8 * MINUTE)

    story = told(guest_id)
    happened = [event for event, _detail in story if not event.startswith(("sequence.", "thread."))]
    assert [event for event in happened if event not in ("guest.viewed", "guest.exported")] == [
        "draft.created",
        "draft.edited",
        "draft.approved",
        "message.begun",
        "message.unknown",
        "message.sent",
        "message.delivered",
        "reply.received",
        "message.answer",
    ]
    assert {"guest.viewed", "guest.exported"} < set(happened)
    detail = dict(story)  # of each event the last
    drafted = detail["draft.created"]
    assert (drafted["score"], drafted["model"]) == (draft.evidence["score"], "churn-1")
    assert drafted["evidence"] == detail["draft.approved"]["evidence"]
    assert drafted["evidence"] == approval.evidence_hash(Draft.objects.get(pk=draft.pk))
    assert detail["draft.approved"]["hash"] == detail["draft.edited"]["hash"]
    assert drafted["hash"] != detail["draft.approved"]["hash"]
    assert {"prompt", "worded_by", "warnings", "care"} <= detail["draft.approved"].keys()
    assert detail["message.begun"]["gate"] == [one.key for one in conditions.CONDITIONS]
    assert detail["message.sent"]["provider_ref"] == "SM1"
    assert detail["reply.received"]["message"] == message.pk
    written = " ".join(LedgerEntry.objects.values_list("body", flat=True))
    for secret in (message.address, message.guest.last_name, "See you!", "What does it cost"):
        assert secret not in written
    assert verify().faults == []
