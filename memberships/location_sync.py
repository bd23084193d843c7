"""Reading one location: which streams, in which order, how far back and how much again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min, Q

from memberships.mirror import book, contracts, people, rollups
from memberships.mirror.staging import Written
from memberships.models import Appointment, Guest, Location, Membership, SyncCursor
from memberships.streams import FAILURES, Progress, Stream, SyncFailed, silent
from platforms.budget import BudgetSpent
from platforms.dead_letters import Poison
from platforms.records import GuestRecord, MembershipDetail, Page
from platforms.zenoti.adapter import Gone, Incomplete, Zenoti, windows

BACK_MONTHS = 24
AHEAD_DAYS = 60
SLIDING_BACK_DAYS = 7
# Read again before what is covered: changes dated earlier but entered late, other clocks.
OVERLAP = timedelta(days=1)
# Failed payments are retried for two weeks and more; their rows move to the newest attempt.
CHARGE_OVERLAP_DAYS = 35
REVIEW_OVERLAP_DAYS = 14
FULL_LIST_EVERY = timedelta(days=6)
DETAIL_AGE = timedelta(hours=20)
BATCH = 60
# More absent rows than this in one go look like a fault, not like life.
ABSENT_AT_LEAST = 50
ABSENT_SHARE = 0.2

# Without these a location's data cannot be called fresh; the others are extras of the platform.
NEEDED = ("guests", "members", "appointments", "charges", "details")
STREAMS = (*NEEDED[:4], "notes", *NEEDED[4:], "profiles", "waitlist", "reviews")


def months_back(day: date, months: int) -> date:
    """The first day of the month `months` before the month of `day`."""
    total = day.year * 12 + day.month - 1 - months
    return date(total // 12, total % 12 + 1, 1)


def month_spans(first: date, last: date) -> list[tuple[date, date]]:
    """Calendar months that cover first..last, newest first, both ends included."""
    spans = []
    end = last
    while end >= first:
        start = max(first, end.replace(day=1))
        spans.append((start, end))
        end = start - timedelta(days=1)
    return spans


@dataclass
class LocationSync:
    """One run over one location."""

    location: Location
    platform: Zenoti
    now: datetime
    clock: Callable[[], datetime]
    progress: Progress = silent
    backfill: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.today = self.location.today(self.now)
        self.touched_guests: set[str] = set()

    def run(self) -> dict[str, int]:
        """All streams. Raises SyncFailed when a needed one did not arrive whole, after the
        others have been read."""
        steps: tuple[tuple[str, Callable[[Stream], None]], ...] = (
            ("guests", self._guests),
            ("members", self._members),
            ("appointments", self._appointments),
            ("charges", self._charges),
            ("notes", self._notes),
            ("details", self._details),
            ("profiles", self._profiles),
            ("waitlist", self._waitlist),
            ("reviews", self._reviews),
        )
        for name, step in steps:
            with self._stream(name) as stream:
                step(stream)
        self._roll_up()
        self.counts["changed"] = sum(
            count for name, count in self.counts.items() if name.endswith("_changed")
        )
        broken = [name for name in self.failures if name in NEEDED]
        if broken:
            words = "; ".join(f"{name}: {self.failures[name]}" for name in broken)
            raise SyncFailed(f"{self.location.name} is not complete. {words}")
        return self.counts

    @contextmanager
    def _stream(self, name: str) -> Iterator[Stream]:
        """One stream: what goes wrong outside is noted on it and does not stop the next."""
        stream = Stream(
            name, self.location, now=self.now, progress=self.progress, quiet=self.backfill
        )
        try:
            yield stream
        except FAILURES as error:
            self.failures[name] = error
            stream.fail(error)
            if isinstance(error, BudgetSpent):
                raise
        self.counts[name] = self.counts.get(name, 0) + stream.total.rows
        self.counts[f"{name}_changed"] = stream.total.changed

    # --- Streams ---------------------------------------------------------------------------------
    def _guests(self, stream: Stream) -> None:
        """The whole roster each time: the platform cannot tell which guests changed."""
        position = stream.begin()
        from_page = int(position or 1)
        seen: set[str] = set()
        for page in self.platform.guests(
            self.location.external_id, self.location.zone, from_page=from_page
        ):
            seen.update(record.external_id for record in page.records)
            seen.update(poison.external_id for poison in page.poisons)
            stream.store(page, self._guest_writer(page), position=str(page.number + 1))
        if from_page == 1 and not self.backfill:
            self._absent_guests(stream, seen)
        stream.finish()

    def _guest_writer(self, page: Page[Any]) -> Callable[[], Written]:
        return lambda: people.store_guests(
            page.records, location_id=self.location.pk, asked_at=page.asked_at
        )

    def _absent_guests(self, stream: Stream, seen: set[str]) -> None:
        """Guests a whole roster did not name: each is asked for before it counts as gone."""
        absent = people.guests_missing_from(seen, location_id=self.location.pk)
        self._refuse_mass_absence(len(absent), len(seen))
        asked_at = self.clock()
        gone = []
        for answer in self.platform.guests_by_id(absent, self.location.zone):
            if isinstance(answer, Gone):
                gone.append(answer.external_id)
            elif isinstance(answer, Page):
                stream.store(answer, self._guest_writer(answer))
            else:
                raise answer
        if gone:
            with transaction.atomic():
                ids = people.mark_vanished(gone, asked_at=asked_at)
            stream.total.add(Written(changed=len(ids), guest_ids=ids))

    def _members(self, stream: Stream) -> None:
        """The list of memberships: whole every few days, else what changed since the last run,
        checked against the platform's log of changes."""
        covered = stream.cursor.covered_until
        full, _ = SyncCursor.objects.get_or_create(location=self.location, stream="members-whole")
        whole = covered is None or (
            full.complete_at is None or self.now - full.complete_at > FULL_LIST_EVERY
        )
        since = None
        if not whole and covered is not None:
            since = (covered - OVERLAP).astimezone(self.location.zone).date()
        from_page = int(stream.begin(resume=whole) or 1)
        for page in self.platform.members(
            self.location.external_id, updated_since=since, from_page=from_page
        ):
            if not whole:
                self.touched_guests.update(r.guest.external_id for r in page.records)
            stream.store(
                page, self._member_writer(page), position=str(page.number + 1) if whole else ""
            )
        if since is not None:
            self._changed_elsewhere(since)
        stream.finish()
        if whole:
            full.complete_at = self.now
            full.save(update_fields=["complete_at"])

    def _member_writer(self, page: Page[Any]) -> Callable[[], Written]:
        return lambda: contracts.store_memberships(
            page.records,
            location_id=self.location.pk,
            asked_at=page.asked_at,
            today=self.today,
        )

    def _changed_elsewhere(self, since: date) -> None:
        """Changes the log has and the mirror has not: their guests are read in detail."""
        for page in self.platform.changes(self.location.external_id, since, self.today):
            known = dict(
                Membership.objects.filter(
                    external_id__in=[record.external_id for record in page.records]
                ).values_list("external_id", "status")
            )
            self.touched_guests.update(
                record.guest
                for record in page.records
                if known.get(record.external_id) != record.status
            )

    def _appointments(self, stream: Stream) -> None:
        """The book by windows of a week: 24 months back and 60 days ahead at first, newest
        first; afterwards the last 7 and the next 60 days again each time."""
        oldest = months_back(self.today, BACK_MONTHS)
        last = self.today + timedelta(days=AHEAD_DAYS)
        position = stream.begin()
        backfilled = stream.cursor.backfilled_to
        is_whole = backfilled is None or backfilled > oldest
        if is_whole and self.backfill:
            first = oldest
            if position:
                last = date.fromisoformat(position) - timedelta(days=1)
        else:
            first = self.today - timedelta(days=SLIDING_BACK_DAYS)
        seen: list[str] = []
        spans = windows(first, last)
        stream.cursor.pages_total = stream.cursor.pages_done + len(spans)
        pages = self.platform.appointments(self.location.external_id, self.location.zone, spans)
        for (start, _end), page in zip(spans, pages, strict=True):
            seen += [record.external_id for record in page.records]
            seen += [poison.external_id for poison in page.poisons]
            stream.store(
                _counted(page, stream.cursor.pages_total),
                self._appointment_writer(page),
                position=start.isoformat() if self.backfill else "",
                backfilled_to=start if self.backfill else None,
            )
        if not self.backfill:
            self._absent_appointments(stream, seen, first, last)
        stream.finish()

    def _appointment_writer(self, page: Page[Any]) -> Callable[[], Written]:
        return lambda: book.store_appointments(
            page.records,
            location_id=self.location.pk,
            asked_at=page.asked_at,
            roll_up=not self.backfill,
        )

    def _absent_appointments(
        self, stream: Stream, seen: list[str], first: date, last: date
    ) -> None:
        """Bookings that a whole read of their days did not bring were moved or deleted: each is
        read by its id before anything is concluded."""
        absent = book.appointments_missing_from(
            seen, location_id=self.location.pk, first=first, last=last
        )
        self._refuse_mass_absence(len(absent), len(seen))
        asked_at = self.clock()
        gone = []
        here = (self.location.external_id, self.location.zone)
        for answer in self.platform.appointments_by_id(absent, [here] * len(absent)):
            if isinstance(answer, Gone):
                gone.append(answer.external_id)
            elif isinstance(answer, Page):
                stream.store(answer, self._appointment_writer(answer))
            else:
                raise answer
        if gone:
            with transaction.atomic():
                stream.total.add(book.mark_vanished(gone, asked_at=asked_at))

    def _refuse_mass_absence(self, absent: int, present: int) -> None:
        if absent > max(ABSENT_AT_LEAST, present * ABSENT_SHARE):
            raise Incomplete(
                f"{absent} rows are missing of {absent + present}: that looks like a fault of the "
                "platform. Nothing was removed."
            )

    def _charges(self, stream: Stream) -> None:
        self._by_month(
            stream,
            lambda first, last: self.platform.charges(self.location.external_id, first, last),
            lambda page: contracts.store_charges(page.records, location_id=self.location.pk),
            overlap_days=CHARGE_OVERLAP_DAYS,
            ahead_days=0,
        )

    def _notes(self, stream: Stream) -> None:
        """The report reads by day of service: coming days are read each time."""
        self._by_month(
            stream,
            lambda first, last: self.platform.appointment_notes(
                self.location.external_id, self.location.zone, first, last
            ),
            lambda page: book.store_notes(
                page.records, asked_at=page.asked_at, roll_up=not self.backfill
            ),
            overlap_days=SLIDING_BACK_DAYS,
            ahead_days=AHEAD_DAYS,
        )

    def _reviews(self, stream: Stream) -> None:
        self._by_month(
            stream,
            lambda first, last: self.platform.reviews(
                self.location.external_id, self.location.zone, first, last
            ),
            lambda page: book.store_reviews(page.records, location_id=self.location.pk),
            overlap_days=REVIEW_OVERLAP_DAYS,
            ahead_days=0,
        )

    def _by_month(
        self,
        stream: Stream,
        read: Callable[[date, date], Iterator[Page[Any]]],
        write: Callable[[Page[Any]], Written],
        *,
        overlap_days: int,
        ahead_days: int,
    ) -> None:
        """A dated stream, month by month, newest first. A month that was cut off is read again
        from its first page."""
        position = stream.begin()
        covered = stream.cursor.covered_until
        last = self.today + timedelta(days=ahead_days)
        if covered is None:
            first = months_back(self.today, BACK_MONTHS)
            if position:
                last = date.fromisoformat(position) - timedelta(days=1)
        else:
            since = min(covered.astimezone(self.location.zone).date(), self.today)
            first = since - timedelta(days=overlap_days)
        spans = month_spans(first, last)
        stream.cursor.pages_total = None
        for start, end in spans:
            for page in read(start, end):
                is_last = page.of is None or page.number >= page.of
                stream.store(
                    _counted(page, None),
                    _bound(write, page),
                    position=(start.isoformat() if is_last and covered is None else "")
                    or stream.cursor.cursor,
                    backfilled_to=start if is_last and covered is None else None,
                )
        stream.finish()

    def _details(self, stream: Stream) -> None:
        """Balances and dates of each member (#9), a call each: whoever changed first, then the
        running memberships read longest ago, as many as the rate allows for one night. What is
        left of it goes to memberships that ended: when they were asked to end stands only here."""
        stream.begin(resume=False)
        mine = Membership.objects.filter(location=self.location)
        changed = list(
            Guest.objects.filter(external_id__in=self.touched_guests, vanished_at=None)
            .order_by("pk")
            .values_list("external_id", flat=True)
        )
        oldest = list(
            mine.running()
            .filter(Q(detailed_at=None) | Q(detailed_at__lt=self.now - DETAIL_AGE))
            .filter(guest__vanished_at=None)
            .values("guest__external_id")
            .annotate(oldest=Min("detailed_at"), never=Count("pk", filter=Q(detailed_at=None)))
            .order_by("-never", "oldest", "guest__external_id")
            .values_list("guest__external_id", flat=True)[: self._allowance()]
        )
        ended = list(
            mine.exclude(status__in=Membership.RUNNING)
            .filter(detailed_at=None, guest__vanished_at=None)
            .filter(ended_on__gte=months_back(self.today, BACK_MONTHS))
            .order_by("-ended_on", "pk")
            .values_list("guest__external_id", flat=True)[: self._allowance() - len(oldest)]
        )
        chosen = list(dict.fromkeys([*changed, *oldest, *ended]))
        stream.cursor.pages_total = -(-len(chosen) // BATCH)
        for start in range(0, len(chosen), BATCH):
            batch = chosen[start : start + BATCH]
            page = self._detail_page([(guest, self.location.external_id) for guest in batch])
            stream.store(_counted(page, stream.cursor.pages_total), self._detail_writer(page))
        stream.finish()

    def _allowance(self) -> int:
        """Calls for details in one run: the account's rate for half an hour, shared by all
        locations."""
        others = Location.objects.filter(is_active=True).count() or 1
        return max(BATCH, int(settings.PLATFORM["rate_per_minute"]) * 30 // others)

    def _detail_page(self, asked: list[tuple[str, str]]) -> Page[MembershipDetail]:
        """The memberships of several guests as one page, as old as its oldest answer."""
        records: list[MembershipDetail] = []
        poisons: list[Poison] = []
        asked_at = self.clock()
        for answer in self.platform.memberships_of(asked):
            if isinstance(answer, Page):
                records += answer.records
                poisons += answer.poisons
            elif not isinstance(answer, Gone):
                raise answer
        return Page(records, poisons, asked_at)

    def _detail_writer(self, page: Page[MembershipDetail]) -> Callable[[], Written]:
        return lambda: contracts.store_details(
            page.records, location_id=self.location.pk, asked_at=page.asked_at, today=self.today
        )

    def _profiles(self, stream: Stream) -> None:
        """Consents, where the roster does not bring them: members and guests who come soon."""
        stream.begin(resume=False)
        wanted = list(
            Guest.objects.filter(location=self.location, consents_at=None, vanished_at=None)
            .filter(
                Q(pk__in=Membership.objects.running().values("guest_id"))
                | Q(
                    pk__in=Appointment.objects.coming()
                    .filter(starts_at__gt=self.now)
                    .values("guest_id")
                )
            )
            .order_by("pk")
            .values_list("external_id", flat=True)[: self._allowance()]
        )
        for start in range(0, len(wanted), BATCH):
            records: list[GuestRecord] = []
            poisons: list[Poison] = []
            asked_at = self.clock()
            for answer in self.platform.guests_by_id(
                wanted[start : start + BATCH], self.location.zone
            ):
                if isinstance(answer, Page):
                    records += answer.records
                    poisons += answer.poisons
                elif not isinstance(answer, Gone):
                    raise answer
            page = Page(records, poisons, asked_at)
            stream.store(page, self._guest_writer(page))
        stream.finish()

    def _waitlist(self, stream: Stream) -> None:
        stream.begin(resume=False)
        seen: list[str] = []
        for page in self.platform.waitlist(self.location.external_id, self.location.zone):
            seen += [record.external_id for record in page.records]
            seen += [poison.external_id for poison in page.poisons]
            stream.store(
                page,
                _bound(
                    lambda page: book.store_waitlist(page.records, location_id=self.location.pk),
                    page,
                ),
            )
        with transaction.atomic():
            withdrawn = book.withdraw_waitlist_missing_from(seen, location_id=self.location.pk)
        stream.total.add(Written(changed=withdrawn))
        stream.finish()

    # --- Afterwards ------------------------------------------------------------------------------
    @transaction.atomic
    def _roll_up(self) -> None:
        """How memberships ended, and the location's days: after a backfill all of them at once,
        otherwise only the member columns."""
        self.counts["endings_changed"] = contracts.settle_endings(location_id=self.location.pk)
        first = months_back(self.today, BACK_MONTHS)
        if self.backfill:
            rollups.touch_all(location_id=self.location.pk)
            rollups.rebuild_touched()
        self.counts["days_changed"] = rollups.rebuild_member_days(
            location_id=self.location.pk, first=first, last=self.today
        )


def _counted(page: Page[Any], of: int | None) -> Page[Any]:
    """The page with the length of the whole run instead of its own read's."""
    return Page(page.records, page.poisons, page.asked_at, page.number, of, page.total)


def _bound(write: Callable[[Page[Any]], Written], page: Page[Any]) -> Callable[[], Written]:
    return lambda: write(page)
