from django.apps import AppConfig


class RiskConfig(AppConfig):
    name = "risk"

    def ready(self) -> None:
        from audit import events as audit_events
        from risk import events, naming, receivers  # noqa: F401 - connects the receivers

        audit_events.register(events.SENTENCES)
        audit_events.register_words("model", naming.in_words)
        audit_events.register_words("before", naming.in_words)
