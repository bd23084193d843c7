"""Events that exist only here."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from audit import events


@pytest.fixture(autouse=True)
def sample_events() -> Iterator[None]:
    with patch.dict(events._sentences), patch.dict(events._names):
        events.register(
            {
                "sample.created": "{actor} drafted for {guest}.",
                "sample.approved": "{actor} approved {target} at {cost_cents} cents.",
            }
        )
        yield
