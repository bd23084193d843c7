"""What an approval is bound to (INV-8)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from outreach.models import Draft, Message

HASH_LENGTH = 64


def approval_hash(draft: Draft, *, version: int) -> str:
    """SHA-256 over everything the approver saw: words, recipient, channel, offer, cost, template,
    model, and who worded it by which prompt. `version` is the draft's version that was approved:
    the same words approved again after an undo are another approval."""
    content = {
        "draft": draft.pk,
        "version": version,
        "guest": draft.guest_id,
        "location": draft.location_id,
        "channel": draft.channel,
        "address": draft.address,
        "subject": draft.subject,
        "body": draft.body,
        "offer": draft.offer_id,
        "terms": draft.offer_terms,
        "cost_cents": draft.cost_cents,
        "play": draft.play_id,
        "template": draft.template_id,
        "model": draft.evidence.get("model"),
        "worded_by": draft.worded_by,
        "prompt": draft.prompt_version,
    }
    return _digest(content)


def evidence_hash(draft: Draft) -> str:
    """SHA-256 over what a draft was made from (score, reasons with their numbers, model, date), so
    that the ledger fixes what the reviewer was shown without repeating it."""
    return _digest(draft.evidence)


def answer_hash(message: Message) -> str:
    """SHA-256 over an answer as its author sent it: words, recipient, channel, author, instant."""
    content = {
        "thread": message.thread_id,
        "guest": message.guest_id,
        "location": message.location_id,
        "channel": message.channel,
        "address": message.address,
        "subject": message.subject,
        "body": message.body,
        "by": message.approved_by_id,
        "at": message.approved_at.isoformat(),
    }
    return _digest(content)


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def payload_of(message: Message) -> dict[str, Any]:
    """What goes to the carrier, by value."""
    return {"to": message.address, "subject": message.subject, "body": message.body}


def matches(message: Message, payload: Mapping[str, Any], approval: str) -> bool:
    """Whether what is about to be sent is what was approved, to the letter."""
    if dict(payload) != payload_of(message):
        return False
    draft = message.draft
    if message.purpose == Message.Purpose.ANSWER:
        return approval == answer_hash(message)
    if draft is None:
        return message.purpose != Message.Purpose.OUTREACH
    return (
        draft.status == Draft.Status.APPROVED
        and draft.approval_hash == approval
        and approval_hash(draft, version=draft.version - 1) == approval
        and (draft.channel, draft.address, draft.subject, draft.body, draft.cost_cents)
        == (message.channel, message.address, message.subject, message.body, message.cost_cents)
    )
