from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Settings and start"

    def ready(self) -> None:
        from config import checks  # noqa: F401  (registers Django's checks)
