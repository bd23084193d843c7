"""Automatic within rules: what needs no person, and everything that sends it back to one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from memberships.models import Guest, GuestDay, SyncCursor
from outreach import approval, services
from outreach.autonomy import doubts
from outreach.errors import Conflict, NotAllowed, OutreachError
from outreach.gate import breakers, conditions
from outreach.library.seed import AT_RISK
from outreach.models import (
    AutomaticRule,
    Breaker,
    Cap,
    Draft,
    Holdout,
    Message,
    OutreachPolicy,
    PhaseChange,
    Play,
    PlayPhase,
)
from platforms.models import OutboxItem
from risk.models import DriftAlarm
from tests.factories.autonomy import SURE, make_automatic, make_rule, make_sure_draft
from tests.factories.memberships import LocationFactory
from tests.factories.outreach import make_draft, make_message

pytestmark = pytest.mark.usefixtures("library", "fresh")
DAY = timedelta(days=1)


@pytest.fixture
def phase(library, location, regional) -> PlayPhase:
    return make_automatic(location, regional)


@pytest.fixture
def sure(phase, location) -> Draft:
    return make_sure_draft(location)


def why(counts) -> list[str]:
    return sorted(counts)


def test_a_draft_within_the_rule_is_approved_in_the_name_of_who_promoted(sure, regional, now):
    assert dict(services.approve_by_rules(now=now)) == {"approved": 1}
    message = Message.objects.select_related("outbox", "draft").get()
    assert (message.is_automatic, message.approved_by_id) == (True, regional.pk)
    assert message.outbox.due_at == now + timedelta(minutes=5)
    assert approval.matches(message, message.outbox.payload, message.outbox.approval)
    assert message.draft.automatic_rule == "Regulars"
    entry = LedgerEntry.objects.get(event="draft.approved_by_rule")
    assert (entry.actor_id, entry.guest_id) == (None, sure.guest_id)
    assert '"rule":"Regulars"' in entry.body
    assert '"min_p":0.85' in entry.body
    assert f'"promoted_by":{regional.pk}' in entry.body
    assert conditions.held_reasons([message.pk], now=now + timedelta(minutes=6)) == {message.pk: ""}
    assert not services.approve_by_rules(now=now)


def edit(draft, manager, now):
    services.edit_draft(
        draft_id=draft.pk, version=1, body=draft.body + " Bye!", subject="", by=manager, now=now
    )


def edit_and_back(draft, manager, now):
    edit(draft, manager, now)
    services.edit_draft(
        draft_id=draft.pk, version=2, body=draft.library_body, subject="", by=manager, now=now
    )


def snooze_and_wake(draft, manager, now):
    services.snooze_draft(draft_id=draft.pk, version=1, until=now + DAY, by=manager, now=now)
    services.snooze_draft(draft_id=draft.pk, version=2, until=now, by=manager, now=now)


def take_back(draft, manager, now):
    services.approve_by_rules(now=now)
    services.undo_decision(draft_id=draft.pk, by=manager, now=now)


def says(**evidence):
    def change(draft, manager, now):
        draft.evidence = {**SURE, **evidence}
        draft.save()

    return change


def without(name):
    def change(draft, manager, now):
        draft.evidence = {key: value for key, value in SURE.items() if key != name}
        draft.save()

    return change


def visit_less(draft, manager, now):
    GuestDay.objects.filter(guest=draft.guest).first().delete()


def visit_long_ago(draft, manager, now):
    newest = GuestDay.objects.filter(guest=draft.guest).order_by("-on").first()
    newest.on = draft.location.today(now) - 31 * DAY
    newest.save()


def cost_more(draft, manager, now):
    row = PlayPhase.objects.get()
    row.rules[0]["max_cost_cents"] = draft.cost_cents - 1
    row.save()


def lose_consent(draft, manager, now):
    Guest.objects.filter(pk=draft.guest_id).update(sms_marketing=False)


def say_stop(draft, manager, now):
    services.suppress(channel="sms", address=draft.address, source="reply", reason="STOP", now=now)


def use_up_the_limit(draft, manager, now):
    OutreachPolicy.objects.update(location_day_cents=draft.cost_cents - 1)
    Cap.objects.all().delete()


def join_comparison(draft, manager, now):
    move_to_arm(draft, is_held_out=True)


def move_to_arm(draft, *, is_held_out):
    arm = Holdout.objects.get(guest=draft.guest_id)
    arm.delete()
    arm.pk, arm.is_held_out = None, is_held_out
    arm.save(force_insert=True)


def other_words(draft, manager, now):
    draft.body += " From us."
    draft.save()


def worded_by_a_machine(draft, manager, now):
    """Even where the words came out as the library's."""
    draft.worded_by, draft.prompt_version, draft.worded_at = "some-model", "1", now
    draft.save()


