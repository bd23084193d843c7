"""The database itself checks that an entry follows the one before it and carries its own hash, and
that a head is the newest entry. Whoever may insert can then only continue a chain, never forge,
skip or branch. The fixed search_path keeps a temporary table of the same name from being asked."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION ledger_entry_follows() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    before text;
BEGIN
    IF NEW.seq = 1 THEN
        before := repeat('0', 64);
    ELSE
        SELECT hash INTO before FROM audit_ledgerentry
        WHERE chain = NEW.chain AND seq = NEW.seq - 1;
    END IF;
    IF before IS DISTINCT FROM NEW.prev THEN
        RAISE EXCEPTION 'A ledger entry follows the one before it: % % does not.',
            NEW.chain, NEW.seq USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.hash <> encode(sha256('\\x00'::bytea || convert_to(
        NEW.chain || E'\\n' || NEW.seq || E'\\n' || NEW.prev || E'\\n' || NEW.body, 'UTF8'
    )), 'hex') THEN
        RAISE EXCEPTION 'The hash of a ledger entry fits its text: that of % % does not.',
            NEW.chain, NEW.seq USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION ledger_head_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq <> 0 OR NEW.hash <> repeat('0', 64) THEN
        RAISE EXCEPTION 'The head of a ledger chain begins before its first entry.'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION ledger_head_forward() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.chain <> OLD.chain OR NEW.seq <= OLD.seq THEN
        RAISE EXCEPTION 'The head of a ledger chain only moves forward.'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM audit_ledgerentry
        WHERE chain = NEW.chain AND seq = NEW.seq AND hash = NEW.hash
    ) THEN
        RAISE EXCEPTION 'The head of a ledger chain is its newest entry.'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER ledger_entry_follows BEFORE INSERT ON audit_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION ledger_entry_follows();
CREATE TRIGGER ledger_head_begins BEFORE INSERT ON audit_ledgerhead
    FOR EACH ROW EXECUTE FUNCTION ledger_head_begins();
ALTER TABLE audit_ledgerentry ENABLE ALWAYS TRIGGER ledger_entry_follows;
ALTER TABLE audit_ledgerhead ENABLE ALWAYS TRIGGER ledger_head_begins;
"""

WITHOUT = """
DROP TRIGGER ledger_entry_follows ON audit_ledgerentry;
DROP TRIGGER ledger_head_begins ON audit_ledgerhead;
DROP FUNCTION ledger_entry_follows();
DROP FUNCTION ledger_head_begins();
CREATE OR REPLACE FUNCTION ledger_head_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.chain <> OLD.chain OR NEW.seq <= OLD.seq THEN
        RAISE EXCEPTION 'The head of a ledger chain only moves forward.'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_ledger_is_append_only")]

    operations = [migrations.RunSQL(GUARDS, WITHOUT)]
