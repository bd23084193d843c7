"""The control side: let days pass, switch faults, look at what is hidden.

For the demo, the tests and the benchmarks only; the product does not know these addresses.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from platforms.sandbox import faults, webhooks
from platforms.sandbox.advance import advance
from platforms.sandbox.business import execute, facts, query
from platforms.sandbox.carrier.errands import Errands
from platforms.sandbox.days import from_day, parse_day
from platforms.sandbox.environment import environment
from platforms.sandbox.zenoti.errors import answer

MAX_DAYS = 400
TOKEN_HEADER = "X-Sandbox-Token"  # noqa: S105
_advancing = threading.Lock()

View = Callable[..., HttpResponseBase]


def control(view: View) -> View:
    """Needs the control token in `X-Sandbox-Token`."""

    @wraps(view)
    def guarded(request: HttpRequest, **rest: Any) -> HttpResponseBase:
        given = request.headers.get(TOKEN_HEADER, "").encode()
        if not hmac.compare_digest(given, environment().control_token.encode()):
            return answer({"error": f"{TOKEN_HEADER} is missing or wrong"}, 401)
        return view(request, **rest)

    return guarded


@require_GET
@control
def status(request: HttpRequest) -> HttpResponse:
    """The business's day and what is in it; `waiting` is work not yet done."""
    known = facts()
    counts = {
        table: query(f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608
        for table in ("guest", "membership", "appointment", "charge", "review", "waitlist")
    }
    waiting = {
        "webhooks": query("SELECT count(*) FROM outbox WHERE state = 'ready'")[0][0],
        "errands": query("SELECT count(*) FROM errand WHERE NOT done")[0][0],
    }
    off, failures = query("SELECT webhook_off, webhook_failures FROM business")[0]
    return answer(
        {
            "today": from_day(known.today).isoformat(),
            "seed": known.seed,
            "locations": len(known.centers),
            "counts": counts,
            "waiting": waiting,
            "webhook": {
                "url": environment().webhook_url, "off": off, "failures_in_a_row": failures
            },
            "faults": faults.current(),
        }
    )  # fmt: skip


@require_POST
@control
def advance_days(request: HttpRequest) -> HttpResponse:
    """`{"days": n}` or `{"to": "2026-11-25"}`; guests first see to their waiting messages."""
    body = _body(request)
    if body is None:
        return answer({"error": 'The body must be {"days": n} or {"to": "2026-11-25"}'}, 422)
    if not _advancing.acquire(blocking=False):
        return answer({"error": "Days are passing already"}, 409)
    try:
        days = body.get("days")
        if "to" in body:
            days = max(parse_day(str(body["to"])) - facts().today, 0)
        if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= MAX_DAYS:
            return answer({"error": f"days must be 0 to {MAX_DAYS}"}, 422)
        Errands.drain()
        done = advance(
            environment().database_url, days=days, webhooks=bool(environment().webhook_url)
        )
    except ValueError:
        return answer({"error": "to is not a date (YYYY-MM-DD)"}, 422)
    finally:
        _advancing.release()
    return answer({"today": from_day(done["today"]).isoformat(), "events": done["events"]})


def _body(request: HttpRequest) -> dict[str, Any] | None:
    try:
        body = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


@require_http_methods(["GET", "POST"])
@control
def switch_faults(request: HttpRequest) -> HttpResponse:
    """GET: what is on and what there is. POST: `{"http_500": 0.1, ...}`; `"clear": true` ends
    all others first."""
    if request.method == "GET":
        return answer(
            {"on": faults.current(), "faults": faults.FAULTS, "switches": faults.SWITCHES}
        )
    body = _body(request)
    if body is None:
        return answer({"error": "The body must be an object"}, 422)
    clear = bool(body.pop("clear", False))
    try:
        return answer({"on": faults.switch(body, clear=clear)})
    except faults.UnknownFaultError as error:
        return answer({"error": str(error)}, 422)


@require_POST
@control
def webhook_ping(request: HttpRequest) -> HttpResponse:
    """The test button of Zenoti: an empty, unsigned body."""
    if not environment().webhook_url:
        return answer({"error": "SANDBOX_WEBHOOK_URL is not set"}, 409)
    return answer({"status": webhooks.ping()})


@require_POST
@control
def webhook_on(request: HttpRequest) -> HttpResponse:
    """Switch the webhook on again after it went off."""
    execute("UPDATE business SET webhook_off = false, webhook_failures = 0")
    return answer({"off": False})
