from django.apps import AppConfig


class MembershipsConfig(AppConfig):
    name = "memberships"

    def ready(self) -> None:
        from audit import events as ledger_events
        from memberships import events, hints
        from platforms import inbox

        ledger_events.register(events.SENTENCES)
        inbox.register(hints.CONNECTION, hints.handle_delivery)
