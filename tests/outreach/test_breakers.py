"""Breakers: what opens them, what they hold, how few they let through, who closes them."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from outreach import services
from outreach.errors import Conflict, NotAllowed
from outreach.gate import breakers, conditions
from outreach.library.seed import AT_RISK
from outreach.models import (
    Breaker,
    BreakerProbe,
    Draft,
    Message,
    PlayPhase,
    SendingCount,
    Suppression,
)
from outreach.sending import sender
from platforms.models import OutboxItem
from platforms.outcome import Outcome, Result
from tests.factories.autonomy import make_automatic, make_sure_draft
from tests.factories.outreach import make_message

pytestmark = pytest.mark.usefixtures("library", "fresh")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WEEK = 7 * DAY
Signal, State = Breaker.Signal, Breaker.State


@pytest.fixture
def phase(library, location, regional) -> PlayPhase:
    return make_automatic(location, regional)


@pytest.fixture
def carrier(monkeypatch):
    answers: list[Outcome] = []
    monkeypatch.setattr(
        sender.sms,
        "send",
        lambda **call: answers.pop(0) if answers else Outcome(Result.SENT, provider_ref="SM"),
    )
    return answers


def counted(location, at, **counts):
    return SendingCount(play_id=AT_RISK, location=location, at=breakers._quarter(at), **counts)


@pytest.fixture
def usual_weeks(library, location, now):
    """Eight weeks of 40 messages each day at this hour."""
    SendingCount.objects.bulk_create(
        counted(
            location,
            now - HOUR - back * DAY,
            approved=40,
            cost_cents=40_000,
            cost_squares=60_000_000,
            tried=40,
            sent=40,
            failed=1,
        )
        for back in range(4, 8 * 7 + 5)
    )
    # The last days are counted anew from what there is: from the newest quarter back.
    counted(location, now).save()  # fmt: skip


def make_many(location, count, now):
    """Messages approved by people an hour ago, without drafts of their own."""
    one = make_message(location, now=now - HOUR)
    items = OutboxItem.objects.bulk_create(
        OutboxItem(
            topic="message", channel="sms", subject=f"copy:{n}", payload={}, payload_hash="",
            due_at=now + DAY, created_at=now,
        )
        for n in range(count - 1)
    )  # fmt: skip
    Message.objects.bulk_create(
        Message(
            outbox=item, guest=one.guest, location=location, play_id=AT_RISK, channel="sms",
            address="+1", body="x", approved_by=one.approved_by, approved_at=now - HOUR,
        )
        for item in items
    )  # fmt: skip


def open_breaker(location, now, **changes) -> Breaker:
    values = {
        "play_id": AT_RISK, "location": location, "signal": "stops", "state": "open",
        "evaluated_at": now, "changed_at": now, "tries_at": now + 2 * HOUR, "strikes": 1,
        "reason": "9 of 20 guests said stop",
    } | changes  # fmt: skip
    return Breaker.objects.create(**values)


# --- Counting -----------------------------------------------------------------------------------


def test_what_happened_is_counted_once_in_its_quarter(phase, location, carrier, now):
    make_sure_draft(location)
    services.approve_by_rules(now=now)
    assert sender.dispatch_due(now=now + 6 * MINUTE) == 1
    message = Message.objects.get()
    Message.objects.update(delivery="undelivered", delivery_at=now + HOUR)
    Suppression.objects.create(
        channel="sms", address=message.address, source="reply", reason="STOP", added_at=now + HOUR
    )
    for _ in range(2):
        breakers.look(now=now + 2 * HOUR)
    rows = SendingCount.objects.order_by("at")
    assert [row.at for row in rows] == sorted({breakers._quarter(message.outbox.created_at),
        breakers._quarter(OutboxItem.objects.get().sent_at)})  # fmt: skip
    total = {
        name: sum(getattr(row, name) for row in rows)
        for name in ("approved", "tried", "failed", "sent", "undelivered", "stops", "scored")
    }
    assert total == {
        "approved": 1, "tried": 1, "failed": 0, "sent": 1, "undelivered": 1, "stops": 1,
        "scored": 1,
    }  # fmt: skip
    assert sum(row.cost_cents for row in rows) == message.cost_cents
    assert sum(row.score_sum for row in rows) == 82


def test_a_busy_carrier_is_no_failure_and_a_refusal_is(phase, location, carrier, now):
    make_sure_draft(location)
    services.approve_by_rules(now=now)
    carrier += [Outcome(Result.RETRY, error="busy"), Outcome(Result.REFUSED, error="no")]
    sender.dispatch_due(now=now + 6 * MINUTE)
    breakers.look(now=now + 7 * MINUTE)
    assert sum(SendingCount.objects.values_list("failed", flat=True)) == 0
    sender.dispatch_due(now=now + 20 * MINUTE)
    breakers.look(now=now + 21 * MINUTE)
    assert sum(SendingCount.objects.values_list("failed", flat=True)) == 1


# --- Opening ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("usual_weeks")
def test_far_more_messages_than_usual_open_the_breaker_of_each_scope(location, now):
    make_many(location, 120, now)
    held = breakers.look(now=now)
    assert {(row.play_id, row.location_id, row.signal) for row in held} == {
        (AT_RISK, location.pk, "volume"), (None, location.pk, "volume"), (None, None, "volume"),
    }  # fmt: skip
    assert "usual at this time of the week: about 40" in held[0].reason
    assert LedgerEntry.objects.filter(event="breaker.opened").count() == 3
    breakers.look(now=now + MINUTE)
    assert LedgerEntry.objects.filter(event="breaker.opened").count() == 3


@pytest.mark.usefixtures("usual_weeks")
def test_as_many_as_usual_open_nothing(location, now):
    make_many(location, 45, now)
    assert breakers.look(now=now) == []


def test_a_look_takes_as_many_queries_for_many_as_for_few(location, elsewhere, now):
    breakers.look(now=now)
    counts = []
    for places in ([location], [location, elsewhere]):
        SendingCount.objects.bulk_create(
            counted(place, now - back * WEEK - 5 * DAY, approved=3)
            for place in places
            for back in range(len(places), 4 * len(places), 2)
        )
        with CaptureQueriesContext(connection) as queries:
            breakers.look(now=now)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 14


# --- Holding ------------------------------------------------------------------------------------


@pytest.fixture
def leaving(phase, location, now) -> Message:
    make_sure_draft(location)
    services.approve_by_rules(now=now)
    return Message.objects.get()


def why_held(message, at) -> str:
    return conditions.held_reasons([message.pk], now=at)[message.pk]


def test_an_open_breaker_holds_what_the_machine_approved(leaving, location, carrier, now):
    row = open_breaker(location, now)
    assert why_held(leaving, now + 6 * MINUTE) == "breaker"
    assert sender.dispatch_due(now=now + 6 * MINUTE) == 0
    Breaker.objects.filter(pk=row.pk).update(state="closed")
    assert sender.dispatch_due(now=now + 6 * MINUTE) == 1


@pytest.mark.parametrize("scope", ["location", "everything"])
def test_wider_scopes_hold_too(leaving, location, scope, now):
    if scope == "location":
        open_breaker(location, now, play_id=None)
    else:
        Breaker.objects.filter(location=None, signal="stops").update(
            state="open", tries_at=now + HOUR
        )
    assert why_held(leaving, now + 6 * MINUTE) == "breaker"


def test_other_scopes_do_not(leaving, elsewhere, now):
    open_breaker(elsewhere, now)
    open_breaker(elsewhere, now, play_id=None, signal="failures")
    assert why_held(leaving, now + 6 * MINUTE) == ""


def test_what_a_person_approved_is_not_held(leaving, location, now):
    open_breaker(location, now)
    assert why_held(make_message(location, now=now), now + 6 * MINUTE) == ""


def test_without_a_recent_look_the_machine_sends_nothing(leaving, now):
    assert why_held(leaving, now + 29 * MINUTE) == ""
    assert why_held(leaving, now + 31 * MINUTE) == "watch"
    breakers.look(now=now + 30 * MINUTE)
    assert why_held(leaving, now + 31 * MINUTE) == ""
    Breaker.objects.filter(location=None, signal="failures").delete()
    assert why_held(leaving, now + 31 * MINUTE) == "watch"


def test_an_open_breaker_leaves_new_drafts_to_people(phase, location, now):
    make_sure_draft(location)
    open_breaker(location, now)
    assert dict(services.approve_by_rules(now=now)) == {"held because something is not as usual": 1}
    assert Draft.objects.get().status == Draft.Status.PENDING


@pytest.mark.usefixtures("usual_weeks")
def test_what_is_planned_counts_before_it_is_approved(phase, location, monkeypatch, now):
    make_sure_draft(location)
    planned = {(AT_RISK, location.pk): breakers.Planned(200, 0, 0)}
    monkeypatch.setattr("outreach.services.automatic._planned", lambda drafts: planned)
    assert "approved" not in services.approve_by_rules(now=now)
    assert not Message.objects.exists()


# --- Half-open ----------------------------------------------------------------------------------


def test_after_cooling_a_few_are_let_through(leaving, location, carrier, now):
    row = open_breaker(location, now)
    breakers.look(now=now + 2 * HOUR - MINUTE)
    assert why_held(leaving, now + 2 * HOUR) == "breaker"
    breakers.look(now=now + 2 * HOUR)
    row.refresh_from_db()
    assert (row.state, row.probes_left, row.round) == ("half_open", 5, 1)
    assert sender.dispatch_due(now=now + 2 * HOUR) == 1
    row.refresh_from_db()
    assert row.probes_left == 4
    assert BreakerProbe.objects.get().message_id == leaving.pk


def test_the_same_message_tried_again_takes_no_second_place(leaving, location, carrier, now):
    row = open_breaker(location, now, state="half_open", probes_left=1, round=1)
    carrier.append(Outcome(Result.RETRY, error="busy"))
    sender.dispatch_due(now=now + 6 * MINUTE)
    row.refresh_from_db()
    assert row.probes_left == 0
    assert why_held(leaving, now + 29 * MINUTE) == ""  # it holds a place
    assert sender.dispatch_due(now=now + 29 * MINUTE) == 1
    assert BreakerProbe.objects.count() == 1


def test_no_place_left_holds(leaving, location, now):
    open_breaker(location, now, state="half_open", probes_left=0, round=1)
    assert why_held(leaving, now + 6 * MINUTE) == "breaker"
    assert not breakers.take_probe(leaving, now=now)


def probed(row, location, now, **outcome):
    """A message that was let through in the present round, an hour ago."""
    message = make_message(location, now=now - HOUR)
    state = outcome.pop("state", "sent")
    OutboxItem.objects.filter(pk=message.outbox_id).update(
        state=state, sent_at=now - HOUR if state == "sent" else None
    )
    Message.objects.filter(pk=message.pk).update(**outcome)
    BreakerProbe.objects.create(
        breaker=row, round=row.round, message=message, at=now - HOUR - MINUTE
    )
    return message


def test_enough_good_probes_close_it(location, now):
    row = open_breaker(location, now - 3 * HOUR, state="half_open", round=2)
    for _ in range(4):
        probed(row, location, now)
    breakers.look(now=now)
    row.refresh_from_db()
    assert row.state == "half_open"
    probed(row, location, now, delivery="delivered")
    assert breakers.look(now=now + MINUTE) == []
    row.refresh_from_db()
    assert (row.state, row.counts_from_at) == ("closed", now + MINUTE)
    assert LedgerEntry.objects.filter(event="breaker.closed").count() == 1


def test_probes_of_an_earlier_round_or_not_yet_settled_close_nothing(location, now):
    row = open_breaker(location, now - 3 * HOUR, state="half_open", round=2)
    for _ in range(5):
        probed(row, location, now)
    BreakerProbe.objects.update(round=1)
    breakers.look(now=now)
    row.refresh_from_db()
    assert row.state == "half_open"
    BreakerProbe.objects.update(round=2)
    OutboxItem.objects.update(sent_at=now - MINUTE)
    breakers.look(now=now)
    row.refresh_from_db()
    assert row.state == "half_open"


def test_a_bad_probe_of_an_earlier_round_opens_nothing(location, now):
    row = open_breaker(location, now - 3 * HOUR, state="half_open", round=2, strikes=2)
    message = probed(row, location, now, state="refused")
    BreakerProbe.objects.filter(message=message).update(round=1)
    breakers.look(now=now)
    row.refresh_from_db()
    assert row.state == "half_open"


def test_the_machine_approves_no_more_than_may_still_be_tried(leaving, location, elsewhere, now):
    def room(**changes):
        Breaker.objects.exclude(location=None).delete()
        return breakers.room_for(AT_RISK, place.pk, [open_breaker(at, now, **changes)])

    at = place = location
    assert room() == 0
    half = {"state": "half_open", "round": 1}
    assert room(**half, probes_left=5) == 4  # one waits already
    assert room(**half, probes_left=1) == 0
    at = elsewhere
    assert room(**half, probes_left=5) is None
    place = elsewhere
    assert room(**half, probes_left=5) == 5  # what waits at another place takes none


def test_the_narrowest_scope_says_how_many(location, now):
    half = {"state": "half_open", "round": 1}
    rows = [
        open_breaker(location, now, **half, probes_left=5),
        open_breaker(location, now, **half, probes_left=2, play_id=None),
    ]
    assert breakers.room_for(AT_RISK, location.pk, rows) == 2


def test_each_scope_gives_its_own_places(leaving, location, elsewhere, now):
    half = {"state": "half_open", "round": 1, "probes_left": 3}
    mine = open_breaker(location, now, **half)
    wider = open_breaker(location, now, **half, play_id=None)
    foreign = open_breaker(elsewhere, now, **half)
    assert breakers.take_probe(leaving, now=now)
    for row, left in ((mine, 2), (wider, 2), (foreign, 3)):
        row.refresh_from_db()
        assert row.probes_left == left
    Breaker.objects.filter(pk=wider.pk).update(state="open")
    assert not breakers.take_probe(leaving, now=now)


def test_what_has_long_been_quiet_begins_from_nothing(location, now):
    row = open_breaker(location, now - 6 * DAY, state="closed", strikes=3, tries_at=None)
    breakers.look(now=now)
    row.refresh_from_db()
    assert row.strikes == 3
    breakers.look(now=now + 2 * DAY)
    row.refresh_from_db()
    assert row.strikes == 0


@pytest.mark.parametrize(
    "outcome",
    [{"state": "refused"}, {"state": "dead"}, {"state": "uncertain"}, {"delivery": "undelivered"},
     {"delivery": "bounced"}, "stop"],
)  # fmt: skip
def test_one_bad_probe_opens_it_again_for_longer_and_lowers_the_play(phase, location, now, outcome):
    row = open_breaker(location, now - 3 * HOUR, state="half_open", round=1)
    for _ in range(4):
        probed(row, location, now)
    message = probed(row, location, now, **({} if outcome == "stop" else outcome))
    if outcome == "stop":
        services.suppress(
            channel="sms", address=message.address, source="reply", reason="STOP", now=now
        )
    breakers.look(now=now)
    row.refresh_from_db()
    assert (row.state, row.strikes, row.tries_at) == ("open", 2, now + 4 * HOUR)
    services.lower_doubtful(now=now)
    phase.refresh_from_db()
    assert phase.phase == "review"
    assert "breaker opened again" in phase.doubt


@pytest.mark.django_db(transaction=True)
def test_eight_senders_get_exactly_as_many_probes_as_there_are(location, regional, now):
    phase = make_automatic(location, regional)
    breakers.look(now=now)
    row = open_breaker(location, now, state="half_open", probes_left=5, round=1)
    first = make_message(location, now=now)
    messages = [first]
    for n in range(39):
        item = OutboxItem.objects.create(
            topic="message", channel="sms", subject=f"copy:{n}", payload={}, payload_hash="",
            due_at=now, created_at=now,
        )  # fmt: skip
        messages.append(
            Message.objects.create(
                outbox=item, guest=first.guest, location=location, play=phase.play, channel="sms",
                address="+1", body="x", approved_at=now, is_automatic=True,
            )
        )  # fmt: skip
    won: list[bool] = []
    start = threading.Barrier(8)

    def send(mine):
        from django.db import transaction

        start.wait()
        try:
            for message in mine:
                try:
                    with transaction.atomic():
                        taken = breakers.take_probe(message, now=now)
                        if not taken:
                            raise sender.NotNow
                except sender.NotNow:
                    taken = False
                won.append(taken)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send, args=(messages[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row.refresh_from_db()
    assert (len(won), sum(won), row.probes_left) == (40, 5, 0)
    assert BreakerProbe.objects.count() == 5


# --- By hand ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("usual_weeks")
def test_closed_by_hand_it_looks_only_at_what_happens_from_then_on(location, regional, admin, now):
    make_many(location, 120, now)
    breakers.look(now=now)
    row = Breaker.objects.get(location=location, play=AT_RISK, state="open")
    breakers.close_by_hand(breaker_id=row.pk, reason="a planned campaign", by=regional, now=now)
    breakers.look(now=now + 20 * MINUTE)
    row.refresh_from_db()
    assert (row.state, row.changed_by, row.strikes) == ("closed", regional, 0)
    Message.objects.filter(outbox__subject__startswith="copy").update(approved_at=now + HOUR)
    breakers.look(now=now + HOUR)
    row.refresh_from_db()
    assert row.state == "open"


def test_closing_takes_the_right_and_a_reason(location, manager, outsider, regional, now):
    row = open_breaker(location, now)
    for person in (manager, outsider):
        with pytest.raises(NotAllowed):
            breakers.close_by_hand(breaker_id=row.pk, reason="fine", by=person, now=now)
    with pytest.raises(NotAllowed, match="Say why"):
        breakers.close_by_hand(breaker_id=row.pk, reason=" ", by=regional, now=now)
    breakers.close_by_hand(breaker_id=row.pk, reason="fine", by=regional, now=now)
    with pytest.raises(Conflict):
        breakers.close_by_hand(breaker_id=row.pk, reason="fine", by=regional, now=now)
