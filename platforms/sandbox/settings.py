"""Django settings of the sandbox server; it shares nothing with the product's."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

from platforms.sandbox.environment import environment

_database = urlsplit(environment().database_url)

SECRET_KEY = secrets.token_urlsafe(32)  # nothing is signed for longer than the process lives
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "sandbox"]
ROOT_URLCONF = "platforms.sandbox.urls"
USE_TZ = True
TIME_ZONE = "UTC"
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000
MIDDLEWARE = ["platforms.sandbox.zenoti.gate.ZenotiGate"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path.lstrip("/"),
        "USER": unquote(_database.username or ""),
        "PASSWORD": unquote(_database.password or ""),
        "HOST": _database.hostname or "",
        "PORT": str(_database.port or ""),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {
        "django": {"handlers": ["console"], "level": "ERROR"},
        "sandbox": {"handlers": ["console"], "level": "INFO"},
    },
}
