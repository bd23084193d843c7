"""The filter of /members/: from the address to a queryset and back.

The address is the state: every choice is one parameter, an unknown value is dropped, and
`address()` writes the shortest query string that gives the same list.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from memberships.models import Membership, found_by
from retention.models import AT_RISK, MemberRowQuerySet
from risk.causes import CAUSES
from risk.models import Band

Status = Membership.Status
LEFT = [Status.CANCELLED, Status.EXPIRED, Status.CLOSED, Status.INACTIVE, Status.REFUNDED]
# What a person may choose as status, and the platform's states it stands for.
STATUSES: dict[str, tuple[Any, list[str]]] = {
    "": (_("members now"), [str(s) for s in Membership.RUNNING]),
    "active": (_("active"), [Status.ACTIVE]),
    "paused": (_("paused"), [Status.FROZEN]),
    "payment": (_("payment failed"), [Status.SUSPENDED, Status.FAILED]),
    "left": (_("left"), [str(s) for s in LEFT]),
    "all": (_("all, past ones too"), []),
}
BANDS: dict[str, tuple[Any, list[str]]] = {
    "at_risk": (_("High or Very high"), [str(b) for b in AT_RISK]),
    **{str(b): (b.label, [str(b)]) for b in reversed(Band)},
}
BOOKINGS: dict[str, Any] = {"none": _("nothing booked"), "some": _("booked")}
CONSENTS: dict[str, Any] = {
    "sms": _("may be texted"),
    "email": _("may be e-mailed"),
    "none": _("may not be written to"),
}
RENEWALS: dict[str, Any] = {
    "14": _("within 14 days"),
    "30": _("within 30 days"),
    "60": _("within 60 days"),
}
SORTS: dict[str, Any] = {
    "risk": _("most likely to leave"),
    "name": _("name"),
    "renewal": _("next renewal or end"),
    "value": _("highest price"),
    "away": _("longest away"),
    "newest": _("newest members"),
}
MOST_WORDS = 6
TRIGRAM = 3  # characters: shorter words are in no index


def _found(word: str) -> Func:
    """A condition: the row holds the word."""
    like = connection.ops.prep_for_like_query(word)
    return found_by("retention_found", "membership", f"%{like}%")


def plain(text: str) -> str:
    """Lower case without accents, as the search column is stored."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).lower()


