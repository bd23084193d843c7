from django.apps import AppConfig


class RiskConfig(AppConfig):
    name = "risk"

    def ready(self) -> None:
        from audit import events as audit_events
        from risk import events

        audit_events.register(events.SENTENCES)
