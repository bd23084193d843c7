"""Senders at full speed while somebody stops them, a guest says stop, or the same guest is due many
times over (INV-9, INV-12, INV-13)."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any
from urllib.parse import urlencode

from benchmarks.guardrails.world import (
    NOON,
    Call,
    Carrier,
    Clock,
    approve_all,
    at_once,
    lay_out,
    meanwhile,
    refill,
    send_on,
)

ROUNDS_A_MINUTE = 8


# --- The stop switch ------------------------------------------------------------------------------


def prove_switch(*, senders: int, flips: int, guests: int, within_ms: int) -> dict[str, Any]:
    """Each kind of stop so many times; no call may begin later than `within_ms` after its commit.
    Nothing here needs the broker."""
    from memberships.models import Location
    from outreach.models import Message
    from outreach.services import resume_sending, stop_sending
    from staff.models import User

    lay_out(guests=guests, plays=2)
    approve_all()
    admin = User.objects.get(username="admin")
    place = Location.objects.order_by("pk").first()
    scopes = {"all": "", "location": str(place and place.pk), "play": "play-1", "channel": "sms"}
    covered = {
        "all": set(Message.objects.values_list("outbox_id", flat=True)),
        "location": set(Message.objects.filter(location=place).values_list("outbox_id", flat=True)),
        "play": set(Message.objects.filter(play="play-1").values_list("outbox_id", flat=True)),
        "channel": set(Message.objects.values_list("outbox_id", flat=True)),
    }
    clock, stops = Clock(), []
    with (
        Carrier().in_place() as carrier,
        meanwhile(1, refill),
        meanwhile(senders, lambda over: send_on(clock, over)),
    ):
        for _ in range(flips):
            for scope, key in scopes.items():
                time.sleep(0.15)
                stop_sending(scope=scope, key=key, reason="try", by=admin, now=clock.now())
                begun = time.monotonic()
                time.sleep(0.3 + within_ms / 1000)
                ended = time.monotonic()
                resume_sending(scope=scope, key=key, reason="try", by=admin, now=clock.now())
                stops.append((scope, begun, ended))
    keys = {scope: {f"send:{pk}" for pk in ids} for scope, ids in covered.items()}
    late, latest = _late(carrier.calls, stops, keys, within_ms)
    return {
        "senders": senders,
        "flips": len(stops),
        "calls": len(carrier.calls),
        "within_ms": within_ms,
        "late": late,
        "latest_ms": round(latest * 1000, 1),
        "naive": _naive_switch(senders=senders, flips=flips, within_ms=within_ms),
    }


def _late(
    calls: list[Call],
    stops: list[tuple[str, float, float]],
    keys: dict[str, set[str]],
    within_ms: int,
) -> tuple[int, float]:
    """How many calls of a stopped scope began too late, and the latest in seconds."""
    after = [
        call.at - begun
        for scope, begun, ended in stops
        for call in calls
        if begun < call.at < ended and call.key in keys[scope]
    ]
    return sum(delay > within_ms / 1000 for delay in after), max(after, default=0.0)


def _naive_switch(*, senders: int, flips: int, within_ms: int) -> dict[str, int]:
    """The switch is cached for a second, rows are taken twenty at a time."""
    from django.db import connection

    from outreach.models import Switch
    from outreach.services import resume_sending, stop_sending
    from staff.models import User

    admin, clock, carrier, stops = User.objects.get(username="admin"), Clock(), Carrier(), []

    def send(over: threading.Event) -> None:
        read_at, stopped = 0.0, False
        while not over.is_set():
            if time.monotonic() - read_at > 1:
                stopped = Switch.objects.filter(scope="all", stopped=True).exists()
                read_at = time.monotonic()
            if stopped:
                time.sleep(0.01)
                continue
            with connection.cursor() as cursor:
                cursor.execute(
                    """
                    UPDATE platforms_outboxitem SET attempt = attempt + 1 WHERE id IN (
                        SELECT id FROM platforms_outboxitem LIMIT 20 FOR UPDATE SKIP LOCKED)
                    RETURNING id
                    """
                )
                rows = cursor.fetchall()
            for (pk,) in rows:
                carrier.take(key=f"send:{pk}", to="", body="")

    with meanwhile(senders, send):
        for _ in range(flips):
            time.sleep(0.15)
            stop_sending(scope="all", key="", reason="try", by=admin, now=clock.now())
            begun = time.monotonic()
            time.sleep(0.3 + within_ms / 1000)
            stops.append(("all", begun, time.monotonic()))
            resume_sending(scope="all", key="", reason="try", by=admin, now=clock.now())
    everything = {call.key for call in carrier.calls}
    late, _ = _late(carrier.calls, stops, {"all": everything}, within_ms)
    return {"late": late}


# --- The opt-out ----------------------------------------------------------------------------------


def prove_opt_out(*, senders: int, guests: int, within_ms: int) -> dict[str, Any]:
    """Guests say STOP through the carrier's webhook while everything is due all the time. The
    worker that reads answers comes only at the end: a stop counts from the acknowledgement."""
    from unittest.mock import patch

    from django.conf import settings
    from django.test import Client
    from django.urls import reverse

    from memberships.models import Guest
    from outreach.models import Suppression
    from platforms import inbox, tasks, views
    from platforms.carriers import sms

    lay_out(guests=guests * 2)
    approve_all()
    phones = list(Guest.objects.order_by("pk").values_list("phone", flat=True)[:guests])
    clock, heard, client = Clock(), {}, Client()
    path = reverse("hook-sms-inbound")
    with (
        Carrier().in_place() as carrier,
        patch.object(views.clock, "now", clock.now),
        patch.object(tasks, "wake_inbox", lambda: None),
        meanwhile(1, refill),
        meanwhile(senders, lambda over: send_on(clock, over)),
    ):
        time.sleep(0.5)
        for number, phone in enumerate(phones):
            form = {"MessageSid": f"IN{number}", "From": phone, "To": "+1", "Body": "STOP"}
            url = settings.PUBLIC_URL.rstrip("/") + path
            signature = sms.sign(url, form, settings.CARRIER["sms_token"])
            response = client.post(
                path, urlencode(form), content_type="application/x-www-form-urlencoded",
                headers={"X-Twilio-Signature": signature},
            )  # fmt: skip
            if response.status_code != 204:
                raise SystemExit(f"The webhook should take the answer: {response.status_code}")
            heard[phone] = time.monotonic()
            time.sleep(0.05)
        time.sleep(1 + within_ms / 1000)
        inbox.work_through(now=clock.now())
        time.sleep(0.5)
    # The one confirmation of the stop has its own words.
    texts = [call for call in carrier.calls if "no more texts" not in call.body]
    after = [call.at - heard[call.to] for call in texts if call.to in heard]
    delays = [delay for delay in after if delay > 0]
    return {
        "senders": senders,
        "stops": len(heard),
        "calls": len(carrier.calls),
        "within_ms": within_ms,
        "late": sum(delay > within_ms / 1000 for delay in delays),
        "latest_ms": round(max(delays, default=0.0) * 1000, 1),
        "not_suppressed_in_the_end": len(
            set(phones) - set(Suppression.objects.values_list("address", flat=True))
        ),
        # Who waits for the worker before a stop counts sends all this to those who said it.
        "naive": {"late": _sent_while_unread(senders=senders, guests=guests)},
    }


def _sent_while_unread(*, senders: int, guests: int) -> int:
    """The same second with a gate that knows only answers that were read."""
    from unittest.mock import patch

    from memberships.models import Guest
    from outreach.gate import conditions
    from outreach.models import Contact, Suppression
    from platforms.models import InboxDelivery, OutboxItem

    Suppression.objects.all().delete()
    OutboxItem.objects.exclude(state="sent").update(state="sent", sent_at=NOON, leased_until=None)
    Contact.objects.all().delete()
    InboxDelivery.objects.update(status="received")
    clock = Clock()
    forgetful = conditions.CANDIDATE_SQL.replace("i.sender = m.address", "false")
    phones = set(Guest.objects.order_by("pk").values_list("phone", flat=True)[:guests])
    with (
        Carrier().in_place() as carrier,
        patch.object(conditions, "CANDIDATE_SQL", forgetful),
        patch.object(conditions, "still_open", lambda *args, **rest: True),
        meanwhile(1, refill),
        meanwhile(senders, lambda over: send_on(clock, over)),
    ):
        time.sleep(1)
    return sum(call.to in phones for call in carrier.calls)


# --- The hold period ------------------------------------------------------------------------------


def prove_hold(*, threads: int, guests: int, plays: int, minutes: int) -> dict[str, Any]:
    """Many senders whose clocks differ, few guests with a message of every play. A simulated minute
    passes with every so many rounds of the senders, however fast the machine is: by its own clock
    a slow one would reach the evening after a handful of messages. Nor does a sender give up before
    the margin of the hold period when it was kept from the processor, as one of 64 threads of one
    process mostly is."""
    from unittest.mock import patch

    from outreach.gate import conditions
    from outreach.models import OutreachPolicy
    from outreach.sending import sender

    lay_out(guests=guests, plays=plays)
    approve_all()
    hold = timedelta(minutes=OutreachPolicy.current().hold_minutes)
    margin = conditions.CALL_WITHIN.total_seconds()
    rounds = count()
    mine = threading.local()

    def push(number: int) -> None:
        while (minute := next(rounds) // ROUNDS_A_MINUTE) < minutes:
            mine.now, mine.begun = NOON + timedelta(minutes=minute), time.monotonic()
            sender.dispatch_due(now=mine.now, limit=5)

    def now() -> datetime:
        instant: datetime = mine.now + timedelta(seconds=time.monotonic() - mine.begun)
        return instant

    with (
        Carrier(0.0, now).in_place() as carrier,
        patch.object(conditions, "RECHECK_AFTER_S", margin),
        patch.object(conditions, "CALL_AFTER_S", margin),
    ):
        at_once(threads, push)
    calls = [(call.to, call.at) for call in carrier.calls]
    return {
        "threads": threads,
        "guests": guests,
        "simulated_minutes": minutes,
        "sent": len(calls),
        "pairs_inside": _pairs(calls, hold),
        "naive": _naive_hold(threads=threads, guests=guests, minutes=minutes, hold=hold),
    }


def hold_failures(found: dict[str, Any]) -> int:
    """Pairs inside the hold period; one more when nobody was written to twice: then nothing that
    could have been inside was ever tried."""
    return int(found["pairs_inside"]) + int(found["sent"] <= found["guests"])


def _pairs(calls: list[tuple[str, Any]], hold: timedelta) -> int:
    by_guest: dict[str, list[Any]] = {}
    for to, at in calls:
        by_guest.setdefault(to, []).append(at)
    return sum(
        second - first < hold
        for instants in map(sorted, by_guest.values())
        for first, second in pairwise(instants)
    )


def _naive_hold(*, threads: int, guests: int, minutes: int, hold: timedelta) -> dict[str, int]:
    """Look when the guest was last written to, then send, then write it down."""
    from outreach.models import Contact

    Contact.objects.all().delete()
    from memberships.models import Guest

    people = list(Guest.objects.order_by("pk").values_list("pk", "phone")[:guests])
    calls: list[tuple[str, Any]] = []
    outbox_id = "0" * 31 + "1"

    def push(number: int) -> None:
        for minute in range(0, minutes, 5):
            pk, phone = people[(number + minute) % guests]
            now = NOON + timedelta(minutes=minute)
            last = Contact.objects.filter(guest_id=pk).values_list("last_at", flat=True).first()
            if last is None or last <= now - hold:
                calls.append((phone, now))
                Contact.objects.update_or_create(
                    guest_id=pk, defaults={"last_at": now, "outbox_id": outbox_id}
                )

    at_once(threads, push)
    return {"pairs_inside": _pairs(calls, hold)}
