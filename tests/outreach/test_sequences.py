"""Sequences: a step makes a draft, the wait begins at the sending, who has left is left alone."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import LedgerEntry
from memberships.models import Appointment, Charge, Membership
from outreach import errors, rules, services
from outreach.drafting.making import draft_for
from outreach.gate import conditions, leaving
from outreach.models import (
    CallTask,
    Draft,
    Leave,
    Message,
    OutreachPolicy,
    Play,
    PlayPhase,
    Run,
    Step,
    Suppression,
    Template,
)
from outreach.sending import sender
from outreach.sequences import tending
from platforms.models import OutboxItem
from platforms.outcome import Outcome, Result
from tests.factories.memberships import (
    AppointmentFactory,
    ChargeFactory,
    GuestFactory,
    MembershipFactory,
)
from tests.factories.outreach import (
    AT_RISK,
    candidate,
    draft_members,
    make_draft,
    make_member,
    mirror_is_fresh,
    take_answer,
)

pytestmark = pytest.mark.usefixtures("library", "fresh", "carrier")

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
calls: list[dict] = []


@pytest.fixture
def carrier(monkeypatch) -> list[dict]:
    calls.clear()

    def send(**call) -> Outcome:
        calls.append(call)
        return Outcome(Result.SENT, provider_ref=f"SM{len(calls)}")

    monkeypatch.setattr(sender.sms, "send", send)
    return calls


@pytest.fixture
def run(draft) -> Run:
    """A run at its first step, the draft of which awaits a decision."""
    assert draft.run is not None
    return draft.run


def approve(draft: Draft, manager, at: datetime) -> Message:
    draft.refresh_from_db()
    return services.approve_draft(draft_id=draft.pk, version=draft.version, by=manager, now=at)


def send_step(run: Run, manager, at: datetime) -> datetime:
    """Approve and send the run's current step. Returns when it was sent."""
    mirror_is_fresh(run.location, at)
    approve(run.drafts.get(step=run.step), manager, at)
    assert sender.dispatch_due(now=at + 6 * MINUTE) == 1
    return OutboxItem.objects.latest("sent_at").sent_at


def go_on(run: Run, at: datetime) -> Run:
    tending.advance(now=at)
    run.refresh_from_db()
    return run


def events_of(run: Run) -> list[str]:
    """What the ledger says of the guest's sequence."""
    told = LedgerEntry.objects.filter(guest_id=run.guest_id, event__startswith="sequence.")
    return [row.event.removeprefix("sequence.") for row in told.order_by("seq")]


# --- The way through ------------------------------------------------------------------------------


def test_the_first_draft_of_a_play_with_steps_begins_a_run(draft, now) -> None:
    run = draft.run
    assert (run.state, run.step, run.next_at) == (Run.State.RUNNING, 1, None)
    assert (draft.step, run.cause) == (1, "no_visits")
    assert run.facts["days_away"] == "74"
    assert run.evidence["score"] == 82
    assert events_of(run) == ["begun"]


def test_a_play_of_one_message_begins_none(location, now) -> None:
    Step.objects.filter(number__gt=1).delete()
    assert make_draft(location).run is None


def test_the_wait_begins_when_the_message_left_and_not_when_it_was_drafted(
    run, manager, now
) -> None:
    assert go_on(run, now + 3 * DAY).next_at is None  # nobody has decided yet
    sent_at = send_step(run, manager, now + 3 * DAY)
    assert go_on(run, sent_at + MINUTE).next_at == sent_at + 4 * DAY


def test_a_due_step_makes_a_draft_with_its_own_words_and_sends_nothing(run, manager, now) -> None:
    sent_at = send_step(run, manager, now)
    go_on(run, sent_at)
    assert go_on(run, sent_at + 4 * DAY - MINUTE).step == 1
    assert go_on(run, sent_at + 4 * DAY).step == 2
    draft = run.drafts.get(step=2)
    assert (draft.status, draft.offer, draft.template.cause) == ("pending", None, "follow_up")
    assert draft.evidence["score"] == 82
    assert (run.next_at, len(calls)) == (None, 1)


