"""Drafts and messages, walked there by the real services."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db import transaction

from memberships.models import Guest, Location, Membership, SyncCursor
from outreach.drafting.candidates import Candidate, DraftingResult
from outreach.drafting.making import draft_for
from outreach.experiments.arms import falls_into_holdout
from outreach.gate import conditions
from outreach.library.seed import AT_RISK, seed_library
from outreach.models import Draft, Holdout, Message, Reply
from outreach.replies.taking import take_reply
from outreach.services import approve_draft
from platforms.models import InboxDelivery
from tests.factories.memberships import NOW, GuestFactory, MembershipFactory
from tests.factories.staff import UserFactory

EVIDENCE: dict[str, Any] = {
    "target": "churn",
    "score": 82,
    "band": "high",
    "p": 0.31,
    "reasons": [
        {
            "cause": "no_visits",
            "text": "no visit for 74 days, usual gap 28",
            "value": 74,
            "norm": 28,
            "contribution": 1.1,
            "direction": "raises",
        }
    ],
    "model": "churn-1",
    "as_of_on": "2026-11-20",
}
FACTS = {
    "favourite": "Massage",
    "days_away": "74",
    "unused_credits": "3",
    "renews_on": "1 Dec",
}


def make_member(location: Location, *, held_out: bool = False, **guest: Any) -> Membership:
    """A member of the location in the wanted arm of the at-risk experiment (10 %)."""
    while True:
        person = GuestFactory(location=location, **guest)
        if falls_into_holdout(play_key=AT_RISK, guest_id=person.pk, percent=10) == held_out:
            return MembershipFactory(guest=person)
        person.delete()


def candidate(membership: Membership, **changes: Any) -> Candidate:
    values: dict[str, Any] = {
        "guest_id": membership.guest_id,
        "location_id": membership.location_id,
        "membership_id": membership.pk,
        "cause": "no_visits",
        "evidence": EVIDENCE,
        "facts": FACTS,
    }
    return Candidate(**(values | changes))


def draft_members(*memberships: Membership, now: datetime = NOW, **changes: Any) -> DraftingResult:
    return draft_for(
        play_key=AT_RISK, candidates=[candidate(m, **changes) for m in memberships], now=now
    )


def make_draft(location: Location, *, now: datetime = NOW, **changes: Any) -> Draft:
    """An open draft for a new member of the location. `changes` go to guest or candidate."""
    of_candidate = {k: changes.pop(k) for k in ("cause", "facts", "evidence") if k in changes}
    membership = make_member(location, **changes)
    result = draft_members(membership, now=now, **of_candidate)
    assert result.drafted == 1, result
    return Draft.objects.select_related("guest", "location").get(pk=result.draft_ids[0])


def make_message(location: Location, *, now: datetime = NOW, **changes: Any) -> Message:
    """A message approved by a manager of the location, waiting in Outgoing."""
    seed_library(by=None, now=now)
    draft = make_draft(location, now=now, **changes)
    manager = UserFactory(role="manager", locations=[location], approval_limit_cents=100_000)
    return approve_draft(draft_id=draft.pk, version=draft.version, by=manager, now=now)


def take_answer(
    text: str, *, guest: Guest, ref: str = "IN1", now: datetime = NOW, **changes: Any
) -> Reply:
    """What a guest wrote back by text message, taken in as from the carrier."""
    values: dict[str, Any] = {
        "channel": "sms",
        "address": guest.phone,
        "carrier_ref": ref,
        "body": text,
        "received_at": now,
        "now": now,
    }
    with transaction.atomic():  # as the inbox hands a delivery over
        reply = take_reply(**(values | changes))
    assert reply is not None
    return reply


def parked_answer(
    text: str, *, guest: Guest, ref: str = "IN9", now: datetime = NOW, sender: str = ""
) -> InboxDelivery:
    """A text message of a guest that nobody could read, as the inbox leaves it."""
    form = {"MessageSid": ref, "From": sender or guest.phone, "Body": text}
    delivery: InboxDelivery = InboxDelivery.objects.create(
        connection="sms-inbound",
        delivery_id=ref,
        body_hash=ref,
        body=urlencode(form).encode(),
        sender=sender or guest.phone,
        received_at=now,
        status=InboxDelivery.Status.PARKED,
        attempt=6,
        error="ValueError: no such thing",
    )
    return delivery


def put_into_arm(guest_id: int, *, held_out: bool) -> None:
    """The guest in the other arm of every play, as if drawn so: an arm cannot be changed."""
    for arm in Holdout.objects.filter(guest=guest_id):
        arm.delete()
        arm.pk, arm.is_held_out = None, held_out
        arm.save(force_insert=True)


def mirror_is_fresh(location: Location, now: datetime = NOW) -> None:
    """The location's streams were read completely at `now`."""
    for stream in conditions.FRESH_STREAMS:
        SyncCursor.objects.update_or_create(
            location=location, stream=stream, defaults={"complete_at": now}
        )


def guest_of(draft: Draft) -> Guest:
    return Guest.objects.get(pk=draft.guest_id)
