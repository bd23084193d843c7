"""manage.py checkpoint_ledger: fix and export the state of the ledger now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import checkpoints, clock


class Command(BaseCommand):
    help = "Sign the state of all chains and append it to the exported file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--public-key", action="store_true", help="only print the key a verifier needs"
        )
        parser.add_argument(
            "--write-anew", action="store_true", help="the exported file was lost: write it whole"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["public_key"]:
            self.stdout.write(checkpoints.public_key())
            return
        try:
            if options["write_anew"] and checkpoints.last_exported() is None:
                self.stdout.write(f"{checkpoints.export()} checkpoints written anew.")
            made = checkpoints.make(now=clock.now())
        except checkpoints.Behind as error:
            raise CommandError(str(error)) from error
        last = checkpoints.last_exported()
        number = made.number if made else last.told["number"] if last else 0
        state = "made and exported" if made else "still the newest: no chain has moved"
        self.stdout.write(f"Checkpoint {number} {state} ({checkpoints.path()}).")
