"""Readings of the ledger for /activity/ and its export."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from audit import events
from audit.apps import GUEST_VIEWED
from audit.models import LedgerEntry, LedgerEntryQuerySet

PAGE = 50
EXPORT_LIMIT = 50_000
BATCH = 1_000


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What /activity/ is narrowed to. Dates are those of the reader's zone, both included."""

    location_id: int | None = None
    person_id: int | None = None
    guest_id: int | None = None
    event: str = ""  # a whole name, or the first part of one with its dot: "draft."; none: all
    # but looks, which would hide what was done
    from_on: date | None = None
    to_on: date | None = None
    zone: tzinfo = UTC

    def apply(self, entries: LedgerEntryQuerySet) -> LedgerEntryQuerySet:
        """The entries that fit."""
        if self.location_id is not None:
            entries = entries.filter(location_id=self.location_id)
        if self.person_id is not None:
            entries = entries.filter(actor_id=self.person_id)
        if self.guest_id is not None:
            entries = entries.filter(guest_id=self.guest_id)
        if self.event.endswith("."):
            entries = entries.filter(
                event__in=[e for e in events.known() if e.startswith(self.event)]
            )
        elif self.event:
            entries = entries.filter(event=self.event)
        else:
            entries = entries.exclude(event=GUEST_VIEWED)
        if self.from_on is not None:
            entries = entries.filter(at__gte=self._midnight(self.from_on))
        if self.to_on is not None:
            entries = entries.filter(at__lt=self._midnight(self.to_on + timedelta(days=1)))
        return entries

    def _midnight(self, on: date) -> datetime:
        return datetime.combine(on, time.min, tzinfo=self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence; `kind` says what a page may link: guest, person, or nothing."""

    text: str
    kind: str = ""
    pk: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in words."""

    entry: LedgerEntry
    parts: list[Part]
    location: str

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)


def lines(entries: Sequence[LedgerEntry]) -> list[Line]:
    """The entries as sentences; one query for the names of each kind, however many entries."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for entry in entries:
        if entry.guest_id is not None:
            wanted["guest"].add(entry.guest_id)
        if entry.location_id is not None:
            wanted["location"].add(entry.location_id)
        if entry.target_id.isdecimal():
            wanted[entry.target_type].add(int(entry.target_id))
    names = {kind: events.names_of(kind, ids) for kind, ids in wanted.items()}
    return [_line(entry, names) for entry in entries]


def _line(entry: LedgerEntry, names: dict[str, Any]) -> Line:
    guest = names.get("guest", {}).get(entry.guest_id, "") if entry.guest_id else ""
    location = names.get("location", {}).get(entry.location_id, "") if entry.location_id else ""
    values: dict[str, Part] = {name: Part(_plain(value)) for name, value in _detail(entry).items()}
    values["actor"] = Part(entry.actor_label, "person", entry.actor_id)
    values["guest"] = Part(guest or "a guest", "guest" if guest else "", entry.guest_id)
    values["location"] = Part(location or "the organisation")
    values["target"] = Part(_target(entry, names))
    return Line(entry, _fill(events.sentence_of(entry.event), values), location)


def _detail(entry: LedgerEntry) -> dict[str, Any]:
    detail: dict[str, Any] = json.loads(entry.body).get("detail", {})
    return detail


def _target(entry: LedgerEntry, names: dict[str, Any]) -> str:
    if not entry.target_type:
        return "–"
    named = names.get(entry.target_type, {})
    known = named.get(int(entry.target_id)) if entry.target_id.isdecimal() else None
    return known or f"{entry.target_type.partition('.')[2]} {entry.target_id}"


def _fill(sentence: str, values: dict[str, Part]) -> list[Part]:
    """The sentence with its fields filled in; a field the entry lacks is a dash."""
    parts = []
    for index, piece in enumerate(sentence.replace("}", "{").split("{")):
        parts.append(values.get(piece, Part("–")) if index % 2 else Part(piece))
    return [part for part in parts if part.text]


def _plain(value: Any) -> str:
    """A detail in words: changes as "role: desk → manager", lists with commas."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_change(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "none"
    return "–" if value is None else str(value)


def _change(value: Any) -> str:
    if isinstance(value, list) and len(value) == 2:
        return f"{_plain(value[0])} → {_plain(value[1])}"
    return "changed" if value == [] else _plain(value)


def in_batches(entries: LedgerEntryQuerySet, *, limit: int = EXPORT_LIMIT) -> Iterator[list[Line]]:
    """All entries from the newest on, up to `limit`, a batch of sentences at a time."""
    cursor: tuple[datetime, int] | None = None
    while limit > 0:
        batch = list(entries.older_than(cursor)[: min(BATCH, limit)])
        if not batch:
            return
        yield lines(batch)
        cursor, limit = (batch[-1].at, batch[-1].pk), limit - len(batch)
