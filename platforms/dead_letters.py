"""Records that could not be taken over: parked with their reason, resolved when they come sane."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from platforms.models import DeadLetter

MAX_PAYLOAD = 20_000


@dataclass(frozen=True)
class Poison:
    """One record as it came (JSON text), and what is wrong with it."""

    payload: str
    reason: str
    external_id: str = ""
    location_external_id: str = ""


def park(*, source: str, poisons: Sequence[Poison], now: datetime) -> int:
    """Park records of one source. The same record again is counted, not repeated. How many."""
    rows = {}
    for poison in poisons:
        fingerprint = hashlib.sha256(
            (poison.external_id or poison.payload).encode("utf-8", "replace")
        ).hexdigest()
        rows[fingerprint] = (
            source,
            poison.external_id[:64],
            poison.location_external_id[:64],
            fingerprint,
            poison.payload[:MAX_PAYLOAD].replace("\x00", "�"),
            poison.reason[:2000].replace("\x00", "�"),
            now,
            now,
        )
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO platforms_deadletter (source, external_id, location_external_id,
                   fingerprint, payload, reason, first_seen_at, last_seen_at, seen)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 1)
            ON CONFLICT (source, fingerprint) DO UPDATE SET payload = EXCLUDED.payload,
                   reason = EXCLUDED.reason, last_seen_at = EXCLUDED.last_seen_at,
                   seen = platforms_deadletter.seen + 1, resolved_at = NULL
            """,
            list(rows.values()),
        )
    return len(rows)


def resolve(*, source: str, external_ids: Iterable[str], now: datetime) -> int:
    """Close the parked records whose entity has now arrived sane. How many."""
    waiting = DeadLetter.objects.filter(source=source, resolved_at__isnull=True)
    parked = set(waiting.exclude(external_id="").values_list("external_id", flat=True))
    if not parked:
        return 0
    healed = parked.intersection(external_ids)
    return waiting.filter(external_id__in=healed).update(resolved_at=now) if healed else 0
