"""What the database refuses the user Tenure works as, by a sign-in of its own (INV-14).

Each statement is tried on a ledger that is whole before and after. None may work, however the code
above was tricked into running it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError
from django.db import connection, transaction

from audit import checkpoints, services
from audit.formula import GENESIS, digest
from audit.services import Entry
from audit.verification import verify
from config import database
from tests.owner import as_owner

pytestmark = pytest.mark.django_db(transaction=True)
CHAIN = "location:1"
COLUMNS = "chain, seq, prev, hash, body, event, at, actor_label, target_type, target_id, play"
INSERT = (
    f"INSERT INTO audit_ledgerentry ({COLUMNS}) VALUES (%(chain)s, %(seq)s, %(prev)s, %(hash)s, "  # noqa: S608
    "%(body)s, 'sample.created', now(), 'Tenure', '', '', '')"
)
REFUSALS = (psycopg.errors.InsufficientPrivilege, psycopg.errors.UniqueViolation)


def forged(seq: int, prev: str, *, hash_: str | None = None) -> dict[str, Any]:
    """An entry of our own making; its hash fits its text unless one is given."""
    body = '{"forged":1}'
    fits = digest(chain=CHAIN, seq=seq, prev=prev, body=body)
    return {"chain": CHAIN, "seq": seq, "prev": prev, "body": body, "hash": hash_ or fits}


TAMPERING = {
    "change an entry": "UPDATE audit_ledgerentry SET actor_label = 'nobody'",
    "delete an entry": "DELETE FROM audit_ledgerentry WHERE seq = 3",
    "empty the table": "TRUNCATE audit_ledgerentry",
    "switch a guard off": "ALTER TABLE audit_ledgerentry DISABLE TRIGGER ledger_no_change",
    "drop a guard": "DROP TRIGGER ledger_no_change ON audit_ledgerentry",
    "put the guards to sleep": "SET session_replication_role = replica",
    "replace a guard": "CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger "
    "LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "drop the table": "DROP TABLE audit_ledgerentry CASCADE",
    "rename it away": "ALTER TABLE audit_ledgerentry RENAME TO old",
    "a trigger of one's own": "CREATE TRIGGER mine BEFORE INSERT ON audit_ledgerentry "
    "FOR EACH ROW EXECUTE FUNCTION ledger_refuse()",
    "a rule of one's own": "CREATE RULE mine AS ON INSERT TO audit_ledgerentry DO INSTEAD NOTHING",
    "merge": "MERGE INTO audit_ledgerentry e USING (SELECT 3 AS seq) s ON e.seq = s.seq "
    "WHEN MATCHED THEN UPDATE SET actor_label = 'nobody'",
    "copy from a program": "COPY audit_ledgerentry FROM PROGRAM 'true'",
    "take the head back": "UPDATE audit_ledgerhead SET seq = 2",
    "run the head ahead": "UPDATE audit_ledgerhead SET seq = 9, hash = repeat('f', 64)",
    "delete the head": "DELETE FROM audit_ledgerhead",
    "a head without entries": "INSERT INTO audit_ledgerhead (chain, seq, hash) "
    "VALUES ('location:2', 7, repeat('f', 64))",
    "change a checkpoint": "UPDATE audit_ledgercheckpoint SET signature = 'x'",
    "delete a checkpoint": "DELETE FROM audit_ledgercheckpoint",
    "become the owner": "SET ROLE {owner}",
    "become the owner for good": "SET SESSION AUTHORIZATION {owner}",
    "grant oneself more": "GRANT UPDATE ON audit_ledgerentry TO {user}; "
    "UPDATE audit_ledgerentry SET actor_label = 'nobody'",
    "own the table": "ALTER TABLE audit_ledgerentry OWNER TO {user}",
    "pass row security": "ALTER ROLE {user} BYPASSRLS",
    "run a block": "DO $$ BEGIN UPDATE audit_ledgerentry SET actor_label = 'nobody'; END $$",
    "forget a migration": "DELETE FROM django_migrations",
    "move an arm": "UPDATE outreach_holdout SET is_held_out = false",
}


@pytest.fixture
def ledger(now: datetime, settings: Any, tmp_path: Any) -> None:
    settings.LEDGER_EXPORT_DIR = str(tmp_path)
    with transaction.atomic():
        services.record_many(
            [
                Entry(event="sample.created", at=now, location_id=1, guest_id=n, detail={"n": n})
                for n in range(5)
            ]
        )
    checkpoints.make(now=now)


@pytest.fixture
def signed_in() -> Iterator[psycopg.Connection[Any]]:
    """A connection of one's own, as Tenure's processes have it."""
    where, (user, password) = connection.settings_dict, settings.DATABASE_USER
    with psycopg.connect(
        host=where["HOST"], port=where["PORT"], dbname=where["NAME"], user=user, password=password
    ) as found:
        yield found


def hashes(connection: psycopg.Connection[Any]) -> list[str]:
    """Of the entries in order, the one before the first in front."""
    found = connection.execute("SELECT hash FROM audit_ledgerentry ORDER BY seq").fetchall()
    return [GENESIS, *(hash_ for (hash_,) in found)]


def refused(
    connection: psycopg.Connection[Any], statement: str, values: dict[str, Any] | None = None
) -> bool:
    try:
        with connection.transaction():
            connection.execute(statement, values)
    except REFUSALS:
        return True
    return False


def test_no_statement_of_the_product_changes_what_was_written(
    ledger: None, signed_in: psycopg.Connection[Any]
) -> None:
    names = {"owner": settings.MIGRATE_DATABASE["USER"], "user": settings.DATABASE_USER[0]}
    worked = []
    for what, statement in TAMPERING.items():
        for name, value in names.items():
            statement = statement.replace(f"{{{name}}}", value)
        if not refused(signed_in, statement):
            worked.append(what)
    assert worked == []
    assert len(TAMPERING) >= 12
    found = verify()
    assert (found.entries, found.faults) == (5, [])


def test_no_entry_is_forged_into_a_chain(ledger: None, signed_in: psycopg.Connection[Any]) -> None:
    """Each carries a hash that fits its text, but for the last."""
    past = hashes(signed_in)
    tries = {
        "out of order": forged(9, past[5]),
        "a second first entry": forged(1, GENESIS),
        "a place that is taken": forged(3, past[2]),
        "behind another entry": forged(6, past[3]),
        "behind nothing": forged(6, GENESIS),
        "with a made-up hash": forged(6, past[5], hash_="f" * 64),
    }
    worked = [what for what, values in tries.items() if not refused(signed_in, INSERT, values)]
    assert worked == []
    over = f"{INSERT} ON CONFLICT (chain, seq) DO UPDATE SET body = EXCLUDED.body"
    assert refused(signed_in, over, forged(3, past[2]))
    assert verify().faults == []


def test_a_table_of_the_same_name_does_not_fool_the_guard(
    ledger: None, signed_in: psycopg.Connection[Any]
) -> None:
    """A temporary table stands before all others on the search path."""
    signed_in.execute("CREATE TEMP TABLE audit_ledgerentry (LIKE public.audit_ledgerentry)")
    signed_in.execute("ALTER TABLE audit_ledgerentry ALTER id DROP NOT NULL")
    signed_in.execute(INSERT, forged(8, "a" * 64))
    before = forged(8, "a" * 64)["hash"]
    assert refused(signed_in, INSERT.replace("audit_", "public.audit_"), forged(9, before))
    signed_in.rollback()


def test_an_honest_writer_goes_on(ledger: None, signed_in: psycopg.Connection[Any]) -> None:
    next_one = forged(6, hashes(signed_in)[5])
    signed_in.execute(INSERT, next_one)
    signed_in.execute("UPDATE audit_ledgerhead SET seq = 6, hash = %(hash)s", next_one)
    signed_in.rollback()


def test_the_tests_run_as_that_user() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (settings.DATABASE_USER[0], False)


@pytest.mark.parametrize("more", ["SUPERUSER", "BYPASSRLS"])
def test_migrate_refuses_a_user_that_could_do_more(more: str) -> None:
    with transaction.atomic(), as_owner(), connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE too_much LOGIN {more}")
        with pytest.raises(CommandError, match="could change the ledger"):
            database.grant(connection, user="too_much", password="x")
        with pytest.raises(CommandError, match="could change the ledger"):
            database.grant(connection, user=settings.MIGRATE_DATABASE["USER"], password="x")
        cursor.execute("DROP ROLE too_much")
