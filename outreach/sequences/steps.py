"""Changing the steps of a play's sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from audit import services as audit
from outreach import events
from outreach.errors import Conflict, NotAllowed
from outreach.models import Channel, LibraryStatus, Play, Step, Template
from outreach.models.sequences import MOST_STEPS
from outreach.texts.fields import field_names

if TYPE_CHECKING:
    from staff.models import User


@dataclass(frozen=True, kw_only=True)
class StepLine:
    """One step as typed in; numbers follow from the order."""

    wait_hours: int = 0
    is_call: bool = False
    with_offer: bool = True
    channel: str = ""
    cause: str = ""
    note: str = ""
    is_active: bool = True


@transaction.atomic
def set_steps(
    *,
    play_key: str,
    lines: Sequence[StepLine],
    leaves_on: Sequence[str],
    choose_time: bool,
    by: User,
    now: datetime,
) -> list[Step]:
    """Replace the steps of a play, what ends its sequences early, and whether it chooses the hour.

    Guests under way go on with whatever now follows the number they are at. Nothing changed is no
    act. Raises Conflict with what to mend, NotAllowed.
    """
    if not by.has_perm("outreach.approve_library"):
        raise NotAllowed("You may not change sequences. Ask a regional manager.")
    play = Play.objects.select_for_update().get(pk=play_key)
    check_steps(play, lines)
    before = [_line(step) for step in play.steps.order_by("number")]
    rules = (sorted(leaves_on), choose_time)
    if before == list(lines) and rules == (sorted(play.leaves_on), play.choose_time):
        return list(play.steps.order_by("number"))
    play.steps.all().delete()
    steps = Step.objects.bulk_create(
        [Step(play=play, number=n, **vars(line)) for n, line in enumerate(lines, start=1)]
    )
    play.leaves_on, play.choose_time = rules
    play.save(update_fields=["leaves_on", "choose_time"])
    audit.record(
        events.STEPS_CHANGED,
        at=now,
        by=by,
        target=play,
        detail={
            "play": play.pk,
            "steps": "; ".join(_words(n, line) for n, line in enumerate(lines, start=1)),
            "leaves_on": play.leaves_on,
            "choose_time": play.choose_time,
        },
    )
    return steps


def check_steps(play: Play, lines: Sequence[StepLine]) -> None:
    """Waits, number and texts of the steps are right. Raises Conflict with what to mend."""
    if not lines or len(lines) > MOST_STEPS:
        raise Conflict(f"A sequence has one to {MOST_STEPS} steps.")
    first = lines[0]
    if first.is_call or first.wait_hours or not first.is_active:
        raise Conflict("The first step is the play's own message, at once.")
    texts = list(Template.objects.filter(play=play, status=LibraryStatus.ACTIVE))
    for number, line in enumerate(lines, start=1):
        if number > 1 and line.wait_hours < 1:
            raise Conflict(f"Step {number} needs a wait of an hour or more.")
        if line.is_call and not line.note.strip():
            raise Conflict(f"Step {number}: say what the desk should call about.")
        if not line.is_call and line.is_active:
            _check_text(number, line, texts)


def _check_text(number: int, line: StepLine, texts: Sequence[Template]) -> None:
    """There is a text in use for the step on its channel, or on each where it has no choice."""
    wanted = [line.channel] if line.channel else [str(channel) for channel in Channel]
    for channel in wanted:
        fitting = [
            text
            for text in texts
            if text.channel == channel
            and (not line.cause or text.cause == line.cause)
            and (line.with_offer or "offer" not in field_names(text.body))
        ]
        if not fitting:
            name = Channel(channel).label
            raise Conflict(
                f"Step {number}: no text in use fits for {name}. Propose one under Texts, or "
                "choose other words, or another channel."
            )


def _line(step: Step) -> StepLine:
    return StepLine(**{name: getattr(step, name) for name in StepLine.__dataclass_fields__})


def _words(number: int, line: StepLine) -> str:
    """A step in the ledger: 2 after 96 h words."""
    what = "call" if line.is_call else "offer" if line.with_offer else "words"
    off = "" if line.is_active else " (off)"
    return f"{number} after {line.wait_hours} h {what}{off}"
