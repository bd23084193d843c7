"""`manage.py doctor`: is everything there that Tenure runs on? Exit code 1 when not."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from config.doctor import examine


class Command(BaseCommand):
    help = "Look at database, Redis, worker, clock and the servers Tenure calls; name remedies."
    # It has to run where the database does not.
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        ill = 0
        for finding in examine():
            word = "ok     " if finding.is_well else "PROBLEM"
            self.stdout.write(f"{word}  {finding.subject}: {finding.says}")
            if not finding.is_well:
                ill += 1
                self.stdout.write(f"         -> {finding.remedy}")
        self.stdout.write("Everything is well." if not ill else f"{ill} to put right.")
        if ill:
            sys.exit(1)
