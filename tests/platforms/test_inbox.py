from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client

from platforms import inbox, tasks
from platforms.carriers import sms
from platforms.models import DeadLetter, InboxDelivery
from platforms.zenoti import signature

pytestmark = pytest.mark.django_db
BODY = json.dumps({"id": "d1", "event_type": "Guest.Updated", "data": {"id": "g1"}}).encode()


@pytest.fixture
def nudges(monkeypatch):
    calls = []
    monkeypatch.setattr(tasks, "wake_inbox", lambda: calls.append("nudge"))
    return calls


@pytest.fixture
def handler(monkeypatch):
    """A connection `test` whose handler keeps what it got."""
    got = []
    monkeypatch.setattr(inbox, "_handlers", {})
    inbox.register("test", lambda delivery, now: got.append(delivery.delivery_id))
    return got


def post(body=BODY, secret="sandbox", **headers):
    headers = headers or {"Zenoti-Webhook-Signature": signature.sign(body, secret)}
    return Client().post(
        "/hooks/zenoti/", data=body, content_type="application/json", headers=headers
    )


def test_signature_has_the_form_the_platform_sends():
    value = signature.sign(b"{}", "secret")
    assert value.startswith("sha256 =")
    assert len(value.removeprefix("sha256 =").split("-")) == 32
    assert signature.is_genuine(b"{}", value, ["new", "secret"])
    assert not signature.is_genuine(b"{} ", value, ["secret"])
    assert not signature.is_genuine(b"{}", value, ["other"])
    assert not signature.is_genuine(b"{}", signature.sign(b"{}", ""), [""])
    assert not signature.is_genuine(b"{}", value.replace("sha256", "sha1"), ["secret"])
    last = "00" if value[-2:] != "00" else "11"
    assert not signature.is_genuine(b"{}", value[:-2] + last, ["secret"])


@pytest.mark.parametrize("header", ["", "sha256 =", "md5 =AA", "é", "sha256 =é-ü"])
def test_odd_signatures_are_refused(header):
    assert not signature.is_genuine(b"{}", header, ["secret"])


