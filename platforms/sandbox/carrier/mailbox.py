"""The mailbox: an SMTP server that keeps every mail and never passes one on."""

from __future__ import annotations

import asyncio
import email
import email.policy
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from platforms.sandbox import faults
from platforms.sandbox.business import query
from platforms.sandbox.carrier import guests, messages
from platforms.sandbox.environment import environment

_writers = ThreadPoolExecutor(1, thread_name_prefix="mailbox")


class Mailbox:
    """aiosmtpd handler: one row per recipient."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else bytes(content or b"")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(
            _writers, keep, raw, str(envelope.mail_from), list(envelope.rcpt_tos)
        )
        return "250 Message accepted for delivery"


def keep(raw: bytes, sender: str, recipients: list[str]) -> None:
    """Store a mail once per recipient; guests will look at it."""
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    body = _text(mail)
    headers = {name: str(value) for name, value in mail.items()}
    for recipient in recipients:
        rows = query("SELECT id FROM guest WHERE lower(email) = lower(%s)", [recipient])
        number, _ = messages.add(
            channel="email", direction="out", sender=sender, recipient=recipient, body=body,
            status="delivered", guest_id=rows[0][0] if rows else None,
            subject=str(mail.get("Subject", "")), reference=mail.get("X-Entity-Ref-ID"),
            headers=headers,
        )  # fmt: skip
        if not environment().mail_hook_url:
            if rows:
                guests.plan_reaction(number)
        elif not rows:
            notice(number, "bounce", code="5.1.1", hard=True)
        elif faults.strikes("mail_bounced"):
            notice(number, "bounce", code="5.2.2", hard=True)
        else:
            notice(number, "delivered")
            guests.plan_reaction(number)


def notice(number: int, kind: str, **detail: Any) -> None:
    """What became of a mail, to be posted to the product."""
    pause = environment().answer_seconds * messages.DELIVERED_AFTER
    messages.errand("mail-notice", number, pause, type=kind, **detail)


def _text(mail: Any) -> str:
    if not isinstance(mail, EmailMessage):
        return ""
    part = mail.get_body(preferencelist=("plain", "html"))
    return str(part.get_content()) if part else ""


def start(port: int) -> Controller:
    """Listen on loopback; the caller stops it."""
    controller = Controller(Mailbox(), hostname="127.0.0.1", port=port)
    controller.start()
    return controller
