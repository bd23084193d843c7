"""The product beside the small simulated business, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.sandbox_server import sandbox

__all__ = ["sandbox"]


@pytest.fixture
def today() -> datetime:
    """The sandbox's present."""
    return datetime(2026, 11, 21, 18, 0, tzinfo=UTC)


@pytest.fixture
def platform(sandbox, settings):
    """The product speaks to the sandbox."""
    settings.PLATFORM = settings.PLATFORM | {
        "base_url": sandbox.url,
        "api_key": sandbox.api_key,
        "rate_per_minute": 1_000_000,
    }
    return sandbox
