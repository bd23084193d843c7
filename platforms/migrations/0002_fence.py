"""What is sent holds addresses and words: only its location sees it."""

from django.db import migrations

from audit.policies import fenced


class Migration(migrations.Migration):
    dependencies = [("platforms", "0001_initial"), ("audit", "0004_who_is_looking")]

    operations = [fenced("platforms_outboxitem")]
