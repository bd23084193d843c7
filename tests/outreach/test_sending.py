"""The gate and the sender: nothing leaves that may not leave at that very moment, nothing twice."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection, connections

from audit import checkpoints
from audit.models import LedgerEntry
from memberships.models import Guest, SyncCursor
from outreach import errors, services
from outreach.gate import conditions
from outreach.models import (
    Cap,
    Contact,
    Draft,
    Message,
    OutreachPolicy,
    PlayPhase,
    Suppression,
    Switch,
)
from outreach.sending import sender
from platforms import inbox, outbox
from platforms.models import InboxDelivery, OutboxItem
from platforms.outcome import NotBegun, Outcome, Result
from tests.factories.outreach import make_draft, make_message, put_into_arm

pytestmark = pytest.mark.usefixtures("library", "fresh")

MINUTE = timedelta(minutes=1)
State = OutboxItem.State


class Carrier:
    """Stands in for the SMS carrier: remembers calls, answers what it is told to."""

    def __init__(self) -> None:
        self.calls: list[dict] = []
        self.answers: list[Outcome] = []
        self.found = Outcome(Result.SENT, provider_ref="SM-found")

    def send(self, **call) -> Outcome:
        self.calls.append(call)
        if self.answers:
            return self.answers.pop(0)
        return Outcome(Result.SENT, provider_ref=f"SM{len(self.calls)}")

    def look_up(self, *, key: str) -> Outcome:
        return self.found


class TooLate:
    """A way to the carrier on which the time ran out."""

    def __call__(self, *, begin_by: float, **call) -> Outcome:
        self.seconds_left = begin_by - time.monotonic()
        raise NotBegun


@pytest.fixture
def carrier(monkeypatch) -> Carrier:
    stub = Carrier()
    monkeypatch.setattr(sender.sms, "send", stub.send)
    monkeypatch.setattr(sender.sms, "look_up", stub.look_up)
    return stub


@pytest.fixture
def message(draft, manager, now) -> Message:
    return services.approve_draft(draft_id=draft.pk, version=draft.version, by=manager, now=now)


@pytest.fixture
def due(message, now) -> datetime:
    return now + 6 * MINUTE


def held(message: Message, at: datetime) -> str:
    return conditions.held_reasons([message.pk], now=at)[message.pk]


def state_of(message: Message) -> str:
    return OutboxItem.objects.get(pk=message.outbox_id).state


def test_an_approved_message_leaves_after_the_outgoing_time_and_not_before(
    carrier, message, now, due
):
    assert sender.dispatch_due(now=now + 4 * MINUTE) == 0
    assert sender.dispatch_due(now=due) == 1
    assert sender.dispatch_due(now=due) == 0
    assert [call["body"] for call in carrier.calls] == [message.body]
    assert carrier.calls[0]["to"] == message.address
    assert carrier.calls[0]["key"] == f"send:{message.outbox_id}"
    message.refresh_from_db()
    assert message.reservation == Message.Reservation.POSTED
    assert set(Cap.objects.values_list("reserved_cents", "spent_cents")) == {
        (0, message.cost_cents)
    }
    assert list(
        LedgerEntry.objects.filter(event__startswith="message.").values_list("event", flat=True)
    ) == ["message.begun", "message.sent"]


def stop(scope, key, by, now):
    Switch.objects.create(scope=scope, key=key, changed_at=now, changed_by=by)


def close_all(message, manager, now):
    stop("all", "", manager, now)


def close_location(message, manager, now):
    stop("location", str(message.location_id), manager, now)


def close_play(message, manager, now):
    stop("play", message.play_id, manager, now)


def close_channel(message, manager, now):
    stop("channel", "sms", manager, now)


def say_stop(message, manager, now):
    services.suppress(
        channel="sms", address=message.address, source="reply", reason="STOP", now=now
    )


def answer_unread(message, manager, now):
    inbox.receive(
        connection="sms-inbound", delivery_id="IN1", body=b"From=x", sender=message.address, now=now
    )


def fail_to_read_the_answer(message, manager, now):
    answer_unread(message, manager, now)
    InboxDelivery.objects.update(status="parked")


def tell_of_it(message, manager, now):
    inbox.receive(
        connection="sms-status", delivery_id="SM9:sent", body=b"x", about=message.outbox_id, now=now
    )


def withdraw_consent(message, manager, now):
    Guest.objects.filter(pk=message.guest_id).update(sms_marketing=False)


def vanish(message, manager, now):
    Guest.objects.filter(pk=message.guest_id).update(vanished_at=now)


def change_phone(message, manager, now):
    Guest.objects.filter(pk=message.guest_id).update(phone="+12125559999")


def join_holdout(message, manager, now):
    put_into_arm(message.guest_id, held_out=True)


def lower_phase(message, manager, now):
    PlayPhase.objects.create(
        play_id=message.play_id, location_id=message.location_id, phase="report", since_at=now
    )


def dismiss_approver(message, manager, now):
    manager.is_active = False
    manager.save()


def move_approver(message, manager, now):
    manager.locations.clear()


def demote_approver(message, manager, now):
    manager.role = "desk"
    manager.save()


def lower_limit(message, manager, now):
    manager.approval_limit_cents = message.cost_cents - 1
    manager.save()


def let_data_age(message, manager, now):
    SyncCursor.objects.update(complete_at=now - timedelta(hours=27))


def lose_data(message, manager, now):
    SyncCursor.objects.all().delete()


def let_the_approval_age(message, manager, now):
    Message.objects.filter(pk=message.pk).update(approved_at=now - timedelta(hours=72))


def void_draft(message, manager, now):
    Draft.objects.filter(pk=message.draft_id).update(approval_hash="f" * 64)


def write_elsewhere(message, manager, now):
    Contact.objects.create(
        guest_id=message.guest_id, last_at=now - 10 * MINUTE, outbox_id="0" * 31 + "1"
    )


def move_to_hawaii(message, manager, now):  # 07:06 there
    Guest.objects.filter(pk=message.guest_id).update(time_zone="Pacific/Honolulu")


def lose_the_zone(message, manager, now):
    Guest.objects.filter(pk=message.guest_id).update(time_zone="Mars/Olympus")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (close_all, "switch"),
        (close_location, "switch"),
        (close_play, "switch"),
        (close_channel, "switch"),
        (say_stop, "suppressed"),
        (answer_unread, "unread"),
        (fail_to_read_the_answer, "unread"),
        (tell_of_it, "told"),
        (withdraw_consent, "consent"),
        (vanish, "consent"),
        (change_phone, "address"),
        (join_holdout, "holdout"),
        (lower_phase, "phase"),
        (dismiss_approver, "approver"),
        (move_approver, "approver"),
        (demote_approver, "approver"),
        (lower_limit, "approver"),
        (let_data_age, "stale"),
        (lose_data, "stale"),
        (void_draft, "approval"),
        (let_the_approval_age, "aged"),
        (write_elsewhere, "hold"),
        (move_to_hawaii, "hours"),
        (lose_the_zone, "hours"),
    ],
)
def test_what_changed_since_the_approval_keeps_a_message_back_and_says_why(
    carrier, message, manager, now, due, change, why
):
    assert held(message, due) == ""
    change(message, manager, now)
    assert sender.dispatch_due(now=due) == 0
    assert carrier.calls == []
    assert state_of(message) == State.READY
    assert held(message, due) == why
    assert conditions.HELD[why]


def test_an_approval_that_grew_too_old_goes_back_to_people(message, manager, now, due):
    assert services.recall_aged(now=now + timedelta(hours=71)) == 0
    later = now + timedelta(hours=72)
    assert services.recall_aged(now=later) == 1
    assert services.recall_aged(now=later) == 0
    message.refresh_from_db()
    assert state_of(message) == State.WITHDRAWN
    assert message.reservation == Message.Reservation.VOIDED
    draft = Draft.objects.get(pk=message.draft_id)
    assert (draft.status, draft.decided_by_id, draft.approval_hash) == ("pending", None, "")
    assert draft.expires_at > later


def test_only_the_approval_that_grew_old_is_taken_back(message, now):
    with pytest.raises(errors.Conflict, match="anew"):
        services.decisions.recall_approval(
            draft_id=message.draft_id, message_id=message.pk + 1, reason="old", now=now
        )
    assert state_of(message) == State.READY


def test_a_database_older_than_the_exported_ledger_sends_nothing(
    carrier, message, due, settings, tmp_path
):
    settings.LEDGER_EXPORT_DIR = str(tmp_path)
    line = {"text": json.dumps({"number": 3, "at": "2026-11-20"}), "signature": ""}
    checkpoints.path().write_text(json.dumps(line) + "\n")
    assert sender.dispatch_due(now=due) == 0
    assert (carrier.calls, held(message, due)) == ([], conditions.RESTORED)
    checkpoints.path().unlink()
    assert sender.dispatch_due(now=due) == 1


@pytest.mark.parametrize("stream", ["guests", "members", "appointments"])
def test_one_stream_left_behind_is_enough_to_wait(carrier, message, now, due, stream):
    SyncCursor.objects.filter(stream=stream).update(complete_at=now - timedelta(hours=27))
    assert held(message, due) == "stale"
    assert sender.dispatch_due(now=due) == 0


def test_every_condition_of_the_gate_has_been_closed_by_a_test_or_is_named_here():
    tested = {
        "switch", "suppressed", "consent", "address", "holdout", "phase", "approver", "stale",
        "approval", "hold", "hours", "week", "cap", "automatic", "authorised",
        "sequence", "paused", "watch", "breaker", "unread", "aged", "told",
    }  # fmt: skip
    assert {condition.key for condition in conditions.CONDITIONS} == tested


def test_the_weekly_cap_counts_across_plays_and_locations(carrier, message, now, due, manager):
    for days in (1, 2):
        other = Message.objects.get(pk=message.pk)
        other.pk, other.draft, other.cost_cents = None, None, 0
        other.reservation = "none"
        other.outbox = OutboxItem.objects.create(
            topic="message", channel="sms", subject=f"draft:x{days}", payload={},
            payload_hash="", state="sent", sent_at=now - timedelta(days=days),
            due_at=now, created_at=now,
        )  # fmt: skip
        other.save()
    assert held(message, due) == "week"
    assert sender.dispatch_due(now=due) == 0
    assert sender.dispatch_due(now=due + timedelta(days=5, hours=1)) == 0  # data is stale then
    SyncCursor.objects.update(complete_at=due + timedelta(days=6))
    OutreachPolicy.objects.update(approval_hours=7 * 24)
    assert sender.dispatch_due(now=due + timedelta(days=6)) == 1


def test_a_message_whose_cost_is_not_set_aside_stays(carrier, message, due):
    Message.objects.update(reservation=Message.Reservation.VOIDED)
    assert held(message, due) == "cap"
    assert sender.dispatch_due(now=due) == 0


def test_quiet_hours_hold_until_the_morning_of_the_guest(carrier, message, due):
    evening = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)  # 20:30 in New York
    assert sender.dispatch_due(now=evening) == 0
    before_nine = datetime(2026, 11, 20, 13, 59, tzinfo=UTC) + timedelta(days=1)
    SyncCursor.objects.update(complete_at=before_nine)
    assert sender.dispatch_due(now=before_nine) == 0
    assert sender.dispatch_due(now=before_nine + MINUTE) == 1


def test_changed_bytes_are_not_sent(carrier, message, due):
    Message.objects.filter(pk=message.pk).update(body="Something else. STOP")
    sender.dispatch_due(now=due)
    assert carrier.calls == []
    assert state_of(message) == State.REFUSED
    assert "differs from the approved" in OutboxItem.objects.get(pk=message.outbox_id).error


def test_a_payload_changed_in_the_outbox_is_not_sent(carrier, message, due):
    OutboxItem.objects.update(payload={"to": "+19995550000", "subject": "", "body": message.body})
    sender.dispatch_due(now=due)
    assert carrier.calls == []


def slow_claim(monkeypatch, then) -> None:
    """Claims take 60 ms from now on, and `then()` happens before each call."""
    claim = outbox.claim

    def claim_slowly(**kwargs):
        item = claim(**kwargs)
        if item is not None:
            time.sleep(0.06)
            then()
        return item

    monkeypatch.setattr(sender.outbox, "claim", claim_slowly)


def test_the_switch_is_read_again_when_time_passed_after_the_claim(
    carrier, message, manager, now, due, monkeypatch
):
    slow_claim(monkeypatch, then=lambda: Switch.objects.get_or_create(
        scope="all", key="", defaults={"changed_at": now, "changed_by": manager}
    ))  # fmt: skip
    assert sender.dispatch_due(now=due) == 0
    assert carrier.calls == []
    assert state_of(message) == State.READY
    assert list(
        LedgerEntry.objects.filter(event__startswith="message.").values_list("event", flat=True)
    ) == ["message.begun", "message.held_back"]


def test_a_slow_claim_into_an_open_gate_is_sent(carrier, message, due, monkeypatch):
    slow_claim(monkeypatch, then=lambda: None)
    assert sender.dispatch_due(now=due) == 1


def test_a_reading_of_the_gate_that_took_long_itself_is_made_again(
    carrier, message, manager, now, due, monkeypatch
):
    slow_claim(monkeypatch, then=lambda: None)
    still_open = conditions.still_open

    def read_slowly(item, **kwargs):
        answer = still_open(item, **kwargs)
        if not Switch.objects.exists():
            close_all(message, manager, now)
            time.sleep(0.06)
        return answer

    monkeypatch.setattr(sender.conditions, "still_open", read_slowly)
    assert sender.dispatch_due(now=due) == 0
    assert carrier.calls == []


def test_a_machine_too_slow_for_the_gate_lets_the_message_wait(carrier, message, due, monkeypatch):
    monkeypatch.setattr(conditions, "RECHECK_AFTER_S", 0.0)
    assert sender.dispatch_due(now=due, limit=1) == 0
    assert carrier.calls == []
    assert state_of(message) == State.READY


def test_a_message_held_up_behind_the_gate_waits(carrier, message, due, monkeypatch):
    """The carrier's adapter looks at the clock last; what it is told follows from the reading."""
    monkeypatch.setattr(sender.sms, "send", too_late := TooLate())
    assert sender.dispatch_due(now=due, limit=1) == 0
    assert too_late.seconds_left <= conditions.CALL_AFTER_S
    assert state_of(message) == State.READY
    item = OutboxItem.objects.get(pk=message.outbox_id)
    assert (item.tries, item.leased_until) == (0, None)
    assert not Contact.objects.filter(guest=message.guest_id).exists()
    assert list(
        LedgerEntry.objects.filter(event__startswith="message.").values_list("event", flat=True)
    ) == ["message.begun", "message.held_back"]


