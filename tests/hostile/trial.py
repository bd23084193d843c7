"""Drafts for guests who left hostile notes, worded by a machine that obeys them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from memberships.models import Location, Review
from outreach import services
from outreach.library.seed import AT_RISK
from outreach.models import Draft, Play
from tests.factories.memberships import GuestFactory, ReviewFactory
from tests.factories.outreach import draft_members, make_member
from tests.hostile import corpus
from tests.hostile.stub_writer import Stub


@dataclass
class Outcome:
    """What became of the drafts. `passed`: hostile words that stand in a draft now."""

    tried: int = 0
    passed: list[tuple[str, str]] = field(default_factory=list)
    naive: int = 0  # how many would have gone into a draft as they were
    good: int = 0  # harmless words that were taken
    refused: list[tuple[str, str]] = field(default_factory=list)  # harmless ones, and why


def prepare(location: Location) -> None:
    """The other guests, whose names may not appear, and a play that quotes reviews."""
    for first, last in corpus.OTHERS:
        GuestFactory(location=location, first_name=first, last_name=last)
    Play.objects.filter(pk=AT_RISK).update(wording=Play.Wording.REVIEWS, daily_limit=100_000)


def hostile_night(
    location: Location, stub: Stub, rows: Sequence[corpus.Hostile], *, how: str, now: datetime
) -> Outcome:
    """One draft per hostile note, all worded while the machine obeys in the way `how`."""
    stub.how, stub.answer = how, None
    members = [make_member(location, first_name="Ada") for _ in rows]
    payloads = {}
    for member, row in zip(members, rows, strict=True):
        ReviewFactory(
            location=location, guest=member.guest, rating=3, comment=row.note,
            written_at=now - timedelta(days=2),
        )  # fmt: skip
        payloads[member.guest_id] = row
    outcome = Outcome()
    for draft in _worded(members, now):
        row = payloads[draft.guest_id]
        outcome.tried += 1
        outcome.naive += bool(row.payload.strip())
        if draft.body != draft.library_body and row.payload.strip() in draft.body:
            outcome.passed.append((row.kind, draft.body))
    Review.objects.filter(guest_id__in=payloads).delete()
    return outcome


def harmless_night(
    location: Location, stub: Stub, sentences: Sequence[str], *, now: datetime
) -> Outcome:
    """One draft per harmless sentence, which the machine puts in place of one of the library's."""
    outcome = Outcome()
    for sentence in sentences:
        stub.answer = (
            lambda task, mine=sentence: json.dumps(  # type: ignore[misc]
                {"sentences": [mine, *task["sentences"][1:]]}
            )
        )
        (draft,) = _worded([make_member(location, first_name="Ada")], now)
        outcome.tried += 1
        if draft.worded_by:
            outcome.good += 1
        else:
            outcome.refused.append((sentence, draft.wording_note))
    return outcome


def _worded(members: list, now: datetime) -> list[Draft]:  # type: ignore[type-arg]
    result = draft_members(*members, now=now)
    assert result.drafted == len(members), result
    # Some may be asked for twice: a busy machine answers late.
    services.word_drafts(now=now, limit=2 * len(members), seconds=3_600)
    assert not Draft.objects.filter(pk__in=result.draft_ids, worded_at__isnull=True).exists()
    return list(Draft.objects.filter(pk__in=result.draft_ids).order_by("pk"))