def asked_by_hand(draft, manager, now):
    draft.requested_by = manager
    draft.save()


def older_than_the_promotion(draft, manager, now):
    PlayPhase.objects.update(since_at=now + timedelta(seconds=1))


def expired(draft, manager, now):
    Draft.objects.update(expires_at=now)


def review_again(draft, manager, now):
    PlayPhase.objects.update(phase="review")


@pytest.mark.parametrize(
    "change",
    [
        edit, edit_and_back, snooze_and_wake, take_back, says(p=0.84), says(p=None), says(p="0.9"),
        says(p=True), says(p=90), without("p"), says(may_act=False), without("may_act"),
        says(may_act="yes"), worded_by_a_machine, visit_less, visit_long_ago, cost_more,
        lose_consent, say_stop, use_up_the_limit, join_comparison, other_words, asked_by_hand,
        older_than_the_promotion, expired, review_again,
    ],
)  # fmt: skip
def test_whatever_is_in_doubt_goes_to_a_person(sure, manager, now, change):
    change(sure, manager, now)
    counts = services.approve_by_rules(now=now)
    assert "approved" not in counts
    sure.refresh_from_db()
    assert sure.status == Draft.Status.PENDING
    assert not Message.objects.exclude(outbox__state=OutboxItem.State.WITHDRAWN).exists()
    with pytest.raises(OutreachError):
        services.approve_by_rule(draft_id=sure.pk, now=now)


def test_the_single_approval_asks_everything_again(sure, now):
    """What holds for the batch holds for the one transaction, whoever calls it."""
    move_to_arm(sure, is_held_out=True)
    with pytest.raises(services.ForAPerson, match="comparison group"):
        services.approve_by_rule(draft_id=sure.pk, now=now)
    move_to_arm(sure, is_held_out=False)
    GuestDay.objects.all().delete()
    with pytest.raises(services.ForAPerson, match="no rule"):
        services.approve_by_rule(draft_id=sure.pk, now=now)


def test_a_rule_changed_later_counts_only_after_a_new_promotion(phase, location, now):
    unsure = make_sure_draft(location, evidence={**SURE, "p": 0.5})
    AutomaticRule.objects.update(min_p=0.1)
    assert "approved" not in services.approve_by_rules(now=now)
    with pytest.raises(services.ForAPerson, match="no rule"):
        services.approve_by_rule(draft_id=unsure.pk, now=now)
    PlayPhase.objects.update(rules=[AutomaticRule.objects.get().terms()])
    assert services.approve_by_rules(now=now)["approved"] == 1
    unsure.refresh_from_db()
    assert unsure.status == Draft.Status.APPROVED


def test_another_location_is_not_touched(phase, elsewhere, now):
    draft = make_sure_draft(elsewhere)
    services.approve_by_rules(now=now)
    draft.refresh_from_db()
    assert draft.status == Draft.Status.PENDING