@pytest.mark.parametrize("meanwhile", [{"state": "unknown"}, {"attempt": 2}])
def test_a_sender_whose_claim_was_taken_over_does_not_call(
    carrier, message, due, monkeypatch, meanwhile
):
    slow_claim(monkeypatch, then=lambda: OutboxItem.objects.update(**meanwhile))
    assert sender.dispatch_due(now=due, limit=1) == 0
    assert carrier.calls == []
    # What the other makes of it is theirs to say: the guest may have been written to.
    assert Contact.objects.filter(guest=message.guest_id, outbox_id=message.outbox_id).exists()
    assert not LedgerEntry.objects.filter(event="message.held_back").exists()


def test_a_sender_that_slept_past_its_lease_does_not_call(carrier, message, due, monkeypatch):
    slow_claim(monkeypatch, then=lambda: OutboxItem.objects.update(leased_until=due))
    assert sender.dispatch_due(now=due, limit=1) == 0
    assert carrier.calls == []


def test_a_claim_older_than_the_margin_of_the_hold_period_is_given_back(
    carrier, message, due, monkeypatch
):
    slow_claim(monkeypatch, then=lambda: None)
    monkeypatch.setattr(conditions, "CALL_WITHIN", timedelta(seconds=0.05))
    assert sender.dispatch_due(now=due, limit=1) == 0
    assert carrier.calls == []


