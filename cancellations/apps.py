from django.apps import AppConfig


class CancellationsConfig(AppConfig):
    name = "cancellations"

    def ready(self) -> None:
        from audit.events import register
        from cancellations import events, receivers  # noqa: F401

        register(events.SENTENCES)
