"""What came of one call that must have at most one effect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class NotBegun(Exception):
    """The instant by which a call had to begin passed before it did. Nothing was sent."""


class Result(StrEnum):
    """`retry` is safe to repeat, `unknown` may have happened, `uncertain` needs a person."""

    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    RETRY = "retry"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True)
class Outcome:
    """The result, the other side's reference, and what went wrong in words staff can read."""

    state: Result
    provider_ref: str = ""
    error: str = ""
    retry_after: float | None = None  # seconds the other side asked us to wait
