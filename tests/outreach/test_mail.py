"""Answers by e-mail: who answered what, the guest's own words without what they quote, machines
that answer, and mails that come back."""

from __future__ import annotations

import base64
import itertools
import json
from datetime import timedelta

import pytest
from django.core import mail as mailbox
from django.test import Client

from audit import clock
from audit.models import LedgerEntry
from outreach import reply_address, services
from outreach.checks import check_drafts
from outreach.forms import TemplateForm
from outreach.gate import conditions, leaving
from outreach.library.seed import template_rows
from outreach.models import Message, Reply, Suppression, Thread
from outreach.replies import mail_text, parked
from outreach.sending import sender
from outreach.tasks import leave_sequences
from outreach.texts import text_checks, wording
from outreach.texts.fields import SAMPLE, fill
from outreach.texts.normal import plain
from platforms import inbox, standard_webhooks
from platforms.carriers import email
from platforms.models import InboxDelivery, OutboxItem
from tests.factories.memberships import GuestFactory
from tests.factories.outreach import make_draft, make_message

SECRET = "whsec_" + base64.b64encode(b"a secret of the mail service").decode()
DOMAIN = "reply.juniper.test"


@pytest.fixture(autouse=True)
def answers_are_read(settings):
    settings.MAIL = {"reply_domain": DOMAIN, "hook_secrets": [SECRET]}
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def sent(library, fresh, location, now) -> Message:
    """An e-mail that went out."""
    message = make_message(
        location, now=now - timedelta(minutes=10), sms_marketing=False, sms_transactional=False
    )
    assert message.channel == "email"
    assert sender.dispatch_due(now=now) == 1
    message.refresh_from_db()
    return message


def post(wire, *, secret=SECRET, at=None, name="d1", **headers):
    body = json.dumps(wire).encode()
    stamp = int((at or clock.now()).timestamp())
    signed = {
        "webhook-id": name,
        "webhook-timestamp": str(stamp),
        "webhook-signature": standard_webhooks.sign(name, stamp, body, secret),
    }
    return Client().post(
        "/hooks/mail/", body, content_type="application/json", headers=signed | headers
    )


def answer(message, text, now, *, ref="<a1@mail.test>", **changes) -> Reply:
    wire = {
        "id": ref,
        "message_id": ref,
        "from": f"Ada <{message.address.upper()}>",
        "to": reply_address.address_for(message),
        "subject": f"Re: {message.subject}",
        "text": text,
    }
    assert post(wire | changes, name=ref, at=now).status_code == 204
    inbox.work_through(now=now + timedelta(seconds=1))
    return Reply.objects.select_related("thread").get(mail_id=ref)


@pytest.fixture(autouse=True)
def the_clock_stands(monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)


def test_each_mail_has_an_address_of_its_own(sent):
    (mail,) = mailbox.outbox
    assert mail.extra_headers["Reply-To"] == reply_address.address_for(sent)
    name, _at, domain = reply_address.address_for(sent).partition("@")
    assert domain == DOMAIN
    assert len(name) <= 64
    assert name == name.lower()
    assert reply_address.message_of([reply_address.address_for(sent).upper()]) == sent


def test_without_a_domain_answers_go_to_the_locations_mailbox(sent, settings, location):
    settings.MAIL = {"reply_domain": "", "hook_secrets": []}
    sent.location.email = "uptown@juniper.test"
    assert reply_address.address_for(sent) == "uptown@juniper.test"
    sent.location.email = ""
    assert reply_address.address_for(sent) == ""
    assert reply_address.message_of([f"reply+1.aaaaaaaaaaaaaaaa@{DOMAIN}"]) is None


def test_nobody_can_make_such_an_address_up(sent):
    token = reply_address.token_for(sent.pk)
    number, mac = token.split(".")
    other = reply_address.token_for(sent.pk + 1).split(".")[0]
    for forged in (
        f"{other}.{mac}",
        f"{number}.{mac[:-1]}{'b' if mac[-1] == 'a' else 'a'}",
        number,
    ):
        assert reply_address.message_of([f"reply+{forged}@{DOMAIN}"]) is None
    assert reply_address.message_of([f"reply+{token}@elsewhere.test"]) is None


def test_an_old_key_still_names_its_messages(sent, settings):
    address = reply_address.address_for(sent)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert reply_address.message_of([address]) == sent


