"""Rows of inputs as columns of numbers, read from PostgreSQL without touching each value.

A query of float8 columns is copied out in PostgreSQL's binary format. With NaN in the place of
NULL every record has the same length, so that numpy reads the whole answer as one array.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

from risk import prepared
from risk.engine.additive import Floats

HEADER = 19  # signature 11, flags 4, length of the header's extension 4
TRAILER = b"\xff\xff"
# The three letters of a location's currency (`l.currency`) as one number, for a frame of numbers.
CURRENCY = """ASCII(l.currency) * 65536 + ASCII(SUBSTR(l.currency, 2)) * 256
    + ASCII(SUBSTR(l.currency, 3))"""
BLOCK = 50_000  # rows turned into numbers at a time, so that the answer is never held twice


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

    def parts(self, rows: int) -> Iterator[Frame]:
        """The same rows, at most so many at a time."""
        for start in range(0, len(self), rows):
            part = slice(start, start + rows)
            yield Frame(
                ids={name: values[part] for name, values in self.ids.items()},
                columns={name: values[part] for name, values in self.columns.items()},
                outcomes={name: values[part] for name, values in self.outcomes.items()},
            )


def currency_of(number: float) -> str:
    """The code of a currency from its number: "USD". Raises ValueError when it is not known."""
    return int(number).to_bytes(3, "big").decode("ascii")


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
    record = np.dtype(
        [("fields", ">i2")]
        + [part for name in names for part in ((f"{name} length", ">i4"), (name, ">f8"))]
    )
    blocks: list[dict[str, Floats]] = []
    chunks: list[bytes] = []
    with connection.cursor() as cursor:
        statement = cursor.cursor.mogrify(query, params)
        with cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT BINARY)") as copy:
            for chunk in copy:  # one row each
                chunks.append(bytes(chunk))
                if len(chunks) == BLOCK:
                    chunks = [_take(chunks, record, names, blocks)]
    rest = _take(chunks, record, names, blocks)
    if rest != TRAILER:
        raise ValueError(f"The answer does not consist of {len(names)} float8 columns.")
    return {name: np.concatenate([block.pop(name) for block in blocks]) for name in names}


def _take(
    chunks: list[bytes],
    record: np.dtype[Any],
    names: Sequence[str],
    blocks: list[dict[str, Floats]],
) -> bytes:
    """Turn the whole records of the chunks into a further block; returns what is left of them."""
    answer = b"".join(chunks)
    begins = 0 if blocks else HEADER
    count = (len(answer) - begins) // record.itemsize
    rows = np.frombuffer(answer, dtype=record, offset=begins, count=count)
    if len(rows) and not np.all(rows["fields"] == len(names)):
        raise ValueError(f"The answer has {rows['fields'][0]} columns, not {len(names)}.")
    blocks.append({name: rows[name].astype(np.float64) for name in names})
    return answer[begins + count * record.itemsize :]


def read_few(query: str, names: Sequence[str], params: Mapping[str, Any]) -> dict[str, Floats]:
    """The same for a handful of rows, by a statement that is planned once per connection."""
    rows = prepared.rows(query, params)
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(names)).T.copy()
    return dict(zip(names, table, strict=True))
