"""The rows of the member list are seen at the location of the contract."""

from django.db import migrations

from audit.policies import fenced, finds


class Migration(migrations.Migration):
    dependencies = [("retention", "0002_tally_of_members"), ("audit", "0004_who_is_looking")]

    operations = [
        fenced("retention_memberrow"),
        finds(
            "retention_found",
            table="retention_memberrow",
            key="membership_id",
            where="search LIKE pattern AND (current_setting('tenure.scope', true) = 'all'"
            " OR location_id = ANY (tenure_locations()))",
        ),
    ]
