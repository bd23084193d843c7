"""Past cases as columns of numbers: what the engine learns from and is judged on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from risk.engine.additive import Floats


@dataclass(frozen=True)
class Cases:
    """Past cases: inputs, outcomes by head, and per row the day its moment fell on, the day its
    outcome was known (days since 1970) and the guest, so that errors are resampled by person."""

    columns: dict[str, Floats]
    outcomes: dict[str, Floats]
    moment: Floats
    known: Floats
    guest: npt.NDArray[np.int64]
    location: npt.NDArray[np.int64]

    def where(self, mask: npt.NDArray[np.bool_]) -> Cases:
        return self.rows(np.flatnonzero(mask))

    def rows(self, numbers: npt.NDArray[np.int64]) -> Cases:
        """The cases with these row numbers, in their order."""
        return Cases(
            columns={name: values[numbers] for name, values in self.columns.items()},
            outcomes={name: values[numbers] for name, values in self.outcomes.items()},
            moment=self.moment[numbers],
            known=self.known[numbers],
            guest=self.guest[numbers],
            location=self.location[numbers],
        )

    def __len__(self) -> int:
        return len(self.moment)
