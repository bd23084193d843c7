"""The at-risk check-in: whom it turns to, whom it leaves alone, when it takes a draft back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from memberships.models import Benefit, Location, Membership
from outreach.models import Draft, Play
from retention.plays import PLAYS, at_risk
from retention.plays.at_risk import KEY, Situation, draft_at_risk, left_alone
from retention.services import NO_SCORE, NOT_YOURS, PlaysFailed, draft_plays, request_drafts
from risk.models import ChurnScore
from staff.models import User
from tests.factories.memberships import AppointmentFactory, LocationFactory
from tests.retention.conftest import TODAY, MakeMember

pytestmark = pytest.mark.usefixtures("library")

AWAY = Situation(
    as_of_on=TODAY,
    status="active",
    started_on=date(2025, 1, 1),
    frozen_until_on=None,
    cancel_requested_on=None,
    last_visit_on=TODAY - timedelta(days=74),
    next_booking_on=None,
)


def days(n: int) -> date:
    return TODAY + timedelta(days=n)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"status": "suspended"}, "payment"),
        ({"status": "failed"}, "payment"),
        ({"cancel_requested_on": days(-1)}, "leaving"),
        ({"status": "frozen"}, "paused"),
        ({"status": "frozen", "frozen_until_on": days(15)}, "paused"),
        ({"status": "frozen", "frozen_until_on": days(14)}, ""),
        ({"next_booking_on": days(14)}, "booked_soon"),
        ({"next_booking_on": days(15)}, ""),
        ({"last_visit_on": days(-179)}, ""),
        ({"last_visit_on": days(-180)}, "sleeping"),
        ({"last_visit_on": days(-400), "next_booking_on": days(30)}, ""),
        ({"last_visit_on": None}, "sleeping"),
        ({"last_visit_on": None, "started_on": days(-89)}, ""),
    ],
)
def test_who_is_left_alone(change: dict[str, Any], why: str) -> None:
    assert left_alone(replace(AWAY, **change)) == why


def run(location: Location, now: datetime) -> dict[str, int]:
    return draft_at_risk(location_id=location.pk, as_of_on=TODAY, now=now)


def test_a_member_at_risk_gets_a_draft_with_its_evidence(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    member = make_member(guest__first_name="Ada", ends_on=date(2026, 12, 4))
    Benefit.objects.create(
        membership=member, service_external_id="s", service_name="Facial", total=4, balance=3
    )
    counts = run(location, now)

    draft = Draft.objects.get()
    assert counts == {"withdrawn": 0, "scored": 1, "drafted": 1, "held_out": 0}
    assert (draft.guest_id, draft.membership_id, draft.play_id) == (
        member.guest_id,
        member.pk,
        KEY,
    )
    assert draft.evidence["score"] == 82
    assert draft.evidence["model"] == "churn-2026-11"
    assert draft.evidence["as_of_on"] == "2026-11-20"
    assert draft.evidence["cause"] == "usage_drop"
    assert [reason["raises"] for reason in draft.evidence["reasons"]] == [False, True]
    assert "Ada" in draft.body


def test_facts_are_the_guests_own(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    member = make_member(guest__first_name="Ada", ends_on=date(2026, 12, 4))
    Benefit.objects.create(
        membership=member, service_external_id="s", service_name="Facial", total=4, balance=3
    )
    for number, category in ((3, "Massage"), (1, "Face")):
        for visit in range(number):
            AppointmentFactory(
                guest=member.guest,
                status="completed",
                starts_at=now - timedelta(days=80 + visit),
                service__category=category,
                therapist=None,
            )
    (candidate,) = at_risk.candidates_for([member.pk], now)
    assert candidate.cause == "usage_drop"
    assert candidate.facts == {
        "first_name": "Ada",
        "location": "North",
        "plan": member.plan.name,
        "favourite": "Massage",
        "days_away": "74",
        "unused_credits": "3",
        "renews_on": "4 Dec",
    }


def test_only_scores_of_this_night_and_above_the_threshold_count(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    make_member(score=74, band="watch")
    old = make_member(score=90)
    ChurnScore.objects.filter(membership=old).update(as_of_on=days(-1))
    make_member(score=90, location=LocationFactory())
    assert run(location, now)["drafted"] == 0
    assert not Draft.objects.exists()


def test_most_money_at_stake_comes_first_under_the_daily_limit(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    Play.objects.filter(pk=KEY).update(daily_limit=1)
    make_member(score=90, price_cents=3_000)
    rich = make_member(score=80, price_cents=30_000)
    counts = run(location, now)
    assert counts["drafted"] == 1
    assert Draft.objects.get().guest_id == rich.guest_id
    assert counts["daily limit reached"] == 1


def test_the_comparison_group_is_left_alone(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    make_member(held_out=True)
    assert run(location, now)["held_out"] == 1
    assert not Draft.objects.exists()


def test_a_second_run_of_the_night_drafts_nobody_again(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    make_member()
    assert run(location, now)["drafted"] == 1
    assert run(location, now)["drafted"] == 0
    assert Draft.objects.count() == 1


def test_statements_do_not_grow_with_members(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    def statements(at: datetime) -> int:
        with CaptureQueriesContext(connection) as seen:
            run(location, at)
        return len(seen)

    make_member()
    few = statements(now)
    for _ in range(6):
        make_member()
    assert statements(now + timedelta(minutes=1)) <= few


def test_the_run_is_in_the_ledger(
    location: Location, make_member: MakeMember, now: datetime
) -> None:
    make_member()
    make_member(last_visit_days=200)
    run(location, now)
    entry = LedgerEntry.objects.get(event="play.run")
    assert entry.location_id == location.pk
    assert '"drafted":1' in entry.body
    assert '"sleeping":1' in entry.body


@pytest.fixture
def drafted(location: Location, make_member: MakeMember, now: datetime) -> Draft:
    make_member()
    run(location, now)
    return Draft.objects.select_related("membership").get()


def came(member: Membership, now: datetime) -> None:
    AppointmentFactory(
        guest=member.guest, status="completed", starts_at=now, booked_at=now - timedelta(days=9)
    )


def booked(member: Membership, now: datetime) -> None:
    AppointmentFactory(
        guest=member.guest, booked_at=now + timedelta(hours=2), starts_at=now + timedelta(days=40)
    )


def ended(member: Membership, now: datetime) -> None:
    Membership.objects.filter(pk=member.pk).update(status="cancelled", ended_on=TODAY)


def asked_to_cancel(member: Membership, now: datetime) -> None:
    Membership.objects.filter(pk=member.pk).update(cancel_requested_on=TODAY)


def recovered(member: Membership, now: datetime) -> None:
    ChurnScore.objects.filter(membership=member).update(score=70)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (came, "They came in."),
        (booked, "They booked."),
        (ended, "The membership has ended."),
        (asked_to_cancel, "They asked to cancel: a person should answer."),
        (recovered, "No longer likely to leave."),
    ],
)
def test_a_draft_is_withdrawn_when_its_situation_is_over(
    drafted: Draft, location: Location, now: datetime, change: Any, reason: str
) -> None:
    change(drafted.membership, now)
    counts = run(location, now + timedelta(days=1))
    drafted.refresh_from_db()
    assert drafted.status == Draft.Status.WITHDRAWN
    assert counts["withdrawn"] == 1
    assert reason in LedgerEntry.objects.get(event="draft.withdrawn").body


def test_a_draft_stays_while_its_situation_lasts(
    drafted: Draft, location: Location, now: datetime
) -> None:
    ChurnScore.objects.update(score=71)  # a little lower is not recovered
    AppointmentFactory(  # booked before the draft was made
        guest=drafted.guest,
        booked_at=now - timedelta(days=1),
        starts_at=now + timedelta(days=40),
    )
    run(location, now + timedelta(days=1))
    drafted.refresh_from_db()
    assert drafted.status == Draft.Status.PENDING


def test_a_person_may_ask_for_drafts_whatever_the_score(
    location: Location, make_member: MakeMember, manager: User, now: datetime
) -> None:
    calm, new = make_member(score=20, band="low"), make_member(score=None)
    foreign = make_member(location=LocationFactory())
    draft_plays(location_id=location.pk, as_of_on=TODAY, now=now)
    result = request_drafts(
        guest_ids=[calm.guest_id, new.guest_id, foreign.guest_id], by=manager, now=now
    )
    assert result.drafted == 1
    assert result.skipped == {NO_SCORE: 1, NOT_YOURS: 1}
    draft = Draft.objects.get()
    assert (draft.guest_id, draft.requested_by) == (calm.guest_id, manager)
    run(location, now + timedelta(days=1))
    draft.refresh_from_db()
    assert draft.status == Draft.Status.PENDING  # the low score was known when it was asked for


def test_a_failing_play_does_not_stop_the_others(
    location: Location, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**kwargs: Any) -> dict[str, int]:
        raise RuntimeError("no luck")

    def works(**kwargs: Any) -> dict[str, int]:
        done.append(kwargs["as_of_on"])
        return {"drafted": 0}

    done: list[date] = []
    monkeypatch.setitem(PLAYS, KEY, replace(at_risk.PLAY, run=fails))
    monkeypatch.setitem(PLAYS, "other", replace(at_risk.PLAY, key="other", run=works))
    Play.objects.create(key="other", name="Other")
    with pytest.raises(PlaysFailed, match="at-risk-check-in: no luck"):
        draft_plays(location_id=location.pk, as_of_on=TODAY, now=now)
    assert done == [TODAY]
