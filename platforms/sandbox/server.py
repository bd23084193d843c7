"""Run the sandbox: one gunicorn process with threads, so that its state stays simple."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

THREADS = 8


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with our settings; the background work starts inside the worker."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": [self.address],
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "keepalive": 30,
            "timeout": 900,
            "graceful_timeout": 3,
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        from django.core.wsgi import get_wsgi_application

        application = get_wsgi_application()
        from platforms.sandbox import background

        background.start()
        return application


def serve(address: str) -> None:
    """Serve on `host:port` until stopped."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "platforms.sandbox.settings"
    Server(address).run()
