"""Rows of inputs as columns of numbers, read from PostgreSQL without touching each value.

A query of float8 columns is copied out in PostgreSQL's binary format. With NaN in the place of
NULL every record has the same length, so that numpy reads the whole answer as one array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

from risk import prepared
from risk.engine.additive import Floats

HEADER = 19  # signature 11, flags 4, length of the header's extension 4
TRAILER = 2


@dataclass
class Frame:
    """`ids` name the rows (whole numbers), `columns` are the inputs of the model and what the
    words of a reason need, `outcomes` is filled for training only. All arrays have one length."""

    ids: dict[str, npt.NDArray[np.int64]]
    columns: dict[str, Floats]
    outcomes: dict[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.ids.values())))

    def where(self, mask: npt.NDArray[np.bool_]) -> Frame:
        """The rows where the mask holds."""
        return Frame(
            ids={name: values[mask] for name, values in self.ids.items()},
            columns={name: values[mask] for name, values in self.columns.items()},
            outcomes={name: values[mask] for name, values in self.outcomes.items()},
        )


def stack(frames: Sequence[Frame]) -> Frame:
    """One frame of all rows, in the order given."""
    first = frames[0]
    return Frame(
        ids={name: np.concatenate([f.ids[name] for f in frames]) for name in first.ids},
        columns={name: np.concatenate([f.columns[name] for f in frames]) for name in first.columns},
        outcomes={
            name: np.concatenate([f.outcomes[name] for f in frames]) for name in first.outcomes
        },
    )


def read(query: str, names: Sequence[str], params: Mapping[str, Any]) -> dict[str, Floats]:
    """The columns of a query whose answer is float8 throughout and free of NULL.

    `names` are the columns in the order of the query. Raises ValueError when they do not fit.
    """
    chunks: list[bytes] = []
    with connection.cursor() as cursor:
        statement = cursor.cursor.mogrify(query, params)
        with cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT BINARY)") as copy:
            chunks.extend(bytes(chunk) for chunk in copy)
    return _columns(b"".join(chunks), names)


def read_few(query: str, names: Sequence[str], params: Mapping[str, Any]) -> dict[str, Floats]:
    """The same for a handful of rows, by a statement that is planned once per connection."""
    rows = prepared.rows(query, params)
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(names)).T.copy()
    return dict(zip(names, table, strict=True))


def _columns(answer: bytes, names: Sequence[str]) -> dict[str, Floats]:
    record = np.dtype(
        [("fields", ">i2")]
        + [part for name in names for part in ((f"{name} length", ">i4"), (name, ">f8"))]
    )
    body = len(answer) - HEADER - TRAILER
    if body % record.itemsize:
        raise ValueError(f"The answer does not consist of {len(names)} float8 columns.")
    rows = np.frombuffer(answer, dtype=record, offset=HEADER, count=body // record.itemsize)
    if len(rows) and rows["fields"][0] != len(names):
        raise ValueError(f"The answer has {rows['fields'][0]} columns, not {len(names)}.")
    return {name: rows[name].astype(np.float64) for name in names}
