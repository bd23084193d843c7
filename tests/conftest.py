"""What every test shares: the clock's instant, one location and the fixed cast.

`desk`, `manager`, `regional` serve the location, `admin` serves all, `outsider` manages elsewhere.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from pytest_socket import socket_allow_hosts

from audit import fence
from tests.factories.memberships import NOW, LocationFactory
from tests.factories.staff import UserFactory
from tests.owner import end_other_sessions, plain_user, sign_in_as_owner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memberships.models import Location
    from staff.models import User


def pytest_runtest_setup() -> None:
    """Only loopback answers in a test."""
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    sign_in_as_owner()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    # As a worker or a command: requests of the test client narrow it for themselves.
    fence.work_for_the_system()
    with django_db_blocker.unblock(), plain_user():
        django_db_blocker.block()
        yield
        django_db_blocker.unblock()
    with django_db_blocker.unblock():
        end_other_sessions()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def location(db: None) -> Location:
    return LocationFactory(name="North")


@pytest.fixture
def elsewhere(db: None) -> Location:
    return LocationFactory(name="South", time_zone="America/Denver", region="CO")


@pytest.fixture
def desk(location: Location) -> User:
    return UserFactory(username="desk", role="desk", locations=[location])


@pytest.fixture
def manager(location: Location) -> User:
    return UserFactory(
        username="manager", role="manager", locations=[location], approval_limit_cents=5_000
    )


@pytest.fixture
def approver(location: Location) -> User:
    return UserFactory(
        username="approver", role="manager", locations=[location], approval_limit_cents=5_000
    )


@pytest.fixture
def regional(location: Location) -> User:
    return UserFactory(
        username="regional", role="regional", locations=[location], approval_limit_cents=20_000
    )


@pytest.fixture
def admin(db: None) -> User:
    return UserFactory(username="admin", role="admin", approval_limit_cents=100_000)


@pytest.fixture
def outsider(elsewhere: Location) -> User:
    return UserFactory(
        username="outsider", role="manager", locations=[elsewhere], approval_limit_cents=5_000
    )
