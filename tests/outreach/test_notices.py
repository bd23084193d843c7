"""What a breaker did reaches people by e-mail: once, the right ones, without a guest in it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connections, transaction
from django.urls import reverse

from audit.models import LedgerEntry
from outreach.gate import breakers, notices
from outreach.library.play_library import PAYMENT
from outreach.library.seed import AT_RISK
from outreach.models import Breaker, Phase, PlayPhase
from platforms import outbox
from platforms.carriers import email
from platforms.models import OutboxItem
from platforms.outcome import Outcome, Result
from staff.models import User
from tests.factories.outreach import make_message
from tests.factories.staff import UserFactory

pytestmark = pytest.mark.usefixtures("library")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
State = Breaker.State


@pytest.fixture
def people(location, elsewhere, now) -> dict[str, User]:
    """Somebody of each kind, each with an address."""
    made = {
        "desk": UserFactory(role="desk", locations=[location]),
        "manager": UserFactory(role="manager", locations=[location]),
        "other manager": UserFactory(role="manager", locations=[elsewhere]),
        "regional": UserFactory(role="regional", locations=[location]),
        "admin": UserFactory(role="admin"),
        "quiet": UserFactory(role="manager", locations=[location], alert_mails=False),
        "gone": UserFactory(role="manager", locations=[location], is_active=False),
    }
    for name, person in made.items():
        person.email = f"{name.replace(' ', '-')}@staff.example"
        person.save()
    UserFactory(role="manager", locations=[location])  # no address on file
    PlayPhase.objects.create(
        play_id=AT_RISK, location=location, phase=Phase.AUTOMATIC, since_at=now,
        set_by=made["regional"], rules=[{"name": "likely"}],
    )  # fmt: skip
    return made


def breaker(location, now, **fields) -> Breaker:
    values = {"signal": "failures", "evaluated_at": now, "changed_at": now}
    return Breaker.objects.create(location=location, **values | fields)


def told() -> list[str]:
    """Who was told so far, by the name of their address."""
    return sorted(address.split("@")[0] for one in mail.outbox for address in one.to)


def opened(location, now, **fields) -> Breaker:
    """A breaker that opens at this instant, with its note queued."""
    row = breaker(location, now, **fields)
    with transaction.atomic():
        breakers._open(row, why="12 of 20 failed, usually 1 of 40.", now=now)
        row.save()
        notices.tell([(row, notices.OPENED)], now=now)
    return row


def test_the_managers_of_a_location_are_told(people, location, now):
    opened(location, now)
    assert notices.dispatch_notices(now=now) == 1
    assert told() == ["manager"]


def test_those_who_may_let_go_on_are_told_of_everything(people, now):
    opened(None, now)
    notices.dispatch_notices(now=now)
    assert told() == ["admin", "regional"]


def test_where_no_play_acts_by_itself_nobody_is_told(people, location, elsewhere, now):
    """On the first days people approve by the dozen: unusual, and nothing is held by it."""
    opened(elsewhere, now)
    opened(location, now, play_id=PAYMENT)
    PlayPhase.objects.update(phase=Phase.REVIEW)
    opened(location, now, signal="stops")
    opened(None, now)
    assert notices.dispatch_notices(now=now) == 0
    message = make_message(location, now=now)
    message.is_automatic = True
    message.save()
    opened(location, now, signal="undelivered")  # it went down, and what it approved still waits
    assert notices.dispatch_notices(now=now) == 1


def test_a_location_without_a_manager_is_never_told_to_nobody(people, location, now):
    people["manager"].delete()
    opened(location, now)
    notices.dispatch_notices(now=now)
    assert told() == ["regional"]
    User.objects.filter(role="regional").update(email="")
    opened(location, now, signal="stops")
    notices.dispatch_notices(now=now)
    assert told() == ["admin", "regional"]


def test_the_note_says_what_where_how_far_and_what_to_do(people, location, now, settings):
    message = make_message(location, now=now)
    message.is_automatic = True
    message.save()
    row = opened(location, now)
    notices.dispatch_notices(now=now)
    note = mail.outbox[0]
    assert note.subject == "Automatic messages are held: North"
    for said in (
        "Where: North",
        "What: many messages fail",
        "Against usual: 12 of 20 failed, usually 1 of 40.",
        "Held: 1 messages",
        "from 20 Nov 14:00 EST",  # two hours on, on the clock of the place
        settings.PUBLIC_URL + reverse("settings-automation"),
        settings.PUBLIC_URL + reverse("preferences"),
    ):
        assert said in note.body, said
    guest = message.guest
    for secret in (guest.first_name, guest.last_name, guest.phone, guest.email, message.body):
        assert secret not in note.subject + note.body
    entry = LedgerEntry.objects.get(event="breaker.told")
    assert entry.target_id == str(row.pk)
    assert '"state":"sent"' in entry.body
    assert "@" not in entry.body


def test_one_opening_is_told_once_however_often_it_is_asked(people, location, now):
    row = opened(location, now)
    for later in (now, now + MINUTE):
        notices.tell([(row, notices.OPENED)], now=later)
        notices.dispatch_notices(now=later)
    assert told() == ["manager"]
    row.tries_at = now + 5 * HOUR
    breakers._open(row, why="again", now=now + 3 * HOUR)
    notices.tell([(row, notices.OPENED)], now=now + 3 * HOUR)
    notices.dispatch_notices(now=now + 3 * HOUR)
    assert told() == ["manager", "manager"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_mail(people, location, now):
    opened(location, now)
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        notices.dispatch_notices(now=now)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert told() == ["manager"]


def test_a_note_falls_with_the_opening_that_was_not_kept(people, location, now):
    def fall() -> None:
        with transaction.atomic():
            opened(location, now)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fall()
    assert notices.dispatch_notices(now=now) == 0


@pytest.mark.parametrize(
    ("result", "mails"), [(Result.RETRY, 1), (Result.UNKNOWN, 0), (Result.REFUSED, 0)]
)
def test_a_mail_server_that_is_away_is_tried_again_an_unclear_answer_is_not(
    people, location, now, monkeypatch, result, mails
):
    opened(location, now)
    with monkeypatch.context() as away:
        away.setattr(email, "send", lambda **call: Outcome(result, error="away"))
        assert notices.dispatch_notices(now=now) == 1
    assert told() == []
    notices.dispatch_notices(now=now + HOUR)
    assert len(told()) == mails


def test_a_worker_that_died_after_the_claim_does_not_lead_to_a_second_mail(people, location, now):
    opened(location, now)
    outbox.claim(candidate_sql=notices._CANDIDATE, params={}, now=now, lease=notices.LEASE)
    assert notices.dispatch_notices(now=now) == 0
    outbox.expire_leases(now=now + 5 * MINUTE)
    assert notices.dispatch_notices(now=now + 5 * MINUTE) == 0
    assert OutboxItem.objects.get(topic="notice").state == OutboxItem.State.UNKNOWN


def test_closing_by_hand_is_told_to_the_others_without_the_reason_typed(
    people, location, regional, now
):
    row = opened(location, now)
    breakers.close_by_hand(
        breaker_id=row.pk, reason="Ada Moss complained, it is fine", by=regional, now=now + HOUR
    )
    notices.dispatch_notices(now=now + HOUR)
    note = mail.outbox[-1]
    assert note.subject == "Automatic messages go on: North"
    assert f"{regional.get_full_name()} let them go on." in note.body
    assert "Ada" not in note.body


def test_who_closes_it_is_not_told_by_mail(people, now):
    row = opened(None, now)
    breakers.close_by_hand(breaker_id=row.pk, reason="seen", by=people["admin"], now=now + HOUR)
    notices.dispatch_notices(now=now + HOUR)
    assert told() == ["admin", "regional", "regional"]


def test_what_is_still_held_next_morning_is_told_once_a_morning(people, location, now):
    row = opened(location, now)  # Friday noon
    assert notices.still_held([row], now=now + 18 * HOUR) == []  # 6:00
    for hours in (19, 20, 43):  # 7:00, 8:00, and 7:00 the day after
        notices.tell(notices.still_held([row], now=now + hours * HOUR), now=now + hours * HOUR)
    notices.dispatch_notices(now=now + 44 * HOUR)
    subjects = [one.subject for one in mail.outbox]
    assert subjects.count("Automatic messages are still held: North") == 2
    row.state = State.CLOSED
    assert notices.still_held([row], now=now + 67 * HOUR) == []


def test_the_look_that_opens_it_queues_the_note(people, location, now, monkeypatch):
    tripped = breakers.Verdict(trips=True, why="far too many")
    monkeypatch.setattr(breakers, "judge", lambda *args: tripped)
    breakers.look(now=now)
    queued = OutboxItem.objects.filter(topic="notice").count()
    assert queued == 2 * len(breakers.FOR_EVERYTHING)
    breakers.look(now=now + 5 * MINUTE)
    assert OutboxItem.objects.filter(topic="notice").count() == queued


def test_a_calm_first_look_tells_nobody(people, location, now):
    breakers.look(now=now)
    assert not OutboxItem.objects.filter(topic="notice").exists()


def test_a_person_switches_the_mails_off_under_their_own_account(client, people, location, now):
    client.force_login(people["manager"])
    assert "when automatic messages are held" in client.get(reverse("preferences")).content.decode()
    client.post(reverse("preferences"), {"theme": "dark", "single_keys": "on"})
    opened(location, now)
    notices.dispatch_notices(now=now)
    assert "manager" not in told()
