"""How unlikely a count is, given what is usual: upper tails of posterior predictive distributions.

Conjugate priors as in Gelman et al., Bayesian Data Analysis (3rd ed. 2013), chapter 2: a Gamma
prior on a Poisson rate predicts negative binomial counts, a Beta prior on a share predicts
beta-binomial counts. Both know how little a short history says, which a plain Poisson or binomial
tail does not.
"""

from __future__ import annotations

import math


def count_tail(k: int, *, seen: float, periods: float) -> float:
    """P(K >= k) for the next period after `seen` events in `periods` like it. Jeffreys' prior
    Gamma(1/2, 0). Raises ValueError for what is no history."""
    if periods <= 0 or seen < 0 or not (math.isfinite(seen) and math.isfinite(periods)):
        raise ValueError("A history has at least one period and no negative count.")
    if k <= 0:
        return 1.0
    shape = seen + 0.5
    log_p, log_q = math.log(periods / (periods + 1)), -math.log(periods + 1)
    start = shape * log_p - math.lgamma(shape)
    below = math.fsum(
        math.exp(start + math.lgamma(j + shape) - math.lgamma(j + 1) + j * log_q) for j in range(k)
    )
    return max(0.0, 1.0 - below)


def share_tail(x: int, n: int, *, yes: float, no: float) -> float:
    """P(X >= x) of n for a share that is Beta(yes, no). Raises ValueError for what cannot be."""
    if not 0 <= x <= n or yes <= 0 or no <= 0 or not (math.isfinite(yes) and math.isfinite(no)):
        raise ValueError("A share needs 0 <= x <= n and a proper prior.")
    if x == 0:
        return 1.0
    start = math.lgamma(n + 1) - _log_beta(yes, no)
    terms = (
        start - math.lgamma(j + 1) - math.lgamma(n - j + 1) + _log_beta(j + yes, n - j + no)
        for j in range(x, n + 1)
    )
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
