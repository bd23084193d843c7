"""Selling a membership: invoice, payment, closing, receipt (24-30)."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from psycopg.types.json import Jsonb

from platforms.sandbox import catalogue as cat
from platforms.sandbox.business import Facts, execute, facts, from_json, query
from platforms.sandbox.days import day_text, months_later
from platforms.sandbox.guid import ZERO, Kind
from platforms.sandbox.tables import CHARGE, MEMBERSHIP
from platforms.sandbox.zenoti.errors import WireError, answer, bad_parameter, not_found
from platforms.sandbox.zenoti.params import center_number, json_body, number_of
from platforms.sandbox.zenoti.reads import guest_row
from platforms.sandbox.zenoti.writes import hold_still, insert, tell


@require_POST
@transaction.atomic
def open_invoice(request: HttpRequest) -> HttpResponse:
    """24: an invoice for one or more plans; `user_id` is the guest's id."""
    known = facts()
    body = json_body(request)
    center = center_number(known, body.get("center_id"))
    guest = guest_row(known, str(body.get("user_id", "")))[0]
    plans = [
        number_of(known, Kind.PLAN, guid, "Membership")
        for guid in str(body.get("membership_ids") or "").split(",")
        if guid.strip()
    ]
    if not plans:
        raise bad_parameter("membership_ids is required")
    if any(not cat.PLANS[plan - 1].on_sale for plan in plans):
        raise bad_parameter("The membership is not on sale")
    total = sum(cat.PLANS[plan - 1].price_cents for plan in plans)
    number = query(
        "INSERT INTO sale (guest_id, center_id, plan_ids, total_cents, created_min) "
        "VALUES (%s, %s, %s, %s, %s) RETURNING id",
        [guest, center, plans, total, known.now_minute],
    )[0][0]
    return answer({"invoice_id": known.guid(Kind.SALE, number), "success": True, "error": None})


def _sale(known: Facts, invoice_id: str) -> tuple[Any, ...]:
    number = known.guids.number(Kind.SALE, invoice_id)
    rows = query(
        "SELECT id, guest_id, center_id, plan_ids, total_cents, paid_cents, closed, transactions, "
        "created_min FROM sale WHERE id = %s FOR UPDATE",
        [number or 0],
    )
    if not rows:
        raise WireError(400, 428, "Invoice not found")
    sale = rows[0]
    return *sale[:7], from_json(sale[7]), sale[8]


