"""Checkpoints: every few minutes one signed line that fixes the state of all chains.

    text = canonical JSON {number, at, prev, root, chains, changed, restored, key}
    prev = SHA-256(0x02 | text of the checkpoint before), the first one 64 zeros

Signed with Ed25519 and appended to a file the owner of the database cannot write to. `root` is the
Merkle root over all heads; `changed` lists the heads that moved since the checkpoint before, so the
file alone rebuilds every head. `restored` names the checkpoint a backup went back to, where this
one is the first after it. Whoever has the file proves what the ledger said at each checkpoint,
and a database older than the file (brought back from a backup) is recognised by it.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction

from audit import merkle
from audit.apps import LEDGER_RECONCILED
from audit.formula import GENESIS
from audit.models import LedgerCheckpoint, LedgerHead, NotedHead
from audit.services import canonical, record

FILE = "checkpoints.jsonl"
_TAIL = 1 << 20  # bytes at the end of the file in which its last line is looked for first


class Behind(Exception):
    """The database is not the one the exported checkpoints tell of; the message says how."""


class NotNeeded(Exception):
    """There is nothing to reconcile: the database knows the last exported checkpoint."""


@dataclass(frozen=True)
class Exported:
    """A line of the exported file."""

    text: str
    signature: str

    @property
    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.text)
        return told


# --- Making ------------------------------------------------------------------------------------


def make(*, now: datetime) -> LedgerCheckpoint | None:
    """Fix the present state of all chains and export it. None when no chain has moved since the
    last one. Raises Behind: a database brought back from a backup makes no checkpoints until
    somebody has reconciled it."""
    check()
    with transaction.atomic():
        _one_at_a_time()
        made = _make(now=now)
    export()
    return made


def _make(*, now: datetime, after: Exported | None = None) -> LedgerCheckpoint | None:
    """`after`: continue the exported file rather than the table, once, on reconciling."""
    heads = list(LedgerHead.objects.order_by("chain").values_list("chain", "seq", "hash"))
    noted = {head.chain: (head.seq, head.hash) for head in NotedHead.objects.all()}
    changed = [head for head in heads if noted.get(head[0]) != head[1:]]
    if not changed:
        return None
    number, prev = _place(after)
    text = canonical(
        {
            "number": number,
            "at": now,
            "prev": prev,
            "root": merkle.root(heads),
            "chains": len(heads),
            "changed": changed,
            "restored": None if after is None else _last_own(),
            "key": key_id(),
        }
    )
    NotedHead.objects.bulk_create(
        [NotedHead(chain=chain, seq=seq, hash=digest) for chain, seq, digest in changed],
        update_conflicts=True,
        unique_fields=["chain"],
        update_fields=["seq", "hash"],
        batch_size=2_000,
    )
    return LedgerCheckpoint.objects.create(number=number, at=now, text=text, signature=_sign(text))


def _place(after: Exported | None) -> tuple[int, str]:
    if after is not None:
        return int(after.told["number"]) + 1, digest(after.text)
    last = LedgerCheckpoint.objects.order_by("-number").first()
    return (last.number + 1, digest(last.text)) if last is not None else (1, GENESIS)


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(HASHTEXT('audit.checkpoint'))")


def digest(text: str) -> str:
    """The hash by which the next checkpoint names this one."""
    return hashlib.sha256(b"\x02" + text.encode()).hexdigest()


def _private() -> Ed25519PrivateKey:
    """The signing key, drawn from the secret text of the setting."""
    seed = hashlib.sha256(b"ledger checkpoints\x00" + settings.LEDGER_SIGNING_KEY.encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def _sign(text: str) -> str:
    return base64.b64encode(_private().sign(text.encode())).decode()


def public_key() -> str:
    """What a verifier needs: the public half of the signing key, base64."""
    return base64.b64encode(_private().public_key().public_bytes_raw()).decode()


def key_id() -> str:
    """A short name of the signing key, so that a change of key is seen."""
    return hashlib.sha256(base64.b64decode(public_key())).hexdigest()[:16]


# --- Exporting ---------------------------------------------------------------------------------


def path() -> Path:
    return Path(settings.LEDGER_EXPORT_DIR) / FILE


def export(*, cut: bool = False) -> int:
    """Append the checkpoints the file lacks, in order; returns how many. Safe to run twice and
    beside itself: what the file already has is read under its lock.

    A line that a crash cut off while it was written is finished. Raises Behind when the file ends
    otherwise than this database would have written it; `cut`: a person has looked, take it off.
    """
    path().parent.mkdir(parents=True, exist_ok=True)
    with path().open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last, torn = _ends(file.fileno())
        known = int(last.told["number"]) if last is not None else 0
        missing = LedgerCheckpoint.objects.filter(number__gt=known).order_by("number")
        lines = [_line(one) for one in missing]
        if torn and not "".join(lines).encode().startswith(torn):
            if not cut:
                raise Behind(_not_ours(known))
            file.truncate(os.fstat(file.fileno()).st_size - len(torn))
            torn = b""
        file.write("".join(lines).encode()[len(torn) :])
        file.flush()
        os.fsync(file.fileno())
    return len(lines)


def _line(one: LedgerCheckpoint) -> str:
    return json.dumps({"text": one.text, "signature": one.signature}) + "\n"


def _not_ours(known: int) -> str:
    return (
        f"{path()} ends in half a line that this database did not begin: it does not know that "
        f"checkpoint {known + 1}. Compare with the carrier and with your copies of the file, then "
        "run `manage.py reconcile_ledger`."
    )


def is_cut_off(number: int, torn: bytes) -> bool:
    """Whether this end of the file is the beginning of the line of that checkpoint as the database
    has it: a crash in the midst of writing, which the next export mends."""
    one = LedgerCheckpoint.objects.filter(number=number).first()
    return one is not None and _line(one).encode().startswith(torn)


def last_exported() -> Exported | None:
    """The last whole line of the file, None when there is none yet. Raises Behind."""
    return _exported()[0]


def _exported() -> tuple[Exported | None, bytes]:
    try:
        with path().open("rb") as file:
            return _ends(file.fileno())
    except FileNotFoundError:
        return None, b""


def _ends(descriptor: int) -> tuple[Exported | None, bytes]:
    """The last whole line and what stands behind it: a line cut off while being written (a full
    disk, a lost machine) does not count. Raises Behind."""
    size = os.fstat(descriptor).st_size
    lines: list[bytes] = []
    for reach in (min(size, _TAIL), size):
        lines = os.pread(descriptor, reach, size - reach).split(b"\n")
        whole = lines[:-1] if reach == size else lines[1:-1]
        if whole:
            try:
                told = json.loads(whole[-1])
                return Exported(told["text"], told["signature"]), lines[-1]
            except (ValueError, KeyError, TypeError) as error:
                raise Behind(
                    f"The last line of {path()} cannot be read. Compare the file with your copy of "
                    "it and put that back."
                ) from error
    return None, lines[-1]


# --- Is this the database the file tells of? ---------------------------------------------------


def check() -> None:
    """Raises Behind when the exported file knows a checkpoint this database does not (it was
    brought back from a backup, and what was done since is not known here), or is gone."""
    last, torn = _exported()
    known = last.told["number"] if last is not None else 0
    if torn and not is_cut_off(known + 1, torn):
        raise Behind(_not_ours(known))
    if last is None and not torn:
        if LedgerCheckpoint.objects.exists():
            raise Behind(
                f"{path()} is missing or empty, though checkpoints were exported. Bring it back, "
                "or write it anew with `manage.py checkpoint_ledger --write-anew`."
            )
        return
    if last is None:
        return
    number = last.told["number"]
    own = LedgerCheckpoint.objects.filter(number=number).values_list("text", flat=True).first()
    if own != last.text:
        raise Behind(
            f"The exported ledger is at checkpoint {number} of {last.told['at']}, which this "
            "database does not have. It is older than what was done: compare with the carrier, "
            "then run `manage.py reconcile_ledger`."
        )


def is_current() -> bool:
    """Whether this database knows everything that was exported: only then may it send."""
    try:
        check()
    except Behind:
        return False
    return True


def reconcile(*, by: AbstractBaseUser, reason: str, now: datetime) -> LedgerCheckpoint:
    """A person has compared a restored database with the outside world: go on from here. The file
    keeps what was lost; the new checkpoint says that it follows a restoration. Raises NotNeeded."""
    last = last_exported()
    if last is None or is_current():
        raise NotNeeded("The database knows every exported checkpoint.")
    with transaction.atomic():
        _one_at_a_time()
        record(
            LEDGER_RECONCILED,
            at=now,
            by=by,
            detail={"reason": reason, "lost_after": _last_own(), "until": last.told["number"]},
        )
        made = _make(now=now, after=last)
        assert made is not None  # the entry above moved a chain
    export(cut=True)
    return made


def _last_own() -> int:
    newest = LedgerCheckpoint.objects.order_by("-number").first()
    return newest.number if newest is not None else 0
