"""Whether a play may move up at a location, and what still stands in the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from outreach.autonomy import doubts, evidence
from outreach.autonomy.evidence import Numbers
from outreach.gate import breakers
from outreach.models import AutomaticRule, Breaker, Phase, PlayPhase
from outreach.transitions import PHASE_ORDER

if TYPE_CHECKING:
    from staff.models import User

# A month of people's decisions, and enough of them to see a habit: with 30 decisions and no change
# of words the true share of changed texts is below 1 in 10 (rule of three: Hanley & Lippman-Hand
# 1983, JAMA 249).
REVIEW_DAYS = 30
MIN_DECISIONS = 30


@dataclass(frozen=True)
class Case:
    """What speaks for and against moving a play up at a location, as of one instant."""

    row: PlayPhase
    numbers: Numbers
    rules: list[AutomaticRule]
    doubt: str
    open_breakers: list[str]
    person: str  # why this person may not stand for it; empty when they may
    now: datetime

    @property
    def days_reviewed(self) -> int:
        """Whole days in which people have decided here without a break."""
        since = self.row.reviewed_since_at
        if since is None or self.row.phase == Phase.REPORT:
            return 0
        return (self.now - since) // timedelta(days=1)

    def obstacles_to(self, to: Phase) -> list[str]:
        """Every reason why not, as a sentence with what to do; empty when the play may move."""
        here = Phase(self.row.phase)
        again = here == to == Phase.AUTOMATIC and self.rules_differ
        if PHASE_ORDER.index(to) <= PHASE_ORDER.index(here) and not again:
            return [f"{self.row.play.name} is at “{here.label}” already."]
        if to != Phase.AUTOMATIC:
            return []
        why = []
        if here == Phase.REPORT:
            why.append(f"It only reports now: let people review for {REVIEW_DAYS} days first.")
        elif self.days_reviewed < REVIEW_DAYS:
            why.append(
                f"People have reviewed for {self.days_reviewed} of {REVIEW_DAYS} days: wait."
            )
        if self.numbers.decided < MIN_DECISIONS:
            why.append(
                f"{self.numbers.decided} of {MIN_DECISIONS} decisions in {evidence.DAYS} days: "
                "decide more drafts."
            )
        if not self.rules:
            why.append("The play has no rule: set one below.")
        why += [f"Automatic messages are held: {signal}." for signal in self.open_breakers]
        if self.doubt:
            why.append(f"{self.doubt}.")
        if self.person:
            why.append(self.person)
        return why

    @property
    def rules_differ(self) -> bool:
        """Whether the rules of the play are no longer those it was promoted with."""
        return bool([rule.terms() for rule in self.rules] != self.row.rules)

    def figures(self) -> dict[str, Any]:
        """The evidence by value."""
        return self.numbers.figures() | {"days_reviewed": self.days_reviewed}


def case_for(row: PlayPhase, *, by: User, now: datetime) -> Case:
    """Read the case of one play at one location for the person who looks."""
    pair = (row.play_id, row.location_id)
    rules = list(AutomaticRule.objects.filter(play=row.play_id))
    return Case(
        row=row,
        numbers=evidence.numbers([row.location_id], now=now).get(pair, Numbers()),
        rules=rules,
        doubt=doubts.standing([pair], now=now).get(pair, ""),
        open_breakers=[
            str(Breaker.Signal(held.signal).label)
            for held in breakers.concerning(breakers.holding(), *pair)
        ],
        person=_why_not_this_person(row, rules, by=by),
        now=now,
    )


def _why_not_this_person(row: PlayPhase, rules: list[AutomaticRule], *, by: User) -> str:
    """Messages go out in the name of who promotes: the gate asks their right to each."""
    if not (by.has_perm("outreach.promote_play", row.location) and by.serves(row.location_id)):
        return "You may not move plays up here. Ask a regional manager."
    dearest = max((rule.max_cost_cents for rule in rules), default=0)
    if not by.all_locations and dearest > by.approval_limit_cents:
        return (
            f"A rule allows offers that cost {dearest / 100:.2f} and your limit is "
            f"{by.approval_limit_cents / 100:.2f}: lower the rule or ask someone with a wider "
            "limit."
        )
    return ""
