"""The way out of an e-mail: a signed token that names the message, nothing else."""

from __future__ import annotations

from django.core import signing

from outreach.models import Message

SALT = "outreach.unsubscribe"


def token_for(message: Message) -> str:
    return signing.dumps(message.pk, salt=SALT)


def message_of(token: str) -> Message | None:
    """The message a token names; None for a token that is not ours. It never runs out: a way out
    stays open."""
    try:
        pk = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    return Message.objects.select_related("location", "play").filter(pk=pk).first()
