"""Readings for the replies page: the list of conversations, and one conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from memberships.models import Guest, named
from outreach import threads
from outreach.answers import answer_checks, suggestions
from outreach.answers.suggestions import Facts, Suggested
from outreach.gate import conditions
from outreach.models import Channel, Message, Reply, Thread, Topic
from outreach.selectors import delivery_words
from outreach.sending import undelivered
from outreach.sending.undelivered import Trouble
from outreach.texts.fields import SmsSize, sms_size
from platforms.models import OutboxItem

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

    from staff.models import User

State = OutboxItem.State
LENGTH = 50
TALK_LENGTH = 60  # newest messages and answers shown of one conversation
VIEWS: dict[str, Q] = {
    "unread": Q(is_unread=True, waiting_since__isnull=False),
    "unanswered": Q(waiting_since__isnull=False),
    "undelivered": Q(trouble_at__isnull=False),
    "all": Q(),
}
# Which columns order a view, and in which direction; the last makes every place unique.
ORDER: dict[str, list[str]] = {
    "unread": ["rank", "waiting_since", "pk"],
    "unanswered": ["rank", "waiting_since", "pk"],
    "undelivered": ["-trouble_at", "-pk"],
    "all": ["-last_at", "-pk"],
}


@dataclass(frozen=True)
class Wanted:
    """What the address of the page asks for."""

    view: str
    q: str = ""
    topic: str = ""
    after: str = ""  # the place behind which the page begins


@dataclass(frozen=True)
class Row:
    """One conversation in the list."""

    thread: Thread
    is_taken: bool  # a colleague is answering
    is_late: bool  # the time the law gives is over
    trouble: Trouble | None


@dataclass
class Inbox:
    """One page of the list."""

    wanted: Wanted
    rows: list[Row]
    counts: dict[str, int]
    next_after: str  # empty on the last page


def inbox(user: User, location_id: int | None, wanted: Wanted, *, now: datetime) -> Inbox:
    """A page of conversations with the counts of the tabs. Three queries."""
    mine = Thread.objects.visible_to(user).at(location_id)
    found = list(
        _behind(shown(user, location_id, wanted), wanted)
        .select_related("guest", "location", "last_reply", "held_by", "trouble_message")
        .order_by(*ORDER[wanted.view])[: LENGTH + 1]
    )
    # Of a hundred conversations one is open: those are counted through their own indexes.
    is_open = VIEWS["unanswered"] | VIEWS["undelivered"]
    counts = mine.filter(is_open).aggregate(
        **{name: Count("pk", filter=where) for name, where in VIEWS.items() if where}
    )
    counts["all"] = mine.count()
    page = found[:LENGTH]
    return Inbox(
        wanted=wanted,
        rows=[row_of(thread, user, now=now) for thread in page],
        counts=counts,
        next_after=_place(page[-1], wanted.view) if len(found) > LENGTH else "",
    )


def row_of(thread: Thread, user: User, *, now: datetime) -> Row:
    """A thread as the list shows it to this person. No query."""
    return Row(
        thread=thread,
        is_taken=thread.is_held_against(user.pk, now),
        is_late=thread.due_at is not None and thread.due_at <= now,
        trouble=undelivered.told(thread, thread.trouble_message),
    )


def shown(user: User, location_id: int | None, wanted: Wanted) -> QuerySet[Thread]:
    """The conversations of a view, tab and filters applied."""
    rows: QuerySet[Thread] = (
        Thread.objects.visible_to(user).at(location_id).filter(VIEWS[wanted.view])
    )
    if wanted.topic:
        rows = rows.filter(topic=wanted.topic)
    digits = "".join(c for c in wanted.q if c.isdigit())
    if len(digits) >= 4:
        rows = rows.filter(address__contains=digits)
    else:
        for word in wanted.q.split()[:4]:
            rows = rows.filter(named("guest", word))
    return rows


def _place(thread: Thread, view: str) -> str:
    """Where a thread stands in its view, for the address of the next page."""
    values = [getattr(thread, name.lstrip("-")) for name in ORDER[view]]
    return "~".join(v.isoformat() if isinstance(v, datetime) else str(v) for v in values)


def _behind(rows: QuerySet[Thread], wanted: Wanted) -> QuerySet[Thread]:
    """Rows behind a place. A place that makes no sense is the beginning."""
    names = ORDER[wanted.view]
    parts = wanted.after.split("~")
    if len(parts) != len(names):
        return rows
    try:
        values: list[Any] = [
            datetime.fromisoformat(part) if name.strip("-").endswith(("_at", "_since"))
            else int(part)
            for name, part in zip(names, parts, strict=True)
        ]  # fmt: skip
    except ValueError:
        return rows
    behind = Q()
    for index, (name, value) in enumerate(zip(names, values, strict=True)):
        column, step = name.lstrip("-"), "lt" if name.startswith("-") else "gt"
        same = dict(zip((n.lstrip("-") for n in names[:index]), values[:index], strict=True))
        behind |= Q(**same, **{f"{column}__{step}": value})
    return rows.filter(behind)


def news(user: User, location_id: int | None, wanted: Wanted, *, since: datetime) -> int:
    """To how many conversations of the view something came since then. One query."""
    came = Q(last_reply__received_at__gt=since) | Q(trouble_at__gt=since)
    return shown(user, location_id, wanted).filter(came).count()


def next_to_do(
    user: User, location_id: int | None, wanted: Wanted, *, besides: int, now: datetime
) -> Thread | None:
    """The first conversation of the view that nobody else is on. One query."""
    view = wanted.view if wanted.view != "all" else "unanswered"
    rows = shown(user, location_id, Wanted(view, wanted.q, wanted.topic)).exclude(pk=besides)
    free = rows.exclude(~Q(held_by=user.pk), held_by__isnull=False, held_until__gt=now)
    found: Thread | None = free.order_by(*ORDER[view]).first()
    return found


# --- One conversation ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Line:
    """One message or answer, as in a chat. `state` and `detail` are our words; `text` may be the
    guest's (then `theirs`), which is untrusted."""

    at: datetime
    text: str
    theirs: bool
    who: str = ""
    subject: str = ""
    state: str = ""
    tone: str = ""
    detail: str = ""
    pictures: int = 0
    undo: int | None = None  # the message, where the reader may still take it back
    retry: int | None = None
    leaves_at: datetime | None = None


