"""Readings for pages and for the apps above."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Count, Max, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from memberships.models import Appointment, Guest, among
from outreach import caps, checks, failures, gate, held, rules, running, send_time
from outreach.errors import NotAllowed
from outreach.models import (
    Channel,
    Draft,
    Message,
    OutreachPolicy,
    Refusal,
    Reply,
    Suppression,
    Switch,
)
from outreach.results import Check
from outreach.send_time import Choice
from outreach.texts import SmsSize, sms_size
from platforms.models import OutboxItem

if TYPE_CHECKING:
    from staff.models import User

State = OutboxItem.State
QUEUE_LENGTH = 50
UNDO_LENGTH = 10
BOOKING_COUNTS = timedelta(days=30)  # a booking so soon after a message is shown as following it


# --- For the apps above -------------------------------------------------------------------------


def contact_allowed(
    guest_ids: Collection[int], channel: str, now: datetime, *, is_marketing: bool = True
) -> set[int]:
    """The guests who may be written to on a channel as far as consent, address and stops go."""
    guests = list(Guest.objects.present().filter(pk__in=guest_ids))
    addresses = {checks.address_of(guest, channel) for guest in guests}
    stopped = set(
        Suppression.objects.binding(
            is_marketing=is_marketing,
            everything=OutreachPolicy.current().stop_ends_everything(now),
        )
        .filter(channel=channel, address__in=addresses)
        .values_list("address", flat=True)
    )
    return {
        guest.pk
        for guest in guests
        if checks.address_of(guest, channel)
        and checks.address_of(guest, channel) not in stopped
        and checks.has_consent(guest, channel, is_marketing=is_marketing)
    }


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the conversation with a guest. `text` is ours or the guest's own words (then
    `theirs`, and untrusted); `detail` says what became of it."""

    at: datetime
    kind: str  # message, reply, booking
    title: str
    text: str = ""
    detail: str = ""
    icon: str = "message-square"
    tone: str = ""
    theirs: bool = False


def conversation(guest: Guest, *, limit: int = 50) -> list[Line]:
    """Messages, what became of them, answers and bookings that followed, newest first. Three
    queries."""
    messages = list(
        Message.objects.filter(guest=guest)
        .select_related("outbox", "approved_by", "draft__offer", "location")
        .order_by("-approved_at")[:limit]
    )
    replies = (
        Reply.objects.filter(guest=guest)
        .select_related("answered_by")
        .order_by("-received_at")[:limit]
    )
    lines = [_message_line(message) for message in messages]
    lines += [_reply_line(reply) for reply in replies]
    lines += _bookings_after(guest, messages)
    return sorted(lines, key=lambda line: line.at, reverse=True)[:limit]


def _message_line(message: Message) -> Line:
    sent_at = message.outbox.sent_at
    names = {
        Message.Purpose.CONFIRMATION: _("Stop confirmed"),
        Message.Purpose.HELP: _("Asked for help: answered"),
        Message.Purpose.ANSWER: _("Answer by %(channel)s"),
        Message.Purpose.OUTREACH: (
            _("Sent by %(channel)s") if sent_at else _("Approved, by %(channel)s")
        ),
    }
    title = names[Message.Purpose(message.purpose)] % {"channel": message.get_channel_display()}
    return Line(
        at=sent_at or message.approved_at,
        kind="message",
        title=title,
        text=message.body,
        detail=delivery_words(message),
        icon="mail" if message.channel == Channel.EMAIL else "message-square",
        tone="warn" if message.outbox.state in TROUBLE else "",
    )


def _reply_line(reply: Reply) -> Line:
    pictures = (
        ngettext("%(n)d picture came with it", "%(n)d pictures came with it", reply.pictures)
        % {"n": reply.pictures}
        if reply.pictures
        else ""
    )
    what = reply.get_topic_display() or reply.get_intent_display()
    return Line(
        at=reply.received_at,
        kind="reply",
        title=_("Answered: %(what)s") % {"what": what},
        text=reply.body,
        detail=" · ".join(words for words in (pictures, _dealt_with(reply)) if words),
        icon="reply",
        tone="warn" if reply.intent == Reply.Intent.STOP else "",
        theirs=True,
    )


def _dealt_with(reply: Reply) -> str:
    """What became of an answer."""
    if reply.answered_at is None:
        return _("waits for an answer")
    if reply.answered_by is None:
        return ""
    return _("dealt with by %(name)s") % {"name": reply.answered_by.get_full_name()}


