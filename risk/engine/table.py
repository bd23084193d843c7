"""A CSV of any shape, read as text and turned into numbers column by column, as a task says.

Nothing is guessed silently: text that is no number or no time raises TaskError with file, column,
row and remedy. Times are whole seconds since 1970, as written (a zone in the text is turned to
UTC); not known is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from risk.engine.additive import Floats
from risk.engine.task import Condition, Data, Scalar, TaskError

Seconds = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
DAY = 86_400
UNKNOWN = np.iinfo(np.int64).min
TRUE, FALSE = {"1", "true", "yes", "y", "t", "1.0"}, {"0", "false", "no", "n", "f", "0.0"}


@dataclass(frozen=True)
class Table:
    """Text cells, stripped; an unknown one is empty. `row` is each row's line in the file."""

    text: pd.DataFrame
    data: Data
    source: str

    def __len__(self) -> int:
        return len(self.text)

    def take(self, rows: npt.NDArray[np.intp]) -> Table:
        return Table(self.text.iloc[rows], self.data, self.source)

    @property
    def names(self) -> list[str]:
        return list(self.text.columns)

    def column(self, name: str, field: str) -> pd.Series[str]:
        """Raises TaskError if there is none; `field` is where the task names it."""
        if name not in self.text.columns:
            raise TaskError(
                f"{self.source}: {field}: no column {name!r}; the table has: "
                f"{', '.join(map(str, self.text.columns))}."
            )
        return self.text[name]

    def numbers(self, name: str, field: str) -> Floats:
        text = self.column(name, field)
        plain = text.str.replace(",", ".") if self.data.decimal == "," else text
        values = pd.to_numeric(plain.where(plain != "", None), errors="coerce")
        self._complain(
            text,
            values.isna() & (text != ""),
            field,
            "is no number. Declare the column as a category, or list the text under data.missing",
        )
        found: Floats = values.to_numpy(dtype=np.float64)
        if np.isinf(found).any():
            endless = pd.Series(np.isinf(found), text.index, dtype=bool)
            self._complain(text, endless, field, "is not finite")
        return found

    def is_numeric(self, name: str) -> bool:
        """Whether every known cell is a number (and one is known)."""
        text = self.column(name, "inputs.columns")
        known = text[text != ""]
        plain = known.str.replace(",", ".") if self.data.decimal == "," else known
        return len(known) > 0 and bool(pd.to_numeric(plain, errors="coerce").notna().all())

    def is_time(self, name: str) -> bool:
        text = self.column(name, "inputs.columns")
        known = text[text != ""]
        if not len(known) or self.data.time_format in ("unix", "days"):
            return False
        return not self._parsed(known.iloc[:50]).isna().any() and not bool(
            self._parsed(known).isna().any()
        )

    def flags(self, name: str, field: str) -> Floats:
        """1, 0 or not known."""
        text = self.column(name, field)
        lower = text.str.lower()
        values = np.full(len(text), np.nan)
        values[lower.isin(TRUE).to_numpy()] = 1.0
        values[lower.isin(FALSE).to_numpy()] = 0.0
        self._complain(
            text,
            pd.Series(np.isnan(values), text.index) & (text != ""),
            field,
            "is neither yes nor no. Declare the column as a category",
        )
        return values

    def categories(self, name: str, field: str) -> tuple[Floats, list[str]]:
        """Codes in the order of the sorted levels; an empty cell is not known."""
        text = self.column(name, field)
        levels = sorted(set(text) - {""})
        codes = text.map({level: float(code) for code, level in enumerate(levels)})
        return np.asarray(codes, dtype=np.float64), levels

    def codes(self, name: str, field: str) -> npt.NDArray[np.int64]:
        """A number per different text, the empty one included."""
        return pd.factorize(self.column(name, field), sort=True)[0].astype(np.int64)

    def times(self, name: str, field: str) -> Seconds:
        text = self.column(name, field)
        parsed = self._parsed(text.where(text != "", None))
        self._complain(
            text,
            parsed.isna() & (text != ""),
            field,
            f"does not read as a time of the form {self.data.time_format!r}. Set data.time_format "
            '("iso", "unix", "days" or a pattern such as "%d/%m/%Y %H:%M")',
        )
        seconds = parsed.to_numpy().astype("datetime64[s]").astype(np.int64)
        return np.where(parsed.isna().to_numpy(), UNKNOWN, seconds)

    def known_times(self, name: str, field: str) -> Seconds:
        """Raises TaskError where a time is missing."""
        found = self.times(name, field)
        self._complain(
            self.column(name, field),
            pd.Series(found == UNKNOWN, self.text.index),
            field,
            "is no time, and every row needs one: leave such rows out of the file",
        )
        return found

    def equals(self, name: str, values: Iterable[Scalar], field: str) -> Mask:
        """Rows whose cell is one of the values; numbers compare as numbers."""
        text = self.column(name, field)
        wanted = {_written(value) for value in values}
        plain: Mask = np.array(text.isin(wanted), dtype=bool)
        numbers = [float(value) for value in values if not isinstance(value, (bool, str))]
        if numbers:
            plain |= pd.to_numeric(text, errors="coerce").isin(numbers).to_numpy()
        if any(isinstance(value, bool) for value in values):
            words: set[str] = set()
            for value in values:
                if isinstance(value, bool):
                    words |= TRUE if value else FALSE
            plain |= text.str.lower().isin(words).to_numpy()
        return plain

    def _parsed(self, text: pd.Series[str]) -> pd.Series[pd.Timestamp]:
        form = self.data.time_format
        if form in ("unix", "days"):
            number = pd.to_numeric(text, errors="coerce") * (1 if form == "unix" else DAY)
            return pd.to_datetime(number, unit="s", errors="coerce")
        found = pd.to_datetime(
            text, format="ISO8601" if form == "iso" else form, errors="coerce", utc=True
        )
        return found.dt.tz_localize(None)

    def _complain(self, text: pd.Series[str], bad: pd.Series[bool], field: str, what: str) -> None:
        if not bad.any():
            return
        first = int(np.flatnonzero(bad.to_numpy())[0])
        raise TaskError(
            f"{self.source}: {field}: column {text.name!r}, row {int(text.index[first])}: "
            f"{text.iloc[first]!r} {what} ({int(bad.sum())} such rows)."
        )


