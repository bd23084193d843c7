"""How the tests empty their database although the ledger refuses it.

A test with real transactions ends with a TRUNCATE of every table. The owner of the tables, and
nobody else, may switch the triggers off; here it does so for just that statement and switches them
on again in the same transaction. The product has no way to do this.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.db.backends.postgresql.operations import DatabaseOperations

TRIGGERS = [
    ("audit_ledgerentry", "ledger_no_truncate"),
    ("audit_ledgerhead", "ledger_head_no_truncate"),
    ("audit_ledgercheckpoint", "ledger_checkpoint_no_truncate"),
]


@contextmanager
def flushable() -> Iterator[None]:
    """While this is open, a flush of the test database works."""
    plain = DatabaseOperations.execute_sql_flush

    def flush(self: DatabaseOperations, sql_list: list[str]) -> Any:
        off = [f"ALTER TABLE {table} DISABLE TRIGGER {name}" for table, name in TRIGGERS]
        on = [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}" for table, name in TRIGGERS]
        return plain(self, [*off, *sql_list, *on])

    with patch.object(DatabaseOperations, "execute_sql_flush", flush):
        yield
