"""Opting out: every usual way of saying it is obeyed at once, for everybody who shares the address,
with one confirmation; what sounds like it and is not stops nothing."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from audit.models import LedgerEntry
from outreach import checks, services
from outreach.gate import conditions
from outreach.models import (
    Cap,
    Draft,
    Message,
    OutreachPolicy,
    Play,
    Reply,
    Step,
    Suppression,
    Topic,
)
from outreach.reading import intents, topics
from outreach.selectors import contact_allowed
from outreach.sending import sender
from platforms.outcome import Outcome, Result
from tests.factories.memberships import GuestFactory
from tests.factories.outreach import make_draft
from tests.outreach.test_replies import answer, hook

DATA = Path(__file__).parent / "data"
STOPS = (DATA / "stop.txt").read_text().splitlines()
HARMLESS = (DATA / "harmless.txt").read_text().splitlines()
REQUIRED = ["STOP", "QUIT", "END", "REVOKE", "OPT OUT", "CANCEL", "UNSUBSCRIBE"]
MINUTE = timedelta(minutes=1)


def test_the_ways_of_saying_stop_are_many_and_nearly_all_are_heard():
    missed = [text for text in STOPS if not intents.read(text).suppresses]
    assert len(STOPS) >= 450
    assert len(missed) <= 0.02 * len(STOPS), missed


def test_what_sounds_like_stop_and_is_not_stops_nothing():
    wrong = [text for text in HARMLESS if intents.read(text).suppresses]
    assert len(HARMLESS) >= 300
    assert len(wrong) <= 0.03 * len(HARMLESS), wrong
    assert not [text for text in wrong if not intents.read(text).for_person]


@pytest.mark.parametrize("word", REQUIRED)
@pytest.mark.parametrize("frame", ["{}", "{}.", "{}!!", " {} \n", "please {}", "{} please", "“{}”"])
def test_the_words_of_the_law_always_count(word, frame):
    for text in (frame.format(word), frame.format(word.lower()), frame.format(word.title())):
        reading = intents.read(text)
        assert reading.suppresses, text
        assert not reading.for_person, text


@pytest.mark.parametrize("text", ["cancel my account", "I need to cancel", "this is a scam"])
def test_what_may_mean_stop_suppresses_and_goes_to_a_person(text):
    reading = intents.read(text)
    assert (reading.suppresses, reading.for_person) == (True, True)


@pytest.mark.parametrize(
    "text",
    ["I want to cancel my membership", "CANCEL MY MEMBERSHIP", "How do I cancel my membership?",
     "please terminate my contract", "stop my auto-renewal", "I'm canceling my gold membership",
     "quiero cancelar mi membresía", "Cancelen mi plan por favor", "dejen de cobrarme",
     "quiero darme de baja de la membresía"],
)  # fmt: skip
def test_leaving_the_plan_is_a_request_for_a_person_and_no_stop(text):
    """The guest must be answered in writing, by the day the law gives (topics.due_at)."""
    reading = intents.read(text)
    assert (reading.suppresses, reading.for_person) == (False, True)
    assert topics.read(text, reading).topic == Topic.CANCEL


@pytest.mark.parametrize(
    "text",
    ["cancel", "Cancel.", "cancel these texts", "cancel my membership and these texts",
     "cancel my membership and stop texting me", "cancel my membership offers", "cancel everything",
     "cancel my membership, no more", "Stop. Cancel my membership", "cancel my text membership",
     "cancelar", "cancela mi membresía y no me escriban más", "cancelar mi plan de mensajes",
     "cancel my subscription", "stop calling about the membership", "quiero darme de baja",
     "cancel membership and lose my number", "I already cancelled my membership"],
)  # fmt: skip
def test_the_same_words_about_messages_stay_a_stop(text):
    assert intents.read(text).suppresses


@pytest.mark.parametrize(
    ("text", "everything"),
    [
        ("STOP", False),
        ("STOPALL", True),
        ("do not contact me", True),
        ("lose my number", True),
    ],
)
def test_who_asks_for_silence_altogether_is_understood(text, everything):
    assert intents.read(text).everything is everything


def test_reading_a_long_answer_takes_no_longer_than_it_may():
    """The patterns do not blow up on text made to make them."""
    nasty = "no no no " * 400 + "stop the the the the the the " * 60
    assert intents.read(nasty[:4000]).suppresses


# --- Obeyed -------------------------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch) -> list[dict[str, str]]:
    made: list[dict[str, str]] = []
    monkeypatch.setattr(
        sender.sms,
        "send",
        lambda **call: made.append(call) or Outcome(Result.SENT, provider_ref=f"SM{len(made)}"),
    )
    return made


@pytest.fixture
def sent(library, fresh, draft, manager, now, calls) -> Message:
    message = services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)
    assert sender.dispatch_due(now=now + 6 * MINUTE) == 1
    calls.clear()
    return message


def test_a_stop_holds_for_everybody_who_shares_the_number(sent, location, manager, now):
    partner = make_draft(location, phone=sent.address)
    waiting = services.approve_draft(draft_id=partner.pk, version=1, by=manager, now=now)
    undecided = make_draft(location, phone=sent.address)
    answer(sent, "please stop texting us", now + 9 * MINUTE)
    held = conditions.held_reasons([waiting.pk], now=now + 9 * MINUTE)
    assert held == {waiting.pk: "suppressed"}
    undecided.refresh_from_db()
    assert undecided.group == Draft.Group.NEEDS_CARE
    assert contact_allowed([undecided.guest_id, partner.guest_id], "sms", now) == set()


def test_nothing_begins_after_a_stop_but_its_confirmation(
    sent, location, manager, now, calls, monkeypatch
):
    """Twenty messages to the number wait and are due; the stop comes; none of them leaves."""
    OutreachPolicy.objects.update(location_day_cents=10**7, play_month_cents=10**7)
    Cap.objects.update(limit_cents=10**7)
    for _ in range(20):
        twin = make_draft(location, phone=sent.address)
        services.approve_draft(draft_id=twin.pk, version=1, by=manager, now=now)
    OutreachPolicy.objects.update(weekly_cap=100, hold_minutes=1)
    later = now + 30 * MINUTE
    hook("sms-inbound", later, MessageSid="IN1", From=sent.address, To="+1", Body="Stop 🛑")
    for minutes in range(30):
        sender.dispatch_due(now=later + timedelta(seconds=1) + minutes * MINUTE)
    assert len(calls) == 1
    assert "no more texts" in calls[0]["body"]


def test_the_kind_answered_is_kept_with_the_stop(sent, now):
    answer(sent, "STOP", now + 9 * MINUTE)
    stop = Suppression.objects.get()
    assert stop.scope == Suppression.Scope.MARKETING
    entry = LedgerEntry.objects.get(event="suppression.added")
    assert "offers" in entry.body


@pytest.mark.parametrize(
    ("ends_all_on", "held"), [(date(2026, 1, 1), "suppressed"), (date(2027, 1, 31), "")]
)
def test_whether_a_stop_to_an_offer_ends_a_note_is_the_policy_of_the_day(
    sent, location, manager, now, ends_all_on, held
):
    OutreachPolicy.objects.update(stop_ends_all_on=ends_all_on)
    answer(sent, "STOP", now + 9 * MINUTE)
    Play.objects.update(is_marketing=False)
    note = make_draft(location)
    Draft.objects.filter(pk=note.pk).update(address=sent.address)
    note.guest.phone = sent.address
    note.guest.save()
    [results] = checks.check_drafts([Draft.objects.get(pk=note.pk)], now=now)
    assert results[0].ok is (held == "")
    if held:
        return
    waiting = services.approve_draft(draft_id=note.pk, version=1, by=manager, now=now)
    held_now = conditions.held_reasons([waiting.pk], now=now + 9 * MINUTE)
    assert held_now[waiting.pk] != "suppressed"
    Play.objects.update(is_marketing=True)
    assert conditions.held_reasons([waiting.pk], now=now + 9 * MINUTE) == {waiting.pk: "suppressed"}


@pytest.mark.parametrize(("is_marketing", "scope"), [(True, "service"), (False, "marketing")])
def test_a_stop_of_the_other_kind_holds_an_approved_message_from_the_day_of_the_policy(
    library, fresh, location, manager, now, is_marketing, scope
):
    Play.objects.update(is_marketing=is_marketing)
    Step.objects.filter(number__gt=1).update(is_active=False)  # any stop at all ends a sequence
    draft = make_draft(location)
    waiting = services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)
    services.suppress(
        channel="sms", address=draft.address, source="reply", reason="STOP", scope=scope, now=now
    )
    later = now + 9 * MINUTE
    OutreachPolicy.objects.update(stop_ends_all_on=later.date() + timedelta(days=1))
    assert conditions.held_reasons([waiting.pk], now=later) == {waiting.pk: ""}
    OutreachPolicy.objects.update(stop_ends_all_on=later.date())
    assert conditions.held_reasons([waiting.pk], now=later) == {waiting.pk: "suppressed"}


def test_a_second_stop_of_another_kind_ends_everything(sent, now):
    said = {"channel": "sms", "address": sent.address, "source": "reply", "now": now}
    assert services.suppress(**said, reason="one", scope="marketing")
    assert not services.suppress(**said, reason="two", scope="marketing")
    assert Suppression.objects.get().scope == "marketing"
    assert not services.suppress(**said, reason="three", scope="service")
    assert Suppression.objects.get().scope == "all"
    assert LedgerEntry.objects.filter(event="suppression.widened").count() == 1


# --- HELP ---------------------------------------------------------------------------------------


def test_help_is_answered_once_a_day_and_after_a_stop_too(sent, now, calls):
    later = now + 9 * MINUTE
    answer(sent, "STOP", later)
    reply = answer(sent, "Help!", later, sid="IN2")
    assert (reply.intent, reply.answered_at) == (Reply.Intent.HELP, later)
    answer(sent, "HELP", later, sid="IN3")
    sender.dispatch_due(now=later)
    bodies = [call["body"] for call in calls]
    assert len(bodies) == 2  # the confirmation and one answer
    assert any("Reply STOP" in body for body in bodies)
    assert LedgerEntry.objects.filter(event="message.help").count() == 1


def test_the_switch_stops_the_answer_to_help(sent, admin, now, calls):
    later = now + 9 * MINUTE
    services.stop_sending(scope="all", key="", reason="test", by=admin, now=later)
    answer(sent, "HELP", later)
    sender.dispatch_due(now=later)
    assert calls == []


def test_a_stop_from_a_number_nobody_has_is_kept(library, now):
    hook("sms-inbound", now, MessageSid="IN9", From="+12125559999", To="+1", Body="stop")
    GuestFactory(phone="+12125559999")
    assert Suppression.objects.get().scope == "all"


def test_a_start_lifts_the_stop_of_that_address_and_channel_alone(library, now):
    stops = [("sms", "+12125550101"), ("sms", "+12125550102"), ("email", "+12125550101")]
    for channel, address in stops:
        services.suppress(channel=channel, address=address, source="reply", reason="STOP", now=now)
    lift = {"channel": "sms", "address": "+12125550101", "reason": "START"}
    assert services.lift_suppression(now=now + MINUTE, **lift)
    standing = Suppression.objects.standing().values_list("channel", "address")
    assert set(standing) == set(stops[1:])
    # Nothing is left to lift; what was lifted keeps its instant.
    assert not services.lift_suppression(now=now + 2 * MINUTE, **lift)
    assert Suppression.objects.get(lifted_at__isnull=False).lifted_at == now + MINUTE


def test_a_stop_of_everything_stays_one_of_everything(library, now):
    said = {"channel": "sms", "address": "+1", "source": "reply", "reason": "STOP", "now": now}
    for scope in ("marketing", "marketing"):
        services.suppress(scope=scope, **said)
    assert Suppression.objects.get().scope == "marketing"
    services.suppress(scope="service", **said)
    assert Suppression.objects.get().scope == "all"
    services.suppress(scope="marketing", **said)
    assert Suppression.objects.get().scope == "all"
    assert LedgerEntry.objects.filter(event="suppression.widened").count() == 1
