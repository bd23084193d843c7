"""What every play of retention brings, and what they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Max, Min, OuterRef, Subquery

from audit import services as audit
from memberships.models import Appointment, GuestDay
from outreach.drafting.candidates import Candidate
from outreach.drafting.making import draft_for
from outreach.models import Draft, Play
from outreach.models import Run as SequenceRun
from retention import events


class Run(Protocol):
    """Look for people and draft. Returns counts; safe to call twice for the same night."""

    def __call__(self, *, location_id: int, as_of_on: date, now: datetime) -> dict[str, int]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPlay:
    """`key` is that of the `outreach.Play` row."""

    key: str
    run: Run


# People found at a location as of a local date and an instant, the most at stake first.
Finder = Callable[[int, date, datetime], Sequence[Candidate]]


def play_of(key: str, find: Finder, *, waits_its_turn: bool) -> RetentionPlay:
    """A play that drafts for whom `find` finds. `waits_its_turn`: it leaves alone who has a draft
    or a sequence of any play, so that a guest hears one thing at a time. Drafts whose situation is
    over are withdrawn with their sequence (outreach.gate.leaving)."""

    def run(*, location_id: int, as_of_on: date, now: datetime) -> dict[str, int]:
        play = Play.objects.get(pk=key)
        found = find(location_id, as_of_on, now)
        busy = _spoken_to([c.guest_id for c in found], but=key) if waits_its_turn else set()
        free = [candidate for candidate in found if candidate.guest_id not in busy]
        return draft_night(
            play,
            location_id=location_id,
            as_of_on=as_of_on,
            candidates=free,
            found=len(found),
            passed_over=Counter({"another_play": len(found) - len(free)}),
            withdrawn=0,
            now=now,
        )

    return RetentionPlay(key=key, run=run)


def _spoken_to(guest_ids: Iterable[int], *, but: str) -> set[int]:
    """Guests with an open draft or a sequence under way of other plays."""
    guests = list(guest_ids)
    drafts = Draft.objects.open().filter(guest__in=guests).exclude(play=but)
    runs = SequenceRun.objects.under_way().filter(guest__in=guests).exclude(play=but)
    return {*drafts.values_list("guest", flat=True), *runs.values_list("guest", flat=True)}


def draft_night(
    play: Play,
    *,
    location_id: int,
    as_of_on: date,
    candidates: Sequence[Candidate],
    found: int,
    passed_over: Counter[str],
    withdrawn: int,
    now: datetime,
) -> dict[str, int]:
    """Hand the night's candidates to outreach and write what became of them into the ledger.
    Returns counts: withdrawn, found, drafted, held_out and one per reason to pass over."""
    result = draft_for(play_key=play.pk, candidates=candidates, now=now)
    skipped = passed_over + result.skipped
    counts = {
        "withdrawn": withdrawn,
        "scored": found,
        "drafted": result.drafted,
        "held_out": result.held_out,
        **({"recorded": result.recorded} if result.recorded else {}),
        **{why: number for why, number in skipped.items() if number},
    }
    with transaction.atomic():
        audit.record(
            events.PLAY_RUN,
            at=now,
            location_id=location_id,
            detail={
                "play": play.name,
                "drafted": result.drafted,
                "held_out": result.held_out,
                "skipped": sum(skipped.values()),
                "withdrawn": withdrawn,
                "as_of_on": as_of_on,
                "counts": counts,
            },
        )
    return counts


def reason(cause: str, text: str) -> dict[str, Any]:
    """A reason of a play that rests on no score, as a reviewer's card reads it."""
    return {"cause": cause, "text": text, "direction": "raises", "raises": True}


def last_visit_on() -> Subquery:
    """The local date of the row's guest's last completed visit, null where there is none."""
    visits = GuestDay.objects.filter(guest=OuterRef("guest"), visits__gt=0)
    return Subquery(visits.values("guest").annotate(last=Max("on")).values("last"))


def next_booking_on(now: datetime) -> Subquery:
    """The local date of the next booking of the row's guest, null where there is none."""
    bookings = Appointment.objects.coming().filter(
        guest=OuterRef("guest"), starts_at__gt=now, vanished_at__isnull=True
    )
    return Subquery(bookings.values("guest").annotate(first=Min("starts_on")).values("first"))
