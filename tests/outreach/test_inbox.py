"""The inbox: threads, what waits for whom, who reads and holds; answers through the one gate."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit import clock
from audit.models import LedgerEntry
from outreach import services
from outreach.answers import answer_checks, suggestions
from outreach.errors import (
    AlreadyLeft,
    ChecksFailed,
    Conflict,
    NeedsCare,
    NotAllowed,
)
from outreach.models import Message, OutreachPolicy, Reply, Suppression, Switch, Thread, Topic
from outreach.replies import inbox, receipts, taking
from outreach.replies.inbox import Wanted
from outreach.sending import sender
from platforms import outbox
from platforms.models import OutboxItem
from platforms.outcome import Outcome, Result
from tests.factories.memberships import (
    AppointmentFactory,
    GuestFactory,
    MembershipFactory,
    ServiceFactory,
)
from tests.factories.outreach import make_message, mirror_is_fresh, take_answer
from tests.factories.staff import UserFactory

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=1)


@pytest.fixture
def guest(library, location):
    location.phone = "+12125550100"
    location.save()
    return GuestFactory(location=location, first_name="Ana", last_name="Ruiz")


@pytest.fixture
def carrier(monkeypatch):
    """What was handed to the carrier, which takes everything."""
    calls = []

    def send(**call):
        calls.append(call)
        return Outcome(Result.SENT, provider_ref=f"SM{len(calls)}")

    monkeypatch.setattr(sender.sms, "send", send)
    return calls


def waits(text, guest, now, ref="IN1"):
    return take_answer(text, guest=guest, now=now, ref=ref).thread


def fresh_of(thread):
    return Thread.objects.get(pk=thread.pk)


def reply_with(thread, body, by, now, **more):
    return services.send_answer(
        thread_id=thread.pk, version=fresh_of(thread).version, body=body, by=by, now=now, **more
    )


# --- Threads --------------------------------------------------------------------------------------


def test_answers_of_a_guest_on_a_channel_are_one_thread(guest, now):
    first = waits("Can I come on Friday?", guest, now)
    second = waits("Or on Saturday?", guest, now + LATER, ref="IN2")
    assert first == second
    thread = fresh_of(first)
    assert (thread.waiting_since, thread.last_at) == (now, now + LATER)
    assert thread.last_reply.body == "Or on Saturday?"
    assert thread.is_unread
    assert Thread.objects.count() == 1


def test_a_late_delivery_does_not_make_the_thread_older(guest, now):
    thread = waits("Or on Saturday?", guest, now)
    waits("Can I come on Friday?", guest, now - timedelta(hours=3), ref="IN2")
    thread = fresh_of(thread)
    assert thread.last_reply.body == "Or on Saturday?"
    assert (thread.waiting_since, thread.last_at) == (now - timedelta(hours=3), now)


@pytest.mark.parametrize("text", ["No thanks", "STOP", "START"])
def test_what_the_rule_deals_with_waits_for_nobody(guest, now, text):
    thread = fresh_of(waits(text, guest, now))
    assert thread.waiting_since is None
    assert not thread.is_unread
    assert Reply.objects.get().answered_at == now


@pytest.mark.parametrize(("text", "topic"), [("Yes please", "yes"), ("How much is it?", "price")])
def test_a_yes_and_a_question_wait_for_a_person(guest, now, text, topic):
    thread = fresh_of(waits(text, guest, now))
    assert (thread.waiting_since, thread.topic) == (now, topic)


def test_start_after_a_win_back_is_a_task(guest, location, now):
    message = make_message(location, now=now)
    message.play_id = "win-back"
    assert taking._topic("START", taking.intents.read("START"), message, pictures=0) == "restart"
    message.play_id = "at-risk-check-in"
    assert taking._topic("START", taking.intents.read("START"), message, pictures=0) == ""


def test_a_wish_to_cancel_comes_first_with_its_time(guest, location, manager, now):
    waits("How much is it?", guest, now - timedelta(days=2))
    other = waits("Please end my membership.", GuestFactory(location=location), now, ref="IN2")
    shown = inbox.inbox(manager, None, Wanted("unanswered"), now=now).rows
    assert [row.thread.topic for row in shown] == ["cancel", "price"]
    assert fresh_of(other).due_at > now
    late = inbox.inbox(manager, None, Wanted("unanswered"), now=now + timedelta(days=5)).rows
    assert late[0].is_late


def test_a_wish_to_cancel_is_never_answered_with_an_offer(guest, location, now):
    thread = fresh_of(waits("Please end my membership.", guest, now))
    facts = suggestions.Facts.of(guest, location, now=now)
    found = suggestions.filled(suggestions.library_answers("sms"), facts)
    texts = [one.text for one in found if one.template.topic == Topic.CANCEL]
    assert texts
    assert not any(
        word in text.lower() for text in texts for word in ("offer", "stay", "%", "free")
    )
    assert thread.topic == Topic.CANCEL


@pytest.mark.parametrize(
    ("fields", "renews_on"),
    [
        ({"next_charge_on": 3}, "23 Nov"),
        ({"next_charge_on": 0}, "20 Nov"),
        ({"next_charge_on": -5}, None),  # the payment failed and stays due
        ({"next_charge_on": -5, "ends_on": 9}, "29 Nov"),
        ({"next_charge_on": 3, "cancel_requested_on": -2}, None),
    ],
)
def test_a_day_that_has_passed_is_no_renewal(guest, location, now, fields, renews_on):
    today = location.today(now)
    days = {name: today + timedelta(days=offset) for name, offset in fields.items()}
    MembershipFactory(guest=guest, **days)
    facts = suggestions.Facts.of(guest, location, now=now)
    assert facts.values("en").get("renews_on") == renews_on


def test_who_cannot_be_written_to_is_told_apart(guest, now):
    """A mailbox that is gone is no guest who wants silence."""
    thread = fresh_of(waits("Friday?", guest, now))
    assert answer_checks.why_silent(thread) == ""
    gone = {"channel": thread.channel, "address": thread.address, "added_at": now}
    Suppression.objects.create(**gone, source="carrier", reason="the mailbox does not exist")
    assert answer_checks.why_silent(thread) == (
        "Nothing more goes to this address: the mailbox does not exist. Ring the guest instead."
    )
    Suppression.objects.update(source="reply", reason="answered stop")
    assert answer_checks.why_silent(thread).startswith("Said stop to text message.")


def test_a_message_without_words_says_so(guest, manager, location, now):
    thread = waits("", guest, now)
    client = Client()
    client.force_login(manager)
    shown = client.get(reverse("reply-thread", args=[thread.pk])).content.decode()
    assert "The message came without words." in shown
    assert "without words" in client.get(reverse("replies")).content.decode()


def test_words_alone_do_not_settle_a_wish_to_cancel(guest, manager, approver, now):
    thread = fresh_of(waits("Please end my membership.", guest, now))
    message = reply_with(thread, "We have it and pass it on today", manager, now)
    after = fresh_of(thread)
    assert (after.topic, after.waiting_since) == ("cancel", now)
    assert after.due_at is not None
    with pytest.raises(Conflict, match=f"{manager.get_full_name()} dealt with this at"):
        services.send_answer(
            thread_id=thread.pk, version=thread.version, body="Ok", by=approver, now=now
        )
    services.take_back_answer(message_id=message.pk, by=manager, now=now)
    assert Reply.objects.get().answer is None
    services.deal_with_thread(
        thread_id=thread.pk, version=fresh_of(thread).version, by=manager, now=now
    )
    assert fresh_of(thread).waiting_since is None


def test_control_characters_and_turned_text_are_taken_out(guest, now):
    reply = take_answer("Hi\x00\x07 \u202eevil\u202c\r\nthere", guest=guest, now=now)
    assert reply.body == "Hi evil\nthere"


def test_a_very_long_answer_is_cut_and_says_so(guest, now):
    reply = take_answer("a" * 25_000, guest=guest, now=now)
    assert len(reply.body) < 10_050
    assert reply.body.endswith("[15000 more characters]")


def test_a_picture_alone_is_shown_and_waits(guest, now):
    reply = take_answer("", guest=guest, now=now, pictures=2)
    assert (reply.pictures, reply.topic) == (2, "other")
    assert fresh_of(reply.thread).waiting_since == now


# --- Who wrote ------------------------------------------------------------------------------------


def test_a_shared_number_goes_to_whom_we_wrote_last(location, carrier, now):
    message = make_message(location, now=now, phone="+12125559999")
    mirror_is_fresh(location, now)
    GuestFactory(location=location, phone="+12125559999")
    sender.dispatch_due(now=now + timedelta(minutes=6))
    reply = take_answer("Friday?", guest=message.guest, now=now + timedelta(minutes=7))
    assert reply.guest_id == message.guest_id


def test_a_number_several_share_waits_until_a_person_says_who(guest, location, manager, now):
    twin = GuestFactory(location=location, phone=guest.phone)
    thread = fresh_of(waits("Friday?", guest, now))
    assert (thread.guest, thread.location) == (None, location)
    with pytest.raises(NotAllowed, match="who this is"):
        reply_with(thread, "Gladly", manager, now)
    named = services.name_writer(
        thread_id=thread.pk, version=thread.version, guest_id=twin.pk, by=manager, now=now
    )
    assert named.guest == twin
    assert Reply.objects.get().guest == twin
    assert LedgerEntry.objects.filter(event="thread.named").count() == 1


def test_naming_the_writer_joins_the_threads_of_one_guest(guest, location, manager, now):
    known = waits("Hello, a question", guest, now)
    GuestFactory(location=location, phone=guest.phone)
    stray = waits("Friday?", guest, now + LATER, ref="IN2")
    assert stray != known
    services.name_writer(
        thread_id=stray.pk, version=fresh_of(stray).version, guest_id=guest.pk, by=manager, now=now
    )
    thread = Thread.objects.get()
    assert thread.pk == known.pk
    assert thread.replies.count() == 2
    assert thread.last_reply.body == "Friday?"


def test_nobody_can_be_named_who_does_not_have_the_number(guest, location, manager, now):
    thread = fresh_of(take_answer("Hi", guest=guest, address="+12120000000", now=now).thread)
    Thread.objects.filter(pk=thread.pk).update(location=location)
    with pytest.raises(NotAllowed, match="does not have this address"):
        services.name_writer(
            thread_id=thread.pk, version=thread.version, guest_id=guest.pk, by=manager, now=now
        )


def test_a_stranger_becomes_the_guest_once_the_platform_knows_the_number(guest, admin, now):
    known = waits("Hello, a question", guest, now)
    stray = take_answer("Friday?", guest=guest, address="+19995550000", ref="IN2", now=now).thread
    services.open_thread(thread_id=stray.pk, by=admin, now=now)
    assert fresh_of(stray).guest is None
    guest.phone = "+19995550000"
    guest.save()
    opened = services.open_thread(thread_id=stray.pk, by=admin, now=now)
    assert opened.pk == known.pk
    assert list(Thread.objects.all()) == [known]
    assert Reply.objects.filter(thread=known).count() == 2


def test_a_merged_guest_answers_as_the_one_that_stayed(guest, location, carrier, now):
    message = make_message(location, now=now)
    mirror_is_fresh(location, now)
    sender.dispatch_due(now=now + timedelta(minutes=6))
    message.guest.merged_into = guest
    message.guest.save()
    reply = take_answer("Friday?", guest=message.guest, now=now + timedelta(minutes=7))
    assert reply.guest == reply.thread.guest == guest


# --- Read and held --------------------------------------------------------------------------------


def test_opening_reads_and_holds_and_colleagues_see_who(guest, manager, approver, now):
    thread = waits("Friday?", guest, now)
    services.open_thread(thread_id=thread.pk, by=manager, now=now)
    reply = Reply.objects.get()
    assert (reply.read_by, reply.read_at) == (manager, now)
    services.open_thread(thread_id=thread.pk, by=approver, now=now + LATER)
    thread, reply = fresh_of(thread), Reply.objects.get()
    assert thread.held_by == manager
    assert reply.read_by == manager
    assert not thread.is_unread
    assert thread.is_held_against(approver.pk, now)
    with pytest.raises(Conflict, match="is answering"):
        reply_with(thread, "Gladly", approver, now)
    assert not thread.is_held_against(approver.pk, now + timedelta(minutes=11))
    assert LedgerEntry.objects.filter(event="thread.read").count() == 1


def test_a_person_holds_one_thread(guest, location, manager, now):
    first = waits("Friday?", guest, now)
    second = waits("Friday?", GuestFactory(location=location), now, ref="IN2")
    for thread in (first, second):
        services.open_thread(thread_id=thread.pk, by=manager, now=now)
    assert fresh_of(first).held_by is None
    assert fresh_of(second).held_by == manager


# --- Answers --------------------------------------------------------------------------------------


def test_an_answer_leaves_after_half_a_minute_through_the_gate(guest, manager, carrier, now):
    thread = waits("Friday?", guest, now)
    message = reply_with(thread, "Friday at 3 would work, Ana", manager, now)
    assert sender.dispatch_due(now=now + timedelta(seconds=29)) == 0
    assert sender.dispatch_due(now=now + timedelta(seconds=31)) == 1
    assert [(call["to"], call["body"]) for call in carrier] == [
        (guest.phone, "Friday at 3 would work, Ana")
    ]
    reply, thread = Reply.objects.get(), fresh_of(thread)
    assert (reply.answered_by, reply.answer) == (manager, message)
    assert (thread.waiting_since, thread.topic, thread.held_by) == (None, "", None)
    entry = LedgerEntry.objects.get(event="message.answer")
    assert message.outbox.approval in entry.body
    assert "Friday" not in entry.body


def test_an_answer_changed_after_it_was_sent_off_is_refused(guest, manager, carrier, now):
    message = reply_with(waits("Friday?", guest, now), "At 3", manager, now)
    Message.objects.filter(pk=message.pk).update(body="At 4")
    forged = {"to": guest.phone, "subject": "", "body": "At 4"}
    OutboxItem.objects.filter(pk=message.outbox_id).update(
        payload=forged, payload_hash=outbox.payload_hash(forged)
    )
    sender.dispatch_due(now=now + LATER)
    assert carrier == []
    assert OutboxItem.objects.get(pk=message.outbox_id).state == "refused"
    assert fresh_of(message.thread).trouble == "refused"


def test_sent_twice_it_is_one_answer(guest, manager, now):
    thread = fresh_of(waits("Friday?", guest, now))
    both = [
        services.send_answer(
            thread_id=thread.pk, version=thread.version, body="Gladly", by=manager, now=now
        )
        for _ in range(2)
    ]
    assert both[0] == both[1]
    assert Message.objects.count() == 1


def test_two_people_do_not_answer_the_same_guest(guest, manager, approver, now):
    thread = fresh_of(waits("Friday?", guest, now))
    reply_with(thread, "Gladly", manager, now)
    with pytest.raises(Conflict, match=f"{manager.get_full_name()} dealt with this at"):
        services.send_answer(
            thread_id=thread.pk, version=thread.version, body="Sorry, no", by=approver, now=now
        )


def test_whoever_has_not_read_the_newest_answer_is_told(guest, manager, now):
    thread = fresh_of(waits("Friday?", guest, now))
    waits("No, Saturday", guest, now + LATER, ref="IN2")
    with pytest.raises(Conflict, match="wrote again"):
        services.send_answer(
            thread_id=thread.pk, version=thread.version, body="Gladly", by=manager, now=now
        )


def test_undo_brings_the_question_back_and_nothing_leaves(guest, manager, carrier, now):
    message = reply_with(waits("Friday?", guest, now), "Gladly", manager, now)
    services.take_back_answer(message_id=message.pk, by=manager, now=now + timedelta(seconds=20))
    assert sender.dispatch_due(now=now + LATER) == 0
    assert fresh_of(message.thread).waiting_since == now
    assert Reply.objects.get().answered_at is None
    again = reply_with(message.thread, "Gladly", manager, now + LATER)
    assert again.outbox_id != message.outbox_id


def test_undo_comes_too_late_once_it_left(guest, manager, carrier, now):
    message = reply_with(waits("Friday?", guest, now), "Gladly", manager, now)
    sender.dispatch_due(now=now + LATER)
    with pytest.raises(AlreadyLeft):
        services.take_back_answer(message_id=message.pk, by=manager, now=now + LATER)


def test_only_the_author_or_a_manager_takes_an_answer_back(guest, location, manager, desk, now):
    message = reply_with(waits("Friday?", guest, now), "Gladly", manager, now)
    with pytest.raises(NotAllowed):
        services.take_back_answer(message_id=message.pk, by=desk, now=now)


def test_an_answer_cancelled_under_outgoing_waits_again(guest, manager, now):
    message = reply_with(waits("Friday?", guest, now), "Gladly", manager, now)
    services.cancel_message(message_id=message.pk, by=manager, now=now)
    assert fresh_of(message.thread).waiting_since == now


def test_the_switch_stops_answers_too(guest, manager, carrier, now):
    reply_with(waits("Friday?", guest, now), "Gladly", manager, now)
    Switch.objects.create(scope="all", changed_at=now, changed_by=manager)
    assert sender.dispatch_due(now=now + LATER) == 0


def test_who_said_stop_is_not_answered_in_writing(guest, manager, carrier, now):
    thread = waits("Friday?", guest, now)
    message = reply_with(thread, "Gladly", manager, now)
    take_answer("STOP", guest=guest, ref="IN2", now=now)
    assert sender.dispatch_due(now=now + LATER) == 0
    assert message.outbox_id
    waits("Hello?", guest, now + LATER, ref="IN3")
    with pytest.raises(ChecksFailed, match="Ring the guest"):
        reply_with(thread, "Gladly", manager, now + LATER)


def test_any_stop_binds_an_answer_whatever_it_was_said_to(guest, manager, carrier, now):
    OutreachPolicy.current()
    OutreachPolicy.objects.update(stop_ends_all_on=now.date() + timedelta(days=60))
    reply_with(waits("Friday?", guest, now), "Gladly", manager, now)
    services.suppress(
        channel="sms", address=guest.phone, source="staff", reason="asked", scope="service", now=now
    )
    assert sender.dispatch_due(now=now + LATER) == 0


def closed(now):
    """Quiet hours at the test's instant."""
    OutreachPolicy.current()
    OutreachPolicy.objects.update(quiet_from="00:00", quiet_until="23:59")


