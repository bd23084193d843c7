"""What was known at a moment: counts and sums over earlier facts of the same key, without a loop.

Facts are sorted by key and time once; a question (key, moment) finds its place by binary search and
reads cumulative sums there. "Before" is strict: a fact of the same second is not yet known.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from risk.engine.additive import Floats
from risk.engine.table import Seconds

Ints = npt.NDArray[np.int64]


class Facts:
    """Facts with a key (0, 1, 2 ...) and a time each, ready to be asked."""

    def __init__(self, key: Ints, at: Seconds) -> None:
        self.order: npt.NDArray[np.intp] = np.lexsort((at, key))
        self.at = at[self.order]
        self._first = int(at.min()) if len(at) else 0
        self._span = (int(at.max()) - self._first if len(at) else 0) + 3
        self._places = key[self.order] * self._span + (self.at - self._first + 1)

    def before(self, key: Ints, moment: Seconds, *, also_at: bool = False) -> Ints:
        """The place behind the key's last fact before the moment (or at it, with `also_at`)."""
        within = np.clip(moment - self._first + 1, 0, self._span - 1)
        asked = key * self._span + within
        if also_at:
            return np.searchsorted(self._places, asked, side="right")
        return np.searchsorted(self._places, asked, side="left")

    def begin(self, key: Ints) -> Ints:
        """The place of the key's first fact."""
        return np.searchsorted(self._places, key * self._span, side="left")

    def running(self, values: Floats) -> Floats:
        """Cumulative sums in this order, starting with 0: the sum over places [a, b) is
        running[b] - running[a]. `values` in the order the facts were given."""
        return np.concatenate([[0.0], np.cumsum(values[self.order])])


def tally(
    facts: Facts, values: Floats, key: Ints, moment: Seconds, *, within: int | None = None
) -> tuple[Floats, Floats]:
    """How many facts of the key lie before the moment (and at most `within` seconds back), and the
    sum of their values."""
    end = facts.before(key, moment)
    begin = facts.begin(key) if within is None else facts.before(key, moment - within)
    total = facts.running(values)
    return (end - begin).astype(np.float64), total[end] - total[begin]
