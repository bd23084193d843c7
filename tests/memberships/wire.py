"""Answers of the platform as JSON, for tests that fake its HTTP."""

from __future__ import annotations

import re
from typing import Any

import responses

BASE = "http://127.0.0.1:9100"
ZERO = "00000000-0000-0000-0000-000000000000"


def appointment(number: str = "a1", **given: Any) -> dict[str, Any]:
    """A row of #14: 10:00 in New York on 23 November, 15:00 UTC."""
    row = {
        "appointment_id": number,
        "appointment_group_id": f"group-{number}",
        "invoice_id": f"invoice-{number}",
        "service": {
            "id": "s1",
            "name": "Facial 60",
            "is_addon": False,
            "category": {"id": "k", "name": "Face"},
        },
        "start_time": "2026-11-23T10:00:00",
        "start_time_utc": "2026-11-23T15:00:00",
        "end_time": "2026-11-23T11:00:00",
        "end_time_utc": "2026-11-23T16:00:00",
        "status": 0,
        "source": 0,
        "guest": {
            "id": "g1",
            "first_name": "Ada",
            "last_name": "Moss",
            "email": "ada@example.test",
            "mobile": {"display_number": "+1 2125550101"},
        },
        "therapist": {"id": "t1", "first_name": "Kim", "last_name": "Roe"},
        "price": {"currency_id": 0, "sales": 95.0, "final": 95.0},
        "blockout": None,
        "creation_date": "2026-11-01T09:00:00",
        "creation_date_utc": "2026-11-01T14:00:00",
        "error": None,
    }
    return row | given


def blockout() -> dict[str, Any]:
    return appointment("break", guest=None, status=10, blockout={"id": "b", "name": "Break"})


def guest(number: str = "g1", **given: Any) -> dict[str, Any]:
    """3.1"""
    row: dict[str, Any] = {
        "id": number,
        "code": "AB120",
        "center_id": "center-1",
        "created_date": "2025-02-03T10:11:12",
        "personal_info": {
            "first_name": "Ada",
            "last_name": "Moss",
            "email": "ada@example.test",
            "gender": 0,
            "mobile_phone": {"country_code": 225, "phone_code": 1, "number": "2125550101"},
        },
        "preferences": {
            "receive_marketing_email": True,
            "receive_marketing_sms": False,
            "receive_transactional_sms": True,
        },
        "tags": ["vip"],
    }
    return row | given


def member(number: str = "um1", **given: Any) -> dict[str, Any]:
    """3.3: statuses are words."""
    row: dict[str, Any] = {
        "id": number,
        "status": "Active",
        "recurrence_status": "Active",
        "guest": {"id": "g1", "code": "AB120", "name": "Ada Moss"},
        "membership": {"id": "p1", "code": "GLOW", "name": "Glow Monthly", "type": "Recurring"},
        "start_date": "2025-02-03T00:00:00",
        "end_date": "2027-02-02T00:00:00",
        "sold_date": "2025-02-03T00:00:00",
        "renewal_details": {"id": "r", "auto_renewal": True},
        "freeze_date": None,
        "cancelled_date": None,
        "closed_date": None,
    }
    return row | given


def membership(number: str = "um1", **given: Any) -> dict[str, Any]:
    """3.4: statuses are integers, no start date."""
    row: dict[str, Any] = {
        "user_membership_id": number,
        "status": 1,
        "recurrence_status": 1,
        "member_since": "2025-02-03T00:00:00",
        "expiry_date": "2027-02-02T00:00:00",
        "next_collection_date": "2026-12-03T00:00:00",
        "next_collection_amount": 89.0,
        "membership": {"id": "p1", "code": "GLOW", "name": "Glow Monthly", "type": 1},
        "credit_amount": {"total": 150},
        "credit_balance": {"total": 120},
        "services": [
            {
                "service": {"id": "s1", "name": "Facial 60", "duration": 60},
                "total": 4,
                "used": 2,
                "balance": 2,
                "expired": 0,
                "transfered": 0,
                "frequncy": "Any",
                "expiry_date": None,
                "last_usage_date": None,
            }
        ],
        "recurring_details": {
            "cancellation_initiated_on": None,
            "cancelled_date": "0001-01-01T00:00:00",
            "termination_date": None,
            "suspended_on": None,
            "card_expiry": "2027-02",
        },
        "historical_invoices": [
            {
                "invoice": {"id": "i1", "no": "N1", "status": 4},
                "sale_date": "2026-11-03T00:00:00",
                "price": 89,
                "price_paid": 89,
                "payment_type": "Card",
            }
        ],
    }
    return row | given


def info(total: int, page: int = 1, size: int = 100) -> dict[str, int]:
    return {"total": total, "page": page, "size": size}


def answer(method: str, path: str, body: Any, **given: Any) -> None:
    """The fake answers a path (a regular expression) with JSON."""
    responses.add(method, re.compile(re.escape(BASE) + path + r"(\?.*)?$"), json=body, **given)
