"""A test of a text goes to the person who asks, marked, a few an hour, through the real way out."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.core import mail

from audit.models import LedgerEntry
from outreach import services
from outreach.errors import NotAllowed, TooMany
from outreach.models import Breaker, Message, Template, TrialSend
from outreach.services import trials
from platforms.models import OutboxItem
from platforms.outcome import NotBegun, Outcome, Result

pytestmark = pytest.mark.usefixtures("library")
State = OutboxItem.State


@pytest.fixture
def author(manager):
    manager.phone, manager.email = "+12125550177", "dana@juniper.example"
    manager.save()
    return manager


@pytest.fixture
def text() -> Template:
    texts = Template.objects.filter(channel="sms", play__isnull=False)
    return texts.filter(body__startswith="Hi {first_name}").first()


@pytest.fixture
def carrier(monkeypatch) -> list[dict]:
    calls: list[dict] = []

    def send(**call) -> Outcome:
        calls.append(call)
        return Outcome(Result.SENT, provider_ref="SM1")

    monkeypatch.setattr(trials.sms, "send", send)
    return calls


@pytest.mark.django_db(transaction=True)
def test_a_test_held_up_behind_the_switch_waits(text, author, now, monkeypatch) -> None:
    def too_late(*, begin_by: float, **call) -> Outcome:
        raise NotBegun

    trial = ask(text, author, now)
    monkeypatch.setattr(trials.sms, "send", too_late)
    assert services.dispatch_trials(now=now, limit=2) == 0
    trial.outbox.refresh_from_db()
    assert (trial.outbox.state, trial.outbox.tries) == ("ready", 0)


def ask(text, author, now) -> TrialSend:
    return services.send_test(template_id=text.pk, by=author, now=now)


@pytest.mark.django_db(transaction=True)
def test_a_test_goes_to_oneself_marked_and_filled(text, author, carrier, now) -> None:
    ask(text, author, now)
    assert services.dispatch_trials(now=now) == 1
    (call,) = carrier
    assert call["to"] == author.phone
    assert call["body"].startswith("[Test] Hi Marguerite")
    assert "{" not in call["body"]
    assert services.dispatch_trials(now=now) == 0
    assert TrialSend.objects.get().outbox.state == State.SENT
    assert not Message.objects.exists()
    told = str(list(LedgerEntry.objects.values_list("body", flat=True)))
    assert author.phone not in told
    assert {"test.asked", "test.answered"} <= set(
        LedgerEntry.objects.values_list("event", flat=True)
    )


@pytest.mark.django_db(transaction=True)
def test_an_e_mail_goes_to_ones_own_mailbox(author, now, settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    ask(Template.objects.filter(channel="email", language="en").first(), author, now)
    services.dispatch_trials(now=now)
    assert [sent.to for sent in mail.outbox] == [[author.email]]
    assert mail.outbox[0].subject.startswith("[Test]")


def test_without_an_address_on_file_it_says_who_adds_one(text, manager, now) -> None:
    with pytest.raises(NotAllowed, match="An administrator adds it"):
        ask(text, manager, now)


def test_who_may_not_propose_texts_sends_none(text, desk, now) -> None:
    desk.phone = "+12125550178"
    with pytest.raises(NotAllowed, match="may not"):
        ask(text, desk, now)


def test_an_address_that_said_stop_gets_none(text, author, now) -> None:
    services.suppress(channel="sms", address=author.phone, source="staff", reason="x", now=now)
    with pytest.raises(NotAllowed, match="said stop"):
        ask(text, author, now)


def test_five_an_hour_are_enough(text, author, now) -> None:
    for _ in range(trials.AN_HOUR):
        ask(text, author, now)
    with pytest.raises(TooMany):
        ask(text, author, now)
    ask(text, author, now + timedelta(minutes=61))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scope", [("all", ""), ("channel", "sms")])
def test_the_stop_switch_holds_tests_too(text, author, carrier, now, scope) -> None:
    ask(text, author, now)
    services.stop_sending(scope=scope[0], key=scope[1], reason="wrong price", by=author, now=now)
    assert services.dispatch_trials(now=now) == 0
    assert carrier == []


def stop_all(text, author, now) -> None:
    services.stop_sending(scope="all", key="", reason="wrong price", by=author, now=now)


def stop_the_play(text, author, now) -> None:
    services.stop_sending(scope="play", key=text.play_id, reason="x", by=author, now=now)


def say_stop(text, author, now) -> None:
    services.suppress(channel="sms", address=author.phone, source="staff", reason="x", now=now)


def open_a_breaker(text, author, now) -> None:
    Breaker.objects.create(
        signal=Breaker.Signal.FAILURES, state=Breaker.State.OPEN, changed_at=now, tries_at=now,
        evaluated_at=now,
    )  # fmt: skip


CLOSING = [stop_all, stop_the_play, say_stop, open_a_breaker]


@pytest.mark.parametrize("close", CLOSING)
def test_what_holds_a_test_when_it_is_asked_for_says_so(text, author, now, close) -> None:
    close(text, author, now)
    with pytest.raises(NotAllowed, match=r"said stop|stopped|not as usual"):
        ask(text, author, now)
    assert not OutboxItem.objects.exists()


@pytest.mark.parametrize("close", CLOSING)
def test_what_changes_after_it_was_asked_for_holds_it_too(text, author, carrier, now, close):
    ask(text, author, now)
    close(text, author, now)
    assert services.dispatch_trials(now=now) == 0
    assert carrier == []
    assert TrialSend.objects.get().outbox.state == State.READY


@pytest.mark.parametrize("close", CLOSING)
def test_what_changes_between_claim_and_call_holds_it_too(
    text, author, carrier, now, close, monkeypatch
) -> None:
    ask(text, author, now)
    claim = trials.outbox.claim

    def claim_slowly(**kwargs):
        item = claim(**kwargs)
        if item is not None:
            time.sleep(0.06)
            close(text, author, now)
        return item

    monkeypatch.setattr(trials.outbox, "claim", claim_slowly)
    assert services.dispatch_trials(now=now) == 0
    assert carrier == []
    item = TrialSend.objects.get().outbox
    assert (item.state, item.tries) == (State.READY, 0)


def test_a_breaker_of_one_location_holds_no_test(text, author, carrier, now, location) -> None:
    open_a_breaker(text, author, now)
    Breaker.objects.update(location=location)
    ask(text, author, now)
    assert services.dispatch_trials(now=now) == 1


@pytest.mark.django_db(transaction=True)
def test_a_lost_answer_is_looked_up_and_never_simply_repeated(
    text, author, carrier, now, monkeypatch
) -> None:
    ask(text, author, now)
    monkeypatch.setattr(trials.sms, "send", lambda **call: Outcome(Result.UNKNOWN, error="?"))
    looked: list[str] = []

    def look_up(*, key: str) -> Outcome:
        looked.append(key)
        return Outcome(Result.SENT, provider_ref="SM1")

    monkeypatch.setattr(trials.sms, "look_up", look_up)
    services.dispatch_trials(now=now)
    assert TrialSend.objects.get().outbox.state == State.UNKNOWN
    services.dispatch_trials(now=now + timedelta(minutes=5))
    assert len(looked) == 1
    assert TrialSend.objects.get().outbox.state == State.SENT
