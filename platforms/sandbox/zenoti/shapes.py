"""Rows of the store as Zenoti's JSON. Keys, spellings and empty values are Zenoti's."""

from __future__ import annotations

from typing import Any

from platforms.sandbox import catalogue as cat
from platforms.sandbox.business import EmployeeFacts, Facts, from_json
from platforms.sandbox.days import day_text, from_day, minute_text
from platforms.sandbox.guid import ZERO, Kind

JSON = dict[str, Any]

MEMBERSHIP_STATUS = {
    1: "Active", 2: "Inactive", 3: "Frozen", 4: "Cancelled", 5: "Expired", 6: "Closed",
    7: "NotStarted", 8: "Suspended", 12: "Failed",
}  # fmt: skip

GUEST_COLUMNS = (
    "id, center_id, code, first_name, last_name, email, phone, gender, birth_day, created_min, "
    "language, marketing_email, marketing_sms, transactional_sms, tags, address"
)

# {alias}.column lists; the order is unpacked by the functions below.
MEMBER_COLUMNS = (
    "m.id, m.guest_id, m.center_id, m.plan_id, m.status, m.recurrence_status, m.price_cents, "
    "m.sold_day, m.start_day, m.end_day, m.auto_renewal, m.freeze_day, m.freeze_until_day, "
    "m.cancel_asked_day, m.cancel_day, m.terminate_day, m.suspended_day, m.closed_day, "
    "m.next_charge_day, m.credit_cents, m.credit_used_cents, m.benefit_total, m.benefit_used, "
    "m.benefit_expired, m.last_usage_day"
)
MEMBER_FIELDS = [column.partition(".")[2] for column in MEMBER_COLUMNS.split(", ")]

APPOINTMENT_COLUMNS = (
    "a.id, a.group_id, a.guest_id, a.center_id, a.employee_id, a.service_id, a.start_day, "
    "a.start_min, a.created_min, a.price_cents, a.paid_cents, a.slot, a.duration, a.status, "
    "a.source, a.covered, a.first_visit, a.rebooked, a.reason, a.progress, a.updated_min"
)
APPOINTMENT_FIELDS = [column.partition(".")[2] for column in APPOINTMENT_COLUMNS.split(", ")]


def phone_json(phone: str) -> JSON:
    return {"country_code": 225, "phone_code": 1, "number": phone}


def guest_json(facts: Facts, row: tuple[Any, ...], expand: str = "tags") -> JSON:
    """3.1: the profile; `tags` and `address_info` only when asked for."""
    (
        number, center_id, code, first, last, email, phone, gender, birth_day, created, language,
        marketing_email, marketing_sms, transactional_sms, tags, address,
    ) = row  # fmt: skip
    center = facts.centers[center_id]
    body: JSON = {
        "id": facts.guid(Kind.GUEST, number),
        "code": code,
        "center_id": facts.guid(Kind.CENTER, center_id),
        "center_name": center.name,
        "created_date": facts.local_text(center_id, created),
        "personal_info": {
            "first_name": first,
            "last_name": last,
            "email": email or None,
            "gender": gender,
            "date_of_birth": day_text(birth_day) if birth_day else None,
            "mobile_phone": phone_json(phone) if phone else None,
        },
        "preferences": {
            "receive_marketing_email": marketing_email,
            "receive_marketing_sms": marketing_sms,
            "receive_transactional_sms": transactional_sms,
            "preferred_language": language,
        },
        "referral": {"referral_source": {"id": ZERO, "name": ""}},
    }
    if "tags" in expand:
        body["tags"] = list(tags)
    if "address_info" in expand:
        body["address_info"] = from_json(address)
    return body


