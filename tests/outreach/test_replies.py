"""Answers of guests: stop is obeyed at once, a clear yes or no is understood, the rest is a
person's; each delivery counts once."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from audit.models import LedgerEntry
from outreach import services
from outreach.models import Draft, Message, Reply, Suppression
from outreach.reading import intents
from outreach.replies import receipts, taking
from outreach.sending import sender
from platforms import inbox
from platforms.models import InboxDelivery, OutboxItem
from platforms.outcome import Outcome, Result
from tests.factories.outreach import make_draft

Intent = Reply.Intent


@pytest.fixture
def sent(library, fresh, draft, manager, now, monkeypatch) -> Message:
    """A message that went out."""
    monkeypatch.setattr(sender.sms, "send", lambda **call: Outcome(Result.SENT, provider_ref="SM1"))
    message = services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)
    assert sender.dispatch_due(now=now + timedelta(minutes=6)) == 1
    return message


def hook(connection: str, now, **form: str) -> None:
    delivery_id = form.get("MessageSid", "") + form.get("MessageStatus", "")
    body = urlencode(form).encode()
    inbox.receive(connection=connection, delivery_id=delivery_id, body=body, now=now)
    inbox.work_through(now=now)


def answer(message: Message, text: str, now, sid: str = "IN1") -> Reply:
    hook("sms-inbound", now, MessageSid=sid, From=message.address, To="+1", Body=text)
    return Reply.objects.get(carrier_ref=sid)


STOPS = """
STOP|stop|Stop.|stop please|QUIT|End|revoke|Opt out|cancel|UNSUBSCRIBE|stopall
Please stop texting me|don't text me again|do not contact me|take me off your list
remove my number|Remove me from this list|no more messages please|I want to opt out
stop sending me these|Stop messaging me!!|quit texting|unsubscribe me now|leave me alone
never text this number again|I no longer want to receive texts|delete my number
I revoke my consent|lose my number|wrong number|this is spam|i don't want to hear from you
not interested in these texts|don't want to get any more of these|stop this
Alto|baja|BASTA|parar|no más|No me escriban más|no quiero recibir mensajes
déjame en paz|dejen de mandar mensajes|quiero darme de baja|borren mi número
no me manden más textos|ya no me escriban|cancelar mensajes|número equivocado
ya no quiero recibir nada
"""
PERSONS = """
Can I come Thursday at 3?|How much is it?|I was sick last month|Is Kim still there?
I need to cancel my appointment on Friday|Can't stop thinking about that massage
I'll stop by tomorrow|Puedo ir el jueves?|Necesito cambiar mi cita|who is this|maybe
I broke my arm|do you do gel polish removal|My card was charged twice
"""


@pytest.mark.parametrize("text", [t for line in STOPS.split("\n") for t in line.split("|") if t])
def test_every_way_of_saying_stop_is_obeyed(text):
    reading = intents.read(text)
    assert reading.suppresses
    assert reading.intent == Intent.STOP


@pytest.mark.parametrize("text", [t for line in PERSONS.split("\n") for t in line.split("|") if t])
def test_other_answers_go_to_a_person_and_stop_nothing(text):
    reading = intents.read(text)
    assert not reading.suppresses
    assert reading.for_person


@pytest.mark.parametrize("text", ["I'd like to cancel", "who gave you my number", "es una estafa"])
def test_a_doubtful_answer_stops_and_goes_to_a_person(text):
    reading = intents.read(text)
    assert reading.suppresses
    assert reading.for_person


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Yes please!", Intent.YES), ("Sí", Intent.YES), ("claro que sí", Intent.YES),
        ("👍", Intent.YES), ("No thanks", Intent.NO), ("no gracias.", Intent.NO),
        ("START", Intent.RESTART), ("Empezar", Intent.RESTART),
    ],
)  # fmt: skip
def test_clear_answers_are_understood(text, intent):
    assert intents.read(text).intent == intent


def test_an_answer_is_threaded_to_the_newest_message(sent, now):
    reply = answer(sent, "Can I come Thursday?", now + timedelta(minutes=9))
    assert reply.message_id == sent.pk
    assert reply.guest_id == sent.guest_id
    assert reply.location_id == sent.location_id
    assert reply.answered_at is None
    entry = LedgerEntry.objects.get(event="reply.received")
    assert "Thursday" not in entry.body


def test_stop_suppresses_confirms_once_and_closes_what_waits(sent, location, now, monkeypatch):
    calls = []
    monkeypatch.setattr(
        sender.sms, "send",
        lambda **call: calls.append(call) or Outcome(Result.SENT, provider_ref="SM2"),
    )  # fmt: skip
    later = now + timedelta(minutes=9)
    reply = answer(sent, "STOP", later)
    assert reply.intent == Intent.STOP
    assert reply.answered_at == later
    assert Suppression.objects.get().address == sent.address
    answer(sent, "STOP!!", later, sid="IN2")
    sender.dispatch_due(now=later)
    assert [call["to"] for call in calls] == [sent.address]
    assert "no more texts" in calls[0]["body"]


def test_after_stop_nothing_but_the_confirmation_leaves(sent, location, manager, now):
    twin = make_draft(location)
    Draft.objects.filter(pk=twin.pk).update(address=sent.address)
    twin.guest.phone = sent.address
    twin.guest.save()
    waiting = services.approve_draft(draft_id=twin.pk, version=1, by=manager, now=now)
    later = now + timedelta(minutes=9)
    answer(sent, "please stop", later)
    sender.dispatch_due(now=later)
    assert OutboxItem.objects.get(pk=waiting.outbox_id).state == "ready"
    assert Message.objects.get(purpose="confirmation").outbox.state == "sent"


def test_start_lifts_the_stop(sent, now):
    answer(sent, "STOP", now + timedelta(minutes=9))
    answer(sent, "START", now + timedelta(minutes=10), sid="IN2")
    assert not Suppression.objects.filter(lifted_at__isnull=True).exists()
    assert LedgerEntry.objects.filter(event="suppression.lifted").exists()


def test_a_clear_yes_waits_for_somebody_to_book(sent, now):
    assert answer(sent, "Yes please", now).answered_at is None


def test_the_same_answer_delivered_twice_counts_once(sent, now):
    answer(sent, "Yes", now)
    inbox.receive(connection="sms-inbound", delivery_id="other", now=now, body=urlencode(
        {"MessageSid": "IN1", "From": sent.address, "Body": "Yes"}).encode())  # fmt: skip
    inbox.work_through(now=now)
    assert Reply.objects.count() == 1
    assert LedgerEntry.objects.filter(event="reply.received").count() == 1


def test_an_answer_from_nobody_we_know_is_kept(library, now):
    hook("sms-inbound", now, MessageSid="IN9", From="+12125550000", Body="STOP")
    reply = Reply.objects.get()
    assert reply.guest is None
    assert Suppression.objects.get().address == "+12125550000"
    assert not Message.objects.exists()


def test_a_delivery_without_a_sender_is_parked_with_its_reason(db, now):
    hook("sms-inbound", now, MessageSid="IN9", Body="hello")
    delivery = InboxDelivery.objects.get()
    assert delivery.status == "parked"
    assert "no sender" in delivery.error


def test_delivered_is_shown_and_stays(sent, now):
    hook("sms-status", now, MessageSid="SM1", MessageStatus="delivered")
    hook("sms-status", now, MessageSid="SM1", MessageStatus="sent")
    hook("sms-status", now, MessageSid="SM1", MessageStatus="undelivered", ErrorCode="30003")
    sent.refresh_from_db()
    assert sent.delivery == Message.Delivery.DELIVERED
    assert LedgerEntry.objects.filter(event="message.delivered").count() == 1


def test_a_number_that_cannot_get_texts_is_not_tried_again(sent, now):
    hook("sms-status", now, MessageSid="SM1", MessageStatus="undelivered", ErrorCode="30005")
    sent.refresh_from_db()
    assert sent.delivery == Message.Delivery.UNDELIVERED
    assert Suppression.objects.get().source == Suppression.Source.CARRIER


def test_a_callback_quicker_than_our_own_answer_comes_again(sent, now):
    hook("sms-status", now, MessageSid="SM7", MessageStatus="delivered")
    assert InboxDelivery.objects.get(delivery_id="SM7delivered").status == "received"
    OutboxItem.objects.filter(pk=sent.outbox_id).update(provider_ref="SM7")
    inbox.work_through(now=now + timedelta(minutes=5))
    sent.refresh_from_db()
    assert sent.delivery == Message.Delivery.DELIVERED


def test_the_handlers_are_registered_with_the_inbox():
    assert inbox._handlers["sms-inbound"] is taking.take_inbound
    assert inbox._handlers["sms-status"] is receipts.take_status
