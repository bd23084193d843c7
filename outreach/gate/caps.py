"""Limits in cents: set aside at approval, spent when sent, given back otherwise (INV-7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q

from memberships.models import Location
from outreach.errors import CapReached
from outreach.models import Cap, Message, OutreachPolicy

BUSINESS = "business"


@dataclass(frozen=True)
class Line:
    """One limit that a cost falls under."""

    scope: Cap.Scope
    key: str
    period: str
    limit_cents: int

    @property
    def address(self) -> tuple[str, str, str]:
        return (self.scope.value, self.key, self.period)


def lines_for(
    *, location: Location, play_key: str, at: datetime, policy: OutreachPolicy
) -> list[Line]:
    """The nested limits for a cost at a location. Days, months and amounts are the location's; two
    currencies are never added, so each currency has its own months and may have limits of its
    own."""
    on = location.today(at)
    month, currency = f"{on:%Y-%m}", location.currency
    lines = [
        (Cap.Scope.LOCATION_DAY, str(location.pk), on.isoformat()),
        (Cap.Scope.PLAY_MONTH, f"{play_key}:{currency}", month),
        (Cap.Scope.BUSINESS_MONTH, f"{BUSINESS}:{currency}", month),
    ]
    return [Line(*line, policy.limit_cents(line[0], currency)) for line in lines]


def _at_addresses(addresses: Iterable[tuple[str, str, str]]) -> Q:
    condition = Q(pk__in=[])
    for scope, key, period in sorted(set(addresses)):
        condition |= Q(scope=scope, key=key, period=period)
    return condition


def reserve(*, lines: Sequence[Line], cost_cents: int) -> None:
    """Set the cost aside under every line, or under none. Raises CapReached.

    Call inside the transaction of the approval. Rows are locked in the order of their ids, so that
    two approvals with common lines never wait for each other in a circle.
    """
    if cost_cents == 0:
        return
    Cap.objects.bulk_create(
        [
            Cap(scope=line.scope, key=line.key, period=line.period, limit_cents=line.limit_cents)
            for line in lines
        ],
        ignore_conflicts=True,
    )
    rows = list(
        Cap.objects.select_for_update()
        .filter(_at_addresses(line.address for line in lines))
        .order_by("pk")
    )
    fitting = Cap.objects.filter(
        pk__in=[row.pk for row in rows],
        limit_cents__gte=F("reserved_cents") + F("spent_cents") + cost_cents,
    )
    if fitting.update(reserved_cents=F("reserved_cents") + cost_cents) < len(lines):
        full = next(
            (r for r in rows if r.reserved_cents + r.spent_cents + cost_cents > r.limit_cents),
            None,
        )
        raise CapReached(_full_sentence(full, cost_cents))


def reserve_anew(messages: Sequence[Message], *, policy: OutreachPolicy) -> list[Message]:
    """Set the costs of these messages aside once more, in their order, each under all its limits or
    not at all; those that fit are returned. As many statements for one as for hundreds. Call it
    inside the transaction that queues them."""
    lines = {
        m.pk: lines_for(
            location=m.location, play_key=m.play_id or "", at=m.approved_at, policy=policy
        )
        for m in messages
        if m.reservation == Message.Reservation.VOIDED
    }
    every = {line.address: line for of_one in lines.values() for line in of_one}
    Cap.objects.bulk_create(
        [
            Cap(scope=line.scope, key=line.key, period=line.period, limit_cents=line.limit_cents)
            for line in every.values()
        ],
        ignore_conflicts=True,
    )
    locked = Cap.objects.select_for_update().filter(_at_addresses(every)).order_by("pk")
    rows = {(str(cap.scope), cap.key, cap.period): cap for cap in locked}
    fitting = []
    for message in messages:
        mine = [rows[line.address] for line in lines.get(message.pk, [])]
        cost = message.cost_cents
        if any(cap.reserved_cents + cap.spent_cents + cost > cap.limit_cents for cap in mine):
            continue
        for cap in mine:
            cap.reserved_cents += cost
        fitting.append(message)
    # The rows are locked, so nobody else has changed what was read.
    Cap.objects.bulk_update(rows.values(), ["reserved_cents"], batch_size=1_000)
    Message.objects.filter(
        pk__in=[message.pk for message in fitting if message.pk in lines],
        reservation=Message.Reservation.VOIDED,
    ).update(reservation=Message.Reservation.RESERVED)
    return fitting


def _full_sentence(cap: Cap | None, cost_cents: int) -> str:
    if cap is None:
        return "A spending limit is reached. Choose a cheaper offer or wait for the next day."
    left = max(cap.limit_cents - cap.reserved_cents - cap.spent_cents, 0)
    return (
        f"The limit for {cap.get_scope_display()} has {left / 100:.2f} left and this costs "
        f"{cost_cents / 100:.2f}. Choose words only or a cheaper offer, or snooze it."
    )


def post(message: Message, *, policy: OutreachPolicy) -> None:
    """Turn the reservation into spending: the message went out. Twice does nothing."""
    _settle(message, Message.Reservation.POSTED, policy=policy)


def void(message: Message, *, policy: OutreachPolicy) -> None:
    """Give the reservation back: the message will not go out. Twice does nothing."""
    _settle(message, Message.Reservation.VOIDED, policy=policy)


def _settle(message: Message, outcome: Message.Reservation, *, policy: OutreachPolicy) -> None:
    mine = Message.objects.filter(pk=message.pk, reservation=Message.Reservation.RESERVED)
    if not mine.update(reservation=outcome):
        return
    message.reservation = outcome
    lines = lines_for(
        location=message.location,
        play_key=message.play_id or "",
        at=message.approved_at,
        policy=policy,
    )
    rows = Cap.objects.select_for_update().filter(_at_addresses(line.address for line in lines))
    ids = [row.pk for row in rows.order_by("pk")]
    cost = message.cost_cents
    spent = cost if outcome == Message.Reservation.POSTED else 0
    Cap.objects.filter(pk__in=ids).update(
        reserved_cents=F("reserved_cents") - cost, spent_cents=F("spent_cents") + spent
    )


def left(lines: Iterable[Line]) -> dict[tuple[str, str, str], int]:
    """Cents left under each line, by its address; one query."""
    wanted = {line.address: line.limit_cents for line in lines}
    result = dict(wanted)
    for cap in Cap.objects.filter(_at_addresses(wanted)):
        result[(cap.scope, cap.key, cap.period)] = (
            cap.limit_cents - cap.reserved_cents - cap.spent_cents
        )
    return result


def follow_policy(*, policy: OutreachPolicy, locations: Sequence[Location], now: datetime) -> None:
    """Let today's and this month's limits follow changed rules, never below what is used."""
    days = {place.today(now) for place in locations} or {now.date()}
    earliest_day = min(days).isoformat()
    earliest_month = f"{min(days):%Y-%m}"
    currency_at = {str(place.pk): place.currency for place in locations}
    for cap in Cap.objects.select_for_update().order_by("pk"):
        is_day = cap.scope == Cap.Scope.LOCATION_DAY
        if cap.period >= (earliest_day if is_day else earliest_month):
            # The key of a month ends in its currency; a day's is that of its location.
            currency = currency_at.get(cap.key, "") if is_day else cap.key.rpartition(":")[2]
            limit = policy.limit_cents(Cap.Scope(cap.scope), currency)
            used = cap.reserved_cents + cap.spent_cents
            Cap.objects.filter(pk=cap.pk).update(limit_cents=max(limit, used))
