"""Why something was refused. Each name is a rule, each message is fit for staff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outreach.results import Check


class OutreachError(Exception):
    """Base of every refusal of this app."""


class Conflict(OutreachError):
    """Somebody, or time, was quicker: the row is no longer what the reader saw."""


class NotAllowed(OutreachError):
    """This person may not do this to this row."""


class NeedsCare(OutreachError):
    """The draft has a warning; approving it takes the extra key."""


class ChecksFailed(OutreachError):
    """The text or its circumstances break a rule that nobody may wave through."""

    def __init__(self, failed: Sequence[Check]) -> None:
        self.failed = list(failed)
        super().__init__(" ".join(check.message for check in failed))


class CapReached(OutreachError):
    """The cost would pass a limit."""


class AlreadyLeft(OutreachError):
    """The message is on its way or gone: it cannot be called back."""


class TooMany(OutreachError):
    """So many in so short a time are not wanted."""


class BadTemplate(OutreachError):
    """A text has something other than plain named fields that we know."""
