"""Calls are seen at the location of the list; what a guest said on the phone, wherever the guest is
known. Whom a location has on its list, it knows."""

from django.db import migrations

from audit.policies import also_seen, fenced, knows

KNOWN = "memberships_knows(guest_id)"


class Migration(migrations.Migration):
    dependencies = [("cancellations", "0001_initial"), ("memberships", "0002_fence")]

    operations = [
        fenced("cancellations_call"),
        fenced("cancellations_calltry", known=KNOWN),
        knows("cancellations_knows", ("cancellations_call", "guest_id", "location_id")),
        also_seen("memberships_guest", name="tenure_fence_calls", known="cancellations_knows(id)"),
    ]
