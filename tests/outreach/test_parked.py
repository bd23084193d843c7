"""Deliveries nobody could read: shown to whom they concern, read again or by eye, never lost, and
never in the way of the rest."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from audit.models import LedgerEntry
from outreach import services
from outreach.errors import Conflict, NotAllowed
from outreach.gate import conditions
from outreach.models import Message, Reply, Suppression
from outreach.reading import intents
from outreach.replies import parked, receipts
from outreach.selectors import automation_state
from outreach.sending import sender
from platforms import inbox
from platforms.models import InboxDelivery
from tests.factories.memberships import GuestFactory
from tests.factories.outreach import make_message, parked_answer
from tests.factories.staff import UserFactory


@pytest.fixture
def waiting(library, fresh, location, now) -> Message:
    """A message that is due and would leave."""
    message = make_message(location, now=now - timedelta(minutes=10))
    assert conditions.held_reasons([message.pk], now=now) == {message.pk: ""}
    return message


@pytest.fixture
def answer(waiting, now) -> InboxDelivery:
    """An answer of its guest that nobody could read."""
    return parked_answer("Can I come on Friday?", guest=waiting.guest, now=now)


def page(person, **query):
    client = Client()
    client.force_login(person)
    return client.get(reverse("parked"), query_params=query)


def test_it_says_who_wrote_why_it_failed_and_what_waits(answer, waiting, manager, now):
    assert conditions.held_reasons([waiting.pk], now=now) == {waiting.pk: "unread"}
    (row,) = parked.parked(manager, None).rows
    assert [guest.pk for guest in row.guests] == [waiting.guest_id]
    assert row.holds == 1
    assert row.why == f"Tenure stumbled over it. The log tells more (delivery {answer.pk})."
    html = page(manager).content.decode()
    assert waiting.guest.name in html
    assert "1 message waits" in html
    assert "Friday" not in html


def test_only_people_of_the_guests_location_see_it(answer, desk, outsider, admin):
    assert parked.parked(desk, None).total == 1
    assert parked.parked(outsider, None).total == 0
    assert parked.one(outsider, answer.pk) is None
    assert parked.parked(admin, None).total == 1
    assert [automation_state(who).parked for who in (desk, outsider, admin)] == [1, 0, 1]


def test_what_nobody_we_know_wrote_is_for_those_who_see_everything(library, now, manager, admin):
    stranger = parked_answer(
        "Who is this?", guest=GuestFactory.build(), sender="+12125550000", now=now
    )
    assert parked.parked(manager, None).total == 0
    assert parked.one(admin, stranger.pk) is not None


def test_the_desk_sees_the_end_of_the_number_only(answer, waiting, desk, manager):
    assert parked.one(desk, answer.pk).sender == f"… {waiting.address[-4:]}"
    assert parked.one(manager, answer.pk).sender == waiting.address


def test_read_again_the_answer_arrives_and_the_message_may_leave(
    answer, waiting, manager, now, monkeypatch
):
    assert parked.read_again(delivery_ids=[answer.pk], by=manager, now=now) == 1
    inbox.work_through(now=now)
    reply = Reply.objects.get()
    assert reply.guest_id == waiting.guest_id
    assert conditions.held_reasons([waiting.pk], now=now)[waiting.pk] != "unread"
    entry = LedgerEntry.objects.get(event="delivery.read_again")
    assert (entry.guest_id, entry.location_id) == (waiting.guest_id, waiting.location_id)
    assert parked.read_again(delivery_ids=[answer.pk], by=manager, now=now) == 0


def test_all_are_read_again_with_as_many_queries_as_one(
    answer, waiting, manager, now, django_assert_max_num_queries
):
    for number in range(30):
        parked_answer("Hello?", guest=waiting.guest, ref=f"P{number}", now=now)
    mine = [row.delivery.pk for row in parked.parked(manager, None).rows]
    with django_assert_max_num_queries(16):
        assert parked.read_again(delivery_ids=mine, by=manager, now=now) == 31


def test_by_eye_it_becomes_a_reply_for_a_person(answer, waiting, desk, now):
    reply = parked.read_by_eye(delivery_id=answer.pk, says_stop=False, by=desk, now=now)
    assert reply.body == "Can I come on Friday?"
    assert reply.received_at == answer.received_at
    assert reply.answered_at is None
    assert reply.thread.waiting_since is not None
    assert not Suppression.objects.exists()
    assert "unread" not in conditions.held_reasons([waiting.pk], now=now).values()
    entry = LedgerEntry.objects.get(event="delivery.read_by_eye")
    assert "Friday" not in entry.body
    with pytest.raises(Conflict):
        parked.read_by_eye(delivery_id=answer.pk, says_stop=False, by=desk, now=now)
    assert Reply.objects.count() == 1


def test_by_eye_a_stop_is_obeyed_whoever_sees_it(answer, waiting, desk, now):
    """The person ticks it; or the rules hear it though nobody ticks."""
    parked.read_by_eye(delivery_id=answer.pk, says_stop=True, by=desk, now=now)
    assert Suppression.objects.get().address == waiting.address
    assert conditions.held_reasons([waiting.pk], now=now)[waiting.pk] == "suppressed"


def test_by_eye_the_rules_hear_a_stop_that_was_not_ticked(waiting, desk, now):
    answer = parked_answer("please stop texting me", guest=waiting.guest, now=now)
    reply = parked.read_by_eye(delivery_id=answer.pk, says_stop=False, by=desk, now=now)
    assert Suppression.objects.get().address == waiting.address
    assert reply.answered_at is None


def test_by_eye_what_the_rules_cannot_read_is_kept_silent_until_a_person_has_asked(
    answer, waiting, desk, now, monkeypatch
):
    def stumble(text):
        raise ValueError("no such thing")

    monkeypatch.setattr(intents, "read", stumble)
    reply = parked.read_by_eye(delivery_id=answer.pk, says_stop=False, by=desk, now=now)
    assert reply.topic == "silence"
    assert Suppression.objects.get().address == waiting.address


def test_nobody_of_another_location_reads_it(answer, outsider, now):
    with pytest.raises(NotAllowed):
        parked.read_by_eye(delivery_id=answer.pk, says_stop=False, by=outsider, now=now)
    assert parked.read_again(delivery_ids=[answer.pk], by=outsider, now=now) == 0
    answer.refresh_from_db()
    assert answer.status == "parked"


def test_an_answer_cannot_be_put_aside_unread(answer, desk, now):
    with pytest.raises(NotAllowed, match="read it"):
        parked.put_aside(delivery_id=answer.pk, by=desk, now=now)


def test_a_notice_nobody_wrote_can(library, admin, now):
    notice = InboxDelivery.objects.create(
        connection="sms-status", delivery_id="s", body=b"", received_at=now, status="parked"
    )
    parked.put_aside(delivery_id=notice.pk, by=admin, now=now)
    notice.refresh_from_db()
    assert notice.status == "done"
    assert LedgerEntry.objects.filter(event="delivery.put_aside").exists()


def test_an_answer_that_names_nobody_touches_nobody_without_a_number(library, admin, now):
    quiet = GuestFactory(phone="")
    delivery = InboxDelivery.objects.create(
        connection="sms-inbound", delivery_id="x", body=b"Body=STOP", received_at=now,
        status="parked",
    )  # fmt: skip
    reply = parked.read_by_eye(delivery_id=delivery.pk, says_stop=True, by=admin, now=now)
    assert reply.guest_id is None
    assert not Suppression.objects.exists()
    assert not Reply.objects.filter(guest=quiet).exists()


def test_the_list_costs_as_much_for_fifty(waiting, manager, now, django_assert_max_num_queries):
    for number in range(50):
        parked_answer("Hello?", guest=waiting.guest, ref=f"P{number}", now=now)
    client = Client()
    client.force_login(manager)
    with django_assert_max_num_queries(12):
        assert client.get(reverse("parked")).status_code == 200


def test_the_navigation_says_how_many(answer, desk, outsider):
    client = Client()
    client.force_login(desk)
    assert "could not be read" in client.get(reverse("calls")).content.decode()
    client.force_login(outsider)
    assert "could not be read" not in client.get(reverse("calls")).content.decode()


def test_what_passes_is_tried_for_two_hours_and_then_waits_for_people(waiting, now, monkeypatch):
    def busy(delivery, at):
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setitem(inbox._handlers, "sms-inbound", busy)
    form = f"MessageSid=IN1&From=%2B{waiting.address[1:]}&Body=hello".encode()
    inbox.receive(
        connection="sms-inbound", delivery_id="IN1", body=form, sender=waiting.address, now=now
    )
    tries, at = 0, now
    while InboxDelivery.objects.get().status == "received":
        tries += inbox.work_through(now=at).total()
        at += timedelta(minutes=1)
        assert at < now + timedelta(hours=4)
    assert tries == inbox.MAX_ATTEMPTS_PASSING
    assert at > now + timedelta(hours=2)
    (row,) = parked.parked(UserFactory(role="admin"), None).rows
    assert row.why == "The database was busy or away."


def test_one_that_takes_its_worker_down_takes_no_other_with_it(now, monkeypatch, db):
    """Whoever reads the first dies: the rest is read all the same, and the first is parked."""

    class Killed(BaseException):
        pass

    read: list[str] = []

    def read_or_die(delivery, at):
        if delivery.delivery_id == "d0":
            raise Killed
        read.append(delivery.delivery_id)

    monkeypatch.setitem(inbox._handlers, "test", read_or_die)
    for number in range(20):
        inbox.receive(connection="test", delivery_id=f"d{number}", body=b"", now=now)
    at = now
    for _round in range(40):
        with contextlib.suppress(Killed):
            inbox.work_through(now=at)
        at += inbox.LEASE + timedelta(seconds=1)
        if _round == 3:
            assert len(read) == 19
    assert InboxDelivery.objects.get(delivery_id="d0").status == "parked"
    assert "stopped the worker" in InboxDelivery.objects.get(delivery_id="d0").error


def test_a_start_read_late_does_not_undo_the_stop_that_followed(waiting, now, monkeypatch):
    monkeypatch.setattr(sender, "dispatch_due", lambda **_: 0)
    start = parked_answer("START", guest=waiting.guest, ref="A", now=now)
    parked_answer("STOP", guest=waiting.guest, ref="B", now=now + timedelta(minutes=1))
    inbox.try_again(delivery_ids=[InboxDelivery.objects.get(delivery_id="B").pk])
    inbox.work_through(now=now + timedelta(minutes=2))
    inbox.try_again(delivery_ids=[start.pk])
    inbox.work_through(now=now + timedelta(minutes=3))
    assert Reply.objects.count() == 2
    assert Suppression.objects.filter(lifted_at=None).exists()


def stop(guest, *, source, at):
    services.suppress(
        channel="sms", address=guest.phone, source=source, reason="asked to be left alone", now=at
    )


@pytest.mark.parametrize("source", Suppression.Source.values)
def test_nor_a_stop_that_came_by_another_way(waiting, now, source):
    start = parked_answer("START", guest=waiting.guest, ref="A", now=now)
    stop(waiting.guest, source=source, at=now + timedelta(minutes=1))
    inbox.try_again(delivery_ids=[start.pk])
    inbox.work_through(now=now + timedelta(minutes=3))
    assert Reply.objects.get().intent == Reply.Intent.RESTART
    assert Suppression.objects.filter(lifted_at=None).exists()


@pytest.mark.parametrize("source", Suppression.Source.values)
def test_a_start_undoes_the_stop_that_went_before_by_whatever_way(waiting, now, source):
    stop(waiting.guest, source=source, at=now - timedelta(minutes=1))
    start = parked_answer("START", guest=waiting.guest, ref="A", now=now)
    inbox.try_again(delivery_ids=[start.pk])
    inbox.work_through(now=now + timedelta(minutes=3))
    assert not Suppression.objects.filter(lifted_at=None).exists()


def test_a_start_undoes_the_stop_written_before_it_however_late_both_are_read(waiting, now):
    for word, minutes in (("STOP", 0), ("START", 1)):
        at = now + timedelta(minutes=minutes)
        late = parked_answer(word, guest=waiting.guest, ref=word, now=at)
        inbox.try_again(delivery_ids=[late.pk])
    inbox.work_through(now=now + timedelta(minutes=3))
    assert Reply.objects.count() == 2
    assert not Suppression.objects.filter(lifted_at=None).exists()


def test_nothing_a_column_cannot_hold_keeps_a_delivery_out(now, db):
    from platforms.carriers import sms

    form = {"MessageSid": "SM1", "From": "+1212\x005550101", "Body": "stop"}
    client = Client()
    signature = sms.sign("http://127.0.0.1:8000/hooks/sms/inbound/", form, "sandbox")
    answer = client.post(
        "/hooks/sms/inbound/",
        "MessageSid=SM1&From=%2B1212%005550101&Body=stop",
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signature},
    )
    assert answer.status_code == 204
    assert InboxDelivery.objects.get().sender == "+12125550101"


def test_the_handlers_reasons_are_told_in_plain_words():
    told = parked.why(InboxDelivery(error="The message names no sender or no id."))
    assert told == "The message names no sender or no id."
    assert "OperationalError" not in parked.why(InboxDelivery(error="OperationalError: gone"))
    assert receipts.NotYet is inbox.NotYet
