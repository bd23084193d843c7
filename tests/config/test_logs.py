"""Logs name people by id only: what slips into a line loses addresses, numbers and searches."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest
import structlog
from django.test import Client

from config import logs


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What production would log during the test."""
    from django.conf import settings

    stream = io.StringIO()
    configured = logs.configure(level="INFO", as_json=True)
    configured["handlers"]["console"]["stream"] = stream
    logging.config.dictConfig(configured)
    yield stream
    logging.config.dictConfig(settings.LOGGING)


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        ("sent to ana.lopez+spa@example.com", "sent to [email]"),
        ("Key (phone)=(+12025550123) exists", "Key (phone)=([phone]) exists"),
        ("call (202) 555-0123 back", "call [phone] back"),
        ("GET /members/?q=Ana&page=2 done", "GET /members/?[query] done"),
        ("booking 12025550123 of guest 7", "booking 12025550123 of guest 7"),
    ],
)
def test_personal_data_is_taken_out_of_a_line(said: str, logged: str) -> None:
    assert logs.without_personal_data(said) == logged


def test_an_error_is_logged_as_one_json_line_without_what_it_quotes(lines: io.StringIO) -> None:
    try:
        raise ValueError("duplicate ana@example.com")
    except ValueError:
        logging.getLogger("outreach").exception("Guest %s could not be saved", 7)

    entry = json.loads(lines.getvalue())
    assert entry["event"] == "Guest 7 could not be saved"
    assert "ValueError: duplicate [email]" in entry["exception"]


@pytest.mark.parametrize("library", ["httpx2", "openai._base_client"])
def test_a_call_to_the_outside_writes_no_line_of_the_librarys_own(
    lines: io.StringIO, library: str
) -> None:
    logging.getLogger(library).info("HTTP Request: POST https://example.com/v1/x 200 OK")
    assert lines.getvalue() == ""
    logging.getLogger(library).warning("retried")
    assert json.loads(lines.getvalue())["event"] == "retried"


def test_a_line_carries_the_ids_bound_to_the_request(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        logging.getLogger("outreach").warning("from Django's logger")
        structlog.get_logger("outreach").warning("from structlog")

    entries = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [entry["request_id"] for entry in entries] == ["r-1", "r-1"]


@pytest.mark.django_db
def test_what_staff_search_for_is_not_logged(lines: io.StringIO, client: Client) -> None:
    client.get("/healthz?q=Ana+Lopez")

    entry = json.loads(lines.getvalue().splitlines()[-1])
    assert entry["request"] == "GET /healthz?[query]"
    assert "ip" not in entry
    assert "Ana" not in lines.getvalue()
