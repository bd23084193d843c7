"""Background work of the ledger."""

from __future__ import annotations

from celery import shared_task

from audit import clock


@shared_task
def checkpoint() -> None:
    """Fix and export the state of all chains."""
    from audit import checkpoints

    checkpoints.make(now=clock.now())


@shared_task
def note_looks() -> None:
    """Bring who looked at whom into the ledger."""
    from audit import reads

    reads.note_pending(now=clock.now())
