"""What the services of the risk engine have in common: locks, long statements, names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection

from risk.models import (
    ModelVersion,
)

if TYPE_CHECKING:
    pass

# Enough to group the visits of some hundred thousand guests without going to disk. PostgreSQL may
# use it several times in one statement.
WORK_MEM = "128MB"


def lock_registry(target: str) -> None:
    """One at a time may change what serves a target; freed at the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(HASHTEXT(%s))", [f"risk.registry.{target}"])


def named(version: ModelVersion) -> dict[str, Any]:
    return {"model": version.name}


def long_statements() -> None:
    """Work over all members may take longer than a page's query, and more memory than the many
    pages at once may have; until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL work_mem = '{WORK_MEM}'")
        cursor.execute("SET LOCAL jit = off")  # compiling takes longer than it saves
        cursor.execute("SET LOCAL statement_timeout = '30min'")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '30min'")
