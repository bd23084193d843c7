"""One run of the product through the storm, and its verdict."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.storm import counts
from benchmarks.storm.stack import FAULTS, PYTHON, ROOT, Carrier, Stack, phone, wait
from config.local.supervisor import Command, PieceFailed

# Whom the blows fall on; "dispatcher" is the child that is sending at that moment.
TARGETS = {
    "worker child": 30,
    "dispatcher": 25,
    "worker": 15,
    "web": 8,
    "web child": 10,
    "beat": 12,
}
LEAST_S, MOST_S = 0.25, 20.0  # between two blows; a stall does not end the storm
NAIVE_MOST_S = 5.0  # what it has lost never comes: no use in waiting
FIRST_S = 120.0  # until the work has begun
WORK_FOR_BLOWS = 0.95  # the last blow falls when so much is done
DECIDED_WITHIN_S = 120.0


@dataclass(frozen=True)
class Size:
    sends: int
    kills: int
    flushes: int
    seed: int


def product(*, folder: Path, size: Size, carrier: Carrier) -> dict[str, Any]:
    """Approve, send, kill, count. Returns the figures; `held` says whether every promise held."""
    stack = Stack(folder, carrier)
    try:
        stack.start_servers()
        return _product(stack, size)
    finally:
        stack.stop()


def _product(stack: Stack, size: Size) -> dict[str, Any]:
    import django

    django.setup()
    from audit import fence

    fence.work_for_the_system()
    from benchmarks.storm import business
    from benchmarks.storm.approver import Approver

    business.give_phones(stack.environment["SANDBOX_DATABASE_URL"], count=size.sends * 2 + 200)
    drafts = business.make(sends=size.sends)
    stack.faults(FAULTS)
    stack.start_product()
    database = stack.environment["DATABASE_URL"]
    began = time.monotonic()
    approver = Approver(
        address=stack.environment["PUBLIC_URL"], name=business.APPROVER,
        password=business.PASSWORD, open_drafts=business.open_drafts,
    )  # fmt: skip
    approver.start()
    checkpoints = Checkpoints(stack)
    _blows(stack, size, TARGETS, lambda: counts.progress(database)[1] / drafts, MOST_S)
    stormed_s = time.monotonic() - began
    stack.faults({})
    ended = time.monotonic()
    total = decided = 0
    while (since := time.monotonic() - ended) < DECIDED_WITHIN_S:
        wait(0.5, stack)
        checkpoints.poke()
        total, decided = counts.progress(database)
        if approver.is_done and decided == total:
            break
    while counts.unread(database) and time.monotonic() - ended < DECIDED_WITHIN_S:
        wait(0.5, stack)
    result = _verdict(stack, drafts)
    result |= {
        "sends": drafts,
        "kills": dict(sorted(stack.kills.items())),
        "stormed_s": round(stormed_s, 1),
        "undecided": total - decided,
        "decided_after_s": round(since, 1),
        "approvals_without_answer": approver.broken,
        "checkpoints": checkpoints.made(),
        "ledger_whole": _ledger_is_whole(stack),
    }
    result["held"] = (
        result["lost"] == result["twice"] == result["undecided"] == 0
        and result["uncertain_unexplained"] == result["doubts_overlooked"] == 0
        and result["caps_differ_cents"] == 0
        and result["ledger_whole"]
    )
    return result


def naive(*, folder: Path, size: Size) -> dict[str, Any]:
    """The same storm over a plain task that sends and then marks."""
    stack = Stack(folder, Carrier(key=False, lookup=False))
    try:
        stack.start_servers()
        from benchmarks.storm import naive as sender

        # One user of the database who may do everything, as in most projects.
        stack.environment["DATABASE_URL"] = stack.owner
        with psycopg.connect(stack.owner, autocommit=True) as connection:
            connection.execute(sender.TABLE)
            connection.cursor().executemany(
                "INSERT INTO naive VALUES (%s, %s, false)",
                [(number, phone(number)) for number in range(size.sends)],
            )
            stack.faults(FAULTS)
            stack.start_worker("now", 3, app="benchmarks.storm.naive")
            sender.enqueue(size.sends)

            def done() -> float:
                row = connection.execute("SELECT count(*) FROM naive WHERE sent").fetchone()
                return (row[0] if row else 0) / size.sends

            targets = {kind: TARGETS[kind] for kind in ("worker child", "worker")}
            began = time.monotonic()
            _blows(stack, size, targets, done, NAIVE_MOST_S)
            stormed_s = time.monotonic() - began
            stack.faults({})
            ended = time.monotonic()
            while (since := time.monotonic() - ended) < DECIDED_WITHIN_S and done() < 1:
                wait(0.5, stack)
            marked = {
                f"naive:{row[0]}" for row in connection.execute("SELECT id FROM naive WHERE sent")
            }
        seen = counts.phones(stack.environment["SANDBOX_DATABASE_URL"])
    finally:
        stack.stop()
    return {
        "sends": size.sends,
        "kills": dict(sorted(stack.kills.items())),
        "carrier_calls": seen.fates,
        "stormed_s": round(stormed_s, 1),
        "lost": size.sends - len(seen.seen),
        "twice": sum(1 for count in seen.seen.values() if count > 1),
        "undecided": size.sends - len(marked),
        "decided_after_s": round(since, 1),
        "seen_but_not_known": len(seen.seen.keys() - marked),
        "doubts_injected": len(seen.in_doubt),
    }


def _blows(
    stack: Stack,
    size: Size,
    targets: dict[str, int],
    done: Callable[[], float],
    most_s: float,
) -> None:
    """Strike at even steps of the work (`done`, 0 to 1), so that the storm lasts as long as it
    does, at the latest `most_s` after the blow before. A blow that met nobody is struck again."""
    chance = random.Random(size.seed)
    kinds = chance.choices(list(targets), list(targets.values()), k=size.kills)
    kinds += ["flush"] * size.flushes
    chance.shuffle(kinds)
    for number, kind in enumerate(kinds):
        threshold = WORK_FOR_BLOWS * (number + 1) / (len(kinds) + 1)
        last = time.monotonic()
        wait(LEAST_S, stack)
        patience = most_s if number else FIRST_S
        while time.monotonic() - last < patience and done() < threshold:
            wait(0.1, stack)
        struck, last = stack.kills.total(), time.monotonic()
        while stack.kills.total() == struck:
            # Nobody may be sending just then: any child will do in the end.
            late = kind == "dispatcher" and time.monotonic() - last > most_s
            stack.strike("worker child" if late else kind, chance)
            if stack.kills.total() == struck:
                wait(0.05, stack)


class Checkpoints:
    """Asks for a checkpoint of the ledger now and then: sending must go on beside them."""

    EVERY_S = 5.0

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.last = 0.0

    def poke(self) -> None:
        if time.monotonic() - self.last > self.EVERY_S:
            self.last = time.monotonic()
            from audit.nudge import nudge
            from audit.tasks import checkpoint

            nudge(checkpoint)

    def made(self) -> int:
        from audit.models import LedgerCheckpoint

        return LedgerCheckpoint.objects.count()


def _verdict(stack: Stack, drafts: int) -> dict[str, Any]:
    """Both sides' counts, held against each other.

    A message is in doubt when the carrier spoiled its answer, or when a try began and its worker
    died before it could write down the end. With a carrier that can be neither asked nor trusted
    with a key, exactly these must end as uncertain or be settled by a receipt.
    """
    seen = counts.phones(stack.environment["SANDBOX_DATABASE_URL"])
    book = counts.book(stack.environment["DATABASE_URL"])
    states = Counter(book.states.values())
    uncertain = {key for key, state in book.states.items() if state == "uncertain"}
    blind = not stack.carrier.key and not stack.carrier.lookup
    doubts = seen.in_doubt | book.cut_off if blind else set()
    explained = uncertain | (book.settled if blind else set())
    believed = {key for key, state in book.states.items() if state == "sent"}
    return {
        "states": dict(sorted(states.items())),
        "carrier_calls": seen.fates,
        # Approved, and neither on a phone nor in a state that a person sees.
        "lost": book.undecided_drafts
        + max(0, drafts - len(book.states))
        + sum(1 for key in believed if key not in seen.seen),
        "twice": sum(1 for count in seen.seen.values() if count > 1),
        "seen_but_not_known": sum(
            1 for key in seen.seen if book.states.get(key) not in ("sent", "uncertain")
        ),
        "doubts_injected": len(seen.in_doubt),
        "cut_off_in_call": len(book.cut_off),
        "uncertain": len(uncertain),
        "settled_by_receipt": len(book.settled),
        "uncertain_unexplained": len(explained - doubts),
        "doubts_overlooked": len(doubts - explained),
        "dead": states["dead"],
        "caps_differ_cents": book.caps_differ_cents,
    }


def _ledger_is_whole(stack: Stack) -> bool:
    """Whether the chains verify against themselves and the exported checkpoints."""
    try:
        stack.supervisor.run(
            Command(
                "verify", (PYTHON, "manage.py", "verify_ledger"), stack.environment, ROOT,
                stack.log("verify"),
            )
        )  # fmt: skip
    except PieceFailed as error:
        sys.stderr.write(f"{error}\n")
        return False
    return True
