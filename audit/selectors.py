"""Readings of the ledger for /activity/ and its export."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from heapq import merge
from itertools import islice
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

from audit import events
from audit.formula import home_of
from audit.models import LOOKS, LedgerEntry, LedgerHead

PAGE = 50
BATCH = 1_000
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(9000, 1, 1)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?")
AHEAD = 200  # entries of a chain read at a time while many chains are told as one

Cursor = tuple[datetime, int]


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What /activity/ is narrowed to. Dates are those of the reader's zone, both included."""

    location_id: int | None = None
    person_id: int | None = None
    guest_id: int | None = None
    event: str = ""  # a whole name, or the first part of one with its dot: "draft."; none: all
    # but looks, which would hide what was done
    play: str = ""
    about: str = ""  # the number of what an event was about: of a draft, a message, a call
    from_on: date | None = None
    to_on: date | None = None
    zone: tzinfo = UTC

    def events(self) -> list[str]:
        """The events of the group asked for; none where one event or all are asked for."""
        if not self.event.endswith("."):
            return []
        return [event for event in events.known() if event.startswith(self.event)]

    def conditions(self) -> tuple[list[str], dict[str, Any]]:
        """What an entry `e` must fulfil beside its chain and a group of events, with values."""
        asked: dict[str, tuple[str, Any]] = {
            "actor": ("e.actor_id = %(actor)s", self.person_id),
            "guest": ("e.guest_id = %(guest)s", self.guest_id),
            "play": ("e.play = %(play)s", self.play or None),
            "about": ("e.target_id = %(about)s", self.about or None),
            "since": ("e.at >= %(since)s", self.from_on and self._midnight(self.from_on)),
            "until": (
                "e.at < %(until)s",
                self.to_on and self._midnight(self.to_on, days=1),
            ),
        }
        if self.event and not self.event.endswith("."):
            asked["event"] = ("e.event = %(event)s", self.event)
        told = {name: pair for name, pair in asked.items() if pair[1] is not None}
        texts = [text for text, _value in told.values()]
        if not self.event:
            texts.append(f"NOT (e.event IN {LOOKS!r})")
        return texts, {name: value for name, (_text, value) in told.items()}

    @property
    def is_narrow(self) -> bool:
        """Whether few entries can fit, so that they are better asked for than their chains."""
        return self.guest_id is not None or bool(self.about)

    def _midnight(self, on: date, *, days: int = 0) -> datetime:
        """The beginning of the day so many days after `on`. What lies at the end of time narrows
        nothing, and could not be counted on from."""
        known = min(max(on, FIRST_DAY), LAST_DAY) + timedelta(days=days)
        return datetime.combine(known, time.min, tzinfo=self.zone).astimezone(UTC)


def chains_of(user: Any, location_id: int | None) -> list[str]:
    """The chains a person may read, or the one of a location of theirs. What concerns the whole
    organisation is shown to those who serve all of it."""
    if location_id is not None:
        return [home_of(location_id)] if location_id in user.location_ids() else []
    if getattr(user, "all_locations", False):
        return list(LedgerHead.objects.values_list("chain", flat=True))
    return [home_of(pk) for pk in user.location_ids()]


def newest(
    chains: Sequence[str], filters: Filters, *, before: Cursor | None = None, limit: int = PAGE
) -> list[LedgerEntry]:
    """The newest entries of the chains that fit, from the entry (its instant and id) of a cursor
    on. Each chain (and each event of a group) gives its newest by an index; the newest of those
    are the answer. So a page costs the same whatever else stands in the ledger."""
    query, values = _query(chains, filters, before=before, limit=limit)
    return list(LedgerEntry.objects.raw(query, values))


