"""Hints to workers. What is due stands in PostgreSQL and a sweep finds it; a hint only makes it
sooner. So a hint never fails its sender: not when the broker is away, not after a commit."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def nudge(task: Any, *args: Any) -> None:
    """Ask a worker to run the Celery task soon. Arguments are ids and dates, as JSON."""
    try:
        task.apply_async(args=list(args), retry=False)
    except OperationalError:
        log.warning("the broker is away: %s was not nudged", task.name)


def nudge_in_batches(task: Any, ids: Sequence[int], *, size: int) -> None:
    """The same with at most `size` ids a task, so that one backfill makes no endless task."""
    for start in range(0, len(ids), size):
        nudge(task, list(ids[start : start + size]))