def _bookings_after(guest: Guest, messages: Sequence[Message]) -> list[Line]:
    """Bookings made within a month after a message that left: what it may have brought."""
    sent = sorted(m.outbox.sent_at for m in messages if m.outbox.sent_at)
    if not sent:
        return []
    bookings = Appointment.objects.filter(guest=guest, booked_at__gt=sent[0]).select_related(
        "service", "location"
    )
    lines = []
    for booking in bookings.order_by("-booked_at")[:20]:
        booked_at = booking.booked_at
        before = [at for at in sent if at < booked_at] if booked_at else []
        if not before or booked_at is None or booked_at - before[-1] > BOOKING_COUNTS:
            continue
        days = (booked_at - before[-1]).days
        after = (
            _("the same day")
            if days == 0
            else ngettext("%(n)d day after", "%(n)d days after", days) % {"n": days}
        )
        lines.append(
            Line(
                at=booked_at,
                kind="booking",
                title=_("Booked %(after)s the message") % {"after": after}
                if days
                else _("Booked the same day as the message"),
                detail=str(booking.service or ""),
                icon="calendar-check",
                tone="ok",
            )
        )
    return lines


TROUBLE = {State.REFUSED, State.DEAD, State.UNCERTAIN}


def delivery_words(message: Message) -> str:
    """What became of a message, in a few words."""
    state = State(message.outbox.state)
    if state == State.SENT:
        if message.delivery:
            return message.get_delivery_display()
        return _("sent")
    return str(state.label)


# --- The head of every page ---------------------------------------------------------------------


@dataclass(frozen=True)
class AutomationState:
    """Whether messages leave, and by whose decision. `label` is a word or two, `detail` the whole
    story; `news` counts plays that went down by themselves and breakers that hold."""

    is_stopped: bool
    label: str
    detail: str
    switches: list[Switch]
    news: int = 0
    parked: int = 0  # deliveries nobody could read, of guests of the person's locations


_AUTOMATION = """
SELECT count(*) FILTER (WHERE f.phase = 'automatic'), count(*) FILTER (WHERE f.doubt <> ''),
    (SELECT count(*) FROM outreach_breaker b WHERE b.state <> 'closed'
        AND (b.location_id IS NULL OR b.location_id = ANY(%(mine)s))),
    EXISTS (SELECT 1 FROM outreach_switch s WHERE s.stopped),
    (SELECT count(*) FROM platforms_inboxdelivery i WHERE i.status = 'parked' AND (%(whole)s OR (
        i.sender <> '' AND (
            EXISTS (SELECT 1 FROM memberships_guest g
                    WHERE g.phone = i.sender AND g.location_id = ANY(%(mine)s)
                      AND g.vanished_at IS NULL AND g.merged_into_id IS NULL)
            OR EXISTS (SELECT 1 FROM memberships_guest g
                       WHERE g.email = i.sender AND g.location_id = ANY(%(mine)s)
                         AND g.vanished_at IS NULL AND g.merged_into_id IS NULL)))))
FROM outreach_playphase f WHERE f.location_id = ANY(%(mine)s)
"""


def automation_state(user: User) -> AutomationState:
    """What concerns the person's locations: stops, automatic plays, doubts. One query, and one
    more while anything is stopped."""
    mine = set(user.location_ids())
    with connection.cursor() as cursor:
        cursor.execute(_AUTOMATION, {"mine": sorted(mine), "whole": user.all_locations})
        automatic, doubts, held, is_anything_stopped, parked = cursor.fetchone()
    stops = []
    if is_anything_stopped:
        stops = [
            row
            for row in Switch.objects.filter(stopped=True).named().select_related("changed_by")
            if row.scope != Switch.Scope.LOCATION or int(row.key) in mine
        ]
    news = doubts + held
    whole = [row for row in stops if row.scope == Switch.Scope.ALL]
    if whole:
        return AutomationState(True, _("sending stopped"), whole[0].reason, stops, news, parked)
    if stops:
        return AutomationState(True, _("partly stopped"), stops[0].reason, stops, news, parked)
    if automatic:
        detail = ngettext(
            "One play sends by itself within its rules; a person approves the rest.",
            "%(n)d plays send by themselves within their rules; a person approves the rest.",
            automatic,
        ) % {"n": automatic}
        return AutomationState(False, _("partly automatic"), detail, [], news, parked)
    everything = _("Every message is approved by a person.")
    return AutomationState(False, _("drafts only"), everything, [], news, parked)


# --- Review -------------------------------------------------------------------------------------

