"""Deliveries nobody could read: what they are, what they hold back, and what people do about them.

An answer counts as unread until it is done, and the gate holds every message to whoever wrote it.
So what a handler gave up waits here for a person: to be read again, to be read by eye, or, where no
guest wrote it, to be put aside.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import fence
from audit import services as audit
from memberships.models import Guest, Location
from outreach import events
from outreach.errors import Conflict, NotAllowed
from outreach.models import Channel, Message, Reply, Topic
from outreach.reading import intents, topics
from outreach.replies import mail_text, taking
from platforms import inbox
from platforms.carriers import inbound_mail, sms
from platforms.models import InboxDelivery, OutboxItem
from platforms.tasks import wake_inbox

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

    from staff.models import User

log = logging.getLogger(__name__)

Status = InboxDelivery.Status
LENGTH = 50
# By connection: what it is, and how an answer of a guest is taken out of it.
KINDS: dict[str, StrPromise] = {
    "sms-inbound": gettext_lazy("answer by text message"),
    "mail": gettext_lazy("e-mail"),
    "sms-status": gettext_lazy("what became of a text message"),
    "zenoti": gettext_lazy("change in the booking platform"),
}
CHANNELS = {"sms-inbound": Channel.SMS, "mail": Channel.EMAIL}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One delivery as staff see it."""

    delivery: InboxDelivery
    what: str
    why: str
    guests: list[Guest]  # who has the address it came from
    sender: str  # empty where nobody wrote; cut to its end where the reader may not see it
    location: Location | None  # whose clock tells when
    holds: int  # messages that wait because of it
    is_answer: bool
    again_at: datetime | None  # when the machine tries by itself; None when it has given up

    @property
    def is_stuck(self) -> bool:
        """The machine has given up: a person may act."""
        return self.delivery.status == Status.PARKED


@dataclass(frozen=True)
class Parked:
    """The page: what waits for people, and what is still being tried."""

    rows: list[Row]
    total: int
    stuck: int  # of them, given up by the machine


def visible(user: User, location_id: int | None = None) -> QuerySet[InboxDelivery]:
    """Deliveries that failed at least once and are not done, as far as they concern the person:
    those from guests of the person's locations and about messages to them; who serves all sees the
    rest too."""
    failed: QuerySet[InboxDelivery] = InboxDelivery.objects.filter(
        Q(status=Status.PARKED) | (Q(status=Status.RECEIVED) & ~Q(error=""))
    )
    if user.all_locations and location_id is None:
        return failed
    places = [location_id] if location_id is not None else user.location_ids()
    about_here = Message.objects.filter(location__in=places, outbox=OuterRef("about"))
    return failed.filter(_written_at(places) | (Q(about__isnull=False) & Q(Exists(about_here))))


def _written_at(location_ids: list[int]) -> Q:
    """Who wrote is a guest of these locations, by phone or by address."""
    here = Guest.objects.present().filter(location__in=location_ids)
    sender = OuterRef("sender")
    # Two look-ups by index; an OR of both columns would read every guest.
    return ~Q(sender="") & (
        Q(Exists(here.filter(phone=sender))) | Q(Exists(here.filter(email=sender)))
    )


def count(user: User) -> int:
    """How many the person could see to: for the navigation. One query, by a partial index."""
    return visible(user).filter(status=Status.PARKED).count()


def parked(user: User, location_id: int | None) -> Parked:
    """The newest of them with what each holds back. Four queries."""
    mine = visible(user, location_id)
    counts = mine.aggregate(total=Count("pk"), stuck=Count("pk", filter=Q(status=Status.PARKED)))
    # What the machine gave up first; the oldest has kept a guest waiting longest.
    found = list(mine.order_by("-status", "received_at", "pk")[:LENGTH])
    found.sort(key=lambda delivery: delivery.status != Status.PARKED)
    return Parked(rows=_rows(found, user), total=counts["total"], stuck=counts["stuck"])


def one(user: User, delivery_id: int) -> Row | None:
    """One of them, if the person may see it."""
    return next(iter(_rows(list(visible(user).filter(pk=delivery_id)), user)), None)


