from __future__ import annotations

import smtplib
import time

import pytest
import requests
import responses
from django.core import mail

from platforms.carriers import email, sms
from platforms.outcome import NotBegun, Result

URL = "http://127.0.0.1:9100/2010-04-01/Accounts/sandbox/Messages.json"
TEXT = {"key": "send:1", "to": "+12125550101", "body": "Hello Ana"}


@responses.activate
def test_text_carries_key_reference_and_callback():
    responses.post(URL, status=201, json={"sid": "SM1", "status": "queued"})
    outcome = sms.send(**TEXT, status_callback="http://127.0.0.1:8000/hooks/sms/status/")
    assert (outcome.state, outcome.provider_ref) == (Result.SENT, "SM1")
    request = responses.calls[0].request
    assert request.headers["Idempotency-Key"] == "send:1"
    assert "Reference=send%3A1" in request.body
    assert "StatusCallback=" in request.body


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (400, Result.REFUSED),
        (404, Result.REFUSED),
        (401, Result.RETRY),
        (403, Result.RETRY),
        (408, Result.UNKNOWN),
        (429, Result.RETRY),
        (409, Result.UNKNOWN),
        (500, Result.UNKNOWN),
        (503, Result.UNKNOWN),
    ],
)
@responses.activate
def test_what_an_answer_means(status, result):
    responses.post(URL, status=status, json={"message": "No."}, headers={"Retry-After": "7"})
    outcome = sms.send(**TEXT)
    assert outcome.state == result
    assert outcome.error == "No."
    assert outcome.retry_after == (7.0 if status == 429 else None)


@pytest.mark.parametrize(
    ("failure", "result"),
    [
        (requests.ConnectTimeout("slow"), Result.RETRY),
        (requests.ReadTimeout("slow"), Result.UNKNOWN),
        (requests.ConnectionError("reset"), Result.UNKNOWN),
    ],
)
@responses.activate
def test_a_lost_answer_is_unknown_and_an_unreached_carrier_is_safe(failure, result):
    responses.post(URL, body=failure)
    assert sms.send(**TEXT).state == result


@responses.activate
def test_a_call_held_up_on_its_way_does_not_begin_too_late(monkeypatch):
    responses.post(URL, status=201, json={"sid": "SM1"})
    prepare = requests.Session.prepare_request

    def slowly(session, request):
        time.sleep(0.05)
        return prepare(session, request)

    monkeypatch.setattr(requests.Session, "prepare_request", slowly)
    with pytest.raises(NotBegun):
        sms.send(**TEXT, begin_by=time.monotonic() + 0.02)
    assert len(responses.calls) == 0
    assert sms.send(**TEXT, begin_by=time.monotonic() + 60).state == Result.SENT
    assert sms.send(**TEXT).state == Result.SENT


def test_a_mail_does_not_begin_too_late():
    letter = {"key": "send:2", "to": "ana@example.test", "subject": "Hello", "body": "Ana"}
    with pytest.raises(NotBegun):
        email.send(**letter, begin_by=time.monotonic() - 0.01)
    assert mail.outbox == []
    assert email.send(**letter, begin_by=time.monotonic() + 60).state == Result.SENT


@responses.activate
def test_an_unreadable_yes_is_unknown():
    responses.post(URL, status=201, body=b"<html>")
    assert sms.send(**TEXT).state == Result.UNKNOWN


@responses.activate
def test_look_up_finds_the_message_by_our_key():
    responses.get(URL, json={"messages": [{"sid": "SM1", "status": "delivered"}]})
    outcome = sms.look_up(key="send:1")
    assert (outcome.state, outcome.provider_ref) == (Result.SENT, "SM1")
    assert responses.calls[0].request.params == {"Reference": "send:1"}


