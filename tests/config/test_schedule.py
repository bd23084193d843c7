"""Everything that beat pokes exists: a renamed task cannot silently stop running."""

from __future__ import annotations

from config.celery import app
from config.schedule import SCHEDULE


def test_every_poked_task_is_known_to_the_worker() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(app.tasks)
