"""manage.py verify_ledger: is the ledger whole? Ends with 1 and names the first fault if not."""

from __future__ import annotations

import os
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from audit.verification import verify

TOLD_EVERY = 100_000


class Command(BaseCommand):
    help = "Check every hash and link of the ledger; name chain and entry of the first fault."
    told = 0

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--chain", help="only this chain, for example location:3")
        parser.add_argument(
            "--processes", type=int, default=os.cpu_count() or 1, help="that share a large ledger"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")  # a long ledger takes longer than a page
        verdict = verify(
            chain=options["chain"], progress=self._progress, processes=max(1, options["processes"])
        )
        for restored in verdict.restorations:
            self.stderr.write(restored)
        if verdict.faults:
            for fault in verdict.faults:
                self.stderr.write(str(fault))
            raise CommandError(f"The ledger is not whole. First fault: {verdict.faults[0]}")
        seconds = time.monotonic() - began
        self.stdout.write(
            f"The ledger is whole: {verdict.entries:,} entries in {verdict.chains:,} chains, "
            f"{verdict.checkpoints:,} exported checkpoints ({seconds:.1f} s)."
        )

    def _progress(self, done: int) -> None:
        if done // TOLD_EVERY > self.told:
            self.told = done // TOLD_EVERY
            self.stderr.write(f"{done:,} entries ...")