def test_the_hold_period_counts_from_the_latest_instant_of_the_call_before(
    carrier, message, now, due
):
    held_for = timedelta(minutes=OutreachPolicy.current().hold_minutes)
    Contact.objects.create(guest_id=message.guest_id, last_at=due - held_for, outbox_id=uuid4())
    assert held(message, due) == "hold"
    assert held(message, due + conditions.CALL_WITHIN) == ""


@pytest.mark.parametrize("written_before", [False, True])
def test_a_message_let_go_before_the_call_was_no_contact(
    carrier, message, manager, now, due, monkeypatch, written_before
):
    """The guest's other messages wait only for what reached her."""
    before = now - timedelta(days=30)
    if written_before:
        Contact.objects.create(guest_id=message.guest_id, last_at=before, outbox_id=uuid4())
    was = list(Contact.objects.values_list("guest", "last_at", "outbox_id"))
    slow_claim(monkeypatch, then=lambda: Switch.objects.get_or_create(
        scope="all", key="", defaults={"changed_at": now, "changed_by": manager}
    ))  # fmt: skip
    assert sender.dispatch_due(now=due) == 0
    assert list(Contact.objects.values_list("guest", "last_at", "outbox_id")) == was


def test_one_that_is_let_go_does_not_end_the_round(
    carrier, message, location, now, due, monkeypatch
):
    make_message(location, now=now)
    by = time.monotonic() + 60
    may = iter([None, by, by])
    monkeypatch.setattr(conditions, "open_until", lambda *_, **__: next(may))
    assert sender.dispatch_due(now=due, limit=3) == 2
    assert len(carrier.calls) == 2


