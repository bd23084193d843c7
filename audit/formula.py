"""How an entry is bound to the one before it.

    hash = SHA-256(0x00 | chain LF seq LF prev LF body)

`body` is canonical JSON: sorted keys, no spaces, ASCII only. The first entry's `prev` is 64 zeros.
"""

from __future__ import annotations

import hashlib

ORGANISATION = "organisation"  # the chain of what belongs to no location
GENESIS = "0" * 64


def home_of(location_id: int | None) -> str:
    """The chain that tells of a location."""
    return ORGANISATION if location_id is None else f"location:{location_id}"


def digest(*, chain: str, seq: int, prev: str, body: str) -> str:
    """The hash of one entry, in hexadecimal."""
    return hashlib.sha256(b"\x00" + f"{chain}\n{seq}\n{prev}\n{body}".encode()).hexdigest()