GROUP_ORDER = [Draft.Group.NEEDS_CARE, Draft.Group.CHANGED, Draft.Group.LIBRARY]
WITH_ALL = (
    "guest__contact",
    "location",
    "play",
    "run__play",
    "template",
    "offer",
    "edited_by",
    "requested_by",
)


@dataclass
class Queue:
    """The drafts one page shows, and how many there are in all."""

    view: str
    drafts: list[Draft]
    counts: dict[str, int]
    came_back: int  # refusals the person has not seen

    @property
    def total(self) -> int:
        return sum(count for name, count in self.counts.items() if name != "snoozed")

    def groups(self) -> list[tuple[Draft.Group, list[Draft]]]:
        """Groups that have drafts on this page, in order."""
        result = []
        for group in GROUP_ORDER:
            members = [draft for draft in self.drafts if draft.group == group]
            if members:
                result.append((group, members))
        return result


def open_drafts(
    user: User, location_id: int | None, *, view: str, now: datetime
) -> QuerySet[Draft]:
    """Drafts of a view in the order they are decided: what needs care first, then by risk."""
    mine = Draft.objects.visible_to(user).at(location_id)
    drafts = mine.snoozed(now) if view == "snoozed" else mine.due(now)
    if view in Draft.Group.values:
        drafts = drafts.in_group(view)
    result: QuerySet[Draft] = drafts.select_related(*WITH_ALL).in_turn()
    return result


def came_back(user: User) -> QuerySet[Refusal]:
    """What others refused of the person's; of a location they no longer serve nothing is told."""
    return Refusal.objects.filter(
        Q(draft__isnull=True) | Q(draft__location__in=user.location_ids()), author=user
    )


def queue(user: User, location_id: int | None, *, view: str, now: datetime) -> Queue:
    """The review queue of a person. Two queries."""
    # First which ones, by an index alone, then all that is shown of them.
    turn = open_drafts(user, location_id, view=view, now=now)
    drafts = list(turn.filter(among("pk", turn[:QUEUE_LENGTH])))
    mine = Draft.objects.visible_to(user).at(location_id).open().filter(expires_at__gt=now)
    awake = Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now)
    # In the same query: what came back to the person and is new. Max() is for a queue with drafts,
    # the second for an empty one.
    news = came_back(user).filter(read_at__isnull=True).order_by().values("author")
    unread = Subquery(news.values(n=Count("pk")))
    counts = mine.aggregate(
        came_back=Coalesce(Max(unread), unread, 0),
        snoozed=Count("location", filter=~awake),
        **{group.value: Count("location", filter=awake & Q(group=group)) for group in GROUP_ORDER},
    )
    came = counts.pop("came_back")
    return Queue(view=view, drafts=drafts, counts=counts, came_back=came)


@dataclass
class Card:
    """Everything a draft card shows."""

    draft: Draft
    checks: list[Check]
    group: Draft.Group
    reasons: list[dict[str, Any]]
    score: int | None
    band: str
    band_label: str
    size: SmsSize | None
    diff: list[tuple[str, str]]
    cap_left_cents: int
    may_approve: bool
    why_not: str
    snoozes: list[tuple[str, datetime]]
    error: str = ""
    is_open: bool = True
    decided: str = ""
    body_typed: str | None = None
    edit_open: bool = False
    place: str = ""  # in its sequence: "2 of 3 of Win-back"
    choice: Choice | None = None  # when it leaves, where its play chooses the hour

    @property
    def failed(self) -> list[Check]:
        """What speaks against it, what blocks first: it stands above the message."""
        return [check for check in self.checks if not check.ok]

    @property
    def blocked(self) -> bool:
        return any(check.blocks for check in self.failed)

    @property
    def needs_care(self) -> bool:
        return self.group == Draft.Group.NEEDS_CARE

    @property
    def changed_words(self) -> bool:
        return any(kind != "same" for kind, _text in self.diff)

    @property
    def phone_id(self) -> str:
        """The id by which a text field finds the phone that shows it."""
        return f"phone-{self.draft.pk}"

    @property
    def body_in_form(self) -> str:
        return self.draft.body if self.body_typed is None else self.body_typed


BAND_LABELS = {
    "low": gettext_lazy("Low"),
    "watch": gettext_lazy("Watch"),
    "high": gettext_lazy("High"),
    "very_high": gettext_lazy("Very high"),
    "unknown": gettext_lazy("Not enough data"),
}


