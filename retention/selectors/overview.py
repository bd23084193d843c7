"""Readings for the overview: how members stand by location, this week against the one before.

People are counted in the member list's roll-up with the very querysets of the list, so that each
number and the list behind it agree. The trend of 12 weeks reads the location x day roll-up.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from memberships.models import Location
from outreach.models import Draft
from retention.filters import MemberFilter
from retention.models import AT_RISK, AtRiskDay, MemberRow, MemberRowQuerySet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from staff.models import User

WEEKS = 12
FEW = 20  # below so many people a share says less than the count


@dataclass(frozen=True, slots=True)
class Week:
    """A calendar week, Monday to Sunday, or as much of it as has passed. The period before is
    the same weekdays of the week before."""

    monday: date
    today: date

    @classmethod
    def parse(cls, text: str, today: date) -> Week:
        """From "2026-W47"; the running week for anything else and for weeks to come."""
        try:
            monday = datetime.strptime(f"{text}-1", "%G-W%V-%u").date()  # noqa: DTZ007
        except ValueError:
            monday = today - timedelta(days=today.weekday())
        return cls(min(monday, today - timedelta(days=today.weekday())), today)

    @property
    def last(self) -> date:
        return min(self.monday + timedelta(days=6), self.today)

    @property
    def days(self) -> int:
        return (self.last - self.monday).days + 1

    @property
    def is_running(self) -> bool:
        return self.monday + timedelta(days=6) >= self.today

    @property
    def before_first(self) -> date:
        return self.monday - timedelta(days=7)

    @property
    def before_last(self) -> date:
        return self.last - timedelta(days=7)

    @property
    def key(self) -> str:
        return self.monday.strftime("%G-W%V")

    def shifted(self, weeks: int) -> Week:
        return Week(self.monday + timedelta(days=7 * weeks), self.today)


@dataclass(slots=True, kw_only=True)
class Standing:
    """How one location stands, or several together. None: not kept for that time.

    `left_before`, `joined_before` are of the same weekdays of the week before; `members_at_start`
    is the evening before the week began; `at_risk_before` seven days before the last day.
    """

    members: int | None = 0
    members_at_start: int | None = 0
    joined: int = 0
    joined_before: int = 0
    left: int = 0
    left_before: int = 0
    at_risk: int | None = 0
    at_risk_before: int | None = 0
    at_risk_cents: int | None = 0
    to_decide: int = 0

    @property
    def left_percent(self) -> float | None:
        """Share of the members at the week's start who left, in percent; None below 20 people."""
        if not self.members_at_start or self.members_at_start < FEW:
            return None
        return 100 * self.left / self.members_at_start

    @property
    def at_risk_percent(self) -> float | None:
        """Share of the members who are likely to leave, in percent; None below 20 people."""
        if not self.members or self.members < FEW or self.at_risk is None:
            return None
        return 100 * self.at_risk / self.members

    @property
    def at_risk_share(self) -> str:
        """The share likely to leave in whole percent; empty below 20 people."""
        percent = self.at_risk_percent
        return "" if percent is None else f"{percent:.0f}%"

    @property
    def left_change(self) -> int:
        return self.left - self.left_before

    @property
    def joined_change(self) -> int:
        return self.joined - self.joined_before

    @property
    def at_risk_change(self) -> int | None:
        if self.at_risk is None or self.at_risk_before is None:
            return None
        return self.at_risk - self.at_risk_before


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationLine:
    """One line of the table. `trend` counts who left in each of 12 weeks, oldest first; queries
    are those of the lists behind the numbers."""

    location: Location
    standing: Standing
    trend: list[int]
    members_query: str
    joined_query: str
    left_query: str
    at_risk_query: str

    @property
    def joined_change(self) -> str:
        return signed(self.standing.joined_change, none="±0")

    @property
    def left_change(self) -> str:
        return signed(self.standing.left_change, none="±0")

    @property
    def trend_text(self) -> str:
        """The sparkline in words."""
        weeks = ", ".join(str(n) for n in self.trend)
        return _("left in each of 12 weeks: %(weeks)s") % {"weeks": weeks}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number of the page with its comparison. `query` is the list behind it, None without."""

    name: str
    value: str
    n: str = ""
    change: str = ""
    tone: str = ""
    against: str = ""
    values: list[int] = field(default_factory=list)
    query: str | None = None


def signed(change: int | None, *, none: str = "") -> str:
    """A difference with its sign; `none` or "no change" for 0, empty when it is not known."""
    if change is None:
        return ""
    if change == 0:
        return none or _("no change")
    return f"+{change:,}" if change > 0 else f"−{-change:,}"


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _less(value: int | None, other: int | None) -> int | None:
    return None if value is None or other is None else value - other


def _tone(change: int | None, *, more_is: str) -> str:
    if not change:
        return ""
    worse = (change > 0) == (more_is == "worse")
    return "worse" if worse else "better"


def _share(percent: float | None, base: int | None) -> str:
    """A share in words; the bare base when there are too few people for a percentage."""
    if not base:
        return ""
    if percent is None:
        return _("of %(n)d members") % {"n": base}
    return _("%(percent).1f%% of %(n)s members") % {"percent": percent, "n": f"{base:,}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The page: all locations together, each alone, worst first; money by currency."""

    week: Week
    total: Standing
    lines: list[LocationLine]
    at_risk_money: list[tuple[str, int]]
    trend_left: list[int]
    trend_joined: list[int]
    trend_members: list[int]
    members_query: str
    joined_query: str
    left_query: str
    at_risk_query: str

    @property
    def worst(self) -> LocationLine | None:
        """The first line, when there are several and it has something to show."""
        if len(self.lines) < 2:
            return None
        first = self.lines[0]
        return first if first.standing.left or first.standing.at_risk else None

    @property
    def most_left(self) -> int:
        """The worst week of any location: one scale for the trends of the table."""
        return max((max(line.trend) for line in self.lines), default=0)

    @property
    def before_text(self) -> str:
        """The period the week is compared with."""
        if self.week.days == 7:
            return _("the week before")
        return ngettext(
            "the first day of the week before",
            "the first %(days)d days of the week before",
            self.week.days,
        ) % {"days": self.week.days}

    @property
    def tiles(self) -> list[Tile]:
        """The numbers of people. Those of a past day have no link: only today's can be listed."""
        total, now = self.total, self.week.is_running
        return [
            Tile(
                name=_("Members"),
                value=_number(total.members),
                change=signed(_less(total.members, total.members_at_start)),
                tone=_tone(_less(total.members, total.members_at_start), more_is="better"),
                against=_("the end of the week before"),
                values=self.trend_members,
                query=self.members_query if now else None,
            ),
            Tile(
                name=_("Joined"),
                value=_number(total.joined),
                change=signed(total.joined_change),
                tone=_tone(total.joined_change, more_is="better"),
                against=self.before_text,
                values=self.trend_joined,
                query=self.joined_query,
            ),
            Tile(
                name=_("Left"),
                value=_number(total.left),
                n=_share(total.left_percent, total.members_at_start),
                change=signed(total.left_change),
                tone=_tone(total.left_change, more_is="worse"),
                against=self.before_text,
                values=self.trend_left,
                query=self.left_query,
            ),
            Tile(
                name=_("Likely to leave"),
                value=_number(total.at_risk),
                n=_share(total.at_risk_percent, total.members),
                change=signed(total.at_risk_change),
                tone=_tone(total.at_risk_change, more_is="worse"),
                against=_("7 days before"),
                query=self.at_risk_query if now else None,
            ),
        ]