def test_looking_takes_as_many_queries_for_many_as_for_one(phase, location, now):
    unsure = {**SURE, "p": 0.2}
    counts = []
    for more in (1, 8):
        for _ in range(more):
            make_draft(location, evidence=unsure)
        with CaptureQueriesContext(connection) as queries:
            services.approve_by_rules(now=now)
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- The gate -----------------------------------------------------------------------------------


@pytest.fixture
def leaving(sure, now) -> Message:
    services.approve_by_rules(now=now)
    return Message.objects.get()


def lose_the_right(phase):
    phase.set_by.role = "manager"
    phase.set_by.save()


def leave_the_business(phase):
    phase.set_by.is_active = False
    phase.set_by.save()


def leave_the_location(phase):
    phase.set_by.locations.clear()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lose_the_right, "automatic"),
        (leave_the_business, "approver"),
        (leave_the_location, "approver"),
        (lambda phase: PlayPhase.objects.update(phase="review"), "automatic"),
        (lambda phase: phase.delete(), "automatic"),
    ],
)
def test_automatic_messages_leave_only_while_the_promotion_stands(
    leaving, phase, now, change, reason
):
    at = now + timedelta(minutes=6)
    change(phase)
    assert conditions.held_reasons([leaving.pk], now=at) == {leaving.pk: reason}


@pytest.mark.parametrize("change", [lose_the_right, leave_the_business, leave_the_location])
def test_without_its_promoter_a_play_goes_back_to_review(leaving, phase, now, change):
    change(phase)
    assert services.lower_doubtful(now=now) == 1
    phase.refresh_from_db()
    assert phase.phase == "review"
    assert "promoted it" in phase.doubt


# --- Down ---------------------------------------------------------------------------------------


def test_one_click_down_gives_people_back_what_is_waiting(leaving, sure, phase, manager, now):
    services.lower_phase(
        play=phase.play, location=phase.location, to="review", reason="odd texts", by=manager,
        now=now,
    )  # fmt: skip
    sure.refresh_from_db()
    leaving.outbox.refresh_from_db()
    assert (sure.status, sure.automatic_rule) == (Draft.Status.PENDING, "")
    assert leaving.outbox.state == OutboxItem.State.WITHDRAWN
    assert set(Cap.objects.values_list("reserved_cents", flat=True)) == {0}
    change = PhaseChange.objects.get()
    assert (change.old, change.new, change.by) == ("automatic", "review", manager)
    assert LedgerEntry.objects.filter(event="draft.recalled").count() == 1
    assert LedgerEntry.objects.filter(event="phase.lowered").count() == 1
    phase.refresh_from_db()
    assert phase.doubt == ""  # a person did it: nobody needs to be told
    services.approve_draft(draft_id=sure.pk, version=sure.version, by=manager, now=now)


@pytest.mark.parametrize("to", ["automatic", "review"])
def test_the_way_down_never_leads_up(phase, manager, now, to):
    PlayPhase.objects.update(phase="review")
    with pytest.raises(Conflict, match="already"):
        services.lower_phase(
            play=phase.play, location=phase.location, to=to, reason="x", by=manager, now=now
        )
    phase.refresh_from_db()
    assert phase.phase == "review"
    assert not PhaseChange.objects.exists()


def test_what_a_person_approved_waits_on_when_the_play_goes_down(phase, manager, location, now):
    mine = make_message(location, now=now)
    services.lower_phase(
        play=phase.play, location=phase.location, to="review", reason="", by=manager, now=now
    )
    mine.outbox.refresh_from_db()
    assert mine.outbox.state == OutboxItem.State.READY


def test_rules_are_set_and_removed_only_by_who_serves_everything(phase, manager, elsewhere, now):
    rule = AutomaticRule.objects.get()
    terms = {**rule.terms(), "name": "Mine", "min_p": 0.0}
    with pytest.raises(NotAllowed, match="every location"):
        services.set_rule(play=phase.play, data=terms, by=manager, now=now)
    with pytest.raises(NotAllowed, match="every location"):
        services.remove_rule(rule_id=rule.pk, by=manager, now=now)
    assert AutomaticRule.objects.get() == rule