def words_of(query: str) -> list[str]:
    """What to look for, word by word; a phone number is looked for by its digits."""
    words = []
    for word in plain(query).split()[:MOST_WORDS]:
        digits = "".join(c for c in word if c.isdigit())
        looks_dialled = digits and not any(c.isalpha() or c == "@" for c in word)
        words.append(digits if looks_dialled else word)
    return words


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFilter:
    """One choice of members. Dates are local to the location; both ends belong to the range."""

    q: str = ""
    location: int | None = None
    band: str = ""
    cause: str = ""
    plan: int | None = None
    status: str = ""
    booking: str = ""
    consent: str = ""
    renews: str = ""
    joined_from: date | None = None
    joined_to: date | None = None
    left_from: date | None = None
    left_to: date | None = None
    sort: str = "risk"

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> MemberFilter:
        """Read a query string's values; what is not on offer is left out."""

        def one_of(name: str, offered: Mapping[str, Any], default: str = "") -> str:
            value = str(query.get(name, ""))
            return value if value in offered else default

        def number(name: str) -> int | None:
            value = str(query.get(name, ""))
            return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None

        return cls(
            q=str(query.get("q", "")).strip()[:100],
            location=number("location"),
            band=one_of("band", BANDS),
            cause=one_of("cause", CAUSES),
            plan=number("plan"),
            status=one_of("status", STATUSES),
            booking=one_of("booking", BOOKINGS),
            consent=one_of("consent", CONSENTS),
            renews=one_of("renews", RENEWALS),
            joined_from=_day(str(query.get("joined_from", ""))),
            joined_to=_day(str(query.get("joined_to", ""))),
            left_from=_day(str(query.get("left_from", ""))),
            left_to=_day(str(query.get("left_to", ""))),
            sort=one_of("sort", SORTS, "risk"),
        )

    def names(self) -> list[str]:
        """Which choices were made; what was typed is only "search"."""
        plain_list = MemberFilter()
        chosen = [n for n in self.__slots__ if getattr(self, n) != getattr(plain_list, n)]
        return ["search" if name == "q" else name for name in chosen]

    def address(self, **changes: Any) -> str:
        """The query string of this filter with some changes; empty for the plain list."""
        changed = replace(self, **changes)
        plain_list = MemberFilter()
        values = {
            name: value
            for name in self.__slots__
            if (value := getattr(changed, name)) != getattr(plain_list, name)
        }
        return urlencode(values)

    @property
    def spans_past(self) -> bool:
        """Whether contracts that ended belong to the list without being asked for by status."""
        return bool(self.joined_from or self.joined_to or self.left_from or self.left_to)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the order and the location was chosen."""
        return replace(self, sort="risk", location=None) != MemberFilter()

    @property
    def is_tallied(self) -> bool:
        """Whether everything chosen is something the tally counts by: then nothing is counted."""
        rest = replace(self, band="", cause="", plan=None, status="", location=None, sort="risk")
        return rest == MemberFilter()

    @property
    def has_more(self) -> bool:
        """Whether one of the less common filters is in force: then their part is open."""
        return bool(self.plan or self.booking or self.consent or self.renews)

    def narrow(self, rows: MemberRowQuerySet, now: datetime) -> MemberRowQuerySet:
        """Rows by everything but band, cause, plan and status, whose options carry counts."""
        rows = rows.at(self.location)
        for word in words_of(self.q):
            rows = rows.filter(_found(word) if len(word) >= TRIGRAM else Q(search__contains=word))
        if self.joined_from or self.joined_to:
            rows = rows.joined(self.joined_from or date.min, self.joined_to or date.max)
        if self.left_from or self.left_to:
            rows = rows.left(self.left_from or date.min, self.left_to or date.max)
        if self.booking == "none":
            rows = rows.without_booking(now)
        elif self.booking == "some":
            rows = rows.filter(next_booking_at__gt=now)
        if self.consent == "sms":
            rows = rows.filter(sms_allowed=True)
        elif self.consent == "email":
            rows = rows.filter(email_allowed=True)
        elif self.consent == "none":
            rows = rows.filter(sms_allowed=False, email_allowed=False)
        if self.renews:
            today = now.date()
            rows = rows.filter(renews_on__range=(today, today + timedelta(days=int(self.renews))))
        if self.q and self.status == "all":
            rows = rows.filter(is_current=True)  # one line for one person
        return rows

    def choose(self, rows: MemberRowQuerySet) -> MemberRowQuerySet:
        """Rows by the four dimensions whose options carry counts."""
        if self.band:
            rows = rows.filter(band__in=BANDS[self.band][1])
        if self.cause:
            rows = rows.filter(cause=self.cause)
        if self.plan is not None:
            rows = rows.filter(plan=self.plan)
        if self.status == "":
            return rows if self.spans_past else rows.running()
        if self.status == "all":
            return rows
        if self.status != "left":
            rows = rows.running()
        return rows.filter(status__in=STATUSES[self.status][1])

    def ordered(self, rows: MemberRowQuerySet) -> MemberRowQuerySet:
        """Rows in the chosen order; equal ones by contract, so that pages never overlap."""
        if self.sort == "risk":
            return rows.worst_first()
        order: dict[str, Any] = {
            "name": F("sort_name").asc(),
            "renewal": F("renews_on").asc(nulls_last=True),
            "value": F("monthly_cents").desc(),
            "away": F("last_visit_on").asc(nulls_first=True),
            "newest": F("started_on").desc(),
        }
        return rows.order_by(order[self.sort], "membership_id")
