"""Reads of people, plans and memberships."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from platforms.sandbox import catalogue as cat
from platforms.sandbox.business import Facts, facts, query
from platforms.sandbox.days import MINUTES_A_DAY, from_day
from platforms.sandbox.guid import ZERO, Kind
from platforms.sandbox.zenoti import shapes
from platforms.sandbox.zenoti.errors import WireError, answer, bad_parameter, not_found
from platforms.sandbox.zenoti.params import (
    center_number,
    day_param,
    flag,
    number_of,
    page_info,
    paging,
    required_day,
)
from platforms.sandbox.zenoti.shapes import JSON


@require_GET
def centers(request: HttpRequest) -> HttpResponse:
    """1: all active locations."""
    known = facts()
    rows = [
        {
            "id": known.guid(Kind.CENTER, center.id),
            "code": center.code,
            "name": center.name,
            "display_name": center.name,
            "currency": {"id": 148, "code": "USD", "symbol": "$"},
            "country": {"id": 225, "code": "US", "name": "United States"},
            "location": {
                "time_zone": {
                    "id": center.id,
                    "name": center.zone,
                    "standard_name": center.zone.rpartition("/")[2].replace("_", " "),
                }
            },
            "contact_info": {
                "email": f"{center.code.lower()}@example.test",
                "phone_1": shapes.phone_json(center.phone),
            },
            "address_info": {"city": center.city, "state": center.state, "zip_code": None},
            "additional_info": {"kind": center.kind, "notice_hours": center.notice_hours},
        }
        for center in known.centers.values()
    ]
    return answer({"centers": rows, "page_info": page_info(len(rows), 1, 100), "error": None})


@require_GET
def guests(request: HttpRequest) -> HttpResponse:
    """2: the roster of a location; its `page_Info` has a capital I."""
    known = facts()
    center = center_number(known, request.GET.get("center_id"))
    page, size = paging(request)
    total = query("SELECT count(*) FROM guest WHERE center_id = %s", [center])[0][0]
    rows = query(
        f"SELECT {shapes.GUEST_COLUMNS} FROM guest WHERE center_id = %s "  # noqa: S608
        "ORDER BY id LIMIT %s OFFSET %s",
        [center, size, (page - 1) * size],
    )
    body = [shapes.guest_json(known, row) for row in rows]
    return answer({"guests": body, "page_Info": page_info(total, page, size), "error": None})


SEARCH_FIELDS = {
    "phone": "phone = %s",
    "email": "lower(email) = lower(%s)",
    "first_name": "lower(first_name) = lower(%s)",
    "last_name": "lower(last_name) = lower(%s)",
    "user_code": "code = %s",
    "tags": "%s = ANY(tags)",
}


@require_GET
def search_guests(request: HttpRequest) -> HttpResponse:
    """3: guests by phone, e-mail, name, code or tag."""
    known = facts()
    page, size = paging(request)
    wheres = ["true"]
    params: list[Any] = []
    if request.GET.get("center_id"):
        wheres.append("center_id = %s")
        params.append(center_number(known, request.GET["center_id"]))
    for name, where in SEARCH_FIELDS.items():
        value = request.GET.get(name)
        if value:
            wheres.append(where)
            params.append(_digits(value) if name == "phone" else value)
    if len(wheres) == 1:
        raise bad_parameter("Give at least one search field")
    where = " AND ".join(wheres)
    total = query(f"SELECT count(*) FROM guest WHERE {where}", params)[0][0]  # noqa: S608
    rows = query(
        f"SELECT {shapes.GUEST_COLUMNS} FROM guest WHERE {where} ORDER BY id LIMIT %s OFFSET %s",  # noqa: S608
        [*params, size, (page - 1) * size],
    )
    body = [shapes.guest_json(known, row) for row in rows]
    return answer({"guests": body, "page_Info": page_info(total, page, size), "error": None})


def _digits(phone: str) -> str:
    digits = "".join(character for character in phone if character.isdigit())
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits


def guest_row(known: Facts, guid: str) -> tuple[Any, ...]:
    """The row behind a guest's GUID. Raises WireError 404."""
    number = number_of(known, Kind.GUEST, guid, "Guest")
    rows = query(f"SELECT {shapes.GUEST_COLUMNS} FROM guest WHERE id = %s", [number])  # noqa: S608
    if not rows:
        raise not_found("Guest")
    return rows[0]


