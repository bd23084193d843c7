"""Scores say something about one guest: seen where the guest is known."""

from django.db import migrations

from audit.policies import fenced

KNOWN = "memberships_knows(guest_id)"


class Migration(migrations.Migration):
    dependencies = [("risk", "0001_initial"), ("memberships", "0002_fence")]

    operations = [fenced("risk_churnscore", known=KNOWN), fenced("risk_bookingscore", known=KNOWN)]
