"""Whatever is done to the ledger behind our back is found, with its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit import services
from audit.models import LedgerEntry, LedgerHead
from audit.services import Entry
from audit.verification import verify
from tests.owner import as_owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger(now: datetime) -> None:
    services.record_many(
        [
            Entry(event="sample.created", at=now, location_id=n % 2, guest_id=n, detail={"n": n})
            for n in range(10)
        ]
    )


@contextmanager
def guards_down() -> Iterator[None]:
    """As the owner of the tables could do it."""
    with as_owner(), connection.cursor() as cursor:
        for table in ("audit_ledgerentry", "audit_ledgerhead"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        for table in ("audit_ledgerentry", "audit_ledgerhead"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def faults() -> list[str]:
    return [str(fault) for fault in verify().faults]


def test_a_ledger_nobody_touched_is_whole(ledger: None) -> None:
    verdict = verify()
    assert (verdict.chains, verdict.entries, verdict.faults) == (2, 10, [])


def test_an_empty_ledger_is_whole(db: None) -> None:
    assert verify().faults == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"body": '{"event":"sample.created"}'}, "its hash does not fit its text"),
        ({"guest_id": 99}, "its column guest_id does not fit its text"),
        ({"actor_label": "Nobody"}, "its column actor_label does not fit its text"),
        ({"prev": "f" * 64}, "it does not follow from the entry before it"),
        ({"seq": 77}, "missing: the next entry found is 4"),
    ],
)
def test_a_changed_entry_is_found(ledger: None, changes: dict[str, object], reason: str) -> None:
    with guards_down():
        LedgerEntry.objects.filter(chain="location:1", seq=3).update(**changes)
    assert faults() == [f"chain location:1, entry 3: {reason}"]


def test_a_new_text_with_a_new_hash_breaks_the_next_link(ledger: None) -> None:
    entry = LedgerEntry.objects.get(chain="location:1", seq=3)
    body = entry.body.replace('"n":5', '"n":6')
    digest = services.digest(chain=entry.chain, seq=3, prev=entry.prev, body=body)
    with guards_down():
        LedgerEntry.objects.filter(pk=entry.pk).update(body=body, hash=digest)
    assert faults() == ["chain location:1, entry 4: it does not follow from the entry before it"]


def test_a_removed_entry_is_found(ledger: None) -> None:
    with guards_down():
        LedgerEntry.objects.filter(chain="location:0", seq=2).delete()
    assert faults() == ["chain location:0, entry 2: missing: the next entry found is 3"]


def test_a_cut_off_end_is_found(ledger: None) -> None:
    with guards_down():
        LedgerEntry.objects.filter(chain="location:0", seq=5).delete()
    assert faults() == [
        "chain location:0, entry 5: missing: the chain ends here, its head says 5 entries"
    ]


def test_a_lost_head_is_found(ledger: None) -> None:
    with guards_down():
        LedgerHead.objects.filter(chain="location:0").delete()
    assert faults() == ["chain location:0, entry 1: the chain has no head"]


def test_the_command_says_so_and_ends_with_an_error(ledger: None, capsys) -> None:
    call_command("verify_ledger")
    assert "whole: 10 entries in 2 chains" in capsys.readouterr().out
    with guards_down():
        LedgerEntry.objects.filter(chain="location:1", seq=3).update(guest_id=99)
    with pytest.raises(CommandError, match="chain location:1, entry 3"):
        call_command("verify_ledger")
    call_command("verify_ledger", chain="location:0")
