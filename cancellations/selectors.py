"""Reads of the call pages: one list, the next call, one card. Counted in statements, not rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from cancellations.hours import call_back_times, call_place, may_call
from cancellations.models import Call, CallList, CallQuerySet, CallTry
from memberships.models import Appointment, GuestDay, Location, Membership
from outreach.gate.hours import Hours
from outreach.models import Message, Reply

LAST_CONTACTS = 3
LAST_ENTERED = 15
HISTORY = 20
# Free rows are looked through for one whose guest may be called now.
LOOK_AHEAD = 50

TABS = ("todo", "later", "done")


def of_day(places: Sequence[Location], on: date | None, now: datetime) -> Q:
    """Rows of one day at these locations; without a day, of each location's own today."""
    if on is not None:
        return Q(location__in=[place.pk for place in places], on=on)
    by_day: dict[date, list[int]] = {}
    for place in places:
        by_day.setdefault(place.today(now), []).append(place.pk)
    days = Q(pk__in=[])
    for today, ids in by_day.items():
        days |= Q(location__in=ids, on=today)
    return days


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the day's list is. `reached`: guests spoken to."""

    todo: int = 0
    later: int = 0
    done: int = 0
    reached: int = 0

    @property
    def total(self) -> int:
        return self.todo + self.later + self.done


def progress(rows: QuerySet[Call], now: datetime) -> Progress:
    """Counts of a day's rows. A row that is due again counts as to do."""
    waits = Q(status=Call.Status.LATER, due_at__gt=now)
    counts = rows.order_by().aggregate(
        todo=Count("pk", filter=Q(status__in=Call.OPEN) & ~waits),
        later=Count("pk", filter=waits),
        done=Count("pk", filter=Q(status=Call.Status.DONE)),
        reached=Count("pk", filter=Q(status=Call.Status.DONE, outcome__in=CallTry.REACHED)),
    )
    return Progress(**counts)


def tab_rows(rows: CallQuerySet, tab: str, now: datetime) -> CallQuerySet:
    """The rows of one tab, in the order they are worked."""
    rows = rows.select_related("location", "guest", "held_by", "appointment", "membership__plan")
    if tab == "done":
        return rows.filter(status=Call.Status.DONE).order_by("location__name", "row_no")
    if tab == "later":
        return rows.filter(status=Call.Status.LATER, due_at__gt=now).order_by("due_at", "pk")
    return rows.ready(now).order_by("location__name", "row_no")


def built(places: Sequence[Location], on: date | None, now: datetime) -> list[CallList]:
    """The lists that were built for the day at these locations."""
    lists = CallList.objects.filter(of_day(places, on, now), built_at__isnull=False)
    return list(lists.select_related("location").order_by("location__name"))


def next_call(
    rows: CallQuerySet, *, user_id: int, now: datetime, after: int | None = None
) -> Call | None:
    """The row to call next: a promised call that is due, else the first free one by number whose
    guest may be called now. `after`: not this one again, unless it is the only one."""
    promised_first = Case(
        When(status=Call.Status.LATER, then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    free = (
        rows.ready(now)
        .free(now, user_id)
        .exclude(pk=after)
        .select_related("location", "guest")
        .order_by(promised_first, "location__name", "row_no")[:LOOK_AHEAD]
    )
    hours = Hours.current()
    return next((row for row in free if may_call(now, row, hours)), None)


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact with a guest, whoever began it. `text` may hold the guest's own words."""

    at: datetime
    what: str
    text: str = ""
    icon: str = "phone"


@dataclass(slots=True)
class CallCard:
    """Everything the caller needs to see of one row."""

    call: Call
    zone_now: datetime
    may_call: bool
    opens_at: datetime | None
    times: list[datetime]
    next_booking: Appointment | None
    membership: Membership | None
    last_visit_on: date | None
    contacts: list[Contact] = field(default_factory=list)


def call_card(call: Call, *, now: datetime) -> CallCard:
    """Read one card. `call` comes with guest, location, appointment and its service."""
    hours = Hours.current()
    zone = call.zone
    coming = (
        Appointment.objects.coming()
        .filter(guest=call.guest_id, vanished_at__isnull=True, starts_at__gt=now)
        .select_related("service", "therapist", "location")
        .order_by("starts_at")
    )
    running = (
        Membership.objects.running()
        .filter(guest=call.guest_id)
        .select_related("plan", "location")
        .order_by("-started_on")
    )
    last = GuestDay.objects.filter(guest=call.guest_id, visits__gt=0).order_by("-on")
    return CallCard(
        call=call,
        zone_now=now.astimezone(zone),
        may_call=may_call(now, call, hours),
        opens_at=hours.opens_at(now, call_place(call)),
        times=call_back_times(now, call, hours),
        next_booking=coming.first(),
        membership=running.first(),
        last_visit_on=last.values_list("on", flat=True).first(),
        contacts=last_contacts(call.guest_id),
    )


def last_contacts(guest_id: int) -> list[Contact]:
    """The newest contacts of a guest by phone and by message, newest first."""
    tries = (
        CallTry.objects.standing()
        .filter(guest=guest_id)
        .select_related("by")
        .order_by("-at")[:LAST_CONTACTS]
    )
    messages = Message.objects.filter(guest=guest_id).order_by("-approved_at")[:LAST_CONTACTS]
    replies = Reply.objects.filter(guest=guest_id).order_by("-received_at")[:LAST_CONTACTS]
    found = [
        *[
            Contact(
                one.at,
                f"{one.by.get_full_name() or one.by.get_username()} called: "
                f"{one.get_outcome_display()}",
                one.note,
            )
            for one in tries
        ],
        *[
            Contact(one.approved_at, f"We sent a {one.get_channel_display()}", one.body, "send")
            for one in messages
        ],
        *[
            Contact(one.received_at, "They wrote back", one.body, "message-square")
            for one in replies
        ],
    ]
    return sorted(found, key=lambda contact: contact.at, reverse=True)[:LAST_CONTACTS]


def last_try(user: Any, now: datetime) -> CallTry | None:
    """The newest call this person logged on a list of today: what Undo takes back."""
    attempt: CallTry | None = (
        CallTry.objects.standing()
        .visible_to(user)
        .filter(by=user)
        .select_related("call__location", "guest")
        .order_by("-at", "-pk")
        .first()
    )
    if attempt is None or attempt.call.on < attempt.call.location.today(now):
        return None
    return attempt


def entered(location: Location, on: date, user: Any) -> list[CallTry]:
    """What this person keyed in or logged on one list, newest first."""
    return list(
        CallTry.objects.filter(call__location=location, call__on=on, by=user)
        .select_related("call", "guest")
        .order_by("-pk")[:LAST_ENTERED]
    )


def call_history(guest_id: int, user: Any) -> list[CallTry]:
    """The guest's calls at the locations the person serves, newest first."""
    return list(
        CallTry.objects.visible_to(user)
        .filter(guest=guest_id)
        .select_related("by", "location", "call")
        .order_by("-at", "-pk")[:HISTORY]
    )


def outcome_counts(rows: QuerySet[Call]) -> Counter[str]:
    """How the day's calls came out."""
    done = rows.order_by().values_list("outcome").annotate(n=Count("pk")).filter(~Q(outcome=""))
    return Counter(dict(done))
