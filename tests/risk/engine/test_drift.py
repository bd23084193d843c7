"""Drift: what has changed is found at the next look, and what strays as ever is left alone."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import risk_drift
from risk.engine import drift

RNG = np.random.default_rng


def past(*, nights: int = 60, rows: int = 300, places: int = 4, wobble: float = 0.0, seed: int = 1):
    """Nights of one input with a weekly wobble of its mean; columns, night, location."""
    rng = RNG(seed)
    night = np.repeat(np.arange(nights), rows)
    mean = wobble * np.sin(2 * np.pi * night / 7)
    return (
        {"x": rng.normal(mean, 1.0), "kind": rng.choice([1.0, 2.0, 3.0], len(night))},
        night,
        rng.integers(1, places + 1, len(night)),
    )


def as_nights(bins, columns, night, location, places: int = 4):
    return {
        name: np.stack(
            [
                np.stack(
                    [
                        one.counts(columns[name][(night == t) & (location == place)])
                        for place in range(1, places + 1)
                    ]
                )
                for t in np.unique(night)
            ]
        )
        for name, one in bins.items()
    }


def learned(**how):
    columns, night, location = past(**how)
    bins = {
        "x": drift.bins_of("x", "number", columns["x"]),
        "kind": drift.bins_of("kind", "category", columns["kind"]),
    }
    references = drift.reference(
        list(bins.values()), columns, period=night, location=location, block=2
    )
    return bins, references


def check(bins, references, change=lambda columns, location: None, **how):
    columns, night, location = past(nights=1, seed=99, **how)
    change(columns, location)
    return drift.compare(references, as_nights(bins, columns, night, location), [1, 2, 3, 4])


def test_a_night_like_any_other_is_no_finding() -> None:
    assert check(*learned()) == []


def test_a_moved_input_is_found_and_no_other() -> None:
    def shift(columns, location):
        columns["x"] += 1.0

    found = check(*learned(), shift)
    assert {(one.name, one.location) for one in found} == {("x", None)}
    assert found[0].size > 0.25
    assert sum(found[0].before) == pytest.approx(1)


def test_an_input_that_wobbles_by_itself_is_given_room() -> None:
    def shift(columns, location):
        columns["x"] += 0.6

    calm, restless = learned(), learned(wobble=0.9)
    assert check(*calm, shift)
    assert not check(*restless, shift), "it strays as far every week"


def test_missing_values_and_new_codes_are_found() -> None:
    def lose(columns, location):
        columns["x"][RNG(3).random(300) < 0.4] = np.nan

    def new(columns, location):
        columns["kind"][RNG(4).random(300) < 0.4] = 9.0

    (one,) = check(*learned(), lose)
    assert one.missing_rise == pytest.approx(0.4, abs=0.1)
    (one,) = check(*learned(), new)
    assert one.name == "kind"


def test_one_broken_place_is_named() -> None:
    def broken(columns, location):
        columns["x"][location == 2] = 0.0

    found = check(*learned(), broken)
    assert found[0].location == 2
    assert {one.location for one in found} == {2}


def test_what_has_moved_at_most_places_is_told_once() -> None:
    odd = [
        drift.Finding("x", place, 1, 0.6, 1e-9, (0.5, 0.5, 0.0), (0.1, 0.9, 0.0))
        for place in (1, 2, 3)
    ]
    bins, references = learned()
    whole = drift.Finding("x", None, 1, 0.5, 1e-3)
    counts = np.zeros((1, 4, bins["x"].places), dtype=np.int64)
    told = drift._business_or_places(odd, whole, references["x"], counts, [1, 2, 3, 4])
    assert told == [whole]


def test_everywhere_is_the_business_even_if_no_single_test_of_it_is_significant() -> None:
    def shift(columns, location):
        columns["x"] += 0.8

    found = check(*learned(rows=900), shift, rows=900)
    assert {one.location for one in found} == {None}


def test_what_is_certain_but_tiny_is_no_alarm() -> None:
    def nudge(columns, location):
        columns["x"] += 0.08

    bins, references = learned(rows=20_000, nights=20)
    assert not check(bins, references, nudge, rows=20_000)


def test_a_change_of_unit_lies_beyond_all_that_was_seen() -> None:
    one = drift.bins_of("price", "number", RNG(1).choice([69.0, 99.0, 129.0], 500))
    assert one.counts(np.array([6900.0]))[-2] == 1
    same = one.codes(np.array([69.0, 99.0, 129.0]))
    assert (one.codes(np.array([71.0, 102.0, 133.0])) == same).all(), "a small rise moves no bin"
    assert one.counts(np.array([np.nan]))[-1] == 1


def test_digits_beyond_single_precision_make_no_bins() -> None:
    x = 0.03 + RNG(1).normal(0, 1e-12, 400)
    assert drift.bins_of("rise", "number", x).places == 3


def test_many_tests_are_judged_together() -> None:
    assert drift.holm([0.04, 0.03, 0.02], 0.05) == []
    assert drift.holm([0.001, 0.5, 0.02], 0.05) == [0, 2]


def test_a_reference_survives_json_unchanged() -> None:
    bins, references = learned()
    again = drift.parse(json.loads(json.dumps(drift.dump(references))))
    assert drift.dump(again) == drift.dump(references)

    def shift(columns, location):
        columns["x"] += 1.0

    ours, theirs = check(bins, references, shift), check(bins, again, shift)
    assert [(a.name, a.size) for a in ours] == [(b.name, b.size) for b in theirs]


def test_half_the_rows_missing_is_found() -> None:
    history = RNG(1).poisson(200, (20, 3))
    assert drift.volume(history, np.array([190, 205, 210]), [1, 2, 3]) == []
    (one,) = drift.volume(history, np.array([0, 205, 210]), [1, 2, 3])
    assert (one.name, one.location, one.size) == ("rows", 1, 1.0)
    assert drift.volume(history[:5], np.array([0, 0, 0]), [1, 2, 3]) == [], "too few nights"


# --- calibration


def days(*, off: float = 0.0, slope: float = 1.0, n: int = 40, seed: int = 1, since: int = 0):
    """Outcomes of `n` days in 10 bins of scores; log-odds off by `off` from day `since` on."""
    rng = RNG(seed)
    z = np.linspace(-4, 1, 10)
    count = np.full((n, 10), 40.0)
    said = 1 / (1 + np.exp(-z))
    late = (np.arange(n) >= since)[:, None]
    middle = float((said * z).sum() / said.sum())
    true = 1 / (1 + np.exp(-np.where(late, middle + slope * (z - middle) + off, z)))
    return count, count * said, rng.binomial(count.astype(int), true).astype(float)


CALM = drift.Calm(dispersion=1.2, margin=0.15)


def test_chances_that_hold_raise_no_alarm() -> None:
    for seed in range(40):
        judged = drift.calibration(*days(seed=seed), calm=CALM)
        assert judged.what == ""
        assert abs(judged.level) < 0.2


def test_a_doubled_rate_is_found_the_day_it_is_known() -> None:
    judged = drift.calibration(*days(off=1.2, since=39), calm=CALM)
    assert judged.what == "level"


def test_a_small_lasting_fault_is_found_with_time_and_measured() -> None:
    judged = drift.calibration(*days(off=-0.5, n=60), calm=CALM)
    assert judged.what == "level"
    assert judged.level == pytest.approx(-0.5, abs=0.1)


def test_scores_that_say_too_much_are_a_matter_of_slope() -> None:
    count, said, _ = days(n=120)
    p = said / count
    z = np.log(p / (1 - p))
    truth = 1 / (1 + np.exp(-(-1.4 + 0.4 * (z + 1.4))))
    seen = RNG(5).binomial(count.astype(int), truth).astype(float)
    judged = drift.calibration(count, said, seen, calm=drift.Calm(1.2, 0.5))
    assert judged.slope < 0.6
    assert judged.what != ""


def test_within_the_margin_is_left_alone() -> None:
    wide = drift.Calm(dispersion=1.2, margin=0.5)
    assert drift.calibration(*days(off=0.4, n=60), calm=wide).what == ""


def test_no_outcomes_are_no_alarm() -> None:
    none = np.zeros((3, 10))
    judged = drift.calibration(none, none, none)
    assert (judged.n, judged.what) == (0, "")


def test_calm_is_measured_from_days() -> None:
    rng = RNG(2)
    expected = np.full(90, 50.0)
    variance = np.full(90, 40.0)
    by_chance = drift.calm(expected, rng.normal(50, np.sqrt(40), 90), variance)
    restless = drift.calm(expected, rng.normal(50, 2 * np.sqrt(40), 90), variance)
    assert by_chance.dispersion < 1.5 < 3 < restless.dispersion
    assert drift.calm(expected[:5], expected[:5], variance[:5]) == drift.Calm()


# --- the benchmark, small


def test_a_sample_of_the_benchmark() -> None:
    """Some shifts on one business; `make bench-risk-drift` does all of them on five."""
    result = risk_drift.measure(shifts=7, stable=4, businesses=1)
    assert result["silent"] == []
    assert result["false"] == []
