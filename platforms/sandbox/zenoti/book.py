"""Reads of the appointment book, and the reports."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from platforms.sandbox import catalogue as cat
from platforms.sandbox.business import Facts, facts, query
from platforms.sandbox.days import day_text, parse_day
from platforms.sandbox.guid import Kind
from platforms.sandbox.zenoti import shapes
from platforms.sandbox.zenoti.errors import answer, bad_parameter, not_found
from platforms.sandbox.zenoti.params import (
    center_number,
    day_param,
    flag,
    json_body,
    number_of,
    page_info,
    paging,
    required_day,
)
from platforms.sandbox.zenoti.reads import guest_row
from platforms.sandbox.zenoti.shapes import JSON

MAX_WINDOW_DAYS = 7
MAX_REPORT_SIZE = 1000
STATUS_NAMES = {
    cat.NO_SHOW: "NoShow", cat.CANCELLED: "Cancelled", cat.NEW: "New", cat.CLOSED: "Closed",
    2: "CheckedIn", cat.CONFIRMED: "Confirmed",
}  # fmt: skip
SELECT_BOOK = (
    f"SELECT {shapes.APPOINTMENT_COLUMNS}, g.first_name, g.last_name, g.email, g.phone, "  # noqa: S608
    "n.membership_id > 0, EXISTS (SELECT 1 FROM review r WHERE r.appointment_id = a.id) "
    "FROM appointment a JOIN guest g ON g.id = a.guest_id "
    "JOIN nature n ON n.id = a.guest_id "
)


@require_GET
def appointments(request: HttpRequest) -> HttpResponse:
    """14: a bare array of at most 7 days, the end excluded, block-outs among the bookings."""
    known = facts()
    center = center_number(known, request.GET.get("center_id"))
    start, end = required_day(request, "start_date"), required_day(request, "end_date")
    if end <= start:
        raise bad_parameter("end_date must be after start_date")
    if end - start > MAX_WINDOW_DAYS:
        raise bad_parameter("The window must not exceed 7 days")
    shown = "" if flag(request, "include_no_show_cancel") else " AND a.status >= 0"
    params: list[Any] = [center, start, end]
    if request.GET.get("therapist_id"):
        shown += " AND a.employee_id = %s"
        params.append(number_of(known, Kind.EMPLOYEE, request.GET["therapist_id"], "Therapist"))
    rows = query(
        f"{SELECT_BOOK} WHERE a.center_id = %s AND a.start_day >= %s AND a.start_day < %s{shown} "
        "ORDER BY a.start_min, a.id",
        params,
    )
    body = [row_json(known, row) for row in rows]
    for employee in known.employees.values():
        if employee.center_id != center:
            continue
        for day in range(start, end):
            here = employee.started_day <= day and (
                not employee.left_day or employee.left_day > day
            )
            if here and employee.days >> (day + 5) % 7 & 1:
                body.append(shapes.blockout_json(known, employee, day))
    return answer(body)


def row_json(known: Facts, row: tuple[Any, ...]) -> JSON:
    """One row of SELECT_BOOK."""
    *_, member, reviewed = row
    return shapes.appointment_json(known, row[:-6], row[-6:-2], member=member, reviewed=reviewed)


@require_GET
def appointment(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """15: one appointment, as an array of one."""
    known = facts()
    number = number_of(known, Kind.APPOINTMENT, appointment_id, "Appointment")
    rows = query(f"{SELECT_BOOK} WHERE a.id = %s", [number])
    if not rows:
        raise not_found("Appointment")
    return answer([row_json(known, rows[0])])


@require_GET
def guest_appointments(request: HttpRequest, guest_id: str) -> HttpResponse:
    """16: a guest's bookings in groups, newest first."""
    known = facts()
    guest = guest_row(known, guest_id)[0]
    page, size = paging(request)
    start = day_param(request, "start_date") or 0
    end = day_param(request, "end_date") or 1_000_000
    window = [guest, start, end]
    where = "guest_id = %s AND start_day >= %s AND start_day < %s"
    groups = query(
        f"SELECT group_id, min(start_min) FROM appointment WHERE {where} "  # noqa: S608
        "GROUP BY group_id ORDER BY 2 DESC",
        window,
    )
    chosen = [group for group, _ in groups[(page - 1) * size : page * size]]
    rows = query(
        f"{SELECT_BOOK} WHERE a.group_id = ANY(%s) ORDER BY a.start_min DESC, a.id", [chosen]
    )
    bodies: dict[int, JSON] = {}
    for row in rows:
        a = dict(zip(shapes.APPOINTMENT_FIELDS, row, strict=False))
        group = bodies.setdefault(
            a["group_id"],
            {
                "appointment_group_id": known.guid(Kind.GROUP, a["group_id"]),
                "invoice_id": known.guid(Kind.VISIT_INVOICE, a["group_id"]),
                "invoice_status": 4 if a["status"] == cat.CLOSED else 0,
                "is_rebooking": bool(a["rebooked"]),
                "notes": None,
                "center_id": known.guid(Kind.CENTER, a["center_id"]),
                "price": {"final": 0.0, "sales": 0.0},
                "appointment_services": [],
                "appointment_packages": [],
            },
        )
        group["price"]["final"] += a["paid_cents"] / 100
        group["price"]["sales"] += a["price_cents"] / 100
        whole = row_json(known, row)
        service = cat.SERVICES[a["service_id"] - 1]
        group["appointment_services"].append(
            {
                "appointment_id": whole["appointment_id"],
                "invoice_item_id": whole["invoice_item_id"],
                "start_time": whole["start_time"],
                "end_time": whole["end_time"],
                "appointment_status": a["status"],
                "is_membership_applied": bool(a["covered"]),
                "service": {
                    "id": whole["service"]["id"],
                    "name": service.name,
                    "duration": service.minutes,
                    "price": {"sales": a["price_cents"] / 100},
                },
                "therapist": whole["therapist"],
            }
        )
    return answer(
        {
            "appointments": [bodies[group] for group in chosen],
            "page_info": page_info(len(groups), page, size),
            "error": None,
        }
    )


