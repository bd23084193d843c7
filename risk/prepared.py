"""Statements that PostgreSQL plans once per connection.

Planning the inputs of one booking takes longer than reading them. Django's own cursors bind values
on the client and prepare nothing, so the few statements of the live path go through psycopg's
server-bound cursor on the same connection: the same transaction, binary numbers, and a plan kept by
the server until the connection ends. `prepare_threshold` in the settings switches this on; without
it they still run, planned each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from django.db import connection
from psycopg.types.numeric import Int8

# For the rest of a transaction: a plan for any value, made once, nothing compiled for a handful of
# rows, and no wait for the disk at the end, since what is written can be made again.
SETTINGS = """set_config('plan_cache_mode', 'force_generic_plan', true),
    set_config('jit', 'off', true), set_config('synchronous_commit', 'off', true)"""


def whole_numbers(values: Iterable[int]) -> list[Int8]:
    """As one type whatever their size, or each size would be planned anew."""
    return [Int8(value) for value in values]


class _Cursor(psycopg.Cursor[tuple[Any, ...]]):
    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> _Cursor:
        return super().execute(query, params, prepare=True, binary=True)

    def _convert_query(self, query: Any, params: Any = None) -> Any:
        # Where Django's log of statements looks for the text.
        self._query = super()._convert_query(query, params)
        return self._query


def rows(query: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The answer of a query whose values are all parameters."""
    with _cursor() as cursor:
        cursor.execute(query, params)
        answer: list[tuple[Any, ...]] = cursor.fetchall()
        return answer


def run(statement: str, params: Mapping[str, Any]) -> None:
    """The same for a statement without an answer."""
    with _cursor() as cursor:
        cursor.execute(statement, params)


def _cursor() -> Any:
    connection.ensure_connection()
    # Django's wrapper adds its error classes and its log of statements.
    return connection._prepare_cursor(_Cursor(connection.connection))  # type: ignore[attr-defined]