def overview(*, user: User, location_id: int | None, week_key: str, now: datetime) -> Overview:
    """How the person's locations (or one of them) stand in a week. Seven statements."""
    places = list(Location.objects.visible_to(user).filter(is_active=True))
    if location_id is not None:
        places = [place for place in places if place.pk == location_id]
    # The day that has begun everywhere: a later date would count a day some are still in.
    today = min((place.today(now) for place in places), default=now.date())
    week = Week.parse(week_key, today)
    ids = [place.pk for place in places]
    trends = _trends(ids, week)
    standings = _standings(ids, week, trends, now)
    lines = [
        LocationLine(
            location=place,
            standing=standings[place.pk],
            trend=trends[place.pk].left,
            **_queries(week, place.pk),
        )
        for place in places
    ]
    lines.sort(key=_how_bad, reverse=True)
    money: dict[str, int] = defaultdict(int)
    for line in lines:
        money[line.location.currency] += line.standing.at_risk_cents or 0
    return Overview(
        week=week,
        total=_together([line.standing for line in lines]),
        lines=lines,
        at_risk_money=sorted((c, cents) for c, cents in money.items() if cents),
        trend_left=_added(trend.left for trend in trends.values()),
        trend_joined=_added(trend.joined for trend in trends.values()),
        trend_members=_added(
            [members or 0 for members in trend.members] for trend in trends.values()
        ),
        **_queries(week, location_id),
    )


