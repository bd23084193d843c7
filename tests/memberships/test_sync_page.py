from __future__ import annotations

from datetime import timedelta

import pytest

from audit import clock
from audit.models import JobRun, LedgerEntry
from memberships import selectors, tasks
from memberships.models import WHOLE, SyncCursor
from platforms import dead_letters

pytestmark = pytest.mark.django_db


def read_at(location, at, stream=WHOLE, **more):
    return SyncCursor.objects.create(
        location=location, stream=stream, started_at=at, complete_at=at, **more
    )


def test_freshness_is_that_of_the_oldest_location_in_time(
    location, elsewhere, admin, manager, now, django_assert_num_queries
):
    read_at(location, now - timedelta(hours=1))
    read_at(elsewhere, now - timedelta(hours=5))
    with django_assert_num_queries(1):
        seen = selectors.freshness(admin, now)
    assert (seen.as_of_at, seen.late, seen.total) == (now - timedelta(hours=5), 0, 2)
    assert selectors.freshness(manager, now).total == 1


def test_a_location_is_late_after_a_missed_night(location, admin, now):
    read_at(location, now - timedelta(hours=27))
    seen = selectors.freshness(admin, now)
    assert (seen.late, seen.is_stale) == (1, True)


def test_extras_alone_make_no_location_fresh(location, admin, now):
    read_at(location, now, stream="waitlist")
    assert selectors.freshness(admin, now).late == 1


def test_page_shows_own_locations_only(client, location, elsewhere, manager, now):
    poison = dead_letters.Poison("{}", "no start time", "a1", elsewhere.external_id)
    dead_letters.park(source="sync:appointments", poisons=[poison], now=now)
    read_at(location, clock.now())
    client.force_login(manager)
    body = client.get("/sync/").content.decode()
    assert location.name in body
    assert elsewhere.name not in body
    assert "no start time" not in body


def test_page_tells_what_broke_and_what_is_parked(
    client, location, elsewhere, admin, now, django_assert_max_num_queries
):
    read_at(location, clock.now(), stream="guests", error="Incomplete: 99 rows of 100")
    poison = dead_letters.Poison("{}", "no start time", "a1", location.external_id)
    dead_letters.park(source="sync:appointments", poisons=[poison], now=now)
    client.force_login(admin)
    client.get("/sync/")  # the first visit of a session also marks it as alive
    with django_assert_max_num_queries(12):
        body = client.get("/sync/").content.decode()
    assert "99 rows of 100" in body
    assert "no start time" in body
    assert "not complete" in body


def test_a_running_backfill_shows_how_far_it_is(client, location, manager):
    SyncCursor.objects.create(
        location=location,
        stream="appointments",
        started_at=clock.now(),
        pages_done=30,
        pages_total=120,
        cursor="2026-01-01",
    )
    client.force_login(manager)
    body = client.get("/sync/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in body
    assert "30 of 120" in body
    assert "every 3s" in body


def test_sync_now_makes_one_run_and_a_ledger_entry(
    client, location, admin, monkeypatch, django_capture_on_commit_callbacks
):
    woken = []
    monkeypatch.setattr(tasks, "wake_sync", lambda *args: woken.append(args))
    client.force_login(admin)
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(f"/sync/{location.pk}/now/")
    assert answer.status_code == 302
    run = JobRun.objects.get(job="sync.now", location_id=location.pk)
    assert woken == [(location.pk, run.period)]
    assert LedgerEntry.objects.filter(event="sync.asked", actor_id=admin.pk).count() == 1


def test_only_some_may_start_a_sync(client, location, manager, admin):
    client.force_login(manager)
    assert client.post(f"/sync/{location.pk}/now/").status_code == 403
    client.force_login(admin)
    assert client.post("/sync/0/now/").status_code == 404
    assert not JobRun.objects.exists()


def test_a_foreign_location_is_not_found(client, location, elsewhere, manager):
    client.force_login(manager)
    assert client.get(f"/sync/?location={elsewhere.pk}").status_code == 404
