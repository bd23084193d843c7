"""Faults that can be switched on: how often, or how many times, something goes wrong.

A fault is a number. Between 0 and 1 it is a rate; from 1 on it is a count that is used up. The
numbers live in the business row, so a restart does not heal what a test has broken.
"""

from __future__ import annotations

import random
import threading
import time

from psycopg.types.json import Jsonb

from platforms.sandbox.business import execute, from_json, query

FAULTS = {
    "http_429": "reads and writes: throttled, with Retry-After",
    "http_500": "reads and writes: internal error before anything is done",
    "hang_before": "no answer: the connection is cut before anything is done",
    "hang_after": "no answer: the connection is cut after the work is done",
    "truncated_body": "the body ends in the middle",
    "short_page": "a page of a list lacks its last rows while the total counts them",
    "repeated_page": "the page before is sent instead of the one asked for",
    "bad_date": "poison: a row with a date that is none",
    "missing_id": "poison: a row without its id",
    "unknown_status": "poison: a row with a status nobody has heard of",
    "broken_encoding": "poison: a body that is not UTF-8",
    "webhook_late": "webhooks: held back for `webhook_late_seconds`",
    "webhook_duplicate": "webhooks: sent twice",
    "webhook_shuffle": "webhooks: sent in another order",
    "webhook_lost": "webhooks: never sent",
    "carrier_429": "carrier: throttled",
    "carrier_500_before": "carrier: 500, nothing accepted",
    "carrier_500_after": "carrier: 500, although the message is accepted",
    "carrier_hang_before": "carrier: cut off, nothing accepted",
    "carrier_hang_after": "carrier: cut off, although the message is accepted",
    "carrier_slow": "carrier: accepts after `carrier_slow_seconds` and answers then",
    "carrier_lookup_500": "carrier: 500 when asked for a message",
    "carrier_undelivered": "carrier: the phone is not reached",
    "mail_bounced": "mail: comes back, the mailbox is full",
    "carrier_duplicate_status": "carrier: each status callback twice",
    "carrier_late_status": "carrier: a status callback after the one that follows it",
    "carrier_lost_status": "carrier: a status callback never sent",
}
# Settings that travel with the faults; not chances.
SWITCHES = {
    "webhook_late_seconds": "how long a late webhook is held back",
    "hang_seconds": "how long the server keeps silent before it cuts the connection",
    "carrier_slow_seconds": "how long a slow carrier takes",
    "carrier_no_keys": "1: the carrier ignores Idempotency-Key",
    "carrier_no_lookup": "1: the carrier cannot find a message by our reference",
    "carrier_no_receipts": "1: the carrier never tells by itself what became of a message",
}
DEFAULTS = {"webhook_late_seconds": 5.0, "hang_seconds": 0.0, "carrier_slow_seconds": 20.0}

FRESH_S = 1.0
_lock = threading.Lock()
_known: dict[str, float] = {}
_read_at = float("-inf")


class UnknownFaultError(ValueError):
    """A name or value that is no fault; the message lists what is."""


def current() -> dict[str, float]:
    """The faults switched on; asked of the database once a second, as it may be replaced."""
    global _known, _read_at
    if time.monotonic() - _read_at > FRESH_S:
        _known = from_json(query("SELECT faults FROM business")[0][0]) or {}
        _read_at = time.monotonic()
    return _known


def switch(changes: dict[str, float], *, clear: bool = False) -> dict[str, float]:
    """Set faults; 0 switches one off, `clear` all others. Raises UnknownFaultError."""
    global _known, _read_at
    for name, value in changes.items():
        if name not in FAULTS and name not in SWITCHES:
            raise UnknownFaultError(f"{name} is none of: {', '.join((*FAULTS, *SWITCHES))}")
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise UnknownFaultError(f"{name} must be a number, 0 or more")
    with _lock:
        kept = {} if clear else dict(current())
        kept.update(changes)
        _known = {name: value for name, value in kept.items() if value}
        execute("UPDATE business SET faults = %s", [Jsonb(_known)])
        _read_at = time.monotonic()
        return dict(_known)


def strikes(name: str) -> bool:
    """Whether the fault happens now; a count is used up by asking."""
    value = current().get(name, 0)
    if not value:
        return False
    if value < 1:
        return random.random() < value
    with _lock:
        left = current().get(name, 0)
        if left < 1:
            return False
        current()[name] = left - 1
        execute("UPDATE business SET faults = %s", [Jsonb(current())])
        return True


def setting(name: str) -> float:
    return current().get(name, DEFAULTS.get(name, 0.0))
