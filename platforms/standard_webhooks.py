"""Webhooks signed as the Standard Webhooks specification says (standardwebhooks.com).

`webhook-signature` holds one or more `v1,<base64>`: HMAC-SHA256 over `id.timestamp.body` with a
shared secret, written as `whsec_<base64>`. More than one secret counts while one is being changed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

# A delivery signed longer ago, or further ahead, is somebody's recording (INV-4).
TOLERANCE_S = 300
LONGEST_ID = 120


def sign(delivery_id: str, timestamp: int, body: bytes, secret: str) -> str:
    """The `webhook-signature` of one delivery. Raises ValueError for a secret that is none."""
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("A webhook secret is `whsec_` and base64.") from None


def genuine_id(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], *, now: datetime
) -> str:
    """The id of a delivery that is signed with one of the secrets and fresh; empty for any other.
    Each comparison takes the same time, whatever is wrong."""
    delivery_id = headers.get("webhook-id", "")
    stamp = headers.get("webhook-timestamp", "")
    given = [part for part in headers.get("webhook-signature", "").split(" ")[:8] if part]
    if not delivery_id or len(delivery_id) > LONGEST_ID or not stamp.isascii():
        return ""
    if not stamp.isdecimal() or len(stamp) > 12:
        return ""
    if abs(now.timestamp() - int(stamp)) > TOLERANCE_S:
        return ""
    found = False
    for secret in secrets:
        expected = sign(delivery_id, int(stamp), body, secret).encode()
        for signature in given:
            found |= hmac.compare_digest(expected, signature.encode())
    return delivery_id if found else ""
