"""manage.py export_ledger FILE: the entries as JSON lines, for a verifier that trusts nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from audit.models import LedgerEntry

CHUNK = 5_000


class Command(BaseCommand):
    help = "Write chain, seq, prev, hash and body of every entry, one JSON line each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--guest", type=int, help="only what was done to and about this guest")

    def handle(self, *args: Any, **options: Any) -> None:
        entries = LedgerEntry.objects.order_by("chain", "seq")
        if options["guest"] is not None:
            entries = entries.filter(guest_id=options["guest"])
        names = ("chain", "seq", "prev", "hash", "body")
        count = 0
        with options["file"].open("w") as out:
            for row in entries.values(*names).iterator(chunk_size=CHUNK):
                out.write(json.dumps(row) + "\n")
                count += 1
        self.stdout.write(f"{count:,} entries written to {options['file']}.")
