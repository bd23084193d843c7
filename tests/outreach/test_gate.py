"""The gate, condition by condition: what belongs to the message holds it, and only that. What
stands beside it (another guest's, another play's, what is over) holds nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from memberships.models import Guest, Location, SyncCursor
from outreach import services
from outreach.gate import conditions
from outreach.library.seed import AT_RISK
from outreach.models import (
    Authorisation,
    Breaker,
    BreakerProbe,
    Contact,
    Draft,
    Message,
    Offer,
    OutreachPolicy,
    Play,
    PlayPhase,
    Reply,
    Run,
    Suppression,
    Switch,
    Thread,
)
from platforms.models import OutboxItem
from staff.models import User
from tests.factories.autonomy import make_automatic
from tests.factories.memberships import NOW, GuestFactory, LocationFactory
from tests.factories.outreach import put_into_arm
from tests.factories.staff import UserFactory

pytestmark = pytest.mark.usefixtures("library", "fresh")

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DUE = NOW + 6 * MINUTE
OTHER = "+12125559999"
Act = Callable[[Message], object]


@pytest.fixture
def message(draft, manager, now) -> Message:
    return services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)


def held(message: Message, at: datetime = DUE) -> str:
    return conditions.held_reasons([message.pk], now=at)[message.pk]


def change(model, **fields) -> Act:
    """What the database says of every row of the model."""
    return lambda message: model.objects.update(**fields)


def both(*acts: Act) -> Act:
    def act(message: Message) -> None:
        for one in acts:
            one(message)

    return act


def switched(scope: str, key: str = "", *, stopped: bool = True) -> Act:
    return lambda message: Switch.objects.create(
        scope=scope, key=key, stopped=stopped, changed_at=NOW, changed_by=message.approved_by
    )


def said_stop(*, channel: str = "sms", address: str = "", **fields) -> Act:
    """A stop from before the message's sequence began; by default to everything, and standing."""
    return lambda message: Suppression.objects.create(
        channel=channel,
        address=address or message.address,
        source="reply",
        reason="STOP",
        added_at=NOW - HOUR,
        **fields,
    )


def split_kinds(message: Message) -> None:
    """A stop to one kind of message does not end the other yet."""
    OutreachPolicy.objects.update(stop_ends_all_on=DUE.date() + timedelta(days=1))


def elsewhere() -> Location:
    place: Location = LocationFactory(name="Elsewhere")
    return place


def other_play() -> Play:
    return Play.objects.create(key="another", name="Another", description="", threshold=0)


def phase(kind: str, *, here: bool = True, this_play: bool = True) -> Act:
    return lambda message: PlayPhase.objects.create(
        play_id=message.play_id if this_play else other_play().pk,
        location_id=message.location_id if here else elsewhere().pk,
        phase=kind,
        since_at=NOW,
    )


def by_mail(message: Message) -> None:
    """The message as an e-mail to the address the guest has."""
    guest = Guest.objects.get(pk=message.guest_id)
    guest.email, guest.email_marketing = "ada@example.test", True
    guest.save()
    Message.objects.update(channel="email", address=guest.email)


def others(number: int = 2, *, state: str = "sent", days: int = 1, mine: bool = True, **changes):
    """Further messages, to the same guest unless said otherwise, so many days ago."""

    def act(message: Message) -> None:
        for n in range(number):
            at = NOW - timedelta(days=days)
            one = Message.objects.get(pk=message.pk)
            one.pk, one.draft, one.cost_cents, one.reservation = None, None, 0, "none"
            if not mine:
                one.guest = GuestFactory(location=message.location)
            for name, value in changes.items():
                setattr(one, name, value)
            leased = at + MINUTE if state in ("sending", "checking") else None
            one.outbox = OutboxItem.objects.create(
                topic="message", channel="sms", subject=f"draft:x{n}", payload={}, payload_hash="",
                state=state, sent_at=at if state == "sent" else None, leased_until=leased,
                due_at=at, created_at=at,
            )  # fmt: skip
            one.save()

    return act


def in_a_thread(message: Message) -> dict[str, object]:
    thread = Thread.objects.create(
        guest=message.guest, channel="sms", address=message.address, last_at=NOW
    )
    return {"purpose": "answer", "thread": thread}