def _queries(week: Week, location_id: int | None) -> dict[str, str]:
    """The lists behind the numbers, as query strings of /members/."""
    plain = MemberFilter(location=location_id)
    return {
        "members_query": plain.address(),
        "joined_query": plain.address(joined_from=week.monday, joined_to=week.last, sort="newest"),
        "left_query": plain.address(left_from=week.monday, left_to=week.last, sort="name"),
        "at_risk_query": plain.address(band="at_risk"),
    }


def _how_bad(line: LocationLine) -> tuple[float, float, str]:
    """Worst first: by the share that left, then the share likely to leave. A handful of members
    is ranked as if there were 20, so that one person does not top the table."""
    standing = line.standing
    base = max(standing.members or standing.members_at_start or 0, FEW)
    return (standing.left / base, (standing.at_risk or 0) / base, line.location.name)


def _standings(ids: list[int], week: Week, trends: Trends, now: datetime) -> dict[int, Standing]:
    rows = MemberRow.objects.filter(location__in=ids).order_by()
    found = {pk: Standing() for pk in ids}
    kept = {
        (day.location_id, day.on): day
        for day in AtRiskDay.objects.filter(
            location__in=ids, on__in=[week.last, week.last - timedelta(days=7)]
        )
    }
    joined = rows.joined(week.before_first, week.last)
    for pk, n, before in _in_both_weeks(joined, "started_on", week):
        found[pk].joined, found[pk].joined_before = n, before
    left = rows.left(week.before_first, week.last)
    for pk, n, before in _in_both_weeks(left, "ended_on", week):
        found[pk].left, found[pk].left_before = n, before
    drafts = Draft.objects.due(now).filter(location__in=ids).order_by().values_list("location")
    for pk, n in drafts.annotate(n=Count("pk")):
        found[pk].to_decide = n
    for pk, standing in found.items():
        week_ago = kept.get((pk, week.last - timedelta(days=7)))
        standing.at_risk_before = week_ago.at_risk if week_ago else None
        standing.members_at_start = trends[pk].members[-2]
        if not week.is_running:
            then = kept.get((pk, week.last))
            standing.members = then.members if then else trends[pk].members[-1]
            standing.at_risk = then.at_risk if then else None
            standing.at_risk_cents = then.at_risk_cents if then else None
    if week.is_running:
        risky = Q(band__in=AT_RISK)
        today = (
            rows.running()
            .values_list("location")
            .annotate(
                members=Count("*"),
                at_risk=Count("is_running", filter=risky),
                cents=Sum("monthly_cents", filter=risky, default=0),
            )
        )
        for pk, members, at_risk, cents in today:
            standing = found[pk]
            standing.members, standing.at_risk, standing.at_risk_cents = members, at_risk, cents
    return found


def _in_both_weeks(rows: MemberRowQuerySet, day: str, week: Week) -> Iterable[tuple[int, int, int]]:
    """(location, this period, the period before), counted by the date column `day`."""
    this = Q(**{f"{day}__range": (week.monday, week.last)})
    before = Q(**{f"{day}__range": (week.before_first, week.before_last)})
    counted: Iterable[tuple[int, int, int]] = rows.values_list("location").annotate(
        this=Count("pk", filter=this), before=Count("pk", filter=before)
    )
    return counted


@dataclass(frozen=True, slots=True)
class Trend:
    """12 weeks of one location, oldest first. `members` is None where no day is kept."""

    left: list[int]
    joined: list[int]
    members: list[int | None]


Trends = dict[int, Trend]


def _trends(ids: list[int], week: Week) -> Trends:
    """The 12 weeks that end with `week`, from the location x day roll-up: one row per location
    and week leaves the database."""
    start = week.monday - timedelta(days=7 * (WEEKS - 1))
    found = {pk: Trend([0] * WEEKS, [0] * WEEKS, [None] * WEEKS) for pk in ids}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT location_id, ("on" - %(start)s) / 7, sum("left"), sum(joined),
                (array_agg(members ORDER BY "on" DESC))[1]
            FROM memberships_locationday
            WHERE location_id = ANY(%(ids)s) AND "on" BETWEEN %(start)s AND %(last)s
            GROUP BY 1, 2
            """,
            {"start": start, "last": week.last, "ids": ids},
        )
        for pk, number, left, joined, members in cursor.fetchall():
            found[pk].left[number] = left
            found[pk].joined[number] = joined
            found[pk].members[number] = members
    return found


def _together(standings: list[Standing]) -> Standing:
    """The sum; a figure that one location lacks is lacking for all."""
    together = Standing()
    for name in Standing.__slots__:
        values = [getattr(one, name) for one in standings]
        setattr(together, name, None if None in values else sum(values))
    return together


def _added(rows: Iterable[list[int]]) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)]
