"""A visiting habit tells from the log alone how likely a guest is to stay away."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.special import hyp2f1

from risk.engine import rhythm
from risk.engine.rhythm import Floats, Rhythm

KINDS: tuple[rhythm.Kind, ...] = ("bgnbd", "paretonbd")
TRUE = {"bgnbd": (0.6, 30.0, 0.8, 2.5), "paretonbd": (0.6, 40.0, 0.6, 80.0)}
# Nothing since the first visit, one soon after it, a regular, a regular who stopped, a daily guest.
X = np.array([0.0, 1.0, 6.0, 6.0, 200.0])
T_X = np.array([0.0, 3.0, 170.0, 60.0, 201.0])
T = np.array([180.0, 180.0, 180.0, 180.0, 205.0])


def crowd(
    kind: rhythm.Kind, n: int, *, until: Floats, seed: int = 3, days: float = 0.0
) -> tuple[Floats, Floats, Floats]:
    """(x, t_x, visits in the `days` after `until`) of guests who follow the model to the letter."""
    rng = np.random.default_rng(seed)
    r, alpha, third, fourth = TRUE[kind]
    rate = rng.gamma(r, 1 / alpha, n)
    if kind == "bgnbd":
        stops_at, stops = np.full(n, np.inf), rng.beta(third, fourth, n)
    else:
        stops_at, stops = rng.exponential(1 / rng.gamma(third, 1 / fourth, n)), np.zeros(n)
    x, t_x, later, clock = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    going = np.ones(n, dtype=bool)
    while going.any():
        clock = np.where(going, clock + rng.exponential(1 / rate), clock)
        going &= (clock < stops_at) & (clock < until + days)
        before = going & (clock <= until)
        x, t_x = x + before, np.where(before, clock, t_x)
        later += going & ~before
        going &= rng.random(n) >= stops
    return x, t_x, later


@pytest.mark.parametrize("kind", KINDS)
def test_the_crowd_that_made_the_log_is_found_again(kind: rhythm.Kind) -> None:
    until = np.random.default_rng(1).uniform(200, 400, 20_000)
    x, t_x, _ = crowd(kind, 20_000, until=until)
    found = rhythm.fit(x, t_x, until, kind=kind)
    assert found.params == pytest.approx(TRUE[kind], rel=0.2)
    assert found.repeaters == (x > 0).sum()
    true = rhythm.MODELS[kind].likelihood(TRUE[kind], x, t_x, until)[0].sum()
    assert true <= found.log_likelihood < true + 12  # half of chi2 with 4 degrees of freedom


@pytest.mark.parametrize("kind", KINDS)
def test_expectations_are_what_happens(kind: rhythm.Kind) -> None:
    """Among 200,000 simulated guests: silence, number of visits, and both for guests apart by
    their history."""
    until = np.full(200_000, 180.0)
    x, t_x, later = crowd(kind, len(until), until=until, days=60.0)
    model = Rhythm(kind, TRUE[kind], len(x), int((x > 0).sum()), 0.0)
    silent = model.p_none_within(x, t_x, until, 60)
    visits = model.expected(x, t_x, until, 60)
    for part in (x >= 0, x == 0, (x > 0) & (t_x < 90), (x > 3) & (t_x > 150)):
        assert part.sum() > 2_000
        assert silent[part].mean() == pytest.approx((later[part] == 0).mean(), abs=0.012)
        assert visits[part].mean() == pytest.approx(later[part].mean(), rel=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_the_slope_of_the_likelihood_is_the_real_one(kind: rhythm.Kind) -> None:
    likelihood, at = rhythm.MODELS[kind].likelihood, np.array(TRUE[kind])
    slope = likelihood(at, X, T_X, T)[1]
    for row in range(len(X)):
        real = approx_fprime(at, lambda p, row=row: likelihood(p, X, T_X, T)[0][row], 1e-6)
        assert slope[:, row] == pytest.approx(real, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("params", [(0.6, 40.0, 0.6, 80.0), (0.6, 80.0, 0.6, 40.0), (2, 9, 3, 9.5)])
def test_pareto_nbd_equals_the_published_hypergeometric_form(params: rhythm.Params) -> None:
    """Fader & Hardie 2005, equations 18 to 21, where that form is not yet numerically lost."""
    r, alpha, s, beta = params
    x, t_x, end = X[:4], T_X[:4], T[:4]

    def part(u: Floats) -> Floats:
        most, gap, power = max(alpha, beta), abs(alpha - beta), r + s + x
        second = s + 1 if alpha >= beta else r + x
        return hyp2f1(power, second, power + 1, gap / (most + u)) / (most + u) ** power

    published = np.log(
        (alpha + end) ** -(r + x) * (beta + end) ** -s + s / (r + s + x) * (part(t_x) - part(end))
    )
    ours = rhythm._paretonbd_parts(params, x, t_x, end)[2]
    assert np.log(np.exp(ours).sum(axis=1)) == pytest.approx(published, rel=1e-9)


def test_pareto_nbd_keeps_its_precision_for_a_guest_who_came_every_day() -> None:
    params = (0.05, 3.0, 0.02, 900.0)
    log_alpha, _, logs = rhythm._paretonbd_parts(params, X[4:], T_X[4:], T[4:])
    r, alpha, s, beta = params
    top = (r + X[4]) * np.log(alpha + T_X[4])
    stopped, _ = quad(
        lambda u: np.exp(top - (r + X[4]) * np.log(alpha + u) - (s + 1) * np.log(beta + u)) * s,
        T_X[4],
        T[4],
        epsrel=1e-12,
    )
    assert np.exp(logs[0, :-1] + top).sum() == pytest.approx(stopped, rel=1e-9)
    assert np.isfinite(log_alpha).all()


def test_bg_nbd_visits_equal_the_published_closed_form() -> None:
    """Fader, Hardie & Lee 2005, equation 10."""
    r, alpha, a, b = 0.6, 30.0, 0.8, 2.5
    model = Rhythm("bgnbd", (r, alpha, a, b), 1, 1, 0.0)
    x, t_x, end, days = X[:4], T_X[:4], T[:4], 60.0
    z = days / (alpha + end + days)
    visits = (
        (a + b + x - 1)
        / (a - 1)
        * (
            1
            - ((alpha + end) / (alpha + end + days)) ** (r + x)
            * hyp2f1(r + x, b + x, a + b + x - 1, z)
        )
    )
    published = visits * model.p_alive(x, t_x, end)
    assert model.expected(x, t_x, end, days) == pytest.approx(published, rel=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_silence_speaks_against_a_regular_more_than_against_a_rare_guest(kind: rhythm.Kind) -> None:
    model = Rhythm(kind, TRUE[kind], 1, 1, 0.0)
    alive, silent = model.p_alive(X, T_X, T), model.p_none_within(X, T_X, T, 90)
    assert alive[3] < alive[0]
    assert alive[3] < alive[2]
    assert silent[3] > silent[2]
    assert ((silent >= 0) & (silent <= 1) & np.isfinite(silent)).all()
    assert (np.diff([model.p_none_within(X, T_X, T, d)[2] for d in (0, 1, 30, 365)]) < 0).all()
    assert model.p_none_within(X, T_X, T, 0) == pytest.approx(1.0)


def test_several_visits_on_a_day_count_once_and_later_ones_not_at_all() -> None:
    guest = np.array(["b", "a", "a", "a", "b", "c"])
    day = np.array([10.0, 3.2, 3.9, 8.0, 99.0, 50.0])
    names, x, t_x, age = rhythm.histories(guest, day, until=20)
    assert names.tolist() == ["a", "b"]
    assert x.tolist() == [1, 0]
    assert t_x.tolist() == [5, 0]
    assert age.tolist() == [17, 10]


def test_too_few_who_came_again_are_refused_with_the_number_needed() -> None:
    with pytest.raises(rhythm.NotEnoughHistory, match=r"20 guests.*; 1 of 3 did"):
        rhythm.fit(np.array([0.0, 1, 0]), np.array([0.0, 4, 0]), np.full(3, 9.0))


@pytest.mark.parametrize(
    ("x", "t_x", "end", "why"),
    [
        (1.0, 30.0, 20.0, "outside the time"),
        (2.0, 0.0, 20.0, "count several a day once"),
        (0.0, 5.0, 20.0, "a second visit needs"),
        (1.5, 5.0, 20.0, "not a count"),
        (1.0, np.nan, 20.0, "missing"),
    ],
)
def test_a_history_that_contradicts_itself_is_named(
    x: float, t_x: float, end: float, why: str
) -> None:
    with pytest.raises(rhythm.BadHistory, match=rf"History 1 .*{why}"):
        rhythm.fit(np.array([0.0, x]), np.array([0.0, t_x]), np.array([9.0, end]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_crowd_of_equal_guests_still_gives_finite_answers(kind: rhythm.Kind) -> None:
    """Everybody comes every week and nobody stops: the best fit lies at the edge."""
    model = rhythm.fit(np.full(40, 20.0), np.full(40, 140.0), np.full(40, 143.0), kind=kind)
    answers = model.p_none_within(np.array([20.0]), np.array([140.0]), np.array([143.0]), 30)
    assert 0 <= answers[0] < 0.05
    assert np.isfinite(model.expected(X, T_X, T, 30)).all()


def test_guests_first_seen_today_are_scored() -> None:
    model = Rhythm("paretonbd", TRUE["paretonbd"], 1, 1, 0.0)
    none = np.zeros(1)
    assert model.p_alive(none, none, none) == pytest.approx(1.0)
    assert 0 < model.p_none_within(none, none, none, 30)[0] < 1
    assert len(model.p_alive(np.zeros(0), np.zeros(0), np.zeros(0))) == 0


def test_a_chain_is_fitted_in_seconds() -> None:
    until = np.random.default_rng(1).uniform(100, 400, 60_000)
    x, t_x, _ = crowd("bgnbd", 60_000, until=until)
    began = time.monotonic()
    rhythm.fit(x, t_x, until)
    assert time.monotonic() - began < 10