def _rows(found: list[InboxDelivery], user: User) -> list[Row]:
    senders = {delivery.sender for delivery in found} - {""}
    by_sender: dict[str, list[Guest]] = {}
    for guest in (
        Guest.objects.present()
        .filter(Q(phone__in=senders) | Q(email__in=senders))
        .filter(location__in=user.location_ids())
        .select_related("location")
        .order_by("first_name", "last_name", "pk")[: LENGTH * 4]
    ):
        for address in {guest.phone, guest.email} & senders:
            by_sender.setdefault(address, []).append(guest)
    with fence.beyond("what an unread answer holds back may be another location's"):
        waiting = dict(
            Message.objects.filter(
                channel__in=Channel.values,
                address__in=senders,
                outbox__state=OutboxItem.State.READY,
            )
            .values("address")
            .annotate(n=Count("pk"))
            .values_list("address", "n")
        )
    told_of = _told_of(found, user)
    sees_addresses = user.has_perm("outreach.answer_freely")
    rows = []
    for delivery in found:
        guests = by_sender.get(delivery.sender, [])
        holds = waiting.get(delivery.sender, 0)
        if (message := told_of.get(delivery.about)) is not None:
            guests = [message.guest]
            holds = int(message.outbox.state == OutboxItem.State.READY)
        tries_on = delivery.status == Status.RECEIVED
        rows.append(
            Row(
                delivery=delivery,
                what=str(KINDS.get(delivery.connection, delivery.connection)),
                why=why(delivery),
                guests=guests,
                sender=delivery.sender if sees_addresses else masked(delivery.sender),
                location=guests[0].location if guests else None,
                holds=holds,
                is_answer=is_answer(delivery),
                again_at=delivery.leased_until if tries_on else None,
            )
        )
    return rows


def _told_of(found: list[InboxDelivery], user: User) -> dict[UUID | None, Message]:
    """The messages these deliveries were posted for, by outbox row; no query where there are
    none."""
    rows = {delivery.about for delivery in found} - {None}
    if not rows:
        return {}
    messages = Message.objects.visible_to(user).filter(outbox__in=rows)
    return {
        message.outbox_id: message
        for message in messages.select_related("outbox", "guest__location")
    }


def is_answer(delivery: InboxDelivery) -> bool:
    """Whether a guest wrote it; a notice about a mail of ours nobody did."""
    return delivery.connection in CHANNELS and delivery.event_type != "notice"


def masked(address: str) -> str:
    """The end of a number, or the domain of an address: enough to know it again."""
    if not address:
        return ""
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}" if at else f"… {address[-4:]}"


def why(delivery: InboxDelivery) -> str:
    """The reason in plain words."""
    kind, colon, _rest = delivery.error.partition(":")
    if colon and kind.isidentifier():
        if kind == "OperationalError":
            return _("The database was busy or away.")
        # What it was stands in the log, where whoever mends it looks.
        return _("Tenure stumbled over it. The log tells more (delivery %(n)s).") % {
            "n": delivery.pk
        }
    return delivery.error or _("Tenure could not read it.")


# --- What people do -------------------------------------------------------------------------------


def _mine(delivery_id: int, *, by: User) -> InboxDelivery:
    """The delivery, its row locked. Raises Conflict when it is read by now or not the person's."""
    row: InboxDelivery | None = (
        InboxDelivery.objects.select_for_update().filter(pk=delivery_id).first()
    )
    if row is None or row.status == Status.DONE:
        raise Conflict(_("It has been read meanwhile."))
    if not visible(by).filter(pk=row.pk).exists():
        raise NotAllowed(_("This came to another location. Ask somebody there."))
    if row.status != Status.PARKED:
        raise Conflict(_("The machine is trying it again at this moment."))
    return row


