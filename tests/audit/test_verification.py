"""Whatever is done to the ledger behind our back is found, with its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from audit import formula, services, verification
from audit.models import LedgerEntry, LedgerHead
from audit.services import Entry
from audit.verification import verify
from staff.models import User
from tests.owner import as_owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def ledger(now: datetime) -> None:
    entries = [
        Entry(event="sample.created", at=now, location_id=n % 2, guest_id=n, detail={"n": n})
        for n in range(10)
    ]
    with transaction.atomic():
        services.record_many(entries)


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
        ({"play": "win-back"}, "its column play does not fit its text"),
        ({"actor_label": "Nobody"}, "its column actor_label does not fit its text"),
        ({"prev": "f" * 64}, "it does not follow from the entry before it"),
        ({"seq": 77}, "missing: the next entry found is 4"),
    ],
)
def test_a_changed_entry_is_found(ledger: None, changes: dict[str, object], reason: str) -> None:
    with guards_down():
        LedgerEntry.objects.filter(chain="location:1", seq=3).update(**changes)
    assert faults() == [f"chain location:1, entry 3: {reason}"]


def rewrite(chain: str, seq: int) -> None:
    """Another text with a hash that fits it."""
    entry = LedgerEntry.objects.get(chain=chain, seq=seq)
    body = entry.body.replace('"n":', '"m":')
    digest = formula.digest(chain=chain, seq=seq, prev=entry.prev, body=body)
    with guards_down():
        LedgerEntry.objects.filter(pk=entry.pk).update(body=body, hash=digest)


def test_a_new_text_with_a_new_hash_breaks_the_next_link(ledger: None) -> None:
    rewrite("location:1", 3)
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


def test_an_end_cut_off_with_nothing_left_is_found(ledger: None) -> None:
    with guards_down():
        LedgerEntry.objects.filter(chain="location:0").delete()
    assert faults() == [
        "chain location:0, entry 1: missing: the chain ends here, its head says 5 entries"
    ]


def test_an_entry_behind_the_head_is_found(ledger: None) -> None:
    """Nobody vouches for it: whoever writes an entry moves the head in the same transaction."""
    with guards_down():
        LedgerHead.objects.filter(chain="location:0").update(
            seq=4, hash=LedgerEntry.objects.get(chain="location:0", seq=4).hash
        )
    assert faults() == [
        "chain location:0, entry 5: the chain goes on behind its head, which says 4 entries"
    ]


def test_an_entry_before_the_first_is_found(ledger: None) -> None:
    entry = LedgerEntry.objects.get(chain="location:0", seq=1)
    with guards_down(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_ledgerentry DROP CONSTRAINT ledger_seq_from_one")
        LedgerEntry.objects.create(
            **{name: getattr(entry, name) for name in ("chain", "prev", "hash", "body", "at")},
            seq=0,
        )
    assert faults() == ["chain location:0, entry 1: missing: the next entry found is 0"]


def test_a_lost_head_is_found(ledger: None) -> None:
    with guards_down():
        LedgerHead.objects.filter(chain="location:0").delete()
    assert faults() == ["chain location:0, entry 1: the chain has no head"]


# --- A chain is read in stretches -----------------------------------------------------------------


@pytest.fixture
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries 1 and 2, 3 and 4, 5."""
    monkeypatch.setattr(verification, "STRETCH", 2)


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        ([1], "entry 1: missing: the next entry found is 2"),
        ([2], "entry 2: missing: the next entry found is 3"),
        ([3], "entry 3: missing: the next entry found is 4"),
        ([2, 3], "entry 2: missing: the next entry found is 4"),
        ([3, 4], "entry 3: missing: the next entry found is 5"),
        ([1, 2, 3, 4], "entry 1: missing: the next entry found is 5"),
        ([4, 5], "entry 4: missing: the chain ends here, its head says 5 entries"),
        ([5], "entry 5: missing: the chain ends here, its head says 5 entries"),
    ],
)
def test_a_gap_at_a_seam_is_found_at_its_place(
    ledger: None, short_stretches: None, gone: list[int], told: str
) -> None:
    with guards_down():
        LedgerEntry.objects.filter(chain="location:0", seq__in=gone).delete()
    assert faults() == [f"chain location:0, {told}"]


