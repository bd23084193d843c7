"""One call: taken, logged, put off, taken back. Lock the row, ask the rule, ledger last."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from audit import fence
from audit import services as audit
from audit.services import Entry
from cancellations import events, rules
from cancellations.hours import may_call
from cancellations.models import Call, CallRules, CallTry, PhoneFlag
from cancellations.rules import HOLD, CallChanged, CallOver
from outreach.gate.hours import Hours
from outreach.models import Suppression
from outreach.services import call_made, lift_suppression, suppress
from staff.models import User

Outcome = Call.Outcome
FLAGS = {
    Outcome.WRONG_NUMBER: PhoneFlag.Kind.WRONG_NUMBER,
    Outcome.DO_NOT_CALL: PhoneFlag.Kind.DO_NOT_CALL,
}
PUT_OFF = timedelta(hours=1)
ASKED_BY_PHONE = "Asked on the phone not to be called"


@transaction.atomic
def hold_call(*, call_id: int, by: User, now: datetime) -> Call:
    """Take a row for ten minutes, so that nobody else rings the guest; taking it again lengthens
    it. A person is on one call at a time: other rows they hold become free. Raises CallHeld,
    CallOver."""
    call = _locked(call_id)
    rules.check_not_held(call, by, now)
    if not call.is_open:
        raise CallOver(f"Row {call.row_no} is done: {rules.said(call)}")
    is_new = call.held_by_id != by.pk or call.held_until is None or call.held_until <= now
    Call.objects.filter(held_by=by).exclude(pk=call.pk).update(held_by=None, held_until=None)
    call.held_by, call.held_until = by, now + HOLD
    call.save(update_fields=["held_by", "held_until"])
    if is_new:
        _record(events.CALL_OPENED, call, by, now)
    return call


@transaction.atomic
def release_call(*, call_id: int, by: User) -> None:
    """Let go of a row without an outcome. Somebody else's hold stays."""
    Call.objects.filter(pk=call_id, held_by=by).update(held_by=None, held_until=None)


@fence.beyond("a number is nobody's to dial again, at no location")
@transaction.atomic
def log_call(
    *,
    call_id: int,
    version: int,
    outcome: str,
    by: User,
    now: datetime,
    note: str = "",
    call_back_at: datetime | None = None,
) -> Call:
    """Write down what came of one call. `version` is that of the row the caller saw: a second
    press of the same key changes nothing and returns the row. Raises CallHeld, CallOver,
    CallChanged, WrongTime."""
    call = _locked(call_id)
    seen = CallTry.objects.filter(call=call, call_version=version).first()
    if seen is not None and seen.by_id == by.pk and seen.outcome == outcome and not seen.undone_at:
        return call
    rules.check_can_change(call, by, version, now)
    if outcome not in LOGGABLE:
        raise CallChanged("Choose one of the seven outcomes.")
    if outcome == Outcome.CALL_BACK:
        call_back_at = rules.check_call_back(
            call_back_at, call=call, hours=Hours.current(), now=now
        )
    else:
        call_back_at = None
    attempt = CallTry.objects.create(
        call=call,
        call_version=version,
        guest=call.guest,
        location=call.location,
        by=by,
        at=now,
        outcome=outcome,
        note=note.strip()[:500],
        call_back_at=call_back_at,
    )
    _apply_tries(call, now)
    _save(call)
    if call.status == Call.Status.DONE:
        call_made(guest_id=call.guest_id, now=now)
    flagged = _flag(call, attempt, by, now)
    audit.record_many([_entry(events.CALL_LOGGED, call, by, now, outcome=outcome), *flagged])
    return call


@transaction.atomic
def put_off_call(*, call_id: int, version: int, by: User, now: datetime, note: str = "") -> Call:
    """Move a row to later without a call: it comes back in an hour. Not counted as a try. Raises
    CallHeld, CallOver, CallChanged."""
    call = _locked(call_id)
    if call.status == Call.Status.LATER and call.version == version + 1 and call.due_at:
        return call  # the same key, pressed twice
    rules.check_can_change(call, by, version, now)
    call.status, call.due_at = Call.Status.LATER, now + PUT_OFF
    call.note = note.strip()[:500] or call.note
    _save(call)
    _record(events.CALL_PUT_OFF, call, by, now)
    return call


