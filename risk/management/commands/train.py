"""Train the models now, list them, or put a stored one to work."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import clock
from risk import registry, services
from risk.models import ModelVersion, Target


class Command(BaseCommand):
    help = "Train the risk models from the mirror (--target, --as-of), --list or --serve NAME."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--target", choices=Target.values, action="append")
        parser.add_argument("--as-of", type=date.fromisoformat, help="YYYY-MM-DD; default today")
        parser.add_argument("--list", action="store_true", help="show the stored models")
        parser.add_argument("--serve", metavar="NAME", help="roll back (or forward) to this model")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        if options["list"]:
            for version in ModelVersion.objects.defer("artefact").order_by("target", "pk"):
                self.stdout.write(f"{version.name:44} {version.status:9} {_result(version)}")
            return
        if options["serve"]:
            try:
                version = services.put_to_work(name=options["serve"], now=now)
            except (services.UnknownModel, registry.Refused) as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"{version.name} serves now.")
            return
        for target in options["target"] or Target.values:
            version = services.train(
                target=target, as_of_on=options["as_of"] or now.date(), now=now
            )
            self.stdout.write(f"{version.name}: {version.metrics['verdict']}. {_result(version)}")


def _result(version: ModelVersion) -> str:
    test = version.metrics.get("test")
    if not test:
        return f"{version.rows} cases, {version.positives} outcomes"
    return (
        f"{version.rows} cases, {version.positives} outcomes; newest {test['n']}: "
        f"AUC {test['auc']}, log loss {test['log_loss']} "
        f"(scorecard {version.metrics['scorecard']['log_loss']}), "
        f"ECE {test['ece']}, lift {test['lift']}"
    )