def guest(request: HttpRequest, guest_id: str) -> HttpResponse:
    """4 and 5: the profile; an update replaces all of it."""
    if request.method == "PUT":
        from platforms.sandbox.zenoti.writes import replace_guest  # writes builds on reads

        return replace_guest(request, guest_id)
    known = facts()
    row = guest_row(known, guest_id)
    return answer({**shapes.guest_json(known, row, request.GET.get("expand", "")), "error": None})


@require_GET
def plans(request: HttpRequest, center_id: str) -> HttpResponse:
    """6: plans on sale now; older ones are seen only on memberships."""
    known = facts()
    center = known.centers[center_number(known, center_id)]
    rows = [
        shapes.plan_json(known, number)
        for number, plan in enumerate(cat.PLANS, 1)
        if plan.on_sale and plan.kind in {"", center.kind}
    ]
    return answer({"memberships": rows, "total_no_of_memberships": len(rows), "error": None})


@require_GET
def members(request: HttpRequest, center_id: str) -> HttpResponse:
    """7: memberships of a location, with string statuses; filters narrow by time."""
    known = facts()
    center = center_number(known, center_id)
    page, size = paging(request)
    wheres = ["m.center_id = %s"]
    params: list[Any] = [center]
    status = request.GET.get("status", "")
    if status and status != "-1":
        names = {name.lower(): number for number, name in shapes.MEMBERSHIP_STATUS.items()}
        wheres.append("m.status = %s")
        params.append(int(status) if status.isdigit() else names.get(status.lower(), -1))
    for name, column in (("created_date", "created_min"), ("last_updated_date", "updated_min")):
        since = day_param(request, name)
        if since is not None:
            wheres.append(f"m.{column} >= %s")
            params.append(since * MINUTES_A_DAY)
    where = " AND ".join(wheres)
    total = query(f"SELECT count(*) FROM membership m WHERE {where}", params)[0][0]  # noqa: S608
    rows = query(
        f"SELECT {shapes.MEMBER_COLUMNS}, g.code, g.first_name, g.last_name "  # noqa: S608
        f"FROM membership m JOIN guest g ON g.id = m.guest_id WHERE {where} "
        "ORDER BY m.id LIMIT %s OFFSET %s",
        [*params, size, (page - 1) * size],
    )
    body = [shapes.member_json(known, row[:-3], row[-3:]) for row in rows]
    return answer({"members": body, "page_info": page_info(total, page, size), "error": None})


@require_GET
def change_log(request: HttpRequest) -> HttpResponse:
    """8: memberships that changed between two dates, the end excluded."""
    known = facts()
    page, size = paging(request)
    start, end = required_day(request, "start_date"), required_day(request, "end_date")
    wheres = ["m.updated_min >= %s", "m.updated_min < %s"]
    params: list[Any] = [start * MINUTES_A_DAY, end * MINUTES_A_DAY]
    if request.GET.get("center_id"):
        wheres.append("m.center_id = %s")
        params.append(center_number(known, request.GET["center_id"]))
    if request.GET.get("guest_id"):
        wheres.append("m.guest_id = %s")
        params.append(number_of(known, Kind.GUEST, request.GET["guest_id"], "Guest"))
    where = " AND ".join(wheres)
    total = query(f"SELECT count(*) FROM membership m WHERE {where}", params)[0][0]  # noqa: S608
    rows = query(
        f"SELECT m.id, m.guest_id, m.plan_id, m.status, m.recurrence_status FROM membership m "  # noqa: S608
        f"WHERE {where} ORDER BY m.updated_min, m.id LIMIT %s OFFSET %s",
        [*params, size, (page - 1) * size],
    )
    body = [
        {
            "id": known.guid(Kind.MEMBERSHIP, number),
            "guest_id": known.guid(Kind.GUEST, guest_id),
            "membership_id": known.guid(Kind.PLAN, plan_id),
            "membership_code": cat.PLANS[plan_id - 1].code,
            "status": status,
            "recurrence_status": recurrence,
        }
        for number, guest_id, plan_id, status, recurrence in rows
    ]
    return answer({"memberships": body, "page_info": page_info(total, page, size), "error": None})