@responses.activate
def test_look_up_that_finds_nothing_allows_another_try():
    responses.get(URL, json={"messages": []})
    assert sms.look_up(key="send:1").state == Result.RETRY


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 503},
        {"status": 500, "json": {"messages": []}},
        {"status": 404, "json": {"messages": []}},
        {"status": 200, "body": b"<html>"},
        {"status": 200, "json": {"messages": None}},
        {"body": requests.ConnectTimeout("slow")},
        {"body": requests.ConnectionError("reset")},
    ],
)
@responses.activate
def test_look_up_that_fails_decides_nothing(answer):
    """Only a plain "I never had it" lets a message be sent again."""
    responses.get(URL, **answer)
    assert sms.look_up(key="send:1").state == Result.UNKNOWN


@pytest.mark.parametrize("status", sorted(sms.FAILED))
@responses.activate
def test_what_the_carrier_has_and_will_not_deliver_is_refused(status):
    responses.get(URL, json={"messages": [{"sid": "SM1", "status": status}]})
    outcome = sms.look_up(key="send:1")
    assert (outcome.state, outcome.provider_ref) == (Result.REFUSED, "SM1")


@pytest.mark.parametrize(
    ("supports_key", "result"), [(True, Result.RETRY), (False, Result.UNCERTAIN)]
)
def test_without_look_up_only_a_key_makes_a_repeat_safe(settings, supports_key, result):
    settings.CARRIER = settings.CARRIER | {"supports_lookup": False, "supports_key": supports_key}
    assert sms.look_up(key="send:1").state == result


def test_signature_covers_address_and_every_field():
    url, form = "http://127.0.0.1:8000/hooks/sms/status/", {"B": "2", "A": "1"}
    genuine = sms.sign(url, form, "sandbox")
    assert sms.verify_signature(url, {"A": "1", "B": "2"}, genuine)
    assert not sms.verify_signature(url, {"A": "1", "B": "3"}, genuine)
    assert not sms.verify_signature(url + "?x=1", form, genuine)
    assert not sms.verify_signature(url, form, "")
    assert not sms.verify_signature(url, form, "é")


MAIL = {"key": "send:1", "to": "ana@example.test", "subject": "Hello", "body": "Hello Ana"}


def test_mail_has_a_steady_id_and_a_way_out():
    outcome = email.send(**MAIL, unsubscribe="https://example.test/stop/1")
    assert outcome.state == Result.SENT
    sent = mail.outbox[0]
    assert sent.extra_headers["Message-ID"] == email.message_id("send:1") == outcome.provider_ref
    assert sent.extra_headers["List-Unsubscribe"] == "<https://example.test/stop/1>"


def test_one_click_follows_rfc_8058():
    email.send(**MAIL, unsubscribe="https://example.test/stop/1")
    email.send(**MAIL, unsubscribe="mailto:stop@example.test")
    by_web, by_mail = (message.message() for message in mail.outbox)
    # 3.1: one HTTPS address, and the one value that is allowed, each header exactly once.
    assert by_web.get_all("List-Unsubscribe") == ["<https://example.test/stop/1>"]
    assert by_web.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
    # Without an HTTPS address there is no one-click.
    assert by_mail.get_all("List-Unsubscribe-Post") is None


def test_a_line_break_in_the_subject_cannot_add_a_header():
    outcome = email.send(**(MAIL | {"subject": "Hello\nBcc: all@example.test"}))
    assert outcome.state == Result.REFUSED
    assert not mail.outbox


@pytest.mark.parametrize(
    ("failure", "result"),
    [
        (smtplib.SMTPRecipientsRefused({"a": (550, b"no such person")}), Result.REFUSED),
        (smtplib.SMTPRecipientsRefused({"a": (451, b"later")}), Result.RETRY),
        (smtplib.SMTPDataError(554, b"no"), Result.REFUSED),
        (smtplib.SMTPServerDisconnected("gone"), Result.UNKNOWN),
        (TimeoutError("slow"), Result.UNKNOWN),
    ],
)
def test_what_the_mail_server_says_decides(monkeypatch, failure, result):
    def fail(*args, **kwargs):
        raise failure

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
    assert email.send(**MAIL).state == result


def test_an_unreached_mail_server_is_safe_to_try_again(monkeypatch):
    def fail(self):
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.backends.base.BaseEmailBackend.open", fail)
    assert email.send(**MAIL).state == Result.RETRY
