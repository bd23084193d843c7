"""Everything that beat pokes exists: a renamed task cannot silently stop running."""

from __future__ import annotations

import re

from django.conf import settings

from config.celery import app
from config.local import demo
from config.local.home import ROOT
from config.schedule import SCHEDULE


def test_every_poked_task_is_known_to_the_worker() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(app.tasks)


def test_every_queue_has_a_worker_and_every_routed_task_exists() -> None:
    app.loader.import_default_modules()
    assert set(settings.CELERY_TASK_ROUTES) <= set(app.tasks)
    queues = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    queues.add(settings.CELERY_TASK_DEFAULT_QUEUE)
    assert set(demo.WORKERS) == queues
    for text in ("compose.yaml", "docs/howto/operator.md"):
        named = re.findall(r'--queues"?,? "?(\w+)', (ROOT / text).read_text())
        assert set(named) == queues
