"""Plays that only report: what would have been sent is recorded, nothing is made or sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from memberships.models import GuestDay, Membership
from outreach.autonomy import shadows
from outreach.drafting import candidates, making
from outreach.library.seed import AT_RISK
from outreach.models import AutomaticRule, Draft, Holdout, Message, Play, PlayPhase, ShadowDraft
from tests.factories.memberships import AppointmentFactory, MembershipFactory
from tests.factories.outreach import EVIDENCE, candidate, draft_members, make_member

pytestmark = pytest.mark.usefixtures("library", "report_only")
DAY = timedelta(days=1)
SURE = {**EVIDENCE, "p": 0.9, "may_act": True}


@pytest.fixture
def report_only(library, location, now):
    return PlayPhase.objects.create(
        play_id=AT_RISK, location=location, phase="report", since_at=now
    )


def test_what_would_have_been_sent_is_recorded_and_nothing_else_happens(location, now):
    member = make_member(location)
    result = draft_members(member)
    assert (result.recorded, result.drafted, dict(result.skipped)) == (1, 0, {})
    assert not Draft.objects.exists()
    assert not Message.objects.exists()
    assert not Holdout.objects.exists()  # no arm: nobody is treated, so nobody is compared
    row = ShadowDraft.objects.get()
    assert (row.guest_id, row.location_id, row.membership_id) == (
        member.guest_id, location.pk, member.pk,
    )  # fmt: skip
    assert (row.at, row.cause, row.score, row.p) == (now, "no_visits", 82, 0.31)
    assert row.cost_cents == row.offer.cost_cents > 0
    assert (row.is_held_out, row.rule) == (False, "")


def test_the_arm_is_the_one_the_guest_will_be_in(location, report_only, now):
    member = make_member(location, held_out=True)
    draft_members(member)
    assert ShadowDraft.objects.get().is_held_out
    report_only.phase = "review"
    report_only.save()
    assert draft_members(member).held_out == 1


def test_a_person_cannot_ask_where_the_play_only_reports(location, manager, now):
    asked = making.draft_for(
        play_key=AT_RISK, candidates=[candidate(make_member(location))], by=manager, now=now
    )
    assert (asked.recorded, dict(asked.skipped)) == (0, {candidates.REPORT_ONLY: 1})


def test_a_guest_is_recorded_as_often_as_they_would_be_written_to(location, now):
    member = make_member(location)
    draft_members(member)
    assert dict(draft_members(member, now=now + 29 * DAY).skipped) == {candidates.LATELY: 1}
    assert draft_members(member, now=now + 31 * DAY).recorded == 1


def test_what_was_only_recorded_keeps_nobody_from_a_draft_later(location, report_only, now):
    member = make_member(location)
    draft_members(member)
    report_only.phase = "review"
    report_only.save()
    assert draft_members(member, now=now + DAY).drafted == 1


def test_the_daily_limit_counts_what_would_have_been_sent(location):
    Play.objects.update(daily_limit=2)
    members = [make_member(location) for _ in range(3)]
    result = draft_members(*members)
    assert (result.recorded, dict(result.skipped)) == (2, {candidates.DAILY_LIMIT: 1})
    assert dict(draft_members(members[2]).skipped) == {candidates.DAILY_LIMIT: 1}


def test_the_rule_that_would_have_sent_it_is_named(location, now):
    AutomaticRule.objects.create(
        play_id=AT_RISK, name="Regulars", min_p=0.85, max_cost_cents=100_000, set_at=now
    )
    regular, rare = make_member(location), make_member(location)
    for back in (3, 20):
        GuestDay.objects.create(
            guest=regular.guest, location=location, on=location.today(now) - back * DAY, visits=1
        )
    draft_members(regular, rare, evidence=SURE)
    rules = dict(ShadowDraft.objects.values_list("guest_id", "rule"))
    assert rules == {regular.guest_id: "Regulars", rare.guest_id: ""}


def test_compared_with_what_happened_untouched(location, now):
    left, came, quiet, fresh = (make_member(location) for _ in range(4))
    draft_members(left, came, quiet)
    Membership.objects.filter(pk=left.pk).update(
        status="cancelled", ended_on=location.today(now) + 12 * DAY
    )
    AppointmentFactory(
        guest=came.guest, booked_at=now + 2 * DAY, starts_at=now + 9 * DAY,
        ends_at=now + 9 * DAY + timedelta(hours=1), status="completed",
    )  # fmt: skip
    GuestDay.objects.create(
        guest=came.guest, location=location, on=location.today(now) + 9 * DAY, visits=1
    )
    later = now + 31 * DAY
    draft_members(fresh, now=later)
    found = shadows.compare(
        play_key=AT_RISK, location_id=location.pk, since=now - DAY, now=later + DAY
    )
    assert (found.recorded, found.known) == (4, 3)
    assert (found.left, found.stayed, found.booked, found.came) == (1, 2, 1, 1)
    assert found.members == 2


def test_who_had_left_and_is_a_member_again_counts_as_one(location, now):
    back, away = (make_member(location) for _ in range(2))
    draft_members(back, away)
    gone = location.today(now) - 40 * DAY
    Membership.objects.update(status="cancelled", ending="voluntary", ended_on=gone)
    MembershipFactory(guest=back.guest, started_on=location.today(now) + 12 * DAY)
    found = shadows.compare(
        play_key=AT_RISK, location_id=location.pk, since=now - DAY, now=now + 32 * DAY
    )
    assert (found.known, found.members) == (2, 1)


def test_queries_do_not_grow_with_what_is_recorded(location):
    members = [make_member(location) for _ in range(22)]
    draft_members(members[0])
    counts = []
    for group in (members[1:2], members[2:]):
        with CaptureQueriesContext(connection) as queries:
            assert draft_members(*group).recorded == len(group)
        counts.append(len(queries))
    assert counts[0] == counts[1]
