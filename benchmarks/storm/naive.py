"""The sender most projects begin with, for comparison: a Celery task that sends, then marks.

Done the usual good way: late acknowledgement, redelivery when a child dies, retries with growing
pauses, the row read before sending. No outbox, no lease, no key: what is due stands in Redis.
"""

from __future__ import annotations

import os

import psycopg
import requests
from celery import Celery

app = Celery("naive", broker=os.environ.get("REDIS_URL", ""))
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    task_default_queue="now",
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
TABLE = "CREATE TABLE naive (id bigint PRIMARY KEY, phone text NOT NULL, sent boolean NOT NULL)"


@app.task(autoretry_for=(Exception,), retry_backoff=1, retry_backoff_max=10, max_retries=10)
def send(number: int) -> None:
    """Send if it was not sent yet; mark it as sent."""
    account = os.environ["SMS_ACCOUNT"]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        row = connection.execute(
            "SELECT phone FROM naive WHERE id = %s AND NOT sent", [number]
        ).fetchone()
        if row is None:
            return
        answer = requests.post(
            f"{os.environ['SMS_URL']}/2010-04-01/Accounts/{account}/Messages.json",
            data={
                "To": row[0], "From": "+12025550100", "Body": "We miss you. Reply STOP to opt out.",
                "Reference": f"naive:{number}",
            },
            auth=(account, os.environ["SMS_TOKEN"]),
            timeout=float(os.environ["SMS_TIMEOUT_SECONDS"]),
        )  # fmt: skip
        answer.raise_for_status()
        connection.execute("UPDATE naive SET sent = true WHERE id = %s", [number])


def enqueue(count: int) -> None:
    """Hand all of them to the broker, as a view would."""
    for number in range(count):
        send.delay(number)
