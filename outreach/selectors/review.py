"""The review queue and its cards."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Max, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from memberships.models import among
from outreach import checks, rules
from outreach.errors import NotAllowed
from outreach.gate import caps
from outreach.models import Channel, Draft, OutreachPolicy, Refusal
from outreach.results import Check
from outreach.sending import send_time
from outreach.sending.send_time import Choice
from outreach.sequences import running
from outreach.texts.fields import SmsSize, sms_size

if TYPE_CHECKING:
    from staff.models import User

QUEUE_LENGTH = 50
UNDO_LENGTH = 10
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
