"""Many people over the same drafts: one decision each, a clear answer for the others, and what
leaves is what was approved (INV-8)."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from benchmarks.guardrails.world import NOON, Carrier, at_once, lay_out


def prove(*, users: int, drafts: int, tries: int) -> dict[str, Any]:
    """Each user posts so many approvals, rejections and edits to the real pages, of drafts as they
    looked at some moment before."""
    from unittest.mock import patch

    from django.test import Client
    from django.urls import reverse

    from audit.models import LedgerEntry
    from memberships.models import Location
    from outreach.models import Draft, Message
    from outreach.sending import sender
    from outreach.views import review
    from tests.factories.staff import UserFactory

    lay_out(guests=drafts, with_offers=True)
    places = list(Location.objects.all())
    people = [
        UserFactory(role="manager", locations=places, approval_limit_cents=10**6)
        for _ in range(users)
    ]
    # What each version of a draft says: written down by whoever made it.
    words = {(pk, 1): body for pk, body in Draft.objects.values_list("pk", "body")}
    ids = [pk for pk, _ in words]
    answers: list[list[tuple[str, int, int, int]]] = [[] for _ in people]

    def decide(number: int) -> None:
        rng, client = random.Random(number), Client()
        client.force_login(people[number])
        for _ in range(tries):
            pk = rng.choice(ids)
            version = rng.choice([1, 1, 2]) if (pk, 2) in words else 1
            verb = rng.choice(["approve", "approve", "reject", "edit"])
            fields: dict[str, Any] = {"version": version, "care": "1", "reason": "not_now"}
            if verb == "edit":
                fields["body"] = f"{words[pk, version]} Thank you, {'so ' * number}much."
            response = client.post(reverse(f"draft-{verb}", args=[pk]), fields)
            answers[number].append((verb, pk, version, response.status_code))
            if verb == "edit" and response.status_code == 302:
                words[pk, version + 1] = fields["body"]

    with patch.object(review.clock, "now", lambda: NOON):
        at_once(users, decide)
    given = [one for mine in answers for one in mine]
    taken = Counter((pk, verb) for verb, pk, _, code in given if code == 302 and verb != "edit")
    won = {pk for pk, _ in taken}
    approved_version = {
        pk: version for verb, pk, version, code in given if code == 302 and verb == "approve"
    }
    entries = Counter(
        LedgerEntry.objects.filter(event__in=["draft.approved", "draft.rejected"]).values_list(
            "target_id", flat=True
        )
    )
    decided = set(
        Draft.objects.filter(status__in=["approved", "rejected"]).values_list("pk", flat=True)
    )
    with Carrier(0.0).in_place() as carrier:
        while sender.dispatch_due(now=NOON):
            pass
    sent = {call.key.removeprefix("send:"): call.body for call in carrier.calls}
    wrong_bytes = sum(
        sent.get(str(message.outbox_id))
        != words[message.draft_id, approved_version[message.draft_id]]
        for message in Message.objects.all()
    )
    codes = Counter(code for _, _, _, code in given)
    return {
        "users": users,
        "drafts": drafts,
        "posts": len(given),
        "decided": len(decided),
        "said_too_late": codes[409],
        "answers_of_another_kind": sum(
            count for code, count in codes.items() if code not in (302, 403, 409, 422)
        ),
        "told_to_press_again": codes[503],
        "decided_twice": sum(count > 1 for count in entries.values())
        + sum(len([one for one in taken if one[0] == pk]) > 1 for pk in won),
        "decisions_lost": len(decided ^ won) + len(decided ^ {int(pk) for pk in entries}),
        "sent": len(sent),
        "sent_other_words": wrong_bytes,
        "naive": _naive(users=users, drafts=drafts, tries=tries),
    }


def _naive(*, users: int, drafts: int, tries: int) -> dict[str, int]:
    """Read, look at the status, save."""
    from outreach.models import Draft

    Draft.objects.update(
        status="pending", decided_by=None, decided_at=None, rejection="", approval_hash=""
    )
    ids = list(Draft.objects.values_list("pk", flat=True))[: max(1, drafts // 10)]
    made: list[Counter[int]] = [Counter() for _ in range(users)]

    def decide(number: int) -> None:
        rng = random.Random(number)
        for _ in range(tries):
            draft = Draft.objects.select_related("guest").get(pk=rng.choice(ids))
            if draft.status == "pending":
                draft.status, draft.decided_by_id, draft.decided_at = "rejected", 1, NOON
                draft.rejection = "not_now"
                draft.decided_by = _anybody()
                draft.save()
                made[number][draft.pk] += 1

    at_once(users, decide)
    return {"decided_twice": sum(count > 1 for count in sum(made, Counter()).values())}


def _anybody() -> Any:
    from staff.models import User

    return User.objects.first()


def failures(found: dict[str, Any]) -> int:
    return sum(
        found[name]
        for name in (
            "answers_of_another_kind", "decided_twice", "decisions_lost", "sent_other_words",
        )
    )  # fmt: skip
