"""The demo's clock stands in calling hours and never goes back."""

from __future__ import annotations

from datetime import UTC, datetime, time
from io import StringIO

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from audit import clock
from config.demo_clock import CLOSES, OPENS, ZONE, demo_instant


@given(st.integers(1_735_689_600, 1_830_297_600).map(lambda s: datetime.fromtimestamp(s, UTC)))
def test_the_demo_stands_in_calling_hours_of_every_location(machine_now: datetime) -> None:
    instant = demo_instant(machine_now)
    assert OPENS <= instant.astimezone(ZONE).time() < CLOSES
    assert instant >= machine_now


def test_daytime_is_left_alone() -> None:
    noon = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)
    assert demo_instant(noon) == noon


def test_a_second_start_never_goes_back() -> None:
    machine_now = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)
    ahead = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
    assert demo_instant(machine_now, not_before=ahead) == datetime(2026, 11, 25, 16, 15, tzinfo=UTC)


@pytest.mark.django_db
def test_the_command_moves_the_clock() -> None:
    out = StringIO()
    call_command("demo_clock", stdout=out)
    shown = clock.now().astimezone(ZONE)
    assert out.getvalue().strip() == shown.date().isoformat()
    assert time(11, 0) <= shown.time() <= CLOSES
