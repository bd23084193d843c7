"""The two users of the database: the owner of the tables, and the one Tenure works as.

`DATABASE_URL` names the one Tenure works as. It reads and writes rows and nothing else: it owns no
table, so it can neither switch the guards of the ledger off nor change what stands in it. Only
`manage.py migrate` signs in as the owner, named by `MIGRATE_DATABASE_URL`, and afterwards says
what the other may do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.db import ProgrammingError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

# What the user may do to tables of which it may not change every row. All others: the four.
EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"
LESS = {
    "audit_ledgerentry": "SELECT, INSERT",
    "audit_ledgerhead": "SELECT, INSERT, UPDATE",  # a trigger: forward only
    "audit_ledgercheckpoint": "SELECT, INSERT",
    "outreach_holdout": "SELECT, INSERT, DELETE",  # goes with its guest, is never changed
    "django_migrations": "SELECT",
}
# Statistics are made anew after a large sync (memberships.services). PostgreSQL 17 and newer can
# allow that; before, it is left to the autovacuum, with a notice.
MAINTAIN_SINCE = 170000
SIGN_IN = ("HOST", "PORT", "USER", "PASSWORD")


@contextmanager
def as_owner(alias: str) -> Iterator[BaseDatabaseWrapper]:
    """The connection, signed in as the owner of the tables while this is open."""
    connection: Any = connections[alias]
    owner: Any = settings.MIGRATE_DATABASE
    usual = {name: connection.settings_dict[name] for name in SIGN_IN}
    connection.close()
    connection.settings_dict |= {name: owner[name] for name in SIGN_IN}
    try:
        yield connection
    finally:
        connection.close()
        connection.settings_dict |= usual


def grant(connection: BaseDatabaseWrapper, *, user: str, password: str) -> None:
    """Say what `user` may do. A user that does not exist yet is made. The connection is the
    owner's. Raises CommandError where the user could do more than it should."""
    name = sql.Identifier(user)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolbypassrls OR pg_has_role(rolname, current_user, 'MEMBER')"
            " FROM pg_roles WHERE rolname = %s",
            [user],
        )
        found = cursor.fetchone()
        if found and found[0]:
            raise CommandError(
                f"The database user {user} of DATABASE_URL is a superuser, passes row security, or "
                "may become the owner: it could change the ledger. Name a plain user in "
                "DATABASE_URL; migrate makes it where it does not exist."
            )
        if not found:
            raw: Any = connection.connection
            # The server gets a verifier: a password would stand in its log.
            verifier = raw.pgconn.encrypt_password(
                password.encode(), user.encode(), b"scram-sha-256"
            )
            try:
                cursor.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, verifier.decode())
                )
            except ProgrammingError as error:
                raise CommandError(
                    f"The database user {user} of DATABASE_URL does not exist, and the owner may "
                    f"not make it ({error}). Make it: CREATE ROLE {user} LOGIN PASSWORD '...'."
                ) from None
        said = [
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "GRANT USAGE ON SCHEMA public TO {user}",
            "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {user}",
            f"GRANT {EVERYTHING} ON ALL TABLES IN SCHEMA public TO {{user}}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {user}",
        ]
        if connection.pg_version >= MAINTAIN_SINCE:  # type: ignore[attr-defined]
            said.append("GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO {user}")
        for table, rights in LESS.items():
            said += [
                f"REVOKE ALL ON {table} FROM {{user}}",
                f"GRANT {rights} ON {table} TO {{user}}",
            ]
        for statement in said:
            cursor.execute(sql.SQL(statement).format(user=name))
