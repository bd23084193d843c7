"""Triggers that keep the ledger append-only. ALWAYS: plain ones sleep in replica mode."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The ledger is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION ledger_head_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.chain <> OLD.chain OR NEW.seq <= OLD.seq THEN
        RAISE EXCEPTION 'The head of a ledger chain only moves forward.'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON audit_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON audit_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_head_forward BEFORE UPDATE ON audit_ledgerhead
    FOR EACH ROW EXECUTE FUNCTION ledger_head_forward();
CREATE TRIGGER ledger_head_stays BEFORE DELETE ON audit_ledgerhead
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_head_no_truncate BEFORE TRUNCATE ON audit_ledgerhead
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_checkpoint_stays BEFORE UPDATE OR DELETE ON audit_ledgercheckpoint
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_checkpoint_no_truncate BEFORE TRUNCATE ON audit_ledgercheckpoint
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();

ALTER TABLE audit_ledgerentry ENABLE ALWAYS TRIGGER ledger_no_change;
ALTER TABLE audit_ledgerentry ENABLE ALWAYS TRIGGER ledger_no_truncate;
ALTER TABLE audit_ledgerhead ENABLE ALWAYS TRIGGER ledger_head_forward;
ALTER TABLE audit_ledgerhead ENABLE ALWAYS TRIGGER ledger_head_stays;
ALTER TABLE audit_ledgerhead ENABLE ALWAYS TRIGGER ledger_head_no_truncate;
ALTER TABLE audit_ledgercheckpoint ENABLE ALWAYS TRIGGER ledger_checkpoint_stays;
ALTER TABLE audit_ledgercheckpoint ENABLE ALWAYS TRIGGER ledger_checkpoint_no_truncate;
"""

WITHOUT = """
DROP TRIGGER ledger_no_change ON audit_ledgerentry;
DROP TRIGGER ledger_no_truncate ON audit_ledgerentry;
DROP TRIGGER ledger_head_forward ON audit_ledgerhead;
DROP TRIGGER ledger_head_stays ON audit_ledgerhead;
DROP TRIGGER ledger_head_no_truncate ON audit_ledgerhead;
DROP TRIGGER ledger_checkpoint_stays ON audit_ledgercheckpoint;
DROP TRIGGER ledger_checkpoint_no_truncate ON audit_ledgercheckpoint;
DROP FUNCTION ledger_refuse();
DROP FUNCTION ledger_head_forward();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunSQL(GUARDS, WITHOUT)]
