"""Writes: profile, notes, follow-ups, freezes, cancellations, bookings, reviews, waitlist."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST
from psycopg.types.json import Jsonb

from platforms.sandbox import catalogue as cat
from platforms.sandbox.business import Facts, execute, facts, query
from platforms.sandbox.days import parse_day
from platforms.sandbox.environment import environment
from platforms.sandbox.guid import Kind
from platforms.sandbox.store import WRITE_LOCK
from platforms.sandbox.tables import REVIEW, WAITLIST, Table
from platforms.sandbox.zenoti import reads, shapes
from platforms.sandbox.zenoti.errors import WireError, answer, bad_parameter, not_found
from platforms.sandbox.zenoti.params import center_number, json_body, number_of
from platforms.sandbox.zenoti.reads import guest_row


def hold_still() -> None:
    """Keep the days from passing until the transaction ends."""
    execute("SELECT pg_advisory_xact_lock(%s)", [WRITE_LOCK])


def tell(event: str, ids: list[int]) -> None:
    """Queue webhooks inside the present transaction, if anyone listens."""
    from platforms.sandbox import events

    if environment().webhook_url and ids:
        connection.ensure_connection()
        minutes = np.full(len(ids), facts().now_minute)
        events.queue(connection.connection, [(event, np.array(ids), minutes)])


def insert(table: Table, **values: Any) -> int:
    """A new row of a table of numbers with the next free id; columns not given are 0."""
    number = int(query(f"SELECT coalesce(max(id), 0) + 1 FROM {table.name}")[0][0])  # noqa: S608
    row = {**dict.fromkeys(table.columns, 0), **values, "id": number}
    execute(
        f"INSERT INTO {table.name} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})",  # noqa: S608
        list(row.values()),
    )
    return number


def body_day(body: dict[str, Any], name: str, default: int | None = None) -> int:
    """A date of the body as a day number. Raises the 502 of a bad parameter."""
    text = body.get(name)
    if not text and default is not None:
        return default
    try:
        return parse_day(str(text))
    except ValueError:
        raise bad_parameter(f"{name} is not a date (YYYY-MM-DD)") from None


@transaction.atomic
def replace_guest(request: HttpRequest, guest_id: str) -> HttpResponse:
    """5: the whole guest is replaced; whatever the body leaves out is wiped."""
    known = facts()
    number = guest_row(known, guest_id)[0]
    body = json_body(request)
    person = body.get("personal_info") or {}
    if not person.get("first_name") or not person.get("last_name"):
        raise bad_parameter("personal_info.first_name and last_name are required")
    wishes = body.get("preferences") or {}
    tags = body.get("tags") or []
    if isinstance(tags, str):
        tags = [tag.strip() for tag in tags.split(",") if tag.strip()]
    execute(
        "UPDATE guest SET first_name = %s, last_name = %s, email = %s, phone = %s, gender = %s, "
        "birth_day = %s, marketing_email = %s, marketing_sms = %s, transactional_sms = %s, "
        "language = %s, tags = %s, address = %s, updated_min = %s WHERE id = %s",
        [
            person["first_name"], person["last_name"], person.get("email") or "",
            (person.get("mobile_phone") or {}).get("number") or "", person.get("gender", -1),
            body_day(person, "date_of_birth", 0),
            bool(wishes.get("receive_marketing_email")), bool(wishes.get("receive_marketing_sms")),
            bool(wishes.get("receive_transactional_sms")),
            wishes.get("preferred_language") or "en", [str(tag) for tag in tags],
            Jsonb(body["address_info"]) if body.get("address_info") else None,
            known.now_minute, number,
        ],
    )  # fmt: skip
    tell("Guest.Updated", [number])
    row = guest_row(known, guest_id)
    return answer({**shapes.guest_json(known, row, "tags,address_info"), "error": None})


# -- notes and follow-ups ---------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def guest_notes(request: HttpRequest, guest_id: str) -> HttpResponse:
    """34: list or add notes."""
    if request.method == "GET":
        return reads.guest_notes(request, guest_id)
    known = facts()
    guest = guest_row(known, guest_id)
    body = json_body(request)
    if not body.get("notes"):
        raise bad_parameter("notes is required")
    row = query(
        "INSERT INTO note (guest_id, notes, note_type, is_private, alert, created_min, added_by) "
        "VALUES (%s, %s, %s, %s, %s, %s, 'API') "
        "RETURNING id, notes, note_type, is_private, alert, added_by, created_min",
        [
            guest[0], str(body["notes"]), int(body.get("note_type", 2)),
            bool(body.get("is_private")), bool(body.get("alert")), known.now_minute,
        ],
    )[0]  # fmt: skip
    return answer({"note": reads.note_json(known, guest[1], row), "success": True, "error": None})


@require_http_methods(["PUT", "DELETE"])
def guest_note(request: HttpRequest, guest_id: str, note_id: str) -> HttpResponse:
    """34: change or remove one note."""
    known = facts()
    guest = guest_row(known, guest_id)
    number = number_of(known, Kind.NOTE, note_id, "Note")
    if request.method == "DELETE":
        done = execute("DELETE FROM note WHERE id = %s AND guest_id = %s", [number, guest[0]])
    else:
        body = json_body(request)
        done = execute(
            "UPDATE note SET notes = %s, note_type = %s, is_private = %s, alert = %s "
            "WHERE id = %s AND guest_id = %s",
            [
                str(body.get("notes", "")), int(body.get("note_type", 2)),
                bool(body.get("is_private")), bool(body.get("alert")), number, guest[0],
            ],
        )  # fmt: skip
    if not done:
        raise not_found("Note")
    return answer({"success": True, "error": None})


@require_POST
def opportunities(request: HttpRequest) -> HttpResponse:
    """37: a sales lead or follow-up for the staff."""
    known = facts()
    body = json_body(request)
    center = center_number(known, body.get("center_id"))
    guest = guest_row(known, str(body.get("guest_id", "")))
    if not body.get("opportunity_title"):
        raise bad_parameter("opportunity_title is required")
    number = query(
        "INSERT INTO opportunity (guest_id, center_id, title, description, followup_day, "
        "created_min, body) VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id",
        [
            guest[0], center, str(body["opportunity_title"]),
            str(body.get("opportunity_description") or ""), body_day(body, "followup_date", 0),
            known.now_minute, Jsonb(body),
        ],
    )[0][0]  # fmt: skip
    found = {"opportunity_id": known.guid(Kind.OPPORTUNITY, number)}
    return answer({"status": "success", "opportunity": found, "error": None})


# -- running memberships ----------------------------------------------------------------------


def _membership(known: Facts, guest_id: str, guid: str) -> dict[str, Any]:
    """The membership of that guest, locked. Raises WireError 404."""
    guest = guest_row(known, guest_id)[0]
    number = number_of(known, Kind.MEMBERSHIP, guid, "Membership")
    rows = query(
        f"SELECT {shapes.MEMBER_COLUMNS} FROM membership m WHERE id = %s AND guest_id = %s "  # noqa: S608
        "FOR UPDATE",
        [number, guest],
    )
    if not rows:
        raise not_found("Membership")
    return dict(zip(shapes.MEMBER_FIELDS, rows[0], strict=True))


@require_http_methods(["PUT"])
@transaction.atomic
def freeze(request: HttpRequest, guest_id: str, membership_id: str) -> HttpResponse:
    """10: pause; type 2 freezes benefits and shifts payments, 3 skips payments only."""
    hold_still()
    known = facts()
    m = _membership(known, guest_id, membership_id)
    body = json_body(request)
    start = body_day(body, "start_date", known.today)
    end = body_day(body, "end_date")
    if m["status"] != cat.M_ACTIVE:
        raise WireError(400, 4076, "The membership is not active")
    if end <= start or start < known.today:
        raise bad_parameter("end_date must be after start_date, which must not be past")
    kind = int(body.get("type", 2))
    if kind not in (2, 3):
        raise bad_parameter("type must be 2 or 3")
    now_frozen = start <= known.today
    execute(
        "UPDATE membership SET freeze_day = %s, freeze_until_day = %s, freeze_type = %s, "
        "status = %s, recurrence_status = %s, updated_min = %s, next_charge_day = "
        "CASE WHEN next_charge_day > 0 THEN next_charge_day + %s ELSE 0 END WHERE id = %s",
        [
            start, end, kind, cat.M_FROZEN if now_frozen else m["status"],
            cat.M_FROZEN if now_frozen else m["recurrence_status"], known.now_minute, end - start,
            m["id"],
        ],
    )  # fmt: skip
    tell("Guest.Membership.Freeze", [m["id"]])
    return answer({"success": True, "error": None})


@require_http_methods(["PUT"])
@transaction.atomic
def unfreeze(request: HttpRequest, guest_id: str, membership_id: str) -> HttpResponse:
    """11: resume; 4081 if it is not frozen."""
    hold_still()
    known = facts()
    m = _membership(known, guest_id, membership_id)
    if m["status"] != cat.M_FROZEN:
        raise WireError(400, 4081, "The membership is not frozen")
    rest = max(m["freeze_until_day"] - known.today, 0)
    execute(
        "UPDATE membership SET status = %s, recurrence_status = %s, freeze_until_day = %s, "
        "next_charge_day = CASE WHEN next_charge_day > 0 THEN greatest(next_charge_day - %s, %s) "
        "ELSE 0 END, updated_min = %s WHERE id = %s",
        [
            cat.M_ACTIVE, cat.M_ACTIVE, known.today, rest, known.today, known.now_minute, m["id"]
        ],
    )  # fmt: skip
    tell("Guest.Membership.Unfreeze", [m["id"]])
    return answer({"success": True, "error": None})


@require_http_methods(["PUT"])
@transaction.atomic
def cancel(request: HttpRequest, guest_id: str, membership_id: str) -> HttpResponse:
    """12: cancel now, end later; 4076 inactive, 4077 already cancelled, 502 date rules."""
    hold_still()
    known = facts()
    m = _membership(known, guest_id, membership_id)
    body = json_body(request)
    if m["status"] == cat.M_CANCELLED or m["cancel_asked_day"]:
        raise WireError(400, 4077, "The membership is already cancelled")
    if m["status"] not in (cat.M_ACTIVE, cat.M_FROZEN, cat.M_SUSPENDED):
        raise WireError(400, 4076, "The membership is inactive")
    asked = body_day(body, "cancellation_date", known.today)
    ends = body_day(body, "termination_date", max(m["next_charge_day"], asked + 1))
    if ends <= asked:
        raise bad_parameter("termination_date must be later than cancellation_date")
    reason = int(body.get("cancel_reason_id") or 7)
    if not 1 <= reason <= len(cat.REASONS) or cat.REASONS[reason - 1][1:] != (0, 4):
        raise bad_parameter("cancel_reason_id is not a cancellation reason")
    end_membership(known, m["id"], cause=cat.OTHER_CAUSE, asked=asked, ends=ends, reason=reason)
    return answer({"success": True, "error": None})


def end_membership(
    known: Facts,
    number: int,
    *,
    cause: int,
    asked: int | None = None,
    ends: int | None = None,
    reason: int | None = None,
) -> None:
    """A running membership is cancelled; it goes on to the end of what is paid."""
    execute(
        "UPDATE membership SET cancel_asked_day = %s, cause = %s, reason = %s, auto_renewal = 0, "
        "terminate_day = coalesce(%s, greatest(next_charge_day, %s)), recurrence_status = %s, "
        "status = CASE WHEN status = %s THEN status ELSE %s END, updated_min = %s "
        "WHERE id = %s AND cancel_asked_day = 0",
        [
            asked or known.today, cause, reason or int(cat.REASON_OF_CAUSE[cause]), ends,
            known.today + 1, cat.M_CANCELLED, cat.M_ACTIVE, cat.M_ACTIVE, known.now_minute, number,
        ],
    )  # fmt: skip
    tell("Guest.Membership.Cancelled", [number])


# -- bookings ---------------------------------------------------------------------------------


@require_http_methods(["PUT"])
@transaction.atomic
def cancel_booking(request: HttpRequest, invoice_id: str) -> HttpResponse:
    """17: cancel the bookings of an invoice."""
    known = facts()
    number = number_of(known, Kind.VISIT_INVOICE, invoice_id, "Invoice")
    settle_group(known, number, cat.CANCELLED)
    return answer({"success": True, "is_charge_applied": False, "error": None})


@require_http_methods(["PUT"])
@transaction.atomic
def no_show(request: HttpRequest, group_id: str) -> HttpResponse:
    """18: the guest did not come."""
    known = facts()
    number = number_of(known, Kind.GROUP, group_id, "Appointment group")
    settle_group(known, number, cat.NO_SHOW)
    return answer({"success": True, "error": None})


def settle_group(known: Facts, group: int, status: int) -> None:
    """An open group ends as cancelled or no-show, now. Raises WireError."""
    hold_still()
    done = query(
        "UPDATE appointment SET status = %s, fate = %s, fate_day = 0, fate_min = %s, "
        "updated_min = %s WHERE group_id = %s AND status IN (0, 2, 4) RETURNING id, guest_id",
        [status, status, known.now_minute, known.now_minute, group],
    )
    if not done:
        raise WireError(400, 500, "The appointment is not open")
    execute(
        "UPDATE nature SET bookings = greatest(bookings - 1, 0), wants_day = %s WHERE id = %s",
        [known.today + 4, done[0][1]],
    )
    tell("AppointmentGroup.Status", [row[0] for row in done])


# -- reviews and the waitlist -----------------------------------------------------------------


@require_POST
@transaction.atomic
def feedback(request: HttpRequest, group_id: str) -> HttpResponse:
    """39: a review of a finished visit; 4020 if there is one."""
    hold_still()
    known = facts()
    group = number_of(known, Kind.GROUP, group_id, "Appointment group")
    rows = query(
        "SELECT a.id, a.guest_id, a.center_id, r.id FROM appointment a "
        "LEFT JOIN review r ON r.appointment_id = a.id WHERE a.group_id = %s AND a.status = 1 "
        "ORDER BY a.id LIMIT 1",
        [group],
    )
    if not rows:
        raise not_found("Finished appointment")
    number, guest, center, review = rows[0]
    if review:
        raise WireError(400, 4020, "Feedback was already given")
    body = json_body(request)
    rating = body.get("rating")
    if not isinstance(rating, int) or not 1 <= rating <= 5:
        raise bad_parameter("rating must be 1 to 5")
    review = insert(
        REVIEW, appointment_id=number, guest_id=guest, center_id=center, rating=rating,
        created_min=known.now_minute,
    )  # fmt: skip
    if body.get("comments"):
        execute("INSERT INTO review_text VALUES (%s, %s)", [review, str(body["comments"])])
    tell("Appointment.Feedback", [review])
    return answer({"success": True, "error": None})


@require_http_methods(["GET", "POST"])
def waitlist(request: HttpRequest, center_id: str) -> HttpResponse:
    """40: add to the waitlist (or read it, which Zenoti does not document)."""
    if request.method == "GET":
        return reads.waitlist(request, center_id)
    with transaction.atomic():
        return _add_to_waitlist(request, center_id)


def _add_to_waitlist(request: HttpRequest, center_id: str) -> HttpResponse:
    hold_still()
    known = facts()
    center = center_number(known, center_id)
    body = json_body(request)
    guest = guest_row(known, str((body.get("guest_info") or {}).get("guest_id", "")))[0]
    wishes = body.get("services_info") or []
    ranges = body.get("date_ranges") or []
    if not wishes or not ranges:
        raise bad_parameter("services_info and date_ranges are required")
    service = number_of(known, Kind.SERVICE, wishes[0].get("service_id"), "Service")
    employee = known.guids.number(Kind.EMPLOYEE, wishes[0].get("therapist_id")) or 0
    number = insert(
        WAITLIST, guest_id=guest, center_id=center, service_id=service, employee_id=employee,
        from_day=body_day(ranges[0], "start_date"), to_day=body_day(ranges[0], "end_date"),
        slot_from=0, slot_to=cat.SLOTS, created_min=known.now_minute, updated_min=known.now_minute,
    )  # fmt: skip
    made = {"waitlist_group_id": known.guid(Kind.WAITLIST, number)}
    return answer({"waitlist": [made], "error": None})


@require_http_methods(["DELETE"])
def waitlist_row(request: HttpRequest, center_id: str, waitlist_id: str) -> HttpResponse:
    """Take a wish off the list."""
    known = facts()
    number = number_of(known, Kind.WAITLIST, waitlist_id, "Waitlist entry")
    done = execute(
        "UPDATE waitlist SET status = 3, updated_min = %s WHERE id = %s AND center_id = %s "
        "AND status = 0",
        [known.now_minute, number, center_number(known, center_id)],
    )
    if not done:
        raise not_found("Waitlist entry")
    return answer({"success": True, "error": None})
