"""`make prove`: the guardrails under many hands at once, each beside a naive version.

`python -m benchmarks.guardrails [--small] [--only caps,switch] [--out FILE.json]`

Needs DATABASE_URL; works in a database of its own there and drops it at the end. The broker's
address points nowhere. Ends with 1 when a guardrail did not hold.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

Proof = tuple[Callable[[], dict[str, Any]], Callable[[dict[str, Any]], int]]


def proofs(*, small: bool = False) -> dict[str, Proof]:
    """By name: the run, and how many failures its figures hold."""
    from benchmarks.guardrails import caps, decisions, senders

    def either(full: int, little: int) -> int:
        return little if small else full

    return {
        "caps": (partial(caps.prove, threads=either(64, 12), tries=either(500, 20)), caps.failures),
        "decisions": (
            partial(
                decisions.prove, users=either(64, 6), drafts=either(500, 8), tries=either(40, 5)
            ),
            decisions.failures,
        ),
        "switch": (
            partial(
                senders.prove_switch, senders=either(8, 4), flips=either(30, 1),
                guests=either(100, 12), within_ms=either(100, 250),
            ),
            lambda found: int(found["late"]),
        ),
        "opt-out": (
            partial(
                senders.prove_opt_out, senders=either(8, 4), guests=either(60, 4),
                within_ms=either(1_000, 250),
            ),
            lambda found: int(found["late"]) + int(found["not_suppressed_in_the_end"]),
        ),
        "hold": (
            partial(
                senders.prove_hold, threads=either(64, 8), guests=either(6, 2),
                plays=either(8, 3), minutes=either(600, 130),
            ),
            senders.hold_failures,
        ),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("--small", action="store_true", help="the sizes of the test")
    parser.add_argument("--only", default="", help="names with commas between them")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    os.environ["REDIS_URL"] = "redis://127.0.0.1:1/0"  # dead
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("TENURE_ENV", "test")

    import django

    django.setup()
    from audit import fence

    fence.work_for_the_system()
    logging.disable(logging.WARNING)  # a line per request says nothing here
    chosen = {
        name: proof
        for name, proof in proofs(small=options.small).items()
        if not options.only or name in options.only.split(",")
    }
    result: dict[str, Any] = {}
    failed = 0
    for name, (run, count) in chosen.items():
        found = apart(run)
        result[name] = found
        failed += count(found)
        naive = found.pop("naive")
        print(f"{name}: {count(found)} failures; naive: {naive}", flush=True)
        for what, figure in found.items():
            print(f"    {what.replace('_', ' ')}: {figure:,}", flush=True)
        found["naive"] = naive
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=2) + "\n")
    return 1 if failed else 0


def apart(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Each proof in a database of its own."""
    from django.db import connection

    name = connection.creation.create_test_db(verbosity=0)
    try:
        return run()
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


if __name__ == "__main__":
    sys.exit(main())
