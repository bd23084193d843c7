"""What there is to know about a play at a location before it may act more by itself: counts of the
last 90 days, in a constant number of queries for any number of plays and locations.

A promotion counts at the moment of looking. Lists of many plays and locations read what the night
has counted (tallies.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from outreach.experiments.experiment_counts import arms_at

DAYS = 90
# Below this people see counts, above it shares (ux.md).
SHARES_FROM = 20

Pair = tuple[str, int]  # play key, location id


@dataclass
class Arms:
    """What the comparison shows so far: who is a member 60 days after the draw, by arm, as on the
    quality page (kept members, or people won back)."""

    treated: int = 0
    treated_kept: int = 0
    held_out: int = 0
    held_out_kept: int = 0


@dataclass
class Numbers:
    """Counts of drafts and messages of one play at one location. `decided` are decisions of
    people: approved as they came, approved after a change of words, or rejected, by reason."""

    drafts: int = 0
    as_is: int = 0
    edited: int = 0
    rejected_person: int = 0
    rejected_offer: int = 0
    rejected_words: int = 0
    rejected_not_now: int = 0
    expired: int = 0
    by_rule: int = 0
    waiting: int = 0
    messages: int = 0
    taken_back: int = 0
    sent: int = 0
    sent_by_rule: int = 0
    failed: int = 0
    undelivered: int = 0
    stops: int = 0
    arms: Arms = field(default_factory=Arms)

    @property
    def rejected(self) -> int:
        return (
            self.rejected_person + self.rejected_offer + self.rejected_words + self.rejected_not_now
        )

    @property
    def decided(self) -> int:
        return self.as_is + self.edited + self.rejected

    def counts(self) -> dict[str, int]:
        """Every count by its name, those of the arms among them."""
        named: dict[str, Any] = asdict(self)
        arms: dict[str, int] = named.pop("arms")
        return {**named, **arms}

    @classmethod
    def of_counts(cls, named: Mapping[str, int]) -> Numbers:
        """What `counts` gave."""
        arms = {one.name: named[one.name] for one in fields(Arms)}
        rest = {one.name: named[one.name] for one in fields(cls) if one.name != "arms"}
        return cls(**rest, arms=Arms(**arms))

    def figures(self) -> dict[str, Any]:
        """Flat counts, as a promotion and the ledger keep them."""
        return {**self.counts(), "days": DAYS, "decided": self.decided}


def share_in_words(count: int, of: int) -> str:
    """A share as people read it: counts below 20, percent from there on, nothing of
    nothing."""
    if not of:
        return "–"
    if of < SHARES_FROM:
        return _("%(count)d of %(of)d") % {"count": count, "of": of}
    return _("%(percent)d %% of %(of)d") % {"percent": round(100 * count / of), "of": of}


_DRAFTS = """
SELECT d.play_id, d.location_id, count(*),
    count(*) FILTER (WHERE by_person AND d.body = d.library_body AND d.subject = d.library_subject),
    count(*) FILTER (WHERE by_person
        AND NOT (d.body = d.library_body AND d.subject = d.library_subject)),
    count(*) FILTER (WHERE d.rejection = 'person'),
    count(*) FILTER (WHERE d.rejection = 'offer'),
    count(*) FILTER (WHERE d.rejection = 'words'),
    count(*) FILTER (WHERE d.rejection = 'not_now'),
    count(*) FILTER (WHERE d.status = 'expired'),
    count(*) FILTER (WHERE d.automatic_rule <> ''),
    count(*) FILTER (WHERE d.status = 'pending')
FROM (SELECT *, status IN ('approved', 'withdrawn') AND decided_by_id IS NOT NULL
             AND automatic_rule = '' AS by_person
      FROM outreach_draft
      WHERE location_id = ANY(%(locations)s) AND created_at > %(since)s) d
GROUP BY 1, 2
"""
_DRAFT_COUNTS = (
    "drafts", "as_is", "edited", "rejected_person", "rejected_offer", "rejected_words",
    "rejected_not_now", "expired", "by_rule", "waiting",
)  # fmt: skip
_MESSAGES = """
SELECT m.play_id, m.location_id, count(*),
    count(*) FILTER (WHERE o.state = 'withdrawn'),
    count(*) FILTER (WHERE o.state = 'sent'),
    count(*) FILTER (WHERE o.state = 'sent' AND m.is_automatic),
    count(*) FILTER (WHERE o.state IN ('refused', 'dead', 'uncertain')),
    count(*) FILTER (WHERE m.delivery IN ('undelivered', 'bounced')),
    count(*) FILTER (WHERE EXISTS (
        SELECT 1 FROM outreach_reply r WHERE r.message_id = m.id AND r.intent = 'stop'))
FROM outreach_message m JOIN platforms_outboxitem o ON o.id = m.outbox_id
WHERE m.location_id = ANY(%(locations)s) AND m.approved_at > %(since)s
  AND m.purpose = 'outreach' AND m.play_id IS NOT NULL
GROUP BY 1, 2
"""
_MESSAGE_COUNTS = (
    "messages", "taken_back", "sent", "sent_by_rule", "failed", "undelivered", "stops",
)  # fmt: skip


def numbers(location_ids: Iterable[int], *, now: datetime) -> dict[Pair, Numbers]:
    """Counts by play and location; pairs of which there is nothing are left out. Three queries."""
    values: dict[str, Any] = {
        "locations": list(location_ids),
        "since": now - timedelta(days=DAYS),
        "now": now,
    }
    found: dict[Pair, Numbers] = {}
    with connection.cursor() as cursor:
        for sql, names in ((_DRAFTS, _DRAFT_COUNTS), (_MESSAGES, _MESSAGE_COUNTS)):
            cursor.execute(sql, values)
            for play, location_id, *counts in cursor.fetchall():
                row = found.setdefault((play, location_id), Numbers())
                for name, count in zip(names, counts, strict=True):
                    setattr(row, name, count)
    for pair, counts in arms_at(location_ids=values["locations"], now=now).items():
        found.setdefault(pair, Numbers()).arms = Arms(*counts)
    return found