@pytest.mark.parametrize(("age_hours", "leaves"), [(1, 1), (23, 1), (25, 0)])
def test_quiet_hours_bind_an_answer_only_after_a_day(
    guest, manager, carrier, now, age_hours, leaves
):
    closed(now)
    thread = waits("Friday?", guest, now - timedelta(hours=age_hours))
    reply_with(thread, "Gladly", manager, now)
    assert sender.dispatch_due(now=now + LATER) == leaves


def test_who_may_no_longer_answer_sends_nothing(guest, desk, carrier, now):
    thread = waits("Friday?", guest, now)
    text = library_text(thread, now)
    reply_with(thread, text, desk, now)
    desk.locations.clear()
    assert sender.dispatch_due(now=now + LATER) == 0


def library_text(thread, now):
    facts = suggestions.Facts.of(thread.guest, thread.location, now=now)
    found = suggestions.filled(suggestions.library_answers("sms"), facts)
    return next(one.text for one in found if one.template.topic == Topic.BOOK)


def test_the_desk_sends_the_librarys_words_and_no_others(guest, desk, carrier, now):
    thread = waits("Can I come on Friday?", guest, now)
    with pytest.raises(NotAllowed, match="as they are"):
        reply_with(thread, "Sure, honey", desk, now)
    text = library_text(thread, now)
    with pytest.raises(NotAllowed, match="as they are"):
        reply_with(thread, text + " 50% off", desk, now)
    reply_with(thread, text, desk, now)
    assert sender.dispatch_due(now=now + LATER) == 1


