"""How alive a visiting habit is, from a visit log alone: BG/NBD and Pareto/NBD.

Both describe guests who come at a rate of their own and at some point silently stop. BG/NBD
(Fader, Hardie & Lee 2005, Marketing Science 24(2)): a guest may stop after each visit. Pareto/NBD
(Schmittlein, Morrison & Colombo 1987, Management Science 33(1)): a guest may stop at any time.
Rates and chances of stopping differ between guests; four numbers describe the whole crowd. They
are fitted by maximum likelihood without any outcome.

A guest's history is three numbers: `x` days with a visit after the first one, `t_x` days from the
first to the last visit, `T` days from the first visit to the day of looking (see `histories`).

P(no visit in the next t days) needs no formula of its own: it is the likelihood of the same history
looked at t days later, divided by the likelihood of today's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, digamma, gammaln, hyp2f1, logsumexp

Floats = npt.NDArray[np.float64]
Kind = Literal["bgnbd", "paretonbd"]
Params = tuple[float, float, float, float]

# Below this many guests who came again, four numbers cannot be told from noise.
LEAST_REPEATERS = 20
# Four numbers gain nothing from more guests than this.
MOST_GUESTS = 50_000
# The search stays within e**-9 .. e**9 (times in units of the mean T): beyond, a crowd without
# differences between guests cannot be told from one with hardly any.
MOST_LOG = 9.0
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)
# Where an integrand has fallen to e**-40 of its height the rest no longer counts.
NEGLIGIBLE = 40.0
CHUNK = 20_000
SEED = 7


class NotEnoughHistory(Exception):
    """Too few guests came a second time; the message says how many are needed."""


class BadHistory(Exception):
    """The numbers of a guest contradict each other; the message says which and why."""


@dataclass(frozen=True)
class Rhythm:
    """A fitted crowd. bgnbd: (r, alpha, a, b), paretonbd: (r, alpha, s, beta), alpha and beta in
    days. Every method takes arrays of one length and gives one number per guest."""

    kind: Kind
    params: Params
    guests: int
    repeaters: int
    log_likelihood: float

    def p_alive(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """P(still a guest on the day of looking). A guest still alive may stay away for months."""
        return _per_history(MODELS[self.kind].alive, self.params, x, t_x, T)

    def p_none_within(self, x: Floats, t_x: Floats, T: Floats, days: float) -> Floats:
        """P(no visit in the `days` after the day of looking)."""
        likelihood = MODELS[self.kind].likelihood

        def ratio(params: Params, x: Floats, t_x: Floats, T: Floats) -> Floats:
            now, later = (likelihood(params, x, t_x, end)[0] for end in (T, T + days))
            return np.minimum(np.exp(later - now), 1.0)

        return _per_history(ratio, self.params, x, t_x, T)

    def expected(self, x: Floats, t_x: Floats, T: Floats, days: float) -> Floats:
        """The mean number of days with a visit in the `days` after the day of looking."""
        model = MODELS[self.kind]

        def visits(params: Params, x: Floats, t_x: Floats, T: Floats) -> Floats:
            return model.alive(params, x, t_x, T) * model.visits(params, x, T, days)

        return _per_history(visits, self.params, x, t_x, T)


def histories(
    guest: npt.NDArray[Any], day: Floats, *, until: float
) -> tuple[npt.NDArray[Any], Floats, Floats, Floats]:
    """(guests, x, t_x, T) from a visit log: a row per visit in any order, `day` a number of days.
    Visits after the day `until` are left out; several visits on one day count once."""
    seen = np.floor(day) <= until
    names, place = np.unique(guest[seen], return_inverse=True)
    visits = np.unique(np.column_stack([place, np.floor(day[seen])]), axis=0)
    place = visits[:, 0].astype(np.intp)
    first, last = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    np.minimum.at(first, place, visits[:, 1])
    np.maximum.at(last, place, visits[:, 1])
    x = np.bincount(place, minlength=len(names)).astype(np.float64) - 1
    return names, x, last - first, np.floor(until) - first


def fit(x: Floats, t_x: Floats, T: Floats, *, kind: Kind = "bgnbd") -> Rhythm:
    """The crowd these histories are most likely from. Raises NotEnoughHistory, BadHistory."""
    states, counts = _states(x, t_x, T)
    repeaters = int(counts[states[:, 0] > 0].sum())
    guests = int(counts.sum())
    if repeaters < LEAST_REPEATERS:
        raise NotEnoughHistory(
            f"A visiting rhythm needs {LEAST_REPEATERS} guests who came on a second day; "
            f"{repeaters} of {guests} did."
        )
    model, scale = MODELS[kind], max(float(counts @ states[:, 2]) / guests, 1.0)
    x, t_x, T = states[:, 0], states[:, 1] / scale, states[:, 2] / scale

    def loss(logs: Floats) -> tuple[float, Floats]:
        params = np.exp(logs)
        value, gradient = model.likelihood(tuple(params), x, t_x, T)
        return -float(counts @ value) / guests, -(gradient @ counts) * params / guests

    found = [
        minimize(
            loss,
            np.log(start),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-MOST_LOG, MOST_LOG)] * 4,
            options={"maxiter": 1_000, "ftol": 1e-14, "gtol": 1e-9},
        )
        for start in model.starts
    ]
    best = min(found, key=lambda one: float(one.fun))
    first, second, third, fourth = (float(value) for value in np.exp(best.x))
    return Rhythm(
        kind=kind,
        params=(first, second * scale, third, fourth * (scale if kind == "paretonbd" else 1.0)),
        guests=guests,
        repeaters=repeaters,
        log_likelihood=-float(best.fun) * guests - float(counts @ x) * float(np.log(scale)),
    )


def _states(x: Floats, t_x: Floats, T: Floats) -> tuple[Floats, Floats]:
    """Each different history once, and how many guests share it."""
    rows = _checked(x, t_x, T)
    if len(rows) > MOST_GUESTS:
        rows = rows[np.random.default_rng(SEED).choice(len(rows), MOST_GUESTS, replace=False)]
    states, counts = np.unique(rows, axis=0, return_counts=True)
    return states, counts.astype(np.float64)


def _checked(x: Floats, t_x: Floats, T: Floats) -> Floats:
    """The three numbers as columns, refused where they contradict each other."""
    rows = np.column_stack([np.asarray(part, dtype=np.float64) for part in (x, t_x, T)])
    x, t_x, T = rows.T
    for bad, why in (
        (~np.isfinite(rows).all(axis=1), "a number is missing"),
        ((x < 0) | (x != np.floor(x)), "x is not a count"),
        ((t_x < 0) | (t_x > T), "the last visit lies outside the time from first visit to now"),
        ((x == 0) != (t_x == 0), "a second visit needs a second day: count several a day once"),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise BadHistory(
                f"History {row} (x {x[row]:g}, t_x {t_x[row]:g}, T {T[row]:g}): {why}."
            )
    return rows


def _per_history(
    answer: Callable[[Params, Floats, Floats, Floats], Floats],
    params: Params,
    x: Floats,
    t_x: Floats,
    T: Floats,
) -> Floats:
    """`answer` for each different history, given back to the guests that share it."""
    states, place = np.unique(_checked(x, t_x, T), axis=0, return_inverse=True)
    parts = [
        answer(params, *states[at : at + CHUNK].T.copy()) for at in range(0, len(states), CHUNK)
    ]
    return np.concatenate([*parts, np.zeros(0)])[place]


# --- BG/NBD: r, alpha, a, b. Fader, Hardie & Lee 2005, equations 6, 10 and 11 --------------------


def _bgnbd(params: Params, x: Floats, t_x: Floats, T: Floats) -> tuple[Floats, Floats]:
    """The log-likelihood of each history, and its gradient, shape (4, histories)."""
    r, alpha, a, b = params
    again = x > 0
    stayed = -(r + x) * np.log(alpha + T)
    # For x = 0 nobody can have stopped yet: the second term is left out.
    below = np.where(again, b + x - 1, 1.0)
    left = np.where(again, np.log(a / below) - (r + x) * np.log(alpha + t_x), -np.inf)
    either = np.logaddexp(stayed, left)
    value = (
        gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b) + either
    )
    alive, gone = np.exp(stayed - either), np.exp(left - either)
    both = digamma(a + b) - digamma(a + b + x)
    gradient = np.stack(
        [
            digamma(r + x)
            - digamma(r)
            + np.log(alpha)
            - alive * np.log(alpha + T)
            - gone * np.log(alpha + t_x),
            r / alpha - (r + x) * (alive / (alpha + T) + gone / (alpha + t_x)),
            both + gone / a,
            both + digamma(b + x) - digamma(b) - gone / below,
        ]
    )
    return value, gradient


def _bgnbd_alive(params: Params, x: Floats, t_x: Floats, T: Floats) -> Floats:
    r, alpha, a, b = params
    below = np.where(x > 0, b + x - 1, np.inf)
    odds_of_gone = (a / below) * np.exp((r + x) * np.log((alpha + T) / (alpha + t_x)))
    return 1 / (1 + odds_of_gone)


def _bgnbd_visits(params: Params, x: Floats, T: Floats, days: float) -> Floats:
    """Mean visits of a guest alive at T. Integrated over time rather than by the closed form,
    which has a hole at a = 1: at u days a guest with chance p of stopping and rate h comes at
    h exp(-h p u), and the mean of that over p and h is a 2F1 (turned by Pfaff's identity so that
    its argument stays between 0 and 1)."""
    r, alpha, a, b = params
    total = np.zeros(len(x))
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        u = days * (node + 1) / 2 / (alpha + T)
        shape = hyp2f1(a + b - r - 1, a, a + b + x, u / (1 + u)) * (1 + u) ** -a
        total += weight / 2 * days * (r + x) / (alpha + T) * shape
    return total


# --- Pareto/NBD: r, alpha, s, beta. Schmittlein et al. 1987; Fader & Hardie 2005, "A Note on
# Deriving the Pareto/NBD Model", equation 17 before it is written as hypergeometric functions ---


def _paretonbd(params: Params, x: Floats, t_x: Floats, T: Floats) -> tuple[Floats, Floats]:
    """The log-likelihood of each history, and its gradient, shape (4, histories).

    A guest is alive at T, or stopped at some moment between t_x and T. The second part is an
    integral of a smooth positive function: summed at 32 points it is exact to about 1e-12, without
    the cancellation of the usual difference of two hypergeometric functions.
    """
    r, alpha, s, beta = params
    log_alpha, log_beta, logs = _paretonbd_parts(params, x, t_x, T)
    total = logsumexp(logs, axis=1)
    share = np.exp(logs - total[:, None])
    alive = share[:, -1]
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + total
    power = np.full(share.shape[1], s + 1)
    power[-1] = s
    gradient = np.stack(
        [
            digamma(r + x) - digamma(r) + np.log(alpha) - (share * log_alpha).sum(axis=1),
            r / alpha - (r + x) * (share * np.exp(-log_alpha)).sum(axis=1),
            np.log(beta) + (1 - alive) / s - (share * log_beta).sum(axis=1),
            s / beta - (share * np.exp(-log_beta)) @ power,
        ]
    )
    return value, gradient


def _paretonbd_parts(
    params: Params, x: Floats, t_x: Floats, T: Floats
) -> tuple[Floats, Floats, Floats]:
    """ln(alpha + u), ln(beta + u) and the log of what each moment u adds, shape (histories, 33):
    32 moments of stopping, and last being alive at T."""
    r, alpha, s, beta = params
    least = min(alpha, beta)
    # In v = ln(least + u) both factors change at most as fast as their powers; the integrand is
    # exp(-fall), its slope never shrinks, so Newton's steps from the right end never cut too much.
    start, end = np.log(least + t_x), np.log(least + T)

    def fall(v: Floats) -> tuple[Floats, Floats]:
        u = np.exp(v) - least
        height = (r + x) * np.log(alpha + u) + (s + 1) * np.log(beta + u) - v
        slope = np.exp(v) * ((r + x) / (alpha + u) + (s + 1) / (beta + u)) - 1
        return height, slope

    top, first_slope = fall(start)
    for _ in range(4):
        height, slope = fall(end)
        far = (first_slope > 0) & (height - top > NEGLIGIBLE)
        step = np.divide(height - top - NEGLIGIBLE, slope, out=np.zeros_like(end), where=far)
        end = np.maximum(end - step, start)
    half = (end - start) / 2
    v = start[:, None] + half[:, None] * (NODES + 1)
    u = np.column_stack([np.maximum(np.exp(v) - least, 0.0), T])
    log_alpha, log_beta = np.log(alpha + u), np.log(beta + u)
    logs = -(r + x)[:, None] * log_alpha - s * log_beta
    with np.errstate(divide="ignore"):  # no time between the last visit and now: exp(-inf) = 0
        logs[:, :-1] += np.log(s * WEIGHTS * half[:, None]) + v - log_beta[:, :-1]
    return log_alpha, log_beta, logs


def _paretonbd_alive(params: Params, x: Floats, t_x: Floats, T: Floats) -> Floats:
    logs = _paretonbd_parts(params, x, t_x, T)[2]
    share: Floats = np.exp(logs[:, -1] - logsumexp(logs, axis=1))
    return share


def _paretonbd_visits(params: Params, x: Floats, T: Floats, days: float) -> Floats:
    """Mean visits of a guest alive at T (equation 41 of the note), also where s = 1."""
    r, alpha, s, beta = params
    shrink = np.log((beta + T) / (beta + T + days))
    short = abs(s - 1) < 1e-9
    time = -shrink if short else -np.expm1((s - 1) * shrink) / (s - 1)
    visits: Floats = (r + x) / (alpha + T) * (beta + T) * time
    return visits


@dataclass(frozen=True)
class _Model:
    likelihood: Callable[[Params, Floats, Floats, Floats], tuple[Floats, Floats]]
    alive: Callable[[Params, Floats, Floats, Floats], Floats]
    visits: Callable[[Params, Floats, Floats, float], Floats]
    starts: tuple[Params, ...]  # few who stop early, and many; times in units of the mean T


MODELS: dict[Kind, _Model] = {
    "bgnbd": _Model(_bgnbd, _bgnbd_alive, _bgnbd_visits, ((1, 1, 1, 3), (0.3, 0.2, 0.5, 1.0))),
    "paretonbd": _Model(
        _paretonbd, _paretonbd_alive, _paretonbd_visits, ((1, 1, 1, 1), (0.5, 0.3, 0.5, 0.3))
    ),
}
