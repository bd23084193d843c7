from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from platforms import outbox
from platforms.models import OutboxItem
from platforms.outcome import Outcome, Result

LEASE = timedelta(seconds=30)
NEXT = """
    SELECT o.id FROM platforms_outboxitem o
    WHERE o.topic = %(topic)s AND o.state = 'ready' AND o.due_at <= %(now)s
    ORDER BY o.due_at FOR UPDATE OF o SKIP LOCKED LIMIT 1
"""
pytestmark = pytest.mark.django_db


def queue(now, **given):
    return outbox.enqueue(
        **{
            "topic": "message",
            "channel": "sms",
            "subject": "draft:1",
            "approval": "a1",
            "payload": {"to": "+12125550101", "body": "Hello"},
            "due_at": now,
            "now": now,
            **given,
        }
    )


def claim(now):
    return outbox.claim(candidate_sql=NEXT, params={"topic": "message"}, now=now, lease=LEASE)


def test_one_effect_per_approval(now):
    assert queue(now).pk == queue(now).pk
    assert OutboxItem.objects.count() == 1


def test_same_effect_with_other_content_is_refused(now):
    queue(now)
    with pytest.raises(outbox.PayloadChanged):
        queue(now, payload={"to": "+12125550101", "body": "Other"})
    assert OutboxItem.objects.get().payload["body"] == "Hello"


def test_claim_takes_a_row_once(now):
    item = queue(now)
    claimed = claim(now)
    assert claimed is not None
    assert claimed.pk == item.pk
    assert (claimed.attempt, claimed.state) == (1, "sending")
    assert claimed.leased_until == now + LEASE
    assert claim(now) is None


def test_nothing_leaves_before_it_is_due(now):
    queue(now, due_at=now + timedelta(minutes=5))
    assert claim(now) is None
    assert claim(now + timedelta(minutes=5)) is not None


@pytest.mark.django_db(transaction=True)
def test_two_workers_claim_two_different_rows(now):
    queue(now)
    second = queue(now, subject="draft:2")
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(NEXT, {"topic": "message", "now": now})
        first_id = cursor.fetchone()[0]
        claimed = claim(now)
        cursor.execute("ROLLBACK")
    other.close()
    assert claimed is not None
    assert claimed.pk != first_id
    assert claimed.pk == second.pk or OutboxItem.objects.filter(pk=claimed.pk).exists()


def test_sent_is_final(now):
    queue(now)
    item = claim(now)
    done = outbox.finish(item, Outcome(Result.SENT, provider_ref="SM1"), now)
    assert (done.state, done.provider_ref, done.sent_at) == ("sent", "SM1", now)
    assert claim(now + timedelta(days=1)) is None


def test_a_late_answer_of_an_old_attempt_counts_for_nothing(now):
    queue(now)
    old = claim(now)
    later = now + timedelta(hours=1)
    outbox.expire_leases(now=later)
    newer = outbox.claim_unknown(topic="message", now=later, lease=LEASE)
    assert newer.attempt == 2
    assert outbox.finish(old, Outcome(Result.REFUSED), later) is None
    newer.refresh_from_db()
    assert newer.state == "checking"


def test_a_dead_worker_leaves_unknown_not_ready(now):
    queue(now)
    claim(now)
    assert outbox.expire_leases(now=now + LEASE) == 0
    assert outbox.expire_leases(now=now + LEASE * 2) == 1
    assert OutboxItem.objects.get().state == "unknown"
    assert claim(now + timedelta(hours=1)) is None


def test_unknown_is_looked_up_only_after_the_carrier_settled(now):
    queue(now)
    outbox.finish(claim(now), Outcome(Result.UNKNOWN, error="timed out"), now)
    assert outbox.claim_unknown(topic="message", now=now, lease=LEASE) is None
    item = outbox.claim_unknown(topic="message", now=now + outbox.SETTLE, lease=LEASE)
    assert item.state == "checking"