def test_an_answer_comes_into_the_inbox(sent, now):
    reply = answer(sent, "Could I come on Friday?\n\nSent from my iPhone", now)
    assert reply.body == "Could I come on Friday?"
    assert (reply.message_id, reply.guest_id, reply.channel) == (sent.pk, sent.guest_id, "email")
    assert reply.thread.waiting_since is not None
    assert "Friday" not in LedgerEntry.objects.get(event="reply.received").body


def test_from_the_commit_on_nothing_leaves_for_its_author(sent, location, now, fresh):
    post({"from": "x@elsewhere.test", "to": reply_address.address_for(sent), "text": "hm"}, at=now)
    assert InboxDelivery.objects.get().sender == sent.address


QUOTED = """On Sat, 21 Nov 2026 at 18:00, Juniper & Sage <hello@juniper.example> wrote:
> Hi Ada,
> To stop these e-mails, answer STOP or use the unsubscribe
> link of your mail program."""
OUTLOOK = """________________________________
From: Juniper & Sage <hello@juniper.example>
Sent: Saturday, November 21, 2026
To: Ada
Subject: We would love to see you

To stop these e-mails, answer STOP or use the unsubscribe link of your mail program."""
WAYS_TO_QUOTE = {
    "gmail": QUOTED,
    "over two lines": QUOTED.replace(" <hello", "\n<hello"),
    "outlook": OUTLOOK,
    "outlook without a rule": OUTLOOK.split("\n", 1)[1],
    "original message": OUTLOOK.replace("_" * 32, "-----Original Message-----"),
    "spanish": QUOTED.replace("On Sat,", "El sáb,").replace("wrote:", "escribió:"),
    "iphone": "Sent from my iPhone\n\n" + QUOTED,
    "bars": "To stop these e-mails, answer STOP\n".join(["| ", ""]),
}


@pytest.mark.parametrize("how", WAYS_TO_QUOTE)
def test_our_own_stop_below_an_answer_is_not_the_guests(sent, now, how):
    reply = answer(sent, f"Thursday at 3 would be lovely\n\n{WAYS_TO_QUOTE[how]}", now)
    assert reply.body == "Thursday at 3 would be lovely"
    assert reply.intent != "stop"
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("how", WAYS_TO_QUOTE)
def test_the_guests_stop_above_the_quotation_is_obeyed(sent, now, how):
    reply = answer(sent, f"STOP\n\n{WAYS_TO_QUOTE[how]}", now)
    assert reply.intent == "stop"
    assert Suppression.objects.get().address == sent.address
    assert Suppression.objects.get().channel == "email"


def test_the_guests_stop_below_the_quotation_is_obeyed(sent, now):
    reply = answer(sent, f"{QUOTED}\n\nPlease stop writing to me", now)
    assert reply.body == "Please stop writing to me"
    assert Suppression.objects.exists()


def test_our_mail_quoted_without_any_mark_is_not_the_guests(sent, now):
    """Each line of ours is known again, also where a mail program broke it anew."""
    broken = sent.body.replace("answer STOP or use ", "answer STOP or use\n")
    reply = answer(sent, f"See you then\n\n{broken}", now)
    assert reply.body == "See you then"
    assert not Suppression.objects.exists()


def test_only_a_quotation_is_for_a_person_and_stops_nothing(sent, now):
    reply = answer(sent, QUOTED, now)
    assert "Juniper & Sage" in reply.body  # nothing else came: the person sees that
    assert not Suppression.objects.exists()
    assert reply.thread.waiting_since is not None


def test_a_stop_in_the_subject_alone_is_heard(sent, now):
    answer(sent, "", now, subject="Unsubscribe")
    assert Suppression.objects.get().address == sent.address


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ('<div dir="ltr">No more please</div><br><div class="gmail_quote"><div>On Sat, Juniper '
         "wrote:<br></div><blockquote>To stop, answer STOP</blockquote></div>", "No more please"),
        ("<style>p{}</style><p>See you<br>soon &amp; bye</p><script>STOP</script>",
         "See you\nsoon & bye"),
        ("<p>Hello<blockquote>STOP</blockquote><p>there", "Hello\nthere"),
        ("<<<>>", "<<<>>"),
    ],
)  # fmt: skip
def test_a_mail_of_html_alone_is_read(html, words):
    assert mail_text.own_words("", html) == words


