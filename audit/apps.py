from __future__ import annotations

from django.apps import AppConfig

ACTIVITY_EXPORTED = "activity.exported"


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit import events

        events.register({ACTIVITY_EXPORTED: "{actor} took the activity log away ({filters})."})
