"""The carrier's book of messages and its errands: what is due, in the real clock."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from platforms.sandbox.business import execute, facts, query
from platforms.sandbox.environment import environment

# Shares of the guests' usual answer time after which a message is sent and delivered.
SENT_AFTER, DELIVERED_AFTER = 0.02, 0.06
FIELDS = (
    "id, sid, channel, direction, guest_id, sender, recipient, subject, body, status, "
    "error_code, reference, callback, created_at"
)


def now() -> datetime:
    return datetime.now(UTC)


def add(
    *,
    channel: str,
    direction: str,
    sender: str,
    recipient: str,
    body: str,
    status: str,
    guest_id: int | None,
    subject: str = "",
    reference: str | None = None,
    callback: str | None = None,
    sid: str = "",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Write a message; returns its number and its sid."""
    sid = sid or f"SM{secrets.token_hex(16)}"
    number = query(
        "INSERT INTO message (sid, channel, direction, guest_id, sender, recipient, subject, body, "
        "status, reference, callback, created_at, virtual_min, headers) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        [
            sid, channel, direction, guest_id, sender, recipient, subject, body, status, reference,
            callback, now(), facts().now_minute, Jsonb(dict(headers or {})),
        ],
    )[0][0]  # fmt: skip
    return int(number), sid


def errand(kind: str, message_id: int, seconds: float, **detail: Any) -> None:
    """Something to do about a message in `seconds`."""
    execute(
        "INSERT INTO errand (kind, due_at, message_id, detail) VALUES (%s, %s, %s, %s)",
        [kind, now() + timedelta(seconds=seconds), message_id, Jsonb(detail)],
    )


def guest_of_phone(phone: str) -> int | None:
    """The guest with an E.164 number; shared numbers belong to the newest guest."""
    digits = "".join(character for character in phone if character.isdigit())
    rows = query(
        "SELECT id FROM guest WHERE phone = %s ORDER BY id DESC LIMIT 1", [digits.removeprefix("1")]
    )
    return int(rows[0][0]) if rows else None


def mail_signature(delivery_id: str, stamp: int, body: bytes, secret: str) -> str:
    """`webhook-signature` as Standard Webhooks describes it: base64 HMAC-SHA256 over id, timestamp
    and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{delivery_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def signature(url: str, params: Mapping[str, str]) -> str:
    """`X-Twilio-Signature`: base64 HMAC-SHA1 over the URL and the sorted form fields."""
    text = url + "".join(name + params[name] for name in sorted(params))
    digest = hmac.new(environment().sms_token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
