"""The hour a message leaves in: the guest's own, within calling hours, and always the same."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach import selectors, services
from outreach.gate.hours import Hours
from outreach.gate.places import Place
from outreach.models import Draft, OutreachPolicy, Play
from outreach.sending import send_time
from tests.factories.memberships import AppointmentFactory
from tests.factories.outreach import make_draft, take_answer

NEW_YORK = ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)
ZONES = [
    "America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "Asia/Kolkata",
    "Europe/Madrid", "Australia/Lord_Howe",
]  # fmt: skip


@pytest.fixture
def policy(db) -> OutreachPolicy:
    return OutreachPolicy.current()


@pytest.fixture
def chosen_draft(library, location):
    Play.objects.update(choose_time=True)
    return make_draft(location, first_name="Marguerite")


def answers(guest, hour: int, times: int, now: datetime) -> None:
    """The guest answered so often at this hour of their own clock."""
    for day in range(1, times + 1):
        at = (now - day * timedelta(days=7)).astimezone(NEW_YORK).replace(hour=hour, minute=12)
        take_answer("Hello there", guest=guest, ref=f"{guest.pk}-{hour}-{day}", now=at)


def visits_booked(location, hour: int, times: int, now: datetime) -> None:
    """Other guests of the location booked so often at this hour."""
    for day in range(1, times + 1):
        at = (now - day * timedelta(days=1)).astimezone(NEW_YORK).replace(hour=hour, minute=30)
        AppointmentFactory(guest__location=location, booked_at=at)


def as_read(*drafts: Draft) -> list[Draft]:
    """The drafts as a page reads them."""
    read = Draft.objects.select_related("guest", "location", "play")
    return list(read.filter(pk__in=[draft.pk for draft in drafts]).order_by("pk"))


def hour_of(at: datetime) -> int:
    return at.astimezone(NEW_YORK).hour


def test_a_guest_who_answers_at_five_hears_from_us_at_five(chosen_draft, location, policy, now):
    visits_booked(location, 11, 30, now)
    answers(chosen_draft.guest, 17, 6, now)
    choice = send_time.choices([chosen_draft], now=now, policy=policy)[chosen_draft.pk]
    assert (hour_of(choice.at), choice.is_own) == (17, True)
    assert now < choice.at <= now + 24 * HOUR


def test_of_who_never_answered_the_location_tells(chosen_draft, location, policy, now):
    visits_booked(location, 14, 30, now)
    choice = send_time.choices([chosen_draft], now=now, policy=policy)[chosen_draft.pk]
    assert (hour_of(choice.at), choice.is_own) == (14, False)


def test_a_single_answer_does_not_outweigh_the_location(chosen_draft, location, policy, now):
    visits_booked(location, 14, 60, now)
    answers(chosen_draft.guest, 18, 1, now)
    choice = send_time.choices([chosen_draft], now=now, policy=policy)[chosen_draft.pk]
    assert (hour_of(choice.at), choice.is_own) == (14, False)


def test_where_nothing_is_known_nothing_waits(chosen_draft, policy, now):
    assert send_time.choices([chosen_draft], now=now, policy=policy) == {}
    at = send_time.leaves_at(chosen_draft, now=now, policy=policy)
    assert at == now + timedelta(minutes=policy.outgoing_minutes)


def test_a_play_that_does_not_choose_asks_nothing(
    library, location, policy, now, django_assert_num_queries
):
    draft = as_read(make_draft(location))[0]
    answers(draft.guest, 17, 6, now)
    with django_assert_num_queries(0):
        assert send_time.choices([draft], now=now, policy=policy) == {}


def test_the_same_number_of_questions_for_many_drafts(
    library, location, now, django_assert_max_num_queries
):
    Play.objects.update(choose_time=True)
    drafts = [make_draft(location) for _ in range(6)]
    for draft in drafts:
        answers(draft.guest, 17, 3, now)
    Hours.current()  # lays out the hours of the law, once
    drafts, policy = as_read(*drafts), OutreachPolicy.current()
    with django_assert_max_num_queries(3):
        assert len(send_time.choices(drafts, now=now, policy=policy)) == 6


def test_an_approval_is_due_at_the_hour_the_card_named(
    chosen_draft, manager, location, policy, now
):
    answers(chosen_draft.guest, 17, 6, now)
    card = selectors.cards([chosen_draft], user=manager, now=now)[0]
    message = services.approve_draft(
        draft_id=chosen_draft.pk, version=1, by=manager, now=now + timedelta(minutes=3)
    )
    assert card.choice is not None
    assert message.outbox.due_at == card.choice.at
    services.undo_decision(draft_id=chosen_draft.pk, by=manager, now=now + timedelta(minutes=9))
    chosen_draft.refresh_from_db()
    assert chosen_draft.status == "pending"


def test_the_page_names_the_hour_and_so_does_the_answer(client, chosen_draft, manager):
    from audit import clock

    now = clock.now()
    chosen_draft.expires_at = now + timedelta(days=2)
    chosen_draft.save()
    answers(chosen_draft.guest, 17, 6, now)
    client.force_login(manager)
    assert "when Marguerite usually answers" in client.get("/review/").content.decode()
    said = client.post(f"/review/{chosen_draft.pk}/approve/", {"version": 1}, follow=True)
    assert ", 17:" in said.content.decode()
    assert "Approved. Leaves" in said.content.decode()


counts = st.lists(st.floats(min_value=0, max_value=500, allow_nan=False), min_size=24, max_size=24)
instants = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - the zone is given beside
    max_value=datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@settings(max_examples=120, deadline=None)
@given(counts, counts, instants, st.sampled_from(ZONES), st.integers(1, 10**6))
def test_never_a_quiet_hour_never_the_past_and_always_the_same(own, place, at, zone, guest_id):
    calling = Hours(
        quiet_from=time(20),
        quiet_until=time(9),
        lines=(),
    )
    where = Place(zone_name=zone, country="US", region="", dialling="", kind="marketing")
    by_hour = send_time.shares(own, place)
    assert sum(by_hour) == pytest.approx(1)
    chosen = {
        send_time.best_instant(
            by_hour, earliest=at, place=where, calling=calling, guest_id=guest_id
        )
        for _ in range(2)
    }
    (instant,) = chosen
    assert instant is not None
    assert at <= instant <= at + 24 * HOUR
    assert calling.is_open(instant, where)


def test_an_unknown_zone_chooses_nothing(now):
    nowhere = Place(zone_name="Mars/North", country="", region="", dialling="", kind="marketing")
    calling = Hours(quiet_from=now.time(), quiet_until=now.time(), lines=())
    found = send_time.best_instant(
        [1 / 24] * 24, earliest=now, place=nowhere, calling=calling, guest_id=1
    )
    assert found is None
