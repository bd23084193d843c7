"""Mail that came in, as the mail service posts it to us: one JSON object per mail or notice.

    {"id": "...", "type": "inbound", "from": "Ana <ana@example.com>", "to": "reply+...@...",
     "subject": "Re: ...", "text": "...", "html": "...", "message_id": "<...>",
     "in_reply_to": "<...>", "received_at": "2026-11-21T10:00:00Z", "headers": {...}}

`type` is inbound (the default), bounce, delivered or complaint. Bounces say `hard` where they know,
`code` (5.1.1) and `in_reply_to` or `to`. Whatever service is used brings its mails into this form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import getaddresses
from typing import Any

import orjson

from platforms.inbox import Unreadable

KINDS = ("inbound", "bounce", "delivered", "complaint")
_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_STATUS = re.compile(r"^Status:\s*([245]\.\d{1,3}\.\d{1,3})", re.I | re.M)
_ACTION = re.compile(r"^Action:\s*(\w+)", re.I | re.M)
_MESSAGE_ID = re.compile(r"<[^<>\s]{3,250}>")


@dataclass(frozen=True, kw_only=True)
class InboundMail:
    """One mail or notice. Addresses are in small letters; `named` are the message ids it refers
    to, the likeliest first; `code` is an enhanced status code (RFC 3463) or empty."""

    id: str
    kind: str
    sender: str
    to: list[str]
    subject: str = ""
    text: str = ""
    html: str = ""
    message_id: str = ""
    named: list[str] = field(default_factory=list)
    received_at: datetime | None = None
    headers: dict[str, str] = field(default_factory=dict)
    code: str = ""
    is_final: bool = True  # of a bounce: the mailbox will not get it


def parse(body: bytes) -> InboundMail:
    """Raises Unreadable with what is wrong."""
    try:
        wire = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unreadable("The mail is not JSON.") from None
    if not isinstance(wire, dict):
        raise Unreadable("The mail is not an object.")
    kind = _text(wire, "type").lower() or "inbound"
    if kind not in KINDS:
        raise Unreadable(f"No such kind of mail is known: {kind[:40]!r}.")
    headers = wire.get("headers")
    known = {
        str(name).lower(): str(value)[:1000]
        for name, value in (headers.items() if isinstance(headers, dict) else ())
    }
    content_type = known.get("content-type", "") or _text(wire, "content_type")
    report = _text(wire, "report") or _text(wire, "text")
    if kind == "inbound" and "multipart/report" in content_type.lower():
        if "disposition-notification" in content_type.lower():
            # A read receipt: nobody wrote it.
            known["auto-submitted"] = "auto-replied"
        else:
            kind = "bounce"
    senders = addresses(wire.get("from"))
    if kind == "inbound" and not senders:
        raise Unreadable("The mail names no sender.")
    return InboundMail(
        id=_text(wire, "id")[:200],
        kind=kind,
        sender=senders[0] if senders else "",
        to=addresses(wire.get("to")),
        subject=_text(wire, "subject")[:500],
        text=_text(wire, "text"),
        html=_text(wire, "html"),
        message_id=_first_id(_text(wire, "message_id") or known.get("message-id", "")),
        named=_named(wire, known, report if kind == "bounce" else ""),
        received_at=_instant(_text(wire, "received_at")),
        headers=known,
        code=_code(wire, report) if kind == "bounce" else "",
        is_final=_is_final(wire, report) if kind == "bounce" else True,
    )


def _text(wire: dict[str, Any], name: str) -> str:
    value = wire.get(name)
    return value.replace("\x00", "") if isinstance(value, str) else ""


def addresses(value: object) -> list[str]:
    """Addresses of a header, or of a list of them, in small letters."""
    parts = value if isinstance(value, list) else [value]
    texts = [part.replace("\x00", "") for part in parts if isinstance(part, str)]
    found = (address.strip().lower()[:254] for _name, address in getaddresses(texts))
    return [address for address in found if "@" in address]


def _first_id(text: str) -> str:
    found = _MESSAGE_ID.search(text)
    return found.group() if found else ""


def _named(wire: dict[str, Any], headers: dict[str, str], report: str) -> list[str]:
    texts = [
        _text(wire, "in_reply_to"),
        headers.get("in-reply-to", ""),
        headers.get("references", ""),
        report[:50_000],
    ]
    found = [one for text in texts for one in _MESSAGE_ID.findall(text)]
    return list(dict.fromkeys(found))[:50]


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _code(wire: dict[str, Any], report: str) -> str:
    found = _ENHANCED.search(_text(wire, "code")) or _STATUS.search(report)
    return found.group(1) if found else ""


def _is_final(wire: dict[str, Any], report: str) -> bool:
    """A report of a delay is no bounce; neither is one that says soft or 4.x.x."""
    if isinstance(wire.get("hard"), bool):
        return bool(wire["hard"])
    action = _ACTION.search(report)
    if action is not None:
        return action.group(1).lower() == "failed"
    return not _code(wire, report).startswith(("4", "2"))
