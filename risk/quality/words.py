"""What the watch finds, in sentences staff understand, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from risk.causes import input_name
from risk.engine import drift
from risk.models import DriftAlarm, Target

Kind = DriftAlarm.Kind
MISSING_RISE = 0.05  # a share of "not known" that has risen so far is what to tell

ADVICE = {
    Kind.INPUT: gettext_lazy(
        "If you changed this (prices, plans, opening hours), nothing is wrong: the model learns "
        "it. If not, look at the data page and at the platform's settings."
    ),
    Kind.MISSING: gettext_lazy(
        "Look at the data page: the platform may no longer send this. Until it does, scores treat "
        "it as not known."
    ),
    Kind.SCORE: gettext_lazy(
        "Many scores have moved together. Look at the other alarms for the reason before acting "
        "on them."
    ),
    Kind.VOLUME: gettext_lazy(
        "Look at the data page: a location may not have been read completely."
    ),
    Kind.LEVEL: gettext_lazy(
        "Trust the order of the list, less the numbers. The model learns again by itself; if a "
        "change of rules explains it, nothing is to be done."
    ),
    Kind.SLOPE: gettext_lazy(
        "Treat very high and very low scores as less certain. The model learns again by itself."
    ),
}
WHAT = {
    str(Target.CHURN): pgettext_lazy("what is scored", "members"),
    str(Target.CANCELLATION): pgettext_lazy("what is scored", "bookings"),
}


def advice(kind: str) -> str:
    return str(ADVICE[Kind(kind)])


def kind_of(finding: drift.Finding) -> str:
    if finding.name == "rows":
        return Kind.VOLUME
    if finding.name == "score":
        return Kind.SCORE
    return Kind.MISSING if finding.missing_rise > MISSING_RISE else Kind.INPUT


def sentence(target: str, finding: drift.Finding, bins: drift.Bins | None, where: str) -> str:
    """What has changed. `where` is the location's name, empty for the whole business."""
    kind = kind_of(finding)
    if kind == Kind.VOLUME:
        text = _("%(lost)s of the usual number of %(what)s did not come in to be scored.") % {
            "lost": percent(finding.size),
            "what": WHAT[target],
        }
    elif kind == Kind.MISSING:
        text = _("%(input)s: not known for %(now)s of %(what)s, before for %(before)s.") % {
            "input": _begin(input_name(finding.name)),
            "now": percent(finding.now[-1]),
            "before": percent(finding.before[-1]),
            "what": WHAT[target],
        }
    elif kind == Kind.SCORE:
        up = _middle_place(finding.now) > _middle_place(finding.before)
        text = (
            _("Scores have risen together, more than seasons explain.")
            if up
            else _("Scores have moved together, more than seasons explain.")
        )
    else:
        text = _shifted(finding, bins)
    return f"{where}: {text}" if where else text


def _shifted(finding: drift.Finding, bins: drift.Bins | None) -> str:
    name = _begin(input_name(finding.name))
    if bins is not None and bins.kind == "number" and len(bins.cuts) > 2:
        before, now = _middle_place(finding.before), _middle_place(finding.now)
        if now >= len(bins.cuts):
            return _("%(input)s: mostly beyond anything seen before. Has a unit changed?") % {
                "input": name
            }
        if before != now:
            return _(
                "%(input)s: the middle value was about %(before)s and is about %(now)s now."
            ) % {
                "input": name,
                "before": _plain(_value(bins, before)),
                "now": _plain(_value(bins, now)),
            }
    change = np.array(finding.now) - np.array(finding.before)
    most = int(np.argmax(np.abs(change)))
    return _("%(input)s: what made up %(before)s makes up %(now)s now.") % {
        "input": name,
        "before": percent(finding.before[most]),
        "now": percent(finding.now[most]),
    }


def outcome_sentence(target: str, found: drift.Calibrated) -> str:
    """What came true against what was said, of outcomes known lately."""
    if found.what == "slope":
        return (
            _(
                "High and low scores differ less or more than they should: they are further apart "
                "than outcomes are."
            )
            if found.slope < 1
            else _("High and low scores differ less than outcomes do: they are too close together.")
        )
    said, seen = round(100 * found.expected / found.n), round(100 * found.seen / found.n)
    if target == Target.CHURN:
        return _("Of 100 members %(seen)d left; the scores had said %(said)d.") % {
            "seen": seen,
            "said": said,
        }
    return _("Of 100 bookings %(seen)d fell through; the scores had said %(said)d.") % {
        "seen": seen,
        "said": said,
    }


def percent(share: float) -> str:
    return _("%(n)d %%") % {"n": round(100 * share)}


def _middle_place(shares: Sequence[float]) -> int:
    """The place the median of the known values lies in."""
    known = np.cumsum(shares[:-1])
    if not len(known) or known[-1] <= 0:
        return 0
    return int(np.searchsorted(known, known[-1] / 2))


def _value(bins: drift.Bins, place: int) -> float:
    below = bins.cuts[place - 1] if place else bins.cuts[0]
    return float((below + bins.cuts[place]) / 2)


def _plain(value: float) -> str:
    if abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 0.1 else f"{value:.2g}"


def _begin(text: str) -> str:
    return text[:1].upper() + text[1:]