def test_a_refusal_gives_the_money_back(carrier, message, due):
    carrier.answers = [Outcome(Result.REFUSED, error=f"{message.address} is no mobile number")]
    sender.dispatch_due(now=due)
    message.refresh_from_db()
    assert state_of(message) == State.REFUSED
    assert message.reservation == Message.Reservation.VOIDED
    assert message.address not in LedgerEntry.objects.get(event="message.refused").body


def test_a_busy_carrier_is_tried_again_later_under_the_same_key(carrier, message, due):
    carrier.answers = [Outcome(Result.RETRY, error="busy", retry_after=120)]
    assert sender.dispatch_due(now=due) == 1
    assert sender.dispatch_due(now=due + MINUTE) == 0
    assert sender.dispatch_due(now=due + 5 * MINUTE) == 1
    assert state_of(message) == State.SENT
    assert len({call["key"] for call in carrier.calls}) == 1


def test_a_carrier_that_stays_away_ends_in_the_failed_list(carrier, message, now, due):
    carrier.answers = [Outcome(Result.RETRY, error="busy")] * outbox.MAX_TRIES
    at = due
    for _ in range(outbox.MAX_TRIES):
        sender.dispatch_due(now=at)
        at += 40 * MINUTE
    assert state_of(message) == State.DEAD
    message.refresh_from_db()
    assert message.reservation == Message.Reservation.VOIDED


