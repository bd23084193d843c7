"""A small business with approved messages, a carrier that notes when it is called, and threads."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter

# A Friday, 12:00 in New York.
NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)
Errors = list[BaseException]


def at_once(count: int, work: Callable[[int], None]) -> None:
    """Run `work(number)` in so many threads, all let go together, each with its own connection.
    Raises what the first that failed raised."""
    from django.db import connections

    barrier = threading.Barrier(count)
    errors: Errors = []

    def run(number: int) -> None:
        try:
            barrier.wait()
            work(number)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@contextmanager
def meanwhile(count: int, work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run `work(over)` in so many threads while the block runs; `over` is set at its end."""
    over = threading.Event()
    errors: Errors = []

    def run() -> None:
        from django.db import connections

        try:
            work(over)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]


@dataclass(frozen=True)
class Call:
    """One request to the carrier: when it began, by the carrier's clock."""

    at: Any
    to: str
    body: str
    key: str


class Carrier:
    """Accepts everything after `seconds`. `now()` is written down for each call: the monotonic
    clock, or a simulated one."""

    def __init__(self, seconds: float = 0.005, now: Callable[[], Any] = time.monotonic) -> None:
        self.calls: list[Call] = []
        self.seconds = seconds
        self.now = now

    def take(self, *, key: str, to: str, body: str) -> str:
        """Returns the carrier's reference."""
        self.calls.append(Call(self.now(), to, body, key))
        time.sleep(self.seconds)
        return f"SM-{key}"

    @contextmanager
    def in_place(self) -> Iterator[Carrier]:
        """Where the request would go to the wire: the product's whole way there is part of what is
        proved."""

        def send(adapter: Any, request: Any, **rest: Any) -> requests.Response:
            form = {name: values[0] for name, values in parse_qs(request.body).items()}
            sid = self.take(key=form["Reference"], to=form["To"], body=form["Body"])
            answer = requests.Response()
            answer.status_code, answer.url, answer.request = 201, request.url, request
            answer.raw = urllib3.HTTPResponse(
                io.BytesIO(json.dumps({"sid": sid}).encode()), preload_content=False
            )
            return answer

        address = {"sms_url": "http://127.0.0.1:1"}
        with (
            patch.object(HTTPAdapter, "send", send),
            patch.dict(settings.CARRIER, address),
        ):
            yield self


class Clock:
    """The product's clock: starts at noon and runs with the machine's."""

    def __init__(self) -> None:
        self.begun = time.monotonic()

    def now(self) -> datetime:
        return NOON + timedelta(seconds=time.monotonic() - self.begun)


def lay_out(*, guests: int, plays: int = 1, locations: int = 2, with_offers: bool = False) -> None:
    """Guests spread over the locations, each with an open draft of every play."""
    from outreach.drafting.candidates import Candidate
    from outreach.drafting.making import draft_for
    from outreach.library.seed import AT_RISK, seed_library
    from outreach.models import LibraryStatus, Offer, OutreachPolicy, Play, Template
    from tests.factories.memberships import GuestFactory, LocationFactory, MembershipFactory
    from tests.factories.outreach import mirror_is_fresh
    from tests.factories.staff import UserFactory

    seed_library(by=None, now=NOON)
    OutreachPolicy.current()
    OutreachPolicy.objects.update(
        outgoing_minutes=0, weekly_cap=14, location_day_cents=10**9, play_month_cents=10**9,
        business_month_cents=10**9,
    )  # fmt: skip
    if not with_offers:
        Offer.objects.exclude(kind=Offer.Kind.NONE).update(status=LibraryStatus.RETIRED)
    Play.objects.update(holdout_percent=0, daily_limit=100_000)
    keys = [AT_RISK, *(f"play-{number}" for number in range(1, plays))]
    for key in keys[1:]:
        play = Play.objects.get(pk=AT_RISK)
        play.key, play.name = key, key
        play.save(force_insert=True)
        for template in Template.objects.filter(play_id=AT_RISK, language="en", channel="sms"):
            template.pk, template.play_id = None, key
            template.slug = f"{key}-{template.slug}"[:60]
            template.save()
    places = [LocationFactory(name=f"Place {number}") for number in range(locations)]
    for place in places:
        mirror_is_fresh(place, NOON)
    UserFactory(username="admin", role="admin", approval_limit_cents=10**6)
    people = [
        GuestFactory(location=places[number % locations], phone=f"+1212{5_550_000 + number:07d}")
        for number in range(guests)
    ]
    memberships = {person.pk: MembershipFactory(guest=person).pk for person in people}
    for key in keys:
        result = draft_for(
            play_key=key,
            candidates=[
                Candidate(
                    guest_id=person.pk,
                    location_id=person.location_id,
                    membership_id=memberships[person.pk],
                    cause="other" if key == AT_RISK else key,  # one draft a guest and reason
                    evidence={},
                )
                for person in people
            ],
            now=NOON,
        )
        if result.drafted != guests:
            raise SystemExit(f"Every guest should have a draft of {key}: {result}")


def approve_all() -> None:
    """Every open draft is approved by the administrator and due at once."""
    from outreach.models import Draft
    from outreach.services import approve_draft
    from staff.models import User

    admin = User.objects.get(username="admin")
    for pk, version in Draft.objects.open().values_list("pk", "version"):
        approve_draft(draft_id=pk, version=version, by=admin, now=NOON, care=True)


def send_on(clock: Clock, over: threading.Event) -> None:
    """A sender that never rests."""
    from outreach.sending import sender

    while not over.is_set():
        if not sender.dispatch_due(now=clock.now(), limit=20):
            time.sleep(0.002)


def refill(over: threading.Event) -> None:
    """What was sent is due again, so that the senders have work for as long as it takes."""
    from platforms.models import OutboxItem

    while not over.is_set():
        OutboxItem.objects.filter(state=OutboxItem.State.SENT).update(
            state=OutboxItem.State.READY, attempt=0
        )
        time.sleep(0.02)
