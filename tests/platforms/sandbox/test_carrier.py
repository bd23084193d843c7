"""The carrier takes a message once, tells what became of it, and guests answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import smtplib
import uuid
from datetime import UTC, datetime
from email.message import EmailMessage
from urllib.parse import parse_qs, parse_qsl

import pytest
import requests

from platforms import standard_webhooks
from platforms.carriers import inbound_mail
from platforms.carriers.inbound_mail import InboundMail
from tests.platforms.sandbox.conftest import MAIL_SECRET
from tests.platforms.sandbox.receiver import Receiver, wait_for
from tests.sandbox_server import Sandbox


def send(sandbox: Sandbox, to: str, body: str = "Hello from the spa", **form: str):
    key = form.pop("key", str(uuid.uuid4()))
    patience = float(form.pop("timeout", "10"))
    return requests.post(
        f"{sandbox.url}/2010-04-01/Accounts/{sandbox.sms_account}/Messages.json",
        data={"To": to, "From": "+12025550100", "Body": body, "Reference": key, **form},
        headers={"Idempotency-Key": key},
        auth=(sandbox.sms_account, sandbox.sms_token),
        timeout=patience,
    )


def phones(sandbox: Sandbox) -> dict[str, str]:
    """E.164 number by full name, of all guests."""
    found = {}
    for center in sandbox.get("/v1/centers").json()["centers"]:
        for guest in sandbox.rows("/v1/guests", "guests", center_id=center["id"]):
            person = guest["personal_info"]
            name = f"{person['first_name']} {person['last_name']}"
            found[name] = f"+1{person['mobile_phone']['number']}"
    return found


@pytest.fixture(autouse=True)
def _healthy(live: Sandbox):
    yield
    live.faults()


def test_same_key_is_one_message_and_other_words_under_it_are_refused(live: Sandbox) -> None:
    first = send(live, "+12125550199", key="k-1")
    assert first.status_code == 201
    assert first.json()["status"] == "queued"
    assert send(live, "+12125550199", key="k-1").json()["sid"] == first.json()["sid"]
    assert send(live, "+12125550199", "Other words", key="k-1").status_code == 409
    assert len(live.sink(reference="k-1")) == 1


def test_message_accepted_behind_an_error_is_found_by_reference(live: Sandbox) -> None:
    live.faults(carrier_500_after=1)
    assert send(live, "+12125550198", key="k-2").status_code == 500
    found = requests.get(
        f"{live.url}/2010-04-01/Accounts/{live.sms_account}/Messages.json",
        params={"Reference": "k-2"}, auth=(live.sms_account, live.sms_token), timeout=10,
    ).json()["messages"]  # fmt: skip
    assert [row["reference"] for row in found] == ["k-2"]
    assert send(live, "+12125550198", key="k-2").json()["sid"] == found[0]["sid"]


def test_cut_line_before_acceptance_leaves_nothing(live: Sandbox) -> None:
    live.faults(carrier_hang_before=1)
    with pytest.raises(requests.ConnectionError):
        send(live, "+12125550197", key="k-3")
    assert live.sink(reference="k-3") == []
    live.faults(carrier_hang_after=1)
    with pytest.raises(requests.ConnectionError):
        send(live, "+12125550197", key="k-3")
    assert len(live.sink(reference="k-3")) == 1


def test_without_key_support_a_second_try_is_a_second_message(live: Sandbox) -> None:
    live.faults(carrier_no_keys=1)
    for _ in range(2):
        send(live, "+12125550196", key="k-4")
    assert len(live.sink(reference="k-4")) == 2


def test_wrong_token_is_refused(live: Sandbox) -> None:
    answer = requests.get(
        f"{live.url}/2010-04-01/Accounts/{live.sms_account}/Messages.json",
        auth=(live.sms_account, "wrong"), timeout=10,
    )  # fmt: skip
    assert answer.status_code == 401


def test_status_callbacks_are_signed_and_in_order(live: Sandbox, listener: Receiver) -> None:
    dev = phones(live)["Dev Patel"]
    url = f"{listener.url}/status?x=1"
    sid = send(live, dev, StatusCallback=url).json()["sid"]

    def states() -> list[str]:
        forms = [parse_qs(body.decode()) for _, body in listener.at("/status?x=1")]
        return [form["MessageStatus"][0] for form in forms if form["MessageSid"] == [sid]]

    wait_for(lambda: len(states()) == 2)
    assert states() == ["sent", "delivered"]
    headers, body = listener.at("/status?x=1")[-1]
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    text = url + "".join(name + form[name] for name in sorted(form))
    digest = hmac.new(live.sms_token.encode(), text.encode(), hashlib.sha1).digest()
    assert headers["X-Twilio-Signature"] == base64.b64encode(digest).decode()


def test_a_slow_carrier_has_the_message_although_nobody_waited(live: Sandbox) -> None:
    live.faults(carrier_slow=1, carrier_slow_seconds=1)
    with pytest.raises(requests.ReadTimeout):
        send(live, "+12125550195", key="k-late", timeout="0.3")
    assert live.sink(reference="k-late") == []
    wait_for(lambda: len(live.sink(reference="k-late")) == 1)


def test_a_status_may_come_late_or_never(live: Sandbox, listener: Receiver) -> None:
    dev = phones(live)["Dev Patel"]
    url = f"{listener.url}/late"

    def states(sid: str) -> list[str]:
        forms = [parse_qs(body.decode()) for _, body in listener.at("/late")]
        return [form["MessageStatus"][0] for form in forms if form["MessageSid"] == [sid]]

    live.faults(carrier_late_status=1)
    late = send(live, dev, "One", StatusCallback=url).json()["sid"]
    wait_for(lambda: len(states(late)) == 2)
    assert states(late) == ["delivered", "sent"]
    live.faults(carrier_lost_status=1)
    lost = send(live, dev, "Two", StatusCallback=url).json()["sid"]
    wait_for(lambda: len(states(lost)) == 1)
    assert states(lost) == ["delivered"]


def test_guest_who_said_stop_says_it_again_and_the_carrier_then_refuses(
    live: Sandbox, listener: Receiver
) -> None:
    elena = phones(live)["Elena Reyes"]
    blocked = False
    for turn in range(8):
        answer = send(live, elena, f"We miss you ({turn})")
        if answer.status_code == 400:
            blocked = answer.json()["code"] == 21610
            break
        sid = answer.json()["sid"]
        seen = len([row for row in live.sink(to=elena) if row["direction"] == "in"])
        wait_for(
            lambda seen=seen: (
                len([row for row in live.sink(to=elena) if row["direction"] == "in"]) > seen
            )
        )
        assert sid
    assert blocked
    wait_for(
        lambda: any(
            parse_qs(body.decode()).get("From") == [elena] for _, body in listener.at("/inbound")
        )
    )


def test_some_guests_answer_and_some_book(live: Sandbox) -> None:
    before = live.status()["counts"]["appointment"]
    for number in list(phones(live).values())[:90]:
        send(live, number, "We saved 20 % off your favourite treatment. Reply YES to book.")
    wait_for(lambda: live.status()["waiting"]["errands"] == 0, 40)
    answers = [row for row in live.sink() if row["direction"] == "in"]
    assert len(answers) >= 15
    assert live.status()["counts"]["appointment"] > before


def test_unknown_phone_is_undelivered(live: Sandbox) -> None:
    sid = send(live, "+19995550123", key="k-5").json()["sid"]
    wait_for(lambda: live.sink(reference="k-5")[0]["status"] == "undelivered")
    assert sid == live.sink(reference="k-5")[0]["sid"]


def test_mail_arrives_in_the_mailbox(live: Sandbox) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Hello", "spa@example.test", "ana@example.test"
    mail["X-Entity-Ref-ID"] = "mail-1"
    mail.set_content("Your credits expire soon. ñ")
    with smtplib.SMTP("127.0.0.1", live.smtp_port, timeout=10) as client:
        client.send_message(mail)
    found = live.sink(reference="mail-1")[0]
    assert (found["channel"], found["recipient"], found["subject"]) == (
        "email", "ana@example.test", "Hello",
    )  # fmt: skip
    assert "ñ" in found["body"]


def test_sink_page_shows_threads_and_takes_a_persons_answer(live: Sandbox) -> None:
    dev = phones(live)["Dev Patel"]
    send(live, dev, "A <b>word</b> from us")
    page = requests.get(f"{live.url}/sink/", params={"address": dev}, timeout=10).text
    assert "A &lt;b&gt;word&lt;/b&gt; from us" in page
    requests.post(
        f"{live.url}/sink/reply", data={"address": dev, "body": "Hi, it's me"}, timeout=10
    )
    assert live.sink(to=dev)[0]["body"] == "Hi, it's me"
    assert "Dev Patel" in requests.get(f"{live.url}/sink/", timeout=10).text


def test_mails_are_answered_and_come_back_as_the_product_reads_them(
    live: Sandbox, listener: Receiver
) -> None:
    """Signed posts that the product's own reader takes: delivered, an answer to the address asked
    for, and a mailbox nobody has."""
    address = next(
        guest["personal_info"]["email"]
        for center in live.get("/v1/centers").json()["centers"]
        for guest in live.rows("/v1/guests", "guests", center_id=center["id"])
        if guest["personal_info"]["email"]
    )
    for to, key in ((address, "m-1"), ("nobody@nowhere.test", "m-2")):
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = "Hello", "spa@example.test", to
        mail["X-Entity-Ref-ID"], mail["Message-ID"] = key, f"<{key}@example.test>"
        mail["Reply-To"] = "reply+1.a@reply.test"
        mail.set_content("To stop these, answer STOP")
        with smtplib.SMTP("127.0.0.1", live.smtp_port, timeout=10) as client:
            client.send_message(mail)
    asked = {"address": address, "body": "Gladly!"}
    requests.post(f"{live.url}/sink/reply", data=asked, timeout=10)

    def told() -> dict[tuple[str, str], InboundMail]:
        mails = [
            (inbound_mail.parse(body), headers, body) for headers, body in listener.at("/mail")
        ]
        for _mail, headers, body in mails:
            lower = {name.lower(): value for name, value in headers.items()}
            now = datetime.now(UTC)
            assert standard_webhooks.genuine_id(lower, body, [MAIL_SECRET], now=now)
        return {(mail.kind, mail.named[0]): mail for mail, _headers, _body in mails if mail.named}

    expected = {
        ("delivered", "<m-1@example.test>"),
        ("inbound", "<m-1@example.test>"),
        ("bounce", "<m-2@example.test>"),
    }
    wait_for(lambda: expected <= told().keys())
    assert told()["bounce", "<m-2@example.test>"].code == "5.1.1"
    said = [
        inbound_mail.parse(body) for _headers, body in listener.at("/mail") if b"Gladly!" in body
    ]
    assert said[0].to == ["reply+1.a@reply.test"]
    assert said[0].sender == address.lower()
    assert "> To stop these, answer STOP" in said[0].text
