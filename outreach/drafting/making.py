"""From candidates of a play to drafts with offer, text and evidence, for a person to decide.

Set-based: the number of queries does not grow with the number of candidates. Every candidate ends
as a draft, in the comparison group, or in a counter that says why not. Where a play only reports,
what would have become a draft is recorded and nothing else (shadows.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection, transaction

from audit import services as audit
from audit.services import Entry
from memberships.models import Guest
from outreach import approval, checks, events
from outreach.autonomy import shadows
from outreach.drafting.candidates import (
    ALREADY_OPEN,
    DAILY_LIMIT,
    NO_TEXT,
    Candidate,
    DraftingResult,
)
from outreach.drafting.rounds import Round
from outreach.experiments.arms import draw_arms, would_be_held_out
from outreach.models import Draft, Play, Run

if TYPE_CHECKING:
    from staff.models import User

BATCH = 1_000


@transaction.atomic
def draft_for(
    *,
    play_key: str,
    candidates: Sequence[Candidate],
    by: User | None = None,
    now: datetime,
) -> DraftingResult:
    """Draft for the candidates, in their order, up to the play's daily limit per location.

    A person who asks for drafts (`by`) passes neither the comparison group nor a stop, but is not
    bound by the daily limit. Where the play only reports, the night records what it would have
    drafted, and nobody can ask. Raises Play.DoesNotExist.
    """
    result = DraftingResult()
    play = Play.objects.get(pk=play_key)
    # One drafting at a time: limits and open drafts are counted, then added to. One lock for all
    # plays, since a guest has one draft for a reason whichever play asks, and a lock per location
    # would miss the guest who is a member here and books there.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('drafting'))")
    chosen = _once_per_guest(candidates)
    round_ = Round.read(play=play, candidates=chosen, now=now)
    entries: list[Entry] = []

    able: list[tuple[Candidate, Guest, str]] = []
    for candidate in chosen:
        reason, channel = round_.why_not(candidate, asked=by is not None)
        if reason:
            result.skip(candidate.guest_id, reason)
        else:
            able.append((candidate, round_.guests[candidate.guest_id], channel))

    # Drawn only among those who could be written to: both arms are then the same kind of guest.
    # Where nothing is sent there is no experiment yet: the same draw, but no arm is stored.
    held_out, new_arms = draw_arms(
        play=play,
        guest_ids=[c.guest_id for c, _, _ in able if not round_.only_reports(c)],
        now=now,
    )
    drafts: list[Draft] = []
    unsent: list[Draft] = []
    for candidate, guest, channel in able:
        if candidate.guest_id in held_out:
            result.held_out += 1
            if candidate.guest_id in new_arms:
                entries.append(
                    Entry(
                        event=events.GUEST_HELD_OUT,
                        at=now,
                        location_id=candidate.location_id,
                        guest_id=candidate.guest_id,
                        detail={"play": play.pk},
                    )
                )
            continue
        is_first = candidate.run_id is None
        if by is None and is_first and round_.today[candidate.location_id] >= play.daily_limit:
            result.skip(candidate.guest_id, DAILY_LIMIT)
            continue
        draft = round_.compose(candidate, guest, channel, by=by)
        if draft is None:
            result.skip(candidate.guest_id, NO_TEXT)
            continue
        round_.today[candidate.location_id] += is_first
        (unsent if round_.only_reports(candidate) else drafts).append(draft)

    looked_at = drafts + unsent
    for draft, results in zip(looked_at, checks.check_drafts(looked_at, now=now), strict=True):
        checks.apply(draft, results)
    result.recorded = shadows.record(
        unsent,
        play=play,
        held_out=would_be_held_out(play, [draft.guest_id for draft in unsent]),
        now=now,
    )
    # A decision taken back in this moment may have reopened a draft: then that one stands.
    Draft.objects.bulk_create(drafts, batch_size=BATCH, ignore_conflicts=True)
    made = list(
        Draft.objects.filter(
            play=play,
            created_at=now,
            guest_id__in=[draft.guest_id for draft in drafts],
            status=Draft.Status.PENDING,
        ).order_by("pk")
    )
    result.drafted = len(made)
    result.draft_ids = [draft.pk for draft in made]
    for guest_id in {d.guest_id for d in drafts} - {d.guest_id for d in made}:
        result.skip(guest_id, ALREADY_OPEN)
    by_guest = {candidate.guest_id: candidate for candidate in chosen}
    entries += _begin_runs(made, by_guest, round_) if round_.goes_on else []
    _take_step([draft for draft in made if draft.run_id and (draft.step or 0) > 1], now=now)
    entries += [
        Entry.about(
            events.DRAFT_CREATED,
            draft,
            at=now,
            by=by,
            run=draft.run_id,
            step=draft.step,
            channel=draft.channel,
            template=draft.template_id,
            offer=draft.offer_id,
            cost_cents=draft.cost_cents,
            cause=draft.evidence.get("cause", ""),
            score=draft.evidence.get("score"),
            model=draft.evidence.get("model"),
            evidence=approval.evidence_hash(draft),
            hash=approval.approval_hash(draft, version=draft.version),
            group=draft.group,
            failed=[check["check"] for check in draft.checks if not check["ok"]],
        )
        for draft in made
    ]
    audit.record_many(entries)
    return result


def _once_per_guest(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The first candidate of each guest."""
    seen: dict[int, Candidate] = {}
    for candidate in candidates:
        seen.setdefault(candidate.guest_id, candidate)
    return list(seen.values())


# --- Sequences ----------------------------------------------------------------------------------


def _begin_runs(
    made: Sequence[Draft], by_guest: dict[int, Candidate], round_: Round
) -> list[Entry]:
    """The first drafts of a play with further steps each begin a run. Returns ledger entries."""
    first = [draft for draft in made if draft.run_id is None]
    runs = Run.objects.bulk_create(
        [
            Run(
                guest_id=draft.guest_id,
                play=round_.play,
                location_id=draft.location_id,
                membership_id=draft.membership_id,
                appointment_id=draft.appointment_id,
                step=1,
                steps_total=max(round_.steps),
                begun_at=round_.now,
                started_at=round_.now,
                cause=by_guest[draft.guest_id].cause,
                evidence=by_guest[draft.guest_id].evidence,
                facts=by_guest[draft.guest_id].facts,
                ended_before_on=(
                    contract.ends_on
                    if (contract := round_.memberships.get(draft.membership_id or 0))
                    else None
                ),
            )
            for draft in first
        ],
        batch_size=BATCH,
    )
    for draft, run in zip(first, runs, strict=True):
        draft.run, draft.step = run, 1
    Draft.objects.bulk_update(first, ["run", "step"], batch_size=BATCH)
    return [
        Entry.about(
            events.SEQUENCE_BEGUN,
            run,
            at=round_.now,
            step=1,
        )
        for run in runs
    ]


def _take_step(drafts: Sequence[Draft], *, now: datetime) -> None:
    """The runs of these drafts are at the drafted step and await its end. One statement a step."""
    by_step: dict[int, list[int]] = {}
    for draft in drafts:
        by_step.setdefault(draft.step or 1, []).append(draft.run_id or 0)
    for step, run_ids in by_step.items():
        Run.objects.filter(pk__in=run_ids).update(
            step=step, begun_at=now, next_at=None, leased_until=None
        )
