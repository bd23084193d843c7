"""The rate budget: one token bucket per platform account, in PostgreSQL, shared by all workers.

The bucket runs on the database's clock: the platform counts real seconds, and workers on several
machines need not agree about the time. A token is taken by one UPDATE outside any transaction.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from django.db import connection

# Background work leaves this share of the bucket to people who wait for an answer.
INTERACTIVE_SHARE = 0.2
LONGEST_NAP = 5.0  # seconds between two looks at the bucket

# What the bucket holds now. `updated_at` in the future means: closed until then.
_LEVEL = (
    "LEAST(capacity, tokens + per_second * GREATEST(0, EXTRACT(EPOCH FROM"
    " clock_timestamp() - updated_at)))"
)


class BudgetSpent(Exception):
    """The platform's rate limit leaves no call within the time allowed."""


@dataclass(frozen=True)
class Level:
    """The bucket right after a call was taken."""

    tokens: float
    capacity: float
    per_second: float


def open_account(*, account: str, per_minute: int) -> None:
    """Make the bucket when there is none; a limit changed in the settings is taken over."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO platforms_ratebudget (account, capacity, per_second, tokens, updated_at)
            VALUES (%(account)s, %(capacity)s, %(rate)s, %(capacity)s, clock_timestamp())
            ON CONFLICT (account) DO UPDATE SET capacity = EXCLUDED.capacity,
                   per_second = EXCLUDED.per_second,
                   tokens = LEAST(platforms_ratebudget.tokens, EXCLUDED.capacity)
            WHERE platforms_ratebudget.capacity <> EXCLUDED.capacity
            """,
            {"account": account, "capacity": float(per_minute), "rate": per_minute / 60},
        )


def take(*, account: str, interactive: bool = False) -> Level | None:
    """Take one call from the bucket, or None when it is empty (for background work: when only
    the interactive share is left)."""
    reserve = 0.0 if interactive else INTERACTIVE_SHARE
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE platforms_ratebudget
            SET tokens = {_LEVEL} - 1, updated_at = clock_timestamp()
            WHERE account = %s AND updated_at <= clock_timestamp()
              AND {_LEVEL} - 1 >= capacity * %s
            RETURNING tokens, capacity, per_second
            """,  # noqa: S608 - the level is a constant of ours
            [account, reserve],
        )
        row = cursor.fetchone()
    return Level(*row) if row else None


def wait_seconds(*, account: str, interactive: bool = False) -> float:
    """How long until `take` may succeed, if nobody else takes."""
    reserve = 0.0 if interactive else INTERACTIVE_SHARE
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT GREATEST(
                EXTRACT(EPOCH FROM updated_at - clock_timestamp()),
                (capacity * %s + 1 - {_LEVEL}) / per_second, 0)
            FROM platforms_ratebudget WHERE account = %s
            """,  # noqa: S608
            [reserve, account],
        )
        row = cursor.fetchone()
    return float(row[0]) if row else 0.0


def acquire(*, account: str, interactive: bool, patience_seconds: float) -> Level:
    """Wait for a call. Raises BudgetSpent when none came within the patience."""
    deadline = time.monotonic() + patience_seconds
    while (level := take(account=account, interactive=interactive)) is None:
        wait = wait_seconds(account=account, interactive=interactive)
        # Jitter, so that workers who wait for the same token do not wake together.
        wait = min(wait, LONGEST_NAP) * random.uniform(1.0, 1.2) + 0.01  # noqa: S311
        if time.monotonic() + wait > deadline:
            raise BudgetSpent("The platform's call limit is used up. The sync goes on later.")
        time.sleep(wait)
    return level


def close_for(*, account: str, seconds: float) -> None:
    """Empty the bucket until the platform takes calls again (its Retry-After)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE platforms_ratebudget SET tokens = 0, updated_at =
                   GREATEST(updated_at, clock_timestamp() + make_interval(secs => %s))
            WHERE account = %s
            """,
            [seconds, account],
        )


def heed(*, account: str, level: Level, remaining: float | None) -> None:
    """Follow the platform's own count where it is lower than ours: somebody else calls too."""
    if remaining is None or remaining >= level.tokens - 2:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE platforms_ratebudget SET tokens = LEAST(tokens, %s) WHERE account = %s",
            [max(0.0, remaining), account],
        )
