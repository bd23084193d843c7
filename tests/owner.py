"""The owner of the tables in tests, where everything else runs as Tenure's own database user.

The test database is made and dropped by the owner. In between every connection works as the plain
user, so that a statement the product may not do fails in a test as it would in production. What
only the owner could do is done under `as_owner`: tampering to be found, and the TRUNCATE by which
a test with real transactions ends, although the ledger refuses it. The product has no way to that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.db import connection, connections
from django.db.backends.postgresql.operations import DatabaseOperations
from django.db.backends.signals import connection_created
from psycopg.pq import TransactionStatus

TRIGGERS = [
    ("audit_ledgerentry", "ledger_no_truncate"),
    ("audit_ledgerhead", "ledger_head_no_truncate"),
    ("audit_ledgercheckpoint", "ledger_checkpoint_no_truncate"),
]
PLAIN_USER = settings.DATABASE_USER[0]
BECOME_PLAIN = f"SET SESSION AUTHORIZATION {PLAIN_USER}"
BECOME_OWNER = "RESET SESSION AUTHORIZATION"


def sign_in_as_owner() -> None:
    """From here on connections are the owner's: to make and drop the test database."""
    for name in ("USER", "PASSWORD"):
        connections["default"].settings_dict[name] = settings.MIGRATE_DATABASE[name]


def end_other_sessions() -> None:
    """Before the test database is dropped: what a thread or process of a test left open would keep
    it. Said aloud, so that whoever left it is found."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, left(query, 200), pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        for state, query, _ in cursor.fetchall():
            print(f"A session was left open ({state}): {query}", file=sys.__stderr__)
    connection.close()


def _become_plain(sender: Any, connection: Any, **kwargs: Any) -> None:
    connection.connection.execute(BECOME_PLAIN)


@contextmanager
def plain_user() -> Iterator[None]:
    """While this is open, connections work as the plain user and a flush works all the same."""
    flush = DatabaseOperations.execute_sql_flush

    def flush_as_owner(self: DatabaseOperations, sql_list: list[str]) -> Any:
        off = [f"ALTER TABLE {table} DISABLE TRIGGER {name}" for table, name in TRIGGERS]
        on = [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}" for table, name in TRIGGERS]
        return flush(self, [BECOME_OWNER, *off, *sql_list, *on, BECOME_PLAIN])

    connections["default"].close()
    connection_created.connect(_become_plain)
    with patch.object(DatabaseOperations, "execute_sql_flush", flush_as_owner):
        yield
    connection_created.disconnect(_become_plain)
    connections["default"].close()


@contextmanager
def as_owner() -> Iterator[None]:
    """On the connection of the test, inside its transaction. Once more inside changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        if cursor.fetchone() != (PLAIN_USER,):
            yield
            return
        cursor.execute(BECOME_OWNER)
        try:
            yield
        finally:
            # A transaction that has failed takes the change of user back with it.
            if connection.connection.info.transaction_status != TransactionStatus.INERROR:
                cursor.execute(BECOME_PLAIN)
