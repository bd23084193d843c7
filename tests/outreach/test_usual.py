"""What is usual and what is not: counts against the same hours of the weeks before."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from outreach.gate import tails
from outreach.gate.usual import Counts, Signal, judge

WEEK = Counts(
    approved=40, cost_cents=40_000, cost_squares=60_000_000, tried=100, failed=2, sent=100,
    undelivered=3, stops=1, scored=40, score_sum=3_200, score_squares=258_000,
)  # fmt: skip
BEFORE = [WEEK] * 8


def week(**changes: float) -> Counts:
    return Counts(**{**WEEK.__dict__, **changes})


@pytest.mark.parametrize("signal", list(Signal))
def test_a_week_like_all_others_is_calm(signal):
    assert not judge(signal, WEEK, BEFORE).trips


@pytest.mark.parametrize(
    ("signal", "changes"),
    [
        (Signal.VOLUME, {"approved": 200}),
        (Signal.COST, {"cost_cents": 200_000, "cost_squares": 300_000_000}),
        (Signal.FAILURES, {"failed": 25}),
        (Signal.STOPS, {"stops": 12}),
        (Signal.UNDELIVERED, {"undelivered": 30}),
        (Signal.SCORES, {"score_sum": 40 * 60, "score_squares": 40 * 3_650}),
    ],
)
def test_what_is_far_from_usual_trips_and_says_so(signal, changes):
    verdict = judge(signal, week(**changes), BEFORE)
    assert verdict.trips
    assert "usual" in verdict.why


@pytest.mark.parametrize("signal", list(Signal))
@pytest.mark.parametrize(
    "window",
    [
        None,
        week(approved=math.nan),
        week(sent=math.inf),
        week(tried=-1),
        week(failed=101),
        week(stops=101),
        week(undelivered=101),
    ],
)
def test_numbers_that_are_missing_or_make_no_sense_trip(signal, window):
    assert judge(signal, window, BEFORE).trips
    if window is not None:
        assert judge(signal, WEEK, [*BEFORE, window]).trips


def test_a_busy_weekday_is_compared_with_itself():
    """A Friday with 300 is calm where Fridays have 300, whatever the other days are."""
    fridays = [week(approved=n) for n in (280, 310, 295, 305, 300, 320, 290, 300)]
    assert not judge(Signal.VOLUME, week(approved=330), fridays).trips
    assert judge(Signal.VOLUME, week(approved=330), BEFORE).trips


def test_small_numbers_are_no_alarm():
    nothing = [Counts()] * 8
    assert not judge(Signal.VOLUME, Counts(approved=20), nothing).trips
    assert judge(Signal.VOLUME, Counts(approved=30), nothing).trips
    assert not judge(Signal.FAILURES, Counts(tried=4, failed=4), nothing).trips
    assert judge(Signal.FAILURES, Counts(tried=8, failed=8), nothing).trips
    assert not judge(Signal.STOPS, Counts(sent=3, stops=3), nothing).trips


def test_without_weeks_to_compare_only_the_floor_may_pass():
    assert not judge(Signal.VOLUME, Counts(approved=20), []).trips
    assert judge(Signal.VOLUME, Counts(approved=21), [WEEK] * 2).trips


def test_tails_are_those_of_the_textbook():
    # Gamma(s + 1/2, n) mixed Poisson is negative binomial; Beta mixed binomial is beta-binomial.
    for k, seen, periods in [(10, 12.0, 3.0), (40, 80.0, 8.0), (1, 0.0, 4.0)]:
        expected = stats.nbinom.sf(k - 1, seen + 0.5, periods / (periods + 1))
        assert tails.count_tail(k, seen=seen, periods=periods) == pytest.approx(expected, abs=1e-12)
    for x, n, yes, no in [(6, 100, 2.0, 150.0), (1, 5, 0.5, 9.0), (30, 30, 4.0, 3.0)]:
        expected = stats.betabinom.sf(x - 1, n, yes, no)
        assert tails.share_tail(x, n, yes=yes, no=no) == pytest.approx(expected, rel=1e-9)
    assert tails.count_tail(0, seen=3, periods=2) == tails.share_tail(0, 9, yes=1, no=1) == 1.0


@pytest.mark.parametrize(
    ("seen", "periods"), [(-1.0, 8.0), (4.0, 0.0), (math.nan, 8.0), (4.0, math.inf)]
)
def test_what_is_no_history_has_no_tail(seen, periods):
    with pytest.raises(ValueError, match="history"):
        tails.count_tail(3, seen=seen, periods=periods)
    with pytest.raises(ValueError, match="share"):
        tails.share_tail(5, 4, yes=1, no=1)
