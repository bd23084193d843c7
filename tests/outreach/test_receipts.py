"""Receipts: a carrier's word about a message settles one whose own answer was lost, and nothing a
carrier says makes a message leave twice or vanish."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from urllib.parse import urlencode
from uuid import uuid4

import orjson
import pytest
from django.test import Client
from django.urls import reverse

from audit.models import LedgerEntry
from outreach import services
from outreach.gate import conditions
from outreach.models import Cap, Contact, Message, Suppression, Thread
from outreach.replies import parked, receipts
from outreach.sending import sender
from platforms import inbox, outbox
from platforms.carriers import email, sms
from platforms.inbox import Unreadable
from platforms.models import InboxDelivery, OutboxItem
from platforms.outcome import Outcome, Result
from tests.factories.outreach import make_message
from tests.sandbox_server import Sandbox, sandbox  # noqa: F401 - the fixture

pytestmark = pytest.mark.usefixtures("library", "fresh")

MINUTE = timedelta(minutes=1)
State = OutboxItem.State
LOST = Outcome(Result.UNKNOWN, error="time-out")
UNCERTAIN = Outcome(Result.UNCERTAIN, error="The carrier cannot say.")


class Carrier:
    """Stands in for a carrier without key; `found` is what a look-up brings."""

    def __init__(self) -> None:
        self.calls: list[dict] = []
        self.answer = LOST
        self.found = UNCERTAIN

    def send(self, **call) -> Outcome:
        self.calls.append(call)
        return self.answer

    def look_up(self, *, key: str) -> Outcome:
        return self.found


@pytest.fixture
def carrier(monkeypatch) -> Carrier:
    stub = Carrier()
    monkeypatch.setattr(sms, "send", lambda **call: stub.send(**call))
    monkeypatch.setattr(sms, "look_up", lambda **call: stub.look_up(**call))
    return stub


@pytest.fixture
def message(carrier, location, now) -> Message:
    """A text that is due."""
    return make_message(location, now=now - 10 * MINUTE)


@pytest.fixture
def lost(message, now) -> Message:
    """A text whose call brought no answer."""
    assert sender.dispatch_due(now=now) == 1
    return message


@pytest.fixture
def uncertain(lost, now) -> Message:
    """A text nobody could find out about."""
    assert sender.check_unknown(now=now + 5 * MINUTE) == 1
    assert item_of(lost).state == State.UNCERTAIN
    return lost


def item_of(message: Message) -> OutboxItem:
    return OutboxItem.objects.get(pk=message.outbox_id)


def tell(message, status, now, *, sid="SM1", **form) -> InboxDelivery:
    """The carrier posts a status for the message, and a worker takes it."""
    form = {"MessageSid": sid, "MessageStatus": status, **form}
    inbox.receive(
        connection="sms-status", delivery_id=f"{sid}:{status}:{len(form)}:{now:%M%S}",
        body=urlencode(form).encode(), about=message.outbox_id, now=now,
    )  # fmt: skip
    inbox.work_through(now=now)
    return InboxDelivery.objects.latest("pk")


def told(event="message.receipt") -> list[str]:
    return list(LedgerEntry.objects.filter(event=event).values_list("target_id", flat=True))


# --- Settled --------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["unknown", "checking", "uncertain"])
@pytest.mark.parametrize("status", ["queued", "sent", "delivered"])
def test_a_receipt_proves_that_a_message_in_doubt_was_sent(lost, now, state, status):
    OutboxItem.objects.update(state=state, leased_until=now + MINUTE)
    assert tell(lost, status, now).status == "done"
    item = item_of(lost)
    assert (item.state, item.provider_ref, item.leased_until) == (State.SENT, "SM1", None)
    assert item.sent_at == now
    lost.refresh_from_db()
    assert lost.reservation == Message.Reservation.POSTED
    assert set(Cap.objects.values_list("reserved_cents", "spent_cents")) == {(0, lost.cost_cents)}
    assert Contact.objects.get().outbox_id == lost.outbox_id
    assert lost.delivery == ("delivered" if status == "delivered" else "")
    entry = LedgerEntry.objects.get(event="message.receipt")
    assert (entry.guest_id, entry.location_id) == (lost.guest_id, lost.location_id)
    assert '"provider_ref":"SM1"' in entry.body
    assert '"attempt":1' in entry.body


def test_what_was_taken_and_not_delivered_is_settled_as_that(uncertain, now):
    assert Thread.objects.get().trouble == "uncertain"
    tell(uncertain, "failed", now, ErrorCode="30005")
    uncertain.refresh_from_db()
    assert item_of(uncertain).state == State.SENT
    assert (uncertain.delivery, uncertain.reservation) == ("undelivered", "posted")
    assert Thread.objects.get().trouble == "undelivered"
    assert Suppression.objects.get().address == uncertain.address


def test_what_arrived_is_in_no_trouble_any_more(uncertain, now):
    tell(uncertain, "delivered", now)
    assert Thread.objects.get().trouble == ""


def test_a_receipt_told_twice_counts_once(uncertain, now):
    for minute in range(3):
        tell(uncertain, "sent", now + minute * MINUTE)
        tell(uncertain, "delivered", now + minute * MINUTE)
    assert told() == [str(uncertain.pk)]
    assert told("message.delivered") == [str(uncertain.pk)]
    assert set(Cap.objects.values_list("spent_cents", flat=True)) == {uncertain.cost_cents}


def test_an_answer_to_the_look_up_comes_too_late(lost, now):
    looking = outbox.claim_unknown(topic="message", now=now + 5 * MINUTE, lease=sender.LEASE)
    tell(lost, "sent", now)
    assert outbox.finish(looking, UNCERTAIN, now) is None
    assert item_of(lost).state == State.SENT


def test_a_receipt_that_overtakes_the_answer_comes_again(carrier, message, now, monkeypatch):
    def send(**call):
        assert tell(message, "sent", now).status == "received"
        return Outcome(Result.SENT, provider_ref="SM1")

    monkeypatch.setattr(sms, "send", send)
    sender.dispatch_due(now=now)
    inbox.work_through(now=now + MINUTE)
    assert InboxDelivery.objects.get().status == "done"
    assert (told(), told("message.sent")) == ([], [str(message.pk)])


def test_a_message_settled_by_hand_as_sent_gets_its_reference(uncertain, manager, now):
    services.settle_uncertain(message_id=uncertain.pk, was_sent=True, by=manager, now=now)
    tell(uncertain, "delivered", now)
    assert item_of(uncertain).provider_ref == "SM1"
    assert (told(), told("message.delivered")) == ([], [str(uncertain.pk)])


def test_each_message_gives_the_carrier_an_address_of_its_own(carrier, lost, now):
    (call,) = carrier.calls
    assert call["status_callback"].endswith(f"/hooks/sms/status/{lost.outbox_id}/")


# --- Contradictions -------------------------------------------------------------------------------


def test_a_receipt_for_a_message_that_waits_holds_it_until_somebody_has_looked(
    carrier, lost, admin, manager, outsider, now
):
    carrier.found = Outcome(Result.RETRY, error="The carrier never had it.")
    sender.check_unknown(now=now + 5 * MINUTE)
    assert item_of(lost).state == State.READY
    later = now + 6 * MINUTE
    kept = tell(lost, "sent", later)
    assert (kept.status, item_of(lost).state) == ("parked", State.READY)
    assert conditions.held_reasons([lost.pk], now=later) == {lost.pk: "told"}
    assert sender.dispatch_due(now=later) == 0
    assert len(carrier.calls) == 1
    # People of the location see it, with the guest and that a message waits.
    (row,) = parked.parked(manager, None).rows
    assert (row.guests, row.holds, row.is_answer) == ([lost.guest], 1, False)
    assert "cancel what still waits" in row.why
    assert parked.parked(outsider, None).total == 0
    page = Client()
    page.force_login(manager)
    assert lost.guest.name in page.get(reverse("parked")).content.decode()
    parked.put_aside(delivery_id=kept.pk, by=manager, now=later)
    assert LedgerEntry.objects.get(event="delivery.put_aside").guest_id == lost.guest_id
    assert sender.dispatch_due(now=later) == 1


def test_until_it_is_read_a_receipt_keeps_its_message_from_leaving_again(carrier, lost, now):
    carrier.found = Outcome(Result.RETRY, error="The carrier never had it.")
    inbox.receive(
        connection="sms-status", delivery_id="x", body=b"", about=lost.outbox_id, now=now
    )  # fmt: skip
    sender.check_unknown(now=now + 5 * MINUTE)
    assert item_of(lost).state == State.READY
    assert sender.dispatch_due(now=now + 6 * MINUTE) == 0
    assert len(carrier.calls) == 1


@pytest.mark.parametrize("state", ["refused", "withdrawn", "dead", "ready"])
def test_a_receipt_changes_nothing_of_what_is_not_in_doubt(lost, now, state):
    OutboxItem.objects.update(state=state)
    assert tell(lost, "delivered", now).status == "parked"
    lost.refresh_from_db()
    assert (item_of(lost).state, lost.delivery, told()) == (state, "", [])


def test_a_second_id_under_one_reference_is_for_people(carrier, message, now):
    carrier.answer = Outcome(Result.SENT, provider_ref="SM1")
    sender.dispatch_due(now=now)
    kept = tell(message, "delivered", now, sid="SM2")
    assert kept.status == "parked"
    assert "twice" in kept.error
    message.refresh_from_db()
    assert (item_of(message).provider_ref, message.delivery) == ("SM1", "")


def test_a_receipt_for_nothing_of_ours_is_kept(db, now):
    inbox.receive(
        connection="sms-status", delivery_id="x", about=uuid4(), now=now,
        body=b"MessageSid=SM1&MessageStatus=sent",
    )  # fmt: skip
    inbox.work_through(now=now)
    assert InboxDelivery.objects.get().status == "parked"


def test_what_a_look_up_found_failed_may_be_told_again(carrier, lost, now):
    carrier.found = Outcome(Result.REFUSED, provider_ref="SM1", error="failed")
    sender.check_unknown(now=now + 5 * MINUTE)
    assert tell(lost, "failed", now, ErrorCode="30003").status == "done"
    lost.refresh_from_db()
    assert (item_of(lost).state, lost.delivery) == (State.REFUSED, "undelivered")


# --- E-mail ---------------------------------------------------------------------------------------


@pytest.fixture
def mail(location, now, monkeypatch) -> Message:
    """An e-mail whose call brought no answer, and nobody can find out."""
    monkeypatch.setattr(email, "send", lambda **call: LOST)
    message = make_message(
        location, now=now - 10 * MINUTE, sms_marketing=False, sms_transactional=False
    )
    sender.dispatch_due(now=now)
    sender.check_unknown(now=now + 5 * MINUTE)
    assert item_of(message).state == State.UNCERTAIN
    return message


def notice(message, now, **wire) -> InboxDelivery:
    ours = email.message_id(f"send:{message.outbox_id}")
    wire = {"id": "n1", "in_reply_to": ours, **wire}
    body = orjson.dumps(wire)
    inbox.receive(connection="mail", delivery_id=f"n{now:%M%S}", body=body, now=now)
    inbox.work_through(now=now)
    message.refresh_from_db()
    return InboxDelivery.objects.latest("pk")


@pytest.mark.parametrize(
    ("wire", "delivery"),
    [
        ({"type": "delivered"}, "delivered"),
        ({"type": "bounce", "hard": True, "code": "5.2.2"}, "bounced"),
        ({"type": "bounce", "hard": False, "code": "4.2.2"}, ""),
        ({"type": "complaint"}, ""),
    ],
)
def test_a_notice_about_an_e_mail_proves_that_it_left(mail, now, wire, delivery):
    notice(mail, now, **wire)
    assert (item_of(mail).state, mail.delivery) == (State.SENT, delivery)
    assert told() == [str(mail.pk)]


def test_a_notice_that_contradicts_is_kept_and_a_dead_mailbox_left_alone_all_the_same(mail, now):
    OutboxItem.objects.update(state=State.REFUSED)
    assert notice(mail, now, type="delivered").status == "parked"
    assert not Suppression.objects.exists()
    kept = notice(mail, now + MINUTE, type="bounce", hard=True, code="5.1.1")
    assert kept.status == "done"
    assert (item_of(mail).state, mail.delivery) == (State.REFUSED, "")
    assert Suppression.objects.get().address == mail.address


# --- In any order ---------------------------------------------------------------------------------


FATES = ["lost after", "lost before", "dies", "slow", "overtaken"]


class Story:
    """One message, a carrier that loses answers, receipts in any order and number, and what the
    background does meanwhile, in an order drawn by chance."""

    def __init__(self, message: Message, carrier: Carrier, seed: int, now) -> None:
        self.message, self.now, self.chance = message, now, random.Random(seed)
        self.accepted: list[str] = []
        self.waiting: list[str] = []  # statuses the carrier has still to post
        self.fates = [self.chance.choice(FATES)]
        self.can_look_up = self.chance.random() < 0.5
        carrier.send, carrier.look_up = self.send, self.look_up

    def send(self, **call) -> Outcome:
        fate = self.fates.pop() if self.fates else "accepted"
        if fate == "lost before":
            return LOST
        self.accepted.append(f"SM{len(self.accepted)}")
        self.waiting = ["sent", "delivered", "sent", "delivered", "queued"]
        self.chance.shuffle(self.waiting)
        if fate == "dies":
            raise KeyboardInterrupt
        if fate == "overtaken":  # the call outlives its lease, and everybody hears of it before us
            outbox.expire_leases(now=self.now + 2 * sender.LEASE)
        if fate in ("slow", "overtaken"):
            for _ in range(self.chance.randrange(6)):
                self.chance.choice([self.receipt, self.receipt, self.work])()
        return LOST if fate == "lost after" else Outcome(Result.SENT, provider_ref=self.sid)

    def look_up(self, *, key: str) -> Outcome:
        if not self.can_look_up:
            return UNCERTAIN
        if self.chance.random() < 0.3:
            return LOST
        if not self.accepted:
            return Outcome(Result.RETRY, error="never had it")
        return Outcome(Result.SENT, provider_ref=self.sid)

    @property
    def sid(self) -> str:
        return self.accepted[-1]

    def receipt(self) -> None:
        if self.waiting:
            form = {"MessageSid": self.sid, "MessageStatus": self.waiting.pop()}
            inbox.receive(
                connection="sms-status", delivery_id=f"{self.now:%H%M%S}{len(self.waiting)}",
                body=urlencode(form).encode(), about=self.message.outbox_id, now=self.now,
            )  # fmt: skip

    def work(self) -> None:
        inbox.work_through(now=self.now)

    def dispatch(self) -> None:
        try:
            sender.dispatch_due(now=self.now)
        except KeyboardInterrupt:
            return

    def check(self) -> None:
        sender.check_unknown(now=self.now)

    def live(self) -> None:
        steps = [self.receipt, self.receipt, self.work, self.dispatch, self.check]
        self.dispatch()
        for _ in range(15):
            self.chance.choice(steps)()
            self.now += timedelta(seconds=self.chance.choice([0, 1, 20, 90]))
        for _ in range(7):
            self.now += 3 * MINUTE
            while self.waiting:
                self.receipt()
            for step in (self.work, self.check, self.dispatch):
                step()


@pytest.mark.parametrize("seed", range(40))
def test_receipts_in_any_order_never_send_twice_and_lose_nothing(carrier, message, now, seed):
    story = Story(message, carrier, seed, now)
    story.live()
    message.refresh_from_db()
    item = item_of(message)
    assert len(story.accepted) <= 1
    assert not InboxDelivery.objects.exclude(status="done").exists()
    if not story.accepted:
        assert (item.state, story.can_look_up) == (State.UNCERTAIN, False)
        return
    assert (item.state, item.provider_ref) == (State.SENT, story.sid)
    assert (message.reservation, message.delivery) == ("posted", "delivered")
    assert set(Cap.objects.values_list("reserved_cents", "spent_cents")) == {
        (0, message.cost_cents)
    }
    assert Contact.objects.count() == 1
    assert len(told() + told("message.sent")) == 1


# --- Over the wire --------------------------------------------------------------------------------


def test_the_signature_covers_which_message_a_receipt_is_for(lost, settings):
    settings.CARRIER = settings.CARRIER | {"sms_token": "t"}
    path = reverse("hook-sms-receipt", args=[lost.outbox_id])
    form = {"MessageSid": "SM1", "MessageStatus": "sent"}

    def post(to: str) -> int:
        signed = sms.sign(settings.PUBLIC_URL.rstrip("/") + path, form, "t")
        return Client().post(
            to, urlencode(form), content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": signed},
        ).status_code  # fmt: skip

    assert post(reverse("hook-sms-receipt", args=[uuid4()])) == 401
    assert not InboxDelivery.objects.exists()
    assert post(path) == 204
    assert InboxDelivery.objects.get().about == lost.outbox_id


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_a_carrier_that_knows_neither_key_nor_look_up_tells_by_itself(
    sandbox: Sandbox,  # noqa: F811
    live_server,
    settings,
    location,
    now,
):
    settings.PUBLIC_URL = live_server.url
    settings.CARRIER = settings.CARRIER | {
        "sms_url": sandbox.url, "sms_account": sandbox.sms_account,
        "sms_token": sandbox.sms_token, "supports_key": False, "supports_lookup": False,
    }  # fmt: skip
    message = make_message(location, now=now - 10 * MINUTE)
    sandbox.faults(carrier_hang_after=1)
    try:
        assert sender.dispatch_due(now=now) == 1
        assert sender.check_unknown(now=now + 5 * MINUTE) == 1
        assert item_of(message).state == State.UNCERTAIN
        until = time.monotonic() + 20
        while InboxDelivery.objects.count() < 2 and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        sandbox.faults()
    inbox.work_through(now=now)
    (seen,) = sandbox.sink(reference=f"send:{message.outbox_id}")
    item = item_of(message)
    assert (item.state, item.provider_ref) == (State.SENT, seen["sid"])
    message.refresh_from_db()
    assert (message.delivery, message.reservation) == (seen["status"], "posted")


def test_what_contradicts_raises_before_anything_is_changed(lost, now):
    OutboxItem.objects.update(provider_ref="SM1")
    with pytest.raises(Unreadable):
        receipts.take_receipt(lost, receipts.Receipt(at=now, ref="SM2"), now=now)
    assert item_of(lost).state == State.UNKNOWN