@require_GET
def guest_memberships(request: HttpRequest, guest_id: str) -> HttpResponse:
    """9: memberships with balances, statuses as integers. 401 without center_id."""
    known = facts()
    center_number(known, request.GET.get("center_id"))
    guest = guest_row(known, guest_id)[0]
    where = "" if request.GET.get("is_active") == "-1" else f" AND m.status = {cat.M_ACTIVE}"
    rows = query(
        f"SELECT {shapes.MEMBER_COLUMNS} FROM membership m WHERE m.guest_id = %s{where} "  # noqa: S608
        "ORDER BY m.id",
        [guest],
    )
    invoices: dict[int, list[JSON]] = defaultdict(list)
    for row in query(
        "SELECT membership_id, id, due_day, paid_day, amount_cents, paid_cents, status "
        "FROM charge WHERE membership_id = ANY(%s) ORDER BY due_day, id",
        [[row[0] for row in rows]],
    ):
        invoices[row[0]].append(shapes.invoice_line(known, row[1:]))
    card = query("SELECT card_expiry FROM nature WHERE id = %s", [guest])[0][0]
    body = [shapes.membership_json(known, row, card, invoices[row[0]]) for row in rows]
    return answer(
        {
            "guest_memberships": body,
            "freeze_reasons": _reasons(known, 0, 3),
            "cancel_reasons": _reasons(known, 0, 4),
            "error": None,
        }
    )


def _reasons(known: Facts, object_type: int, action_type: int) -> list[JSON]:
    return [
        reason_json(known, number)
        for number, (_, kind, action) in enumerate(cat.REASONS, 1)
        if kind == object_type and action == action_type
    ]


def reason_json(known: Facts, number: int) -> JSON:
    name, object_type, action_type = cat.REASONS[number - 1]
    return {
        "reasonpk": number,
        "id": known.guid(Kind.REASON, number),
        "code": f"R{number:02d}",
        "name": name,
        "object_type": object_type,
        "action_type": action_type,
        "active": True,
    }


@require_GET
def reasons(request: HttpRequest) -> HttpResponse:
    """13: the reason lists of the business."""
    known = facts()
    rows = [reason_json(known, number) for number in range(1, len(cat.REASONS) + 1)]
    return answer({"reasons": rows, "error": None})


@require_GET
def services(request: HttpRequest, center_id: str) -> HttpResponse:
    """20: services of a location."""
    known = facts()
    center = known.centers[center_number(known, center_id)]
    page, size = paging(request)
    offered = [
        number
        for number, service in enumerate(cat.SERVICES, 1)
        if service.category != cat.INJECTABLES or center.kind == "medspa"
    ]
    rows = []
    for number in offered[(page - 1) * size : page * size]:
        service = cat.SERVICES[number - 1]
        price = service.price_cents / 100
        rows.append(
            {
                **shapes.service_ref(known, number),
                "code": f"S{number:03d}",
                "duration": service.minutes,
                "recovery_time": 0,
                "price_info": {"sale_price": price, "tax": 0.0, "final_price": price},
                "catalog_info": {"can_book": True, "show_in_catalog": not service.addon},
            }
        )
    return answer(
        {"services": rows, "page_info": page_info(len(offered), page, size), "error": None}
    )


@require_GET
def employees(request: HttpRequest, center_id: str) -> HttpResponse:
    """22: staff at work on a date."""
    known = facts()
    center = center_number(known, center_id)
    page, size = paging(request)
    day = day_param(request, "date") or known.today
    here = [
        employee
        for employee in known.employees.values()
        if employee.center_id == center
        and employee.started_day <= day
        and (employee.left_day == 0 or employee.left_day > day)
    ]
    jobs = ("Therapist", "Senior Therapist", "Esthetician")
    rows = [
        {
            "id": known.guid(Kind.EMPLOYEE, employee.id),
            "code": f"E{employee.id:04d}",
            "personal_info": {
                "first_name": employee.first_name,
                "last_name": employee.last_name,
                "name": f"{employee.first_name} {employee.last_name}",
                "gender": employee.gender,
            },
            "job_info": {"id": employee.job + 1, "name": jobs[employee.job]},
        }
        for employee in here[(page - 1) * size : page * size]
    ]
    return answer({"employees": rows, "page_info": page_info(len(here), page, size), "error": None})


@require_GET
def waitlist(request: HttpRequest, center_id: str) -> HttpResponse:
    """Open and past wishes of a location. No such read is documented by Zenoti."""
    known = facts()
    center = center_number(known, center_id)
    page, size = paging(request)
    total = query("SELECT count(*) FROM waitlist WHERE center_id = %s", [center])[0][0]
    rows = query(
        "SELECT id, guest_id, service_id, employee_id, from_day, to_day, slot_from, slot_to, "
        "status, comment, created_min, updated_min FROM waitlist WHERE center_id = %s "
        "ORDER BY id DESC LIMIT %s OFFSET %s",
        [center, size, (page - 1) * size],
    )
    body = [
        {
            "waitlist_group_id": known.guid(Kind.WAITLIST, number),
            "center_id": center_id,
            "guest_id": known.guid(Kind.GUEST, guest_id),
            "status": ("Open", "Booked", "Expired", "Removed")[status],
            "services_info": [
                {
                    "service_id": known.guid(Kind.SERVICE, service_id),
                    "service_name": cat.SERVICES[service_id - 1].name,
                    "therapist_id": known.guid(Kind.EMPLOYEE, employee) if employee else ZERO,
                }
            ],
            "date_ranges": [
                {
                    "start_date": from_day(from_).isoformat(),
                    "end_date": from_day(to).isoformat(),
                    "start_time": _clock(slot_from),
                    "end_time": _clock(slot_to),
                }
            ],
            "comments": cat.WAITLIST_COMMENTS[comment],
            "created_date": known.local_text(center, created),
            "updated_date": known.local_text(center, updated),
        }
        for (
            number, guest_id, service_id, employee, from_, to, slot_from, slot_to, status, comment,
            created, updated,
        ) in rows
    ]  # fmt: skip
    return answer({"waitlist": body, "page_info": page_info(total, page, size), "error": None})


