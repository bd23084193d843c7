"""The comparison group of a play: who is left alone so that its effect can be told, drawn once and
for good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from outreach.models import Holdout, Play

BATCH = 1_000


def falls_into_holdout(*, play_key: str, guest_id: int, percent: int) -> bool:
    """The draw: a stable hash of play and guest, so that it is the same on every machine."""
    digest = hashlib.sha256(f"holdout:{play_key}:{guest_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 10_000 < percent * 100


def draw_arms(*, play: Play, guest_ids: Sequence[int], now: datetime) -> tuple[set[int], set[int]]:
    """Put each guest into an arm of the play's experiment, once and for good.

    Returns the guests held out, and those drawn just now. A changed percentage moves nobody.
    """
    stored = dict(
        Holdout.objects.filter(play=play, guest_id__in=guest_ids).values_list(
            "guest_id", "is_held_out"
        )
    )
    fresh = {
        guest_id: falls_into_holdout(
            play_key=play.pk, guest_id=guest_id, percent=play.holdout_percent
        )
        for guest_id in guest_ids
        if guest_id not in stored
    }
    Holdout.objects.bulk_create(
        [
            Holdout(play=play, guest_id=guest_id, is_held_out=held, assigned_at=now)
            for guest_id, held in fresh.items()
        ],
        batch_size=BATCH,
        ignore_conflicts=True,
    )
    arms = {**fresh, **stored}
    return {guest_id for guest_id, held in arms.items() if held}, set(fresh)


def would_be_held_out(play: Play, guest_ids: Sequence[int]) -> set[int]:
    """Who would be left alone: by the arm that is stored, else by the draw."""
    if not guest_ids:
        return set()
    stored = dict(
        Holdout.objects.filter(play=play, guest_id__in=guest_ids).values_list(
            "guest_id", "is_held_out"
        )
    )
    return {
        guest_id
        for guest_id in guest_ids
        if stored.get(
            guest_id,
            falls_into_holdout(play_key=play.pk, guest_id=guest_id, percent=play.holdout_percent),
        )
    }