def test_what_is_being_sent_is_not_taken_back(leaving, phase, manager, now):
    OutboxItem.objects.update(state="sending", leased_until=now + DAY, attempt=1)
    services.lower_phase(
        play=phase.play, location=phase.location, to="review", reason="", by=manager, now=now
    )
    leaving.draft.refresh_from_db()
    assert leaving.draft.status == Draft.Status.APPROVED


def test_the_desk_and_strangers_move_nothing(phase, desk, outsider, now):
    for person in (desk, outsider):
        with pytest.raises(NotAllowed):
            services.lower_phase(
                play=phase.play, location=phase.location, to="review", reason="", by=person,
                now=now,
            )  # fmt: skip
        with pytest.raises(NotAllowed):
            services.see_doubt(play=phase.play, location=phase.location, by=person, now=now)


# --- Doubt lowers by itself ---------------------------------------------------------------------


def stale_sync(location, monkeypatch, now):
    SyncCursor.objects.update(complete_at=now - timedelta(hours=27))


def one_stream_left_behind(location, monkeypatch, now):
    SyncCursor.objects.filter(stream="members").update(complete_at=now - timedelta(hours=27))


def never_synced(location, monkeypatch, now):
    SyncCursor.objects.all().delete()


def drift_alarm(location, monkeypatch, now):
    from risk.models import DriftAlarm, ModelVersion

    model = ModelVersion.objects.create(
        target="churn", name="m", kind="additive", status="champion", trained_at=now
    )
    DriftAlarm.objects.create(
        target="churn", model=model, kind="score", input="score", size=1.0,
        sentence="scores moved", raised_at=now, seen_at=now,
    )  # fmt: skip


def ledger_behind(location, monkeypatch, now):
    from audit import checkpoints

    def behind() -> None:
        raise checkpoints.Behind("older")

    monkeypatch.setattr(checkpoints, "check", behind)


def ledger_cut_off(location, monkeypatch, now):
    from audit.models import LedgerHead, NotedHead

    chain = LedgerHead.objects.first().chain
    NotedHead.objects.create(chain=chain, seq=1, hash="f" * 64)


def clock_skew(location, monkeypatch, now):
    from outreach.autonomy import doubts

    monkeypatch.setattr(doubts, "MAX_SKEW", timedelta(days=-1))


def doubtful_scores(location, monkeypatch, now):
    for _ in range(10):
        make_draft(location, evidence={**SURE, "may_act": False})


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (stale_sync, "too old"),
        (one_stream_left_behind, "too old"),
        (never_synced, "too old"),
        (drift_alarm, "scores moved"),
        (ledger_behind, "ledger"),
        (ledger_cut_off, "ledger"),
        (clock_skew, "clocks"),
        (doubtful_scores, "doubtful score"),
    ],
)
def test_a_standing_doubt_lowers_the_play_and_says_why(
    sure, phase, location, regional, monkeypatch, now, cause, told
):
    cause(location, monkeypatch, now)
    assert "approved" not in services.approve_by_rules(now=now)
    phase.refresh_from_db()
    assert phase.phase == "review"
    assert told in phase.doubt
    assert phase.reviewed_since_at == now - 40 * DAY  # people need not begin from nothing
    change = PhaseChange.objects.get()
    assert (change.by, change.reason) == (None, phase.doubt)
    monkeypatch.undo()
    SyncCursor.objects.update(complete_at=now)
    services.approve_by_rules(now=now)
    phase.refresh_from_db()
    assert phase.phase == "review"  # up again is a person's act


def test_a_ledger_that_is_not_fixed_is_a_doubt(sure, phase, now):
    assert services.lower_doubtful(now=now + timedelta(minutes=59)) == 0
    assert services.lower_doubtful(now=now + timedelta(minutes=61)) == 1
    phase.refresh_from_db()
    assert "checkpoint" in phase.doubt


