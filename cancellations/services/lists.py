"""The list as a whole: built in the morning, added to by day, closed row by row by what happens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from audit import fence
from audit import services as audit
from audit.services import Entry
from cancellations import candidates, events
from cancellations.candidates import SOMEBODY_ASKED_CENTS, Candidate
from cancellations.models import Call, CallList, CallRules
from cancellations.rules import NotCallable, said, who
from cancellations.services.rows import make_rows, rows_saved
from memberships.models import Appointment, Guest, Location, Membership
from outreach.gate.hours import Hours, place_of
from outreach.models import CallTask
from risk.models import Band, BookingScore, ChurnScore
from staff.models import User

DAY_IS_OVER = "The day ended"
NO_LONGER_SHAKY = [Band.LOW, Band.WATCH]


class DayIsOver(Exception):
    """A list was asked for a day that has passed at the location."""


@transaction.atomic
def build_call_list(*, location_id: int, on: date, now: datetime) -> dict[str, int]:
    """Build, or complete, the list of the local day `on`. Rows that are there keep their number;
    new ones follow. Run again it adds only what has become free or due. Returns counts: added,
    settled, carried (rows of earlier days closed), bookings, members, promised, steps, left_out.
    Raises DayIsOver."""
    location = Location.objects.get(pk=location_id)
    if on < location.today(now):
        raise DayIsOver(f"{on} is over at {location.name}.")
    rules = CallRules.current()
    day = _locked_list(location, on)
    closed_days = _close_earlier_days(location, now)
    settled = _settle(Call.objects.open().filter(location=location, on=on), now)
    promised = candidates.promised_calls(location=location, on=on, now=now)
    bookings = candidates.shaky_bookings(
        location=location, on=on, now=now, days_ahead=rules.days_ahead
    )
    members = candidates.members_to_call(location=location, on=on, now=now, rules=rules)
    steps = candidates.step_calls(location=location, on=on, now=now)
    room = max(rules.rows_per_day - _rows_worked(location, on), 0)
    found = _distinct([*promised, *sorted([*bookings, *members, *steps], key=lambda c: c.order)])
    chosen = found[: max(room, len(promised))]
    added = rows_saved(
        make_rows(
            sorted(chosen, key=lambda c: c.order),
            location=location,
            on=on,
            first_no=_next_no(location, on),
            now=now,
        )
    )
    day.built_at, day.bookings, day.members = now, len(bookings), len(members)
    day.save(update_fields=["built_at", "bookings", "members"])
    counts = {
        "added": len(added),
        "settled": len(settled),
        "carried": len(closed_days),
        "bookings": len(bookings),
        "members": len(members),
        "promised": len(promised),
        "steps": len(steps),
        "left_out": len(found) - len(chosen),
    }
    audit.record_many(
        [
            *closed_days,
            *settled,
            Entry(
                event=events.LIST_BUILT,
                at=now,
                location_id=location.pk,
                target=day,
                detail={"on": on, **counts},
            ),
        ]
    )
    return counts


@transaction.atomic
def add_live_bookings(*, appointment_ids: Collection[int], now: datetime) -> int:
    """Add bookings of today that turned very shaky after the list was built, at its end. Leaves
    alone who is listed, and stops at the rules' extra rows. Returns the rows added."""
    rules = CallRules.current()
    by_location: dict[int, list[int]] = {}
    coming = Appointment.objects.coming().filter(pk__in=appointment_ids, starts_at__gt=now)
    for pk, location_id in coming.values_list("pk", "location"):
        by_location.setdefault(location_id, []).append(pk)
    entries: list[Entry] = []
    for location in Location.objects.filter(pk__in=by_location).order_by("pk"):
        on = location.today(now)
        turned = candidates.shaky_bookings(
            location=location,
            on=on,
            now=now,
            days_ahead=0,
            bands=[Band.VERY_HIGH],
            appointment_ids=by_location[location.pk],
        )
        if turned:
            entries += _add_turned(location, on, turned, rules, now)
    audit.record_many(entries)
    return len(entries)


