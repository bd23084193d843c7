"""Writes: profile, notes, follow-ups, freezes, cancellations, sales."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from psycopg.types.json import Jsonb

from platforms.sandbox.business import execute, facts
from platforms.sandbox.days import parse_day
from platforms.sandbox.zenoti import shapes
from platforms.sandbox.zenoti.errors import answer, bad_parameter
from platforms.sandbox.zenoti.params import json_body
from platforms.sandbox.zenoti.reads import guest_row


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
    birth = person.get("date_of_birth")
    execute(
        "UPDATE guest SET first_name = %s, last_name = %s, email = %s, phone = %s, gender = %s, "
        "birth_day = %s, marketing_email = %s, marketing_sms = %s, transactional_sms = %s, "
        "language = %s, tags = %s, address = %s, updated_min = %s WHERE id = %s",
        [
            person["first_name"], person["last_name"], person.get("email") or "",
            (person.get("mobile_phone") or {}).get("number") or "", person.get("gender", -1),
            parse_day(birth) if birth else 0,
            bool(wishes.get("receive_marketing_email")), bool(wishes.get("receive_marketing_sms")),
            bool(wishes.get("receive_transactional_sms")),
            wishes.get("preferred_language") or "en", tags,
            Jsonb(body["address_info"]) if body.get("address_info") else None,
            known.now_minute, number,
        ],
    )  # fmt: skip
    row = guest_row(known, guest_id)
    return answer({**shapes.guest_json(known, row, "tags,address_info"), "error": None})
