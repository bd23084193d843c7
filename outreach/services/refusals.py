"""Telling authors what was refused and why. Whoever refuses their own is not told."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from outreach.models import Draft, Offer, Refusal, Template

if TYPE_CHECKING:
    from staff.models import User


def tell_writers(draft: Draft, *, by: User, now: datetime) -> None:
    """Tell everybody who wrote in the rejected draft, and who asked for it."""
    authors = {*draft.writers, draft.requested_by_id} - {by.pk, None}
    Refusal.objects.bulk_create(
        [
            Refusal(
                author_id=author_id,
                draft=draft,
                refused_by=by,
                refused_at=now,
                reason=Draft.Rejection(draft.rejection).label,
                note=draft.rejection_note,
            )
            for author_id in sorted(author for author in authors if author is not None)
        ]
    )


def take_back(draft: Draft) -> None:
    """The rejection was taken back: nothing to tell any more."""
    Refusal.objects.filter(draft=draft).delete()


def tell_proposer(thing: Template | Offer, *, note: str, by: User, now: datetime) -> None:
    """Tell who proposed a text or offer that it was refused."""
    if thing.proposed_by_id is None or thing.proposed_by_id == by.pk:
        return
    Refusal.objects.create(
        author_id=thing.proposed_by_id,
        template=thing if isinstance(thing, Template) else None,
        offer=thing if isinstance(thing, Offer) else None,
        refused_by=by,
        refused_at=now,
        reason="not taken into the library",
        note=note.strip()[:300],
    )


def mark_refusals_read(*, by: User, now: datetime) -> int:
    """The author has seen what came back. Returns how many were new."""
    return Refusal.objects.filter(author=by, read_at__isnull=True).update(read_at=now)
