"""What is about to leave, has left, or could not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Count, Q

from memberships.models import among
from outreach.gate import conditions
from outreach.models import Message
from outreach.sending import failures, held
from outreach.sequences import running
from platforms.models import OutboxItem

if TYPE_CHECKING:
    from staff.models import User

State = OutboxItem.State
OUTGOING_LENGTH = 50
# What is under way is asked for in two halves, each of which has its index.
VIEWS: dict[str, Q] = {
    "waiting": Q(state=State.READY),
    "sending": Q(state__in=[State.SENDING, State.CHECKING]) | Q(state=State.UNKNOWN),
    "trouble": Q(state__in=[State.UNCERTAIN, State.DEAD, State.REFUSED]),
    "sent": Q(state=State.SENT),
}


@dataclass
class OutgoingRow:
    """A message with what keeps it back and what may be done about it."""

    message: Message
    held: str
    leaves_at: datetime | None  # not before the hours of the guest's place open
    place: str = ""  # in its sequence
    todo: str = ""  # about what keeps it back
    told: failures.Told | None = None  # why it did not leave, and what to do


@dataclass
class Outgoing:
    """One view of the Outgoing page."""

    view: str
    rows: list[OutgoingRow]
    counts: dict[str, int]
    again: dict[str, int] = field(default_factory=dict)  # given up, by cause

    @property
    def retries(self) -> list[tuple[str, str, int]]:
        """Cause, its words, and how many were given up for it: all may be tried again."""
        return [
            (key, str(words), self.again[key])
            for key, words in failures.PASSING.items()
            if self.again.get(key)
        ]


MOST_COUNTED = 5_000  # a tab with more says "5,000+": to count a million costs more than it tells
RECENT = timedelta(days=30)
_OF_TABS = {
    "waiting": "state = 'ready'",
    "sending": "(state IN ('sending', 'checking') OR state = 'unknown')",
    "trouble": "state IN ('uncertain', 'dead', 'refused') AND created_at > %(since)s",
    "sent": "state = 'sent' AND sent_at > %(since)s",
}
_COUNT_TAB = """(SELECT count(*) FROM (
    SELECT 1 FROM platforms_outboxitem
    WHERE topic = 'message' AND location_id = ANY(%(mine)s) AND {} LIMIT %(most)s + 1) of_tab)"""
_COUNT_TABS = f"SELECT {', '.join(_COUNT_TAB.format(which) for which in _OF_TABS.values())}"


def outgoing(user: User, location_id: int | None, *, view: str, now: datetime) -> Outgoing:
    """Messages of a view, first to leave or last to have left first. Counts end one beyond
    MOST_COUNTED. Four queries.

    Which messages is decided on the outbox alone, whose partial indexes know each state; only the
    rows shown are joined.
    """
    mine = [location_id] if location_id else user.location_ids()
    since = now - RECENT
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_TABS, {"mine": mine, "most": MOST_COUNTED, "since": since})
        counts = dict(zip(_OF_TABS, cursor.fetchone(), strict=True))
    items = OutboxItem.objects.filter(
        VIEWS[view], topic=OutboxItem.Topic.MESSAGE, location_id__in=mine
    )
    minus, column = "", "due_at"
    if view == "trouble":
        minus, column, items = "-", "created_at", items.filter(created_at__gt=since)
    elif view == "sent":
        minus, column, items = "-", "sent_at", items.filter(sent_at__gt=since)
    shown = items.order_by(f"{minus}{column}", "pk")[:OUTGOING_LENGTH]
    messages = Message.objects.visible_to(user)
    again: dict[str, int] = {}
    if view == "trouble":
        messages = messages.annotate(cause=failures.cause())
        if counts["trouble"]:
            dead = messages.filter(
                failures.given_up(),
                outbox__topic=OutboxItem.Topic.MESSAGE,
                outbox__location_id__in=mine,
                outbox__created_at__gt=since,
            )
            again = dict(dead.order_by().values_list("cause").annotate(n=Count("pk")))
    messages = (
        messages.filter(among("outbox", shown))
        .select_related("outbox", "guest", "location", "play", "approved_by", "draft__run__play")
        .order_by(f"{minus}outbox__{column}", "outbox")
    )
    rows = outgoing_rows(messages, now=now)
    return Outgoing(view=view, rows=rows, counts=counts, again=again)


def many(count: int) -> str:
    """A count of a tab in words."""
    return f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}"


def outgoing_rows(messages: Iterable[Message], *, now: datetime) -> list[OutgoingRow]:
    """Rows with what keeps each waiting message back at this moment."""
    messages = list(messages)
    waiting = [m.pk for m in messages if m.outbox.state == State.READY]
    holding = conditions.held_reasons(waiting, now=now)
    opens = held.opening_hours(messages, holding, now=now)
    rows = []
    for message in messages:
        why, todo = held.words(holding.get(message.pk, ""))
        due_at = message.outbox.due_at if message.outbox.state == State.READY else None
        rows.append(
            OutgoingRow(
                message=message,
                held=why,
                todo="" if message.pk in opens else todo,
                leaves_at=opens.get(message.pk, due_at),
                place=running.place_of_draft(message.draft),
                told=failures.told(message, cause=getattr(message, "cause", "")),
            )
        )
    return rows
