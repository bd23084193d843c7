"""What one check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """The result of one check, as stored with the draft and shown on its card."""

    check: str
    ok: bool
    blocks: bool
    message: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def good(check: str, message: str) -> Check:
    return Check(check, ok=True, blocks=False, message=message)


def bad(check: str, message: str, *, blocks: bool = True) -> Check:
    return Check(check, ok=False, blocks=blocks, message=message)