@pytest.mark.parametrize("seq", [1, 2, 3, 4])
def test_a_text_with_its_own_hash_breaks_the_link_at_a_seam_too(
    ledger: None, short_stretches: None, seq: int
) -> None:
    rewrite("location:0", seq)
    assert faults() == [
        f"chain location:0, entry {seq + 1}: it does not follow from the entry before it"
    ]


# --- The columns are compared as bytes ------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "target_id", "detail"),
    [
        ("Zoë Núñez", "7", {"note": "tab\there, back\\slash"}),
        ('Ann "Nan" Lee', "0b5c1f7e-0d3c-4f1e-8e35-e0ac4b7a4a0e", {}),
        ("null", "12", {"event": "x", "guest": None, "deep": {"detail": {"actor": 1}}}),
        ("\x01\x02,", "a b", {"list": [1, "}"]}),
    ],
)
def test_whatever_an_entry_holds_is_no_fault(
    now: datetime, desk: User, label: str, target_id: str, detail: dict[str, object]
) -> None:
    desk.first_name, desk.last_name, desk.pk = label, "", desk.pk
    target = User(pk=target_id)
    services.record_many(
        [
            Entry(event="sample.created", at=now, by=desk, target=target, detail=detail),
            Entry(event="sample.created", at=now, location_id=3, guest_id=4, detail=detail),
        ]
    )
    assert faults() == []
    with guards_down():
        LedgerEntry.objects.filter(chain=formula.ORGANISATION).update(target_id="8")
    assert faults() == ["chain organisation, entry 1: its column target_id does not fit its text"]


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        ('{},"actor":5', "its column actor_id does not fit its text"),
        ('{},"detail":{},"location":9', "its column location_id does not fit its text"),
        ('{"a":1', "its text is not that of an entry"),
        ('{"play":"win-back"}', "its column play does not fit its text"),
        ('{"play":7}', "its column play does not fit its text"),
    ],
)
def test_a_text_that_only_begins_and_ends_like_the_columns_is_found(
    ledger: None, detail: str, reason: str
) -> None:
    """As whoever may write entries could have written it: links, hash and head fit."""
    entry = LedgerEntry.objects.get(chain="location:0", seq=5)
    body = entry.body.replace('{"n":8}', detail)
    if "location" in detail:  # the last of two counts
        body = body.replace(',"location":0', "")
        body = body.replace(detail, '{},"location":9')
    assert body != entry.body
    found = formula.digest(chain=entry.chain, seq=5, prev=entry.prev, body=body)
    with guards_down():
        LedgerEntry.objects.filter(pk=entry.pk).update(body=body, hash=found)
        LedgerHead.objects.filter(chain=entry.chain).update(hash=found)
    assert faults() == [f"chain location:0, entry 5: {reason}"]


def test_an_entry_that_tells_of_another_place_is_found(ledger: None) -> None:
    """Text, columns, hash and head fit each other; only the chain is not that of its place."""
    entry = LedgerEntry.objects.get(chain="location:0", seq=5)
    body = entry.body.replace('"location":0', '"location":1')
    found = formula.digest(chain=entry.chain, seq=5, prev=entry.prev, body=body)
    with guards_down():
        LedgerEntry.objects.filter(pk=entry.pk).update(body=body, hash=found, location_id=1)
        LedgerHead.objects.filter(chain=entry.chain).update(hash=found)
    assert faults() == ["chain location:0, entry 5: it was moved here from another chain"]


# --- Shared out over processes --------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_several_processes_find_what_one_finds(
    ledger: None, short_stretches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "SHARED_FROM", 1)
    whole = verify(processes=2)
    assert (whole.chains, whole.entries, whole.faults) == (2, 10, [])
    with guards_down():
        LedgerEntry.objects.filter(chain="location:1", seq=4).update(guest_id=99)
        LedgerEntry.objects.filter(chain="location:0", seq=2).delete()
    shared, alone = verify(processes=2), verify()
    assert shared == alone
    assert [(fault.chain, fault.seq) for fault in alone.faults] == [
        ("location:0", 2),
        ("location:1", 4),
    ]


def test_the_command_says_so_and_ends_with_an_error(ledger: None, capsys) -> None:
    call_command("verify_ledger")
    assert "whole: 10 entries in 2 chains" in capsys.readouterr().out
    with guards_down():
        LedgerEntry.objects.filter(chain="location:1", seq=3).update(guest_id=99)
    with pytest.raises(CommandError, match="chain location:1, entry 3"):
        call_command("verify_ledger")
    call_command("verify_ledger", chain="location:0")
