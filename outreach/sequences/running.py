"""Readings about sequences: the list of runs, one guest's runs, the place of a draft in its run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from outreach.models import CallTask, Draft, Message, Play, Run, Step
from platforms.models import OutboxItem

if TYPE_CHECKING:
    from memberships.models import Guest
    from staff.models import User

VIEWS = ["running", "waiting", "paused", "ended"]
NEWEST_OF_GUEST = 5


@dataclass(frozen=True)
class Steps:
    """The active steps of every play, for the words of many rows. One query."""

    by_play: dict[str, list[Step]]

    @classmethod
    def read(cls) -> Steps:
        by_play: dict[str, list[Step]] = {}
        steps = Step.objects.filter(is_active=True).select_related("play")
        for step in steps.order_by("play__name", "number"):
            by_play.setdefault(step.play_id, []).append(step)
        return cls(by_play)

    def plays(self) -> list[Play]:
        """Plays with more than one message, by name."""
        return [steps[0].play for steps in self.by_play.values() if len(steps) > 1]

    def after(self, run: Run) -> Step | None:
        """The step that follows the one the run is at."""
        following = (one for one in self.by_play.get(run.play_id, []) if one.number > run.step)
        return next(following, None)


def place_of(run: Run, step: int) -> str:
    """Where a step stands: "2 of 3 of Win-back"."""
    return _("%(step)d of %(steps)d of %(play)s") % {
        "step": step,
        "steps": max(step, run.steps_total),
        "play": run.play.name,
    }


def place_of_draft(draft: Draft | None) -> str:
    """The place of a draft in its sequence, empty when it is of none. Needs `run__play`."""
    if draft is None or draft.run is None:
        return ""
    return place_of(draft.run, draft.step or 1)


@dataclass
class RunRow:
    """One run with what is next, in words."""

    run: Run
    place: str
    following: str  # what the next step is, "" where none follows
    now: str  # what the current step waits for, "" while the wait for the next one runs
    draft_id: int | None  # of the open draft it waits for
    leaves_at: datetime | None  # of the message that waits in Outgoing

    @property
    def rest(self) -> str:
        """What is left of a paused wait: 2 days, or 5 hours."""
        hours = round((self.run.remaining or timedelta(0)).total_seconds() / 3600)
        if hours >= 24:
            return ngettext("%(n)d day", "%(n)d days", hours // 24) % {"n": hours // 24}
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}


def runs_shown(user: User, location_id: int | None, *, view: str, play: str) -> QuerySet[Run]:
    """Runs of a view, the next to act first; ended ones newest first."""
    runs = Run.objects.visible_to(user).at(location_id)
    if play:
        runs = runs.filter(play=play)
    running = Q(state=Run.State.RUNNING)
    chosen = {
        "running": runs.filter(running, next_at__isnull=False).order_by("next_at", "pk"),
        "waiting": runs.filter(running, next_at__isnull=True).order_by("begun_at", "pk"),
        "paused": runs.filter(state=Run.State.PAUSED).order_by("paused_at", "pk"),
        "ended": runs.exclude(state__in=Run.UNDER_WAY).order_by("-ended_at", "-pk"),
    }[view]
    shown: QuerySet[Run] = _with_all(chosen)
    return shown


def counts(user: User, location_id: int | None, *, play: str) -> dict[str, int]:
    """How many runs each view holds. One query."""
    runs = Run.objects.visible_to(user).at(location_id)
    if play:
        runs = runs.filter(play=play)
    running = Q(state=Run.State.RUNNING)
    result: dict[str, int] = runs.aggregate(
        running=Count("pk", filter=running & Q(next_at__isnull=False)),
        waiting=Count("pk", filter=running & Q(next_at__isnull=True)),
        paused=Count("pk", filter=Q(state=Run.State.PAUSED)),
        ended=Count("pk", filter=~Q(state__in=Run.UNDER_WAY)),
    )
    return result


def of_guest(guest: Guest, user: User) -> list[RunRow]:
    """The newest runs of a guest, those under way first. Five queries."""
    runs = Run.objects.visible_to(user).filter(guest=guest)
    newest = _with_all(runs.order_by("-started_at", "-pk"))[:NEWEST_OF_GUEST]
    under_way_first = sorted(newest, key=lambda run: run.state not in Run.UNDER_WAY)
    return rows(under_way_first, Steps.read())


def _with_all(runs: QuerySet[Run]) -> QuerySet[Run]:
    messages = Message.objects.select_related("outbox").order_by("pk")
    drafts = Draft.objects.order_by("pk").prefetch_related(Prefetch("messages", messages))
    return runs.select_related("guest", "location", "play", "changed_by").prefetch_related(
        Prefetch("drafts", drafts), Prefetch("calls", CallTask.objects.order_by("pk"))
    )


def rows(runs: Sequence[Run], steps: Steps) -> list[RunRow]:
    """What the list says of each run. No query besides those of the runs."""
    return [_row(run, steps) for run in runs]


def _row(run: Run, steps: Steps) -> RunRow:
    following = steps.after(run)
    what, draft_id, leaves_at = ("", None, None)
    if run.state in Run.UNDER_WAY and run.next_at is None and run.remaining is None:
        what, draft_id, leaves_at = _awaited(run)
    return RunRow(
        run=run,
        place=place_of(run, run.step),
        following=_kind(following) if following else "",
        now=what,
        draft_id=draft_id,
        leaves_at=leaves_at,
    )


def _kind(step: Step) -> str:
    if step.is_call:
        return _("a call by the desk")
    return _("a message with an offer") if step.with_offer else _("a message, words only")


def _awaited(run: Run) -> tuple[str, int | None, datetime | None]:
    """What the current step waits for."""
    if any(call.step == run.step for call in run.calls.all()):
        return _("on the desk's call list"), None, None
    draft = next((one for one in reversed(run.drafts.all()) if one.step == run.step), None)
    if draft is None:
        return "", None, None
    if draft.status == Draft.Status.PENDING:
        return _("its draft awaits a decision"), draft.pk, None
    message = next(reversed(draft.messages.all()), None)
    if draft.status == Draft.Status.APPROVED and message is not None:
        ready = message.outbox.state == OutboxItem.State.READY
        words = _("approved, leaves") if ready else _("handed to the carrier")
        return words, None, message.outbox.due_at if ready else None
    return str(draft.get_status_display()), None, None
