"""/healthz tells whether pages can be served, and how old the last round of beat and worker is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from unittest import mock

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError

from config import health, tasks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_heartbeat_yet() -> Iterator[None]:
    cache.delete(health.HEARTBEAT_KEY)
    yield
    cache.delete(health.HEARTBEAT_KEY)


def test_after_a_round_of_beat_and_worker_all_is_well(client: Client) -> None:
    tasks.heartbeat()

    answer = client.get("/healthz")

    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("beat_age_seconds") < 30
    assert body == {"status": "ok", "database": "ok", "redis": "ok"}


@pytest.mark.parametrize("age_s", [None, health.HEARTBEAT_LATE_S + 5])
def test_a_silent_beat_is_told_but_pages_go_on(client: Client, age_s: int | None) -> None:
    if age_s is not None:
        cache.set(health.HEARTBEAT_KEY, time.time() - age_s)

    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["beat_age_seconds"] == age_s


def test_without_redis_pages_go_on(client: Client) -> None:
    with mock.patch.object(health.cache, "get", side_effect=RedisConnectionError("gone")):
        answer = client.get("/healthz")

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["redis"]) == ("degraded", "unreachable")


def test_without_the_database_the_answer_is_503(client: Client) -> None:
    with mock.patch.object(health.connection, "cursor", side_effect=OperationalError("gone")):
        answer = client.get("/healthz")

    assert answer.status_code == 503
    assert (answer.json()["status"], answer.json()["database"]) == ("down", "unreachable")
