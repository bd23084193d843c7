"""What stands before every Zenoti call: key, rate limit, faults, error bodies."""

from __future__ import annotations

import contextlib
import hmac
import math
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from platforms.sandbox import faults
from platforms.sandbox.environment import environment
from platforms.sandbox.zenoti.errors import WireError, answer

WINDOW_S = 60.0
ID_KEYS = ("appointment_id", "user_membership_id", "invoice_id", "waitlist_group_id", "id")


class Bucket:
    """Token bucket over one minute; its content is not worth keeping over a restart."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.level = float(size)
        self.at = time.monotonic()
        self.lock = threading.Lock()

    def take(self) -> tuple[bool, int, int]:
        """(allowed, calls left, seconds until the bucket is full again)."""
        with self.lock:
            now = time.monotonic()
            self.level = min(self.size, self.level + (now - self.at) * self.size / WINDOW_S)
            self.at = now
            allowed = self.level >= 1
            if allowed:
                self.level -= 1
            refill = math.ceil((self.size - self.level) * WINDOW_S / self.size)
            return allowed, int(self.level), refill


class ZenotiGate:
    """Middleware over /v1 and /v2; other paths pass untouched."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.bucket = Bucket(environment().rate_per_minute)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(("/v1/", "/v2/")):
            return self.get_response(request)
        allowed, left, refill = self.bucket.take()
        if not allowed or faults.strikes("http_429"):
            response = WireError(429, 429, "Too many requests", "flat").response()
            response["Retry-After"] = str(max(1, math.ceil(WINDOW_S / self.bucket.size)))
        elif not _authorized(request):
            response = WireError(401, 401, "Unauthorized: invalid API key", "plain").response()
        else:
            response = self._answer(request)
        size = self.bucket.size
        response["Organization-RateLimit-Limit"] = f"{size};w=60;b={size}"
        response["RateLimit-Remaining"] = str(left)
        response["RateLimit-Reset"] = str(refill)
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        """The view's answer, or a fault before, in or after it."""
        if not faults.current():
            return self.get_response(request)
        if faults.strikes("http_500"):
            return WireError(500, 500, "Internal server error", "legacy").response()
        if faults.strikes("hang_before"):
            return hang(request)
        page = request.GET.get("page", "1")
        repeats = page.isdigit() and int(page) > 1 and faults.strikes("repeated_page")
        if repeats:
            changed = request.GET.copy()
            changed["page"] = str(int(page) - 1)
            request.GET = changed  # type: ignore[assignment]
        response = self.get_response(request)
        if response.status_code != 200:
            return response
        if faults.strikes("hang_after"):
            return hang(request)
        return _spoil(response, int(page) if repeats else None)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return error.response() if isinstance(error, WireError) else None


def _authorized(request: HttpRequest) -> bool:
    """`apikey <KEY>`, lower case and one space, or the token of /v1/tokens as `bearer`."""
    if request.path == "/v1/tokens":
        return True
    given = request.headers.get("Authorization", "").encode()
    key = environment().api_key
    return hmac.compare_digest(given, f"apikey {key}".encode()) or hmac.compare_digest(
        given, f"bearer {token_for(key)}".encode()
    )


def token_for(api_key: str) -> str:
    """The access token that stands for the key in this server."""
    return hmac.new(api_key.encode(), b"access token", "sha256").hexdigest()


def hang(request: HttpRequest) -> HttpResponse:
    """Cut the connection without a word, after the silence that was asked for."""
    time.sleep(faults.setting("hang_seconds"))
    connected = request.META.get("gunicorn.socket")
    if connected is not None:
        with contextlib.suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)
    return HttpResponse(status=500)


def _spoil(response: HttpResponse, page: int | None) -> HttpResponse:
    """Faults in the body of a good answer."""
    body: Any = orjson.loads(response.content)
    rows = _rows(body)
    if page is not None and isinstance(body, dict):
        for key in ("page_info", "page_Info"):
            if key in body:
                body[key]["page"] = page
    if rows:
        if len(rows) > 1 and faults.strikes("short_page"):
            del rows[-max(1, len(rows) // 3) :]
        _poison(rows)
    spoiled = answer(body)
    if rows and faults.strikes("broken_encoding"):
        spoiled.content = spoiled.content.replace(b'"', b'"\xff\xfe', 3)
    if faults.strikes("truncated_body"):
        spoiled.content = spoiled.content[: len(spoiled.content) * 2 // 3]
    spoiled["Content-Length"] = str(len(spoiled.content))
    return spoiled


def _rows(body: Any) -> list[Any]:
    if isinstance(body, list):
        return body
    lists = [value for value in body.values() if isinstance(value, list)]
    return lists[0] if lists else []


def _poison(rows: list[Any]) -> None:
    """Spoil the row with the lowest id, so that the same record stays bad over reads."""
    chosen = min((row for row in rows if isinstance(row, dict)), key=_row_id, default=None)
    if chosen is None:
        return
    if faults.strikes("bad_date"):
        dated = [
            key for key, value in chosen.items() if key.endswith(("_date", "_time", "_time_utc"))
            and isinstance(value, str)
        ]  # fmt: skip
        for key in dated:
            chosen[key] = "2026-13-45T99:99:99"
    if faults.strikes("unknown_status"):
        for key in ("status", "invoice_status", "recurrence_status"):
            if key in chosen:
                chosen[key] = "Galactic" if isinstance(chosen[key], str) else 77
    if faults.strikes("missing_id"):
        for key in ID_KEYS:
            chosen.pop(key, None)


def _row_id(row: dict[str, Any]) -> str:
    return str(next((row[key] for key in ID_KEYS if row.get(key)), ""))