def plan_json(facts: Facts, number: int) -> JSON:
    """3.2: a row of the plan catalogue."""
    plan = cat.PLANS[number - 1]
    return {
        "id": facts.guid(Kind.PLAN, number),
        "version_id": facts.guid(Kind.PLAN_VERSION, number),
        "code": plan.code,
        "name": plan.name,
        "display_name": plan.name,
        "price": plan.price_cents / 100,
        "show_price": True,
        "can_book": True,
        "is_recurring_membership": plan.recurring,
        "membership_type": int(plan.recurring),
        "first_collection_after": 30 * plan.months if plan.recurring else 0,
        "payment_frequency": f"{plan.months} Month(s)" if plan.recurring else None,
        "description": _plan_text(plan),
    }


def _plan_text(plan: cat.Plan) -> str:
    if plan.benefits:
        service = cat.SERVICES[plan.service - 1].name
        every = "each month" if plan.months == 1 else f"every {plan.months} months"
        return f"{plan.benefits} x {service} {every if plan.recurring else 'in a year'}"
    return f"{plan.credit_cents // 100} USD of credits each month"


def member_json(facts: Facts, row: tuple[Any, ...], guest: tuple[str, str, str]) -> JSON:
    """3.3: statuses are strings here. `guest`: code, first and last name."""
    m = dict(zip(MEMBER_FIELDS, row, strict=True))
    plan = cat.PLANS[m["plan_id"] - 1]
    code, first, last = guest
    return {
        "id": facts.guid(Kind.MEMBERSHIP, m["id"]),
        "status": MEMBERSHIP_STATUS[m["status"]],
        "recurrence_status": MEMBERSHIP_STATUS[m["recurrence_status"]],
        "guest": {
            "id": facts.guid(Kind.GUEST, m["guest_id"]),
            "code": code,
            "name": f"{first} {last}",
        },
        "membership": {
            "id": facts.guid(Kind.PLAN, m["plan_id"]),
            "version_id": facts.guid(Kind.PLAN_VERSION, m["plan_id"]),
            "code": plan.code,
            "name": plan.name,
            "type": "Recurring" if plan.recurring else "NonRecurring",
        },
        "start_date": day_text(m["start_day"]),
        "end_date": day_text(m["end_day"]),
        "sold_date": day_text(m["sold_day"]),
        "renewal_details": {
            "id": facts.guid(Kind.RENEWAL, m["id"]),
            "auto_renewal": bool(m["auto_renewal"]),
        },
        "freeze_date": day_text(m["freeze_day"]) if m["status"] == cat.M_FROZEN else None,
        "cancelled_date": day_text(m["cancel_day"]),
        "closed_date": day_text(m["closed_day"]),
        "credits_amount": m["credit_cents"] / 100,
        "services_amount": m["benefit_total"] - m["benefit_used"] - m["benefit_expired"],
        "products_amount": 0,
    }


