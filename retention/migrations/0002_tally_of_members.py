"""Every change of the member rows is told to their tally, whatever path it came by."""

from django.db import migrations

KEEP = """
CREATE FUNCTION retention_tally_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO retention_membertally (location_id, band, cause, plan_id, status, is_running, n)
        SELECT location_id, band, cause, plan_id, status, is_running, count(*) FROM came
        GROUP BY 1, 2, 3, 4, 5, 6;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO retention_membertally (location_id, band, cause, plan_id, status, is_running, n)
        SELECT location_id, band, cause, plan_id, status, is_running, -count(*) FROM went
        GROUP BY 1, 2, 3, 4, 5, 6;
    ELSE
        INSERT INTO retention_membertally (location_id, band, cause, plan_id, status, is_running, n)
        SELECT location_id, band, cause, plan_id, status, is_running, sum(n) FROM (
            SELECT location_id, band, cause, plan_id, status, is_running, 1 AS n FROM came
            UNION ALL
            SELECT location_id, band, cause, plan_id, status, is_running, -1 FROM went
        ) moved GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(n) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER retention_tally_came AFTER INSERT ON retention_memberrow
    REFERENCING NEW TABLE AS came
    FOR EACH STATEMENT EXECUTE FUNCTION retention_tally_members();
CREATE TRIGGER retention_tally_went AFTER DELETE ON retention_memberrow
    REFERENCING OLD TABLE AS went
    FOR EACH STATEMENT EXECUTE FUNCTION retention_tally_members();
CREATE TRIGGER retention_tally_moved AFTER UPDATE ON retention_memberrow
    REFERENCING OLD TABLE AS went NEW TABLE AS came
    FOR EACH STATEMENT EXECUTE FUNCTION retention_tally_members();
"""

WITHOUT = """
DROP TRIGGER retention_tally_came ON retention_memberrow;
DROP TRIGGER retention_tally_went ON retention_memberrow;
DROP TRIGGER retention_tally_moved ON retention_memberrow;
DROP FUNCTION retention_tally_members();
"""


class Migration(migrations.Migration):
    dependencies = [("retention", "0001_initial")]

    operations = [migrations.RunSQL(KEEP, WITHOUT)]