def answers_before(message: Message) -> None:
    others(2, **in_a_thread(message))(message)


def pays(message: Message) -> None:
    """Somebody else pays for the offer of the message."""
    draft = Draft.objects.get(pk=message.draft_id)
    Offer.objects.filter(pk=draft.offer_id).update(paid_by_manufacturer=True)


def signed(*, mine: bool = True, ended: bool = False) -> Act:
    return lambda message: Authorisation.objects.create(
        guest=message.guest if mine else GuestFactory(location=message.location),
        given_on=NOW.date(),
        source="file",
        recorded_at=NOW,
        recorded_by=message.approved_by,
        ended_at=NOW if ended else None,
        ended_by=message.approved_by if ended else None,
    )


def approved_by(role: str, *, limit: int = 0, at: bool = True) -> Act:
    def act(message: Message) -> None:
        person = UserFactory(
            role=role, locations=[message.location] if at else [], approval_limit_cents=limit
        )
        Message.objects.update(approved_by=person)

    return act


STANDS: dict[str, Act] = {
    "a switch that was resumed": switched("all", stopped=False),
    "the switch of another location": lambda m: switched("location", str(elsewhere().pk))(m),
    "the switch of another play": switched("play", "another"),
    "the switch of another channel": switched("channel", "email"),
    "a stop that was taken back": said_stop(lifted_at=NOW),
    "a stop of another number": said_stop(address=OTHER),
    "a stop on another channel": said_stop(channel="email"),
    "a stop to notes, where it is an offer": both(said_stop(scope="service"), split_kinds),
    "a stop to offers, where it is a note": both(
        change(Play, is_marketing=False), said_stop(scope="marketing"), split_kinds
    ),
    "the arm of another play": both(
        lambda m: put_into_arm(m.guest_id, held_out=False),
        lambda m: m.guest.holdout_set.create(
            play=other_play(), is_held_out=True, assigned_at=NOW
        ),
    ),
    "the phase of another location": phase("report", here=False),
    "the phase of another play": phase("report", this_play=False),
    "review where it is": phase("review"),
    "an administrator who serves no location": approved_by("admin", at=False),
    "a limit that is just enough": lambda m: User.objects.update(
        approval_limit_cents=m.cost_cents
    ),
    "consent for the kind it is": both(
        change(Play, is_marketing=False), change(Guest, sms_marketing=False)
    ),
    "an e-mail to who agreed to e-mails": both(by_mail, change(Guest, sms_marketing=False)),
    "no second message but answers": answers_before,
    "messages to others": others(mine=False),
    "messages of last week": others(days=8),
    "messages that did not leave": others(state="refused"),
    "messages that were withdrawn": others(state="withdrawn"),
    "an offer the guest agreed to": both(pays, signed()),
    "one message fewer than the week holds": others(1),
    "messages due long ago that left long ago": others(days=7),
}  # fmt: skip


@pytest.mark.parametrize("beside", STANDS)
def test_what_stands_beside_a_message_does_not_hold_it(message, beside):
    STANDS[beside](message)
    assert held(message) == ""