def test_an_alarm_about_bookings_does_not_lower_a_play_about_members(sure, phase, now):
    from risk.models import DriftAlarm, ModelVersion

    model = ModelVersion.objects.create(
        target="cancellation", name="m", kind="additive", status="champion", trained_at=now
    )
    DriftAlarm.objects.create(
        target="cancellation", model=model, kind="score", input="score", size=1.0,
        sentence="moved", raised_at=now, seen_at=now,
    )  # fmt: skip
    assert services.lower_doubtful(now=now) == 0


def old_drafts(location, manager, now):
    make_doubtful(location, 10)
    Draft.objects.update(created_at=now - 8 * DAY)


def asked_for(location, manager, now):
    make_doubtful(location, 10)
    Draft.objects.filter(evidence__may_act=False).update(requested_by=manager)


def half_of_them(location, manager, now):
    make_doubtful(location, 10)
    for _ in range(9):
        make_draft(location, evidence=SURE)


def too_few_to_tell(location, manager, now):
    make_doubtful(location, 8)


def make_doubtful(location, count):
    for _ in range(count):
        make_draft(location, evidence={**SURE, "may_act": False})


def alarm(now, **changes):
    drift_alarm(None, None, now)
    DriftAlarm.objects.update(**changes)


def an_alarm_that_is_over(location, manager, now):
    alarm(now, cleared_at=now)


def an_alarm_elsewhere(location, manager, now):
    alarm(now, location=LocationFactory())


def a_breaker_that_opened_once(location, manager, now):
    Breaker.objects.create(
        play_id=AT_RISK, location=location, signal="stops", state="open", evaluated_at=now,
        changed_at=now, tries_at=now + DAY, strikes=breakers.STRIKES - 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    "cause",
    [
        old_drafts, asked_for, half_of_them, too_few_to_tell, an_alarm_that_is_over,
        an_alarm_elsewhere, a_breaker_that_opened_once,
    ],
)  # fmt: skip
def test_what_speaks_against_nothing_here_lowers_nothing(
    sure, phase, location, manager, now, cause
):
    cause(location, manager, now)
    assert services.lower_doubtful(now=now) == 0


def test_an_alarm_about_the_place_lowers_its_plays(sure, phase, location, now):
    alarm(now, location=location)
    assert services.lower_doubtful(now=now) == 1


@pytest.mark.parametrize(("seconds", "differ"), [(-6, True), (-4, False), (4, False), (6, True)])
def test_clocks_may_differ_by_seconds_only(db, monkeypatch, seconds, differ):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=seconds)

    monkeypatch.setattr(doubts, "datetime", Clock)
    assert bool(doubts.clock_fault()) == differ


@pytest.mark.parametrize("lost", [{"set_by": None}, {"rules": []}])
def test_no_play_acts_by_itself_without_somebody_and_a_rule(phase, lost):
    with pytest.raises(IntegrityError, match="person_and_rules"), transaction.atomic():
        PlayPhase.objects.update(**lost)


def test_a_person_sees_the_doubt_and_leaves_it_there(sure, phase, manager, now):
    SyncCursor.objects.all().delete()
    services.lower_doubtful(now=now)
    row = services.see_doubt(play=phase.play, location=phase.location, by=manager, now=now)
    assert (row.phase, row.doubt) == ("review", "")
    assert LedgerEntry.objects.filter(event="phase.doubt_seen").count() == 1


# --- Up -----------------------------------------------------------------------------------------


@pytest.fixture
def reviewed(library, location, manager, now) -> PlayPhase:
    """A play people have reviewed for 30 days, with 30 decisions and a rule."""
    make_rule()
    row = PlayPhase.objects.create(
        play_id=AT_RISK, location=location, phase="review",
        since_at=now - 30 * DAY, reviewed_since_at=now - 30 * DAY,
    )  # fmt: skip
    draft = make_draft(location)
    Draft.objects.bulk_create(
        [
            Draft(
                guest=draft.guest, location=location, play_id=AT_RISK, channel="sms", address="+1",
                template=draft.template, body="x", library_body="x", created_at=now - DAY,
                expires_at=now, status="rejected", rejection="not_now", decided_by=manager,
                decided_at=now,
            )
            for _ in range(30)
        ]
    )  # fmt: skip
    return row