def test_an_answer_after_the_lease_counts_while_nobody_has_looked(now):
    queue(now)
    slow = claim(now)
    outbox.expire_leases(now=now + LEASE * 2)
    done = outbox.finish(slow, Outcome(Result.SENT, provider_ref="SM1"), now + LEASE * 2)
    assert (done.state, done.provider_ref) == ("sent", "SM1")
    assert outbox.claim_unknown(topic="message", now=now + LEASE * 99, lease=LEASE) is None


def looked_up(now):
    """A row whose answer never came, taken to be looked up; and the instant of that."""
    outbox.finish(claim(now), Outcome(Result.UNKNOWN, error="timed out"), now)
    later = now + outbox.SETTLE
    return outbox.claim_unknown(topic="message", now=later, lease=LEASE), later


def test_a_look_up_that_died_is_made_again_at_once(now):
    queue(now)
    _, later = looked_up(now)
    later += LEASE * 2
    assert outbox.expire_leases(now=later) == 1
    assert outbox.claim_unknown(topic="message", now=later, lease=LEASE).state == "checking"


def test_what_the_carrier_never_had_is_ready_at_once(now):
    queue(now)
    item, later = looked_up(now)
    assert outbox.finish(item, Outcome(Result.RETRY), later).due_at == later
    assert claim(later).attempt == 3


def test_a_look_up_without_answer_waits_longer_each_time(now):
    queue(now)
    item, later = looked_up(now)
    first = outbox.finish(item, Outcome(Result.UNKNOWN), later)
    again = outbox.claim_unknown(topic="message", now=first.due_at, lease=LEASE)
    second = outbox.finish(again, Outcome(Result.UNKNOWN), first.due_at)
    assert later < first.due_at < second.due_at
    assert second.due_at - first.due_at > (first.due_at - later) * 1.2


def test_retry_waits_as_long_as_asked(now):
    queue(now)
    item = outbox.finish(claim(now), Outcome(Result.RETRY, retry_after=900), now)
    assert item.state == "ready"
    assert item.due_at >= now + timedelta(seconds=900)


def test_tries_are_limited(now):
    queue(now)
    OutboxItem.objects.update(tries=outbox.MAX_TRIES - 1)
    assert outbox.finish(claim(now), Outcome(Result.RETRY), now).state == "dead"


def test_a_claim_given_back_uncalled_does_not_count_towards_giving_up(now):
    item = queue(now)
    for _ in range(outbox.MAX_TRIES + 1):
        assert outbox.release(claim(now)) is True
    called = claim(now)
    assert (called.attempt, called.tries) == (outbox.MAX_TRIES + 2, 1)
    after = outbox.finish(called, Outcome(Result.RETRY), now)
    assert after.state == "ready"
    assert after.due_at <= now + 1.2 * outbox.FIRST_WAIT
    assert outbox.release(called) is False  # a release that comes late takes no try away
    item.refresh_from_db()
    assert item.tries == 1


def test_what_stays_unknown_goes_to_a_person(now):
    queue(now)
    OutboxItem.objects.update(tries=outbox.MAX_TRIES - 1)
    assert outbox.finish(claim(now), Outcome(Result.UNKNOWN), now).state == "uncertain"


def test_withdraw_only_before_it_leaves(now):
    item = queue(now)
    assert outbox.withdraw(item_id=item.pk, now=now) is True
    assert claim(now) is None
    leaving = queue(now, subject="draft:2")
    claim(now)
    assert outbox.withdraw(item_id=leaving.pk, now=now) is False


def test_key_names_no_person(now):
    item = queue(now)
    assert outbox.key_of(item) == f"send:{item.pk}"
    assert "2125550101" not in outbox.key_of(item)


def test_a_claim_takes_only_what_is_ready_whatever_it_is_pointed_at(now):
    queue(now)
    any_row = "SELECT o.id FROM platforms_outboxitem o LIMIT 1 FOR UPDATE OF o SKIP LOCKED"
    for state, taken in (("refused", False), ("unknown", False), ("ready", True)):
        OutboxItem.objects.update(state=state)
        found = outbox.claim(candidate_sql=any_row, params={}, now=now, lease=LEASE)
        assert (found is not None) is taken