def membership_json(
    facts: Facts, row: tuple[Any, ...], card_expiry: int, invoices: list[JSON]
) -> JSON:
    """3.4: integers, no start date, Zenoti's misspellings; `invoices` newest last."""
    m = dict(zip(MEMBER_FIELDS, row, strict=True))
    plan = cat.PLANS[m["plan_id"] - 1]
    frozen = m["status"] == cat.M_FROZEN
    credit_total = m["credit_cents"] + m["credit_used_cents"]
    balance = m["benefit_total"] - m["benefit_used"] - m["benefit_expired"]
    service = cat.SERVICES[plan.service - 1]
    last = invoices[-1]["invoice"] if invoices else None
    services = []
    if plan.benefits:
        services.append(
            {
                "service": {
                    "id": facts.guid(Kind.SERVICE, plan.service),
                    "name": service.name,
                    "duration": service.minutes,
                },
                "total": m["benefit_total"],
                "used": m["benefit_used"],
                "balance": balance,
                "expired": m["benefit_expired"],
                "transfered": 0,
                "redeemable_balance": balance if m["status"] == cat.M_ACTIVE else 0,
                "frequncy": "Any",
                "expiry_date": day_text(m["end_day"]) if not plan.recurring else None,
                "last_usage_date": day_text(m["last_usage_day"]),
            }
        )
    return {
        "user_membership_id": facts.guid(Kind.MEMBERSHIP, m["id"]),
        "status": m["status"],
        "recurrence_status": m["recurrence_status"],
        "is_refunded": False,
        "redeemable": m["status"] == cat.M_ACTIVE,
        "is_addon_member": False,
        "member_since": day_text(m["start_day"]),
        "expiry_date": day_text(m["end_day"]),
        "next_collection_date": day_text(m["next_charge_day"]),
        "next_collection_amount": m["price_cents"] / 100 if m["next_charge_day"] else 0,
        "membership": {
            "id": facts.guid(Kind.PLAN, m["plan_id"]),
            "code": plan.code,
            "name": plan.name,
            "type": int(plan.recurring),
        },
        "invoice": last and {**last, "item_id": facts.guid(Kind.INVOICE_ITEM, m["id"])},
        "invoice_center_id": facts.guid(Kind.CENTER, m["center_id"]),
        "credit_amount": _credits(credit_total),
        "credit_balance": {**_credits(m["credit_cents"]), "comments": None},
        "services": services,
        "products": [],
        "guestpass_total": 0,
        "guestpass_balance": 0,
        "recurring_details": {
            "cancellation_initiated_on": day_text(m["cancel_asked_day"]),
            "cancelled_date": day_text(m["cancel_day"]),
            "termination_date": day_text(m["terminate_day"]),
            "paused_date": day_text(m["freeze_day"]) if frozen else None,
            "paused_till": day_text(m["freeze_until_day"]) if frozen else None,
            "suspended_on": day_text(m["suspended_day"]),
            "do_not_collect_from": None,
            "do_not_collect_till": None,
            # Not documented by Zenoti; see docs/sandbox.md.
            "card_expiry": f"{card_expiry // 100}-{card_expiry % 100:02d}" if card_expiry else None,
        },
        "historical_invoices": invoices,
    }


def _credits(cents: int) -> JSON:
    return {"total": cents / 100, "service": cents / 100, "product": 0, "other": 0}


def invoice_line(facts: Facts, row: tuple[Any, ...]) -> JSON:
    """One of `historical_invoices`: (id, due_day, paid_day, amount, paid, status)."""
    number, due_day, _paid_day, amount, paid, status = row
    return {
        "invoice": {
            "id": facts.guid(Kind.INVOICE, number), "no": f"N{number}", "status": status
        },
        "sale_date": day_text(due_day),
        "price": amount / 100,
        "price_paid": paid / 100,
        "payment_type": "Card" if paid else None,
    }  # fmt: skip


def therapist_json(facts: Facts, employee: EmployeeFacts | None) -> JSON | None:
    if employee is None:
        return None
    known = facts.shapes.get(("therapist", employee.id))
    if known is None:
        known = facts.shapes["therapist", employee.id] = _therapist(facts, employee)
    return known


def _therapist(facts: Facts, employee: EmployeeFacts) -> JSON:
    return {
        "id": facts.guid(Kind.EMPLOYEE, employee.id),
        "first_name": employee.first_name,
        "last_name": employee.last_name,
        "display_name": f"{employee.first_name} {employee.last_name}",
    }


def service_ref(facts: Facts, number: int) -> JSON:
    """The block of a service inside other rows; shared, not to be changed."""
    known = facts.shapes.get(("service", number))
    if known is None:
        known = facts.shapes["service", number] = _service(facts, number)
    return known


def _service(facts: Facts, number: int) -> JSON:
    service = cat.SERVICES[number - 1]
    return {
        "id": facts.guid(Kind.SERVICE, number),
        "name": service.name,
        "is_addon": service.addon,
        "category": {
            "id": facts.guid(Kind.CATEGORY, service.category + 1),
            "name": cat.CATEGORIES[service.category],
        },
    }