@fence.beyond("a number may be dialled again, at every location")
@transaction.atomic
def undo_call(*, call_id: int, version: int, by: User, now: datetime) -> Call:
    """Take back the last try of a row on its own day; a flag it set on the number goes with it.
    Raises CallHeld, CallChanged, CallOver."""
    call = _locked(call_id)
    rules.check_not_held(call, by, now)
    if call.version != version:
        raise CallChanged(f"Row {call.row_no} has changed since: {rules.said(call)}")
    attempt = CallTry.objects.filter(call=call).standing().order_by("-pk").first()
    if attempt is None or call.on < call.location.today(now):
        raise CallOver("There is nothing to take back any more.")
    attempt.undone_at = now
    attempt.save(update_fields=["undone_at"])
    lifted = PhoneFlag.objects.filter(attempt=attempt, lifted_at__isnull=True)
    for flag in lifted.filter(kind=PhoneFlag.Kind.DO_NOT_CALL):
        _lift(call, flag.phone, by, now)
    entries = [_entry(events.PHONE_UNFLAGGED, call, by, now, kind=flag.kind) for flag in lifted]
    lifted.update(lifted_at=now)
    _apply_tries(call, now)
    call.closed_why = ""
    _save(call)
    audit.record_many(
        [_entry(events.CALL_UNDONE, call, by, now, outcome=attempt.outcome), *entries]
    )
    return call


LOGGABLE = [choice for choice in Outcome.values if choice != Outcome.CLOSED]


def _locked(call_id: int) -> Call:
    rows = Call.objects.select_for_update(of=("self",)).select_related(
        "location", "guest", "held_by"
    )
    call: Call = rows.get(pk=call_id)
    return call


def _apply_tries(call: Call, now: datetime) -> None:
    """Derive the row's state from the tries that stand: the one place that says what an outcome
    leads to."""
    tries = list(CallTry.objects.filter(call=call).standing().order_by("pk"))
    call.tries = len(tries)
    call.due_at = None
    if not tries:
        call.status, call.outcome, call.last_try_at = Call.Status.TODO, "", None
        return
    last = tries[-1]
    call.outcome, call.last_try_at = last.outcome, last.at
    call.note = last.note or call.note
    call.status = Call.Status.DONE
    limits = CallRules.current()
    if last.outcome == Outcome.CALL_BACK:
        call.due_at = last.call_back_at
        if last.call_back_at and call.location.today(last.call_back_at) == call.on:
            call.status = Call.Status.LATER
    elif last.outcome == Outcome.NO_ANSWER and call.tries < limits.tries_per_day:
        again = last.at + timedelta(minutes=limits.again_after_minutes)
        too_late = call.call_by_at is not None and again > call.call_by_at
        is_open = may_call(again, call, Hours.current())
        if call.location.today(again) == call.on and is_open and not too_late:
            call.status, call.due_at = Call.Status.LATER, again


def _save(call: Call) -> None:
    """A decision ends the hold and makes a new version."""
    call.held_by, call.held_until = None, None
    call.version += 1
    call.save()


def _flag(call: Call, attempt: CallTry, by: User, now: datetime) -> list[Entry]:
    """Mark the number after "wrong number" and "do not call"; it is never dialled again."""
    kind = FLAGS.get(Outcome(attempt.outcome))
    if kind is None:
        return []
    PhoneFlag.objects.get_or_create(
        kind=kind,
        phone=call.guest.phone,
        guest=call.guest,
        lifted_at=None,
        defaults={"location": call.location, "added_at": now, "added_by": by, "attempt": attempt},
    )
    if kind == PhoneFlag.Kind.DO_NOT_CALL:
        _suppress(call, by, now)
    return [_entry(events.PHONE_FLAGGED, call, by, now, kind=kind)]


# Who does not want calls gets no text messages either: the law counts a text as a call.
NO_CALLS = ("call", "sms")


def _suppress(call: Call, by: User, now: datetime) -> None:
    for channel in NO_CALLS:
        suppress(
            channel=channel,
            address=call.guest.phone,
            source=Suppression.Source.STAFF,
            reason=ASKED_BY_PHONE,
            now=now,
            by=by,
            guest_id=call.guest_id,
            location_id=call.location_id,
        )


def _lift(call: Call, phone: str, by: User, now: datetime) -> None:
    """Lift what `_suppress` added, and nothing that was there before it."""
    for channel in NO_CALLS:
        ours = Suppression.objects.filter(
            channel=channel, address=phone, reason=ASKED_BY_PHONE, lifted_at__isnull=True
        )
        if ours.exists():
            lift_suppression(
                channel=channel,
                address=phone,
                reason="The call was logged by mistake",
                now=now,
                by=by,
                guest_id=call.guest_id,
                location_id=call.location_id,
            )


def _entry(event: str, call: Call, by: User, now: datetime, **detail: object) -> Entry:
    return Entry.about(
        event,
        call,
        at=now,
        by=by,
        on=call.on,
        row=call.row_no,
        **detail,
    )


def _record(event: str, call: Call, by: User, now: datetime) -> None:
    audit.record_many([_entry(event, call, by, now)])
