"""Drafts, messages and answers of a location are seen there; what was said to a guest and what the
guest said, wherever the guest is known. Whom a location has to do with by them, it knows."""

from django.db import migrations

from audit.policies import also_seen, fenced, knows

KNOWN = "memberships_knows(guest_id) OR outreach_knows(guest_id)"
TABLES = [
    "outreach_draft",
    "outreach_message",
    "outreach_run",
    "outreach_thread",
    "outreach_reply",
    "outreach_calltask",
]


class Migration(migrations.Migration):
    dependencies = [("outreach", "0003_arms_stay"), ("memberships", "0002_fence")]

    operations = [
        knows("outreach_knows", *[(table, "guest_id", "location_id") for table in TABLES]),
        fenced("outreach_draft"),
        fenced("outreach_shadowdraft"),
        fenced("outreach_run"),
        fenced("outreach_thread"),
        fenced("outreach_calltask"),
        fenced("outreach_message", known=KNOWN),
        fenced("outreach_reply", known=KNOWN),
        also_seen("memberships_guest", name="tenure_fence_outreach", known="outreach_knows(id)"),
        migrations.RunSQL(
            "ALTER VIEW risk_experiment_case SET (security_invoker = true)",
            "ALTER VIEW risk_experiment_case RESET (security_invoker)",
        ),
    ]
