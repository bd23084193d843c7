"""Writing to the ledger."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from audit import events, formula, services
from audit.models import LedgerEntry, LedgerHead
from audit.services import Entry
from memberships.models import Location
from staff.models import User
from tests.owner import as_owner

pytestmark = pytest.mark.django_db


def test_an_entry_says_what_was_done_by_whom_to_whom(
    now: datetime, manager: User, location: Location
) -> None:
    services.record(
        "sample.approved",
        at=now,
        by=manager,
        location_id=location.pk,
        guest_id=7,
        target=location,
        detail={"cost_cents": 500, "until": now},
    )
    entry = LedgerEntry.objects.get()
    assert entry.chain == f"location:{location.pk}"
    assert (entry.actor_id, entry.actor_label) == (manager.pk, manager.get_full_name())
    assert (entry.target_type, entry.target_id) == ("memberships.location", str(location.pk))
    body = json.loads(entry.body)
    assert body["detail"] == {"cost_cents": 500, "until": "2026-11-20T17:00:00.000000+00:00"}
    assert body["guest"] == 7


def test_what_no_person_did_is_ours_and_belongs_to_the_organisation(now: datetime) -> None:
    services.record("sample.created", at=now)
    entry = LedgerEntry.objects.get()
    assert (entry.chain, entry.actor_id, entry.actor_label) == ("organisation", None, "Tenure")


def test_each_chain_counts_and_links_for_itself(now: datetime) -> None:
    services.record_many(
        [Entry(event="sample.created", at=now, location_id=n % 2, guest_id=n) for n in range(6)]
    )
    services.record("sample.created", at=now, location_id=1)
    for chain, size in (("location:0", 3), ("location:1", 4)):
        rows = list(LedgerEntry.objects.filter(chain=chain).order_by("seq"))
        assert [row.seq for row in rows] == list(range(1, size + 1))
        assert rows[0].prev == formula.GENESIS
        assert [row.prev for row in rows[1:]] == [row.hash for row in rows[:-1]]
        assert LedgerHead.objects.get(chain=chain).hash == rows[-1].hash


def test_many_entries_cost_as_many_queries_as_one(
    now: datetime, django_assert_max_num_queries
) -> None:
    services.record("sample.created", at=now, location_id=1)
    with django_assert_max_num_queries(3):
        services.record_many(
            [Entry(event="sample.created", at=now, location_id=1, guest_id=n) for n in range(500)]
        )


def test_an_unregistered_event_is_refused(now: datetime) -> None:
    with pytest.raises(events.UnknownEvent, match=r"sample\.ended"):
        services.record("sample.ended", at=now)


def test_a_naive_instant_is_refused(now: datetime) -> None:
    with pytest.raises(ValueError, match="aware"):
        services.record("sample.created", at=now.replace(tzinfo=None))


def test_one_value_has_one_text() -> None:
    assert services.canonical({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"\\u00e9"]}'
    with pytest.raises(ValueError, match="JSON"):
        services.canonical({"chance": float("nan")})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_ledgerentry SET actor_label = 'nobody'",
        "DELETE FROM audit_ledgerentry",
        "TRUNCATE audit_ledgerentry",
        "UPDATE audit_ledgerhead SET seq = 0",
        "DELETE FROM audit_ledgerhead",
        "TRUNCATE audit_ledgerhead",
    ],
)
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_even_the_owner_has_to_switch_the_guards_off_to_change_the_past(
    now: datetime, statement: str, role: str
) -> None:
    services.record("sample.created", at=now)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL session_replication_role = {role}")
        with pytest.raises(DatabaseError, match="ledger"):
            cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_written(now: datetime) -> None:
    with pytest.raises(services.OutsideTransaction):
        services.record("sample.created", at=now)
    assert not LedgerEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_change_that_fails_leaves_no_entry(now: datetime) -> None:
    @transaction.atomic
    def change() -> None:
        services.record("sample.created", at=now)
        raise LookupError

    with pytest.raises(LookupError):
        change()
    assert not LedgerEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_writers_of_the_same_chains_leave_no_gap_and_no_deadlock(now: datetime) -> None:
    failed: list[Exception] = []

    def write(first: int) -> None:
        try:
            for n in range(15):
                with transaction.atomic():
                    services.record_many(
                        [
                            Entry(event="sample.created", at=now, location_id=first),
                            Entry(event="sample.created", at=now, location_id=1 - first),
                        ]
                    )
                    services.record("sample.created", at=now + timedelta(seconds=n), location_id=1)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(n % 2,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    seqs = LedgerEntry.objects.filter(chain="location:1").order_by("seq")
    assert list(seqs.values_list("seq", flat=True)) == list(range(1, 121))