def test_it_ends_with_a_call_and_then_it_is_finished(run, manager, now) -> None:
    sent_at = send_step(run, manager, now)
    go_on(run, sent_at)
    go_on(run, sent_at + 4 * DAY)
    second_at = send_step(run, manager, sent_at + 4 * DAY)
    go_on(run, second_at)
    go_on(run, second_at + 3 * DAY)
    task = CallTask.objects.get(run=run)
    assert (task.state, task.step, run.step) == ("open", 3, 3)
    assert "membership" in task.note
    services.call_made(guest_id=run.guest_id, now=second_at + 3 * DAY + HOUR)
    assert go_on(run, second_at + 4 * DAY).state == Run.State.FINISHED
    assert events_of(run) == ["begun", "call", "finished"]


def test_a_call_nobody_made_does_not_hold_the_run_for_ever(run, now) -> None:
    Run.objects.update(step=2, next_at=now)
    go_on(run, now)
    assert go_on(run, now + 4 * DAY).state == Run.State.RUNNING
    assert go_on(run, now + 5 * DAY).state == Run.State.FINISHED
    assert CallTask.objects.get().state == CallTask.State.EXPIRED


def test_advancing_twice_or_late_does_each_step_once(run, manager, now) -> None:
    sent_at = send_step(run, manager, now)
    for at in (sent_at, sent_at + 9 * DAY, sent_at + 9 * DAY, sent_at + 10 * DAY):
        go_on(run, at)
    assert list(run.drafts.order_by("step").values_list("step", flat=True)) == [1, 2]


def test_a_worker_that_died_at_a_step_loses_it_after_a_while(run, now) -> None:
    Run.objects.update(next_at=now)
    Draft.objects.filter(run=run).update(status="withdrawn")
    assert tending._claim(now=now) == [run.pk]
    assert go_on(run, now + 9 * MINUTE).step == 1
    assert go_on(run, now + 10 * MINUTE).step == 2


def test_a_guest_has_one_run_of_a_play_at_a_time(run, now) -> None:
    Draft.objects.filter(run=run).update(status="withdrawn")
    result = draft_for(play_key=AT_RISK, candidates=[candidate(run.membership)], now=now + DAY)
    assert result.skipped == {"already in a sequence of this play": 1}
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.create(
            guest=run.guest, play=run.play, location=run.location, begun_at=now, started_at=now
        )


def test_later_steps_do_not_take_the_room_of_the_day(run, location, now) -> None:
    Play.objects.update(daily_limit=1)
    Draft.objects.filter(run=run).update(status="withdrawn")
    Run.objects.update(next_at=now + 3 * DAY)
    assert go_on(run, now + 3 * DAY).step == 2
    assert draft_members(make_member(location), now=now + 3 * DAY).drafted == 1


def test_a_step_without_a_fitting_text_is_passed_over(run, now) -> None:
    Template.objects.filter(cause="follow_up").update(status="retired")
    Draft.objects.filter(run=run).update(status="withdrawn")
    Run.objects.update(next_at=now)
    go_on(run, now)
    assert (run.step, run.next_at) == (2, now + 3 * DAY)
    assert "passed" in events_of(run)


def test_no_text_comes_twice_in_a_run(run, now) -> None:
    Step.objects.filter(number=2).update(cause="", with_offer=True)
    first = run.drafts.get().template
    Draft.objects.filter(run=run).update(status="withdrawn")
    Run.objects.update(next_at=now)
    go_on(run, now)
    assert run.drafts.get(step=2).template.slug != first.slug


def test_steps_taken_out_meanwhile_finish_the_run(run, now) -> None:
    Step.objects.filter(number__gt=1).update(is_active=False)
    Run.objects.update(next_at=now)
    assert go_on(run, now).state == Run.State.FINISHED


def test_what_cannot_be_drafted_now_is_looked_at_again_later(run, now) -> None:
    Run.objects.update(next_at=now)  # its first draft is still open
    go_on(run, now)
    assert (run.step, run.next_at) == (1, now + tending.LOOK_AGAIN)


# --- What became of a step --------------------------------------------------------------------


def test_a_rejection_ends_the_run_once_it_can_no_longer_be_taken_back(
    run, draft, manager, now
) -> None:
    services.reject_draft(
        draft_id=draft.pk, version=1, reason="person", note="", by=manager, now=now
    )
    assert go_on(run, now + HOUR).state == Run.State.RUNNING
    services.undo_decision(draft_id=draft.pk, by=manager, now=now + HOUR)
    assert go_on(run, now + DAY).state == Run.State.RUNNING
    draft.refresh_from_db()
    services.reject_draft(
        draft_id=draft.pk, version=draft.version, reason="person", note="", by=manager, now=now
    )
    assert go_on(run, now + rules.UNDO_REJECTION).left_why == Leave.REJECTED


