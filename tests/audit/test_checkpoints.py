"""What a checkpoint has fixed cannot be changed by anybody who owns only the database."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from audit import checkpoints, formula, health, merkle, services
from audit.models import LedgerCheckpoint, LedgerEntry, LedgerHead, NotedHead
from audit.services import Entry
from audit.verification import verify
from staff.models import User
from tests.audit.test_verification import guards_down
from tests.owner import as_owner

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path: Path) -> None:
    settings.LEDGER_EXPORT_DIR = str(tmp_path / "ledger")


def write(now: datetime, *numbers: int) -> None:
    services.record_many(
        [Entry(event="sample.created", at=now, location_id=n % 3, detail={"n": n}) for n in numbers]
    )


@pytest.fixture
def fixed(now: datetime) -> None:
    """Three checkpoints over three chains."""
    for minute in range(3):
        write(now, *range(minute * 5, minute * 5 + 5))
        assert checkpoints.make(now=now + timedelta(minutes=minute)) is not None


def lines() -> list[str]:
    return checkpoints.path().read_text().splitlines()


def faults() -> list[str]:
    return [str(fault) for fault in verify().faults]


def rewrite(chain: str, seq: int) -> None:
    """As an owner of the database would do it: a changed text with every later hash made anew."""
    with guards_down():
        prev = None
        for entry in LedgerEntry.objects.filter(chain=chain, seq__gte=seq).order_by("seq"):
            if prev is None:
                entry.body = entry.body.replace('"n":', '"n":9')
            else:
                entry.prev = prev
            entry.hash = formula.digest(
                chain=chain, seq=entry.seq, prev=entry.prev, body=entry.body
            )
            entry.save()
            prev = entry.hash
        LedgerHead.objects.filter(chain=chain).update(hash=prev)


def test_checkpoints_are_numbered_linked_and_exported(fixed: None, now: datetime) -> None:
    told = [json.loads(json.loads(line)["text"]) for line in lines()]
    assert [one["number"] for one in told] == [1, 2, 3]
    assert told[0]["prev"] == formula.GENESIS
    assert told[2]["prev"] == checkpoints.digest(json.loads(lines()[1])["text"])
    heads = LedgerHead.objects.values_list("chain", "seq", "hash")
    assert told[2]["root"] == merkle.root(heads)
    verdict = verify()
    assert (verdict.faults, verdict.checkpoints) == ([], 3)


def test_nothing_new_makes_no_checkpoint(fixed: None, now: datetime) -> None:
    assert checkpoints.make(now=now) is None
    assert len(lines()) == 3


def test_only_the_heads_that_moved_are_told(fixed: None, now: datetime) -> None:
    write(now, 1)
    checkpoints.make(now=now)
    changed = json.loads(json.loads(lines()[-1])["text"])["changed"]
    assert [head[0] for head in changed] == ["location:1"]


def test_a_rewritten_chain_is_consistent_but_not_what_was_fixed(fixed: None) -> None:
    rewrite("location:0", 2)
    assert faults() == ["chain location:0, entry 2: it is not what checkpoint 1 fixed"]


def test_a_chain_cut_back_with_its_head_is_found(fixed: None) -> None:
    with guards_down():
        LedgerEntry.objects.filter(chain="location:2", seq__gt=2).delete()
        kept = LedgerEntry.objects.get(chain="location:2", seq=2)
        LedgerHead.objects.filter(chain="location:2").update(seq=2, hash=kept.hash)
    assert faults() == ["chain location:2, entry 3: missing: checkpoint 2 fixed entry 3"]


def test_a_chain_removed_altogether_is_found(fixed: None) -> None:
    with guards_down():
        LedgerEntry.objects.filter(chain="location:2").delete()
        LedgerHead.objects.filter(chain="location:2").delete()
    assert faults() == ["chain location:2, entry 1: missing: checkpoint 1 fixed entry 1"]


@pytest.mark.parametrize(
    ("number", "change", "reason"),
    [
        (2, lambda line: line.replace('\\"number\\":2', '\\"number\\":3'), "signature"),
        (2, lambda line: "", "damaged"),
        (1, lambda line: line.replace('"signature": "', '"signature": "AA'), ""),
    ],
)
def test_a_touched_file_is_found(fixed: None, number: int, change, reason: str) -> None:
    found = lines()
    found[number - 1] = change(found[number - 1])
    checkpoints.path().write_text("\n".join(found) + "\n")
    assert any(f"exported checkpoint {number}: " in fault and reason in fault for fault in faults())


def test_a_line_taken_out_of_the_file_is_found(fixed: None) -> None:
    found = lines()
    checkpoints.path().write_text("\n".join([found[0], found[2]]) + "\n")
    assert faults() == ["exported checkpoint 2: it does not follow from the one before it"]


def signed(line: str, **changes: object) -> str:
    """The line as a holder of the key would have written it."""
    text = services.canonical(json.loads(json.loads(line)["text"]) | changes)
    return json.dumps({"text": text, "signature": checkpoints._sign(text)})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"number": 4}, "it does not follow from the one before it"),
        ({"prev": "f" * 64}, "it does not follow from the one before it"),
        ({"root": "f" * 64}, "its root does not fit its heads"),
        ({"changed": [["location:0", 1, "f" * 64]]}, "it takes chain location:0 back to entry 1"),
    ],
)
def test_a_signature_alone_does_not_make_a_checkpoint_fit(
    fixed: None, changes: dict[str, object], reason: str
) -> None:
    found = lines()
    checkpoints.path().write_text("\n".join([*found[:2], signed(found[2], **changes)]) + "\n")
    assert faults() == [f"exported checkpoint 3: {reason}"]
    checkpoints.path().write_text("\n".join([*found[:2], signed(found[2])]) + "\n")
    assert faults() == []


def test_a_file_that_went_another_way_is_not_that_of_this_database(fixed: None) -> None:
    """The same number, signed with the same key, and another text."""
    found = lines()
    other = signed(found[2], at="2026-11-20T17:03:00.000000+00:00")
    checkpoints.path().write_text("\n".join([*found[:2], other]) + "\n")
    assert not checkpoints.is_current()


def test_the_signature_is_that_of_the_secret(settings) -> None:
    before = checkpoints.public_key()
    settings.LEDGER_SIGNING_KEY = "another"
    assert checkpoints.public_key() != before


def test_a_quick_look_finds_a_head_or_an_entry_that_was_changed(fixed: None, now: datetime) -> None:
    assert health.fault(now=now) == ""
    rewrite("location:0", 2)
    assert "not as it was written" in health.fault(now=now)


def test_a_quick_look_finds_a_head_that_no_entry_bears_out(fixed: None, now: datetime) -> None:
    with guards_down():
        LedgerHead.objects.filter(chain="location:0").update(hash="f" * 64)
    assert "not as it was written" in health.fault(now=now)


@pytest.mark.parametrize("written", [0, 1, 40, -1, None])
@pytest.mark.parametrize("whole", [0, 1, 2])
def test_an_export_cut_off_by_a_crash_is_finished_and_stops_nothing(
    fixed: None, now: datetime, written: int | None, whole: int
) -> None:
    found = lines()
    torn = "".join(line + "\n" for line in found[:whole]) + found[whole][:written]
    if not torn:
        return  # an empty file is one that is gone
    checkpoints.path().write_text(torn)
    assert checkpoints.is_current()
    assert (verify().faults, verify().checkpoints) == ([], whole + (written is None))
    assert checkpoints.export() == 3 - whole
    assert lines() == found
    write(now, 4)
    checkpoints.make(now=now)
    assert (verify().faults, verify().checkpoints) == ([], 4)


def test_half_a_line_that_this_database_did_not_begin_stops_sending(
    fixed: None, now: datetime, admin: User
) -> None:
    """The machine was lost while checkpoint 3 was written; the backup knows only the second."""
    found = lines()
    restore_to(2)
    checkpoints.path().write_text("\n".join([*found[:2], found[2][:99]]))
    assert not checkpoints.is_current()
    assert faults() == ["exported checkpoint 3: the line is damaged"]
    write(now, 7)
    with pytest.raises(checkpoints.Behind, match="checkpoint 3"):
        checkpoints.make(now=now)
    with pytest.raises(checkpoints.Behind, match="did not begin"):
        checkpoints.export()
    checkpoints.reconcile(by=admin, reason="compared with the carrier", now=now)
    assert checkpoints.is_current()
    assert (verify().faults, len(lines())) == ([], 3)


@pytest.mark.parametrize("line", ["", "x", "{}", "[]"])
def test_a_last_line_that_cannot_be_read_is_doubt(fixed: None, line: str) -> None:
    checkpoints.path().write_text("\n".join([*lines(), line]) + "\n")
    assert not checkpoints.is_current()
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("checkpoint_ledger")


def test_checkpoints_cannot_be_changed(fixed: None) -> None:
    for statement in (
        "UPDATE audit_ledgercheckpoint SET signature = 'x'",
        "DELETE FROM audit_ledgercheckpoint",
        "TRUNCATE audit_ledgercheckpoint",
    ):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            as_owner(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def restore_to(number: int) -> None:
    """Bring the database back to a checkpoint, as a backup would."""
    told = [json.loads(json.loads(line)["text"]) for line in lines()][:number]
    heads = {chain: (seq, digest) for one in told for chain, seq, digest in one["changed"]}
    with guards_down(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_ledgercheckpoint DISABLE TRIGGER USER")
        LedgerCheckpoint.objects.filter(number__gt=number).delete()
        cursor.execute("ALTER TABLE audit_ledgercheckpoint ENABLE TRIGGER USER")
        for chain, (seq, digest) in heads.items():
            LedgerEntry.objects.filter(chain=chain, seq__gt=seq).delete()
            LedgerHead.objects.filter(chain=chain).update(seq=seq, hash=digest)
            NotedHead.objects.filter(chain=chain).update(seq=seq, hash=digest)


def test_a_restored_database_is_recognised_and_makes_no_checkpoints(
    fixed: None, now: datetime
) -> None:
    assert checkpoints.is_current()
    restore_to(2)
    assert not checkpoints.is_current()
    write(now, 7)
    with pytest.raises(checkpoints.Behind, match="checkpoint 3"):
        checkpoints.make(now=now)


def test_a_person_lets_a_restored_database_go_on(fixed: None, now: datetime, admin: User) -> None:
    restore_to(2)
    write(now, 7, 8)  # what happened before somebody looked
    checkpoints.reconcile(by=admin, reason="compared with the carrier", now=now)
    assert checkpoints.is_current()
    write(now, 9)
    checkpoints.make(now=now)
    verdict = verify()
    assert verdict.faults == []
    assert "goes on from checkpoint 2" in verdict.restorations[0]
    rewrite("location:1", 3)
    assert "fixed" in faults()[0]


def test_a_file_that_is_gone_is_doubt_until_it_is_written_anew(fixed: None) -> None:
    checkpoints.path().unlink()
    assert not checkpoints.is_current()
    call_command("checkpoint_ledger", "--write-anew")
    assert checkpoints.is_current()
    assert len(lines()) == 3


def test_reconciling_without_need_is_refused(fixed: None, now: datetime, admin: User) -> None:
    with pytest.raises(checkpoints.NotNeeded):
        checkpoints.reconcile(by=admin, reason="just so", now=now)
    with pytest.raises(CommandError, match="nobody who may"):
        call_command("reconcile_ledger", by="nobody", reason="x")


@pytest.fixture
def outside(tmp_path: Path) -> list[str]:
    """The command line of the verifier that needs no Tenure."""
    entries = tmp_path / "entries.jsonl"
    call_command("export_ledger", entries)
    return [
        sys.executable, str(ROOT / "docs" / "verify_ledger.py"), str(entries),
        str(checkpoints.path()), checkpoints.public_key(),
    ]  # fmt: skip


def test_the_verifier_of_the_documentation_agrees(fixed: None, outside: list[str]) -> None:
    run = subprocess.run(outside, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "Whole: 15 entries, 3 chains.\n")
    assert len((ROOT / "docs" / "verify_ledger.py").read_text().splitlines()) <= 100


def test_the_verifier_of_the_documentation_passes_over_a_line_cut_off(
    fixed: None, outside: list[str]
) -> None:
    found = lines()
    checkpoints.path().write_text("\n".join([*found[:2], found[2][:-9]]))
    run = subprocess.run(outside, capture_output=True, text=True, check=False)
    assert run.returncode == 0
    assert "cut off while it was written" in run.stdout
    checkpoints.path().write_text("\n".join([found[0], found[1][:-9], found[2]]) + "\n")
    run = subprocess.run(outside, capture_output=True, text=True, check=False)
    assert (run.returncode, "not whole" in run.stdout) == (1, True)


def test_the_verifier_of_the_documentation_finds_a_rewritten_chain(
    fixed: None, tmp_path: Path, outside: list[str]
) -> None:
    rewrite("location:0", 2)
    call_command("export_ledger", outside[2])
    run = subprocess.run(outside, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "location:0 2: not what checkpoint 1 fixed" in run.stdout
    other = [*outside[:4], "A" * 43 + "="]
    run = subprocess.run(other, capture_output=True, text=True, check=False)
    assert (run.returncode, "not whole" in run.stdout) == (1, True)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 8, 13])
def test_a_root_changes_with_every_head(size: int) -> None:
    heads = [(f"location:{n}", n + 1, f"{n:064x}") for n in range(size)]
    roots = {merkle.root(heads)}
    for place in range(size):
        chain, seq, digest = heads[place]
        for other in ((chain, seq + 1, digest), (chain, seq, "f" * 64), (chain + "0", seq, digest)):
            roots.add(merkle.root([*heads[:place], other, *heads[place + 1 :]]))
    assert len(roots) == 1 + 3 * size
    assert merkle.root(list(reversed(heads))) == merkle.root(heads)