@dataclass
class Talk:
    """The words of a conversation, oldest first."""

    lines: list[Line]
    is_cut: bool
    is_moving: bool  # something of it is about to leave


def talk(thread: Thread, user: User, *, now: datetime) -> Talk:
    """What was said on both sides. Two queries, three more while an answer waits to leave."""
    ours = Message.objects.filter(channel=thread.channel)
    ours = ours.filter(guest=thread.guest_id) if thread.guest_id else ours.none()
    messages = list(
        ours.select_related("outbox", "approved_by", "play").order_by("-approved_at", "-pk")[
            :TALK_LENGTH
        ]
    )
    replies = list(
        thread.replies.select_related("read_by", "answered_by").order_by("-received_at", "-pk")[
            :TALK_LENGTH
        ]
    )
    waiting = [m.pk for m in messages if m.outbox.state == State.READY]
    held = conditions.held_reasons(waiting, now=now)
    may_cancel = user.has_perm("outreach.cancel_message", thread)
    lines = [
        _ours(message, user, held=held.get(message.pk, ""), may_cancel=may_cancel)
        for message in messages
        if message.outbox.state != State.WITHDRAWN
    ]
    lines += [_theirs(reply, thread) for reply in replies]
    lines.sort(key=lambda line: line.at)
    moving = {State.READY, State.SENDING, State.UNKNOWN, State.CHECKING}
    return Talk(
        lines=lines[-TALK_LENGTH:],
        is_cut=len(lines) > TALK_LENGTH or TALK_LENGTH in (len(messages), len(replies)),
        is_moving=any(
            m.outbox.state in moving and m.outbox.due_at < now + timedelta(minutes=10)
            for m in messages
        ),
    )


def _ours(message: Message, user: User, *, held: str, may_cancel: bool) -> Line:
    state = State(message.outbox.state)
    is_answer = message.purpose == Message.Purpose.ANSWER
    waits = state == State.READY
    author = message.approved_by.get_full_name() if message.approved_by else "Tenure"
    if is_answer:
        who = author
    elif message.play is not None:
        who = _("%(play)s, approved by %(name)s") % {"play": message.play.name, "name": author}
    else:
        who = message.get_purpose_display()
    bad = state in (State.REFUSED, State.DEAD, State.UNCERTAIN) or message.delivery in (
        Message.Delivery.UNDELIVERED,
        Message.Delivery.BOUNCED,
    )
    mine = message.approved_by_id == user.pk
    return Line(
        at=message.outbox.sent_at or message.approved_at,
        text=message.body,
        subject=message.subject,
        theirs=False,
        who=who,
        state=str(conditions.HELD.get(held, "")) if held else _("waits") if waits
        else delivery_words(message),
        tone="error" if bad else "warn" if held else "",
        detail=message.outbox.error if state == State.DEAD else "",
        undo=message.pk if waits and (may_cancel or (is_answer and mine)) else None,
        retry=message.pk if state == State.DEAD and may_cancel else None,
        leaves_at=message.outbox.due_at if waits and not held else None,
    )  # fmt: skip


def _theirs(reply: Reply, thread: Thread) -> Line:
    if reply.answered_at is None:
        detail = _("still to be done") if reply.answer_id else _("waits for an answer")
    elif reply.answered_by is None:
        detail = _("dealt with by rule: %(what)s") % {"what": reply.get_intent_display()}
    elif reply.answer_id:
        detail = ""
    else:
        detail = _("dealt with by %(name)s") % {"name": reply.answered_by.get_full_name()}
    return Line(
        at=reply.received_at,
        text=reply.body,
        theirs=True,
        who=_who_wrote(reply, thread),
        state=_read_words(reply, thread),
        detail=detail,
        pictures=reply.pictures,
    )