def test_not_now_passes_a_later_step_over(run, manager, now) -> None:
    Draft.objects.filter(run=run).update(status="withdrawn")
    Run.objects.update(next_at=now)
    go_on(run, now)
    services.reject_draft(
        draft_id=run.drafts.get(step=2).pk,
        version=1,
        reason="not_now",
        note="",
        by=manager,
        now=now + HOUR,
    )
    assert go_on(run, now + DAY).next_at == now + HOUR + 3 * DAY


def test_a_draft_nobody_decided_ends_the_run(run, now) -> None:
    services.expire_drafts(now=now + 6 * DAY)
    assert go_on(run, now + 6 * DAY).left_why == Leave.EXPIRED


def test_a_cancelled_message_ends_the_run(run, draft, manager, now) -> None:
    message = approve(draft, manager, now)
    services.cancel_message(message_id=message.pk, by=manager, now=now)
    assert go_on(run, now).left_why == Leave.WITHDRAWN


def test_a_refused_message_ends_the_run(run, draft, manager, now, monkeypatch) -> None:
    approve(draft, manager, now)
    monkeypatch.setattr(sender.sms, "send", lambda **call: Outcome(Result.REFUSED, error="no"))
    sender.dispatch_due(now=now + 6 * MINUTE)
    assert go_on(run, now + HOUR).left_why == Leave.REFUSED


# --- Leaving ----------------------------------------------------------------------------------


def booked(run: Run, at: datetime) -> None:
    AppointmentFactory(guest=run.guest, booked_at=at, starts_at=at + 9 * DAY)


def came(run: Run, at: datetime) -> None:
    AppointmentFactory(
        guest=run.guest, booked_at=None, starts_at=at - HOUR, ends_at=at, status="completed"
    )


def answered(run: Run, at: datetime) -> None:
    take_answer("Hello, I will think about it", guest=run.guest, ref=f"IN-{run.pk}", now=at)


def stopped(run: Run, at: datetime) -> None:
    Suppression.objects.create(
        channel="sms", address=run.guest.phone, source="staff", reason="asked", added_at=at
    )


def paid(run: Run, at: datetime) -> None:
    ChargeFactory(membership=run.membership, charged_on=at.date(), status=Charge.Status.PAID)


def ended(run: Run, at: datetime) -> None:
    Membership.objects.filter(pk=run.membership_id).update(status="cancelled", ended_on=at.date())


def gave_notice(run: Run, at: datetime) -> None:
    Membership.objects.filter(pk=run.membership_id).update(cancel_requested_on=at.date())


def joined_again(run: Run, at: datetime) -> None:
    MembershipFactory(guest=run.guest, started_on=at.date())


def renewed(run: Run, at: datetime) -> None:
    Run.objects.filter(pk=run.pk).update(ended_before_on=at.date())
    Membership.objects.filter(pk=run.membership_id).update(ends_on=at.date() + 365 * DAY)


def vanished(run: Run, at: datetime) -> None:
    run.guest.vanished_at = at
    run.guest.save()


def merged(run: Run, at: datetime) -> None:
    run.guest.merged_into = GuestFactory(location=run.location)
    run.guest.save()


def stopped_by_mail(run: Run, at: datetime) -> None:
    Suppression.objects.create(
        channel="email", address=run.guest.email, source="staff", reason="asked", added_at=at
    )


def paid_in_the_evening(run: Run, at: datetime) -> None:
    """Three in the morning in UTC is still the day before at the location."""
    Run.objects.filter(pk=run.pk).update(started_at=at.replace(day=21, hour=3))
    ChargeFactory(membership=run.membership, charged_on=at.date(), status=Charge.Status.PAID)


NEWS = {
    merged: Leave.GONE,
    stopped_by_mail: Leave.OPT_OUT,
    paid_in_the_evening: Leave.PAID,
    booked: Leave.BOOKED,
    came: Leave.CAME,
    answered: Leave.REPLIED,
    stopped: Leave.OPT_OUT,
    paid: Leave.PAID,
    ended: Leave.ENDED,
    gave_notice: Leave.NOTICE,
    joined_again: Leave.RENEWED,
    renewed: Leave.RENEWED,
    vanished: Leave.GONE,
}
EVERY_RULE = [str(why) for why in Leave]