AUTOMATIC = [
    {"headers": {"Auto-Submitted": "auto-replied"}},
    {"headers": {"auto-submitted": "auto-generated; x"}},
    {"headers": {"Precedence": "auto_reply"}},
    {"headers": {"X-Autoreply": "yes"}},
    {"subject": "Automatic reply: We would love to see you"},
    {"subject": "Out of Office: We would love to see you"},
    {"subject": "Respuesta automática: Te echamos de menos"},
    {"headers": {"Content-Type": 'multipart/report; report-type="disposition-notification"'}},
]


@pytest.mark.parametrize("marks", AUTOMATIC)
def test_a_machine_that_answers_changes_nothing(sent, now, marks):
    reply = answer(sent, "I am away. Please stop by the front desk or unsubscribe.", now, **marks)
    assert reply.intent == "auto"
    assert reply.answered_at is not None
    assert reply.thread.waiting_since is None
    assert not Suppression.objects.exists()
    run = sent.draft.run
    assert run is not None
    assert leaving.of_runs([run.pk]) == {}
    leave_sequences([sent.guest_id])
    run.refresh_from_db()
    assert run.state == "running"


def test_who_says_that_nobody_is_automatic_is_a_person(sent, now):
    assert answer(sent, "I will come", now, headers={"Auto-Submitted": "no"}).intent == "other"


def test_an_answer_of_a_person_ends_the_sequence(sent, now):
    answer(sent, "I will come", now)
    assert list(leaving.of_runs([sent.draft.run.pk]).values()) == ["replied"]


def test_from_another_address_it_is_threaded_and_shown(sent, now, manager):
    reply = answer(sent, "Gladly on Friday", now, **{"from": "work@elsewhere.test"})
    assert reply.guest_id == sent.guest_id
    assert reply.thread.address == sent.address
    client = Client()
    client.force_login(manager)
    shown = client.get(f"/replies/{reply.thread_id}/").content.decode()
    assert "from another address: work@elsewhere.test" in shown


def test_a_stop_from_another_address_keeps_ours_silent_and_a_person_sees_it(sent, now):
    GuestFactory(email="work@elsewhere.test")
    reply = answer(sent, "STOP", now, **{"from": "work@elsewhere.test"})
    assert Suppression.objects.get().address == sent.address
    assert reply.topic == "silence"
    assert reply.answered_at is None


def test_a_start_needs_the_address_only_our_mail_bears(sent, now):
    answer(sent, "STOP", now)
    named = {"in_reply_to": email.message_id(f"send:{sent.outbox_id}")}
    forged = answer(sent, "START", now, ref="<f@x>", to="hello@juniper.example", **named)
    assert Suppression.objects.filter(lifted_at=None).exists()
    assert forged.thread.waiting_since is not None
    answer(sent, "START", now, ref="<g@x>")
    assert not Suppression.objects.filter(lifted_at=None).exists()


def test_a_start_from_another_address_is_for_a_person(sent, now):
    """Whoever got our mail passed on has its address too."""
    answer(sent, "STOP", now)
    passed_on = answer(sent, "START", now, ref="<f@x>", **{"from": "work@elsewhere.test"})
    assert Suppression.objects.filter(lifted_at=None).exists()
    assert passed_on.topic == "restart"
    assert passed_on.answered_at is None


def test_two_people_whose_mails_bear_one_name_are_both_heard(sent, now):
    first = answer(sent, "Yes", now, ref="<same@x>")
    wire = {"message_id": first.mail_id, "to": reply_address.address_for(sent), "text": "No"}
    post(wire | {"from": "work@elsewhere.test"}, name="other", at=now)
    inbox.work_through(now=now + timedelta(seconds=2))
    assert Reply.objects.count() == 2


@pytest.mark.parametrize(
    ("days", "counts"), [(-4, True), (-6, False), (1, False)], ids=["late", "too late", "ahead"]
)
def test_a_mail_came_when_it_says_if_that_can_be(sent, now, days, counts):
    said = now + timedelta(days=days)
    reply = answer(sent, "Hello", now, received_at=said.isoformat())
    assert reply.received_at == (said if counts else now)


def test_our_own_subject_is_no_word_of_the_guest(sent, now):
    """Some mail programs take it over without a mark."""
    assert answer(sent, "See you then", now, subject=sent.subject).body == "See you then"


def test_a_name_that_stands_for_no_mail_threads_nothing(sent, location, now):
    text = make_message(location, now=now)
    assert text.channel == "sms"
    named = {"in_reply_to": email.message_id(f"send:{text.outbox_id}")}
    post({"from": "x@elsewhere.test", "text": "Hi", **named}, at=now)
    inbox.work_through(now=now + timedelta(seconds=1))
    assert Reply.objects.get().message_id is None


