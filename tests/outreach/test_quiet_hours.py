"""Calling hours beside a second implementation that reads the zone files itself (small; all zones
and 800,000 instants: `make quiet-hours`)."""

from __future__ import annotations

import zoneinfo
from datetime import timedelta

import pytest

from benchmarks.quiet_hours import compare
from outreach.gate import hours

# Half-hour and 45-minute offsets, changes by half an hour, at midnight, on a Friday, backwards in
# summer, with the fast of Ramadan; the dateline; zones that never change.
ODD = [
    "America/New_York", "America/Chicago", "America/Los_Angeles", "America/Phoenix",
    "America/St_Johns", "America/Havana", "America/Nuuk", "America/Santiago", "Asia/Gaza",
    "Asia/Kathmandu", "Asia/Beirut", "Africa/Casablanca", "Africa/Cairo", "Atlantic/Azores",
    "Antarctica/Troll", "Australia/Lord_Howe", "Europe/Dublin", "Europe/Madrid",
    "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "UTC",
]  # fmt: skip


@pytest.fixture(autouse=True)
def forget():
    """Decisions are remembered by the minute; a test that breaks a rule starts afresh."""
    hours._decide.cache_clear()
    yield
    hours._decide.cache_clear()


def test_two_implementations_never_differ():
    found = compare(decisions=6_000, seed=3, zones=ODD)
    assert (found["differ"], found["inside quiet hours"]) == (0, 0)
    assert found["open"] > 500
    assert found["a stored offset, the number not asked"]["inside quiet hours"] > 100


def test_the_comparison_notices_a_missing_minute(monkeypatch):
    monkeypatch.setattr(hours, "MARGIN", timedelta(0))
    assert compare(decisions=6_000, seed=3, zones=ODD)["inside quiet hours"] > 0


def test_zones_are_those_of_the_pinned_package():
    assert zoneinfo.TZPATH == ()
    assert hours.zone_named("localtime") is None
