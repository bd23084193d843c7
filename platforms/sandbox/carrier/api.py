"""The carrier's API, compatible with Twilio's Messages resource."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable
from email.utils import format_datetime
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from platforms.sandbox import faults
from platforms.sandbox.business import execute, query
from platforms.sandbox.carrier import messages
from platforms.sandbox.environment import environment
from platforms.sandbox.zenoti.errors import answer
from platforms.sandbox.zenoti.gate import hang

KEY_HOURS = 24
MAX_BODY = 1600

View = Callable[..., HttpResponse]


def _refuse(status: int, code: int, message: str) -> HttpResponse:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return answer({"code": code, "message": message, "more_info": more, "status": status}, status)


def account_only(view: View) -> View:
    """HTTP basic auth with the account and its token."""

    @wraps(view)
    def guarded(request: HttpRequest, account: str, **rest: Any) -> HttpResponse:
        settings = environment()
        wanted = f"{settings.sms_account}:{settings.sms_token}".encode()
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        try:
            same = hmac.compare_digest(base64.b64decode(given, validate=True), wanted)
        except (binascii.Error, ValueError):
            same = False
        if scheme.lower() != "basic" or not same or account != settings.sms_account:
            return _refuse(401, 20003, "Authenticate")
        return view(request, **rest)

    return guarded


def message_json(row: tuple[Any, ...]) -> dict[str, Any]:
    (
        _, sid, _, direction, _, sender, recipient, _, body, status, error_code, reference, _,
        created_at,
    ) = row  # fmt: skip
    account = environment().sms_account
    when = format_datetime(created_at, usegmt=False)
    return {
        "sid": sid,
        "account_sid": account,
        "api_version": "2010-04-01",
        "direction": "outbound-api" if direction == "out" else "inbound",
        "from": sender,
        "to": recipient,
        "body": body,
        "status": status,
        "reference": reference,
        "error_code": error_code,
        "error_message": ERRORS.get(error_code or 0),
        "num_segments": str(len(body) // 160 + 1),
        "date_created": when,
        "date_updated": when,
        "uri": f"/2010-04-01/Accounts/{account}/Messages/{sid}.json",
    }


ERRORS = {30003: "Unreachable destination handset", 30005: "Unknown destination handset"}


@account_only
def message_list(request: HttpRequest) -> HttpResponse:
    """POST sends; GET looks messages up by our reference."""
    if request.method == "GET":
        return _look_up(request)
    if faults.strikes("carrier_429"):
        _note(request, "carrier_429")
        refused = _refuse(429, 20429, "Too Many Requests")
        refused["Retry-After"] = "1"
        return refused
    if faults.strikes("carrier_500_before"):
        _note(request, "carrier_500_before")
        return _refuse(500, 20500, "Internal Server Error")
    if faults.strikes("carrier_hang_before"):
        _note(request, "carrier_hang_before")
        return hang(request)
    slow = faults.strikes("carrier_slow")
    if slow:
        _note(request, "carrier_slow")
        time.sleep(faults.setting("carrier_slow_seconds"))
    # Asked before the work: a count is used up only by a message that would have been taken.
    response = _send(request)
    if slow:
        return response
    if response.status_code == 201:
        if faults.strikes("carrier_500_after"):
            _note(request, "carrier_500_after")
            return _refuse(500, 20500, "Internal Server Error")
        if faults.strikes("carrier_hang_after"):
            _note(request, "carrier_hang_after")
            return hang(request)
    _note(request, str(response.status_code))
    return response


def _note(request: HttpRequest, fate: str) -> None:
    """Write down what becomes of a call, before it does: the name of the fault that struck, or
    the status it is answered."""
    execute(
        "INSERT INTO carrier_call (reference, fate, at) VALUES (%s, %s, now())",
        [request.POST.get("Reference"), fate],
    )


@transaction.atomic
def _send(request: HttpRequest) -> HttpResponse:
    to, body = request.POST.get("To", ""), request.POST.get("Body", "")
    if not to:
        return _refuse(400, 21604, "A 'To' phone number is required.")
    if not to.startswith("+") or not to[1:].isdigit() or not 8 <= len(to) <= 16:
        return _refuse(400, 21211, f"Invalid 'To' Phone Number: {to}")
    if not body:
        return _refuse(400, 21602, "Message body is required.")
    if len(body) > MAX_BODY:
        return _refuse(400, 21617, "The concatenated message body exceeds the 1600 limit.")
    key = "" if faults.setting("carrier_no_keys") else request.headers.get("Idempotency-Key", "")
    digest = hashlib.sha256(request.body).hexdigest()
    if key:
        # One key at a time: a twin that arrives meanwhile waits and then finds the first.
        execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [key])
        known = query(
            "SELECT digest, sid FROM idempotency WHERE key = %s "
            "AND created_at > now() - make_interval(hours => %s)",
            [key, KEY_HOURS],
        )
        if known and known[0][0] != digest:
            return _refuse(409, 20409, "This Idempotency-Key was used with another body.")
        if known:
            return answer(message_json(_by_sid(known[0][1])), 201)
    if query("SELECT 1 FROM carrier_optout WHERE phone = %s", [to]):
        return _refuse(400, 21610, "Attempt to send to unsubscribed recipient")
    number, sid = messages.add(
        channel="sms", direction="out", sender=request.POST.get("From", ""), recipient=to,
        body=body, status="queued", guest_id=messages.guest_of_phone(to),
        reference=request.POST.get("Reference"), callback=request.POST.get("StatusCallback"),
    )  # fmt: skip
    if key:
        execute(
            "INSERT INTO idempotency VALUES (%s, %s, %s, now()) ON CONFLICT (key) DO UPDATE SET "
            "digest = EXCLUDED.digest, sid = EXCLUDED.sid, created_at = EXCLUDED.created_at",
            [key, digest, sid],
        )
    pace = environment().answer_seconds
    messages.errand("status", number, pace * messages.SENT_AFTER, status="sent")
    return answer(message_json(_by_sid(sid)), 201)


def _by_sid(sid: str) -> tuple[Any, ...]:
    rows = query(f"SELECT {messages.FIELDS} FROM message WHERE sid = %s", [sid])  # noqa: S608
    return rows[0] if rows else ()


def _look_up(request: HttpRequest) -> HttpResponse:
    if faults.strikes("carrier_lookup_500"):
        return _refuse(500, 20500, "Internal Server Error")
    if faults.setting("carrier_no_lookup"):
        return _refuse(400, 20001, "Unknown parameter Reference")
    reference = request.GET.get("Reference")
    where, params = ("reference = %s", [reference]) if reference else ("direction = 'out'", [])
    if request.GET.get("To"):
        where, params = f"{where} AND recipient = %s", [*params, request.GET["To"]]
    rows = query(
        f"SELECT {messages.FIELDS} FROM message WHERE channel = 'sms' AND {where} "  # noqa: S608
        "ORDER BY id DESC LIMIT 50",
        params,
    )
    return answer({"messages": [message_json(row) for row in rows], "page": 0, "page_size": 50})


@require_GET
@account_only
def message(request: HttpRequest, sid: str) -> HttpResponse:
    """One message by its sid."""
    row = _by_sid(sid)
    if not row:
        return _refuse(404, 20404, f"The requested resource {sid} was not found")
    return answer(message_json(row))
