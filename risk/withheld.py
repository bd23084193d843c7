"""Inputs left out of scores: for the whole business by a setting, for one guest at their request.

What is left out counts as the average case does: it adds nothing, is in no reason and is not
missed. Inputs that tell the same fact go together, or the fact would come back under another name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from risk.engine.additive import AdditiveModel, Artefact, Shape

SAME_FACT = (
    frozenset({"days_since_visit", "gap_ratio"}),
    frozenset(
        {
            "visits_30", "visits_90", "visits_180", "visit_ratio", "visits_per_payment",
            "unused_months", "credits_left",
        }
    ),
    frozenset({"next_days", "coming"}),
    frozenset({"price", "price_rise"}),
    frozenset({"ticket", "spend_ratio"}),
    frozenset({"failed_90", "paid_share", "unpaid_days"}),
    frozenset({"rating", "rating_norm", "lowest_rating_180"}),
    frozenset({"lost_share", "lost_days"}),
    frozenset({"late_180", "no_shows_180", "fell_share_180"}),
    frozenset({"frozen", "frozen_days"}),
    frozenset({"own_rate", "own_no_show_rate", "past_fell", "past_late", "days_since_fall"}),
    frozenset({"first_visit", "past_bookings"}),
    frozenset({"member", "member_days"}),
)  # fmt: skip


def whole(inputs: Iterable[str]) -> frozenset[str]:
    """The inputs with all that tell the same facts."""
    named = set(inputs)
    return frozenset(named.union(*(fact for fact in SAME_FACT if fact & named)))


@dataclass(frozen=True)
class Withheld:
    """The inputs of one target that are left out: of every score, and of single guests' by id."""

    everywhere: frozenset[str] = frozenset()
    of_guest: dict[int, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[tuple[str, int | None]]) -> Withheld:
        """From pairs of input and guest, None for everybody."""
        everywhere: set[str] = set()
        of_guest: dict[int, set[str]] = {}
        for name, guest in rows:
            if guest is None:
                everywhere.add(name)
            else:
                of_guest.setdefault(guest, set()).add(name)
        return cls(whole(everywhere), {guest: whole(names) for guest, names in of_guest.items()})

    def groups(
        self, guests: npt.NDArray[np.int64]
    ) -> list[tuple[frozenset[str], npt.NDArray[np.intp]]]:
        """Row numbers by what is left out of them; every row is in one group."""
        own = np.isin(guests, list(self.of_guest)) if self.of_guest else np.zeros(len(guests), bool)
        rows: dict[frozenset[str], list[int]] = {}
        for row in np.flatnonzero(own).tolist():
            names = self.everywhere | self.of_guest[int(guests[row])]
            rows.setdefault(names, []).append(row)
        found = [(names, np.array(numbers)) for names, numbers in rows.items()]
        rest = np.flatnonzero(~own)
        return [(self.everywhere, rest), *found] if len(rest) else found


def blind(artefact: Artefact, names: frozenset[str]) -> Artefact:
    """The model without these inputs: each adds nothing, alone or with another."""
    support = artefact.support
    return replace(
        artefact,
        heads={name: _blind(head, names) for name, head in artefact.heads.items()},
        support=support
        and replace(support, known=tuple(name for name in support.known if name not in names)),
    )


def _blind(model: AdditiveModel, names: frozenset[str]) -> AdditiveModel:
    return replace(
        model,
        shapes=tuple(
            _silent(shape.name) if shape.name in names else shape for shape in model.shapes
        ),
        pairs=tuple(pair for pair in model.pairs if not names & set(pair.names)),
    )


def _silent(name: str) -> Shape:
    return Shape(name=name, kind="number", cuts=np.zeros(0), values=np.zeros(1), missing=0.0)
