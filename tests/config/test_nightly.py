"""The night: in order, once, location by location, and it survives a failed stage."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from audit.models import JobRun
from config import nightly
from memberships.models import Location
from tests.factories.memberships import LocationFactory

ON = date(2026, 11, 20)
# 03:00 in New York, 01:00 in Denver.
NIGHT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The stages that ran, in order, with their location; the real ones are replaced."""
    seen: list[tuple[str, int]] = []

    def stage(name: str) -> nightly.Stage:
        def run(location_id: int, on: date, now: datetime) -> dict[str, int]:
            seen.append((name, location_id))
            return {"rows": 1}

        return nightly.Stage(name, run)

    monkeypatch.setattr(nightly, "STAGES", (stage("night.a"), stage("night.b")))
    return seen


def run_all(location: Location, now: datetime = NIGHT) -> None:
    while nightly.run_next_stage(location_id=location.pk, on=ON, now=now):
        pass


@pytest.mark.django_db
def test_stages_run_once_and_in_order(location: Location, ran: list[tuple[str, int]]) -> None:
    run_all(location)
    run_all(location)
    assert ran == [("night.a", location.pk), ("night.b", location.pk)]
    assert set(JobRun.objects.values_list("status", flat=True)) == {"done"}


@pytest.mark.django_db
def test_a_failed_stage_stops_only_its_location_and_is_tried_again(
    location: Location, elsewhere: Location, ran: list[tuple[str, int]], monkeypatch
) -> None:
    healthy = nightly.STAGES

    def broken(location_id: int, on: date, now: datetime) -> dict[str, int]:
        if location_id == location.pk:
            raise RuntimeError("the platform is away")
        return {}

    monkeypatch.setattr(nightly, "STAGES", (nightly.Stage("night.a", broken), healthy[1]))
    with pytest.raises(RuntimeError):
        run_all(location)
    run_all(elsewhere)
    assert ran == [("night.b", elsewhere.pk)]
    failed = JobRun.objects.get(location_id=location.pk)
    assert failed.status == "failed"
    assert "the platform is away" in failed.error

    monkeypatch.setattr(nightly, "STAGES", healthy)
    run_all(location, NIGHT + timedelta(minutes=5))
    assert ran[1:] == [("night.a", location.pk), ("night.b", location.pk)]


@pytest.mark.django_db
def test_a_stage_that_fails_again_and_again_is_left_to_a_person(
    location: Location, ran: list[tuple[str, int]], monkeypatch
) -> None:
    def broken(location_id: int, on: date, now: datetime) -> dict[str, int]:
        raise RuntimeError("always")

    monkeypatch.setattr(nightly, "STAGES", (nightly.Stage("night.a", broken),))
    for _ in range(nightly.MAX_ATTEMPTS):
        with pytest.raises(RuntimeError):
            run_all(location)
    run_all(location)
    run = JobRun.objects.get()
    assert (run.status, run.attempt) == ("failed", nightly.MAX_ATTEMPTS)


@pytest.mark.django_db
def test_a_stage_that_somebody_holds_is_left_to_them(
    location: Location, ran: list[tuple[str, int]]
) -> None:
    nightly.jobs.claim_run(
        job="night.a",
        period=ON.isoformat(),
        location_id=location.pk,
        now=NIGHT,
        lease=nightly.LEASE,
    )
    run_all(location)
    assert ran == []
    run_all(location, NIGHT + nightly.LEASE + timedelta(seconds=1))
    assert [name for name, _ in ran] == ["night.a", "night.b"]


@pytest.mark.django_db
def test_each_location_has_its_own_night(
    location: Location, elsewhere: Location, ran: list[tuple[str, int]]
) -> None:
    assert nightly.nights_due(NIGHT) == [(location.pk, ON)]
    an_hour_on = NIGHT + timedelta(hours=1, minutes=30)
    assert set(nightly.nights_due(an_hour_on)) == {(location.pk, ON), (elsewhere.pk, ON)}
    run_all(location)
    assert nightly.nights_due(an_hour_on) == [(elsewhere.pk, ON)]


@pytest.mark.django_db
def test_asking_for_due_nights_costs_the_same_for_many_locations(
    django_assert_num_queries,
) -> None:
    LocationFactory.create_batch(20)
    with django_assert_num_queries(2):
        assert len(nightly.nights_due(NIGHT)) == 20