def test_without_the_signed_address_the_name_of_our_mail_threads_it(sent, now):
    named = {"in_reply_to": email.message_id(f"send:{sent.outbox_id}")}
    reply = answer(sent, "Hi", now, to="hello@juniper.example", **named)
    assert reply.message_id == sent.pk


def test_an_answer_posted_twice_under_two_ids_counts_once(sent, now):
    reply = answer(sent, "Yes", now)
    wire = {"id": "x", "message_id": reply.mail_id, "from": sent.address, "text": "Yes"}
    assert post(wire, name="other", at=now).status_code == 204
    inbox.work_through(now=now + timedelta(seconds=2))
    assert Reply.objects.count() == 1


def test_staff_answer_in_the_same_conversation(sent, now, manager):
    reply = answer(sent, "Could I come on Friday?", now, ref="<guest-1@mail.test>")
    thread = Thread.objects.get(pk=reply.thread_id)
    message = services.send_answer(
        thread_id=thread.pk, version=thread.version, body="Friday is fine, Ada.", by=manager,
        now=now, care=True,
    )  # fmt: skip
    later = now + timedelta(minutes=1)
    assert conditions.held_reasons([message.pk], now=later) == {message.pk: ""}
    assert sender.dispatch_due(now=later) == 1
    mail = mailbox.outbox[-1]
    ours = email.message_id(f"send:{sent.outbox_id}")
    assert mail.to == [sent.address]
    assert mail.extra_headers["In-Reply-To"] == "<guest-1@mail.test>"
    assert mail.extra_headers["References"] == f"{ours} <guest-1@mail.test>"
    assert mail.extra_headers["Reply-To"] == reply_address.address_for(message)
    assert mail.subject == f"Re: {sent.subject}"


def test_a_mail_nobody_could_read_can_be_read_by_eye(sent, now, manager):
    wire = {"from": sent.address, "to": reply_address.address_for(sent), "text": "STOP, thanks"}
    post(wire, at=now)
    InboxDelivery.objects.update(status="parked", error="KeyError: x")
    (row,) = parked.parked(manager, None).rows
    assert row.is_answer
    reply = parked.read_by_eye(delivery_id=row.delivery.pk, says_stop=False, by=manager, now=now)
    assert reply.body == "STOP, thanks"
    assert Suppression.objects.get().address == sent.address


# --- What became of a mail ------------------------------------------------------------------------

REPORT = """This is the mail system. I could not deliver your message.

Final-Recipient: rfc822; ada@example.test
Action: {action}
Status: {status}

Message-ID: {ours}
"""


def notice(message, now, *, name="n1", **wire):
    ours = email.message_id(f"send:{message.outbox_id}")
    assert post({"id": name, "in_reply_to": ours, **wire}, name=name, at=now).status_code == 204
    inbox.work_through(now=now + timedelta(seconds=1))
    message.refresh_from_db()
    return message


def test_a_mail_that_comes_back_is_shown_as_undelivered(sent, now):
    assert notice(sent, now, type="bounce", hard=True, code="5.2.2").delivery == "bounced"
    assert Thread.objects.get().trouble == "bounced"
    assert not Suppression.objects.exists()
    assert not Reply.objects.exists()


def test_a_mailbox_that_does_not_exist_is_not_written_to_again(sent, now):
    notice(sent, now, type="bounce", hard=True, code="5.1.1")
    assert Suppression.objects.get().source == "carrier"


@pytest.mark.parametrize(
    ("action", "status", "delivery"),
    [("failed", "5.1.1", "bounced"), ("delayed", "4.4.1", ""), ("failed", "4.4.7", "bounced")],
)
def test_a_report_in_place_of_an_answer_is_a_bounce(sent, now, action, status, delivery):
    ours = email.message_id(f"send:{sent.outbox_id}")
    report = {
        "id": "r", "from": "mailer-daemon@mail.test", "to": "bounces@juniper.example",
        "subject": "Undelivered Mail Returned to Sender",
        "text": REPORT.format(action=action, status=status, ours=ours),
        "headers": {"Content-Type": 'multipart/report; report-type=delivery-status; boundary="b"'},
    }  # fmt: skip
    assert post(report, at=now).status_code == 204
    inbox.work_through(now=now + timedelta(seconds=1))
    sent.refresh_from_db()
    assert sent.delivery == delivery
    assert not Reply.objects.exists()