def cards(drafts: Sequence[Draft], *, user: User, now: datetime) -> list[Card]:
    """Cards with checks made just now. The number of queries does not grow with the cards."""
    if not drafts:
        return []
    policy = OutreachPolicy.current()
    around = checks.look_around(drafts, now=now, policy=policy)
    sees_scores = user.has_perm("risk.view_scores")
    chosen = send_time.choices(drafts, now=now, policy=policy)
    return [
        _card(
            draft,
            around,
            user=user,
            now=now,
            policy=policy,
            sees_scores=sees_scores,
            place=running.place_of_draft(draft),
            choice=chosen.get(draft.pk),
        )
        for draft in drafts
    ]


def _card(
    draft: Draft,
    around: checks.Surroundings,
    *,
    user: User,
    now: datetime,
    policy: OutreachPolicy,
    sees_scores: bool,
    place: str,
    choice: Choice | None,
) -> Card:
    results = checks.check_draft(draft, around)
    evidence = draft.evidence
    why_not = ""
    try:
        rules.check_can_approve(user, draft, policy=policy)
    except NotAllowed as error:
        why_not = str(error)
    lines = caps.lines_for(location=draft.location, play_key=draft.play_id, at=now, policy=policy)
    band = str(evidence.get("band") or "unknown")
    is_open = draft.status == Draft.Status.PENDING and draft.expires_at > now
    return Card(
        draft=draft,
        checks=sorted(results, key=lambda result: (result.ok, not result.blocks)),
        group=checks.group_of(draft, results),
        reasons=[
            {"text": reason.get("text", ""), "raises": reason.get("direction") != "lowers"}
            for reason in evidence.get("reasons", [])[:3]
            if isinstance(reason, dict)
        ],
        score=evidence.get("score") if sees_scores else None,
        band=band,
        band_label=str(BAND_LABELS.get(band, band)),
        size=sms_size(draft.body) if draft.channel == Channel.SMS else None,
        diff=word_diff(draft.library_body, draft.body),
        cap_left_cents=min(around.cap_left.get(line.address, line.limit_cents) for line in lines),
        may_approve=not why_not,
        why_not=why_not,
        snoozes=snooze_choices(draft, now=now),
        is_open=is_open,
        decided="" if is_open else rules.who_decided(draft),
        place=place,
        choice=choice,
    )


def snooze_choices(draft: Draft, *, now: datetime) -> list[tuple[str, datetime]]:
    """When a draft may come back: mornings at nine of its location."""
    zone = draft.location.zone
    today = now.astimezone(zone).date()
    monday = today + timedelta(days=7 - today.weekday())
    days = [
        (_("Tomorrow"), today + timedelta(days=1)),
        (_("In 3 days"), today + timedelta(days=3)),
        (_("Next Monday"), monday),
        (_("In 2 weeks"), today + timedelta(days=14)),
    ]
    return [(words, datetime.combine(on, time(9), tzinfo=zone)) for words, on in days]


_WORDS = re.compile(r"\s+|[^\s]+")


def word_diff(old: str, new: str) -> list[tuple[str, str]]:
    """Runs of (same | ins | del, text) that turn the library's words into these."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    runs: list[tuple[str, str]] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag == "equal":
            runs.append(("same", "".join(before[a1:a2])))
            continue
        if a2 > a1:
            runs.append(("del", "".join(before[a1:a2])))
        if b2 > b1:
            runs.append(("ins", "".join(after[b1:b2])))
    return runs


def decided_lately(user: User, *, now: datetime) -> list[Draft]:
    """The person's last ten decisions of the day, newest first, for Undo."""
    return list(
        Draft.objects.visible_to(user)
        .filter(
            decided_by=user,
            decided_at__gt=now - rules.UNDO_REJECTION,
            status__in=[Draft.Status.APPROVED, Draft.Status.REJECTED],
        )
        .select_related("guest", "location")
        .order_by("-decided_at", "-pk")[:UNDO_LENGTH]
    )


# --- Outgoing -----------------------------------------------------------------------------------

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
    holding = gate.held_reasons(waiting, now=now)
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


# --- Replies ------------------------------------------------------------------------------------


def reply_inbox(user: User, location_id: int | None, *, view: str) -> QuerySet[Reply]:
    """Answers of guests, the oldest unanswered first, or all of them newest first."""
    mine = (
        Reply.objects.visible_to(user)
        .at(location_id)
        .select_related("guest", "location", "message__draft", "answered_by")
    )
    shown: QuerySet[Reply] = (
        mine.order_by("-received_at")
        if view == "all"
        else mine.filter(answered_at__isnull=True).order_by("received_at")
    )
    return shown