def _who_wrote(reply: Reply, thread: Thread) -> str:
    """The guest; with the address where it is not the one we write to."""
    if thread.guest is None:
        return thread.address
    if reply.address != thread.address and thread.channel == Channel.EMAIL:
        return _("%(name)s, from another address: %(address)s") % {
            "name": thread.guest.name,
            "address": reply.address,
        }
    return thread.guest.name


def _read_words(reply: Reply, thread: Thread) -> str:
    """Who read an answer first, and when, on the location's clock."""
    if reply.read_by is None or reply.read_at is None:
        return ""
    at = timezone.localtime(reply.read_at, thread.location.zone if thread.location else None)
    return _("read by %(name)s, %(at)s") % {
        "name": reply.read_by.get_full_name(),
        "at": date_format(at, "D j M, H:i"),
    }


@dataclass
class Pane:
    """Everything beside the words: what to do, what may be answered, who the guest is."""

    thread: Thread
    talk: Talk
    facts: Facts | None
    is_taken: bool
    silent: str  # why no answer can be written; empty when one can
    suggested: Suggested | None
    answers: list[Suggested]
    may_write: bool
    trouble: Trouble | None
    strangers: list[Guest]  # who it may be, where several share the address
    is_late: bool
    body: str = ""
    errors: list[str] | None = None
    needs_care: bool = False

    @property
    def waits(self) -> bool:
        return self.thread.waiting_since is not None

    @property
    def is_answered(self) -> bool:
        """Words have been sent, and something is left to do."""
        last = self.thread.last_reply
        return self.waits and last is not None and last.answer_id is not None

    @property
    def size(self) -> SmsSize:
        """How the words in the field travel as a text message."""
        return sms_size(self.body)

    @property
    def phone_id(self) -> str:
        """Of the phone that follows what is typed."""
        return f"phone-{self.thread.pk}"

    @property
    def country(self) -> str:
        """Whose way of writing numbers is home here."""
        return self.thread.location.country if self.thread.location else "US"

    @property
    def todo(self) -> str:
        """The step beside or instead of writing, by topic."""
        return str(NEXT_STEP.get(self.thread.topic, ""))


NEXT_STEP: dict[str, StrPromise] = {
    Topic.YES: gettext_lazy("Book the visit in the platform, or ring to find a time."),
    Topic.RESTART: gettext_lazy("Start the membership again in the platform, or ring the guest."),
    Topic.CANCEL: gettext_lazy(
        "End the membership in the platform today, or pass it to who can. No offer may delay it."
    ),
    Topic.MOVE: gettext_lazy("Change the booking in the platform."),
    Topic.SILENCE: gettext_lazy(
        "Nothing is sent to this guest any more. Ask by phone what was meant."
    ),
    Topic.COMPLAINT: gettext_lazy("Best rung by a manager."),
}


def pane(thread: Thread, user: User, *, now: datetime) -> Pane:
    """One conversation with everything needed to answer it. Eight queries at most."""
    facts, found, suggested = None, [], None
    strangers: list[Guest] = []
    silent = ""
    if thread.guest is not None and thread.location is not None:
        facts = Facts.of(thread.guest, thread.location, now=now)
        silent = answer_checks.why_silent(thread)
        if not silent:
            last = thread.last_reply
            every = suggestions.filled(suggestions.library_answers(thread.channel), facts)
            language = suggestions.language_of(thread.guest, last)
            found = suggestions.in_language(every, language)
            suggested = suggestions.best(thread, found, last)
    else:
        strangers = [
            guest
            for guest in threads.guests_at(thread.channel, thread.address)
            if user.serves(guest.location_id)
        ]
        silent = (
            _("Several guests have this number. Say who wrote, then answer.")
            if len(strangers) > 1
            else _("Nobody we know has this number.")
        )
    return Pane(
        thread=thread,
        talk=talk(thread, user, now=now),
        facts=facts,
        is_taken=thread.is_held_against(user.pk, now),
        silent=silent,
        suggested=suggested,
        answers=found,
        may_write=user.has_perm("outreach.answer_freely", thread),
        trouble=undelivered.told(thread, thread.trouble_message),
        strangers=strangers,
        is_late=thread.due_at is not None and thread.due_at <= now,
    )


def one(user: User, pk: int) -> Thread | None:
    """A conversation the person may see, with what its page shows. One query."""
    thread: Thread | None = (
        Thread.objects.visible_to(user)
        .select_related("guest", "location", "last_reply__message", "held_by", "trouble_message")
        .filter(pk=pk)
        .first()
    )
    return thread