def test_elsewhere_nobody_answers(guest, outsider, now):
    thread = waits("Friday?", guest, now)
    with pytest.raises(NotAllowed):
        reply_with(thread, "Gladly", outsider, now)


BAD = {
    "20% off for you, Ana": "20% is an offer",
    "It is $12.34": "no price of the catalogue",
    "twenty dollars less": "without a plain amount",
    "half price today": "promises something",
    "A free mask comes with it": "promises something",
    "The mask is f r e e": "promises something",
    "See https://evil.example/pay": "not a link",
    "Ring 917 555 0199 instead": "is no number of",
    "Ring (212) 555-0100 917 555 0199": "is no number of",
    "Ring 9212 555 0100": "is no number of",
    "This is Zelda from Fancy": "speaks for somebody else",
    "It cures acne": "health claim",
    "Reply CANCEL to cancel": "means stop",
    "Hi {first_name}": "Not filled",
    "Look\u202etxt": "may hide something",
    "": "empty",
    "word " * 140: "SMS parts",
}


@pytest.mark.parametrize("text", BAD)
def test_what_an_answer_may_not_say(guest, manager, now, text):
    with pytest.raises(ChecksFailed, match=BAD[text]):
        reply_with(waits("Friday?", guest, now), text, manager, now)
    assert not Message.objects.exists()


