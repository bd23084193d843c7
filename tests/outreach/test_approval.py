"""An approval is bound to everything the approver saw: whatever changes, it is another one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from outreach import approval, services
from outreach.models import Draft, Message
from tests.factories.memberships import NOW

DRAFT: dict[str, Any] = {
    "pk": 2, "guest_id": 8, "location_id": 8, "channel": "email", "address": "+12125550199",
    "subject": "Other", "body": "Other", "offer_id": 8, "offer_terms": {"percent": 30},
    "cost_cents": 2_000, "play_id": "win-back", "template_id": 8, "evidence": {"model": "churn-2"},
    "worded_by": "other", "prompt_version": "2",
}  # fmt: skip
MESSAGE: dict[str, Any] = {
    "thread_id": 8, "guest_id": 8, "location_id": 8, "channel": "email", "address": "+12125550199",
    "subject": "Other", "body": "Other", "approved_by_id": 8, "approved_at": NOW + timedelta(1),
}  # fmt: skip


def a_draft(**changes: Any) -> Draft:
    return Draft(**({
        "pk": 1, "guest_id": 7, "location_id": 7, "channel": "sms", "address": "+12125550101",
        "subject": "", "body": "Hi", "offer_id": 7, "offer_terms": {"percent": 20},
        "cost_cents": 1_000, "play_id": "at-risk-check-in", "template_id": 7,
        "evidence": {"model": "churn-1"}, "worded_by": "one", "prompt_version": "1",
    } | changes))  # fmt: skip


def an_answer(**changes: Any) -> Message:
    return Message(**({
        "thread_id": 7, "guest_id": 7, "location_id": 7, "channel": "sms",
        "address": "+12125550101", "subject": "", "body": "Gladly", "approved_by_id": 7,
        "approved_at": NOW, "purpose": "answer",
    } | changes))  # fmt: skip


@pytest.mark.parametrize("field", DRAFT)
def test_whatever_the_approver_saw_is_part_of_the_approval(field):
    seen = approval.approval_hash(a_draft(), version=1)
    assert approval.approval_hash(a_draft(), version=1) == seen
    assert approval.approval_hash(a_draft(**{field: DRAFT[field]}), version=1) != seen


def test_the_same_words_approved_again_are_another_approval():
    assert approval.approval_hash(a_draft(), version=1) != approval.approval_hash(
        a_draft(), version=3
    )


@pytest.mark.parametrize("field", MESSAGE)
def test_whatever_an_answer_is_sent_with_is_part_of_it(field):
    seen, sent = approval.answer_hash(an_answer()), an_answer()
    assert approval.matches(sent, approval.payload_of(sent), seen)
    other = an_answer(**{field: MESSAGE[field]})
    assert not approval.matches(other, approval.payload_of(other), seen)


def test_a_message_without_a_draft_is_never_an_approach():
    for purpose, may in (("outreach", False), ("confirmation", True), ("help", True)):
        message = an_answer(purpose=purpose, thread=None)
        assert approval.matches(message, approval.payload_of(message), "") is may


@pytest.mark.parametrize("field", ["to", "subject", "body"])
def test_what_goes_to_the_carrier_is_the_message_to_the_letter(field):
    answer = an_answer()
    payload = approval.payload_of(answer)
    assert set(payload) == {"to", "subject", "body"}
    assert not approval.matches(answer, payload | {field: "x"}, approval.answer_hash(answer))


@pytest.fixture
def message(draft, manager, now) -> Message:
    return services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "pending"},  # taken back
        {"approval_hash": "f" * 64},  # approved anew
        {"version": 3},
        {"cost_cents": 1},
        {"offer_terms": {}},
        {"evidence": {"model": "other"}},
    ],
)
def test_a_draft_that_is_no_longer_as_it_was_approved_is_not_sent(message, changes):
    item = message.outbox
    message.refresh_from_db()
    assert approval.matches(message, item.payload, item.approval)
    for name, value in changes.items():
        setattr(message.draft, name, value)
    assert not approval.matches(message, item.payload, item.approval)


@pytest.mark.parametrize("field", ["channel", "address", "subject", "body", "cost_cents"])
def test_a_message_that_differs_from_its_draft_is_not_sent(message, field):
    message.refresh_from_db()
    setattr(message, field, 1 if field == "cost_cents" else "other")
    payload = approval.payload_of(message)
    assert not approval.matches(message, payload, message.outbox.approval)
