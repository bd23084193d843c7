"""The one way out: every HTTP call of the product goes through `client` here.

It speaks only to hosts on the allow-list, follows no redirect, waits for nothing for ever, and
tells apart the two failures that matter to a sender: nothing was sent, or nobody knows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter

from platforms.outcome import NotBegun

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0  # of silence
WHOLE_ANSWER_SECONDS = 120.0  # an answer that drips is never silent
PIECE_BYTES = 64 * 1024
MAX_ANSWER_BYTES = 64 * 1024 * 1024
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class HostNotAllowed(Exception):
    """The address is not one of the hosts this deployment may speak to."""


class CallFailed(Exception):
    """A call that brought no answer."""


class NothingSent(CallFailed):
    """The other side was not reached: safe to try again."""


class NoAnswer(CallFailed):
    """The call left, the answer did not come: it may or may not have taken effect."""


def allowed_hosts() -> set[str]:
    """`host` or `host:port` entries; without a setting, the hosts of the configured services."""
    if settings.OUTBOUND_HOSTS:
        return {host.lower() for host in settings.OUTBOUND_HOSTS}
    configured = (
        settings.PLATFORM["base_url"],
        settings.CARRIER["sms_url"],
        settings.DRAFTING["url"],
    )
    return {urlsplit(address).netloc.lower() for address in configured if address}


def check_address(url: str) -> None:
    """Raises HostNotAllowed unless `url` is on the allow-list; plain http leaves the machine only
    outside production, because every call carries a secret."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.netloc.lower() not in (hosts := allowed_hosts()) and host not in hosts:
        raise HostNotAllowed(f"{host or 'an empty host'} is not in OUTBOUND_HOSTS.")
    if parts.scheme != "https" and (settings.IS_PRODUCTION and host not in LOOPBACK):
        raise HostNotAllowed(f"{host} must be called by https.")


class _InTime(HTTPAdapter):
    """Looks at the clock as late as can be: a thread may be kept from the processor at any line
    between whoever allowed the call and this one."""

    begin_by: float | None = None

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        if self.begin_by is not None and time.monotonic() > self.begin_by:
            raise NotBegun
        return super().send(*args, **kwargs)


class Client:
    """A wrapper of requests with one session (and its connections) per thread."""

    def __init__(self) -> None:
        self._local = threading.local()

    def _session(self, *, begin_by: float | None) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            # Neither proxies nor a .netrc may redirect or add a password behind our back.
            session.trust_env = False
            adapter = _InTime(pool_connections=4, pool_maxsize=8, max_retries=0)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            session.headers["User-Agent"] = "Tenure/1"
            self._local.session, self._local.adapter = session, adapter
        self._local.adapter.begin_by = begin_by
        return session

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        read_seconds: float = READ_SECONDS,
        begin_by: float | None = None,
    ) -> requests.Response:
        """One call, never repeated here. Any HTTP status is an answer and is returned.

        `read_seconds` bounds each silence, WHOLE_ANSWER_SECONDS the body as a whole; `begin_by` is
        the instant of the monotonic clock after which it may not begin. Raises HostNotAllowed,
        NotBegun, NothingSent (not reached), NoAnswer (left, unanswered)."""
        check_address(url)
        try:
            response = self._session(begin_by=begin_by).request(
                method,
                url,
                params=params,
                data=data,
                headers=dict(headers or {}),
                auth=auth,
                timeout=(CONNECT_SECONDS, read_seconds),
                allow_redirects=False,
                stream=True,
            )
            self._read_whole(response)
        except requests.ConnectTimeout as error:
            raise NothingSent("The connection timed out.") from error
        except requests.ConnectionError as error:
            if _was_never_connected(error):
                raise NothingSent("The connection was refused.") from error
            raise NoAnswer("The connection broke before the answer came.") from error
        except requests.RequestException as error:
            raise NoAnswer(f"The answer could not be read: {type(error).__name__}.") from error
        return response

    def _read_whole(self, response: requests.Response) -> None:
        """Read the body now, up to a size and a time, so that a broken answer is noticed inside
        the call."""
        ends = time.monotonic() + WHOLE_ANSWER_SECONDS
        parts: list[bytes] = []
        size = 0
        for part in _as_it_comes(response):
            size += len(part)
            if size > MAX_ANSWER_BYTES or time.monotonic() > ends:
                response.close()
                raise requests.exceptions.ContentDecodingError("answer too large or too slow")
            parts.append(part)
        response._content = b"".join(parts)


def _as_it_comes(response: requests.Response) -> Iterator[bytes]:
    """The body in the pieces that arrive. `iter_content` waits until a piece is full, and so never
    looks up from a body that drips."""
    try:
        while part := response.raw.read1(PIECE_BYTES, decode_content=True):
            yield part
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error


def _was_never_connected(error: requests.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


client = Client()
