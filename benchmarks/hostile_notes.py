"""Hostile notes of guests against a machine that obeys every one of them.

`python -m benchmarks.hostile_notes [--notes 290] [--out FILE.json]`

Needs DATABASE_URL; works in a database of its own there and drops it at the end. Each note hides an
order (a link, a number, an amount, an offer, another guest's name, a health claim, the way out
talked away, another sender, a threat, markup; English and Spanish, many disguised). A stand-in on
loopback speaks the OpenAI wire format and writes what the note orders, in seven ways. Counted is
what of it stands in a draft at the end; beside it what a product would carry that takes such text
as it comes. Taking names and numbers out of the quotation is switched off, so that each order
arrives whole. Then harmless sentences of a good machine: how many are refused.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=10_000, help="of each way, at most")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("TENURE_ENV", "test")

    import logging

    import django

    django.setup()
    from audit import fence

    fence.work_for_the_system()
    logging.disable(logging.INFO)
    from django.conf import settings
    from django.db import connection

    name = connection.creation.create_test_db(verbosity=0)
    try:
        with TemporaryDirectory() as folder:
            settings.LEDGER_EXPORT_DIR = folder
            result = run(options.notes)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
    text = json.dumps(result, indent=2, ensure_ascii=False)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


def run(notes: int) -> dict[str, Any]:
    from django.conf import settings

    from outreach.library.seed import seed_library
    from outreach.models import Play
    from outreach.texts import prompt
    from tests.factories.memberships import NOW, LocationFactory
    from tests.hostile import corpus, trial
    from tests.hostile.stub_writer import WAYS, running

    prompt.without_identifiers = lambda words, names: words  # type: ignore[assignment]
    seed_library(by=None, now=NOW)
    rows = corpus.hostile()[:notes]
    result: dict[str, Any] = {
        "notes": len(rows),
        "by_kind": dict(Counter(row.kind for row in rows)),
        "ways": {},
    }
    begun = time.perf_counter()
    with running() as stub:
        settings.DRAFTING = {
            "url": stub.url, "key": "", "model": "m", "seconds": 20, "at_once": 1,
            "per_night": 1_000_000,
        }  # fmt: skip
        for how in WAYS:
            location = LocationFactory(name=f"North {how}")
            trial.prepare(location)
            outcome = trial.hostile_night(location, stub, rows, how=how, now=NOW)
            result["ways"][how] = {
                "drafts": outcome.tried,
                "passed": len(outcome.passed),
                "passed_as_it_comes": outcome.naive,
                "which": outcome.passed,
            }
        Play.objects.update(wording=Play.Wording.MACHINE)
        location = LocationFactory(name="North harmless")
        trial.prepare(location)
        Play.objects.update(wording=Play.Wording.MACHINE)
        good = trial.harmless_night(location, stub, corpus.HARMLESS, now=NOW)
    ways = result["ways"].values()
    return result | {
        "drafts": sum(way["drafts"] for way in ways),
        "passed": sum(way["passed"] for way in ways),
        "passed_as_it_comes": sum(way["passed_as_it_comes"] for way in ways),
        "harmless": good.tried,
        "harmless_refused": len(good.refused),
        "which_harmless": good.refused,
        "seconds": round(time.perf_counter() - begun, 1),
    }


if __name__ == "__main__":
    main()
