"""The ledger at size: a million entries verified, thousands of tamperings found.

`python -m benchmarks.ledger [--entries 1000000] [--tamperings 2500] [--out FILE.json]`

Needs DATABASE_URL; works in a database of its own there and drops it at the end. The entries are
the business's usual mix of short events over 50 locations, fixed by a checkpoint each 20,000. They
are verified by one process and by two, by the verifier of the documentation from their export, and
beside it only read and hashed (one SHA-256 each, links compared): the least that any verification
costs. Every tampering changes one thing as the owner of the tables could (a text, a column, a link,
an order, a removal, a whole chain rewritten with new hashes) and must be found at its place.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
PLACES = 50
SMALL = 400  # entries of the ledger the tamperings are tried on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--tamperings", type=int, default=2_500)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("TENURE_ENV", "test")

    import django

    django.setup()
    from audit import fence

    fence.work_for_the_system()
    from django.conf import settings
    from django.db import connection

    result: dict[str, Any] = {}
    name = connection.creation.create_test_db(verbosity=0)
    try:
        with TemporaryDirectory() as folder:
            settings.LEDGER_EXPORT_DIR = folder
            result |= tampered(options.tamperings)
            result |= large(options.entries)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


def fill(entries: int, *, step: int) -> None:
    """Entries over all places, a checkpoint after each `step`."""
    from django.db import transaction

    from audit import checkpoints
    from audit.services import Entry, record_many

    for start in range(0, entries, step):
        with transaction.atomic():
            record_many(
                [
                    Entry(
                        event="activity.exported",
                        at=AT + timedelta(seconds=n),
                        location_id=n % PLACES,
                        guest_id=n % 9_973,
                        detail={"filters": f'draft {n} for "guest"\\ {n % 9_973}'},
                    )
                    for n in range(start, min(start + step, entries))
                ]
            )
        checkpoints.make(now=AT + timedelta(seconds=start))


def large(entries: int) -> dict[str, Any]:
    from django.core.management import call_command
    from django.db import connection

    from audit import checkpoints
    from audit.verification import verify

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    result: dict[str, Any] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        done = work()
        result[name] = round(time.perf_counter() - began, 2)
        return done

    timed("written_s", lambda: fill(entries, step=20_000))
    timed("only_read_and_hashed_s", _only_hash)
    for name, processes in (("verified_by_one_process_s", 1), ("verified_by_two_s", 2)):
        verdict = timed(name, lambda n=processes: verify(processes=n))
        if verdict.faults or verdict.entries < entries:
            raise SystemExit(f"The ledger should be whole: {verdict}")
    export = Path(checkpoints.path()).parent / "entries.jsonl"
    timed("exported_s", lambda: call_command("export_ledger", export, stdout=StringIO()))
    outside = [
        sys.executable, "docs/verify_ledger.py", str(export), str(checkpoints.path()),
        checkpoints.public_key(),
    ]  # fmt: skip
    timed("verified_without_tenure_s", lambda: subprocess.run(outside, check=True))
    result["two_to_only_hashed"] = round(
        result["verified_by_two_s"] / result["only_read_and_hashed_s"], 2
    )
    return {"entries": verdict.entries, "checkpoints": verdict.checkpoints} | result


def _only_hash() -> None:
    """The plain walk: every entry read in order, its hash made once and compared."""
    from django.db import connection

    query = """COPY (SELECT chain, seq, prev, hash, body FROM audit_ledgerentry ORDER BY chain, seq)
        TO STDOUT (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')"""
    before = (b"", b"")
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for block in copy:
            chain, seq, prev, found, body = bytes(block)[:-1].split(b"\x01")
            told = b"\x00%b\n%b\n%b\n%b" % (chain, seq, prev, body)
            fits = sha256(told).hexdigest().encode() == found
            if not fits or (before[0] == chain and before[1] != prev):
                raise SystemExit("The ledger should be whole.")
            before = (chain, found)


def tampered(tries: int) -> dict[str, Any]:
    """Each tampering in a transaction of its own that is undone afterwards."""
    from django.db import connection, transaction

    from audit.verification import verify

    fill(SMALL, step=100)
    with connection.cursor() as cursor:
        for table in ("audit_ledgerentry", "audit_ledgerhead"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    if verify().faults:
        raise SystemExit("The untouched ledger should be whole.")
    rng = random.Random(7)
    done: Counter[str] = Counter()
    found = located = 0
    for number in range(tries):
        kind = list(KINDS)[number % len(KINDS)]
        with transaction.atomic():
            chain, seqs = KINDS[kind](rng)
            faults = verify().faults
            found += bool(faults)
            located += any(f.chain == chain and f.seq in seqs for f in faults)
            transaction.set_rollback(True)
        done[kind] += 1
    return {"tamperings": tries, "found": found, "located": located, "kinds": dict(done)}


def _pick(rng: random.Random) -> Any:
    from audit.models import LedgerEntry

    place = rng.randrange(PLACES)
    per_chain = SMALL // PLACES
    return LedgerEntry.objects.get(chain=f"location:{place}", seq=rng.randint(1, per_chain))


def _change(rng: random.Random, **changes: Any) -> tuple[str, set[int]]:
    from audit.models import LedgerEntry

    entry = _pick(rng)
    LedgerEntry.objects.filter(pk=entry.pk).update(**changes)
    return entry.chain, {entry.seq}


def _text(rng: random.Random) -> tuple[str, set[int]]:
    entry = _pick(rng)
    place = rng.randrange(len(entry.body))
    letter = rng.choice("0123456789abcxyz{}:,")
    if entry.body[place] == letter:
        letter = "~"
    entry.body = entry.body[:place] + letter + entry.body[place + 1 :]
    entry.save()
    return entry.chain, {entry.seq}


def _rehashed(rng: random.Random) -> tuple[str, set[int]]:
    """A changed text with its hash made anew: the next link, the head or a checkpoint tells."""
    from audit.formula import digest

    entry = _pick(rng)
    entry.body = entry.body.replace('"filters":"draft', '"filters":"other')
    entry.hash = digest(chain=entry.chain, seq=entry.seq, prev=entry.prev, body=entry.body)
    entry.save()
    return entry.chain, {entry.seq, entry.seq + 1}


def _rewritten(rng: random.Random) -> tuple[str, set[int]]:
    """The rest of the chain written anew, head included: only a checkpoint tells."""
    from audit.formula import digest
    from audit.models import LedgerEntry, LedgerHead

    first = _pick(rng)
    prev = first.prev
    for entry in LedgerEntry.objects.filter(chain=first.chain, seq__gte=first.seq).order_by("seq"):
        entry.prev = prev
        entry.body = entry.body.replace('"filters":"draft', '"filters":"other')
        entry.hash = digest(chain=entry.chain, seq=entry.seq, prev=prev, body=entry.body)
        entry.save()
        prev = entry.hash
    LedgerHead.objects.filter(chain=first.chain).update(hash=prev)
    # Two entries of a chain stand between two checkpoints: the first one fixed tells.
    return first.chain, {first.seq, first.seq + 1}


def _removed(rng: random.Random) -> tuple[str, set[int]]:
    from audit.models import LedgerEntry

    entry = _pick(rng)
    LedgerEntry.objects.filter(pk=entry.pk).delete()
    return entry.chain, {entry.seq}


def _cut(rng: random.Random) -> tuple[str, set[int]]:
    """The end cut off, the head moved back to fit: only a checkpoint tells."""
    from audit.models import LedgerEntry, LedgerHead

    entry = _pick(rng)
    LedgerEntry.objects.filter(chain=entry.chain, seq__gte=entry.seq).delete()
    LedgerHead.objects.filter(chain=entry.chain).update(seq=entry.seq - 1, hash=entry.prev)
    return entry.chain, {entry.seq}


def _swapped(rng: random.Random) -> tuple[str, set[int]]:
    from audit.models import LedgerEntry

    entry = _pick(rng)
    seq = max(entry.seq - 1, 1)
    for old, new in ((seq, -1 + 10_000), (seq + 1, seq), (9_999, seq + 1)):
        LedgerEntry.objects.filter(chain=entry.chain, seq=old).update(seq=new)
    return entry.chain, {seq}


KINDS = {
    "a letter of a text": _text,
    "a text with its hash": _rehashed,
    "a chain written anew": _rewritten,
    "an entry removed": _removed,
    "an end cut off, head included": _cut,
    "two entries swapped": _swapped,
    "another guest": lambda rng: _change(rng, guest_id=99_999),
    "another person": lambda rng: _change(rng, actor_label="Somebody else"),
    "another time": lambda rng: _change(rng, at=AT - timedelta(days=1)),
    "another event": lambda rng: _change(rng, event="draft.approved"),
    "another place": lambda rng: _change(rng, location_id=777),
    "another link": lambda rng: _change(rng, prev="f" * 64),
    "another hash": lambda rng: _change(rng, hash="f" * 64),
}


if __name__ == "__main__":
    main()
