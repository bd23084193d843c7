"""What did not leave: told in plain words, tried again together, settled with a note."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from audit.models import LedgerEntry
from outreach import services
from outreach.errors import Conflict, NotAllowed
from outreach.gate import caps, conditions
from outreach.models import Cap, Message, OutreachPolicy
from outreach.selectors import outgoing
from outreach.sending import failures
from platforms.models import OutboxItem
from tests.factories.outreach import make_message

AWAY = "Connection to the carrier failed: refused"


def give_up(message, error=AWAY, state="dead"):
    """As the sender leaves it after many tries."""
    OutboxItem.objects.filter(pk=message.outbox_id).update(state=state, error=error, tries=12)
    caps.void(message, policy=OutreachPolicy.current())
    return message


@pytest.fixture
def given_up(library, fresh, location, now) -> Message:
    return give_up(make_message(location, now=now - timedelta(minutes=10)))


def page(person, now):
    return outgoing(person, None, view="trouble", now=now)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (AWAY, "away"),
        ("", "away"),
        ("The carrier answered 429.", "busy"),
        ("SMTPDataError: (451, b'4.7.1 Try again later')", "busy"),
        ("The carrier answered 401.", "account"),
        ("SMTPAuthenticationError: (535, b'5.7.8')", "account"),
    ],
)
def test_what_passes_is_told_apart_by_what_the_carrier_said(given_up, manager, now, error, cause):
    OutboxItem.objects.update(error=error)
    assert page(manager, now).again == {cause: 1}
    (row,) = page(manager, now).rows
    assert row.told.why == failures.PASSING[cause]
    assert row.told.todo


def test_a_refusal_is_told_in_words(given_up, manager, now):
    OutboxItem.objects.update(state="refused", error="Error 21211: The 'To' number is not valid")
    (row,) = page(manager, now).rows
    assert row.told.why == "This is no phone number."
    assert page(manager, now).retries == []


def test_all_of_one_cause_are_queued_and_pass_the_gate_afresh(given_up, location, manager, now):
    busy = give_up(make_message(location, now=now), error="The carrier answered 429.")
    twin = give_up(make_message(location, now=now - timedelta(minutes=10)))
    assert services.retry_all(cause="away", location_id=None, by=manager, now=now) == (2, 0)
    states = {m.pk: m.outbox.state for m in Message.objects.select_related("outbox")}
    assert states == {given_up.pk: "ready", twin.pk: "ready", busy.pk: "dead"}
    assert set(OutboxItem.objects.filter(state="ready").values_list("tries", flat=True)) == {0}
    assert conditions.held_reasons([given_up.pk, twin.pk], now=now) == {
        given_up.pk: "",
        twin.pk: "",
    }
    entries = LedgerEntry.objects.filter(event="message.retried", actor_id=manager.pk)
    assert entries.count() == 2
    assert services.retry_all(cause="away", location_id=None, by=manager, now=now) == (0, 0)


def test_each_cost_is_set_aside_anew_and_no_limit_is_passed(given_up, location, manager, now):
    """Three at 25.00 each; the day has room for two."""
    for _number in range(2):
        give_up(make_message(location, now=now - timedelta(minutes=10)))
    Message.objects.update(cost_cents=2_500, reservation="voided")
    Cap.objects.all().delete()
    OutreachPolicy.objects.filter(pk=OutreachPolicy.current().pk).update(location_day_cents=5_000)
    assert services.retry_all(cause="away", location_id=None, by=manager, now=now) == (2, 1)
    assert set(Cap.objects.values_list("reserved_cents", flat=True)) == {5_000}
    assert Message.objects.filter(reservation="reserved").count() == 2
    assert OutboxItem.objects.filter(state="dead").count() == 1


def test_one_place_alone_and_nothing_from_long_ago(given_up, location, elsewhere, admin, now):
    there = give_up(make_message(elsewhere, now=now - timedelta(minutes=10)))
    old = give_up(make_message(location, now=now - timedelta(minutes=10)))
    long_ago = now - services.messages.RETRIED_FOR
    OutboxItem.objects.filter(pk=old.outbox_id).update(created_at=long_ago)
    assert services.retry_all(cause="away", location_id=location.pk, by=admin, now=now) == (1, 0)
    ready = Message.objects.filter(outbox__state="ready")
    assert [message.pk for message in ready] == [given_up.pk]
    assert services.retry_all(cause="away", location_id=None, by=admin, now=now) == (1, 0)
    assert set(ready.values_list("pk", flat=True)) == {given_up.pk, there.pk}


def test_what_was_sent_after_all_is_spent(given_up, manager, now):
    OutboxItem.objects.update(state="uncertain")
    Message.objects.update(cost_cents=2_500, reservation="reserved")
    Cap.objects.update(reserved_cents=2_500, spent_cents=0)
    services.settle_uncertain(message_id=given_up.pk, was_sent=True, by=manager, now=now)
    assert set(Cap.objects.values_list("reserved_cents", "spent_cents")) == {(0, 2_500)}
    assert Message.objects.get().reservation == "posted"


@pytest.mark.parametrize("state", ["ready", "sending", "unknown", "uncertain", "sent", "refused"])
def test_only_what_was_given_up_is_tried_again(given_up, manager, now, state):
    OutboxItem.objects.update(
        state=state,
        leased_until=now if state == "sending" else None,
        sent_at=now if state == "sent" else None,
    )
    with pytest.raises(Conflict, match="not given up"):
        services.retry_message(message_id=given_up.pk, by=manager, now=now)
    assert OutboxItem.objects.get().state == state
    assert not LedgerEntry.objects.filter(event="message.retried").exists()


def test_others_locations_stay(given_up, outsider, desk, now):
    assert services.retry_all(cause="away", location_id=None, by=outsider, now=now) == (0, 0)
    with pytest.raises(NotAllowed):
        services.retry_all(cause="away", location_id=None, by=desk, now=now)
    assert OutboxItem.objects.get().state == "dead"


def test_two_hundred_cost_as_many_statements_as_one(
    given_up, manager, now, django_assert_max_num_queries
):
    """Copies of the one, each with a cost of its own."""
    Message.objects.update(cost_cents=10, reservation="voided")
    given_up.refresh_from_db()
    items, copies = [], []
    for number in range(199):
        item = OutboxItem.objects.get(pk=given_up.outbox_id)
        item.pk, item.subject = None, f"copy:{number}"
        item.id = OutboxItem._meta.pk.default()
        items.append(item)
        copy = Message.objects.get(pk=given_up.pk)
        copy.pk, copy.outbox_id = None, item.id
        copies.append(copy)
    OutboxItem.objects.bulk_create(items)
    Message.objects.bulk_create(copies)
    with django_assert_max_num_queries(16):
        done = services.retry_all(cause="away", location_id=None, by=manager, now=now)
    assert done == (200, 0)
    assert set(Cap.objects.values_list("reserved_cents", flat=True)) == {2_000}


def test_settled_with_a_note_beside_the_message_and_not_in_the_ledger(given_up, manager, now):
    OutboxItem.objects.update(state="uncertain", error="The worker stopped.")
    client = Client()
    client.force_login(manager)
    client.post(
        f"/outgoing/{given_up.pk}/settle/", {"was_sent": "0", "note": "Ada says\nno text came"}
    )
    item = OutboxItem.objects.get()
    assert item.state == "refused"
    assert item.error == f"{manager.get_full_name()}: Ada says no text came"
    assert "Ada" not in LedgerEntry.objects.get(event="message.settled").body


def test_the_button_says_how_many_and_does_it(given_up, manager):
    client = Client()
    client.force_login(manager)
    shown = client.get("/outgoing/?view=trouble").content.decode()
    assert "could not be reached" in shown
    assert "Try it once more" in shown
    answer = client.post("/outgoing/retry/", {"cause": "away"}, follow=True)
    assert "1 is queued once more" in answer.content.decode()
    assert client.post("/outgoing/retry/", {"cause": "x"}).status_code == 404