def _add_turned(
    location: Location, on: date, turned: list[Candidate], rules: CallRules, now: datetime
) -> list[Entry]:
    day = CallList.objects.select_for_update(no_key=True).filter(location=location, on=on).first()
    if day is None or day.built_at is None:
        return []  # the list of the day is still to be built, and will see them
    room = max(rules.extra_rows - day.live_added, 0)
    rows = rows_saved(
        make_rows(turned[:room], location=location, on=on, first_no=_next_no(location, on), now=now)
    )
    day.live_added += len(rows)
    day.save(update_fields=["live_added"])
    return [
        Entry(
            event=events.CALL_ADDED,
            at=now,
            location_id=location.pk,
            guest_id=row.guest_id,
            target=row,
            detail={"on": on, "row": row.row_no},
        )
        for row in rows
    ]


@fence.beyond("the guest may be on a list elsewhere")
@transaction.atomic
def ask_call(*, guest_id: int, by: User, now: datetime, appointment_id: int | None = None) -> Call:
    """Put a guest on the list because `by` wants them called: today, or on the next day when
    calling hours are over. An open row of the guest is marked as asked for and returned. Raises
    NotCallable with the reason (no number, do not call, called already)."""
    guest = Guest.objects.select_related("location").get(pk=guest_id)
    appointment = None
    location = guest.location
    if appointment_id is not None:
        appointment = Appointment.objects.select_related("location").get(
            pk=appointment_id, guest=guest
        )
        location = appointment.location
    _check_callable(guest, now)
    on = _day_for(guest, location, now)
    _locked_list(location, on)
    listed = Call.objects.select_for_update(of=("self",)).filter(guest=guest, on=on).first()
    if listed is not None:
        return _ask_again(listed, by, now)
    rows = rows_saved(
        make_rows(
            [_asked(guest, appointment, by)],
            location=location,
            on=on,
            first_no=_next_no(location, on),
            now=now,
        )
    )
    if not rows:
        raise NotCallable(f"Another location is just putting {guest.name} on its list.")
    _record_asked(rows[0], by, now)
    return rows[0]


def _ask_again(listed: Call, by: User, now: datetime) -> Call:
    if not listed.is_open:
        raise NotCallable(f"{listed.guest.name} is done for that day: {said(listed)}")
    if listed.asked_by_id is None:
        listed.asked_by = by
        listed.reasons = [_asked_words(by), *listed.reasons][:3]
        listed.save(update_fields=["asked_by", "reasons"])
        _record_asked(listed, by, now)
    return listed


def _asked_words(by: User) -> str:
    return f"Asked for by {who(by)}"[:200]


def _record_asked(row: Call, by: User, now: datetime) -> None:
    audit.record_about(
        events.CALL_ASKED,
        row,
        at=now,
        by=by,
        on=row.on,
        row=row.row_no,
    )


def _asked(guest: Guest, appointment: Appointment | None, by: User) -> Candidate:
    """The row a colleague wants, with the reasons of the score where there is one."""
    score: Any
    membership: Membership | None = None
    if appointment is not None:
        score = getattr(appointment, "booking_score", None)
        value = appointment.price_cents or 0
    else:
        score = (
            ChurnScore.objects.filter(guest=guest, membership__status__in=Membership.RUNNING)
            .select_related("membership__plan")
            .order_by("-score")
            .first()
        )
        membership = score.membership if score else None
        value = 12 * candidates.monthly_cents(membership) if membership else 0
    reasons = score.reasons if score else []
    return Candidate(
        guest_id=guest.pk,
        kind=Call.Kind.ASKED,
        appointment_id=appointment.pk if appointment else None,
        membership_id=membership.pk if membership else None,
        expected_cents=SOMEBODY_ASKED_CENTS,
        value_cents=value,
        reasons=[_asked_words(by), *candidates.why(reasons)][:3],
        cause=candidates.first_cause(reasons),
        asked_by_id=by.pk,
    )


