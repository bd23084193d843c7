"""List the stored models, put one to work, or go back to the one before."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import clock
from risk import registry, services
from risk.models import ModelVersion, Target


class Command(BaseCommand):
    help = "List the risk models; --roll-back TARGET goes back one; --serve NAME chooses one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--roll-back", choices=Target.values, metavar="TARGET")
        parser.add_argument("--serve", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        try:
            if options["roll_back"]:
                version = services.roll_back(target=options["roll_back"], now=now)
            elif options["serve"]:
                version = services.put_to_work(name=options["serve"], now=now)
            else:
                self._list()
                return
        except (services.UnknownModel, registry.Refused) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{version.name} serves now.")

    def _list(self) -> None:
        for one in ModelVersion.objects.defer("artefact").order_by("target", "pk"):
            served = f"served from {one.served_at:%Y-%m-%d}" if one.served_at else "never served"
            learned = (
                f"learned from {one.rows} cases since {one.data_from_on}"
                if one.data_from_on
                else "learned from nothing"
            )
            self.stdout.write(f"{one.name:44} {one.status:9} {served:24} {learned}")