@pytest.mark.parametrize("happens", NEWS, ids=lambda happens: happens.__name__)
def test_news_ends_the_run_and_withdraws_its_open_draft(happens, run, draft, now) -> None:
    Play.objects.update(leaves_on=EVERY_RULE)
    assert tending.leave_with_news(guest_ids=[run.guest_id], now=now + HOUR) == 0
    happens(run, now + HOUR)
    assert tending.leave_with_news(guest_ids=[run.guest_id], now=now + 2 * HOUR) == 1
    run.refresh_from_db()
    draft.refresh_from_db()
    assert (run.state, run.left_why, run.ended_at) == ("left", NEWS[happens], now + 2 * HOUR)
    assert draft.status == Draft.Status.WITHDRAWN
    assert events_of(run) == ["begun", "left"]
    assert tending.leave_with_news(guest_ids=[run.guest_id], now=now + 3 * HOUR) == 0


@pytest.mark.parametrize("happens", NEWS, ids=lambda happens: happens.__name__)
def test_what_happened_a_second_before_the_sending_holds_the_message(
    happens, run, draft, manager, now
) -> None:
    Play.objects.update(leaves_on=EVERY_RULE)
    message = approve(draft, manager, now)
    happens(run, now + 6 * MINUTE - timedelta(seconds=1))
    assert sender.dispatch_due(now=now + 6 * MINUTE) == 0
    assert calls == []
    if happens not in (
        stopped,
        vanished,
        merged,
    ):  # those have a condition of their own before this one
        assert conditions.held_reasons([message.pk], now=now + 6 * MINUTE)[message.pk] == "sequence"


@pytest.mark.parametrize("happens", [booked, came, paid, ended, gave_notice, joined_again, renewed])
def test_a_play_that_does_not_end_on_it_goes_on(happens, run, draft, manager, now) -> None:
    Play.objects.update(leaves_on=[])
    approve(draft, manager, now)
    happens(run, now + MINUTE)
    assert tending.leave_with_news(guest_ids=[run.guest_id], now=now + 2 * MINUTE) == 0
    assert sender.dispatch_due(now=now + 6 * MINUTE) == 1


def stopped_and_began_again(run: Run, at: datetime) -> None:
    stopped(run, at)
    Suppression.objects.update(lifted_at=at)


def stopped_before(run: Run, at: datetime) -> None:
    """Another kind of message: the play could begin all the same."""
    stopped(run, at - 2 * DAY)


def stopped_nobody(run: Run, at: datetime) -> None:
    type(run.guest).objects.update(phone="", email="")
    for channel in ("sms", "email"):
        Suppression.objects.create(
            channel=channel, address="", source="staff", reason="?", added_at=at
        )


def wrote_before(run: Run, at: datetime) -> None:
    answered(run, at - 2 * DAY)


def booked_and_cancelled(run: Run, at: datetime) -> None:
    booked(run, at)
    Appointment.objects.update(status="cancelled")


def booked_by_mistake(run: Run, at: datetime) -> None:
    booked(run, at)
    Appointment.objects.update(vanished_at=at)


def came_before(run: Run, at: datetime) -> None:
    came(run, at - 2 * DAY)


def did_not_come(run: Run, at: datetime) -> None:
    came(run, at)
    Appointment.objects.update(status="no_show")


def card_declined(run: Run, at: datetime) -> None:
    paid(run, at)
    Charge.objects.update(status="failed")


def paid_before(run: Run, at: datetime) -> None:
    paid(run, at - 2 * DAY)


def another_plan_ended(run: Run, at: datetime) -> None:
    MembershipFactory(guest=run.guest, status="cancelled", started_on=at.date() - 90 * DAY)


def has_another_plan(run: Run, at: datetime) -> None:
    MembershipFactory(guest=run.guest, started_on=at.date() - 90 * DAY)


def joined_and_left(run: Run, at: datetime) -> None:
    MembershipFactory(guest=run.guest, status="cancelled", started_on=at.date())


