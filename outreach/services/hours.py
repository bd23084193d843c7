"""Calling hours of the law: changed by people who may change the rules, never deleted."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from audit import services as audit
from outreach import events
from outreach.errors import Conflict, NotAllowed
from outreach.gate import hours
from outreach.gate.places import place_name
from outreach.models import CallingHours, OutreachPolicy

if TYPE_CHECKING:
    from staff.models import User

DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


@transaction.atomic
def set_hours(
    *, data: dict[str, Any], by: User, now: datetime, replaces_id: int | None = None
) -> CallingHours:
    """Put hours into force, in place of an older row where one is named. `data` is that of
    CallingHoursForm. Raises NotAllowed, Conflict."""
    _check_may(by)
    _one_at_a_time()
    old = _in_force(replaces_id) if replaces_id is not None else None
    _check_free(data, besides=old)
    if old is not None:
        _put_out(old, by=by, now=now)
    row = CallingHours.objects.create(changed_at=now, changed_by=by, **data)
    detail = {"place": place_name(row.jurisdiction), "hours": in_words(row), "source": row.source}
    if old is not None:
        detail["before"] = in_words(old)
    audit.record(events.HOURS_SET, at=now, by=by, target=row, detail=detail)
    return row


@transaction.atomic
def end_hours(*, hours_id: int, by: User, now: datetime) -> CallingHours:
    """Put hours out of force. Raises NotAllowed, Conflict."""
    _check_may(by)
    _one_at_a_time()
    row = _in_force(hours_id)
    _put_out(row, by=by, now=now)
    audit.record(
        events.HOURS_ENDED,
        at=now,
        by=by,
        target=row,
        detail={"place": place_name(row.jurisdiction), "hours": in_words(row)},
    )
    return row


def in_words(row: CallingHours) -> str:
    """Mon, Tue 08:00 to 20:00, marketing only."""
    days = "every day" if len(row.weekdays) == 7 else ", ".join(DAYS[d - 1] for d in row.weekdays)
    words = f"{days} {row.opens:%H:%M} to {row.closes:%H:%M}"
    return words + (", marketing only" if row.marketing_only else "")


def _check_may(user: User) -> None:
    if not user.has_perm("outreach.change_policy"):
        raise NotAllowed("Only people who serve every location may change calling hours.")


def _one_at_a_time() -> None:
    """Two people who change hours at once come one after the other: what overlaps is seen."""
    OutreachPolicy.current()
    OutreachPolicy.objects.select_for_update().get()
    hours.lay_out()


def _in_force(hours_id: int) -> CallingHours:
    row = CallingHours.objects.select_for_update().filter(pk=hours_id, in_force=True).first()
    if row is None:
        raise Conflict("These hours were changed meanwhile. Look at the list again.")
    return row


def _check_free(data: dict[str, Any], *, besides: CallingHours | None) -> None:
    others = CallingHours.objects.filter(
        in_force=True, jurisdiction=data["jurisdiction"], weekdays__overlap=data["weekdays"]
    )
    other = (others.exclude(pk=besides.pk) if besides else others).first()
    if other is not None:
        both = sorted(set(other.weekdays) & set(data["weekdays"]))
        days = ", ".join(DAYS[day - 1] for day in both)
        raise Conflict(
            f"{place_name(other.jurisdiction)} has hours for {days} already ({in_words(other)}). "
            "Change those instead, or leave the days out."
        )


def _put_out(row: CallingHours, *, by: User, now: datetime) -> None:
    row.in_force, row.changed_at, row.changed_by = False, now, by
    row.save(update_fields=["in_force", "changed_at", "changed_by"])
