"""The Celery application. Tasks carry ids and dates; PostgreSQL holds the truth."""

from __future__ import annotations

import logging.config
import os
from typing import Any

from celery import Celery, bootsteps, signals
from django_structlog.celery.receivers import CeleryReceiver

from audit import fence
from config.schedule import SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("OMP_NUM_THREADS", "1")

app = Celery("tenure")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = SCHEDULE


class LogTasks(bootsteps.Step):
    """A task's log lines carry its id and the id of the request that asked for it.

    django-structlog's own step would note a publication a second time: its Django app, which
    runs in the worker as well, does that already.
    """

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.receiver = CeleryReceiver()  # kept: signals hold it weakly
        signals.task_prerun.connect(self.receiver.receiver_task_prerun)
        signals.task_retry.connect(self.receiver.receiver_task_retry)
        signals.task_success.connect(self.receiver.receiver_task_success)
        signals.task_failure.connect(self.receiver.receiver_task_failure)
        signals.task_revoked.connect(self.receiver.receiver_task_revoked)
        signals.task_unknown.connect(self.receiver.receiver_task_unknown)
        signals.task_rejected.connect(self.receiver.receiver_task_rejected)


app.steps["worker"].add(LogTasks)


@signals.worker_init.connect
@signals.worker_process_init.connect
@signals.beat_init.connect
def work_for_the_system(**_: Any) -> None:
    """The web server imports this module as well, and sees what its requests may see."""
    fence.work_for_the_system()


@signals.setup_logging.connect
def log_like_the_web_server(**_: Any) -> None:
    """Keep the settings' logging: Celery would set up its own."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
