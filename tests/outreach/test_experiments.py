"""What each play changes, from the draws to the quality page."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from memberships.models import GuestDay, Location, Membership
from outreach.autonomy import tallies
from outreach.experiments import arms, experiment_counts, experiment_words
from outreach.experiments.effects import Experiment, experiments
from outreach.experiments.experiment_counts import DAYS
from outreach.library.seed import AT_RISK, seed_library
from outreach.models import Holdout, Message, Play
from tests.factories.memberships import (
    NOW,
    ChargeFactory,
    GuestFactory,
    LocationFactory,
    MembershipFactory,
)
from tests.factories.outreach import make_message
from tests.factories.staff import UserFactory
from tests.owner import as_owner

pytestmark = pytest.mark.django_db
LONG_AGO = NOW - timedelta(days=100)
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def library(db: None) -> None:
    seed_library(by=None, now=NOW)


def drawn(
    location: Location, *, held: bool, at: datetime = LONG_AGO, ended_on: date | None = None
) -> Membership:
    membership = MembershipFactory(
        guest=GuestFactory(location=location),
        ended_on=ended_on,
        ending="voluntary" if ended_on else "",
        status="cancelled" if ended_on else "active",
    )
    Holdout.objects.create(
        guest=membership.guest, play_id=AT_RISK, is_held_out=held, assigned_at=at
    )
    return membership


def many(location: Location, *, held: bool, n: int, left: int) -> None:
    """`n` members drawn long ago, of whom `left` left within 60 days. In two statements."""
    plan = MembershipFactory(guest=GuestFactory(location=location)).plan
    guests = GuestFactory._meta.model.objects.bulk_create(
        GuestFactory.build_batch(n, location=location)
    )
    gone = (LONG_AGO + timedelta(days=50)).date()
    ended = {"ended_on": gone, "ending": "voluntary", "status": "cancelled"}
    Membership.objects.bulk_create(
        MembershipFactory.build(
            guest=guest, location=location, plan=plan,
            **(ended if i < left else {}),
        )
        for i, guest in enumerate(guests)
    )  # fmt: skip
    Holdout.objects.bulk_create(
        Holdout(guest=guest, play_id=AT_RISK, is_held_out=held, assigned_at=LONG_AGO)
        for guest in guests
    )


def counted(*locations: Location) -> list[int]:
    """What the night does; the ids of the locations."""
    for place in locations:
        tallies.count_location(location_id=place.pk, now=NOW)
    return [place.pk for place in locations]


def found(*locations: Location) -> Experiment:
    return experiments(location_ids=counted(*locations))[0]


def kept(location: Location) -> dict[int, tuple[int, float]]:
    """Days -> how many known members of the written-to arm, and the share kept."""
    return {one.days: (one.found.treated.n, one.found.treated.mean) for one in found(location).kept}


def test_a_member_counts_only_once_the_days_have_passed(location: Location) -> None:
    drawn(location, held=False, at=NOW - timedelta(days=60))
    assert kept(location) == {30: (1, 1.0), 60: (0, 0.0), 90: (0, 0.0)}
    drawn(location, held=False, at=NOW - timedelta(days=61))
    assert kept(location) == {30: (2, 1.0), 60: (1, 1.0), 90: (0, 0.0)}


def test_who_left_within_the_days_was_not_kept(location: Location) -> None:
    on = LONG_AGO.date()
    drawn(location, held=False, ended_on=on + timedelta(days=45))
    assert kept(location) == {30: (1, 1.0), 60: (1, 0.0), 90: (1, 0.0)}


def test_who_came_back_in_time_was_kept(location: Location) -> None:
    on = LONG_AGO.date()
    first = drawn(location, held=False, ended_on=on + timedelta(days=20))
    MembershipFactory(guest=first.guest, started_on=on + timedelta(days=50))
    assert kept(location) == {30: (1, 0.0), 60: (1, 1.0), 90: (1, 1.0)}


def test_who_was_no_member_when_drawn_is_not_measured(location: Location) -> None:
    drawn(location, held=False, ended_on=LONG_AGO.date() - timedelta(days=10))
    assert experiments(location_ids=counted(location)) == []


def test_visits_and_payments_count_from_the_draw_for_sixty_days(location: Location) -> None:
    one, on = drawn(location, held=False), LONG_AGO.date()
    for days, cents in ((0, 1), (1, 5_000), (DAYS, 7_000), (DAYS + 1, 100)):
        GuestDay.objects.create(
            guest=one.guest, location=location, on=on + timedelta(days=days), visits=1,
            spend_cents=cents,
        )  # fmt: skip
    ChargeFactory(membership=one, charged_on=on + timedelta(days=30))
    ChargeFactory(membership=one, charged_on=on + timedelta(days=31), status="failed")
    told = found(location)
    assert told.visits is not None
    assert told.visits.treated.mean == 2
    ((currency, revenue),) = told.revenue
    assert (currency, revenue.treated.mean) == ("USD", 5_000 + 7_000 + 8_900)


def test_currencies_are_never_mixed(location: Location) -> None:
    abroad = LocationFactory(currency="CAD")
    for place in (location, abroad):
        ChargeFactory(
            membership=drawn(place, held=False), charged_on=LONG_AGO.date() + timedelta(days=3)
        )
    told = found(location, abroad)
    assert [(currency, one.treated.n) for currency, one in told.revenue] == [("CAD", 1), ("USD", 1)]
    assert told.main.treated.n == 2
    assert [one.currency for one in told.saves] == ["CAD", "USD"]


def test_everybody_counts_as_drawn_written_to_or_not(location: Location) -> None:
    """Nobody here ever got a message: they are in the arm of the draw all the same."""
    drawn(location, held=False)
    drawn(location, held=True)
    assert not Message.objects.exists()
    assert (found(location).main.treated.n, found(location).main.held_out.n) == (1, 1)


# --- What it says ---------------------------------------------------------------------------------


def test_a_clear_difference_names_its_range_and_the_cost_of_a_save(location: Location) -> None:
    many(location, held=False, n=300, left=15)
    many(location, held=True, n=100, left=40)
    message = make_message(location, now=LONG_AGO + timedelta(days=1))
    Holdout.objects.filter(guest=message.guest_id).delete()
    Holdout.objects.create(
        guest=message.guest, play_id=AT_RISK, is_held_out=False, assigned_at=LONG_AGO
    )
    Message.objects.update(cost_cents=70_000, reservation="posted")
    told = found(location)
    assert told.main.is_clear
    (cost,) = told.saves
    assert cost.saves == pytest.approx((286 / 301 - 0.6) * 301)
    assert cost.cents == round(70_000 / cost.saves)
    assert cost.low_cents is not None
    assert cost.high_cents is not None
    assert cost.low_cents < cost.cents < cost.high_cents
    said = experiment_words.told(told)
    assert said.verdict == "keeps members"
    assert "after 60 days 95.0 % are still here, of those left alone 60.0 %" in said.sentence


def test_an_unclear_difference_has_no_cost_and_says_how_many_are_missing(
    location: Location,
) -> None:
    many(location, held=False, n=300, left=30)
    many(location, held=True, n=60, left=6)
    told = found(location)
    assert not told.main.is_clear
    assert told.saves[0].cents is None
    assert told.more is not None
    said = experiment_words.told(told)
    assert said.verdict == "cannot be told yet"
    assert "No difference can be told yet" in said.sentence
    assert "more members to show 5 in 100" in said.sentence


def test_too_few_say_how_many_are_known(location: Location) -> None:
    many(location, held=False, n=60, left=3)
    many(location, held=True, n=7, left=1)
    said = experiment_words.told(found(location))
    assert said.sentence.startswith("Not enough data yet: 7 of 50 members known")
    assert said.rows[1].held_out == "6"  # counts, not percent
    assert said.rows[1].difference is None


def test_the_pace_of_the_last_weeks_tells_how_long(location: Location) -> None:
    experiment = Experiment(Play.objects.get(pk=AT_RISK), lately=80, more=400)
    assert experiment.weeks == 20
    assert Experiment(experiment.play, lately=0, more=400).weeks is None


# --- Nobody moves an arm --------------------------------------------------------------------------


def test_no_statement_moves_a_guest_to_the_other_arm(location: Location) -> None:
    drawn(location, held=True)
    arm = Holdout.objects.get()
    arm.is_held_out = False
    for move in (arm.save, lambda: Holdout.objects.update(is_held_out=False)):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            move()
        with (
            pytest.raises(ProgrammingError, match="once and for good"),
            transaction.atomic(),
            as_owner(),
        ):
            move()
    with transaction.atomic(), as_owner(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        with pytest.raises(ProgrammingError, match="once and for good"), transaction.atomic():
            cursor.execute("UPDATE outreach_holdout SET is_held_out = false")


def test_a_changed_percentage_moves_nobody(location: Location) -> None:
    play = Play.objects.get(pk=AT_RISK)
    guests = [guest.pk for guest in GuestFactory.create_batch(40, location=location)]
    before, _fresh = arms.draw_arms(play=play, guest_ids=guests, now=NOW)
    play.holdout_percent = 50
    play.save()
    assert arms.draw_arms(play=play, guest_ids=guests, now=NOW) == (before, set())


def test_a_tenth_is_left_alone_unless_somebody_says_otherwise() -> None:
    assert Play(key="new").holdout_percent == 10
    assert Play.objects.get(pk=AT_RISK).holdout_percent == 10


# --- The page -------------------------------------------------------------------------------------


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_page_is_a_part_of_quality_and_a_page_of_its_own(
    location: Location, regional: Any
) -> None:
    many(location, held=False, n=60, left=3)
    counted(location)
    client, url = signed_in(regional), reverse("quality-plays")
    assert f'hx-get="{url}"' in client.get(reverse("quality")).content.decode()
    fragment = client.get(url, headers=HTMX).content.decode()
    assert "<html" not in fragment
    assert "At-risk check-in" in fragment
    assert "<html" in client.get(url).content.decode()


def test_it_shows_only_guests_of_the_readers_locations(
    location: Location, elsewhere: Location
) -> None:
    drawn(elsewhere, held=False)
    counted(location, elsewhere)
    reader = UserFactory(role="regional", locations=[location])
    page = signed_in(reader).get(reverse("quality-plays")).content.decode()
    assert "Nobody has been drawn yet" in page
    both = UserFactory(role="regional", locations=[location, elsewhere])
    assert "At-risk check-in" in signed_in(both).get(reverse("quality-plays")).content.decode()
    picked = signed_in(both).get(reverse("quality-plays"), {"location": location.pk})
    assert "Nobody has been drawn yet" in picked.content.decode()


def test_three_statements_however_many_plays_and_guests(
    location: Location, django_assert_num_queries: Any
) -> None:
    many(location, held=False, n=60, left=3)
    with django_assert_num_queries(3):
        experiment_counts.counted([location.pk], now=NOW)
    counted(location)
    with django_assert_num_queries(2):
        assert experiments(location_ids=[location.pk])[0].main.treated.n == 60
