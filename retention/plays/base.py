"""What every play of retention brings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from outreach.drafting import Candidate


class Run(Protocol):
    """Look for people and draft. Returns counts; safe to call twice for the same night."""

    def __call__(self, *, location_id: int, as_of_on: date, now: datetime) -> dict[str, int]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPlay:
    """`key` is that of the `outreach.Play` row. `candidates_for` makes candidates of contracts a
    person picked from the member list, whatever the play's own rule says of them."""

    key: str
    run: Run
    candidates_for: Callable[[Sequence[int], datetime], list[Candidate]]
