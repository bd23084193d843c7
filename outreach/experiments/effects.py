"""What each play changes: those it may write to against those left alone, by the draw alone.

Reads what the night has counted of each location (experiment_counts.py says what), adds the
locations up and compares the arms.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from outreach.experiments.experiment_counts import DAYS, KEPT_DAYS, PACE_DAYS
from outreach.models import ExperimentTally, Play
from risk.engine.anytime import Arm, Difference, difference, more_people

WORTH = 0.05  # the difference in members kept or won back worth knowing about: 5 in 100


@dataclass(frozen=True)
class Kept:
    """Who had a membership so many days after the draw: members kept, or people won back."""

    days: int
    found: Difference


@dataclass(frozen=True)
class Saves:
    """What one more member, kept or won back, has cost, in cents of one currency. `saves` is how
    many more there are than without the play; an end that no number bounds is None."""

    currency: str
    spent_cents: int
    saves: float | None
    cents: int | None
    low_cents: int | None
    high_cents: int | None


@dataclass
class Experiment:
    """One play's experiment among the guests of some locations."""

    play: Play
    drawn: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})  # by held out
    lately: int = 0  # drawn in the last PACE_DAYS days, both arms
    kept: list[Kept] = field(default_factory=list)
    visits: Difference | None = None
    revenue: list[tuple[str, Difference]] = field(default_factory=list)  # cents, per currency
    saves: list[Saves] = field(default_factory=list)
    more: int | None = None  # people still needed to see WORTH; None: cannot be said

    @property
    def main(self) -> Difference:
        """Members kept, or won back, after DAYS: what the play is judged by."""
        return next(one.found for one in self.kept if one.days == DAYS)

    @property
    def weeks(self) -> int | None:
        """How long `more` takes at the pace of the last weeks."""
        if not self.more or not self.lately:
            return None
        return max(round(self.more / self.lately * PACE_DAYS / 7), 1)


def experiments(*, location_ids: list[int]) -> list[Experiment]:
    """Every play's experiment among guests at home at these locations, in the order of names, as
    counted in the last night of each. Plays that never drew anybody are left out. Two queries."""
    return of_tallies(
        ExperimentTally.objects.filter(location__in=location_ids).select_related("location")
    )


def of_tallies(tallies: Iterable[ExperimentTally]) -> list[Experiment]:
    """The experiments these arms add up to. One query."""
    found = {play.pk: Experiment(play) for play in Play.objects.order_by("name")}
    arms: dict[str, dict[str, dict[bool, _Sums]]] = defaultdict(
        lambda: defaultdict(lambda: {False: _Sums(), True: _Sums()})
    )
    for tally in tallies:
        experiment = found[tally.play_id]
        experiment.drawn[tally.is_held_out] += tally.drawn
        experiment.lately += tally.lately
        arms[tally.play_id][tally.location.currency][tally.is_held_out].add(tally)
    for key, by_currency in arms.items():
        _fill(found[key], dict(sorted(by_currency.items())))
    return [one for one in found.values() if sum(one.drawn.values())]


@dataclass
class _Sums:
    """One arm in one currency: people, and sums of visits and cents with those of their squares."""

    known: dict[int, int] = field(default_factory=lambda: dict.fromkeys(KEPT_DAYS, 0))
    kept: dict[int, int] = field(default_factory=lambda: dict.fromkeys(KEPT_DAYS, 0))
    visits: float = 0.0
    visits_squared: float = 0.0
    cents: float = 0.0
    cents_squared: float = 0.0
    spent_cents: int = 0

    @property
    def n(self) -> int:
        return self.known[DAYS]

    def add(self, tally: ExperimentTally) -> None:
        for days in KEPT_DAYS:
            self.known[days] += getattr(tally, f"known_{days}")
            self.kept[days] += getattr(tally, f"kept_{days}")
        self.visits += tally.visits
        self.visits_squared += tally.visits_squared
        self.cents += tally.cents
        self.cents_squared += tally.cents_squared
        self.spent_cents += tally.spent_cents


def _fill(experiment: Experiment, by_currency: dict[str, dict[bool, _Sums]]) -> None:
    for days in KEPT_DAYS:
        treated, held_out = (
            Arm.of_yes(
                sum(arms[held].known[days] for arms in by_currency.values()),
                sum(arms[held].kept[days] for arms in by_currency.values()),
            )
            for held in (False, True)
        )
        experiment.kept.append(Kept(days, difference(treated, held_out)))
    main = experiment.main
    # Where the days of nobody have passed there are no amounts yet.
    by_currency = {
        currency: arms for currency, arms in by_currency.items() if arms[False].n or arms[True].n
    }
    if by_currency:
        experiment.visits = difference(
            *(
                Arm.of_sums(
                    sum(arms[held].n for arms in by_currency.values()),
                    sum(arms[held].visits for arms in by_currency.values()),
                    sum(arms[held].visits_squared for arms in by_currency.values()),
                )
                for held in (False, True)
            )
        )
    for currency, arms in by_currency.items():
        of_money = [
            Arm.of_sums(arms[held].n, arms[held].cents, arms[held].cents_squared)
            for held in (False, True)
        ]
        experiment.revenue.append((currency, difference(of_money[0], of_money[1])))
        experiment.saves.append(_saves(currency, arms[False], main))
    experiment.more = more_people(
        main.treated,
        main.held_out,
        worth=WORTH,
        held_out_share=experiment.play.holdout_percent / 100,
    )


def _saves(currency: str, treated: _Sums, main: Difference) -> Saves:
    """What was spent on the treated, divided by how many more of them are members. The interval
    is that of the members: what was spent is known."""

    def each(share: float | None) -> int | None:
        more = (share or 0.0) * treated.n
        return round(treated.spent_cents / more) if more > 0 else None

    return Saves(
        currency=currency,
        spent_cents=treated.spent_cents,
        saves=None if main.value is None else main.value * treated.n,
        cents=each(main.value) if main.is_clear else None,
        low_cents=each(main.high) if main.is_clear else None,
        high_cents=each(main.low) if main.is_clear else None,
    )