def _clock(slot: int) -> str:
    minutes = 540 + slot * cat.SLOT_MINUTES
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"


@require_GET
def feedbacks(request: HttpRequest, center_id: str) -> HttpResponse:
    """Reviews of a location by date, the end excluded. No such read is documented by Zenoti."""
    known = facts()
    center = center_number(known, center_id)
    page, size = paging(request)
    start, end = required_day(request, "start_date"), required_day(request, "end_date")
    if end <= start:
        raise bad_parameter("end_date must be after start_date")
    window = [center, start * MINUTES_A_DAY, end * MINUTES_A_DAY]
    where = "r.center_id = %s AND r.created_min >= %s AND r.created_min < %s"
    total = query(f"SELECT count(*) FROM review r WHERE {where}", window)[0][0]  # noqa: S608
    rows = query(
        "SELECT r.id, r.appointment_id, a.group_id, r.guest_id, r.rating, r.comment, "  # noqa: S608
        "r.created_min, t.comments FROM review r JOIN appointment a ON a.id = r.appointment_id "
        f"LEFT JOIN review_text t ON t.review_id = r.id WHERE {where} "
        "ORDER BY r.created_min, r.id LIMIT %s OFFSET %s",
        [*window, size, (page - 1) * size],
    )
    body = [
        {
            "id": known.guid(Kind.REVIEW, number),
            "appointment_id": known.guid(Kind.APPOINTMENT, appointment_id),
            "appointment_group_id": known.guid(Kind.GROUP, group_id),
            "guest_id": known.guid(Kind.GUEST, guest_id),
            "center_id": center_id,
            "rating": rating,
            "scale": 5,
            "comments": text if text is not None else review_text(rating, comment),
            "created_date": known.local_text(center, created),
        }
        for number, appointment_id, group_id, guest_id, rating, comment, created, text in rows
    ]
    return answer({"feedbacks": body, "page_info": page_info(total, page, size), "error": None})


def review_text(rating: int, comment: int) -> str | None:
    """The guest's words behind a stored number; 0 is a rating without words."""
    pool = cat.COMMENTS[rating]
    return pool[comment % len(pool)] if comment else None


@require_GET
def guest_notes(request: HttpRequest, guest_id: str) -> HttpResponse:
    """34: notes on a guest, newest first."""
    known = facts()
    guest = guest_row(known, guest_id)
    page, size = paging(request)
    private = "" if flag(request, "view_private") else " AND NOT is_private"
    total = query(f"SELECT count(*) FROM note WHERE guest_id = %s{private}", [guest[0]])[0][0]  # noqa: S608
    rows = query(
        "SELECT id, notes, note_type, is_private, alert, added_by, created_min FROM note "  # noqa: S608
        f"WHERE guest_id = %s{private} ORDER BY id DESC LIMIT %s OFFSET %s",
        [guest[0], size, (page - 1) * size],
    )
    body = [note_json(known, guest[1], row) for row in rows]
    return answer({"notes": body, "page_info": page_info(total, page, size), "error": None})


def note_json(known: Facts, center_id: int, row: tuple[Any, ...]) -> JSON:
    number, notes, note_type, is_private, alert, added_by, created = row
    return {
        "id": known.guid(Kind.NOTE, number),
        "notes": notes,
        "note_type": note_type,
        "is_private": is_private,
        "alert": alert,
        "added_by": {"id": ZERO, "name": added_by},
        "created_date": known.local_text(center_id, created),
    }


def unknown_path(request: HttpRequest, path: str = "") -> HttpResponse:
    """Any other address: the legacy error shape."""
    return WireError(404, 404, f"No HTTP resource matches {request.path}", "legacy").response()