def test_a_complaint_is_a_stop(sent, now):
    notice(sent, now, type="complaint")
    assert Suppression.objects.get().address == sent.address


FATES = [
    {"type": "delivered"},
    {"type": "bounce", "hard": False, "code": "4.2.2"},
    {"type": "bounce", "hard": True, "code": "5.2.2"},
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_fates_shuffled_late_and_twice_end_alike(sent, now, order):
    for number, which in enumerate([*order, *order]):
        notice(sent, now, name=f"n{number}", **FATES[which])
    assert sent.delivery == "bounced"
    assert LedgerEntry.objects.filter(event="message.undelivered").count() == 1


def test_a_notice_about_a_test_to_oneself_needs_nobody(db, now):
    item = OutboxItem.objects.create(
        topic=OutboxItem.Topic.TEST, channel="email", subject="x", payload={}, payload_hash="",
        due_at=now, created_at=now,
    )  # fmt: skip
    ours = email.message_id(f"send:{item.pk}")
    post({"id": "q", "type": "bounce", "hard": True, "in_reply_to": ours}, at=now)
    assert InboxDelivery.objects.get().sender == ""
    inbox.work_through(now=now)
    assert InboxDelivery.objects.get().status == "done"


def test_a_notice_keeps_nobody_waiting_who_wrote_nothing(sent, now):
    ours = email.message_id(f"send:{sent.outbox_id}")
    post({"id": "q", "type": "bounce", "in_reply_to": ours}, at=now)
    assert InboxDelivery.objects.get().sender == ""


def test_a_notice_about_nothing_of_ours_is_parked(db, now):
    post({"id": "q", "type": "bounce", "in_reply_to": "<other@x>"}, at=now)
    inbox.work_through(now=now)
    assert InboxDelivery.objects.get().status == "parked"


# --- The wire -------------------------------------------------------------------------------------


def test_only_a_fresh_delivery_with_the_right_signature_is_taken(db, now, settings):
    wire = {"from": "a@b.test", "text": "STOP"}
    wrong = "whsec_" + base64.b64encode(b"guess").decode()
    assert post(wire, at=now, secret=wrong).status_code == 401
    assert post(wire, at=now - timedelta(seconds=301)).status_code == 401
    assert post(wire, at=now + timedelta(seconds=301)).status_code == 401
    assert post(wire, at=now, **{"webhook-id": "another"}).status_code == 401
    assert post(wire, at=now, **{"webhook-timestamp": "x"}).status_code == 401
    assert post(wire, at=now, **{"webhook-timestamp": "9" * 5_000}).status_code == 401
    assert post(wire, at=now, name="n" * 121).status_code == 401
    assert post(wire, at=now, **{"webhook-signature": ""}).status_code == 401
    assert not InboxDelivery.objects.exists()
    assert post(wire, at=now - timedelta(seconds=299)).status_code == 204


def test_the_signature_is_that_of_the_specification():
    """The example that the published libraries of Standard Webhooks are tested with."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signed = standard_webhooks.sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', secret
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    with pytest.raises(ValueError, match="base64"):
        standard_webhooks.sign("d1", 1, b"", "whsec_no secret!")


def test_one_of_several_signatures_is_enough(db, now):
    body, stamp = b"{}", str(int(now.timestamp()))
    good = standard_webhooks.sign("d1", int(stamp), body, SECRET)
    headers = {"webhook-id": "d1", "webhook-timestamp": stamp}
    for given, genuine in ((f"v1,AAAA {good}", "d1"), ("v1,AAAA v1,BBBB", ""), (good[:-8], "")):
        told = headers | {"webhook-signature": given}
        assert standard_webhooks.genuine_id(told, body, [SECRET], now=now) == genuine


def test_two_secrets_count_while_one_is_being_changed(db, now, settings):
    new = "whsec_" + base64.b64encode(b"the new one").decode()
    settings.MAIL = {"reply_domain": DOMAIN, "hook_secrets": [new, SECRET]}
    assert post({"from": "a@b.test"}, at=now, name="a").status_code == 204
    assert post({"from": "a@b.test"}, at=now, name="b", secret=new).status_code == 204
    settings.MAIL = {"reply_domain": DOMAIN, "hook_secrets": []}
    assert post({"from": "a@b.test"}, at=now, name="c").status_code == 401


def test_the_same_delivery_counts_once_and_another_body_is_refused(db, now):
    assert post({"from": "a@b.test", "text": "hi"}, at=now).status_code == 204
    assert post({"from": "a@b.test", "text": "hi"}, at=now).status_code == 204
    assert post({"from": "a@b.test", "text": "ho"}, at=now).status_code == 409
    assert InboxDelivery.objects.count() == 1


def test_too_large_a_mail_is_refused(db, now):
    assert post({"from": "a@b.test", "text": "x" * 1_000_001}, at=now).status_code == 413


@pytest.mark.parametrize("wire", ["text", [], {"type": "odd"}, {"text": "nobody"}, {"from": 3}])
def test_what_is_no_mail_is_parked_with_its_reason(db, now, wire):
    assert post(wire, at=now).status_code == 204
    inbox.work_through(now=now)
    kept = InboxDelivery.objects.get()
    assert kept.status == "parked"
    assert kept.error.startswith(("The mail", "No such kind"))


# --- What e-mails ask for -------------------------------------------------------------------------

LOUD = [
    "Just answer this e-mail.", "To stop these e-mails, answer STOP.",
    "Answer RESTART and we start.", "Reply to this message.",
    "Responde a este correo.", "Para no recibir más, responde STOP.",
]  # fmt: skip


def mails_of_the_library():
    return [row for row in template_rows() if row["channel"] == "email"]


@pytest.mark.parametrize("domain", [DOMAIN, ""])
def test_e_mails_of_the_library_ask_only_for_answers_that_are_read(settings, domain):
    settings.MAIL = {"reply_domain": domain, "hook_secrets": [SECRET] if domain else []}
    for row in mails_of_the_library():
        for phone in ("(212) 555-0100", ""):
            ways = reply_address.ways(language=row["language"], phone=phone)
            body = fill(row["body"], {**SAMPLE, **ways})
            assert "{" not in body
            assert bool(wording.ASKS_FOR_ANSWER.search(plain(body))) == bool(domain), body
            assert ("STOP" in body) == bool(domain)
            assert text_checks.has_way_out("email", body)
            assert not text_checks.asks_in_vain("email", body)


@pytest.mark.parametrize("words", LOUD)
def test_an_e_mail_that_asks_for_what_nobody_reads_is_refused(settings, words):
    assert not text_checks.asks_in_vain("email", words)
    settings.MAIL = {"reply_domain": "", "hook_secrets": []}
    assert text_checks.asks_in_vain("email", words)
    assert not text_checks.asks_in_vain("sms", words)


def test_a_draft_says_what_the_setting_says(library, fresh, location, settings):
    settings.MAIL = {"reply_domain": "", "hook_secrets": []}
    location.phone = "(212) 555-0100"
    location.save()
    draft = make_draft(location, sms_marketing=False, sms_transactional=False)
    assert draft.channel == "email"
    assert "call us at (212) 555-0100" in draft.body
    assert "STOP" not in draft.body
    assert all(check["ok"] for check in draft.checks), draft.checks
    settings.MAIL = {"reply_domain": DOMAIN, "hook_secrets": [SECRET]}
    draft = make_draft(location, sms_marketing=False, sms_transactional=False)
    assert "answer this e-mail" in draft.body
    assert "answer STOP" in draft.body
    assert all(check["ok"] for check in draft.checks), draft.checks
    # The domain is taken away while the draft waits: it may no longer ask for an answer.
    settings.MAIL = {"reply_domain": "", "hook_secrets": []}
    (found,) = check_drafts([draft], now=clock.now())
    assert [check.message for check in found if check.check == "answers" and check.blocks]


@pytest.mark.parametrize("domain", [DOMAIN, ""])
def test_who_proposes_an_e_mail_is_told_how_to_ask(library, settings, domain):
    settings.MAIL = {"reply_domain": domain, "hook_secrets": [SECRET] if domain else []}
    data = {
        "name": "Hello", "play": "at-risk-check-in", "channel": "email", "language": "en",
        "subject": "Hello", "body": "{business}: just answer this e-mail, or answer STOP.",
    }  # fmt: skip
    assert TemplateForm(data).is_valid() == bool(domain)
    assert TemplateForm(data | {"body": "{business}: {reach_us}. To stop, {way_out}."}).is_valid()
    text = {"channel": "sms", "subject": "", "body": "{business}: {reach_us}. Reply STOP."}
    assert not TemplateForm(data | text).is_valid()
