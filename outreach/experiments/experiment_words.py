"""What an experiment says to who runs the locations: sentences and rows."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from outreach.experiments.effects import WORTH, Experiment, Saves
from outreach.experiments.experiment_counts import DAYS
from risk.engine.anytime import LEAST_FOR_SHARES, Arm, Difference

FEW = 20  # below, counts instead of shares


@dataclass(frozen=True)
class Row:
    """One line of the table. With a currency the figures are cents, else they are text; `low` and
    `high` are None where too few people are known for a range."""

    name: str
    treated: str | int
    held_out: str | int
    n_treated: str
    n_held_out: str
    difference: str | int | None
    low: str | int | None
    high: str | int | None
    currency: str = ""


@dataclass(frozen=True)
class Told:
    """One play in words."""

    key: str
    name: str
    wins_back: bool
    verdict: str
    tone: str
    icon: str
    sentence: str
    treated: str
    held_out: str
    rows: list[Row]
    saves: list[Saves]


@dataclass(frozen=True)
class _Phrases:
    """How one kind of play is spoken of: one that keeps members, or one that wins people back."""

    gains: str
    loses: str
    row: str
    nobody_yet: str
    too_few: str
    clear_gain: str
    clear_loss: str
    unclear: str
    enough: str
    needs: str


def _keeping() -> _Phrases:
    return _Phrases(
        gains=_("keeps members"),
        loses=_("loses members"),
        row=_("Members kept after %(days)d days"),
        nobody_yet=_(
            "Not enough data yet: members count %(days)d days after they were drawn, and so far "
            "none was drawn so long ago on both sides."
        ),
        too_few=_("Not enough data yet: %(n)d of %(needed)d members known on the smaller side."),
        clear_gain=_(
            "It keeps members: after %(days)d days %(treated)s are still here, of those left "
            "alone %(held)s. Of 100 members it keeps between %(low)s and %(high)s more."
        ),
        clear_loss=_(
            "It loses members: after %(days)d days %(treated)s are still here, of those left "
            "alone %(held)s. Of 100 members it loses between %(low)s and %(high)s. Stop it."
        ),
        unclear=_(
            "No difference can be told yet: of 100 members it may lose %(low)s or keep "
            "%(high)s more."
        ),
        enough=_(
            "There are enough members to see %(worth)d in 100, so it is hardly as much as that."
        ),
        needs=_("It needs about %(more)s more members to show %(worth)d in 100"),
    )


def _winning_back() -> _Phrases:
    return _Phrases(
        gains=_("wins people back"),
        loses=_("keeps people away"),
        row=_("Members again after %(days)d days"),
        nobody_yet=_(
            "Not enough data yet: people count %(days)d days after they were drawn, and so far "
            "none was drawn so long ago on both sides."
        ),
        too_few=_("Not enough data yet: %(n)d of %(needed)d people known on the smaller side."),
        clear_gain=_(
            "It wins people back: after %(days)d days %(treated)s are members again, of those "
            "left alone %(held)s. Of 100 who had left it wins back between %(low)s and %(high)s "
            "more."
        ),
        clear_loss=_(
            "It keeps people away: after %(days)d days %(treated)s are members again, of those "
            "left alone %(held)s. Of 100 who had left it costs between %(low)s and %(high)s. "
            "Stop it."
        ),
        unclear=_(
            "No difference can be told yet: of 100 who had left it may keep away %(low)s or win "
            "back %(high)s more."
        ),
        enough=_(
            "There are enough people to see %(worth)d in 100, so it is hardly as much as that."
        ),
        needs=_("It needs about %(more)s more people to show %(worth)d in 100"),
    )


def told(experiment: Experiment) -> Told:
    main, phrases = experiment.main, _phrases(experiment)
    verdict, tone, icon = _("cannot be told yet"), "", ""
    if main.is_clear:
        gains = (main.low or 0) > 0
        verdict = phrases.gains if gains else phrases.loses
        tone, icon = ("ok", "circle-check") if gains else ("error", "triangle-alert")
    anything = any(one.found.treated.n + one.found.held_out.n for one in experiment.kept)
    return Told(
        key=experiment.play.pk,
        name=experiment.play.name,
        wins_back=experiment.play.wins_back,
        verdict=verdict,
        tone=tone,
        icon=icon,
        sentence=_sentence(experiment, phrases),
        treated=f"{experiment.drawn[False]:,}",
        held_out=f"{experiment.drawn[True]:,}",
        rows=_rows(experiment, phrases) if anything else [],
        saves=experiment.saves,
    )


def _phrases(experiment: Experiment) -> _Phrases:
    return _winning_back() if experiment.play.wins_back else _keeping()


def _sentence(experiment: Experiment, phrases: _Phrases) -> str:
    main = experiment.main
    if not experiment.drawn[True] and not experiment.play.holdout_percent:
        return _("This play leaves nobody alone, so what it changes cannot be measured.")
    if not main.treated.n or not main.held_out.n:
        return phrases.nobody_yet % {"days": DAYS}
    if main.low is None or main.high is None:
        fewest = min(main.treated.n, main.held_out.n)
        known = phrases.too_few % {"n": fewest, "needed": LEAST_FOR_SHARES}
        return " ".join([known, *_hint(experiment, phrases)])
    if main.is_clear:
        ends = sorted(abs(100 * end) for end in (main.low, main.high))
        return (phrases.clear_gain if main.low > 0 else phrases.clear_loss) % {
            "days": DAYS,
            "treated": _share(main.treated.mean),
            "held": _share(main.held_out.mean),
            "low": f"{ends[0]:.1f}",
            "high": f"{ends[1]:.1f}",
        }
    ends_said = {"low": f"{-100 * main.low:.1f}", "high": f"{100 * main.high:.1f}"}
    return " ".join([phrases.unclear % ends_said, *_hint(experiment, phrases)])


def _hint(experiment: Experiment, phrases: _Phrases) -> list[str]:
    """How many more people show a difference worth knowing about; nothing where nobody can say."""
    more, weeks = experiment.more, experiment.weeks
    if more is None:
        return []
    worth = round(100 * WORTH)
    if not more:
        return [phrases.enough % {"worth": worth}]
    needs = phrases.needs % {"more": f"{_round(more):,}", "worth": worth}
    if weeks is None:
        return [f"{needs}."]
    pace = ngettext(
        "about %(weeks)d week at the present pace",
        "about %(weeks)d weeks at the present pace",
        weeks,
    ) % {"weeks": weeks}
    return [f"{needs}, {pace}."]


def _round(people: int) -> int:
    """To two figures: more would claim a precision that planning does not have."""
    step = int(10 ** max(len(str(people)) - 2, 0))
    return -(-people // step) * step


def _rows(experiment: Experiment, phrases: _Phrases) -> list[Row]:
    rows = [
        Row(
            name=phrases.row % {"days": one.days},
            treated=_part(one.found.treated),
            held_out=_part(one.found.held_out),
            n_treated=_of(one.found.treated),
            n_held_out=_of(one.found.held_out),
            difference=_points(one.found.value) if _shows_shares(one.found) else None,
            low=None if one.found.low is None else f"{100 * one.found.low:+.1f}",
            high=_points(one.found.high),
        )
        for one in experiment.kept
    ]
    if experiment.visits is not None:
        found = experiment.visits
        rows.append(
            Row(
                name=_("Visits in %(days)d days, each") % {"days": DAYS},
                treated=f"{found.treated.mean:.2f}",
                held_out=f"{found.held_out.mean:.2f}",
                n_treated=_of(found.treated),
                n_held_out=_of(found.held_out),
                difference=_signed(found.value),
                low=_signed(found.low),
                high=_signed(found.high),
            )
        )
    for currency, found in experiment.revenue:
        rows.append(
            Row(
                name=_("Paid in %(days)d days, each (%(currency)s)")
                % {"days": DAYS, "currency": currency},
                treated=round(found.treated.mean),
                held_out=round(found.held_out.mean),
                n_treated=_of(found.treated),
                n_held_out=_of(found.held_out),
                difference=_cents(found.value),
                low=_cents(found.low),
                high=_cents(found.high),
                currency=currency,
            )
        )
    return rows


def _shows_shares(found: Difference) -> bool:
    return min(found.treated.n, found.held_out.n) >= FEW


def _part(arm: Arm) -> str:
    return _share(arm.mean) if arm.n >= FEW else f"{round(arm.mean * arm.n)}"


def _of(arm: Arm) -> str:
    return _("of %(n)s") % {"n": f"{arm.n:,}"}


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"


def _points(share: float | None) -> str | None:
    return None if share is None else _("%(n)s in 100") % {"n": f"{100 * share:+.1f}"}


def _signed(value: float | None) -> str | None:
    return None if value is None else f"{value:+.2f}"


def _cents(value: float | None) -> int | None:
    return None if value is None else round(value)
