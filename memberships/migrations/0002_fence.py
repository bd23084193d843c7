"""Guests and what is about them: seen at the locations where the guest is known."""

from django.db import migrations

from audit.policies import fenced, finds, knows

KNOWN = "memberships_knows(guest_id)"
ABOUT_GUESTS = [
    "memberships_membership",
    "memberships_charge",
    "memberships_appointment",
    "memberships_waitlistentry",
    "memberships_review",
    "memberships_guestday",
]


class Migration(migrations.Migration):
    dependencies = [("memberships", "0001_initial"), ("audit", "0004_who_is_looking")]

    operations = [
        knows(
            "memberships_knows",
            ("memberships_guest", "id", "location_id"),
            ("memberships_membership", "guest_id", "location_id"),
            ("memberships_appointment", "guest_id", "location_id"),
        ),
        finds(
            "memberships_named",
            table="memberships_guest",
            key="id",
            where="first_name ~* pattern OR last_name ~* pattern",
        ),
        fenced("memberships_guest", known="memberships_knows(id)"),
        *[fenced(table, known=KNOWN) for table in ABOUT_GUESTS],
    ]