@fence.beyond("who shares the address decides whose it is")
@transaction.atomic
def read_again(*, delivery_ids: list[int], by: User, now: datetime) -> int:
    """Hand these parked deliveries to the machine once more; how many of them are parked and the
    person's. Raises NotAllowed."""
    _check_may(by)
    mine = visible(by).filter(pk__in=delivery_ids, status=Status.PARKED)
    ids = list(mine.order_by("pk").values_list("pk", flat=True))
    rows = list(InboxDelivery.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    tried = inbox.try_again(delivery_ids=ids)
    transaction.on_commit(wake_inbox, robust=True)
    if tried:
        about = _concerned(rows)
        audit.record_many(
            [
                audit.Entry(
                    event=events.DELIVERY_READ_AGAIN,
                    at=now,
                    by=by,
                    location_id=about.get(row.sender, (None, None))[0],
                    guest_id=about.get(row.sender, (None, None))[1],
                    target=row,
                    detail={"what": str(KINDS.get(row.connection, row.connection))},
                )
                for row in rows
            ]
        )
    return tried


@fence.beyond("a stop holds for everybody who shares the address")
@transaction.atomic
def read_by_eye(*, delivery_id: int, says_stop: bool, by: User, now: datetime) -> Reply:
    """A person reads an answer the machine could not: it becomes a reply in the inbox, for a
    person whatever it says. The address is suppressed when the person says that it asks for that,
    or when the rules read it so, or cannot read it at all. Raises Conflict, NotAllowed."""
    _check_may(by)
    row = _mine(delivery_id, by=by)
    if not is_answer(row):
        raise NotAllowed(_("No guest wrote this. Try it again, or put it aside."))
    inbox.settle_by_hand(delivery_id=row.pk, now=now)
    body = text_of(row)
    known = _known(row, body, says_stop=says_stop)
    reply = taking.take_reply(
        channel=CHANNELS[row.connection],
        address=row.sender,
        carrier_ref=f"by-eye:{row.pk}",
        body=body,
        received_at=row.received_at,
        now=now,
        known=known,
    )
    if reply is None:
        raise Conflict(_("It has been read meanwhile."))
    audit.record_about(
        events.DELIVERY_READ_BY_EYE,
        reply,
        at=now,
        by=by,
        stopped=known.reading is not None and known.reading.suppresses,
    )
    return reply


@transaction.atomic
def put_aside(*, delivery_id: int, by: User, now: datetime) -> None:
    """What no guest wrote needs nobody: a status, a change the next reading of the platform brings
    anyway. Raises Conflict, NotAllowed."""
    _check_may(by)
    row = _mine(delivery_id, by=by)
    if is_answer(row):
        raise NotAllowed(_("A guest wrote this: read it."))
    inbox.settle_by_hand(delivery_id=row.pk, now=now)
    message = _told_of([row], by).get(row.about)
    audit.record(
        events.DELIVERY_PUT_ASIDE,
        at=now,
        by=by,
        location_id=message.location_id if message is not None else None,
        guest_id=message.guest_id if message is not None else None,
        target=row,
        detail={"what": str(KINDS.get(row.connection, row.connection))},
    )


def _check_may(by: User) -> None:
    if not by.has_perm("outreach.answer_reply"):
        raise NotAllowed(_("You may not work the replies. Ask a manager."))


def _concerned(rows: list[InboxDelivery]) -> dict[str, tuple[int, int]]:
    """By address: location and guest of who wrote, where it can be only one. One query."""
    senders = {row.sender for row in rows} - {""}
    found: dict[str, list[tuple[int, int]]] = {}
    for guest in Guest.objects.present().filter(Q(phone__in=senders) | Q(email__in=senders)):
        for address in {guest.phone, guest.email} & senders:
            found.setdefault(address, []).append((guest.location_id, guest.pk))
    return {address: pairs[0] for address, pairs in found.items() if len(pairs) == 1}


def _known(row: InboxDelivery, body: str, *, says_stop: bool) -> taking.Known:
    """For a person in any case; silence when the person, the rules or doubt ask for it."""
    topic: str = Topic.SILENCE if says_stop else Topic.OTHER
    try:
        read = intents.read(taking.cleaned(body))
        if not says_stop:
            topic = topics.read(body, read).topic
    except Exception:
        log.exception("an answer read by a person could not be read by rule")
        read = intents.Reading(Reply.Intent.OTHER, for_person=True, suppresses=True)
        topic = Topic.SILENCE
    reading = intents.Reading(
        Reply.Intent.STOP if says_stop else read.intent,
        for_person=True,
        suppresses=says_stop or read.suppresses,
        everything=read.everything,
    )
    return taking.Known(reading=reading, topic=topic)


def text_of(row: InboxDelivery) -> str:
    """The words of an answer, as well as they can be made out."""
    if row.connection == "mail":
        try:
            mail = inbound_mail.parse(bytes(row.body))
            return mail_text.own_words(mail.text, mail.html) or mail.text or mail.subject
        except Exception:
            log.exception("a mail read by a person could not be taken apart")
            return bytes(row.body).decode("utf-8", "replace")
    form = sms.form_of(bytes(row.body))
    return form.get("Body") or bytes(row.body).decode("utf-8", "replace")
