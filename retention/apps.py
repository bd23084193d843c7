from django.apps import AppConfig

from audit import events as ledger


class RetentionConfig(AppConfig):
    name = "retention"

    def ready(self) -> None:
        from retention import events, receivers

        ledger.register(events.SENTENCES)
        receivers.connect()
