"""A night's scores cost little more than the parts nobody can do without, whatever the size."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks import risk_speed
from memberships.models import Appointment
from risk import frame, services, writing
from risk.models import Target
from tests.factories import mirror
from tests.owner import as_owner


@pytest.mark.django_db
def test_the_night_costs_little_more_than_reading_predicting_and_copying() -> None:
    """Seconds of processor time, so that a busy machine matters little. With fewer members what is
    done once a run outweighs what is done for each."""
    with as_owner():  # the bare COPY goes into a table of its own
        found = risk_speed.measure(15_000, 4, train=False)
    assert found["members"] > 10_000
    assert found["ratio_inputs_cpu"] < 2.5, found["cpu_seconds"]


@pytest.mark.django_db
def test_statements_do_not_grow_with_members_nor_with_batches(
    today: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = mirror.midday(today)
    for target in Target.values:
        services.serving_model(target, now=now)
    counts = []
    for members, batch in ((260, 20_000), (300, 20_000), (700, 50)):
        monkeypatch.setattr(services.scores, "BATCH", batch)
        place = mirror.build(
            members=members, months=3, locations=1, seed=members, today=today, base=-7.0
        ).location_ids[0]
        with CaptureQueriesContext(connection) as queries:
            scored = services.score_members(location_id=place, as_of_on=today, now=now)
        assert scored["scored"] > writing.FEW
        counts.append(len(queries))
        Appointment.objects.all().delete()
    assert counts[1] == counts[2] < 40, "the first finds nothing kept in memory"


@pytest.mark.django_db
def test_an_answer_read_in_blocks_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    query = "SELECT n::float8, sqrt(n)::float8 FROM generate_series(1, 1000) AS n"
    whole = frame.read(query, ["n", "root"], {})
    monkeypatch.setattr(frame, "BLOCK", 7)
    blocks = frame.read(query, ["n", "root"], {})
    assert whole["n"].tolist() == blocks["n"].tolist() == [*range(1, 1001)]
    assert whole["root"].tolist() == blocks["root"].tolist()
    assert len(frame.read("SELECT 1::float8 WHERE false", ["n"], {})["n"]) == 0
    with pytest.raises(ValueError, match="columns"):
        frame.read("SELECT 1::float8, 2::float8", ["only"], {})


@pytest.mark.django_db
def test_many_rows_keep_their_quotes_backslashes_and_gaps(small: mirror.Mirror) -> None:
    odd = 'says "\\N" and \\t, naïve'
    rows = [(1, 0.5, None, odd)]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE odd (a int, p float8, gap float8, words text)")
        with cursor.copy("COPY odd FROM STDIN") as out:
            out.write(writing._lines(rows))
        cursor.execute("SELECT * FROM odd")
        assert cursor.fetchall() == rows
