"""Telling people by e-mail that a breaker holds, still holds, or holds no more.

The note is queued in the transaction that moves the breaker and leaves through the outbox under a
topic of its own: one row per person and news, so that nothing is lost with a worker and nothing is
told twice. It is about numbers and places; no guest is in it. The stop switch holds messages to
guests, not this.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from datetime import time as clock_time
from functools import partial
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit import checkpoints
from audit import services as audit
from memberships.models import Location
from outreach import events
from outreach.models import Breaker, Message, Phase, PlayPhase
from platforms import outbox
from platforms.carriers import email
from platforms.models import OutboxItem
from platforms.outcome import Outcome
from staff.models import User

log = logging.getLogger(__name__)

OPENED, CLOSED, STILL = "opened", "closed", "still"
MORNING = clock_time(7)  # on the clock of the place, with the digest of the day
LEASE = timedelta(seconds=60)  # longer than the slowest call

_CANDIDATE = """
    SELECT o.id FROM platforms_outboxitem o
    WHERE o.topic = 'notice' AND o.state = 'ready' AND o.due_at <= %(now)s
    ORDER BY o.due_at LIMIT 1 FOR UPDATE OF o SKIP LOCKED
"""


def recipients(location: Location | None) -> list[User]:
    """Who is told, those without an address or who want no such mails left out: of a location its
    managers, and those who may let go on only where it has none; of everything those who may let
    go on everywhere."""
    wanting = User.objects.filter(is_active=True, alert_mails=True).exclude(email="")
    people = list(wanting.prefetch_related("locations").order_by("pk"))
    may_resume = [one for one in people if one.has_perm("outreach.resume_sending", location)]
    if location is None:
        return may_resume
    local = [
        one
        for one in people
        if one not in may_resume and one.has_perm("outreach.lower_play", location)
    ]
    serving = [one for one in may_resume if not one.all_locations]
    return local or serving or may_resume


def tell(news: Iterable[tuple[Breaker, str]], *, now: datetime, by: User | None = None) -> int:
    """Queue a note to everybody concerned, but to who did it. Within the transaction that moved
    the breakers, before its ledger entries. Where no play acts by itself there is nothing to hold,
    and the page says it early enough. Returns how many were queued."""
    queued = 0
    news = list(news)
    acting = _acting() if news else []
    for row, kind in news:
        if not any(_is_within(row, play, location_id) for play, location_id in acting):
            continue
        for person in recipients(row.location):
            if by is not None and person.pk == by.pk:
                continue
            outbox.enqueue(
                topic=OutboxItem.Topic.NOTICE,
                channel="email",
                subject=_key(row, kind, person, _moment(row, kind, now)),
                approval="",
                payload={"to": person.email, **words(row, kind, now=now, by=by)},
                due_at=now,
                now=now,
                location_id=row.location_id,
            )
            queued += 1
    return queued


def _acting() -> list[tuple[str, int]]:
    """Play and location of what may act by itself, or has messages waiting that did."""
    phases = PlayPhase.objects.filter(phase=Phase.AUTOMATIC).values_list("play_id", "location_id")
    waiting = Message.objects.filter(
        is_automatic=True, outbox__state=OutboxItem.State.READY
    ).values_list("play_id", "location_id")
    return list(phases.union(waiting))


def _is_within(row: Breaker, play: str, location_id: int) -> bool:
    return row.play_id in (None, play) and row.location_id in (None, location_id)


def still_held(rows: Iterable[Breaker], *, now: datetime) -> list[tuple[Breaker, str]]:
    """Breakers that held before this morning and hold still, once a morning. One query."""
    held = [
        row
        for row in rows
        if row.state != Breaker.State.CLOSED and row.changed_at < _morning(row, now) <= now
    ]
    if not held:
        return []
    told = set(
        OutboxItem.objects.filter(
            topic=OutboxItem.Topic.NOTICE, created_at__gte=now - timedelta(days=2)
        ).values_list("subject", flat=True)
    )
    marks = {subject.rpartition(":")[0] for subject in told}
    return [(row, STILL) for row in held if _mark(row, STILL, _morning(row, now)) not in marks]


def _morning(row: Breaker, now: datetime) -> datetime:
    """Seven o'clock of the day on the clock of the place."""
    zone = _zone(row)
    return datetime.combine(now.astimezone(zone).date(), MORNING, tzinfo=zone)


def _zone(row: Breaker) -> tzinfo:
    """The zone of the breaker's location; of everything, that of the business's first location."""
    first = row.location or Location.objects.filter(is_active=True).order_by("pk").first()
    return first.zone if first else timezone.get_default_timezone()