def promote(row, by, now, to="automatic", reason="thirty days without a change"):
    return services.raise_phase(
        play=row.play, location=row.location, to=to, reason=reason, by=by, now=now
    )


def test_a_promotion_keeps_its_evidence_and_rules(reviewed, regional, now):
    row = promote(reviewed, regional, now)
    assert (row.phase, row.set_by, row.since_at) == ("automatic", regional, now)
    assert row.rules == [AutomaticRule.objects.get().terms()]
    change = PhaseChange.objects.get()
    assert (change.old, change.new, change.by) == ("review", "automatic", regional)
    assert (change.evidence["decided"], change.evidence["days_reviewed"]) == (30, 30)
    entry = LedgerEntry.objects.get(event="phase.raised")
    assert '"decided":30' in entry.body
    assert "thirty days" in entry.body


def too_early(row, regional, now):
    PlayPhase.objects.update(reviewed_since_at=now - 30 * DAY + timedelta(seconds=1))


def too_few(row, regional, now):
    Draft.objects.filter(status="rejected").first().delete()


def no_rule(row, regional, now):
    AutomaticRule.objects.all().delete()


def old_data(row, regional, now):
    SyncCursor.objects.all().delete()


def dear_rule(row, regional, now):
    AutomaticRule.objects.update(max_cost_cents=regional.approval_limit_cents + 1)


def only_reports(row, regional, now):
    PlayPhase.objects.update(phase="report", reviewed_since_at=None)


def breaker_open(row, regional, now):
    a_breaker_that_opened_once(row.location, None, now)


def decided_for_another_play(row, regional, now):
    other = Play.objects.create(key="other", name="Other")
    Draft.objects.update(play=other)


def decided_elsewhere(row, regional, now):
    Draft.objects.filter(status="rejected").update(location=LocationFactory())


def drift(row, regional, now):
    drift_alarm(row.location, None, now)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (too_early, "29 of 30 days"),
        (too_few, "29 of 30 decisions"),
        (no_rule, "no rule"),
        (old_data, "too old"),
        (dear_rule, "your limit"),
        (only_reports, "only reports"),
        (drift, "scores moved"),
        (breaker_open, "are held"),
        (decided_for_another_play, "0 of 30 decisions"),
        (decided_elsewhere, "0 of 30 decisions"),
    ],
)
def test_what_stands_in_the_way_is_said(reviewed, regional, now, change, told):
    change(reviewed, regional, now)
    with pytest.raises(NotAllowed, match=told):
        promote(reviewed, regional, now)
    assert not PhaseChange.objects.exists()


def test_managers_strangers_and_the_silent_promote_nothing(
    reviewed, manager, outsider, regional, now
):
    for person in (manager, outsider):
        with pytest.raises(NotAllowed):
            promote(reviewed, person, now)
    with pytest.raises(NotAllowed, match="Say why"):
        promote(reviewed, regional, now, reason="  ")


def test_new_rules_count_after_promoting_again(reviewed, regional, now):
    promote(reviewed, regional, now)
    with pytest.raises(NotAllowed, match="already"):
        promote(reviewed, regional, now)
    AutomaticRule.objects.update(min_p=0.7)
    row = promote(reviewed, regional, now + timedelta(minutes=1))
    assert row.rules[0]["min_p"] == 0.7


def test_from_report_to_review_needs_no_month(reviewed, regional, now):
    PlayPhase.objects.update(phase="report", reviewed_since_at=None)
    row = promote(reviewed, regional, now, to="review")
    assert (row.phase, row.reviewed_since_at, row.rules) == ("review", now, [])
