"""What stands before every Zenoti call: key, rate limit, faults, error bodies."""

from __future__ import annotations

import hmac
import math
import threading
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from platforms.sandbox.environment import environment
from platforms.sandbox.zenoti.errors import WireError

WINDOW_S = 60.0


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
        if not allowed:
            response = WireError(429, 429, "Too many requests", "flat").response()
            response["Retry-After"] = str(max(1, math.ceil(WINDOW_S / self.bucket.size)))
        elif not _authorized(request):
            response = WireError(401, 401, "Unauthorized: invalid API key", "plain").response()
        else:
            response = self.get_response(request)
        size = self.bucket.size
        response["Organization-RateLimit-Limit"] = f"{size};w=60;b={size}"
        response["RateLimit-Remaining"] = str(left)
        response["RateLimit-Reset"] = str(refill)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return error.response() if isinstance(error, WireError) else None


def _authorized(request: HttpRequest) -> bool:
    """`apikey <KEY>`, lower case and one space, or the token of /v1/tokens as `bearer`."""
    if request.path == "/v1/tokens":
        return True
    given = request.headers.get("Authorization", "").encode()
    key = environment().api_key.encode()
    return hmac.compare_digest(given, b"apikey " + key) or hmac.compare_digest(
        given, b"bearer " + token_for(environment().api_key).encode()
    )


def token_for(api_key: str) -> str:
    """The access token that stands for the key in this server."""
    return hmac.new(api_key.encode(), b"access token", "sha256").hexdigest()
