"""A crowd of messages that may not leave does not slow the one that may."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.db import connection

from memberships.models import Location
from outreach.gate import conditions
from outreach.models import Message, OutreachPolicy, Switch
from outreach.sending import sender
from platforms.models import OutboxItem
from platforms.outcome import Outcome, Result
from tests.factories.outreach import make_message

CROWD = 400
pytestmark = pytest.mark.usefixtures("library", "fresh")


class Carrier:
    def __init__(self) -> None:
        self.sent = 0

    def send(self, **call: object) -> Outcome:
        self.sent += 1
        return Outcome(Result.SENT, provider_ref=f"SM{self.sent}")


@pytest.fixture
def carrier(monkeypatch: pytest.MonkeyPatch) -> Carrier:
    stub = Carrier()
    monkeypatch.setattr(sender.sms, "send", stub.send)
    return stub


@pytest.fixture
def message(location: Location, elsewhere: Location, now: datetime) -> Message:
    """One message that may leave, behind a crowd at a location that is stopped."""
    message = make_message(location, now=now)
    message.approved_by.locations.add(elsewhere)
    crowd_before(message, CROWD, at=elsewhere)
    Switch.objects.create(
        scope="location", key=str(elsewhere.pk), changed_at=now, changed_by=message.approved_by
    )
    return message


def crowd_before(message: Message, count: int, *, at: Location) -> None:
    """So many confirmations of a stop at another location, all due before the message."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TEMP TABLE crowd ON COMMIT DROP AS
                SELECT n, gen_random_uuid() AS outbox FROM generate_series(1, %(count)s) n;
            INSERT INTO memberships_guest
                SELECT (jsonb_populate_record(g, jsonb_build_object(
                            'id', -n, 'external_id', 'crowd-' || n, 'code', 'C' || n))).*
                FROM memberships_guest g CROSS JOIN crowd WHERE g.id = %(guest)s;
            INSERT INTO platforms_outboxitem
                SELECT (jsonb_populate_record(o, jsonb_build_object(
                            'id', outbox, 'subject', 'confirm:' || n, 'location_id', %(at)s,
                            'due_at', o.due_at - interval '1 minute'))).*
                FROM platforms_outboxitem o CROSS JOIN crowd WHERE o.id = %(outbox)s;
            INSERT INTO outreach_message
                SELECT (jsonb_populate_record(m, jsonb_build_object(
                            'id', -n, 'guest_id', -n, 'outbox_id', outbox, 'draft_id', NULL,
                            'location_id', %(at)s, 'play_id', NULL, 'purpose', 'confirmation',
                            'cost_cents', 0, 'reservation', 'none'))).*
                FROM outreach_message m CROSS JOIN crowd WHERE m.id = %(message)s;
            ANALYZE platforms_outboxitem;
            """,
            {
                "count": count,
                "guest": message.guest_id,
                "outbox": message.outbox_id,
                "message": message.pk,
                "at": at.pk,
            },
        )


def looked_at(now: datetime) -> int:
    """Rows of the outbox a claim walks over, by PostgreSQL's own count."""
    values = conditions.parameters(now=now, policy=OutreachPolicy.current(), among=conditions.NEXT)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {conditions.CANDIDATE_SQL}", values)
        (plan,) = cursor.fetchone()
    steps = [json.loads(plan)[0]["Plan"] if isinstance(plan, str) else plan[0]["Plan"]]
    total = 0
    for step in steps:
        steps += step.get("Plans", [])
        if step.get("Relation Name") == "platforms_outboxitem" and step["Alias"] == "o":
            rows = step["Actual Rows"] + step.get("Rows Removed by Filter", 0)
            total += rows * step["Actual Loops"]
    return int(total)


def test_a_claim_passes_over_a_crowd_that_may_not_leave(message: Message, now: datetime) -> None:
    due = now + timedelta(minutes=6)
    assert looked_at(due) >= CROWD
    assert conditions.set_aside(now=due, policy=OutreachPolicy.current()) == CROWD
    assert looked_at(due) <= 2


def test_what_was_set_aside_leaves_once_it_may_and_not_before(
    carrier: Carrier, message: Message, now: datetime
) -> None:
    due = now + timedelta(minutes=6)
    assert sender.dispatch_due(now=due) == 1
    assert OutboxItem.objects.filter(state="ready").count() == CROWD
    Switch.objects.update(stopped=False)
    assert sender.dispatch_due(now=due, limit=5) == 0
    assert sender.dispatch_due(now=due + conditions.ASIDE_FOR, limit=5) == 5
    # Looked at again and stopped again: the hint lets nothing out.
    Switch.objects.update(stopped=True)
    assert sender.dispatch_due(now=due + 2 * conditions.ASIDE_FOR) == 0
    assert carrier.sent == 6


def test_a_short_queue_is_never_set_aside(location: Location, now: datetime) -> None:
    message = make_message(location, now=now)
    Switch.objects.create(scope="all", changed_at=now, changed_by=message.approved_by)
    assert (
        conditions.set_aside(now=now + timedelta(minutes=6), policy=OutreachPolicy.current()) == 0
    )