def read(path: Path, data: Data) -> Table:
    """Raises TaskError."""
    try:
        text = pd.read_csv(
            path,
            sep=data.separator,
            dtype=str,
            keep_default_na=False,
            encoding=data.encoding,
        )
    except FileNotFoundError:
        raise TaskError(f"{path}: no such table.") from None
    except (ValueError, OSError, EOFError, UnicodeDecodeError) as error:
        raise TaskError(
            f"{path}: not readable as a CSV with the separator {data.separator!r}: {error}"
        ) from error
    return of(text, data, source=str(path))


def of(text: pd.DataFrame, data: Data, *, source: str = "table") -> Table:
    """A table from text cells already in memory."""
    if not len(text):
        raise TaskError(f"{source}: the table has no rows.")
    text = text.apply(lambda column: column.str.strip())
    text = text.mask(text.isin(data.missing), "")
    text.index = pd.RangeIndex(2, len(text) + 2)
    return Table(text, data, source)


def holds(condition: Condition, table: Table, built: dict[str, Floats], field: str) -> Mask:
    """Rows that meet the condition. An unknown number meets no bound."""
    name = condition.column
    if condition.equals is not None and name not in built:
        values: Sequence[Scalar] = (
            condition.equals if isinstance(condition.equals, tuple) else (condition.equals,)
        )
        mask = table.equals(name, values, field)
    else:
        mask = np.ones(len(table), dtype=bool)
    bounds = (condition.above, condition.at_least, condition.below, condition.at_most)
    if any(bound is not None for bound in bounds) or (
        name in built and condition.equals is not None
    ):
        x = built[name] if name in built else table.numbers(name, field)
        if condition.above is not None:
            mask &= x > condition.above
        if condition.at_least is not None:
            mask &= x >= condition.at_least
        if condition.below is not None:
            mask &= x < condition.below
        if condition.at_most is not None:
            mask &= x <= condition.at_most
        if condition.equals is not None and name in built:
            wanted = (
                condition.equals if isinstance(condition.equals, tuple) else (condition.equals,)
            )
            mask &= np.isin(x, [float(value) for value in wanted])
    if condition.known is not None:
        here = (
            ~np.isnan(built[name])
            if name in built
            else (table.column(name, field) != "").to_numpy()
        )
        mask &= here == condition.known
    return mask


def _written(value: Scalar) -> str:
    return str(value)