def _moment(row: Breaker, kind: str, now: datetime) -> datetime:
    return _morning(row, now) if kind == STILL else row.changed_at


def _mark(row: Breaker, kind: str, at: datetime) -> str:
    return f"breaker:{row.pk}:{kind}:{at.timestamp():.0f}"


def _key(row: Breaker, kind: str, person: User, at: datetime) -> str:
    return f"{_mark(row, kind, at)}:{person.pk}"


def words(row: Breaker, kind: str, *, now: datetime, by: User | None = None) -> dict[str, str]:
    """Subject and text of a note: what, where, how far from usual, what is held, what to do."""
    what = str(Breaker.Signal(row.signal).label)
    where = str(row.location.name) if row.location else str(_("every location"))
    if row.play is not None:
        where = f"{row.play.name}, {where}"
    heading = {
        OPENED: _("Automatic messages are held"),
        STILL: _("Automatic messages are still held"),
        CLOSED: _("Automatic messages go on"),
    }[kind]
    lines = [f"{heading}.", "", _("Where: %(where)s") % {"where": where}]
    lines.append(_("What: %(what)s") % {"what": what})
    if kind == CLOSED:
        # The reason a person typed stays in Tenure: it may speak of somebody.
        who = by.get_full_name() if by else ""
        how = _("%(who)s let them go on.") % {"who": who} if by else row.reason
        lines += ["", how]
    else:
        lines += [
            _("Against usual: %(why)s") % {"why": row.reason},
            _("Held: %(n)d messages that a rule approved. New drafts go to people; what a person "
              "approves leaves as ever.") % {"n": _held(row)},
            "",
            _next(row),
            _("What to do: look what changed. If it is as it should be, somebody who may start "
              "sending again lets them go on there."),
        ]  # fmt: skip
    address = settings.PUBLIC_URL.rstrip("/")
    lines += [
        "",
        address + reverse("settings-automation"),
        "",
        _("You get this because you look after messages here. Switch it off under Preferences: "
          "%(link)s") % {"link": address + reverse("preferences")},
    ]  # fmt: skip
    return {"subject": f"{heading}: {where}"[:160], "body": "\n".join(str(line) for line in lines)}


def _next(row: Breaker) -> str:
    if row.state == Breaker.State.HALF_OPEN:
        return str(_("A few are being let through to try."))
    assert row.tries_at is not None  # an open breaker cools (constraint)
    at = timezone.localtime(row.tries_at, _zone(row))
    return str(
        _("Next: from %(at)s a few are let through to try.") % {"at": f"{at:%-d %b %-H:%M %Z}"}
    )


def _held(row: Breaker) -> int:
    waiting: dict[str, Any] = {"is_automatic": True, "outbox__state": OutboxItem.State.READY}
    if row.location_id is not None:
        waiting["location"] = row.location_id
    if row.play_id is not None:
        waiting["play"] = row.play_id
    return Message.objects.filter(**waiting).count()


# --- Sending ------------------------------------------------------------------------------------


def dispatch_notices(*, now: datetime, limit: int = 50) -> int:
    """Send what waits; what got no answer is not repeated. Returns how many calls were made. A
    database older than the exported ledger sends nothing."""
    try:
        checkpoints.check()
    except checkpoints.Behind as error:
        log.error("no note is sent: %s", error)
        return 0
    begun, made = time.monotonic(), 0
    while made < limit:
        instant = now + timedelta(seconds=time.monotonic() - begun)
        item = outbox.claim(candidate_sql=_CANDIDATE, params={}, now=instant, lease=LEASE)
        if item is None:
            break
        made += 1
        outbox.carry_out(item, partial(_call, item), now=instant, also=_note_end)
    return made


def _call(item: OutboxItem) -> Outcome:
    payload = item.payload
    return email.send(
        key=outbox.key_of(item),
        to=payload["to"],
        subject=payload["subject"],
        body=payload["body"],
    )


def _note_end(finished: OutboxItem, at: datetime) -> None:
    _name, breaker_id, kind, _moment_told, person = finished.subject.split(":")
    audit.record(
        events.BREAKER_TOLD,
        at=at,
        location_id=finished.location_id,
        target=Breaker.objects.filter(pk=breaker_id).first(),
        detail={
            "person": int(person),
            "news": kind,
            "outbox": finished.pk,
            "state": finished.state,
            "attempt": finished.attempt,
        },
    )