HOLDS: dict[str, tuple[Act, str]] = {
    "a stop to everything before the policy ends all": (
        both(said_stop(scope="all"), split_kinds),
        "suppressed",
    ),
    "a stop to offers": (both(said_stop(scope="marketing"), split_kinds), "suppressed"),
    "a stop to notes, where it is one": (
        both(change(Play, is_marketing=False), said_stop(scope="service"), split_kinds),
        "suppressed",
    ),
    "a sequence that was left": (
        change(Run, state="left", left_why="by_hand", next_at=None, ended_at=NOW), "sequence"
    ),
    "no consent to the service kind": (
        both(change(Play, is_marketing=False), change(Guest, sms_transactional=False)), "consent"
    ),
    "no consent to e-mail": (both(by_mail, change(Guest, email_marketing=False)), "consent"),
    "merged into another guest": (
        lambda m: Guest.objects.filter(pk=m.guest_id).update(
            merged_into=GuestFactory(location=m.location)
        ),
        "consent",
    ),
    "another mailbox": (both(by_mail, change(Guest, email="new@example.test")), "address"),
    "an approval that was taken back": (
        lambda m: Draft.objects.update(status="pending", decided_by=None, decided_at=None),
        "approval",
    ),
    "no draft at all": (lambda m: Message.objects.update(draft=None), "approval"),
    "a cost above the limit": (
        lambda m: User.objects.update(approval_limit_cents=m.cost_cents - 1), "approver"
    ),
    "an approver of another location": (
        lambda m: m.approved_by.locations.set([elsewhere()]), "approver"
    ),
    "an approver from the desk": (approved_by("desk", limit=10**6), "approver"),
    "nobody approved": (lambda m: Message.objects.update(approved_by=None), "approver"),
    "its cost given back": (lambda m: Message.objects.update(reservation="voided"), "cap"),
    "its cost spent already": (lambda m: Message.objects.update(reservation="posted"), "cap"),
    "the fresh data of another location": (
        lambda m: SyncCursor.objects.update(location=elsewhere()), "stale"
    ),
    "another stream in place of one": (
        lambda m: SyncCursor.objects.filter(stream="guests").update(stream="waitlist"), "stale"
    ),
    "nobody agreed to who pays": (pays, "authorised"),
    "another guest agreed": (both(pays, signed(mine=False)), "authorised"),
    "agreed and took it back": (both(pays, signed(ended=True)), "authorised"),
    "a full week by what is being sent": (others(state="sending"), "week"),
    "a full week by what nobody knows": (others(state="unknown"), "week"),
    "a full week by what is looked up": (others(state="checking"), "week"),
    "a full week by what is uncertain": (others(state="uncertain"), "week"),
}  # fmt: skip


@pytest.mark.parametrize("reason", HOLDS)
def test_each_half_of_a_condition_holds(message, reason):
    act, why = HOLDS[reason]
    act(message)
    assert held(message) == why


def test_a_message_that_left_late_counts_from_the_day_it_left(message):
    others(2)(message)
    OutboxItem.objects.filter(state="sent").update(due_at=NOW - timedelta(days=8))
    assert held(message) == "week"


# --- What the machine approved --------------------------------------------------------------------


@pytest.fixture
def automatic(message, regional, location) -> Message:
    """The message as if a rule had approved it, with a look at the breakers a moment ago."""
    make_automatic(location, regional)
    Message.objects.update(is_automatic=True, approved_by=regional)
    for signal in Breaker.Signal.values:
        if signal != Breaker.Signal.COST:
            Breaker.objects.create(signal=signal, evaluated_at=NOW, changed_at=NOW)
    assert held(message) == ""
    return message


def broken(message: Message, **fields) -> Breaker:
    values = {"signal": "volume", "state": "open", "reason": "Too many", "tries_at": NOW + HOUR}
    return Breaker.objects.create(**values | fields, evaluated_at=NOW, changed_at=NOW)


def test_an_automatic_phase_counts_for_its_play_and_location_only(automatic):
    row = PlayPhase.objects.get()
    for beside in ({"location": elsewhere()}, {"play": other_play()}):
        PlayPhase.objects.filter(pk=row.pk).update(**beside)
        assert held(automatic) == "automatic"
        row.save()
    assert held(automatic) == ""


def test_the_look_at_one_location_is_no_look_at_everything(automatic, location):
    Breaker.objects.filter(signal="stops").update(location=location)
    assert held(automatic) == "watch"


def test_a_breaker_holds_its_play_at_its_location_and_what_lies_within(automatic, location):
    for scope in ({"play_id": AT_RISK, "location": location}, {"location": location}):
        row = broken(automatic, **scope)
        assert held(automatic) == "breaker"
        row.delete()
    for scope in (
        {"play": other_play(), "location": location},
        {"play_id": AT_RISK, "location": elsewhere()},
        {"location": elsewhere()},
    ):
        broken(automatic, **scope)
        assert held(automatic) == ""
    Breaker.objects.filter(play=None, location=None, signal="stops").update(
        state="open", tries_at=NOW + HOUR
    )
    assert held(automatic) == "breaker"


def test_a_place_in_an_earlier_round_is_no_place_in_this_one(automatic, location):
    row = broken(automatic, location=location, state="half_open", probes_left=0, round=2)
    probe = BreakerProbe.objects.create(breaker=row, round=1, message=automatic, at=NOW)
    assert held(automatic) == "breaker"
    BreakerProbe.objects.update(round=2)
    assert held(automatic) == ""
    probe.delete()
    Breaker.objects.filter(pk=row.pk).update(probes_left=1)
    assert held(automatic) == ""


