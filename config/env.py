"""The one place that reads the environment. A wrong value names itself and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
_reader = environ.Env()
if (BASE_DIR / ".env").exists():
    environ.Env.read_env(BASE_DIR / ".env")

ENVIRONMENTS = ("production", "demo", "test", "development")
YES, NO = {"yes", "true", "on", "1"}, {"no", "false", "off", "0"}
NAME: str = _reader.str("TENURE_ENV", default="production")
if NAME not in ENVIRONMENTS:
    raise ImproperlyConfigured(
        f"TENURE_ENV is {NAME!r}. Set it to one of: {', '.join(ENVIRONMENTS)}."
    )
IS_PRODUCTION = NAME == "production"


def text(name: str, remedy: str, *, default: str | None = None, secret: bool = False) -> str:
    """A text setting. Without a value and a default it is an error; secrets have no default
    in production, whatever `default` says."""
    fallback: Any = environ.Env.NOTSET
    if default is not None and not (secret and IS_PRODUCTION):
        fallback = default
    try:
        value = _reader.str(name, default=fallback)
    except ImproperlyConfigured:
        raise ImproperlyConfigured(f"{name} is not set. {remedy}") from None
    if not value and default != "":
        raise ImproperlyConfigured(f"{name} is empty. {remedy}")
    return str(value)


def number(name: str, remedy: str, *, default: int) -> int:
    """A whole number."""
    try:
        return int(_reader.int(name, default=default))
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number. {remedy}") from None


def flag(name: str, *, default: bool) -> bool:
    """A yes or no."""
    given = _reader.str(name, default="yes" if default else "no").strip().lower()
    if given not in YES | NO:
        raise ImproperlyConfigured(f"{name} is {given!r}. Set it to yes or no.")
    return given in YES


def words(name: str, remedy: str = "", *, default: list[str], needed: bool = False) -> list[str]:
    """A list of words separated by commas. `needed`: an empty list is an error."""
    found = [word.strip() for word in _reader.list(name, default=default) if word.strip()]
    if needed and not found:
        raise ImproperlyConfigured(f"{name} is not set. {remedy}")
    return found


def address(name: str, remedy: str, *, schemes: tuple[str, ...], default: str | None = None) -> str:
    """An address that begins with one of the schemes and names a host. In production it has no
    default."""
    url = text(name, remedy, default=default, secret=True)
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise ImproperlyConfigured(
            f"{name} is not an address that begins with {' or '.join(f'{s}://' for s in schemes)}. "
            f"{remedy}"
        )
    return url.rstrip("/")


def database(name: str, remedy: str) -> dict[str, Any]:
    """A PostgreSQL address as Django settings."""
    url = address(name, remedy, schemes=("postgres", "postgresql"))
    parsed: dict[str, Any] = dict(_reader.db_url_config(url))
    parsed["ENGINE"] = "config.postgresql"
    return parsed


def other_database(name: str, remedy: str) -> dict[str, Any] | None:
    """The address of the same database for another user; None where it is not set."""
    return database(name, remedy) if _reader.str(name, default="") else None
