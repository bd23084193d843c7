"""The locations a connection may see, for the policies of the apps above."""

from django.db import migrations

from audit.policies import LOCATIONS


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_entries_follow_each_other")]

    operations = [migrations.RunSQL(LOCATIONS, "DROP FUNCTION tenure_locations()")]