def appointment_json(
    facts: Facts,
    row: tuple[Any, ...],
    guest: tuple[str, str, str, str],
    *,
    member: bool,
    reviewed: bool,
) -> JSON:
    """3.5: a row of the book. `guest`: first name, last name, e-mail, phone."""
    (
        number, group_id, guest_id, center_id, employee_id, service_id, start_day, start_min,
        created_min, price, paid, _slot, duration, status, source, covered, _first, _rebooked,
        _reason, progress, _updated,
    ) = row  # fmt: skip
    offset = facts.offset(center_id, start_day)
    first, last, email, phone = guest
    done = status == cat.CLOSED
    started = start_min + number * 7 % 11 - 3
    created_offset = facts.offset(center_id, created_min // 1440)
    return {
        "appointment_id": facts.guid(Kind.APPOINTMENT, number),
        "appointment_group_id": facts.guid(Kind.GROUP, group_id),
        "invoice_id": facts.guid(Kind.VISIT_INVOICE, group_id),
        "invoice_item_id": facts.guid(Kind.INVOICE_ITEM, number),
        "service": service_ref(facts, service_id),
        "start_time": minute_text(start_min, offset),
        "start_time_utc": minute_text(start_min),
        "end_time": minute_text(start_min + duration, offset),
        "end_time_utc": minute_text(start_min + duration),
        "status": status,
        "source": source,
        "progress": progress,
        "cancel_or_no_show_status": status if status < 0 else 0,
        "has_active_membership_for_auto_pay": member,
        "guest": {
            "id": facts.guid(Kind.GUEST, guest_id),
            "first_name": first,
            "last_name": last,
            "email": email,
            "mobile": {"display_number": f"+1 {phone}" if phone else None},
            "GuestIndicatorValue": {"Member": int(member), "NoShow": None, "Dues": None},
        },
        "therapist": therapist_json(facts, facts.employees.get(employee_id)),
        "room": _room(facts, employee_id),
        "notes": None,
        "price": {
            "currency_id": 0,
            "sales": price / 100,
            "tax": 0.0,
            "final": (paid if done else price) / 100,
            "discount": (price - paid) / 100 if done and not covered else 0.0,
        },
        "is_membership_applied": bool(covered),
        "actual_start_time": minute_text(started, offset) if done else None,
        "actual_completed_time": minute_text(started + duration, offset) if done else None,
        "checkin_time": minute_text(started - 5, offset) if done else None,
        "blockout": None,
        "creation_date": minute_text(created_min, created_offset),
        "creation_date_utc": minute_text(created_min),
        "created_by_id": ZERO,
        "is_feedback_filled": reviewed,
        "error": None,
    }


def _room(facts: Facts, employee_id: int) -> JSON:
    known = facts.shapes.get(("room", employee_id))
    if known is None:
        room = {"id": facts.guid(Kind.ROOM, employee_id), "name": f"R{employee_id % 9 + 1}"}
        known = facts.shapes["room", employee_id] = room
    return known


def blockout_json(facts: Facts, employee: EmployeeFacts, day: int) -> JSON:
    """A lunch break in the book: no guest, `blockout` set."""
    offset = facts.offset(employee.center_id, day)
    start = day * 1440 + 540 + employee.lunch_slot * cat.SLOT_MINUTES
    return {
        "appointment_id": facts.guid(Kind.BLOCKOUT, employee.id * 100_000 + day),
        "appointment_group_id": ZERO,
        "invoice_id": ZERO,
        "invoice_item_id": ZERO,
        "service": None,
        "start_time": minute_text(start),
        "start_time_utc": minute_text(start, -offset),
        "end_time": minute_text(start + cat.SLOT_MINUTES),
        "end_time_utc": minute_text(start + cat.SLOT_MINUTES, -offset),
        "status": 10,
        "source": 0,
        "progress": 0,
        "guest": None,
        "therapist": therapist_json(facts, employee),
        "room": None,
        "notes": "Lunch",
        "price": None,
        "blockout": {"id": facts.guid(Kind.BLOCKOUT, employee.id), "name": "Break"},
        "creation_date": "0001-01-01T00:00:00",
        "creation_date_utc": "0001-01-01T00:00:00",
        "error": None,
    }


def iso_day(day: int) -> str | None:
    return from_day(day).isoformat() if day else None
