"""The signature of Zenoti's webhooks: `sha256 =1F-A0-...`, HMAC-SHA256 over the raw body."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

SCHEME = "sha256"


def sign(body: bytes, secret: str) -> str:
    """The header value the platform would send: upper-case hex pairs joined by dashes."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().upper()
    pairs = (digest[i : i + 2] for i in range(0, len(digest), 2))
    return f"{SCHEME} ={'-'.join(pairs)}"


def is_genuine(body: bytes, header: str, secrets: Iterable[str]) -> bool:
    """Whether one of the secrets (two while one is being rotated) made this header."""
    scheme, equals, value = header.partition("=")
    if not equals or scheme.strip().lower() != SCHEME:
        return False
    given = value.strip().replace("-", "").lower().encode("ascii", "replace")
    genuine = False
    for secret in secrets:
        expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
        # No early exit: the time spent tells nothing about which secret matched.
        genuine |= bool(secret) and hmac.compare_digest(expected, given)
    return genuine