# --- Answers and confirmations --------------------------------------------------------------------


def as_purpose(message: Message, purpose: str) -> None:
    """The message as something a person or a rule answered: no draft stands behind it."""
    more = in_a_thread(message) if purpose == "answer" else {"approved_by": None}
    fields = {"purpose": purpose, "draft": None, "cost_cents": 0, "reservation": "none", **more}
    Message.objects.filter(pk=message.pk).update(**fields)


@pytest.mark.parametrize(
    ("purpose", "why"), [("confirmation", ""), ("help", ""), ("answer", "suppressed")]
)
@pytest.mark.parametrize("scope", ["all", "service"])
def test_after_a_stop_only_its_confirmation_and_help_leave(message, purpose, why, scope):
    as_purpose(message, purpose)
    said_stop(scope=scope)(message)
    split_kinds(message)
    assert held(message) == why


def test_what_is_about_approaching_does_not_bind_an_answer(message, desk, location):
    as_purpose(message, "answer")
    Message.objects.update(approved_by=desk)
    location.synccursor_set.all().delete()
    others(2)(message)
    Guest.objects.update(sms_marketing=False)
    Message.objects.filter(pk=message.pk).update(approved_at=NOW - timedelta(days=9))
    late = DUE + 14 * HOUR  # 02:06 there
    assert held(message, late) == "hours"  # nobody awaits it any more
    thread = Message.objects.get(pk=message.pk).thread
    assert thread is not None
    someone = GuestFactory(location=location)
    other = Thread.objects.create(guest=someone, channel="sms", address="+1", last_at=NOW)
    for talk, why in ((other, "hours"), (thread, "")):
        talk.replies.create(
            carrier_ref=f"IN{talk.pk}", channel="sms", address="+1", body="?", intent="other",
            received_at=late - 23 * HOUR,
        )  # fmt: skip
        assert held(message, late) == why
    assert held(message, late + 2 * HOUR) == "hours"
    Contact.objects.create(guest=message.guest, last_at=late, outbox_id=uuid4())
    assert held(message, late) == ""
    assert held(message, late + 50 * MINUTE) == ""
    Reply.objects.all().delete()
    assert held(message, late) == "hold"


@pytest.mark.parametrize("purpose", ["outreach", "answer", "confirmation"])
def test_the_switch_holds_whatever_it_is(message, purpose):
    if purpose != "outreach":
        as_purpose(message, purpose)
    switched("channel", "sms")(message)
    assert held(message) == "switch"


def test_the_same_message_may_be_tried_again_at_once_and_no_other_to_the_guest(message):
    contact = Contact.objects.create(
        guest=message.guest, last_at=DUE - MINUTE, outbox_id=message.outbox_id
    )
    assert held(message) == ""
    contact.outbox_id = uuid4()
    contact.save()
    assert held(message) == "hold"


def test_a_message_being_sent_does_not_stand_in_its_own_way(message, now):
    OutreachPolicy.objects.update(weekly_cap=1)
    item = message.outbox
    item.state, item.attempt, item.leased_until = "sending", 1, DUE + MINUTE
    item.save()
    policy = OutreachPolicy.current()
    assert conditions.still_open(item, now=DUE, policy=policy)
    others(1)(message)
    assert not conditions.still_open(item, now=DUE, policy=policy)


def open_still(item: OutboxItem, **changes) -> bool:
    """Whether the claim of the item may call, once the database says this of it."""
    OutboxItem.objects.filter(pk=item.pk).update(**changes)
    return conditions.still_open(item, now=DUE, policy=OutreachPolicy.current())


def test_only_the_claim_itself_may_call_and_only_within_its_lease(message, manager):
    item = message.outbox
    mine = {"state": "sending", "attempt": 1, "leased_until": DUE + MINUTE}
    item.attempt = 1
    assert open_still(item, **mine)
    for lost in (
        {"state": "unknown"}, {"state": "checking"}, {"attempt": 2}, {"leased_until": DUE},
    ):  # fmt: skip
        assert not open_still(item, **mine | lost)
    assert open_still(item, **mine)
    switched("all")(message)
    assert not open_still(item, **mine)
