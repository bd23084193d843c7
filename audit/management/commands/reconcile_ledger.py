"""manage.py reconcile_ledger: go on from a restored database, once its gap has been looked into."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import checkpoints, clock


class Command(BaseCommand):
    help = (
        "After a restoration: you have compared the time since the backup with the carrier and the "
        "platform. Writes who says so into the ledger and lets Tenure send again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--by", required=True, help="your user name")
        parser.add_argument("--reason", required=True, help="what was compared, in a sentence")

    def handle(self, *args: Any, **options: Any) -> None:
        person = get_user_model().objects.filter(username=options["by"], is_active=True).first()
        if person is None or not person.has_perm("outreach.resume_sending"):
            raise CommandError(f"{options['by']} is nobody who may resume sending.")
        try:
            made = checkpoints.reconcile(by=person, reason=options["reason"], now=clock.now())
        except checkpoints.NotNeeded as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Checkpoint {made.number} goes on from here. Tenure may send again.")