def test_a_given_up_message_may_be_tried_once_more_by_a_person(carrier, message, manager, due):
    OutboxItem.objects.update(state=State.DEAD)
    Message.objects.update(reservation="voided")
    Cap.objects.update(reserved_cents=0)
    services.retry_message(message_id=message.pk, by=manager, now=due)
    assert sender.dispatch_due(now=due) == 1
    assert set(Cap.objects.values_list("spent_cents", flat=True)) == {message.cost_cents}


def test_no_answer_is_looked_up_and_never_simply_sent_again(carrier, message, due):
    carrier.answers = [Outcome(Result.UNKNOWN, error="time-out")]
    sender.dispatch_due(now=due)
    assert state_of(message) == State.UNKNOWN
    message.refresh_from_db()
    assert message.reservation == Message.Reservation.RESERVED
    assert sender.dispatch_due(now=due + 10 * MINUTE) == 0
    assert sender.check_unknown(now=due + 10 * MINUTE) == 1
    assert state_of(message) == State.SENT
    assert len(carrier.calls) == 1


def test_what_the_carrier_never_had_is_sent_again(carrier, message, due):
    carrier.answers = [Outcome(Result.UNKNOWN, error="time-out")]
    carrier.found = Outcome(Result.RETRY, error="never had it")
    sender.dispatch_due(now=due)
    sender.check_unknown(now=due + 10 * MINUTE)
    assert sender.dispatch_due(now=due + 20 * MINUTE) == 1
    assert state_of(message) == State.SENT