GOOD = [
    "Friday at 3:30 pm or Saturday 10-11 would work",
    "It is $89 with your plan",
    "You have 2 credits left on your plan",
    "The price is $89, and yes, Saturday 10:30-11:30 works",
    "Gladly! Shall we say Tuesday or Wednesday?",
    "Ring us at {phone}",
    "Ring us at {phone}, 3 pm works too",
    "+1 212 555 0100 or 212.555.0100, 10 to 6",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_an_answer_may_say(guest, manager, location, now, text):
    MembershipFactory(guest=guest, location=location, price_cents=8_900)
    reply_with(
        waits("Friday?", guest, now), text.replace("{phone}", "(212) 555-0100"), manager, now
    )
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("Friday?", "Your facial is at 3 on Friday"),
        ("Friday?", "Tu depilación es el viernes"),
        ("Friday?", "The Vampire Lift takes an hour"),
        ("Can I have a massage?", "A massage, or your waxing again?"),
        ("Can I have a facial?", "The Vampire Lift facial takes an hour"),
    ],
)
def test_an_answer_by_text_names_no_treatment_the_guest_has_not_named(
    guest, manager, now, asked, answer
):
    ServiceFactory(name="Vampire Lift", category="Skin")
    thread = waits(asked, guest, now)
    with pytest.raises(ChecksFailed, match="may not name a treatment"):
        reply_with(thread, answer, manager, now)
    OutreachPolicy.current()
    OutreachPolicy.objects.update(treatment_names_in_sms=True)
    reply_with(thread, answer, manager, now)


