"""A list worked on paper, keyed in line by line: `12 3` is row 12, outcome 3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Max

from cancellations.hours import call_back_times
from cancellations.models import Call, CallTry
from cancellations.rules import SAME_PRESS, NoSuchRow, WrongTime
from cancellations.services.calls import LOGGABLE, log_call
from cancellations.talk import clock
from outreach.gate.hours import Hours
from staff.models import User

LINE = re.compile(r"\s*(\d{1,4})[\s,.;]+([1-7])(?:[\s,.;]+([1-4]))?(?:\s+(\D.*))?\s*\Z")
HOW = "Write the row and the outcome, like 12 3."


@dataclass(frozen=True, slots=True)
class Entered:
    """What a line did, for the running log."""

    call: Call
    text: str


def enter_line(*, location_id: int, on: date, line: str, by: User, now: datetime) -> Entered:
    """Log the outcome a line names; words after the numbers become the note. A call-back takes a
    third number, one of its four times. Raises NoSuchRow, WrongTime and what `log_call` raises;
    nothing is written then."""
    match = LINE.match(line)
    if match is None:
        raise NoSuchRow(HOW)
    row_no, outcome = int(match[1]), LOGGABLE[int(match[2]) - 1]
    rows = Call.objects.filter(location=location_id, on=on).select_related("guest", "location")
    call: Call | None = rows.filter(row_no=row_no).first()
    if call is None:
        last = rows.aggregate(last=Max("row_no"))["last"]
        raise NoSuchRow(
            f"There is no row {row_no}. Rows go from 1 to {last}."
            if last
            else "This list is empty."
        )
    if not _just_entered(call, outcome, by, now):
        call = log_call(
            call_id=call.pk,
            version=call.version,
            outcome=outcome,
            note=match[4] or "",
            call_back_at=_time(call, match[3], now) if outcome == "call_back" else None,
            by=by,
            now=now,
        )
    label = Call.Outcome(outcome).label
    return Entered(call=call, text=f"Row {row_no}, {call.guest.name}: {label}")


def _just_entered(call: Call, outcome: str, by: User, now: datetime) -> bool:
    """The same line twice within a minute is one entry."""
    return (
        CallTry.objects.filter(call=call, by=by, outcome=outcome, at__gt=now - SAME_PRESS)
        .standing()
        .exists()
    )


def _time(call: Call, choice: str | None, now: datetime) -> datetime:
    times = call_back_times(now, call, Hours.current())
    if choice is None or int(choice) > len(times):
        offered = "; ".join(
            f"{number} = {clock(at.astimezone(call.zone))}"
            for number, at in enumerate(times, start=1)
        )
        raise WrongTime(f"Say when, like {call.row_no} 5 1: {offered}.")
    return times[int(choice) - 1]