def test_what_nobody_can_find_out_goes_to_a_person(carrier, message, manager, due):
    carrier.answers = [Outcome(Result.UNKNOWN, error="time-out")]
    carrier.found = Outcome(Result.UNCERTAIN)
    sender.dispatch_due(now=due)
    sender.check_unknown(now=due + 10 * MINUTE)
    assert state_of(message) == State.UNCERTAIN
    message.refresh_from_db()
    assert message.reservation == Message.Reservation.RESERVED  # it may have cost what it costs
    services.settle_uncertain(message_id=message.pk, was_sent=False, by=manager, now=due)
    message.refresh_from_db()
    assert message.reservation == Message.Reservation.VOIDED
    with pytest.raises(errors.Conflict):
        services.settle_uncertain(message_id=message.pk, was_sent=True, by=manager, now=due)


def test_a_dead_worker_leaves_the_message_to_be_looked_up(carrier, message, due, monkeypatch):
    def die(**kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sender.sms, "send", die)
        with pytest.raises(KeyboardInterrupt):
            sender.dispatch_due(now=due)
    assert state_of(message) == State.SENDING
    assert sender.dispatch_due(now=due + 5 * MINUTE) == 0
    assert sender.check_unknown(now=due + 5 * MINUTE) == 1
    assert state_of(message) == State.SENT
    assert carrier.calls == []


def test_an_unexpected_failure_of_the_call_counts_as_perhaps_sent(message, due, monkeypatch):
    def fail(**kwargs):
        raise RuntimeError

    monkeypatch.setattr(sender.sms, "send", fail)
    sender.dispatch_due(now=due)
    assert state_of(message) == State.UNKNOWN


def test_a_late_answer_does_not_overwrite_a_newer_attempt(carrier, message, due):
    def late(**call):
        OutboxItem.objects.update(attempt=5)
        return Outcome(Result.SENT, provider_ref="late")

    sender.sms.send = late
    sender.dispatch_due(now=due)
    message.refresh_from_db()
    assert state_of(message) == State.SENDING
    assert message.reservation == Message.Reservation.RESERVED


@pytest.mark.django_db(transaction=True)
def test_two_senders_never_write_to_one_guest_at_once(
    carrier, library, fresh, location, manager, now, due, message
):
    second = Message.objects.get(pk=message.pk)
    draft = Draft.objects.get(pk=message.draft_id)
    twin = make_draft(location)
    Draft.objects.filter(pk=twin.pk).update(
        guest_id=draft.guest_id, membership_id=draft.membership_id, address=draft.address,
        expires_at=now + timedelta(days=1),
    )  # fmt: skip
    second = services.approve_draft(draft_id=twin.pk, version=1, by=manager, now=now)
    barrier = threading.Barrier(6)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            barrier.wait()
            sender.dispatch_due(now=due)
        except BaseException as error:  # pragma: no cover - shown below
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(carrier.calls) == 1
    assert {state_of(message), state_of(second)} == {State.SENT, State.READY}
    connection.ensure_connection()


