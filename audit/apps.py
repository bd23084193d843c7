from __future__ import annotations

from django.apps import AppConfig

ACTIVITY_EXPORTED = "activity.exported"
LEDGER_RECONCILED = "ledger.reconciled"


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit import events

        events.register(
            {
                ACTIVITY_EXPORTED: "{actor} took the activity log away ({filters})",
                LEDGER_RECONCILED: "{actor} went on from a restored database: {reason}",
            }
        )
