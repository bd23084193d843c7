from django.apps import AppConfig


class OutreachConfig(AppConfig):
    name = "outreach"

    def ready(self) -> None:
        from audit import events as ledger
        from outreach import events

        ledger.register(events.SENTENCES)
