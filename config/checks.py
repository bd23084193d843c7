"""What Django's `check` asks of a deployment beyond Django's own questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@register("tenure", deploy=True)
def public_address_is_allowed(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """The address carriers call back has to be one this server answers to."""
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    allowed = any(
        name in ("*", host) or (name.startswith(".") and f".{host}".endswith(name))
        for name in settings.ALLOWED_HOSTS
    )
    if allowed:
        return []
    return [
        Error(
            f"PUBLIC_URL names {host}, which ALLOWED_HOSTS does not contain.",
            hint="Webhooks and receipts would be refused: add the host to ALLOWED_HOSTS.",
            id="tenure.E001",
        )
    ]


@register("tenure", deploy=True)
def second_factor_is_asked(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if settings.SECOND_FACTOR_REQUIRED:
        return []
    return [
        Warning(
            "SECOND_FACTOR_REQUIRED is off.",
            hint="People who approve offers should need a second factor: leave it out or say yes.",
            id="tenure.W001",
        )
    ]


@register("tenure", deploy=True)
def servers_elsewhere_ask_for_a_password(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    redis = urlsplit(settings.REDIS_URL)
    if redis.hostname not in LOOPBACK and not redis.password:
        found.append(
            Warning(
                "REDIS_URL has no password.",
                hint="Whoever reaches this Redis can start tasks: set a password, or make sure "
                "that only Tenure's network reaches it.",
                id="tenure.W002",
            )
        )
    database = settings.DATABASES["default"]
    if database["HOST"] not in (*LOOPBACK, "") and not database["PASSWORD"]:
        found.append(
            Warning(
                "DATABASE_URL has no password.",
                hint="Give the database user a password, or certificates.",
                id="tenure.W003",
            )
        )
    return found
