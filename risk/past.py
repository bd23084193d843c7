"""Past cases to learn from, drawn from the mirror for one target."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from django.db.models import F
from django.utils.crypto import salted_hmac

from memberships.models import Appointment, Membership
from risk.engine.additive import Floats
from risk.engine.cases import Cases
from risk.features import bookings, churn
from risk.frame import Frame, stack
from risk.models import Target
from risk.targets import DECLARATIONS

MOST_ROWS = 200_000
SNAPSHOT_EVERY_DAYS = 30
MOST_SNAPSHOTS = 24
# The mirror must reach this far back before a snapshot says anything about habits.
HISTORY_DAYS = 60
BOOKINGS_DAYS = 540
CHURN_WINDOW_DAYS, BOOKING_WINDOW_DAYS = 90, 45
# Members who asked to cancel and are counted as known before the own share is trusted.
NOTICE_P, NOTICE_PRETENDED = 0.95, 20
NOTICE_EXAMPLES = 5


@dataclass(frozen=True)
class Past:
    """`window_days` is the length of the calibration and the test part; `notice_p` the share of
    members who asked to cancel and then left within the horizon."""

    cases: Cases
    window_days: float
    notice_p: float = NOTICE_P


def of(target: str, *, as_of_on: date) -> Past:
    """What is known before the day `as_of_on`."""
    return churn_cases(as_of_on) if target == Target.CHURN else booking_cases(as_of_on)


def snapshot_days(as_of_on: date) -> list[date]:
    """The days memberships are looked at, oldest first: one a month, the newest as late as its
    outcome can be known, the oldest when the mirror has some history."""
    newest = as_of_on - timedelta(days=churn.HORIZON_DAYS + churn.RENEWED_WITHIN_DAYS)
    first = Appointment.objects.order_by("starts_on").values_list("starts_on", flat=True).first()
    if first is None:
        return []
    oldest = first + timedelta(days=HISTORY_DAYS)
    days = [newest - timedelta(days=SNAPSHOT_EVERY_DAYS * back) for back in range(MOST_SNAPSHOTS)]
    return [on for on in reversed(days) if on >= oldest]


def churn_cases(as_of_on: date) -> Past:
    """A row per membership and month. Members who had asked to cancel are left out: their leaving
    is known, and would make the model look better than it is. Where the platform does not tell when
    a member asked, they count as having asked the usual time before the end."""
    days = snapshot_days(as_of_on)
    every = 1 + Membership.objects.count() * len(days) // MOST_ROWS
    frames, moments = [], []
    for on in days:
        frame = churn.members(as_of_on=on, outcomes=True, every=every)
        frames.append(frame)
        moments.append(np.full(len(frame), float((on - date(1970, 1, 1)).days)))
    if not frames:
        return Past(_empty(Target.CHURN), CHURN_WINDOW_DAYS)
    whole, moment = stack(frames), np.concatenate(moments)
    noticed = whole.columns["notice_days"] >= 0
    untold = _untold_notice(whole)
    left = float(whole.outcomes["any"][noticed].sum())
    share = (left + NOTICE_P * NOTICE_PRETENDED) / (noticed.sum() + NOTICE_PRETENDED)
    frame = whole.where(~noticed & ~untold)
    moment = moment[~noticed & ~untold]
    known = moment + churn.HORIZON_DAYS + churn.RENEWED_WITHIN_DAYS
    # The mirror knows these inputs as they are today only: in the past they say nothing.
    for rule in DECLARATIONS[Target.CHURN].rules:
        frame.columns[rule.name] = np.full(len(frame), np.nan)
    return Past(_cases(frame, moment, known), CHURN_WINDOW_DAYS, notice_p=float(share))


def _untold_notice(frame: Frame) -> npt.NDArray[np.bool_]:
    """Rows of members who will leave of their own will so soon that they had probably asked to
    already, though nobody noted when. The usual time is the median of those who were noted."""
    told = Membership.objects.filter(
        cancel_requested_on__isnull=False, ended_on__gte=F("cancel_requested_on")
    ).values_list("cancel_requested_on", "ended_on")
    gaps = [
        (ended - asked).days for asked, ended in told if ended is not None and asked is not None
    ]
    usual = float(np.median(gaps)) if len(gaps) >= NOTICE_EXAMPLES else 0.0
    o = frame.outcomes
    untold: npt.NDArray[np.bool_] = (
        (o["any"] == 1)
        & (o["involuntary"] == 0)
        & (frame.columns["recurring"] == 1)
        & np.isnan(frame.columns["notice_days"])
        & (o["noted"] == 0)
        & (o["days_to_end"] <= usual)
    )
    return untold


def booking_cases(as_of_on: date) -> Past:
    """A row per past booking and moment (when booked, a week before, on the eve)."""
    from_on = as_of_on - timedelta(days=BOOKINGS_DAYS)
    count = Appointment.objects.filter(starts_on__gte=from_on, starts_on__lt=as_of_on).count()
    frame = bookings.past(
        from_on=from_on, until_on=as_of_on, every=1 + int(count * 2.4) // MOST_ROWS
    )
    if not len(frame):
        return Past(_empty(Target.CANCELLATION), BOOKING_WINDOW_DAYS)
    return Past(
        _cases(frame, frame.columns["moment"] / 86400.0, frame.columns["starts"] / 86400.0),
        BOOKING_WINDOW_DAYS,
    )


def _cases(frame: Frame, moment: Floats, known: Floats) -> Cases:
    return Cases(
        columns=frame.columns,
        outcomes=frame.outcomes,
        moment=moment,
        known=known,
        guest=pseudonyms(frame.ids["guest_id"]),
        location=frame.ids["location_id"],
    )


def pseudonyms(guests: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A number in place of each guest's id, the same for the same guest: enough to keep a person's
    cases together. Without the key of this deployment it leads back to nobody."""
    known, place = np.unique(guests, return_inverse=True)
    key = salted_hmac("risk.guest", "", algorithm="sha256").digest()
    named = [
        int.from_bytes(
            hmac.digest(key, number.to_bytes(8, "big"), "sha256")[:8], "big", signed=True
        )
        for number in known.tolist()
    ]
    return np.array(named, dtype=np.int64)[place]


def _empty(target: str) -> Cases:
    declaration = DECLARATIONS[target]
    none = np.zeros(0)
    ids = np.zeros(0, dtype=np.int64)
    return Cases(
        columns={one.name: none for one in declaration.inputs},
        outcomes=dict.fromkeys(declaration.heads, none),
        moment=none,
        known=none,
        guest=ids,
        location=ids,
    )