def test_the_guests_own_word_for_it_may_be_answered(guest, manager, now):
    ServiceFactory(name="Vampire Lift", category="Skin")
    thread = waits("Do you do facials, and the vampire lift?", guest, now)
    waits("On Friday?", guest, now, ref="IN2")
    reply_with(thread, "Gladly: a facial at 3, the Vampire Lift at 4", manager, now)


def test_another_guests_name_needs_a_second_look(guest, location, manager, now):
    GuestFactory(location=location, first_name="Walter")
    thread = waits("Friday?", guest, now)
    with pytest.raises(NeedsCare, match="Walter"):
        reply_with(thread, "We told Walter already", manager, now)
    with pytest.raises(ChecksFailed, match="speaks to Walter"):
        reply_with(thread, "Hi Walter, gladly", manager, now)
    reply_with(thread, "We told Walter already", manager, now, care=True)


def test_dealt_with_without_writing(guest, manager, now):
    thread = fresh_of(waits("Friday?", guest, now))
    for _ in range(2):
        services.deal_with_thread(thread_id=thread.pk, version=thread.version, by=manager, now=now)
    assert fresh_of(thread).waiting_since is None
    assert Reply.objects.get().answered_by == manager
    assert LedgerEntry.objects.filter(event="reply.answered").count() == 1


