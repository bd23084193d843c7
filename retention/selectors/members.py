"""Readings for the member list: one page of lines, the count of the whole and of each option."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from memberships.models import Guest, GuestDay, Membership, Plan, among
from outreach.models import Draft
from retention.filters import BANDS, BOOKINGS, CONSENTS, RENEWALS, STATUSES, MemberFilter
from retention.models import AT_RISK, MemberRow, MemberTally
from risk.causes import CAUSES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from memberships.models import LocatedQuerySet
    from staff.models import User

PAGE_SIZE = 50
LAST_PAGE = 200  # beyond it nobody reads: a narrower filter finds sooner
WEEKS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice of a filter and how many members it would leave; None: not counted."""

    value: str
    label: Any
    count: int | None
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLine:
    """One line of the list: the roll-up row and what is read for the page alone."""

    row: MemberRow
    guest: Guest
    score: int | None  # None for people who see no scores
    reason: str
    weeks: list[int]
    last_contact_at: datetime | None
    draft_id: int | None

    @property
    def is_priority(self) -> bool:
        """What people see who see no scores."""
        return self.row.is_running and self.row.band in AT_RISK

    @property
    def visits_text(self) -> str:
        """The sparkline in words."""
        n = sum(self.weeks)
        text = ngettext("%(n)d visit in 12 weeks", "%(n)d visits in 12 weeks", n)
        return text % {"n": n}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPage:
    """One page of the list with the counts of the whole."""

    lines: list[MemberLine]
    count: int
    number: int
    options: dict[str, list[Option]]

    @property
    def pages(self) -> int:
        """How many pages may be turned."""
        return min(max(1, -(-self.count // PAGE_SIZE)), LAST_PAGE)

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @property
    def has_next(self) -> bool:
        return self.number < self.pages

    @property
    def has_other_pages(self) -> bool:
        return self.pages > 1

    @property
    def previous_page_number(self) -> int:
        return self.number - 1

    @property
    def next_page_number(self) -> int:
        return self.number + 1

    @property
    def most_visits(self) -> int:
        """The busiest week of any line: one scale for all sparklines of the page."""
        return max((max(line.weeks) for line in self.lines), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One choice in force, with the address of the list without it."""

    text: str
    query: str


def chips(chosen: MemberFilter, page: MemberPage) -> list[Chip]:
    """What narrows the list, as chips that can be taken away one by one."""
    plan = next((option.label for option in page.options["plan"] if option.is_chosen), _("plan"))
    joined, left = (
        _span(chosen.joined_from, chosen.joined_to),
        _span(chosen.left_from, chosen.left_to),
    )
    found: list[tuple[Any, dict[str, Any], Any]] = [
        (chosen.q, {"q": ""}, f"“{chosen.q}”"),
        (chosen.band, {"band": ""}, BANDS[chosen.band][0] if chosen.band else ""),
        (chosen.cause, {"cause": ""}, CAUSES[chosen.cause].label if chosen.cause else ""),
        (chosen.plan, {"plan": None}, plan),
        (chosen.status, {"status": ""}, STATUSES[chosen.status][0]),
        (chosen.booking, {"booking": ""}, BOOKINGS.get(chosen.booking, "")),
        (chosen.consent, {"consent": ""}, CONSENTS.get(chosen.consent, "")),
        (
            chosen.renews,
            {"renews": ""},
            _("renews or ends %(when)s") % {"when": RENEWALS.get(chosen.renews, "")},
        ),
        (joined, {"joined_from": None, "joined_to": None}, _("joined %s") % joined),
        (left, {"left_from": None, "left_to": None}, _("left %s") % left),
    ]
    return [
        Chip(text=str(text), query=chosen.address(**without))
        for value, without, text in found
        if value
    ]


def _span(first: date | None, last: date | None) -> str:
    """A range of days in words; empty without one."""
    if first and last:
        return f"{date_format(first, 'j M Y')} – {date_format(last, 'j M Y')}"
    if first:
        return _("since %s") % date_format(first, "j M Y")
    return _("until %s") % date_format(last, "j M Y") if last else ""


def visible_guests(user: User) -> QuerySet[Guest, Guest]:
    """Guests at home at one of the person's locations, or with a contract there."""
    if user.all_locations:
        return Guest.objects.all()
    mine = user.location_ids()
    contracts = Membership.objects.filter(guest=OuterRef("pk"), location__in=mine)
    return Guest.objects.filter(Q(location__in=mine) | Exists(contracts))


def member_page(*, user: User, chosen: MemberFilter, number: int, now: datetime) -> MemberPage:
    """One page of members the person may see, with counts on the options.

    Six statements for any number of members. Scores are left out of the answer for people who
    may not see them; the order stays.
    """
    narrowed = chosen.narrow(MemberRow.objects.visible_to(user), now)
    if chosen.is_tallied:
        tally = _tallied(MemberTally.objects.visible_to(user).at(chosen.location))
    else:
        tally = _tally(narrowed)
    count = sum(n for key, n in tally.items() if _matches(chosen, key))
    number = max(1, min(number, -(-count // PAGE_SIZE), LAST_PAGE))
    start = (number - 1) * PAGE_SIZE
    # First which ones, then all that is shown of them: what is passed over is never joined.
    turn = chosen.ordered(chosen.choose(narrowed))
    shown = among("pk", turn[start : start + PAGE_SIZE])
    rows = list(
        chosen.ordered(MemberRow.objects.filter(shown)).select_related(
            "guest__contact", "guest__location", "location", "plan", "membership__churn_score"
        )
    )
    return MemberPage(
        lines=_lines(rows, user=user, now=now),
        count=count,
        number=number,
        options=_options(chosen, tally),
    )


Key = tuple[str, str, int, str, bool]  # band, cause, plan, status, running


def _tally(rows: QuerySet[MemberRow]) -> dict[Key, int]:
    """How many rows there are of each combination: one statement gives every count of the page."""
    groups = (
        rows.order_by()
        .values_list("band", "cause", "plan_id", "status", "is_running")
        .annotate(n=Count("*"))
    )
    return {(band, cause, plan, status, runs): n for band, cause, plan, status, runs, n in groups}


def _tallied(rows: LocatedQuerySet) -> dict[Key, int]:
    """The same from what is kept: a chain's hundred thousand rows are not counted at each look."""
    groups = (
        rows.order_by()
        .values_list("band", "cause", "plan_id", "status", "is_running")
        .annotate(total=Sum("n"))
    )
    return {
        (band, cause, plan, status, runs): n for band, cause, plan, status, runs, n in groups if n
    }


def _matches(chosen: MemberFilter, key: Key, without: str = "") -> bool:
    """Whether a combination is chosen; the dimension `without` is left aside. The same rules as
    `MemberFilter.choose`, which a test holds together."""
    band, cause, plan, status, runs = key
    if without != "band" and chosen.band and band not in BANDS[chosen.band][1]:
        return False
    if without != "cause" and chosen.cause and cause != chosen.cause:
        return False
    if without != "plan" and chosen.plan is not None and plan != chosen.plan:
        return False
    return without == "status" or _has_status(chosen, chosen.status, status, runs)


def _has_status(chosen: MemberFilter, wanted: str, status: str, runs: bool) -> bool:
    if wanted == "":
        return runs or chosen.spans_past
    if wanted == "all":
        return True
    return status in STATUSES[wanted][1] and (wanted == "left" or runs)


def _options(chosen: MemberFilter, tally: dict[Key, int]) -> dict[str, list[Option]]:
    """The choices of the four counted dimensions, each with what it would leave."""
    bands: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    plans: Counter[int] = Counter()
    statuses: Counter[str] = Counter()
    for key, n in tally.items():
        if _matches(chosen, key, without="band"):
            bands[key[0]] += n
        if _matches(chosen, key, without="cause"):
            causes[key[1]] += n
        if _matches(chosen, key, without="plan"):
            plans[key[2]] += n
        if _matches(chosen, key, without="status"):
            for name in STATUSES:
                statuses[name] += n if _has_status(chosen, name, key[3], key[4]) else 0
    names = dict(Plan.objects.filter(pk__in=[*plans]).values_list("pk", "name"))
    return {
        "band": [
            Option(
                value=value,
                label=label,
                count=sum(bands[one] for one in members),
                is_chosen=value == chosen.band,
            )
            for value, (label, members) in BANDS.items()
        ],
        "cause": [
            Option(
                value=key,
                label=CAUSES[key].label if key in CAUSES else key,
                count=n,
                is_chosen=key == chosen.cause,
            )
            for key, n in causes.most_common()
            if key
        ],
        "plan": [
            Option(value=str(pk), label=name, count=plans[pk], is_chosen=pk == chosen.plan)
            for pk, name in sorted(names.items(), key=lambda item: item[1])
        ],
        "status": [
            Option(value=v, label=label, count=statuses[v], is_chosen=v == chosen.status)
            for v, (label, _states) in STATUSES.items()
        ],
    }


def _lines(rows: Sequence[MemberRow], *, user: User, now: datetime) -> list[MemberLine]:
    guest_ids = [row.guest_id for row in rows]
    weeks = weekly_visits(guest_ids, until=now.date())
    drafts = open_drafts(guest_ids, user=user, now=now)
    sees_scores = user.has_perm("risk.view_scores")
    return [
        MemberLine(
            row=row,
            guest=row.guest,
            score=row.score if sees_scores else None,
            reason=_top_reason(row),
            weeks=weeks[row.guest_id],
            last_contact_at=_last_contact(row.guest),
            draft_id=drafts.get(row.guest_id),
        )
        for row in rows
    ]


def _top_reason(row: MemberRow) -> str:
    """The sentence of the strongest reason that raises the score; empty without a score."""
    score = getattr(row.membership, "churn_score", None)
    if score is None or not row.is_running:
        return ""
    return next((r["text"] for r in score.reasons if r.get("direction") == "raises"), "")


def _last_contact(guest: Guest) -> datetime | None:
    contact = getattr(guest, "contact", None)
    return contact.last_at if contact else None


def weekly_visits(guest_ids: Collection[int], *, until: date) -> dict[int, list[int]]:
    """Visits of each guest in the last 12 weeks, oldest week first; the last week ends `until`."""
    start = until - timedelta(days=7 * WEEKS - 1)
    weeks = {guest: [0] * WEEKS for guest in guest_ids}
    days = GuestDay.objects.filter(guest__in=weeks, on__range=(start, until), visits__gt=0)
    for guest, on, visits in days.values_list("guest", "on", "visits"):
        weeks[guest][(on - start).days // 7] += visits
    return weeks


def open_drafts(guest_ids: Collection[int], *, user: User, now: datetime) -> dict[int, int]:
    """The draft that awaits a decision for each guest, as far as the person may see drafts."""
    if not user.has_perm("outreach.view_draft"):
        return {}
    drafts = Draft.objects.visible_to(user).due(now).filter(guest__in=guest_ids)
    return dict(drafts.values_list("guest", "pk"))
