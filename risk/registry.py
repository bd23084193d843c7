"""The store of models: signed when written, verified over the text before anything parses it.

The signature is an HMAC-SHA256 with a key derived from SECRET_KEY; old keys stay valid through
SECRET_KEY_FALLBACKS while a key is being rotated.
"""

from __future__ import annotations

from django.core.signing import BadSignature, Signer

from risk.engine.additive import Artefact, BadArtefact
from risk.models import ModelVersion

SALT = "risk.model"


class Refused(Exception):
    """The stored model may not be used; the message says why."""


def sign(artefact: str) -> str:
    return Signer(salt=SALT).signature(artefact)


# What a process has verified it may keep: a stored model never changes, and a row with another
# signature is another model. (pk, signature) -> model.
_verified: dict[tuple[int, str], Artefact] = {}
_KEPT = 16


def load(version: ModelVersion) -> Artefact:
    """The model of a stored version, ready to score. Raises Refused."""
    key = (version.pk, version.signature)
    if key not in _verified:
        artefact = verify(version.artefact, version.signature, version.target)
        if len(_verified) >= _KEPT:
            forget()
        _verified[key] = artefact
    return _verified[key]


def verified(pk: int, signature: str) -> Artefact | None:
    """The model, if this process has verified it already."""
    return _verified.get((pk, signature))


def forget() -> None:
    """Verify every model again at its next use."""
    _verified.clear()


def verify(text: str, signature: str, target: str) -> Artefact:
    """The model in the text, if the signature fits and it is for the target. Raises Refused."""
    signer = Signer(salt=SALT)
    try:
        signer.unsign(f"{text}{signer.sep}{signature}")
    except BadSignature as error:
        raise Refused("The signature does not fit the model.") from error
    try:
        artefact = Artefact.parse(text)
    except BadArtefact as error:
        raise Refused(str(error)) from error
    if artefact.target != target:
        raise Refused(f"The model was made for {artefact.target}, not for {target}.")
    return artefact
