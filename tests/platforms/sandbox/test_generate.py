"""One seed, one business."""

from __future__ import annotations

import os

from tests.sandbox_server import command


def made(database: str, seed: int) -> str:
    base = os.environ["DATABASE_URL"].rsplit("/", 1)[0]
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
