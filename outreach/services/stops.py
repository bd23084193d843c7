"""Stopping and resuming: the switch, and addresses that are not to be written to."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from audit import fence
from audit import services as audit
from memberships.models import Location
from outreach import events
from outreach.errors import NotAllowed
from outreach.models import Suppression, Switch

if TYPE_CHECKING:
    from staff.models import User


@transaction.atomic
def stop_sending(*, scope: str, key: str, reason: str, by: User, now: datetime) -> Switch:
    """Keep everything in the scope from leaving, at once. Scope and key as in Switch; the desk
    stops its own locations or everything. Raises NotAllowed, ValueError."""
    return _switch(scope, key, stopped=True, reason=reason or "no reason given", by=by, now=now)


@transaction.atomic
def resume_sending(*, scope: str, key: str, reason: str, by: User, now: datetime) -> Switch:
    """Let the scope send again. The caller has asked for the password. Raises NotAllowed,
    ValueError."""
    if not reason.strip():
        raise NotAllowed("Say why sending may go on.")
    return _switch(scope, key, stopped=False, reason=reason, by=by, now=now)


def _switch(scope: str, key: str, *, stopped: bool, reason: str, by: User, now: datetime) -> Switch:
    wanted = Switch.Scope(scope)
    permission = "outreach.stop_sending" if stopped else "outreach.resume_sending"
    location_id = int(key) if wanted == Switch.Scope.LOCATION else None
    place = Location.objects.get(pk=location_id) if location_id else None
    if not by.has_perm(permission, place):
        verb = "stop" if stopped else "resume"
        raise NotAllowed(f"You may not {verb} sending here. Ask a regional manager.")
    row, _ = Switch.objects.update_or_create(
        scope=wanted,
        key=key,
        defaults={
            "stopped": stopped,
            "changed_at": now,
            "changed_by": by,
            "reason": reason.strip()[:200],
        },
    )
    audit.record(
        events.SENDING_STOPPED if stopped else events.SENDING_RESUMED,
        at=now,
        by=by,
        location_id=location_id,
        target=row,
        detail={
            "scope": wanted.label,
            "key": key,
            "what": Switch.objects.named().get(pk=row.pk).what,
            "reason": row.reason,
        },
    )
    return row


@fence.beyond("a stop holds for everybody who shares the address")
@transaction.atomic
def suppress(
    *,
    channel: str,
    address: str,
    source: str,
    reason: str,
    now: datetime,
    by: User | None = None,
    guest_id: int | None = None,
    location_id: int | None = None,
    scope: str = Suppression.Scope.ALL,
) -> bool:
    """Never write to the address on this channel again; `scope` keeps which kind of message was
    answered. False when it was so already; a second stop of another kind makes it everything."""
    row, is_new = Suppression.objects.get_or_create(
        channel=channel,
        address=address,
        lifted_at=None,
        defaults={
            "source": Suppression.Source(source),
            "reason": reason[:200],
            "scope": Suppression.Scope(scope),
            "added_at": now,
            "added_by": by,
        },
    )
    if not is_new:
        wider = Suppression.objects.filter(pk=row.pk).exclude(
            scope__in=[Suppression.Scope.ALL, scope]
        )
        if wider.update(scope=Suppression.Scope.ALL):
            audit.record(
                events.SUPPRESSION_WIDENED,
                at=now,
                by=by,
                location_id=location_id,
                guest_id=guest_id,
                target=row,
                detail={"channel": channel, "reason": reason[:200]},
            )
        return False
    audit.record(
        events.SUPPRESSION_ADDED,
        at=now,
        by=by,
        location_id=location_id,
        guest_id=guest_id,
        target=row,
        detail={
            "channel": channel,
            "source": row.get_source_display(),
            "scope": row.get_scope_display(),
            "reason": row.reason,
        },
    )
    return True


@fence.beyond("a stop holds for everybody who shares the address")
@transaction.atomic
def lift_suppression(
    *,
    channel: str,
    address: str,
    reason: str,
    now: datetime,
    by: User | None = None,
    guest_id: int | None = None,
    location_id: int | None = None,
) -> bool:
    """The guest asked to hear from us again. False when nothing was suppressed."""
    rows = Suppression.objects.filter(channel=channel, address=address, lifted_at__isnull=True)
    if not rows.update(lifted_at=now):
        return False
    audit.record(
        events.SUPPRESSION_LIFTED,
        at=now,
        by=by,
        location_id=location_id,
        guest_id=guest_id,
        detail={"channel": channel, "reason": reason},
    )
    return True
