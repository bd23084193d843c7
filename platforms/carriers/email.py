"""Mail by the configured mail server."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Sequence
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from platforms.outcome import NotBegun, Outcome, Result


def message_id(key: str) -> str:
    """The Message-ID of a key: the same at every attempt, so that doubles can be told."""
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    domain = sender.rpartition("@")[2] or "localhost"
    return f"<{key.replace(':', '.')}@{domain}>"


def send(
    *,
    key: str,
    to: str,
    subject: str,
    body: str,
    unsubscribe: str = "",
    reply_to: str = "",
    answers: Sequence[str] = (),
    begin_by: float | None = None,
) -> Outcome:
    """One mail. `unsubscribe` is an address (https or mailto) for the List-Unsubscribe header,
    `reply_to` where answers go, `answers` the Message-IDs of the conversation, the newest last.
    Raises NotBegun after `begin_by` (monotonic)."""
    headers = {"Message-ID": message_id(key), "X-Entity-Ref-ID": key}
    if reply_to:
        headers["Reply-To"] = reply_to
    if answers:
        headers["In-Reply-To"] = answers[-1]
        headers["References"] = " ".join(answers)
    if unsubscribe:
        headers["List-Unsubscribe"] = f"<{unsubscribe}>"
        if unsubscribe.startswith("https:"):
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    connection: Any = get_connection(fail_silently=False)
    if begin_by is not None and time.monotonic() > begin_by:
        raise NotBegun
    try:
        connection.open()
    except (smtplib.SMTPException, OSError) as error:
        return Outcome(Result.RETRY, error=f"The mail server was not reached: {_words(error)}")
    try:
        EmailMessage(
            subject=subject, body=body, to=[to], headers=headers, connection=connection
        ).send()
    except (
        smtplib.SMTPRecipientsRefused,
        smtplib.SMTPResponseException,
        ValueError,
    ) as error:
        return _refusal(error)
    except (smtplib.SMTPException, OSError) as error:
        return Outcome(Result.UNKNOWN, error=f"The connection broke: {_words(error)}")
    finally:
        _close(connection)
    return Outcome(Result.SENT, provider_ref=message_id(key))


def look_up(*, key: str) -> Outcome:
    """A mail server cannot be asked about a mail: a person decides."""
    return Outcome(Result.UNCERTAIN, error="Whether this mail left cannot be found out.")


def _refusal(error: Exception) -> Outcome:
    """A 4xx answer passes, a 5xx answer stays; a malformed address or header stays too."""
    code = 550
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = min((answer[0] for answer in error.recipients.values()), default=550)
    elif isinstance(error, smtplib.SMTPResponseException):
        code = error.smtp_code
    state = Result.RETRY if 400 <= code < 500 else Result.REFUSED
    return Outcome(state, error=_words(error))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _close(connection: Any) -> None:
    try:
        connection.close()
    except (smtplib.SMTPException, OSError):
        # The mail is handed over or not by now; a rude goodbye changes nothing.
        return
