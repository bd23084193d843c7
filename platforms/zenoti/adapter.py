"""Zenoti as a source of neutral records: which calls bring what, and when a read is whole.

Numbers (#7 and so on) are those of docs/platforms.md. A read that does not arrive whole raises
Incomplete; rows that cannot be read travel beside the sane ones and never stop a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from platforms.records import (
    AppointmentNote,
    AppointmentRecord,
    ChargeRecord,
    GuestRecord,
    LocationRecord,
    MembershipChange,
    MembershipDetail,
    MembershipRecord,
    Page,
    PlanRecord,
    ReviewRecord,
    ServiceRecord,
    TherapistRecord,
    WaitlistRecord,
)
from platforms.zenoti import wire
from platforms.zenoti.client import (
    BACKGROUND,
    INTERACTIVE,
    Answer,
    Call,
    NotFound,
    Refused,
    Unavailable,
    ZenotiClient,
    ZenotiError,
)

PAGE_SIZE = 100  # the platform's largest
REPORT_PAGE_SIZE = 1000
WINDOW_DAYS = 7  # the longest window of the appointment book
W = TypeVar("W", bound=wire.Wire)
R = TypeVar("R")


class Incomplete(Exception):
    """Not every row the platform counts has arrived: this run proves nothing about absence."""


@dataclass(frozen=True)
class Gone:
    """The platform knows no such entity (any more)."""

    external_id: str


def windows(first: date, last: date) -> list[tuple[date, date]]:
    """Windows of at most 7 days that cover first..last (both included), newest first; the end of
    each is excluded, as the platform wants it."""
    found = []
    end = last + timedelta(days=1)
    while end > first:
        start = max(first, end - timedelta(days=WINDOW_DAYS))
        found.append((start, end))
        end = start
    return found


def _rows_of(body: Any, key: str) -> list[Any]:
    """The list under `key`, or the only list of the body where the key is not certain."""
    if isinstance(body, list):
        return body
    if isinstance(body, dict):
        if isinstance(rows := body.get(key), list):
            return rows
        lists = [value for name, value in body.items() if isinstance(value, list)]
        if key not in body and len(lists) == 1:
            return lists[0]
        if body.get(key, ()) is None:
            return []
    raise Unavailable("The answer has no list of rows.")


def _info(body: Any) -> tuple[int | None, int | None]:
    """(total, page) under either spelling."""
    info = body.get("page_info") or body.get("page_Info") if isinstance(body, dict) else None
    if not isinstance(info, dict):
        return None, None
    total, page = info.get("total"), info.get("page")
    return (
        int(total) if isinstance(total, int | float) else None,
        int(page) if isinstance(page, int | float) else None,
    )


def _expect_page(number: int, key: str) -> Callable[[Any], None]:
    """A check that raises Unavailable when another page or no list came."""

    def check(body: Any) -> None:
        _rows_of(body, key)
        _, page = _info(body)
        if page is not None and page != number:
            raise Unavailable(f"Page {page} came instead of page {number}.")

    return check


def _expect_rows(key: str) -> Callable[[Any], None]:
    def check(body: Any) -> None:
        _rows_of(body, key)

    return check


class Zenoti:
    """The reads the mirror needs. `clock` tells when each call left."""

    def __init__(self, *, clock: Callable[[], datetime], interactive: bool = False) -> None:
        self.client = ZenotiClient(clock=clock, manner=INTERACTIVE if interactive else BACKGROUND)

    # --- Catalogue -------------------------------------------------------------------------------
    def locations(self) -> Page[LocationRecord]:
        """#1"""
        return self._list("/v1/centers", "centers", wire.CenterRow, lambda row: row.record())

    def plans(self, location: str) -> Page[PlanRecord]:
        """#6: only what is on sale now."""
        return self._list(
            f"/v1/centers/{location}/memberships",
            "memberships",
            wire.PlanRow,
            lambda row: row.record(),
            location=location,
        )

    def services(self, location: str) -> Iterator[Page[ServiceRecord]]:
        """#20"""
        return self._pages(
            f"/v1/centers/{location}/services",
            "services",
            wire.ServiceRow,
            lambda row: row.record(),
            location=location,
            params={"expand": "catalog_info"},
        )

    def therapists(self, location: str, on: date) -> Iterator[Page[TherapistRecord]]:
        """#22: who is employed on a date."""
        return self._pages(
            f"/v1/centers/{location}/employees",
            "employees",
            wire.EmployeeRow,
            lambda row: row.record(),
            location=location,
            params={"date": on.isoformat()},
        )

    # --- People and contracts --------------------------------------------------------------------
    def guests(
        self, location: str, zone: ZoneInfo, *, from_page: int = 1
    ) -> Iterator[Page[GuestRecord]]:
        """#2, the whole roster."""
        return self._pages(
            "/v1/guests",
            "guests",
            wire.GuestRow,
            lambda row: row.record(zone),
            location=location,
            params={"center_id": location},
            from_page=from_page,
        )

    def guest(self, guest: str, zone: ZoneInfo) -> Page[GuestRecord]:
        """#4. Raises NotFound."""
        answer = self.client.call(self._guest_call(guest))
        return self._one(answer, wire.GuestRow, lambda row: row.record(zone))

    def guests_by_id(
        self, guests: Sequence[str], zone: ZoneInfo
    ) -> Iterator[Page[GuestRecord] | Gone | ZenotiError]:
        """#4 for each guest, in the order asked."""
        for guest, answer in zip(
            guests, self.client.call_many(self._guest_call(guest) for guest in guests), strict=True
        ):
            if isinstance(answer, Answer):
                yield self._one(answer, wire.GuestRow, lambda row: row.record(zone))
            else:
                yield Gone(guest) if isinstance(answer, NotFound) else answer

    def _guest_call(self, guest: str) -> Call:
        return Call("GET", f"/v1/guests/{guest}", {"expand": "tags"})

    def members(
        self, location: str, *, updated_since: date | None = None, from_page: int = 1
    ) -> Iterator[Page[MembershipRecord]]:
        """#7: all memberships of a location, ended ones included, or those changed since."""
        params: dict[str, Any] = {}
        if updated_since:
            params["last_updated_date"] = updated_since.isoformat()
        return self._pages(
            f"/v1/centers/{location}/members",
            "members",
            wire.MemberRow,
            lambda row: row.record(),
            location=location,
            params=params,
            from_page=from_page,
        )

    def changes(self, location: str, first: date, last: date) -> Iterator[Page[MembershipChange]]:
        """#8: memberships that changed on first..last; the platform excludes the end."""
        return self._pages(
            "/v1/guests/memberships/change_log",
            "memberships",
            wire.ChangeRow,
            lambda row: row.record(),
            location=location,
            params={
                "center_id": location,
                "start_date": first.isoformat(),
                "end_date": (last + timedelta(days=1)).isoformat(),
            },
        )

    def memberships_of(
        self, guests: Sequence[tuple[str, str]]
    ) -> Iterator[Page[MembershipDetail] | Gone | ZenotiError]:
        """#9 for each (guest, location), in the order asked."""
        calls = (
            Call(
                "GET",
                f"/v1/guests/{guest}/memberships",
                # Without the centre the platform answers 401; -1 asks for ended ones too.
                {"center_id": location, "is_active": -1, "show_redeemable": "true"},
                check=_expect_rows("guest_memberships"),
            )
            for guest, location in guests
        )
        for (guest, location), answer in zip(guests, self.client.call_many(calls), strict=True):
            if isinstance(answer, Answer):
                good, bad = wire.read_rows(
                    wire.GuestMembershipRow,
                    _rows_of(answer.body, "guest_memberships"),
                    _detail_of(guest),
                    location,
                )
                yield Page(good, bad, answer.asked_at)
            else:
                yield Gone(guest) if isinstance(answer, NotFound) else answer

    # --- The book --------------------------------------------------------------------------------
    def appointments(
        self, location: str, zone: ZoneInfo, spans: Sequence[tuple[date, date]]
    ) -> Iterator[Page[AppointmentRecord]]:
        """#14: one page per window, in the order given, cancelled and no-show rows included."""
        calls = (
            Call(
                "GET",
                "/v1/appointments",
                {
                    "center_id": location,
                    "start_date": first.isoformat(),
                    "end_date": end.isoformat(),
                    "include_no_show_cancel": "true",
                },
                check=_expect_rows("appointments"),
            )
            for first, end in spans
        )
        for number, answer in enumerate(self.client.call_many(calls), 1):
            if not isinstance(answer, Answer):
                raise answer
            yield self._book_page(answer, zone, location, number, len(spans))

    def appointments_by_id(
        self, appointments: Sequence[str], zones: Sequence[tuple[str, ZoneInfo]]
    ) -> Iterator[Page[AppointmentRecord] | Gone | ZenotiError]:
        """#15 for each appointment, with its (location, zone)."""
        calls = (Call("GET", f"/v1/appointments/{external_id}") for external_id in appointments)
        for external_id, (location, zone), answer in zip(
            appointments, zones, self.client.call_many(calls), strict=True
        ):
            if isinstance(answer, Answer):
                page = self._book_page(answer, zone, location, 1, 1)
                known = any(record.external_id == external_id for record in page.records)
                yield page if known or page.poisons else Gone(external_id)
            else:
                yield Gone(external_id) if isinstance(answer, NotFound) else answer

    def _book_page(
        self, answer: Answer, zone: ZoneInfo, location: str, number: int, of: int
    ) -> Page[AppointmentRecord]:
        rows = answer.body
        if isinstance(rows, dict):
            rows = rows.get("appointments", [rows])
        bookings = [row for row in rows if _is_booking(row)]
        good, bad = wire.read_rows(
            wire.AppointmentRow, bookings, lambda row: row.record(zone), location
        )
        for record in good:
            record.location = location
        return Page(good, bad, answer.asked_at, number, of, len(bookings))

    def appointment_notes(
        self, location: str, zone: ZoneInfo, first: date, last: date, *, from_page: int = 1
    ) -> Iterator[Page[AppointmentNote]]:
        """#32: channel, first visit, and (where the report has it) when and why cancelled."""
        return self._report(
            "/v1/reports/appointments/flat_file",
            "appointments",
            wire.ReportRow,
            lambda row: row.record(zone),
            location,
            first,
            last,
            from_page,
        )

    # --- Money, waitlist, reviews ----------------------------------------------------------------
    def charges(
        self, location: str, first: date, last: date, *, from_page: int = 1
    ) -> Iterator[Page[ChargeRecord]]:
        """#31, payments of memberships. Where the report cannot be narrowed to memberships its
        rows come without a type and are all taken."""
        return self._report(
            "/v1/reports/collections/flat_file",
            "collections",
            wire.CollectionRow,
            lambda row: row.record(),
            location,
            first,
            last,
            from_page,
            body={"item_types": ["Membership"]},
        )

    def waitlist(self, location: str, zone: ZoneInfo) -> Iterator[Page[WaitlistRecord]]:
        """The waitlist; a read Zenoti does not document."""
        return self._pages(
            f"/v2/centers/{location}/waitlist",
            "waitlist",
            wire.WaitlistRow,
            lambda row: row.record(zone),
            location=location,
        )

    def reviews(
        self, location: str, zone: ZoneInfo, first: date, last: date, *, from_page: int = 1
    ) -> Iterator[Page[ReviewRecord]]:
        """Feedback given in a window; a read Zenoti does not document."""
        return self._pages(
            f"/v1/centers/{location}/feedbacks",
            "feedbacks",
            wire.FeedbackRow,
            lambda row: row.record(zone),
            location=location,
            params={"start_date": first.isoformat(), "end_date": last.isoformat()},
            from_page=from_page,
        )

    # --- How lists arrive ------------------------------------------------------------------------
    def _list(
        self,
        path: str,
        key: str,
        model: type[W],
        convert: Callable[[W], R],
        *,
        location: str = "",
    ) -> Page[R]:
        """A list that comes in one piece."""
        answer = self.client.call(Call("GET", path, check=_expect_rows(key)))
        good, bad = wire.read_rows(model, _rows_of(answer.body, key), convert, location)
        return Page(good, bad, answer.asked_at, 1, 1, len(good) + len(bad))

    def _one(self, answer: Answer, model: type[W], convert: Callable[[W], R]) -> Page[R]:
        good, bad = wire.read_rows(model, [answer.body], convert, "")
        return Page(good, bad, answer.asked_at, 1, 1, 1)

    def _report(
        self,
        path: str,
        key: str,
        model: type[W],
        convert: Callable[[W], R],
        location: str,
        first: date,
        last: date,
        from_page: int,
        body: dict[str, Any] | None = None,
    ) -> Iterator[Page[R]]:
        """A report is read by POST; larger pages than elsewhere, where the platform allows."""
        asked = {
            "centers": {"ids": [location], "is_all": False},
            "start_date": first.isoformat(),
            "end_date": last.isoformat(),
            **(body or {}),
        }
        return self._pages(
            path,
            key,
            model,
            convert,
            location=location,
            from_page=from_page,
            body=asked,
            size=REPORT_PAGE_SIZE,
        )

    def _pages(
        self,
        path: str,
        key: str,
        model: type[W],
        convert: Callable[[W], R],
        *,
        location: str,
        params: dict[str, Any] | None = None,
        from_page: int = 1,
        body: dict[str, Any] | None = None,
        size: int = PAGE_SIZE,
    ) -> Iterator[Page[R]]:
        """Every page from `from_page` on, in order, a few under way at a time.

        Raises Incomplete at the end when fewer different rows came than the platform counts:
        a page was repeated, cut short or shifted while it was read.
        """

        def call(number: int) -> Call:
            return Call(
                "POST" if body is not None else "GET",
                path,
                {**(params or {}), "page": number, "size": size},
                body=body,
                check=_expect_page(number, key),
            )

        try:
            first = self.client.call(call(from_page))
        except Refused as error:
            if size <= PAGE_SIZE or error.code != 422:
                raise
            size = PAGE_SIZE
            first = self.client.call(call(from_page))
        total, _ = _info(first.body)
        seen: set[str] = set()
        number = from_page
        answers: Iterator[Answer | ZenotiError] = iter([first])
        while True:
            for answer in answers:
                if not isinstance(answer, Answer):
                    raise answer
                rows = _rows_of(answer.body, key)
                seen.update(_identity(row) for row in rows)
                newer, _ = _info(answer.body)
                total = newer if newer is not None else total
                good, bad = wire.read_rows(model, rows, convert, location)
                of = None if total is None else max(1, -(-total // size))
                yield Page(good, bad, answer.asked_at, number, of, total)
                number += 1
                if total is None and len(rows) < size:
                    return
            last = number if total is None else -(-total // size)
            if number > last:
                break
            answers = self.client.call_many(call(page) for page in range(number, last + 1))
        expected = 0 if total is None else total - (from_page - 1) * size
        if len(seen) < expected:
            raise Incomplete(
                f"{len(seen)} different rows came, the platform counts {expected}. "
                "The read is repeated at the next run."
            )


def _detail_of(guest: str) -> Callable[[wire.GuestMembershipRow], MembershipDetail]:
    return lambda row: row.record(guest)


def _is_booking(row: Any) -> bool:
    """Breaks, free slots and rows without a guest stand in the book too."""
    if not isinstance(row, dict):
        return True  # poison: let the validation name it
    if row.get("blockout") or row.get("status") in wire.NOT_A_BOOKING:
        return False
    # A missing key is a broken row; an empty guest is a block-out.
    return "guest" not in row or row["guest"] is not None


def _identity(row: Any) -> str:
    """What tells two rows apart; the whole row where there is no id."""
    if isinstance(row, dict):
        for name in ("id", "appointment_id", "waitlist_group_id"):
            if isinstance(value := row.get(name), str) and value:
                return value
    return repr(row)
