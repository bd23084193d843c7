"""Sending webhooks: signed, retried, switched off when nobody answers.

The outbox row is the truth. A row is marked only after the receiver has answered, so a process
killed in between sends once more: at least once, never not at all (unless that fault is on).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from platforms.sandbox import faults
from platforms.sandbox.business import execute, query
from platforms.sandbox.environment import environment

log = logging.getLogger("sandbox")
TIMEOUT_S = 10
MAX_TRIES = 6  # the first one and up to five more
SWITCH_OFF_AFTER = 20
BATCH = 200
SENDERS = 4
SIGNATURE_HEADER = "Zenoti-Webhook-Signature"


def signature(body: bytes, secret: str) -> str:
    """`sha256 =1F-A0-...`: a space before `=`, upper-case pairs joined by dashes."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().upper()
    return "sha256 =" + "-".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def post(session: requests.Session, body: bytes, *, signed: bool = True) -> int:
    """One delivery; the HTTP status, 0 for no answer in ten seconds."""
    settings = environment()
    headers = {"Content-Type": "application/json"} if body else {}
    if signed:
        headers[SIGNATURE_HEADER] = signature(body, settings.webhook_secret)
    try:
        answer = session.post(
            settings.webhook_url, data=body, headers=headers, timeout=TIMEOUT_S,
            allow_redirects=False,
        )  # fmt: skip
    except requests.RequestException:
        return 0
    return answer.status_code


class Sender:
    """Takes due rows from the outbox and delivers them, a few at a time."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="webhook")
        self.session = requests.Session()

    def turn(self) -> int:
        """Deliver what is due; returns how many rows were handled."""
        if not environment().webhook_url:
            return 0
        if query("SELECT webhook_off FROM business")[0][0]:
            # What happens while it is off is never told, as at Zenoti.
            return execute("UPDATE outbox SET state = 'dropped' WHERE state = 'ready'")
        rows = query(
            "SELECT id, body, attempts FROM outbox WHERE state = 'ready' AND due_at <= %s "
            "ORDER BY due_at, id LIMIT %s",
            [datetime.now(UTC), BATCH],
        )
        if not rows:
            return 0
        rows = self._troubled(rows)
        answers = list(self.pool.map(lambda row: post(self.session, bytes(row[1])), rows))
        heard = [row[0] for row, status in zip(rows, answers, strict=True) if 200 <= status < 300]
        execute(
            "UPDATE outbox SET state = 'sent', attempts = attempts + 1, answer = 200 "
            "WHERE id = ANY(%s)",
            [heard],
        )
        for row, status in zip(rows, answers, strict=True):
            if row[0] not in heard:
                self._note_failure(row[0], row[2] + 1, status)
            elif len(heard) < len(rows):
                execute("UPDATE business SET webhook_failures = 0 WHERE webhook_failures > 0")
        if len(heard) == len(rows):
            execute("UPDATE business SET webhook_failures = 0 WHERE webhook_failures > 0")
        return max(len(rows), 1)

    def _troubled(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The batch after the faults: some lost, late, doubled or in another order."""
        chosen = []
        for row in rows:
            if row[2] == 0 and faults.strikes("webhook_lost"):
                execute("UPDATE outbox SET state = 'lost' WHERE id = %s", [row[0]])
            elif row[2] == 0 and faults.strikes("webhook_late"):
                due = datetime.now(UTC) + timedelta(seconds=faults.setting("webhook_late_seconds"))
                execute(
                    "UPDATE outbox SET due_at = %s, attempts = attempts + 1 WHERE id = %s",
                    [due, row[0]],
                )
            else:
                chosen.append(row)
                if faults.strikes("webhook_duplicate"):
                    chosen.append(row)
        if faults.strikes("webhook_shuffle"):
            random.shuffle(chosen)
        return chosen

    def _note_failure(self, number: int, attempts: int, status: int) -> None:
        pause = min(environment().webhook_retry_seconds * 2 ** (attempts - 1), 600)
        execute(
            "UPDATE outbox SET attempts = %s, answer = %s, due_at = %s, state = %s "
            "WHERE id = %s AND state = 'ready'",
            [
                attempts, status, datetime.now(UTC) + timedelta(seconds=pause),
                "failed" if attempts >= MAX_TRIES else "ready", number,
            ],
        )  # fmt: skip
        execute("UPDATE business SET webhook_failures = webhook_failures + 1")
        off = execute(
            "UPDATE business SET webhook_off = true WHERE webhook_failures >= %s",
            [SWITCH_OFF_AFTER],
        )
        if off:
            log.warning(
                "The webhook is switched off after %s failures in a row; "
                "POST /_sandbox/webhooks/on switches it on again.",
                SWITCH_OFF_AFTER,
            )


def ping() -> int:
    """The test button: an empty body without a signature."""
    with requests.Session() as session:
        return post(session, b"", signed=False)