NO_NEWS = [
    stopped_before, stopped_and_began_again, stopped_nobody, wrote_before, booked_and_cancelled,
    booked_by_mistake, came_before, did_not_come, card_declined, paid_before, another_plan_ended,
    has_another_plan, joined_and_left,
]  # fmt: skip


@pytest.mark.parametrize("happens", NO_NEWS, ids=lambda happens: happens.__name__)
def test_what_is_no_news_ends_nothing(happens, run, now) -> None:
    Play.objects.update(leaves_on=EVERY_RULE)
    happens(run, now + HOUR)
    assert leaving.of_runs([run.pk]) == {}


def test_a_paused_run_ends_like_any_other(run, manager, now) -> None:
    services.pause_run(run_id=run.pk, by=manager, now=now)
    stopped(run, now + HOUR)
    assert leaving.of_runs([run.pk]) == {run.pk: Leave.OPT_OUT}
    assert leaving.of_guests([run.guest_id + 1]) == {}


def test_what_was_so_before_the_run_began_does_not_end_it(location, now) -> None:
    membership = make_member(location)
    AppointmentFactory(guest=membership.guest, booked_at=now - DAY, starts_at=now + 20 * DAY)
    draft = Draft.objects.get(pk=draft_members(membership).draft_ids[0])
    assert leaving.of_runs([draft.run_id]) == {}


def test_leaving_takes_back_what_waits_in_outgoing_and_its_cost(run, draft, manager, now) -> None:
    message = approve(draft, manager, now)
    booked(run, now + MINUTE)
    tending.leave_with_news(guest_ids=[run.guest_id], now=now + 2 * MINUTE)
    message.refresh_from_db()
    draft.refresh_from_db()
    assert message.outbox.state == OutboxItem.State.WITHDRAWN
    assert message.reservation == Message.Reservation.VOIDED
    assert draft.status == Draft.Status.WITHDRAWN


def test_a_booking_on_the_way_of_the_mirror_ends_the_run(run, now, monkeypatch) -> None:
    """The signal names the booking, the task looks at its guest."""
    from outreach import tasks

    booked(run, now + HOUR)
    tasks.leave_for_bookings([Appointment.objects.get().pk])
    run.refresh_from_db()
    assert run.left_why == Leave.BOOKED


def test_the_night_ends_what_a_lost_hint_left_running(run, now) -> None:
    booked(run, now + HOUR)
    counts = tending.tend_location(location_id=run.location_id, now=now + DAY)
    assert counts == {"left": 1}


def test_a_due_step_looks_once_more(run, now) -> None:
    Run.objects.update(next_at=now + DAY)
    booked(run, now + HOUR)
    assert go_on(run, now + DAY).left_why == Leave.BOOKED


def test_consent_taken_back_or_a_reporting_play_ends_the_run_when_due(run, now, location) -> None:
    Draft.objects.filter(run=run).update(status="withdrawn")
    Run.objects.update(next_at=now)
    PlayPhase.objects.create(play_id=AT_RISK, location=location, phase="report", since_at=now)
    assert go_on(run, now).left_why == Leave.REPORT


# --- Pausing ------------------------------------------------------------------------------------


def test_a_paused_message_does_not_leave_until_it_is_resumed(run, draft, manager, now) -> None:
    message = approve(draft, manager, now)
    services.pause_run(run_id=run.pk, by=manager, now=now)
    assert sender.dispatch_due(now=now + 6 * MINUTE) == 0
    assert conditions.held_reasons([message.pk], now=now + 6 * MINUTE)[message.pk] == "paused"
    services.resume_run(run_id=run.pk, by=manager, now=now + HOUR)
    assert sender.dispatch_due(now=now + HOUR) == 1


def test_a_message_that_was_under_way_when_paused_keeps_the_whole_wait(
    run, draft, manager, now
) -> None:
    send_step(run, manager, now)
    services.pause_run(run_id=run.pk, by=manager, now=now + HOUR)
    assert go_on(run, now + DAY).remaining == 4 * DAY
    services.resume_run(run_id=run.pk, by=manager, now=now + 2 * DAY)
    run.refresh_from_db()
    assert run.next_at == now + 6 * DAY


def test_a_left_run_can_be_neither_paused_nor_resumed(run, manager, now) -> None:
    services.end_run(run_id=run.pk, by=manager, now=now)
    for act in (services.pause_run, services.resume_run):
        with pytest.raises(errors.Conflict, match="ended by a person"):
            act(run_id=run.pk, by=manager, now=now)


