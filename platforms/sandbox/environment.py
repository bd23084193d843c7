"""Settings of the sandbox, read once from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache


class MissingSettingError(RuntimeError):
    """A setting without which the sandbox cannot run; the message names it and the remedy."""


@dataclass(frozen=True)
class Environment:
    """`answer_seconds`: the usual time a guest takes to answer. `webhook_retry_seconds`: the
    first pause between tries of a webhook (Zenoti: 30 s), doubled each time."""

    database_url: str
    api_key: str
    webhook_url: str
    webhook_secret: str
    webhook_retry_seconds: float
    sms_account: str
    sms_token: str
    sms_inbound_url: str
    mail_hook_url: str
    mail_hook_secret: str
    smtp_port: int
    rate_per_minute: int
    answer_seconds: float
    control_token: str


@cache
def environment() -> Environment:
    """The settings. Raises MissingSettingError."""
    read = os.environ.get
    url = read("SANDBOX_DATABASE_URL", "")
    if not url:
        raise MissingSettingError(
            "SANDBOX_DATABASE_URL is not set: give the sandbox a PostgreSQL database of its own, "
            "for example postgres://postgres@127.0.0.1:5432/sandbox."
        )
    return Environment(
        database_url=url,
        api_key=read("SANDBOX_API_KEY", "sandbox"),
        webhook_url=read("SANDBOX_WEBHOOK_URL", ""),
        webhook_secret=read("SANDBOX_WEBHOOK_SECRET", "sandbox"),
        webhook_retry_seconds=float(read("SANDBOX_WEBHOOK_RETRY_SECONDS", "2")),
        sms_account=read("SANDBOX_SMS_ACCOUNT", "sandbox"),
        sms_token=read("SANDBOX_SMS_TOKEN", "sandbox"),
        sms_inbound_url=read("SANDBOX_SMS_INBOUND_URL", ""),
        mail_hook_url=read("SANDBOX_MAIL_HOOK_URL", ""),
        mail_hook_secret=read("SANDBOX_MAIL_HOOK_SECRET", "whsec_c2FuZGJveA=="),
        smtp_port=int(read("SANDBOX_SMTP_PORT", "0")),
        rate_per_minute=int(read("SANDBOX_RATE_PER_MINUTE", "60")),
        answer_seconds=float(read("SANDBOX_ANSWER_SECONDS", "20")),
        control_token=read("SANDBOX_CONTROL_TOKEN", "sandbox"),
    )