def test_an_answer_of_somebody_else_or_one_that_was_read_holds_nothing_back(
    carrier, message, now, due
):
    for number, status in (("+12125550000", "received"), (message.address, "done")):
        inbox.receive(
            connection="sms-inbound", delivery_id=status, body=b"x", sender=number, now=now
        )
        InboxDelivery.objects.filter(delivery_id=status).update(status=status)
    assert sender.dispatch_due(now=due) == 1


def test_suppression_of_another_channel_does_not_hold(carrier, message, due, now):
    Suppression.objects.create(
        channel="email", address=message.address, source="staff", reason="x", added_at=now
    )
    assert sender.dispatch_due(now=due) == 1


def test_the_outgoing_time_is_the_policys(draft, manager, now):
    OutreachPolicy.objects.update_or_create(pk=1, defaults={"outgoing_minutes": 15})
    message = services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)
    assert message.outbox.due_at == now + 15 * MINUTE


# --- A worker that died in the call ---------------------------------------------------------------


def test_a_worker_that_died_in_the_call_is_told_of_by_the_ledger(
    carrier, message, due, monkeypatch
):
    def die(**call):
        raise KeyboardInterrupt  # as nothing that the sender catches

    monkeypatch.setattr(sender.sms, "send", die)
    with pytest.raises(KeyboardInterrupt):
        sender.dispatch_due(now=due)
    assert told_of(message) == ["message.begun"]
    assert outbox.expire_leases(now=due + 2 * sender.LEASE) == 1
    assert outbox.expire_leases(now=due + 2 * sender.LEASE) == 0
    assert told_of(message) == ["message.begun", "message.lost"]
    entry = LedgerEntry.objects.get(event="message.lost")
    assert (entry.guest_id, entry.location_id) == (message.guest_id, message.location_id)
    assert json.loads(entry.body)["detail"] == {
        "play": message.play_id,
        "outbox": str(message.outbox_id),
        "attempt": 1,
    }
    assert sender.check_unknown(now=due + 2 * sender.LEASE + outbox.SETTLE) == 1
    assert told_of(message) == ["message.begun", "message.lost", "message.sent"]


def told_of(message: Message) -> list[str]:
    entries = LedgerEntry.objects.filter(event__startswith="message.", target_id=str(message.pk))
    return list(entries.order_by("seq").values_list("event", flat=True))


def test_a_look_up_that_died_tells_nothing_new(carrier, message, due):
    OutboxItem.objects.update(state=State.CHECKING, leased_until=due, attempt=2)
    assert outbox.expire_leases(now=due + MINUTE) == 1
    assert told_of(message) == []


def test_a_test_to_oneself_whose_worker_died_tells_nothing(now):
    OutboxItem.objects.create(
        topic=OutboxItem.Topic.TEST, channel="sms", subject="x", payload={}, payload_hash="",
        due_at=now, created_at=now, state=State.SENDING, leased_until=now,
    )  # fmt: skip
    assert outbox.expire_leases(now=now + MINUTE) == 1
    assert not LedgerEntry.objects.filter(event="message.lost").exists()


def test_many_that_were_lost_take_no_more_statements_than_one(
    library, location, elsewhere, manager, now, django_assert_num_queries
):
    several = [make_message(place, now=now) for place in (location, elsewhere, location)]
    OutboxItem.objects.update(state=State.SENDING, leased_until=now, attempt=1)
    # The update, the messages, the heads locked, entries and heads written, and two savepoints.
    with django_assert_num_queries(7):
        assert outbox.expire_leases(now=now + MINUTE) == 3
    assert [told_of(message) for message in several] == [["message.lost"]] * 3


@pytest.mark.django_db(transaction=True)
def test_what_the_ledger_does_not_take_is_not_expired(message, now, monkeypatch):
    def refuse(entries):
        raise RuntimeError("the ledger is away")

    OutboxItem.objects.update(state=State.SENDING, leased_until=now, attempt=1)
    monkeypatch.setattr(outbox.ledger, "record_many", refuse)
    with pytest.raises(RuntimeError):
        outbox.expire_leases(now=now + MINUTE)
    assert state_of(message) == State.SENDING
