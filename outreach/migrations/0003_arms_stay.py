"""Nobody moves a guest from one arm of an experiment to the other, whatever the code tries."""

from django.db import migrations

GUARD = """
CREATE FUNCTION outreach_arm_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'An arm is drawn once and for good.' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER outreach_arm_stays BEFORE UPDATE ON outreach_holdout
    FOR EACH ROW EXECUTE FUNCTION outreach_arm_stays();
ALTER TABLE outreach_holdout ENABLE ALWAYS TRIGGER outreach_arm_stays;
"""

WITHOUT = """
DROP TRIGGER outreach_arm_stays ON outreach_holdout;
DROP FUNCTION outreach_arm_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("outreach", "0002_experiment_cases")]

    operations = [migrations.RunSQL(GUARD, WITHOUT)]
