"""Somebody who waits too long for what others hold hears it in words, and nothing is half done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from audit import clock
from audit.models import LedgerEntry
from outreach.library.seed import seed_library
from outreach.models import Draft
from staff.models import User
from tests.factories.outreach import make_draft

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = {"Referer": "http://testserver/review/?draft=7"}


@pytest.fixture
def draft(location: Any) -> Draft:
    seed_library(by=None, now=clock.now())
    return make_draft(location, now=clock.now())


@pytest.fixture
def another(draft: Draft) -> Iterator[psycopg.Connection]:
    """Somebody else, in the middle of deciding the draft."""
    parameters = connection.get_connection_params()
    names = ("host", "port", "dbname", "user", "password")
    with psycopg.connect(
        **{name: parameters[name] for name in names}, options="-c tenure.scope=all"
    ) as line:
        line.execute("SELECT 1 FROM outreach_draft WHERE id = %s FOR UPDATE", [draft.pk])
        yield line


@pytest.fixture
def impatient(draft: Draft) -> Iterator[None]:
    """The product waits 10 s; here a moment is enough."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    yield
    connection.close()


def approve(client: Client, draft: Draft, **headers: str) -> Any:
    return client.post(
        reverse("draft-approve", args=[draft.pk]),
        {"version": draft.version, "care": "1"},
        headers={**PAGE, **headers},
    )


@pytest.mark.usefixtures("impatient")
def test_who_waits_too_long_is_told_and_nothing_is_half_done(
    client: Client, manager: User, draft: Draft, another: psycopg.Connection
) -> None:
    client.force_login(manager)
    answer = approve(client, draft)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    text = answer.content.decode()
    assert "Somebody else is at it just now" in text
    assert 'href="/review/?draft=7"' in text
    draft.refresh_from_db()
    assert draft.status == Draft.Status.PENDING
    assert not LedgerEntry.objects.filter(event__startswith="draft.approved").exists()

    another.rollback()
    assert approve(client, draft).status_code == 302
    draft.refresh_from_db()
    assert draft.status == Draft.Status.APPROVED


@pytest.mark.usefixtures("impatient", "another")
def test_a_press_in_place_says_so_by_its_status(
    client: Client, manager: User, draft: Draft
) -> None:
    client.force_login(manager)
    assert approve(client, draft, **{"HX-Request": "true"}).status_code == 503


def test_a_database_that_is_away_is_an_error_of_ours(
    client: Client, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object, **rest: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    client.force_login(manager)
    client.raise_request_exception = False
    monkeypatch.setattr("outreach.views.review.clock.now", away)
    assert client.get("/review/").status_code == 500