def test_a_claim_of_before_gives_nothing_back_that_is_anothers_now(now):
    queue(now)
    old = claim(now)
    outbox.release(old)
    newer = claim(now)
    assert outbox.release(old) is False
    newer.refresh_from_db()
    assert newer.state == "sending"


def test_only_what_is_unknown_and_of_its_kind_is_looked_up(now):
    for subject, changes in (
        ("draft:1", {"state": "ready"}),
        ("draft:2", {"state": "unknown", "topic": "writeback"}),
        ("draft:3", {"state": "unknown", "due_at": now + LEASE}),
        ("draft:4", {"state": "unknown", "due_at": now}),
    ):
        item = queue(now - LEASE, subject=subject)
        OutboxItem.objects.filter(pk=item.pk).update(**changes)
    found = outbox.claim_unknown(topic="message", now=now, lease=LEASE)
    assert (found.subject, found.attempt, found.tries) == ("draft:4", 1, 1)
    assert outbox.claim_unknown(topic="message", now=now, lease=LEASE) is None


@pytest.mark.parametrize("state", OutboxItem.State.values)
def test_people_change_only_what_is_in_the_state_for_it(now, state):
    """Given up may be tried once more, uncertain be settled, ready be withdrawn or put off."""
    item = queue(now)

    def does(act, **arguments) -> bool:
        OutboxItem.objects.update(state=state, leased_until=now, sent_at=now)
        return act(item_id=item.pk, **arguments)

    assert does(outbox.try_again, now=now) is (state == "dead")
    assert does(outbox.settle, was_sent=True, now=now) is (state == "uncertain")
    assert does(outbox.settle, was_sent=False, now=now) is (state == "uncertain")
    assert does(outbox.postpone, due_at=now + LEASE) is (state == "ready")
    assert does(outbox.withdraw, now=now) is (state == "ready")


def test_what_a_person_knows_was_not_sent_is_never_sent_by_itself(now):
    item = queue(now)
    OutboxItem.objects.update(state="uncertain")
    outbox.settle(item_id=item.pk, was_sent=False, now=now)
    item.refresh_from_db()
    assert item.state == "refused"


def test_an_answer_counts_once(now):
    queue(now)
    item = claim(now)
    outbox.finish(item, Outcome(Result.SENT), now)
    assert outbox.finish(item, Outcome(Result.REFUSED), now) is None
    item.refresh_from_db()
    assert item.state == "sent"


def test_a_call_whose_worker_died_is_looked_up_once_its_carrier_has_settled(now):
    queue(now)
    claim(now)
    outbox.expire_leases(now=now + LEASE * 2)
    at = now + LEASE + outbox.SETTLE
    assert outbox.claim_unknown(topic="message", now=at - LEASE / 30, lease=LEASE) is None
    assert outbox.claim_unknown(topic="message", now=at, lease=LEASE) is not None


def test_no_wait_grows_beyond_its_limit_unless_the_other_side_asks(now):
    assert outbox.retry_wait(30, None) <= 1.2 * outbox.LONGEST_WAIT
    assert outbox.retry_wait(1, 7_200.0) == timedelta(hours=2)


@pytest.mark.parametrize("asked", [90_000.0, 1e12, float("inf")])
def test_nobody_can_make_a_message_wait_without_end(now, asked):
    """A carrier that names an absurd time would else stop the round at this row."""
    assert outbox.retry_wait(1, asked) == timedelta(days=1)
    assert outbox.look_up_wait(1, asked) == timedelta(days=1)


def test_what_became_of_a_call_is_asked_again_within_a_minute_at_first() -> None:
    """Whoever died in the calls before: a message in doubt is decided within two minutes."""
    for tries in range(1, outbox.SOON_TRIES + 1):
        assert outbox.look_up_wait(tries, None) <= outbox.SOON
    assert outbox.look_up_wait(outbox.SOON_TRIES + 1, None) > 10 * outbox.SOON
    assert outbox.look_up_wait(2, 300.0) == timedelta(minutes=5)
