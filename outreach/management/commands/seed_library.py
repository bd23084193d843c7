"""Lay out the starting library of plays, offers and texts. Safe to repeat."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from audit import clock
from outreach.library.seed import seed_library


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        counts = seed_library(by=None, now=clock.now())
        self.stdout.write(
            f"Library: {counts['plays']} plays, {counts['offers']} offers and "
            f"{counts['templates']} texts added."
        )
