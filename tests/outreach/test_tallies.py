"""What the night counts is what a count at that instant would find; pages of many count nothing."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit import clock
from memberships.models import Guest, GuestDay, Location, Membership
from outreach.autonomy import evidence, tallies
from outreach.autonomy.evidence import Numbers
from outreach.experiments import experiment_counts
from outreach.experiments.effects import experiments, of_tallies
from outreach.library.seed import AT_RISK
from outreach.models import (
    Breaker,
    Draft,
    ExperimentTally,
    Holdout,
    Message,
    Play,
    PlayPhase,
    PlayTally,
)
from platforms.models import OutboxItem
from tests.factories.memberships import GuestFactory, LocationFactory, MembershipFactory
from tests.factories.outreach import make_message

pytestmark = pytest.mark.usefixtures("library")
DAY = timedelta(days=1)


def live(location: Location, seed: int) -> None:
    """Some months of one location, at random: drafts in every state, messages, draws, visits."""
    chance = random.Random(seed)
    first = make_message(location, now=clock.now())
    draft = Draft.objects.get(pk=first.draft_id)
    plays = list(Play.objects.all())[:3]
    now = clock.now()
    guests = Guest.objects.bulk_create(GuestFactory.build_batch(60, location=location))
    plan = Membership.objects.get(guest=first.guest).plan
    states = {
        "pending": {}, "expired": {}, "rejected": {"decided_at": now},
        "approved": {"decided_at": now, "approval_hash": "0" * 64},
    }  # fmt: skip
    drafts = []
    for _ in range(80):
        state = chance.choice(list(states))
        drafts.append(
            Draft(
                guest=chance.choice(guests), location=location, play=chance.choice(plays),
                channel="sms", address="+1", template=draft.template, library_body="x",
                body=chance.choice("xxy"), status=state, expires_at=now + DAY,
                created_at=now - chance.randrange(120) * DAY,
                decided_by=first.approved_by if states[state] else None,
                rejection=chance.choice(Draft.Rejection.values) if state == "rejected" else "",
                **states[state],
            )
        )  # fmt: skip
    Draft.objects.bulk_create(drafts, ignore_conflicts=True)  # one open draft per guest and play
    items, messages = [], []
    for number in range(60):
        at = now - chance.randrange(120) * DAY
        item = OutboxItem.objects.get(pk=first.outbox_id)
        item.pk, item.subject = OutboxItem._meta.pk.default(), f"copy:{location.pk}:{number}"
        item.state = chance.choice(["sent", "sent", "dead", "refused", "withdrawn", "uncertain"])
        item.sent_at = at if item.state == "sent" else None
        items.append(item)
        messages.append(
            Message(
                guest=chance.choice(guests), location=location, play=chance.choice(plays),
                outbox_id=item.pk, channel="sms", address="+1", body="x", approved_at=at,
                approved_by=first.approved_by, delivery=chance.choice(["", "delivered", "bounced"]),
                cost_cents=chance.randrange(1, 900), reservation="posted",
            )
        )  # fmt: skip
    OutboxItem.objects.bulk_create(items)
    Message.objects.bulk_create(messages)
    members, arms, days = [], [], []
    for guest in guests:
        ended = chance.choice([None, now.date() - chance.randrange(150) * DAY])
        members.append(
            MembershipFactory.build(
                guest=guest, location=location, plan=plan, ended_on=ended,
                **({"status": "cancelled", "ending": "voluntary"} if ended else {}),
            )
        )  # fmt: skip
        arms += [
            Holdout(
                guest=guest, play=play, is_held_out=chance.random() < 0.4,
                assigned_at=now - chance.randrange(200) * DAY,
            )
            for play in chance.sample(plays, 2)
        ]  # fmt: skip
        days += [
            GuestDay(
                guest=guest, location=location, on=now.date() - back * DAY, visits=1,
                spend_cents=chance.randrange(20_000),
            )
            for back in chance.sample(range(150), 3)
        ]  # fmt: skip
    Membership.objects.bulk_create(members)
    Holdout.objects.bulk_create(arms)
    GuestDay.objects.bulk_create(days)


def test_the_night_counts_what_a_look_would_count(location: Location, elsewhere: Location) -> None:
    """Each location alone and all together; the arms of locations in two currencies too."""
    places = [location, elsewhere, LocationFactory(currency="CAD")]
    now = clock.now()
    for seed, place in enumerate(places):
        live(place, seed)
        tallies.count_location(location_id=place.pk, now=now)
    ids = [place.pk for place in places]
    looked = evidence.numbers(ids, now=now)
    assert {pair: found for pair, found in tallies.numbers(ids).items() if found != Numbers()} == (
        looked
    )
    assert len(looked) >= 9
    assert sum(found.stops + found.arms.held_out for found in looked.values())
    for key, total in tallies.totals(ids[:2]).items():
        parts = [looked.get((key, pk), Numbers()).counts() for pk in ids[:2]]
        assert total.counts() == {name: parts[0][name] + parts[1][name] for name in parts[0]}
    for some in (ids, ids[:1], ids[1:]):
        at_once = of_tallies(experiment_counts.counted(some, now=now))
        assert [vars(one) for one in experiments(location_ids=some)] == [
            vars(one) for one in at_once
        ]
        assert at_once[0].main.treated.n


def test_a_second_count_takes_the_place_of_the_first(location: Location) -> None:
    first = make_message(location, now=clock.now())
    for _ in range(2):
        tallies.count_location(location_id=location.pk, now=clock.now())
    assert PlayTally.objects.count() == Play.objects.count()
    assert PlayTally.objects.get(play=AT_RISK).drafts == 1
    Draft.objects.filter(pk=first.draft_id).update(created_at=clock.now() - 91 * DAY)
    Holdout.objects.all().delete()
    tallies.count_location(location_id=location.pk, now=clock.now())
    assert PlayTally.objects.get(play=AT_RISK).drafts == 0
    assert not ExperimentTally.objects.exists()


def test_it_says_how_old_the_counts_are(location: Location, elsewhere: Location, now: datetime):
    places = [location, elsewhere]
    assert tallies.counted(places) == tallies.Counted(None, 2)
    tallies.count_location(location_id=location.pk, now=now)
    assert tallies.counted(places) == tallies.Counted(now, 1)
    tallies.count_location(location_id=elsewhere.pk, now=now - DAY)
    assert tallies.counted(places) == tallies.Counted(now - DAY, 0)
    LocationFactory(is_active=False)
    assert tallies.counted([*Location.objects.all()]) == tallies.Counted(now - DAY, 0)


COUNTED_BY_NIGHT = (
    "outreach_draft", "outreach_message", "outreach_holdout", "outreach_reply",
    "memberships_membership", "memberships_guestday", "memberships_charge",
)  # fmt: skip


@pytest.mark.parametrize(
    "address", ["/settings/automation/", "/settings/automation/?play=at-risk", "/quality/plays/"]
)
def test_pages_of_many_locations_count_nothing(
    location: Location, elsewhere: Location, admin: Any, address: str
) -> None:
    make_message(location, now=clock.now())
    tallies.count_location(location_id=location.pk, now=clock.now())
    client = Client()
    client.force_login(admin)
    address = address.replace("at-risk", AT_RISK)
    with CaptureQueriesContext(connection) as captured:
        page = client.get(address)
    assert page.status_code == 200
    assert "Counted in the night, as of" in page.content.decode() or "plays" in address
    for query in captured.captured_queries:
        for table in COUNTED_BY_NIGHT:
            assert f'"{table}"' not in query["sql"], query["sql"]
            assert f" {table} " not in query["sql"], query["sql"]


# --- How far plays act by themselves ------------------------------------------------------------


def see(person: Any, **query: Any) -> str:
    client = Client()
    client.force_login(person)
    return client.get(reverse("settings-automation"), query).content.decode()


def test_who_serves_many_locations_sees_plays_and_opens_one(
    location: Location, elsewhere: Location, admin: Any
) -> None:
    now = clock.now()
    make_message(location, now=now)
    make_message(elsewhere, now=now)
    for place in (location, elsewhere):
        tallies.count_location(location_id=place.pk, now=now)
    PlayPhase.objects.create(
        play_id=AT_RISK, location=elsewhere, phase="report", since_at=now, doubt="Data is old"
    )
    Breaker.objects.create(
        location=location, signal="stops", state="open", evaluated_at=now, changed_at=now,
        tries_at=now + DAY, reason="9 of 20 guests said stop; usual are 1 in 100.",
    )  # fmt: skip
    page = see(admin)
    assert "held at 1" in page
    assert "1 every draft reviewed" in page
    assert "1 report only" in page
    assert f'href="?play={AT_RISK}"' in page
    assert "Went down by itself, not yet seen" in page
    assert "Data is old" in page
    at_location = reverse("settings-automation-play", args=[AT_RISK, location.pk])
    assert at_location not in page  # behind its play
    opened = see(admin, play=AT_RISK)
    assert at_location in opened
    assert reverse("settings-automation-play", args=[AT_RISK, elsewhere.pk]) in opened
    assert "Went down by itself, not yet seen" not in opened
    assert at_location in see(admin, location=location.pk)


def test_totals_are_of_the_readers_locations_alone(
    location: Location, elsewhere: Location, manager: Any, regional: Any
) -> None:
    for place in (location, elsewhere):
        make_message(place, now=clock.now())
        tallies.count_location(location_id=place.pk, now=clock.now())
    assert elsewhere.name not in see(manager, play=AT_RISK)
    third = LocationFactory()
    regional.locations.add(third)
    page = see(regional)
    assert '<td class="num" data-label="Drafts">1</td>' in page
    assert '<td class="num" data-label="Drafts">2</td>' not in page
    assert "1 location has had no night yet" in page


def test_a_play_nobody_knows_is_not_found(admin: Any) -> None:
    client = Client()
    client.force_login(admin)
    assert client.get(reverse("settings-automation"), {"play": "nonsense"}).status_code == 404
