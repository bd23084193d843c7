"""Calls to Zenoti: key, rate budget, retries, the several shapes of its errors."""

from __future__ import annotations

import json
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import requests
from django.conf import settings

from platforms import budget
from platforms.http import CallFailed, client

log = logging.getLogger(__name__)

# Business codes in error bodies, which are not HTTP statuses.
NO_ACCESS_CODES = {401, 403, 438, 602}
NOT_FOUND_CODES = {404}


class ZenotiError(Exception):
    """A call that failed; `code` is the platform's business code, 0 when there is none."""

    def __init__(self, message: str, *, code: int = 0, status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class NoAccess(ZenotiError):
    """The key may not do this, or is not valid (any more)."""


class NotFound(ZenotiError):
    """The platform knows no such thing."""


class Refused(ZenotiError):
    """The platform says the request is wrong. Repeating it is pointless, body code 502 included."""


class Unavailable(ZenotiError):
    """No usable answer: limit, server error, broken connection or body. May be tried again."""

    def __init__(self, message: str, *, retry_after: float | None = None, status: int = 0) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Call:
    """One read. `check` looks at the parsed body and raises Unavailable when it is not whole."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    check: Callable[[Any], None] | None = None


@dataclass(frozen=True)
class Answer:
    """The parsed body and the instant the call left."""

    body: Any
    asked_at: datetime


@dataclass(frozen=True)
class Manner:
    """How patiently to call."""

    interactive: bool
    tries: int
    patience_seconds: float
    first_wait: float
    longest_wait: float


BACKGROUND = Manner(
    interactive=False, tries=6, patience_seconds=900, first_wait=0.5, longest_wait=30
)
INTERACTIVE = Manner(interactive=True, tries=3, patience_seconds=8, first_wait=0.1, longest_wait=2)


def _seconds(response: requests.Response, header: str) -> float | None:
    try:
        return max(0.0, float(response.headers[header]))
    except (KeyError, ValueError):
        return None


def parse(content: bytes) -> Any:
    """The JSON of an answer. Broken characters are replaced, so that one bad record does not
    hide the page; a body that is cut off raises Unavailable."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    try:
        return _scrub(json.loads(content.decode("utf-8", "replace")))
    except ValueError as error:
        raise Unavailable("The answer was cut off or is not JSON.") from error


def _scrub(value: Any) -> Any:
    """Lone surrogates become the replacement character: no database stores them."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_scrub(item) for item in value]
    if isinstance(value, dict):
        return {name: _scrub(item) for name, item in value.items()}
    return value


def _error_of(body: Any) -> tuple[int, str] | None:
    """(business code, message) of an error body in any of its shapes; None for a success."""
    if not isinstance(body, dict):
        return None
    inner = body.get("error") or body.get("Error")
    if isinstance(inner, dict):
        code = inner.get("code", inner.get("StatusCode"))
        message = inner.get("message", inner.get("Message"))
    elif inner:
        code, message = 0, inner
    elif "code" in body and "message" in body and "id" not in body:
        code, message = body["code"], body["message"]
    else:
        return None
    digits = str(code or "")
    return (int(digits) if digits.lstrip("-").isdigit() else 0), str(message or "")


def read_answer(response: requests.Response) -> Any:
    """The parsed body of a success. Raises the typed error of anything else."""
    status = response.status_code
    if status == 429:
        wait = _seconds(response, "Retry-After")
        if wait is None:
            wait = _seconds(response, "RateLimit-Reset")
        raise Unavailable("The platform's call limit is reached.", retry_after=wait, status=429)
    try:
        body = parse(response.content)
    except Unavailable:
        if status in (401, 403):
            raise NoAccess(response.text[:200], status=status) from None
        if status == 404:
            raise NotFound(response.text[:200], status=status) from None
        if 400 <= status < 500:
            raise Refused(response.text[:200], status=status) from None
        raise
    problem = _error_of(body)
    if problem is None and status < 300:
        return body
    code, message = problem or (0, f"HTTP {status}")
    # A server error may pass; body code 502 is a bad parameter whatever the status says.
    if status >= 500 and (not code or (code >= 500 and code != 502)):
        raise Unavailable(message, retry_after=_seconds(response, "Retry-After"), status=status)
    if status in (401, 403) or code in NO_ACCESS_CODES:
        raise NoAccess(message, code=code, status=status)
    if status == 404 or code in NOT_FOUND_CODES:
        raise NotFound(message, code=code, status=status)
    raise Refused(message, code=code, status=status)


class ZenotiClient:
    """Reads within the account's rate budget. Not inside a transaction: calls take seconds."""

    def __init__(
        self, *, clock: Callable[[], datetime], manner: Manner = BACKGROUND, width: int = 3
    ) -> None:
        self.clock = clock
        self.manner = manner
        self.width = width
        self.account = f"{settings.PLATFORM['kind']}:{settings.PLATFORM['base_url']}"[-60:]
        self.base = settings.PLATFORM["base_url"].rstrip("/")
        self.headers = {
            "Authorization": f"apikey {settings.PLATFORM['api_key']}",
            "Accept": "application/json",
        }
        self.calls = 0
        self._opened = False

    def call(self, call: Call) -> Answer:
        """One read with retries. Raises NoAccess, NotFound, Refused, Unavailable, BudgetSpent."""
        failures = 0
        while True:
            level = self._allow()
            asked_at = self.clock()
            try:
                body, remaining = self._attempt(call)
            except Unavailable as error:
                failures += 1
                self._pause(error, failures)
                continue
            budget.heed(account=self.account, level=level, remaining=remaining)
            return Answer(body, asked_at)

    def call_many(self, calls: Iterable[Call]) -> Iterator[Answer | ZenotiError]:
        """Answers in the order of the calls, a few under way at a time. What fails for good comes
        as its error, so that one missing record does not stop the rest. Retries as `call`.

        Threads only talk; the budget is asked here, in the caller's thread and connection."""
        with ThreadPoolExecutor(self.width, thread_name_prefix="zenoti") as pool:
            under_way: deque[tuple[Call, datetime, Future[tuple[Any, float | None]]]] = deque()
            waiting = iter(calls)
            exhausted = False
            while True:
                while not exhausted and len(under_way) < self.width:
                    following = next(waiting, None)
                    if following is None:
                        exhausted = True
                        break
                    level = self._allow()
                    under_way.append(
                        (following, self.clock(), pool.submit(self._attempt, following))
                    )
                if not under_way:
                    return
                call, asked_at, future = under_way.popleft()
                try:
                    body, remaining = future.result()
                except Unavailable as error:
                    self._pause(error, 1)
                    try:
                        yield self.call(call)
                    except ZenotiError as final:
                        yield final
                    continue
                except ZenotiError as error:
                    yield error
                    continue
                budget.heed(account=self.account, level=level, remaining=remaining)
                yield Answer(body, asked_at)

    def _allow(self) -> budget.Level:
        if not self._opened:
            budget.open_account(
                account=self.account, per_minute=settings.PLATFORM["rate_per_minute"]
            )
            self._opened = True
        self.calls += 1
        return budget.acquire(
            account=self.account,
            interactive=self.manner.interactive,
            patience_seconds=self.manner.patience_seconds,
        )

    def _attempt(self, call: Call) -> tuple[Any, float | None]:
        """One try, no database: it runs in threads. Returns the body and the calls left."""
        data = None
        headers = self.headers
        if call.body is not None:
            data = orjson.dumps(call.body)
            headers = {**headers, "Content-Type": "application/json"}
        try:
            response = client.request(
                call.method, self.base + call.path, params=call.params, data=data, headers=headers
            )
        except CallFailed as error:
            raise Unavailable(str(error)) from error
        body = read_answer(response)
        if call.check is not None:
            call.check(body)
        return body, _seconds(response, "RateLimit-Remaining")

    def _pause(self, error: Unavailable, failures: int) -> None:
        """Wait before the next try, or give up by raising the error."""
        if failures >= self.manner.tries:
            raise error
        wait = min(self.manner.longest_wait, self.manner.first_wait * 2 ** (failures - 1))
        wait *= random.uniform(0.7, 1.3)  # noqa: S311 - jitter
        if error.status == 429:
            asked = error.retry_after if error.retry_after is not None else 1.0
            budget.close_for(account=self.account, seconds=min(asked, 300.0))
            wait = 0.0  # the closed bucket makes everybody wait
        elif error.retry_after is not None:
            wait = max(wait, min(error.retry_after, self.manner.longest_wait))
        log.info("zenoti: try %s failed: %s", failures, error)
        time.sleep(wait)
