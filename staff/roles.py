"""Which role holds which permissions. The one table; docs/roles.md tells it in words.

What a permission demands of an object (location, cost, four eyes) is in staff/permissions.py.
"""

from __future__ import annotations

from staff.models import User

DESK = frozenset(
    {
        "cancellations.work_calls",
        "cancellations.ask_call",
        "cancellations.view_bookings",
        "retention.search_members",
        "retention.view_member",
        "memberships.view_sync",
        "outreach.stop_sending",
        "outreach.view_sequence",
        "outreach.answer_reply",
    }
)
MANAGER = DESK | {
    "risk.view_scores",
    "retention.view_members",
    "outreach.view_draft",
    "outreach.edit_draft",
    "outreach.approve_draft",
    "outreach.reject_draft",
    "outreach.snooze_draft",
    "outreach.request_draft",
    "outreach.record_authorisation",
    "outreach.view_outgoing",
    "outreach.cancel_message",
    "outreach.lower_play",
    "outreach.steer_sequence",
    "outreach.answer_freely",
    "outreach.view_library",
    "outreach.propose_library",
    "audit.view_activity",
}
REGIONAL = MANAGER | {
    "retention.view_overview",
    "outreach.resume_sending",
    "outreach.promote_play",
    "outreach.approve_library",
    "outreach.change_policy",
    "risk.change_thresholds",
    "risk.view_quality",
    "audit.export_guest",
    "risk.serve_model",
}
ADMIN = REGIONAL | {
    "memberships.start_sync",
    "staff.manage_people",
    "staff.erase_guest",
}

PERMISSIONS: dict[str, frozenset[str]] = {
    User.Role.DESK: DESK,
    User.Role.MANAGER: MANAGER,
    User.Role.REGIONAL: REGIONAL,
    User.Role.ADMIN: ADMIN,
}
