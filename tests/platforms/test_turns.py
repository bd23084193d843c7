"""A kind of work has so many places, and a worker that dies gives its place back."""

from __future__ import annotations

import time

import psycopg
import pytest
from django.db import connection

from platforms.turns import Work, turn

pytestmark = pytest.mark.django_db


@pytest.fixture
def another():
    """A worker of its own: a second line to the database."""
    parameters = connection.get_connection_params()
    line = psycopg.connect(
        host=parameters["host"], port=parameters["port"], dbname=parameters["dbname"],
        user=parameters["user"], password=parameters["password"], autocommit=True,
    )  # fmt: skip
    yield line
    line.close()


def take(line: psycopg.Connection, work: Work, place: int) -> bool:
    row = line.execute("SELECT pg_try_advisory_lock(%s, %s)", [work.value, place]).fetchone()
    return bool(row and row[0])


def test_there_are_so_many_places_and_no_more(another) -> None:
    assert take(another, Work.SENDING, 0)
    with turn(Work.SENDING, places=1) as free:
        assert not free
    with turn(Work.SENDING, places=2) as free:
        assert free
        assert not take(another, Work.SENDING, 1)
    assert take(another, Work.SENDING, 1)


def test_another_kind_of_work_has_places_of_its_own(another) -> None:
    assert take(another, Work.SENDING, 0)
    with turn(Work.LOOKING_UP, places=1) as free:
        assert free


def test_who_dies_gives_the_place_back(another) -> None:
    assert take(another, Work.SENDING, 0)
    another.close()
    # The server notices a moment later that nobody is there any more.
    until = time.monotonic() + 10
    free = False
    while not free and time.monotonic() < until:
        with turn(Work.SENDING, places=1) as free:
            time.sleep(0.01)
    assert free
