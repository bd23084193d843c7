"""One hash for many: the Merkle root over the heads of all chains.

Leaves and inner nodes begin with different bytes, so that no node can pass for a leaf (RFC 6962,
section 2.1). An odd node at the end of a level goes up as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

Head = tuple[str, int, str]  # chain, seq, hash


def leaf(head: Head) -> bytes:
    chain, seq, digest = head
    return hashlib.sha256(b"\x00" + f"{chain}\n{seq}\n{digest}".encode()).digest()


def root(heads: Iterable[Head]) -> str:
    """The root over the heads in the order of their chains, in hexadecimal; of none, 64 zeros."""
    level = [leaf(head) for head in sorted(heads)]
    if not level:
        return "0" * 64
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs]
        level = above + level[len(above) * 2 :]
    return level[0].hex()