def _report_window(request: HttpRequest, known: Facts) -> tuple[JSON, list[int], int, int]:
    """(body, location numbers, first day, last day included) of a report call."""
    body = json_body(request)
    asked = body.get("centers") or {}
    if asked.get("is_all"):
        numbers = list(known.centers)
    else:
        numbers = [center_number(known, guid) for guid in asked.get("ids") or []]
    if not numbers:
        raise bad_parameter("centers is required")
    try:
        start, end = parse_day(body["start_date"]), parse_day(body["end_date"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise bad_parameter("start_date and end_date are required (YYYY-MM-DD)") from None
    if end < start:
        raise bad_parameter("end_date must not be before start_date")
    return body, numbers, start, end


MEMBERSHIP_MONEY = (
    "SELECT event_day, 0 AS kind, id, guest_id, center_id, membership_id, due_day, paid_day, "
    "amount_cents, paid_cents, status, attempts, decline FROM charge "
    "WHERE center_id = ANY(%(centers)s) AND event_day BETWEEN %(start)s AND %(end)s"
)
VISIT_MONEY = (
    "SELECT start_day, 1, group_id, guest_id, center_id, 0, start_day, start_day, "
    "sum(paid_cents)::int, sum(paid_cents)::int, 4, 1, 0 FROM appointment "
    "WHERE center_id = ANY(%(centers)s) AND start_day BETWEEN %(start)s AND %(end)s "
    "AND status = 1 GROUP BY group_id, start_day, guest_id, center_id"
)
INVOICE_STATUS = {0: "Open", 4: "Closed", 99: "Voided"}


@require_POST
def collections(request: HttpRequest) -> HttpResponse:
    """31: money taken or not taken, by the day of the last attempt; `end_date` included.

    `item_types`, and the fields after `closed_date`, are not documented by Zenoti.
    """
    known = facts()
    body, numbers, start, end = _report_window(request, known)
    page, size = paging(request, largest=MAX_REPORT_SIZE)
    kinds = body.get("item_types") or ["Membership", "Service"]
    parts = [
        sql
        for name, sql in (("Membership", MEMBERSHIP_MONEY), ("Service", VISIT_MONEY))
        if name in kinds
    ]
    if not parts:
        raise bad_parameter("item_types must name Membership or Service")
    union = " UNION ALL ".join(parts)
    window: Any = {"centers": numbers, "start": start, "end": end}
    wanted = body.get("invoice_statuses") or []
    where = ""
    if wanted:
        names = {name: code for code, name in INVOICE_STATUS.items()}
        window["statuses"] = [names.get(str(name), -1) for name in wanted]
        where = "WHERE status = ANY(%(statuses)s)"
    total = _named(f"SELECT count(*) FROM ({union}) money {where}", window)[0][0]  # noqa: S608
    rows = _named(
        f"SELECT * FROM ({union}) money {where} ORDER BY 1, 2, 3 LIMIT %(size)s OFFSET %(skip)s",  # noqa: S608
        {**window, "size": size, "skip": (page - 1) * size},
    )
    lines = [_money_json(known, row) for row in rows]
    return answer({"collections": lines, "page_info": page_info(total, page, size), "error": None})


def _named(sql: str, params: JSON) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def _money_json(known: Facts, row: tuple[Any, ...]) -> JSON:
    (
        event_day, kind, number, guest_id, center_id, membership_id, due_day, paid_day, amount,
        paid, status, attempts, decline,
    ) = row  # fmt: skip
    invoice = Kind.VISIT_INVOICE if kind else Kind.INVOICE
    return {
        "payment_date": day_text(event_day),
        "invoice_no": f"{'A' if kind else 'N'}{number}",
        "invoice_id": known.guid(invoice, number),
        "guest_id": known.guid(Kind.GUEST, guest_id),
        "center_id": known.guid(Kind.CENTER, center_id),
        "payment_type": "Card",
        "amount_paid": paid / 100,
        "due": (amount - paid) / 100,
        "invoice_status": INVOICE_STATUS[status],
        "closed_date": day_text(paid_day),
        "item_type": "Service" if kind else "Membership",
        "user_membership_id": known.guid(Kind.MEMBERSHIP, membership_id),
        "due_date": day_text(due_day),
        "attempts": attempts,
        "decline_reason": cat.DECLINES[decline] or None,
    }


@require_POST
def appointments_report(request: HttpRequest) -> HttpResponse:
    """32: bookings by date of service with their text columns; `end_date` included.

    `cancelled_date` and `cancel_reason` are columns of the product's export, not confirmed here.
    """
    known = facts()
    _, numbers, start, end = _report_window(request, known)
    page, size = paging(request, largest=MAX_REPORT_SIZE)
    window = [numbers, start, end]
    where = "center_id = ANY(%s) AND start_day BETWEEN %s AND %s"
    total = query(f"SELECT count(*) FROM appointment WHERE {where}", window)[0][0]  # noqa: S608
    rows = query(
        "SELECT id, group_id, guest_id, center_id, start_min, created_min, source, "  # noqa: S608
        f"status, first_visit, rebooked, reason, fate_min FROM appointment "
        f"WHERE {where} ORDER BY start_day, id LIMIT %s OFFSET %s",
        [*window, size, (page - 1) * size],
    )
    lines = []
    for row in rows:
        (
            number, group_id, guest_id, center_id, start_min, created, source, status, first_visit,
            rebooked, reason, fate_min,
        ) = row  # fmt: skip
        gone = status == cat.CANCELLED
        by_guest = source in (cat.WEBSTORE, cat.APP, cat.BOT)
        lines.append(
            {
                "appointment_id": known.guid(Kind.APPOINTMENT, number),
                "appointment_group_id": known.guid(Kind.GROUP, group_id),
                "guest_id": known.guid(Kind.GUEST, guest_id),
                "center_id": known.guid(Kind.CENTER, center_id),
                "appointment_date": known.local_text(center_id, start_min),
                "booking_source": cat.BOOKING_SOURCES[source],
                "booked_by": "Guest" if by_guest else "Front Desk",
                "booked_date": known.local_text(center_id, created),
                "rebooked": "Yes" if rebooked else "No",
                "status": STATUS_NAMES[status],
                "first_visit": "Yes" if first_visit else "No",
                "cancelled_date": known.local_text(center_id, fate_min) if gone else None,
                "cancel_reason": cat.REASONS[reason - 1][0] if gone and reason else None,
            }
        )
    return answer({"appointments": lines, "page_info": page_info(total, page, size), "error": None})


@require_POST
def memberships_report(request: HttpRequest) -> HttpResponse:
    """32: memberships sold in a window; `end_date` included."""
    known = facts()
    _, numbers, start, end = _report_window(request, known)
    page, size = paging(request, largest=MAX_REPORT_SIZE)
    window = [numbers, start, end]
    where = "m.center_id = ANY(%s) AND m.sold_day BETWEEN %s AND %s"
    total = query(f"SELECT count(*) FROM membership m WHERE {where}", window)[0][0]  # noqa: S608
    rows = query(
        f"SELECT {shapes.MEMBER_COLUMNS}, g.code, g.first_name, g.last_name FROM membership m "  # noqa: S608
        f"JOIN guest g ON g.id = m.guest_id WHERE {where} ORDER BY m.sold_day, m.id "
        "LIMIT %s OFFSET %s",
        [*window, size, (page - 1) * size],
    )
    lines = [shapes.member_json(known, row[:-3], row[-3:]) for row in rows]
    return answer({"memberships": lines, "page_info": page_info(total, page, size), "error": None})
