"""A mirror with a year and a half of history, written once per test that asks for it."""

from __future__ import annotations

from datetime import date

import pytest

from risk import registry
from tests.factories import mirror

TODAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def _fresh_registry() -> None:
    """Ids of models repeat from test to test."""
    registry.forget()


@pytest.fixture
def today() -> date:
    return TODAY


@pytest.fixture
def business(db: None) -> mirror.Mirror:
    """900 members, two locations, 18 months."""
    return mirror.build(members=900, months=18, today=TODAY)


@pytest.fixture
def small(db: None) -> mirror.Mirror:
    """60 members, two locations, 6 months: far too few outcomes to learn from."""
    return mirror.build(members=60, months=6, today=TODAY)
