"""Where a guest's answer to an e-mail goes: an address of its own for each message.

`reply+<message>.<signature>@<domain>`: small letters and digits only, since mail servers may fold
case, and shorter than the 64 characters a mailbox name may have. Who answers from another address
is still known by it, and nobody can make one up.
"""

from __future__ import annotations

import base64
import re

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from outreach.models import Message

SALT = "outreach.reply_address"
PREFIX = "reply+"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TOKEN = re.compile(r"^([0-9a-z]{1,13})\.([a-z2-7]{16})$")


# How a guest reaches us from an e-mail and stops more of them, by language: where answers are read
# here; where they are not, with a number to call and without one.
_READ = {
    "en": ("answer this e-mail", "answer STOP or use the unsubscribe link of your mail program"),
    "es": (
        "responde a este correo",
        "responde STOP o usa el enlace de baja de tu programa de correo",
    ),
}
_UNREAD = {
    "en": ("call us at {phone}", "stop by", "use the unsubscribe link of your mail program"),
    "es": (
        "llámanos al {phone}",
        "pasa a vernos",
        "usa el enlace de baja de tu programa de correo",
    ),
}


def are_read() -> bool:
    """Whether answers to e-mails come to Tenure. Without a domain for them nobody obeys a STOP that
    is written back."""
    return bool(settings.MAIL["reply_domain"])


def ways(*, language: str, phone: str) -> dict[str, str]:
    """Values of the fields `reach_us` and `way_out` in a language of the library, else English;
    `phone` is that of the location, if it has one."""
    known = language if language in _READ else "en"
    if are_read():
        reach_us, way_out = _READ[known]
    else:
        call, come, way_out = _UNREAD[known]
        reach_us = call.format(phone=phone) if phone else come
    return {"reach_us": reach_us, "way_out": way_out}


def address_for(message: Message) -> str:
    """What stands in Reply-To; without a domain of ours the location's own mailbox, if the
    platform names one; else empty."""
    domain = settings.MAIL["reply_domain"]
    if not domain:
        return message.location.email
    return f"{PREFIX}{token_for(message.pk)}@{domain}"


def token_for(pk: int) -> str:
    """The message's number and 80 bits of HMAC-SHA256 over it."""
    number, rest = "", pk
    while rest:
        rest, digit = divmod(rest, 36)
        number = _DIGITS[digit] + number
    return f"{number}.{_mac(number, settings.SECRET_KEY)}"


def _mac(number: str, secret: str) -> str:
    digest = salted_hmac(SALT, number, secret=secret, algorithm="sha256").digest()
    return base64.b32encode(digest[:10]).decode().lower()


def message_of(addresses: list[str]) -> Message | None:
    """The message whose address is among these; None where none is, or none is genuine."""
    for address in addresses:
        name, _at, domain = address.lower().rpartition("@")
        if domain != settings.MAIL["reply_domain"].lower() or not name.startswith(PREFIX):
            continue
        parts = _TOKEN.match(name.removeprefix(PREFIX))
        if parts is None:
            continue
        number, given = parts.groups()
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        if any(constant_time_compare(_mac(number, key), given) for key in keys):
            pk = int(number, 36)
            if pk < 2**63:
                return (
                    Message.objects.select_related("guest__merged_into", "location", "play")
                    .filter(pk=pk)
                    .first()
                )
    return None
