"""One seed, one business."""

from __future__ import annotations

import os

from tests.sandbox_server import command


def made(database: str, seed: int) -> str:
    base = os.environ["MIGRATE_DATABASE_URL"].rsplit("/", 1)[0]
    environment = {**os.environ, "SANDBOX_DATABASE_URL": f"{base}/{database}"}
    command(
        environment, "generate", "--seed", str(seed), "--locations", "2", "--guests", "80",
        "--months", "4", "--today", "2026-11-21",
    )  # fmt: skip
    return command(environment, "digest")


def test_equal_seeds_make_equal_businesses() -> None:
    first = made("sandbox_digest", seed=11)
    assert made("sandbox_digest", seed=11) == first
    assert made("sandbox_digest", seed=12) != first


def test_equal_businesses_live_on_equally() -> None:
    digests = set()
    for database in ("sandbox_twin_a", "sandbox_twin_b"):
        made(database, seed=11)
        base = os.environ["MIGRATE_DATABASE_URL"].rsplit("/", 1)[0]
        environment = {**os.environ, "SANDBOX_DATABASE_URL": f"{base}/{database}"}
        assert "AppointmentGroup.Created" in command(environment, "advance", "--days", "3")
        digests.add(command(environment, "digest"))
    assert len(digests) == 1
