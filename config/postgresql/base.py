"""Connections that tell the server who is looking (audit/fence.py) before anything is asked.

The settings live as long as the connection, not the transaction: requests run in autocommit, and a
transaction around each would hold its snapshot and its locks for as long as the page takes. What
the server knows is compared before each statement and told anew where it differs, so nothing is
left over from whoever had the connection before. A rollback takes settings back: then, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import InterfaceError
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from audit import fence

TELL = (
    "SELECT set_config('tenure.scope', %s, false), set_config('tenure.locations', %s, false),"
    " pg_backend_pid()"
)


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.told: fence.Sight | None = None  # what the server was told last
        self.backend_pid: int | None = None
        self.execute_wrappers.append(self._tell_first)

    def get_new_connection(self, conn_params: Any) -> Any:
        self.told = self.backend_pid = None
        return super().get_new_connection(conn_params)

    def create_cursor(self, name: str | None = None) -> Any:
        # For what does not go through `execute`: COPY.
        self._tell()
        return super().create_cursor(name)

    def _tell_first(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        self._tell()
        return execute(sql, params, many, context)

    def _tell(self) -> None:
        sight = fence.current()
        if sight == self.told:
            return
        if self.connection.info.transaction_status == TransactionStatus.INERROR:
            return  # nothing but a rollback is answered now
        found = self.connection.execute(TELL, sight.settings()).fetchone()
        if self.backend_pid is None:
            self.backend_pid = found[2]
        elif found[2] != self.backend_pid:
            # What was said holds for another server process than the next statement's.
            self.close()
            raise InterfaceError(
                "The pooler hands every transaction another connection. Put it into session mode, "
                "or name the server itself in DATABASE_URL."
            )
        self.told = sight

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]
        self.told = None

    def _rollback(self) -> None:
        self.told = None
        super()._rollback()  # type: ignore[misc]

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        except BaseException:
            self.told = None  # a deferred constraint said no: the server rolled back
            raise