# --- Undelivered ----------------------------------------------------------------------------------


def status(message, state, now, code=""):
    receipts.note_delivery(message, state, now=now, error=code)


def test_what_did_not_arrive_is_shown_with_reason_until_somebody_saw_to_it(
    location, manager, carrier, now
):
    message = make_message(location, now=now)
    mirror_is_fresh(location, now)
    sender.dispatch_due(now=now + timedelta(minutes=6))
    status(message, Message.Delivery.UNDELIVERED, now, code="30005")
    [row] = inbox.inbox(manager, None, Wanted("undelivered"), now=now).rows
    assert "does not exist any more" in row.trouble.why
    assert "correct it in the booking platform" in row.trouble.todo
    assert inbox.inbox(manager, None, Wanted("unanswered"), now=now).rows == []
    services.deal_with_thread(
        thread_id=row.thread.pk, version=row.thread.version, by=manager, now=now
    )
    assert inbox.inbox(manager, None, Wanted("undelivered"), now=now).rows == []


@pytest.mark.parametrize(
    ("result", "trouble"),
    [(Result.REFUSED, "refused"), (Result.UNCERTAIN, "uncertain"), (Result.SENT, "")],
)
def test_what_the_carrier_would_not_take_is_shown(location, monkeypatch, now, result, trouble):
    message = make_message(location, now=now)
    mirror_is_fresh(location, now)
    monkeypatch.setattr(sender.sms, "send", lambda **call: Outcome(result, error="no"))
    sender.dispatch_due(now=now + timedelta(minutes=6))
    shown = Thread.objects.filter(guest=message.guest).first()
    assert (shown.trouble if shown else "") == trouble


