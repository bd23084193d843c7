from __future__ import annotations

from datetime import datetime

import pytest

from memberships.models import Location
from outreach.library.seed import seed_library
from outreach.models import Draft
from tests.factories.outreach import make_draft, mirror_is_fresh


@pytest.fixture
def library(db: None, now: datetime) -> None:
    seed_library(by=None, now=now)


@pytest.fixture
def fresh(location: Location, now: datetime) -> None:
    mirror_is_fresh(location, now)


@pytest.fixture
def draft(library: None, location: Location, now: datetime) -> Draft:
    return make_draft(location)