def _check_callable(guest: Guest, now: datetime) -> None:
    if guest.vanished_at is not None or guest.merged_into_id is not None:
        raise NotCallable("This guest is no longer in the booking platform.")
    if not guest.phone:
        raise NotCallable(f"{guest.name} has no phone number we can dial.")
    if Guest.objects.filter(candidates.not_to_be_dialled(), pk=guest.pk).exists():
        raise NotCallable(f"{guest.name} asked not to be called, or the number is wrong.")


def _day_for(guest: Guest, location: Location, now: datetime) -> date:
    """Today at the location, or the next day when the guest's calling hours end before."""
    place = place_of(guest, location, channel="call", is_marketing=True)
    opening = Hours.current().opens_at(now, place)
    return location.today(opening or now)


def record_print(*, location_id: int, on: date, rows: int, by: User, now: datetime) -> None:
    """Tell the ledger that guest data left on paper."""
    with transaction.atomic():
        audit.record(
            events.LIST_PRINTED,
            at=now,
            by=by,
            location_id=location_id,
            detail={"on": on, "rows": rows},
        )


@transaction.atomic
def settle_calls(*, appointment_ids: Collection[int], now: datetime) -> int:
    """Close open rows of the guests of these appointments where there is nothing left to call
    about. Returns the rows closed."""
    guests = Appointment.objects.filter(pk__in=appointment_ids).values("guest")
    since = now.date() - timedelta(days=1)  # whatever the location's date is
    entries = _settle(Call.objects.open().filter(guest__in=guests, on__gte=since), now)
    audit.record_many(entries)
    return len(entries)


RECENT = timedelta(minutes=15)  # sweeps come more often than this


def sweep_calls(*, now: datetime) -> dict[str, int]:
    """Do what a lost hint would have asked for: close what settled, add what turned. Each location
    in its own transaction. Returns counts: settled, added."""
    since = now.date() - timedelta(days=1)  # whatever the location's date is
    open_rows = Call.objects.open().filter(on__gte=since)
    settled = 0
    for location_id in list(open_rows.order_by().values_list("location", flat=True).distinct()):
        with transaction.atomic():
            entries = _settle(open_rows.filter(location=location_id), now)
            audit.record_many(entries)
        settled += len(entries)
    turned = BookingScore.objects.filter(
        band=Band.VERY_HIGH,
        scored_at__gt=now - RECENT,
        appointment__status__in=Appointment.COMING,
        appointment__starts_at__range=(now, now + timedelta(days=1)),
    )
    added = add_live_bookings(
        appointment_ids=list(turned.values_list("appointment", flat=True)), now=now
    )
    return {"settled": settled, "added": added}


def _settle(rows: QuerySet[Call], now: datetime) -> list[Entry]:
    """Close the rows that settled by themselves. A row somebody is on waits until they are off."""
    own = Appointment.objects.filter(guest=OuterRef("guest"), vanished_at__isnull=True)
    found = (
        rows.filter(Q(held_by__isnull=True) | Q(held_until__lte=now))
        .select_for_update(of=("self",))
        .select_related("appointment__booking_score", "membership", "guest", "location")
        .annotate(
            has_booked=Exists(
                own.coming().filter(booked_at__gt=OuterRef("created_at"), starts_at__gt=now)
            ),
            is_here=Exists(
                own.filter(
                    status__in=[Appointment.Status.CHECKED_IN, Appointment.Status.COMPLETED],
                    starts_on=OuterRef("on"),
                )
            ),
            is_step_open=Exists(
                CallTask.objects.filter(guest=OuterRef("guest"), state=CallTask.State.OPEN)
            ),
            is_not_to_be_dialled=Exists(
                Guest.objects.filter(candidates.not_to_be_dialled(), pk=OuterRef("guest"))
            ),
        )
        .order_by("pk")
    )
    return [_closed(row, why, now) for row in found if (why := settled_why(row, now))]