def test_a_message_that_arrives_after_all_is_no_trouble(location, carrier, now):
    message = make_message(location, now=now)
    mirror_is_fresh(location, now)
    sender.dispatch_due(now=now + timedelta(minutes=6))
    status(message, Message.Delivery.UNDELIVERED, now, code="30003")
    status(message, Message.Delivery.DELIVERED, now)
    assert Thread.objects.get().trouble == ""


# --- The page -------------------------------------------------------------------------------------


@pytest.fixture
def enter():
    def client_of(person):
        client = Client()
        client.force_login(person)
        return client

    return client_of


@pytest.fixture
def crowd(location, library, manager):
    """Sixty conversations, of which two thirds wait."""
    now = clock.now()
    guests = GuestFactory.create_batch(60, location=location)
    for number, guest in enumerate(guests):
        waits("Can I come on Friday?" if number % 3 else "No thanks", guest, now, ref=f"C{number}")
    return guests


def test_the_list_and_a_conversation_take_few_queries(enter, manager, crowd):
    client = enter(manager)
    thread = Thread.objects.filter(waiting_since__isnull=False).first()
    client.get(f"/replies/{thread.pk}/")
    with CaptureQueriesContext(connection) as of_list:
        client.get("/replies/")
    assert len(of_list) <= 12, [query["sql"][:90] for query in of_list]
    for path in ("/replies/?view=all&q=a", "/replies/?view=undelivered", "/replies/news/?since=x"):
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        assert len(queries) <= 12
    with CaptureQueriesContext(connection) as of_part:
        client.get(f"/replies/{thread.pk}/", headers={"HX-Request": "true"})
    assert len(of_part) <= 22, [query["sql"][:90] for query in of_part]


@pytest.mark.parametrize(
    ("q", "finds"),
    [
        ("BRIEN", True), ("o'br", True), ("(jr.)", True), ("ada o'b", True), ("ada ada", True),
        ("o.br", False), ("br*", False), (".*", False), ("[a", False), ("ada x", False),
    ],
)  # fmt: skip
def test_names_are_found_by_their_letters_and_nothing_typed_is_a_pattern(
    manager, location, library, q, finds
):
    guest = GuestFactory(location=location, first_name="Ada", last_name="O'Brien (Jr.)")
    waits("Can I come on Friday?", guest, clock.now())
    rows = inbox.inbox(manager, None, Wanted("all", q=q), now=clock.now()).rows
    assert bool(rows) == finds


def test_pages_follow_each_other_without_a_gap(enter, manager, crowd):
    client = enter(manager)
    seen, path = [], "/replies/?view=all"
    for _ in range(3):
        page = client.get(path).context["page"]
        seen += [row.thread.pk for row in page.rows]
        if not page.next_after:
            break
        path = f"/replies/?view=all&after={page.next_after.replace('+', '%2B')}"
    assert len(seen) == len(set(seen)) == 60
    assert client.get("/replies/?view=all&after=nonsense~1").status_code == 200