def _query(
    chains: Sequence[str], filters: Filters, *, before: Cursor | None, limit: int
) -> tuple[str, dict[str, Any]]:
    conditions, values = filters.conditions()
    group = filters.events()
    values |= {"chains": list(chains), "group": group, "limit": limit}
    if before is not None:
        conditions.append("(e.at, e.id) < (%(before_at)s, %(before_id)s)")
        values |= {"before_at": before[0], "before_id": before[1]}
    by_event = ""
    if filters.event.endswith("."):
        if filters.is_narrow or filters.person_id is not None or filters.play:
            conditions.append("e.event = ANY(%(group)s)")
        else:  # no index has the events of a group in the order of time
            by_event = "CROSS JOIN unnest(%(group)s::text[]) AS g (event)"
            conditions.append("e.event = g.event")
    if filters.is_narrow:
        conditions.append("e.chain = ANY(%(chains)s)")
        return (
            f"SELECT e.* FROM audit_ledgerentry e WHERE {' AND '.join(conditions)}"  # noqa: S608
            " ORDER BY e.at DESC, e.id DESC LIMIT %(limit)s",
            values,
        )
    return (
        f"""
        SELECT e.* FROM (
            SELECT newest.id FROM unnest(%(chains)s::text[]) AS c (chain) {by_event}
            CROSS JOIN LATERAL (
                SELECT e.id, e.at FROM audit_ledgerentry e
                WHERE e.chain = c.chain AND {" AND ".join(conditions)}
                ORDER BY e.at DESC, e.id DESC LIMIT %(limit)s
            ) newest
            ORDER BY newest.at DESC, newest.id DESC LIMIT %(limit)s
        ) found JOIN audit_ledgerentry e ON e.id = found.id
        ORDER BY e.at DESC, e.id DESC
        """,  # noqa: S608 - conditions are code of ours; values travel as parameters
        values,
    )


def everything(chains: Sequence[str], filters: Filters, *, before: Cursor) -> Iterator[LedgerEntry]:
    """All entries that fit, the newest first, holding a few of each chain at a time."""
    parts = [chains] if filters.is_narrow else [[chain] for chain in chains]
    ahead = BATCH if len(parts) == 1 else AHEAD
    return merge(
        *(_in_order(part, filters, before, ahead) for part in parts),
        key=lambda entry: (entry.at, entry.pk),
        reverse=True,
    )


def _in_order(
    chains: Sequence[str], filters: Filters, before: Cursor, ahead: int
) -> Iterator[LedgerEntry]:
    while entries := newest(chains, filters, before=before, limit=ahead):
        yield from entries
        before = (entries[-1].at, entries[-1].pk)


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
    names: dict[str, Any] = {kind: events.names_of(kind, ids) for kind, ids in wanted.items()}
    details = [_detail(entry) for entry in entries]
    names["play"] = dict(events.plays()) if any("play" in detail for detail in details) else {}
    return [_line(*pair, names) for pair in zip(entries, details, strict=True)]


def _line(entry: LedgerEntry, detail: dict[str, Any], names: dict[str, Any]) -> Line:
    guest = names.get("guest", {}).get(entry.guest_id, "") if entry.guest_id else ""
    location = names.get("location", {}).get(entry.location_id, "") if entry.location_id else ""
    values = {name: Part(_told(name, value)) for name, value in detail.items()}
    if "play" in detail:
        values["play"] = Part(names["play"].get(detail["play"]) or _plain(detail["play"]))
    values["actor"] = Part(entry.actor_label, "person", entry.actor_id)
    values["guest"] = Part(guest or "a guest", "guest" if guest else "", entry.guest_id)
    values["location"] = Part(location or "the organisation")
    values["target"] = Part(_target(entry, names))
    return Line(entry, _fill(events.sentence_of(entry.event), values), location)


def _told(name: str, value: Any) -> str:
    return _plain(events.words_of(name, value) if isinstance(value, str) else value)


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
    return "–" if value is None else _dated(str(value))


def _dated(text: str) -> str:
    """A date or an instant, kept as ISO 8601, as staff read it, in the zone of the reader."""
    if not _ISO.fullmatch(text):
        return text
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    if len(text) == len("2026-11-21"):
        return date_format(at, "D j M Y")
    return date_format(timezone.localtime(at) if at.tzinfo else at, "D j M Y, H:i")


def _change(value: Any) -> str:
    if isinstance(value, list) and len(value) == 2:
        return f"{_plain(value[0])} → {_plain(value[1])}"
    return "changed" if value == [] else _plain(value)


def in_batches(entries: Iterable[LedgerEntry]) -> Iterator[list[Line]]:
    """The entries as sentences, a batch at a time."""
    rest = iter(entries)
    while batch := list(islice(rest, BATCH)):
        yield lines(batch)
