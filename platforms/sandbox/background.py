"""Threads beside the web server: webhooks, errands, the mailbox."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from platforms.sandbox import webhooks
from platforms.sandbox.carrier import mailbox
from platforms.sandbox.carrier.errands import Errands
from platforms.sandbox.environment import environment

log = logging.getLogger("sandbox")
IDLE_S = 0.15
TROUBLE_S = 1.0


def start() -> None:
    """Start all threads; they end with the process, their work waits in the database."""
    _loop("webhooks", webhooks.Sender().turn)
    _loop("errands", Errands().turn)
    if environment().smtp_port:
        mailbox.start(environment().smtp_port)


def _loop(name: str, turn: Callable[[], int]) -> None:
    pause = threading.Event()

    def run() -> None:
        while True:
            try:
                busy = turn()
            except (DatabaseError, InterfaceError) as error:
                log.warning("%s: the database is away: %s", name, error)
                connection.close()
                close_old_connections()
                pause.wait(TROUBLE_S)
                continue
            except Exception:
                # One bad item must not silence all that follow.
                log.exception("%s: an item failed", name)
                pause.wait(TROUBLE_S)
                continue
            if not busy:
                pause.wait(IDLE_S)

    threading.Thread(target=run, name=name, daemon=True).start()
