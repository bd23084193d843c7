from __future__ import annotations

from django.apps import AppConfig

ACTIVITY_EXPORTED = "activity.exported"
LEDGER_RECONCILED = "ledger.reconciled"
GUEST_EXPORTED = "guest.exported"


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit import events
        from audit.models import GUEST_VIEWED, GUESTS_LISTED

        events.register(
            {
                ACTIVITY_EXPORTED: "{actor} took the activity log away ({filters})",
                GUEST_VIEWED: "{actor} looked at {guest} ({where})",
                GUESTS_LISTED: "{actor} was shown a list of {count} guests ({where}; by {filters})",
                GUEST_EXPORTED: "{actor} took away everything kept about {guest}",
                LEDGER_RECONCILED: "{actor} went on from a restored database: {reason}",
            }
        )
