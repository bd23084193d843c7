"""The doctor names what is broken and the remedy; a deployment's traps are told by `check`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import OperationalError

from config import checks, doctor, health
from tests.owner import as_owner


def findings() -> dict[str, doctor.Finding]:
    return {finding.subject: finding for finding in doctor.examine()}


@pytest.fixture
def heartbeat() -> Iterator[None]:
    health.note_heartbeat()
    yield
    cache.delete(health.HEARTBEAT_KEY)


@pytest.mark.django_db
def test_what_runs_is_found_well(heartbeat: None) -> None:
    found = findings()
    for subject in (
        "Database",
        "Database user",
        "Fence",
        "Tables",
        "Clock",
        "Redis",
        "Redis memory",
        "Worker and beat",
    ):
        assert found[subject].is_well, found[subject]


@pytest.mark.django_db
def test_a_user_that_could_change_the_ledger_is_named() -> None:
    with as_owner():
        finding = findings()["Database user"]
    assert "could change the ledger" in finding.says
    assert "MIGRATE_DATABASE_URL" in finding.remedy


@pytest.mark.django_db
def test_a_carrier_that_does_not_answer_is_named(settings: Any) -> None:
    settings.CARRIER = {**settings.CARRIER, "sms_url": "http://127.0.0.1:1"}
    finding = findings()["SMS_URL"]
    assert "127.0.0.1:1 does not answer" in finding.says
    assert "SMS_URL" in finding.remedy


@pytest.mark.django_db
def test_redis_away_is_named_and_its_questions_are_left_out(settings: Any) -> None:
    settings.REDIS_URL = "redis://:password@127.0.0.1:1/0"
    found = findings()
    assert "REDIS_URL" in found["Redis"].remedy
    assert "password@" not in found["Redis"].says
    assert "Worker and beat" not in found


@pytest.mark.django_db
def test_a_database_away_is_named_without_its_password() -> None:
    with mock.patch.object(
        doctor.connection, "ensure_connection", side_effect=OperationalError("refused\nmore")
    ):
        found = findings()
    assert found["Database"].says.endswith("does not answer: refused")
    assert "DATABASE_URL" in found["Database"].remedy
    assert "Tables" not in found


@pytest.mark.django_db
def test_an_old_round_of_beat_is_named() -> None:
    cache.set(health.HEARTBEAT_KEY, time.time() - 600)
    finding = findings()["Worker and beat"]
    assert "600 s ago" in finding.says
    assert "beat" in finding.remedy


@pytest.mark.django_db
def test_the_command_ends_with_1_when_something_is_wrong() -> None:
    out = StringIO()
    ill = [doctor.Finding("Redis", "is away.", "Start it."), doctor.Finding("Clock", "fine")]
    with (
        mock.patch("config.management.commands.doctor.examine", return_value=iter(ill)),
        pytest.raises(SystemExit, match="1"),
    ):
        call_command("doctor", stdout=out)
    assert "PROBLEM  Redis: is away." in out.getvalue()
    assert "-> Start it." in out.getvalue()
    assert "1 to put right." in out.getvalue()


@pytest.mark.parametrize(
    ("hosts", "told"),
    [
        (["tenure.example.com"], 0),
        ([".example.com"], 0),
        (["other.example.com"], 1),
        (["ample.com"], 1),
    ],
)
def test_a_public_address_nobody_answers_to_is_told(
    settings: Any, hosts: list[str], told: int
) -> None:
    settings.PUBLIC_URL = "https://tenure.example.com"
    settings.ALLOWED_HOSTS = hosts
    assert len(checks.public_address_is_allowed(None)) == told


def test_open_servers_and_a_missing_second_factor_are_told(settings: Any) -> None:
    settings.REDIS_URL = "redis://redis.example.com/0"
    settings.SECOND_FACTOR_REQUIRED = False
    assert [message.id for message in checks.servers_elsewhere_ask_for_a_password(None)] == [
        "tenure.W002"
    ]
    assert [message.id for message in checks.second_factor_is_asked(None)] == ["tenure.W001"]