def test_delivery_is_stored_before_it_is_acknowledged(nudges, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert post().status_code == 204
    kept = InboxDelivery.objects.get()
    assert bytes(kept.body) == BODY
    assert (kept.delivery_id, kept.event_type, kept.status) == ("d1", "Guest.Updated", "received")
    assert nudges == ["nudge"]


def test_a_broker_that_is_away_loses_nothing(
    monkeypatch, django_capture_on_commit_callbacks, caplog
):
    def fail():
        raise ConnectionError("no broker")

    monkeypatch.setattr(tasks, "wake_inbox", fail)
    with django_capture_on_commit_callbacks(execute=True):
        assert post().status_code == 204
    assert InboxDelivery.objects.count() == 1


def test_forged_delivery_leaves_no_trace():
    assert post(secret="guess").status_code == 401
    assert post(**{"X-Zenoti-Signature": "x"}).status_code == 401
    assert not InboxDelivery.objects.exists()


def test_the_empty_test_ping_is_answered_and_forgotten():
    ping = Client().post("/hooks/zenoti/", b"", content_type="application/json")
    assert ping.status_code == 200
    assert not InboxDelivery.objects.exists()


def test_a_delivery_counts_once(nudges):
    assert [post().status_code, post().status_code] == [204, 204]
    assert InboxDelivery.objects.count() == 1


def test_same_id_with_another_body_is_refused_and_shown(nudges):
    post()
    other = BODY.replace(b"g1", b"g2")
    assert post(other).status_code == 409
    assert bytes(InboxDelivery.objects.get().body) == BODY
    assert "another body" in DeadLetter.objects.get().reason


def test_without_id_equal_bodies_are_one_delivery_for_ten_minutes(now):
    def receive(at):
        return inbox.receive(connection="test", delivery_id="", body=b"{}", now=at)

    start = now.replace(minute=0)
    assert receive(start) is inbox.Receipt.NEW
    assert receive(start + timedelta(minutes=5)) is inbox.Receipt.SEEN
    assert receive(start + timedelta(minutes=11)) is inbox.Receipt.NEW


@pytest.mark.parametrize(
    "path", ["/hooks/zenoti/", "/hooks/sms/status/", "/hooks/sms/inbound/", "/hooks/mail/"]
)
@pytest.mark.parametrize("length", ["1000001", "none"])
def test_too_large_is_refused_before_it_is_read(path, length):
    answer = Client().post(path, b"x", content_type="text/plain", CONTENT_LENGTH=length)
    assert answer.status_code == 413
    assert not InboxDelivery.objects.exists()


def test_an_id_longer_than_its_column_is_kept_all_the_same(nudges):
    body = json.dumps({"id": "d" * 500, "event_type": "e" * 500}).encode()
    assert [post(body).status_code, post(body).status_code] == [204, 204]
    assert InboxDelivery.objects.get().delivery_id == "d" * 120


def test_signed_nonsense_is_kept_for_the_worker(nudges):
    assert post(b"not json").status_code == 204
    assert InboxDelivery.objects.count() == 1


def store(now, name="d1", connection="test"):
    inbox.receive(connection=connection, delivery_id=name, body=name.encode(), now=now)


def test_waiting_deliveries_reach_their_handler_once(now, handler):
    store(now, "d1")
    store(now, "d2")
    store(now, "d3", connection="nobody")
    assert inbox.work_through(now=now) == {"done": 2}
    assert inbox.work_through(now=now) == {}
    assert handler == ["d1", "d2"]


def test_one_failure_does_not_stop_the_rest_and_comes_back(now, handler):
    def fail_first(delivery, at):
        if delivery.delivery_id == "d1" and delivery.attempt == 1:
            raise RuntimeError("database away")
        handler.append(delivery.delivery_id)

    inbox.register("test", fail_first)
    store(now, "d1")
    store(now, "d2")
    assert inbox.work_through(now=now) == {"again": 1, "done": 1}
    assert inbox.work_through(now=now + timedelta(minutes=1)) == {"done": 1}
    assert handler == ["d2", "d1"]


def test_a_delivery_that_always_fails_is_parked_with_its_reason(now, handler):
    def fail(delivery, at):
        raise RuntimeError("always")

    inbox.register("test", fail)
    store(now)
    for hour in range(inbox.MAX_ATTEMPTS):
        inbox.work_through(now=now + timedelta(hours=hour))
    kept = InboxDelivery.objects.get()
    assert (kept.status, kept.error) == ("parked", "RuntimeError: always")


def test_unreadable_is_parked_at_once(now, handler):
    def refuse(delivery, at):
        raise inbox.Unreadable("No such event.")

    inbox.register("test", refuse)
    store(now)
    assert inbox.work_through(now=now) == {"parked": 1}


def test_handler_and_mark_commit_together(now, handler):
    def write_then_fail(delivery, at):
        store(at, "written by the handler", connection="other")
        raise RuntimeError("after the write")

    inbox.register("test", write_then_fail)
    store(now)
    inbox.work_through(now=now)
    assert InboxDelivery.objects.get().status == "received"


def test_a_worker_whose_lease_ran_out_does_nothing(now, handler):
    store(now)
    (old,) = inbox.claim(now=now, limit=10)
    inbox.claim(now=now + inbox.LEASE * 2, limit=10)
    assert inbox._hand_over(old, now) == "again"
    assert handler == []


def test_what_was_handed_over_once_is_not_handed_over_again(now, handler):
    store(now)
    (mine,) = inbox.claim(now=now, limit=10)
    assert [inbox._hand_over(mine, now), inbox._hand_over(mine, now)] == ["done", "again"]
    assert handler == ["d1"]


def test_a_reason_no_column_can_hold_stops_nobody(now, handler):
    def fail(delivery, at):
        raise ValueError("a\x00b")

    inbox.register("test", fail)
    store(now)
    assert inbox.work_through(now=now) == {"again": 1}
    assert InboxDelivery.objects.get().error == "ValueError: ab"


def test_only_what_is_parked_is_tried_again_or_settled_and_with_all_its_tries(now, handler):
    store(now)
    (kept,) = InboxDelivery.objects.all()
    assert inbox.try_again(delivery_ids=[kept.pk]) == 0
    assert not inbox.settle_by_hand(delivery_id=kept.pk, now=now)
    inbox.work_through(now=now)
    assert inbox.try_again(delivery_ids=[kept.pk]) == 0
    assert not inbox.settle_by_hand(delivery_id=kept.pk, now=now)
    assert handler == ["d1"]

    def fail(delivery, at):
        raise RuntimeError("still")

    inbox.register("test", fail)
    parked = {"status": "parked", "attempt": inbox.MAX_ATTEMPTS, "done_at": None}
    InboxDelivery.objects.update(**parked)
    assert inbox.try_again(delivery_ids=[kept.pk]) == 1
    assert inbox.work_through(now=now) == {"again": 1}
    InboxDelivery.objects.update(**parked)
    assert inbox.settle_by_hand(delivery_id=kept.pk, now=now)


def test_old_bodies_are_forgotten(now, handler):
    store(now)
    inbox.work_through(now=now)
    store(now, "d2")
    assert inbox.forget_old(now=now + timedelta(days=29)) == 0
    assert inbox.forget_old(now=now + timedelta(days=31)) == 1
    assert InboxDelivery.objects.get().delivery_id == "d2"


def callback(path, form, token="sandbox"):
    signed = sms.sign(f"http://127.0.0.1:8000{path}", form, token)
    return Client().post(
        path,
        urlencode(form),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signed},
    )


@pytest.mark.parametrize(
    ("path", "form", "connection", "delivery_id"),
    [
        (
            "/hooks/sms/status/",
            {"MessageSid": "SM1", "MessageStatus": "delivered"},
            "sms-status",
            "SM1:delivered",
        ),
        (
            "/hooks/sms/inbound/",
            {"MessageSid": "SM2", "From": "+12125550101", "To": "+1", "Body": "¿Sí? stop"},
            "sms-inbound",
            "SM2",
        ),
    ],
)
def test_carrier_callbacks_are_verified_and_kept(nudges, path, form, connection, delivery_id):
    answer = callback(path, form)
    assert answer.status_code == 204
    kept = InboxDelivery.objects.get()
    assert (kept.connection, kept.delivery_id) == (connection, delivery_id)


def test_forged_carrier_callback_is_refused():
    form = {"MessageSid": "SM1", "From": "+1", "Body": "STOP"}
    assert callback("/hooks/sms/inbound/", form, token="guess").status_code == 401
    assert not InboxDelivery.objects.exists()


def test_callbacks_without_an_id_are_told_apart_by_what_they_say(nudges):
    for to in ("+12125550101", "+12125550102"):
        form = {"MessageSid": "", "MessageStatus": "delivered", "To": to}
        assert callback("/hooks/sms/status/", form).status_code == 204
    assert InboxDelivery.objects.count() == 2