@require_GET
@transaction.atomic
def invoice(request: HttpRequest, invoice_id: str) -> HttpResponse:
    """25: an invoice of a sale, of a membership's period, or of a visit."""
    known = facts()
    for kind, build in (
        (Kind.INVOICE, _charge_invoice),
        (Kind.VISIT_INVOICE, _visit_invoice),
    ):
        number = known.guids.number(kind, invoice_id)
        if number is not None:
            return answer({"invoice": build(known, number), "error": None})
    number, guest, center, plans, total, paid, closed, transactions, created = _sale(
        known, invoice_id
    )
    items = [
        (Kind.PLAN, plan, cat.PLANS[plan - 1].name, 3, cat.PLANS[plan - 1].price_cents)
        for plan in plans
    ]
    body = _invoice_json(
        known, invoice_id, f"S{number}", guest, center, total, paid, closed, items,
        day_text(created // 1440),
    )  # fmt: skip
    return answer({"invoice": {**body, "transactions": transactions}, "error": None})


def _invoice_json(
    known: Facts,
    guid: str,
    label: str,
    guest_id: int,
    center_id: int,
    total: int,
    paid: int,
    closed: bool,
    items: list[tuple[Kind, int, str, int, int]],
    when: str | None,
) -> dict[str, Any]:
    """3.7; `items`: kind of GUID, number, name, item type, price in cents."""
    first, last, phone = query(
        "SELECT first_name, last_name, phone FROM guest WHERE id = %s", [guest_id]
    )[0]
    return {
        "id": guid,
        "invoice_number": label,
        "receipt_number": label if closed else None,
        "appointment_group_id": ZERO,
        "is_closed": closed,
        "is_refund": False,
        "invoice_date": when,
        "center_id": known.guid(Kind.CENTER, center_id),
        "invoice_dues": {"amount": (total - paid) / 100},
        "total_price": {
            "currency_id": 148, "net_price": total / 100, "tax": 0.0, "rounding_adjustment": 0.0,
            "sum_total": total / 100,
        },
        "guest": {
            "id": known.guid(Kind.GUEST, guest_id), "first_name": first, "last_name": last,
            "mobile_phone": phone,
        },
        "invoice_items": [
            {
                "invoice_item_id": known.guid(Kind.INVOICE_ITEM, number),
                "id": known.guid(kind, number),
                "name": name, "type": item_type, "code": None,
                "price": {"sales": cents / 100, "tax": 0.0, "final": cents / 100, "discount": 0.0},
                "quantity": 1, "sale_by_id": ZERO, "therapist_name": None,
            }
            for kind, number, name, item_type, cents in items
        ],
        "appointments": [],
        "transactions": [],
    }  # fmt: skip


def _charge_invoice(known: Facts, number: int) -> dict[str, Any]:
    rows = query(
        "SELECT c.guest_id, c.center_id, c.amount_cents, c.paid_cents, c.status, c.due_day, "
        "m.plan_id FROM charge c JOIN membership m ON m.id = c.membership_id WHERE c.id = %s",
        [number],
    )
    if not rows:
        raise not_found("Invoice")
    guest, center, amount, paid, status, due_day, plan = rows[0]
    items = [(Kind.PLAN, plan, cat.PLANS[plan - 1].name, 3, amount)]
    return _invoice_json(
        known, known.guid(Kind.INVOICE, number), f"N{number}", guest, center, amount, paid,
        status == cat.CHARGE_PAID, items, day_text(due_day),
    )  # fmt: skip


def _visit_invoice(known: Facts, number: int) -> dict[str, Any]:
    rows = query(
        "SELECT id, guest_id, center_id, service_id, price_cents, paid_cents, status, start_day "
        "FROM appointment WHERE group_id = %s ORDER BY id",
        [number],
    )
    if not rows:
        raise not_found("Invoice")
    closed = all(row[6] == cat.CLOSED for row in rows)
    total = sum(row[5] if closed else row[4] for row in rows)
    items = [
        (Kind.SERVICE, row[3], cat.SERVICES[row[3] - 1].name, 0, row[5] if closed else row[4])
        for row in rows
    ]
    _, guest, center, *_, day = rows[0]
    return _invoice_json(
        known, known.guid(Kind.VISIT_INVOICE, number), f"A{number}", guest, center, total,
        total if closed else 0, closed, items, day_text(day),
    )  # fmt: skip


@require_GET
def center_invoices(request: HttpRequest, center_id: str) -> HttpResponse:
    """26: open invoices of memberships of a location."""
    known = facts()
    center = center_number(known, center_id)
    rows = query(
        "SELECT id, guest_id, due_day, amount_cents FROM charge WHERE center_id = %s "
        "AND status = 0 ORDER BY event_day DESC, id LIMIT 500",
        [center],
    )
    lines = [
        {
            "invoice_id": known.guid(Kind.INVOICE, number),
            "invoice_number": f"N{number}",
            "guest_id": known.guid(Kind.GUEST, guest),
            "invoice_date": day_text(due_day),
            "due": amount / 100,
        }
        for number, guest, due_day, amount in rows
    ]
    return answer({"todays_invoices": lines, "error": None})


def _amount(body: dict[str, Any]) -> int:
    amount = body.get("amount")
    if not isinstance(amount, int | float) or isinstance(amount, bool) or amount <= 0:
        raise bad_parameter("amount must be above 0")
    return round(amount * 100)


def _take(known: Facts, sale: tuple[Any, ...], cents: int, method: str) -> str:
    """Record a payment on a sale; returns the transaction's GUID."""
    number, transactions = sale[0], list(sale[7])
    guid = known.guid(Kind.TRANSACTION, number * 100 + len(transactions) + 1)
    transactions.append({"id": guid, "amount": cents / 100, "payment_type": method})
    execute(
        "UPDATE sale SET paid_cents = paid_cents + %s, transactions = %s WHERE id = %s",
        [cents, Jsonb(transactions), number],
    )
    return guid


@require_POST
@transaction.atomic
def pay_online(request: HttpRequest, invoice_id: str) -> HttpResponse:
    """27: charge a saved card, or answer the address of a payment page."""
    known = facts()
    sale = _sale(known, invoice_id)
    body = json_body(request)
    cents = _amount(body)
    if not body.get("account_id"):
        page = f"{request.scheme}://{request.get_host()}/pay/{invoice_id}"
        return answer(
            {
                "invoice_transaction_id": ZERO, "token_id": ZERO, "hosted_payment_uri": page,
                "error": None,
            }
        )  # fmt: skip
    guid = _take(known, sale, cents, "Card")
    return answer(
        {
            "invoice_transaction_id": guid, "token_id": ZERO, "hosted_payment_uri": None,
            "error": None,
        }
    )  # fmt: skip


@require_POST
@transaction.atomic
def pay_custom(request: HttpRequest, invoice_id: str) -> HttpResponse:
    """28: money taken elsewhere."""
    known = facts()
    sale = _sale(known, invoice_id)
    body = json_body(request)
    if not body.get("custom_payment_id"):
        raise bad_parameter("custom_payment_id is required")
    guid = _take(known, sale, _amount(body), "Custom")
    return answer({"transaction": {"id": guid}, "error": None})


@require_POST
@transaction.atomic
def close_invoice(request: HttpRequest, invoice_id: str) -> HttpResponse:
    """29: close a paid invoice, which starts the memberships; 419 not paid, 459 overpaid."""
    hold_still()
    known = facts()
    number, guest, center, plans, total, paid, closed, *_ = _sale(known, invoice_id)
    if paid < total:
        raise WireError(400, 419, "The invoice is not fully paid", "legacy")
    if paid > total:
        raise WireError(400, 459, "The invoice is overpaid", "legacy")
    if not closed:
        execute("UPDATE sale SET closed = true WHERE id = %s", [number])
        for plan in plans:
            _start_membership(known, guest, center, plan)
    return answer({"is_invoice_closed": True, "error": None})


def _start_membership(known: Facts, guest: int, center: int, plan_id: int) -> None:
    plan = cat.PLANS[plan_id - 1]
    today = known.today
    membership = insert(
        MEMBERSHIP, guest_id=guest, center_id=center, plan_id=plan_id,
        price_cents=plan.price_cents, sold_day=today, start_day=today,
        end_day=int(months_later(today, 12 if plan.recurring else plan.months)),
        next_charge_day=int(months_later(today, plan.months)) if plan.recurring else 0,
        credit_cents=plan.credit_cents, benefit_total=plan.benefits, status=cat.M_ACTIVE,
        recurrence_status=cat.M_ACTIVE if plan.recurring else 2, auto_renewal=int(plan.recurring),
        updated_min=known.now_minute, created_min=known.now_minute,
    )  # fmt: skip
    charge = insert(
        CHARGE, membership_id=membership, guest_id=guest, center_id=center, due_day=today,
        paid_day=today, event_day=today, amount_cents=plan.price_cents,
        paid_cents=plan.price_cents, updated_min=known.now_minute, attempts=1,
        status=cat.CHARGE_PAID, kind=1,
    )  # fmt: skip
    execute(
        "UPDATE nature SET membership_id = CASE WHEN membership_id = 0 THEN %s "
        "ELSE membership_id END, ever_member = 1 WHERE id = %s",
        [membership, guest],
    )
    tell("Guest.Membership.Created", [membership])
    tell("Invoice.Closed", [charge])


@require_http_methods(["PUT"])
def mail_receipt(request: HttpRequest, invoice_id: str) -> HttpResponse:
    """30: the receipt by mail."""
    facts()
    return answer({"invoice_id": invoice_id, "mail_sent_success": True, "error": None})
