"""Three nested limits under many hands: never over by a cent, at any moment (INV-7)."""

from __future__ import annotations

import random
import threading
from collections import Counter
from typing import Any

from benchmarks.guardrails.world import NOON, at_once, meanwhile


def prove(*, threads: int, tries: int) -> dict[str, Any]:
    """So many threads try to set random costs aside; a reader looks all the time."""
    from django.db import connection, transaction

    from outreach.errors import CapReached
    from outreach.gate import caps
    from outreach.models import Cap, OutreachPolicy
    from tests.factories.memberships import LocationFactory

    places = [LocationFactory() for _ in range(4)]
    plays = ["one", "two"]
    policy = OutreachPolicy.current()
    share = threads * tries * 40  # costs average 250: most of the tries must fail
    policy.location_day_cents = share // 3
    policy.play_month_cents = share * 2 // 3
    policy.business_month_cents = share

    def lines(place: Any, play: str) -> list[Any]:
        return caps.lines_for(location=place, play_key=play, at=NOON, policy=policy)

    def reserve(place: Any, play: str, cents: int) -> bool:
        try:
            with transaction.atomic():
                caps.reserve(lines=lines(place, play), cost_cents=cents)
        except CapReached:
            return False
        return True

    given: list[Counter[str]] = [Counter() for _ in range(threads)]
    seen = Counter[str]()

    def push(number: int) -> None:
        rng = random.Random(number)
        for _ in range(tries):
            place, play, cents = rng.choice(places), rng.choice(plays), rng.randint(1, 499)
            if reserve(place, play, cents):
                given[number].update({"times": 1, "cents": cents})

    def watch(over: threading.Event) -> None:
        while not over.is_set():
            rows = list(
                Cap.objects.values_list("scope", "limit_cents", "reserved_cents", "spent_cents")
            )
            sums = Counter[str]()
            for scope, limit, reserved, spent in rows:
                seen["over"] += reserved + spent > limit
                sums[scope] += reserved + spent
            seen["levels that disagree"] += len(set(sums.values())) > 1
            seen["samples"] += 1

    with meanwhile(1, watch):
        at_once(threads, push)
    total = sum(given, Counter())
    reserved = Cap.objects.get(scope=Cap.Scope.BUSINESS_MONTH).reserved_cents
    # What is left fits to the cent, and not a cent more.
    left_wrong = 0
    for place in places:
        for play in plays:
            room = min(caps.left(lines(place, play)).values())
            left_wrong += (room > 0 and not reserve(place, play, room)) or reserve(place, play, 1)
    connection.close()
    return {
        "threads": threads,
        "tries": threads * tries,
        "set_aside": total["times"],
        "samples": seen["samples"],
        "over_at_a_sample": seen["over"],
        "levels_that_disagree": seen["levels that disagree"],
        "cents_lost_or_doubled": abs(reserved - total["cents"]),
        "left_that_did_not_fit": left_wrong,
        "naive": _naive(threads=threads, tries=tries, limit=share),
    }


def _naive(*, threads: int, tries: int, limit: int) -> dict[str, int]:
    """Sum what was spent, then insert."""
    from django.db import transaction
    from django.db.models import Sum

    from platforms.models import DeadLetter  # a table that is at hand, with a number in it

    def spent() -> int:
        return DeadLetter.objects.aggregate(cents=Sum("seen"))["cents"] or 0

    def push(number: int) -> None:
        rng = random.Random(number)
        for turn in range(tries):
            cents = rng.randint(1, 499)
            with transaction.atomic():
                if spent() + cents > limit:
                    return
                DeadLetter.objects.create(
                    source="naive", fingerprint=f"{number}:{turn}", payload="", reason="",
                    first_seen_at=NOON, last_seen_at=NOON, seen=cents,
                )  # fmt: skip

    at_once(threads, push)
    return {"cents_over": max(0, spent() - limit)}


def failures(found: dict[str, Any]) -> int:
    return sum(
        found[name]
        for name in (
            "over_at_a_sample", "levels_that_disagree", "cents_lost_or_doubled",
            "left_that_did_not_fit",
        )
    )  # fmt: skip
