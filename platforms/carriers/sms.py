"""Text messages by a Twilio-compatible carrier."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import orjson
import requests
from django.conf import settings
from django.http import QueryDict

from platforms.http import NoAnswer, NothingSent, client
from platforms.outcome import Outcome, Result

# What the carrier says about a message it has and will not deliver.
FAILED = {"failed", "undelivered", "canceled"}


def _messages_url() -> str:
    base = settings.CARRIER["sms_url"].rstrip("/")
    return f"{base}/2010-04-01/Accounts/{settings.CARRIER['sms_account']}/Messages.json"


def _auth() -> tuple[str, str]:
    return settings.CARRIER["sms_account"], settings.CARRIER["sms_token"]


def _body(response: requests.Response) -> dict[str, Any]:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def retry_after(response: requests.Response) -> float | None:
    """Seconds of `Retry-After`; None when it is missing or a date."""
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None


def send(
    *, key: str, to: str, body: str, status_callback: str = "", begin_by: float | None = None
) -> Outcome:
    """One message to `to` (E.164). `key` is the same at every attempt: the carrier delivers one
    message for it, and finds it again by it. Raises NotBegun after `begin_by` (monotonic)."""
    form = {
        "To": to,
        "From": settings.CARRIER["sms_from"],
        "Body": body,
        "Reference": key,
    }
    if status_callback:
        form["StatusCallback"] = status_callback
    headers = {"Idempotency-Key": key} if settings.CARRIER["supports_key"] else {}
    try:
        response = client.request(
            "POST",
            _messages_url(),
            data=form,
            headers=headers,
            auth=_auth(),
            read_seconds=settings.CARRIER["timeout_seconds"],
            begin_by=begin_by,
        )
    except NothingSent as error:
        return Outcome(Result.RETRY, error=str(error))
    except NoAnswer as error:
        return Outcome(Result.UNKNOWN, error=str(error))
    return _outcome(response)


def _outcome(response: requests.Response) -> Outcome:
    body = _body(response)
    message = str(body.get("message") or f"The carrier answered {response.status_code}.")
    if response.status_code in (200, 201):
        if sid := body.get("sid"):
            return Outcome(Result.SENT, provider_ref=str(sid))
        return Outcome(Result.UNKNOWN, error="The carrier's answer could not be read.")
    if response.status_code == 429:
        return Outcome(Result.RETRY, error=message, retry_after=retry_after(response))
    if response.status_code in (401, 403):
        # Our account, not this message: nothing went out, and waiting may help.
        return Outcome(Result.RETRY, error=message)
    if 400 <= response.status_code < 500 and response.status_code not in (408, 409):
        return Outcome(Result.REFUSED, error=message)
    return Outcome(Result.UNKNOWN, error=message)


def look_up(*, key: str) -> Outcome:
    """What became of the message sent under `key`.

    Without look-up a carrier that knows the key may be asked again by sending again (`retry`);
    with neither, a person must decide (`uncertain`)."""
    if not settings.CARRIER["supports_lookup"]:
        if settings.CARRIER["supports_key"]:
            return Outcome(Result.RETRY, error="Sent again under the same key.")
        return Outcome(Result.UNCERTAIN, error="The carrier cannot say whether it was sent.")
    try:
        response = client.request(
            "GET",
            _messages_url(),
            params={"Reference": key},
            auth=_auth(),
            read_seconds=settings.CARRIER["timeout_seconds"],
        )
    except (NothingSent, NoAnswer) as error:
        return Outcome(Result.UNKNOWN, error=str(error))
    found = _body(response).get("messages")
    if response.status_code != 200 or not isinstance(found, list):
        return Outcome(
            Result.UNKNOWN,
            error=f"The look-up was answered {response.status_code}.",
            retry_after=retry_after(response),
        )
    if not found:
        return Outcome(Result.RETRY, error="The carrier never had it.")
    newest = found[0]
    if str(newest.get("status")) in FAILED:
        return Outcome(
            Result.REFUSED,
            provider_ref=str(newest.get("sid") or ""),
            error=str(newest.get("error_message") or newest.get("status")),
        )
    return Outcome(Result.SENT, provider_ref=str(newest.get("sid") or ""))


def form_of(body: bytes) -> dict[str, str]:
    """The fields of a callback."""
    form = QueryDict(body, encoding="utf-8")
    return {name: str(form[name]) for name in form}


def sign(url: str, params: Mapping[str, str], token: str) -> str:
    """The carrier's signature: base64 of HMAC-SHA1 over the URL and the sorted form fields."""
    text = url + "".join(name + params[name] for name in sorted(params))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def verify_signature(url: str, params: Mapping[str, str], signature: str) -> bool:
    """Whether a callback came from the carrier; compared in constant time."""
    expected = sign(url, params, settings.CARRIER["sms_token"])
    return hmac.compare_digest(expected.encode(), signature.encode())