def test_guests_words_are_escaped_everywhere(enter, manager, guest):
    thread = waits("<b>Can I come on Friday?</b><script>x</script>", guest, clock.now())
    client = enter(manager)
    for path in ("/replies/", f"/replies/{thread.pk}/", f"/members/{guest.pk}/timeline/"):
        body = client.get(path).content
        assert b"&lt;b&gt;Can I come" in body
        assert b"<script>x" not in body


def test_the_list_alone_marks_nothing_as_read(enter, manager, guest):
    thread = waits("Can I come on Friday?", guest, clock.now())
    client = enter(manager)
    client.get("/replies/?view=unread")
    assert fresh_of(thread).is_unread
    shown = client.get(f"/replies/{thread.pk}/").content.decode()
    assert not fresh_of(thread).is_unread
    assert f"read by {manager.get_full_name()}, " in shown


def test_the_suggested_answer_is_in_the_field_in_the_guests_language(enter, manager, guest):
    booking = AppointmentFactory(
        guest=guest, location=guest.location, status="booked",
        starts_at=clock.now() + timedelta(days=3),
    )  # fmt: skip
    thread = waits("¿Qué horas tienen el sábado?", guest, clock.now())
    page = enter(manager).get(f"/replies/{thread.pk}/")
    pane = page.context["pane"]
    assert pane.suggested.template.language == "es"
    assert f"{booking.starts_at.astimezone(guest.location.zone):%H:%M}" in pane.body
    assert pane.body.split(",")[0] == "Hola Ana"


def test_for_the_upset_the_field_is_empty(enter, manager, guest):
    thread = waits("I am very disappointed", guest, clock.now())
    page = enter(manager).get(f"/replies/{thread.pk}/")
    assert page.context["pane"].body == ""
    assert b"a person should find the words" in page.content


def test_what_was_typed_survives_a_refusal(enter, manager, guest):
    thread = fresh_of(waits("Friday?", guest, clock.now()))
    client = enter(manager)
    answer = client.post(
        f"/replies/{thread.pk}/answer/", {"version": thread.version, "body": "It is 90% off"}
    )
    assert answer.status_code == 422
    assert b"It is 90% off" in answer.content
    late = client.post(f"/replies/{thread.pk}/answer/", {"version": 99, "body": "My long words"})
    assert late.status_code == 409
    assert b"My long words" in late.content


def test_the_preview_objects_while_one_types(enter, manager, guest):
    thread = waits("Friday?", guest, clock.now())
    client = enter(manager)
    shown = client.post(f"/replies/{thread.pk}/preview/", {"body": "It cures everything"})
    assert b"makes a health claim" in shown.content
    assert client.post(f"/replies/{thread.pk}/preview/", {"body": "Gladly"}).content.strip() == b""


def test_news_are_counted_not_shown_by_themselves(enter, manager, guest, location):
    client = enter(manager)
    begun = clock.now()
    waits("Friday?", guest, clock.now() + LATER)
    shown = client.get("/replies/news/", {"since": begun.isoformat()})
    assert b"1 new, show" in shown.content
    later = (begun + timedelta(hours=1)).isoformat()
    assert b"new, show" not in client.get("/replies/news/", {"since": later}).content


def test_a_strangers_thread_is_for_those_who_serve_all(enter, manager, admin, library):
    thread = take_answer(
        "Hello", guest=GuestFactory.build(), address="+19995550000", now=clock.now()
    ).thread
    assert enter(manager).get(f"/replies/{thread.pk}/").status_code == 404
    assert b"Nobody we know has this number" in enter(admin).get(f"/replies/{thread.pk}/").content


def test_stop_is_shown_with_the_number_to_ring(enter, desk, guest):
    thread = waits("I want out, cancel", guest, clock.now())
    assert Suppression.objects.exists()
    body = enter(desk).get(f"/replies/{thread.pk}/").content
    assert b"Ring the guest instead" in body
    assert b'name="body"' not in body


def test_desk_at_two_locations_sees_only_its_own(enter, elsewhere, library, location):
    person = UserFactory(role="desk", locations=[elsewhere])
    thread = waits("Friday?", GuestFactory(location=location), clock.now())
    client = enter(person)
    assert client.get(f"/replies/{thread.pk}/").status_code == 404
    assert b"Friday?" not in client.get("/replies/?view=all").content
