"""Who a play wants to write to, and what became of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

# Why a candidate gets no draft, in words for staff.
NOT_PRESENT = "no longer in the platform"
REPORT_ONLY = "report only at this location"
ALREADY_OPEN = "already has a draft of this play"
UNDER_WAY = "already in a sequence of this play"
SAME_REASON = "another play has a draft for the same reason"
LATELY = "written to lately"
UNREACHABLE = "no consent or no address"
SUPPRESSED = "said stop"
DAILY_LIMIT = "daily limit reached"
NO_TEXT = "no text in the library fits"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One guest a play wants to write to, with what the draft is made from.

    `facts` are values for the named fields of the texts (outreach.texts.fields.FIELDS): plain words
    or numbers, never text a guest wrote. `evidence` is stored as it is and shown to the reviewer:
    score, band, reasons (list of sentences, the strongest first), model, as_of.

    `run_id` and `step` are set for a later step of a sequence: it is asked neither whether the
    guest was written to lately nor for room within the daily limit, since the first step was.
    """

    guest_id: int
    location_id: int
    membership_id: int | None = None
    appointment_id: int | None = None
    cause: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    run_id: int | None = None
    step: int = 1


@dataclass
class DraftingResult:
    """What became of the candidates. `skipped` counts by reason, in words for staff;
    `skipped_guests` has the reason of each."""

    drafted: int = 0
    held_out: int = 0
    recorded: int = 0  # would have been drafted, where the play only reports
    skipped: Counter[str] = field(default_factory=Counter)
    skipped_guests: dict[int, str] = field(default_factory=dict)
    draft_ids: list[int] = field(default_factory=list)

    def skip(self, guest_id: int, reason: str) -> None:
        """Pass a candidate over."""
        self.skipped[reason] += 1
        self.skipped_guests[guest_id] = reason

    def counts(self) -> dict[str, int]:
        """Flat counts for a job run."""
        return {
            "drafted": self.drafted,
            "held_out": self.held_out,
            "recorded": self.recorded,
            **{f"skipped: {reason}": count for reason, count in sorted(self.skipped.items())},
        }
