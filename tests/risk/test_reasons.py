"""A reason names the person's own number, adds up, and speaks like a colleague."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from risk import reasons, scoring
from risk.causes import CAUSES
from risk.engine.additive import AdditiveModel, Artefact, Shape
from risk.engine.scorecard import scorecard
from risk.frame import Frame
from risk.models import Target
from risk.targets import CHURN, DECLARATIONS

NAN = float("nan")


def members(**values: Any) -> Frame:
    """Frame of members about whom only these columns are known."""
    names = {one.name for one in CHURN.inputs} | {*reasons.EXTRA, "visits_365", "paid_365"}
    rows = max(len(np.atleast_1d(v)) for v in values.values())
    columns = {name: np.full(rows, NAN) for name in names}
    columns |= {name: np.broadcast_to(np.asarray(v, float), rows) for name, v in values.items()}
    columns["notice_days"] = columns.get("notice_days", np.full(rows, NAN))
    ids = np.arange(rows)
    return Frame(
        ids={"membership_id": ids, "guest_id": ids, "location_id": ids % 2}, columns=columns
    )


def churn(frame: Frame) -> scoring.Scored:
    return scoring.score_members(scorecard(CHURN), frame)


def code(currency: str) -> float:
    return float(int.from_bytes(currency.encode(), "big"))


@pytest.mark.parametrize(
    ("currency", "ticket", "words"),
    [
        ("USD", 1249.6, "spends about $1,250 per visit"),
        ("EUR", 80.2, "spends about €80 per visit"),
        ("CHF", 95.0, "spends about 95 CHF per visit"),
    ],
)
def test_an_amount_is_told_in_the_currency_of_the_location(
    currency: str, ticket: float, words: str
) -> None:
    row = {"ticket": ticket, "currency": code(currency)}
    assert reasons.say("churn", "ticket", row.__getitem__, True) == (
        reasons.Words(words, round(ticket))
    )


def test_an_amount_of_no_known_currency_is_not_told() -> None:
    row = {"ticket": 80.0, "currency": NAN}
    assert reasons.say("churn", "ticket", row.__getitem__, True).text == ""


@pytest.mark.parametrize("target", Target.values)
def test_every_input_has_words(target: str) -> None:
    declaration = DECLARATIONS[target]
    assert {one.name for one in declaration.inputs} == set(reasons.PHRASES[target])
    for one in declaration.inputs:
        for value in (NAN, 0.0, 1.0, 5.0):
            for raises in (True, False):

                def row(name: str, value: float = value, own: str = one.name) -> float:
                    # Only the input itself may be unknown together with what it is made from.
                    return value if name == own or value == value else 1.0

                text = reasons.say(target, one.name, row, raises).text
                assert "nan" not in text
                assert value != value or text, f"{one.name} at {value} has no words"


def test_the_own_number_stands_beside_the_own_norm() -> None:
    found = churn(members(days_since_visit=74, own_gap=28, gap_ratio=74 / 28, tenure_days=400))
    first = found.reasons[0][0]
    assert first["text"] == "no visit for 74 days, usual gap 28"
    assert (first["cause"], first["value"], first["norm"]) == ("no_visits", 74, 28)
    assert first["direction"] == "raises"


def test_contributions_of_one_cause_are_summed_and_exact() -> None:
    frame = members(days_since_visit=74, own_gap=28, gap_ratio=74 / 28, tenure_days=400)
    model = scorecard(CHURN).main
    parts = dict(
        zip([s.name for s in model.shapes], model.contributions(frame.columns)[0], strict=True)
    )
    reason = next(r for r in churn(frame).reasons[0] if r["cause"] == "no_visits")
    assert reason["contribution"] == pytest.approx(
        parts["days_since_visit"] + parts["gap_ratio"], abs=1e-3
    )


def test_the_input_that_moved_the_score_most_gives_the_words() -> None:
    failed = churn(members(failed_90=[0, 1, 3], unpaid_days=[NAN, 30, 3], tenure_days=400))
    texts = [[r["text"] for r in row if r["cause"] == "payment"] for row in failed.reasons]
    assert texts == [[], ["payment open for 30 days"], ["3 failed payments in 90 days"]]


def test_at_most_three_reasons_the_first_speaks_for_the_score() -> None:
    everything = churn(
        members(
            days_since_visit=100, own_gap=20, gap_ratio=5, failed_90=2, unused_months=3, paid_90=3,
            visits_90=0, habit_90=6, visit_ratio=0.08, lowest_rating_180=1, next_days=9,
            tenure_days=900,
        )
    )  # fmt: skip
    found = everything.reasons[0]
    assert len(found) == 3
    assert [r["direction"] for r in found] == ["raises"] * 3
    calm = churn(
        members(days_since_visit=5, own_gap=20, gap_ratio=0.25, next_days=9, tenure_days=900)
    )
    assert calm.reasons[0][0]["direction"] == "lowers"
    assert all(reason["cause"] in CAUSES for row in [found, calm.reasons[0]] for reason in row)


def test_what_nobody_can_change_is_said_only_when_there_is_nothing_else() -> None:
    month = Shape("month", "number", np.array([6.0]), np.array([0.0, 2.0]), 0.0)
    visit = Shape("days_since_visit", "number", np.array([30.0]), np.array([0.0, 0.3]), 0.0)
    artefact = Artefact("churn", "additive", {"any": AdditiveModel(-2.0, (month, visit))})
    frame = members(month=12, days_since_visit=[90, 5], own_gap=20, tenure_days=400)
    found = scoring.score_members(artefact, frame).reasons
    assert [r["cause"] for r in found[0]] == ["no_visits"]
    assert [r["text"] for r in found[1]] == ["December is a harder month"]


def test_removing_the_top_reason_moves_the_score_most() -> None:
    sick = {
        "days_since_visit": 100, "own_gap": 20, "gap_ratio": 5, "failed_90": 1, "unused_months": 3,
        "paid_90": 3, "visits_90": 1, "habit_90": 4, "visit_ratio": 0.33, "tenure_days": 500,
    }  # fmt: skip
    whole = churn(members(**sick))
    falls = {}
    for cause in {r["cause"] for r in whole.reasons[0]}:
        without = sick | {one.name: NAN for one in CHURN.inputs if one.cause == cause}
        falls[cause] = whole.p[0] - churn(members(**without)).p[0]
    # "Not known" has points of its own in one cause; the order is what counts.
    assert max(falls, key=lambda cause: falls[cause]) == whole.reasons[0][0]["cause"]


def test_the_scale_of_the_churn_score() -> None:
    p = np.array([0.001, 0.105, 0.15, 0.346, 0.614, 0.999])
    assert scoring.churn_points(p).tolist() == [1, 40, 50, 75, 90, 100]
    assert scoring.chance_at(75) == pytest.approx(0.346, abs=0.001)


def test_strange_facts_lower_the_trust() -> None:
    shapes = tuple(
        Shape(name, "number", np.array([1.0]), np.array([0.0, 0.1]), 0.0, least=0, most=10)
        for name in ("visits_90", "days_since_visit", "failed_90")
    )
    artefact = Artefact("churn", "additive", {"any": AdditiveModel(-2.0, shapes)})
    frame = members(
        visits_90=[5, 500, 500], days_since_visit=[5, 5, 5000], failed_90=[0, 0, 50],
        own_gap=20, tenure_days=900, visits_365=50, paid_365=12, habit_90=9,
    )  # fmt: skip
    found = scoring.score_members(artefact, frame)
    assert [scoring.TRUST[level] for level in found.confidence] == ["good", "fair", "low"]
    assert found.notes == ["", "", "the facts are unlike those of anybody seen before"]
    assert found.flags == [[], [], ["out_of_distribution"]]


def test_a_reason_says_what_would_lower_it_and_by_how_much() -> None:
    sick = {
        "days_since_visit": 100, "own_gap": 20, "gap_ratio": 5, "paid_90": 3, "visits_90": 0,
        "visits_30": 0, "visits_180": 2, "habit_90": 4, "visit_ratio": 0.11, "tenure_days": 500,
        "lowest_rating_180": 2, "unused_months": 3, "credits_left": 4,
    }  # fmt: skip
    found = churn(members(**sick))
    eases = {reason["cause"]: reason["ease"] for reason in found.reasons[0]}
    visited = sick | {
        "days_since_visit": 0, "gap_ratio": 0, "visits_90": 1, "visits_30": 1, "visits_180": 3,
        "visit_ratio": 1.5 / 4.5, "unused_months": 2, "credits_left": 3,
    }  # fmt: skip
    then = churn(members(**visited)).score[0]
    assert eases["no_visits"] == f"a visit would take this to about {then}"
    assert then < found.score[0] - 20
    assert eases["dissatisfaction"] == "what helps: a personal word after the low rating"


def test_nobody_is_told_what_would_lower_a_low_score() -> None:
    calm = churn(members(days_since_visit=40, own_gap=38, gap_ratio=1.05, tenure_days=900))
    assert calm.score[0] < 40
    assert not any("ease" in reason for reason in calm.reasons[0])


def test_a_day_later_the_first_reason_is_nearly_always_the_same() -> None:
    rng = np.random.default_rng(4)
    n = 400
    days, gap = rng.integers(1, 150, n), rng.integers(10, 50, n)
    known = {
        "own_gap": gap, "tenure_days": rng.integers(40, 900, n), "visits_90": 90 // gap,
        "visit_ratio": rng.random(n) * 1.5, "habit_90": 90 / gap,
        "failed_90": rng.integers(0, 2, n), "paid_90": 3,
        "unused_months": rng.integers(0, 4, n), "lost_share": rng.random(n),
        "lost_visits": 3, "visits_booked_180": 4, "lost_days": rng.integers(20, 90, n),
    }  # fmt: skip

    def firsts(later: int) -> list[str]:
        since = days + later
        scored = churn(members(**known, days_since_visit=since, gap_ratio=since / gap))
        return [row[0]["cause"] if row else "" for row in scored.reasons]

    same = np.mean([a == b for a, b in zip(firsts(0), firsts(1), strict=True)])
    assert same > 0.95
