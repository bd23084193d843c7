from django.apps import AppConfig


class RiskConfig(AppConfig):
    name = "risk"

    def ready(self) -> None:
        from audit import events as audit_events
        from risk import events, receivers  # noqa: F401 - connects the receivers

        audit_events.register(events.SENTENCES)