def settled_why(row: Any, now: datetime) -> str:
    """Why a row needs no call any more, in words for staff; empty while it still does."""
    booking = row.appointment
    if row.guest.vanished_at is not None or row.guest.merged_into_id is not None:
        return "No longer in the booking platform"
    if not row.guest.phone:
        return "The number was removed"
    if row.is_not_to_be_dialled:
        return "The number is not to be called"
    if booking is not None:
        return _booking_settled_why(row, booking, now)
    if row.kind == Call.Kind.ASKED:
        return ""  # a colleague asked for it, and knows why
    if row.kind == Call.Kind.STEP and not row.tries and not row.is_step_open:
        return "Its sequence ended"
    if row.has_booked:
        return "Booked by themselves"
    if row.is_here:
        return "Came in"
    if row.membership is not None and row.membership.status not in Membership.RUNNING:
        return "The membership has ended"
    return ""


def _booking_settled_why(row: Any, booking: Appointment, now: datetime) -> str:
    status = booking.status
    if status in (Appointment.Status.CHECKED_IN, Appointment.Status.COMPLETED):
        return "Came in"
    if status not in Appointment.COMING or booking.vanished_at is not None:
        return "Cancelled by themselves"
    if booking.starts_at <= now:
        return "The appointment's time has passed"
    score = getattr(booking, "booking_score", None)
    is_safe = score is not None and score.band in NO_LONGER_SHAKY
    if row.kind == Call.Kind.BOOKING and status == Appointment.Status.CONFIRMED and is_safe:
        return "Confirmed by themselves"
    return ""


def _close_earlier_days(location: Location, now: datetime) -> list[Entry]:
    """Rows of days that are over are closed as they are: what was tried stays what it was."""
    rows = (
        Call.objects.open()
        .filter(location=location, on__lt=location.today(now))
        .select_for_update(of=("self",))
        .order_by("pk")
    )
    return [_closed(row, DAY_IS_OVER, now) for row in rows]


def _closed(row: Call, why: str, now: datetime) -> Entry:
    """Save the row as done. A row that was tried keeps the outcome of its last try."""
    row.outcome = row.outcome or Call.Outcome.CLOSED
    row.status, row.closed_why = Call.Status.DONE, why
    if why != DAY_IS_OVER:
        row.due_at = None  # a promised call-back has nothing left to be about
    row.held_by, row.held_until = None, None
    row.version += 1
    row.save(
        update_fields=[
            "outcome",
            "status",
            "closed_why",
            "due_at",
            "held_by",
            "held_until",
            "version",
        ]
    )
    return Entry.about(
        events.CALL_SETTLED,
        row,
        at=now,
        on=row.on,
        row=row.row_no,
        why=why,
    )


def _locked_list(location: Location, on: date) -> CallList:
    """The day's list, made when it is new. Held until the transaction ends: rows are numbered
    one after the other."""
    CallList.objects.get_or_create(location=location, on=on)
    rows = CallList.objects.select_for_update(no_key=True)
    day: CallList = rows.get(location=location, on=on)
    return day


def _next_no(location: Location, on: date) -> int:
    last = Call.objects.filter(location=location, on=on).aggregate(last=Max("row_no"))["last"]
    return (last or 0) + 1


def _rows_worked(location: Location, on: date) -> int:
    """Rows that count against the day's capacity: all but those that settled untried, those that
    were asked for, and those that turned during the day."""
    rows = Call.objects.filter(location=location, on=on).exclude(kind=Call.Kind.ASKED)
    live = CallList.objects.get(location=location, on=on).live_added
    return max(rows.exclude(outcome=Call.Outcome.CLOSED).count() - live, 0)


def _distinct(found: list[Candidate]) -> list[Candidate]:
    """One row per guest; the first mention wins."""
    by_guest: dict[int, Candidate] = {}
    for candidate in found:
        by_guest.setdefault(candidate.guest_id, candidate)
    return list(by_guest.values())