def test_the_desk_and_foreign_managers_do_not_steer(run, desk, outsider, now) -> None:
    for who in (desk, outsider):
        for act in (services.pause_run, services.resume_run, services.end_run):
            with pytest.raises(errors.NotAllowed):
                act(run_id=run.pk, by=who, now=now)


def test_pausing_a_whole_play_reaches_only_ones_own_locations(
    run, elsewhere, manager, regional, now
) -> None:
    far = make_draft(elsewhere).run
    assert services.pause_runs(play_key=AT_RISK, location=None, by=manager, now=now) == 1
    far.refresh_from_db()
    assert far.state == Run.State.RUNNING
    with pytest.raises(errors.NotAllowed):
        services.resume_runs(play_key=AT_RISK, location=None, by=manager, now=now)
    assert services.resume_runs(play_key="", location=None, by=regional, now=now + DAY) == 1
    entry = LedgerEntry.objects.filter(event="sequence.resumed").get()
    assert '"count":1' in entry.body


def test_pausing_many_is_a_fixed_number_of_statements(
    location, manager, now, django_assert_max_num_queries
) -> None:
    for _ in range(6):
        make_draft(location)
    Run.objects.update(next_at=now + DAY)
    with django_assert_max_num_queries(14):
        assert services.pause_runs(play_key=AT_RISK, location=None, by=manager, now=now) == 6


minutes = st.integers(min_value=0, max_value=60 * 24 * 30)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wait=minutes, pauses=st.lists(st.tuples(minutes, minutes), max_size=4))
def test_pausing_never_shortens_or_lengthens_the_wait(run, manager, now, wait, pauses) -> None:
    """However often it is paused, the time a run waits while running is its wait, to the second;
    a run that was due before the pause is due at once after it."""
    Run.objects.filter(pk=run.pk).update(next_at=now + wait * MINUTE)
    at, ran = now, 0
    for runs_for, stands_for in pauses:
        at += runs_for * MINUTE
        ran += runs_for
        services.pause_run(run_id=run.pk, by=manager, now=at)
        run.refresh_from_db()
        assert run.remaining == max(wait - ran, 0) * MINUTE
        if wait < ran:
            wait = ran  # it stood due: nothing is owed
        at += stands_for * MINUTE
        services.resume_run(run_id=run.pk, by=manager, now=at)
    run.refresh_from_db()
    assert run.next_at is not None
    assert run.next_at - at == (wait - ran) * MINUTE or not pauses


LEAVE_AT = ["drafted", "approved", "sent", "second drafted", "second approved"]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(point=st.sampled_from(LEAVE_AT), happens=st.sampled_from(list(NEWS)), told=st.booleans())
def test_after_leaving_no_further_message_begins(
    location, manager, now, point, happens, told
) -> None:
    """At whatever point of the way it happens, and whether the hint arrives or is lost."""
    calls.clear()
    Play.objects.update(leaves_on=EVERY_RULE, daily_limit=1_000)
    OutreachPolicy.current()
    OutreachPolicy.objects.update(location_day_cents=10**6)
    draft, at = make_draft(location), now
    mirror_is_fresh(location, now)
    run: Run = draft.run
    if point != "drafted":
        approve(draft, manager, at)
    if point in LEAVE_AT[2:]:
        at += 6 * MINUTE
        assert sender.dispatch_due(now=at) == 1
        go_on(run, at + MINUTE)
    if point in LEAVE_AT[3:]:
        at += 4 * DAY + MINUTE
        mirror_is_fresh(location, at)
        assert go_on(run, at).step == 2
    if point == "second approved":
        approve(run.drafts.get(step=2), manager, at)
    begun = len(calls)
    at += MINUTE
    happens(run, at)
    if told:
        tending.leave_with_news(guest_ids=[run.guest_id], now=at)
    for later in (at, at + 10 * MINUTE, at + 5 * DAY, at + 9 * DAY):
        mirror_is_fresh(location, later)
        for open_draft in Draft.objects.open().filter(run=run):
            with suppress(errors.OutreachError):
                approve(open_draft, manager, later)
        tending.advance(now=later)
        sender.dispatch_due(now=later)
    assert len(calls) == begun
