"""Readings for one person's page: what there is to know in ten seconds, and the timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from memberships.models import Appointment, Benefit, Charge, Guest, Membership, Review
from outreach.models import Channel, Draft, Suppression
from outreach.selectors import conversation
from retention.models import AT_RISK
from retention.selectors.members import WEEKS
from risk.models import Band, ChurnScore
from risk.selectors import plain_chance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from staff.models import User

RECENT = 200  # newest appointments read for the page
LAST_VISITS = 5
LAST_CHARGES = 6
TIMELINE_PAGE = 40
MOST_MESSAGES = 500  # a guest gets at most two a week


@dataclass(frozen=True, slots=True, kw_only=True)
class BenefitUse:
    """One benefit with what was used of it, for a bar. `share` is whole percent used."""

    benefit: Benefit
    share: int
    expires_soon: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRoute:
    """Whether the guest may be written to by one channel, and why not."""

    channel: Channel
    address: str
    is_open: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One guest as the page shows them. `score` is None for people who see no scores; `band` and
    reasons stay. Weeks run oldest first."""

    guest: Guest
    contract: Membership | None
    earlier: list[Membership]
    band: str
    score: int | None
    change: int | None  # points in 7 days, for people who see scores
    p: float | None
    risk: ChurnScore | None
    reasons: list[dict[str, Any]]
    benefits: list[BenefitUse]
    next_booking: Appointment | None
    last_visits: list[Appointment]
    weeks: list[int]
    missed: str
    charges: list[Charge]
    routes: list[ContactRoute]
    draft_id: int | None

    @property
    def is_running(self) -> bool:
        """Whether a contract binds the guest today."""
        return self.contract is not None and self.contract.status in Membership.RUNNING

    @property
    def is_priority(self) -> bool:
        """What people see who see no scores."""
        return self.band in AT_RISK

    @property
    def band_label(self) -> str:
        return str(Band(self.band).label) if self.band else ""

    @property
    def chance(self) -> str:
        """The probability as one says it; empty for people who see no scores."""
        return plain_chance(self.p) if self.p is not None else ""

    @property
    def since(self) -> date | None:
        """The day the guest first became a member, of what is known."""
        contracts = [one for one in (self.contract, *self.earlier) if one is not None]
        return min((one.member_since_on or one.started_on for one in contracts), default=None)

    @property
    def visits_text(self) -> str:
        """The sparkline in words."""
        n = sum(self.weeks)
        text = ngettext("%(n)d visit in 12 weeks", "%(n)d visits in 12 weeks", n)
        return text % {"n": n}


def person_page(*, guest: Any, user: User, now: datetime) -> Person:
    """Everything on the page but the timeline. Four statements; `guest` comes from
    `guests_with_stops`."""
    contracts = list(
        Membership.objects.filter(guest=guest)
        .select_related("plan", "location", "churn_score__model")
        .order_by("-started_on", "-pk")
    )
    running = [one for one in contracts if one.status in Membership.RUNNING]
    contract = next(iter(running or contracts), None)
    risk: ChurnScore | None = getattr(contract, "churn_score", None) if running else None
    sees_scores = user.has_perm("risk.view_scores")
    today = guest.location.today(now)
    appointments = list(
        Appointment.objects.filter(guest=guest, vanished_at__isnull=True)
        .select_related("service", "therapist", "location")
        .order_by("-starts_at")[:RECENT]
    )
    visits = [one for one in appointments if one.status == Appointment.Status.COMPLETED]
    coming = [
        one for one in appointments if one.status in Appointment.COMING and one.starts_at > now
    ]
    weeks = [0] * WEEKS
    for visit in visits:
        age_weeks = (today - visit.starts_on).days // 7
        if 0 <= age_weeks < WEEKS:
            weeks[WEEKS - 1 - age_weeks] += 1
    benefits = Benefit.objects.filter(membership=contract).order_by("service_name")
    return Person(
        guest=guest,
        contract=contract,
        earlier=[one for one in contracts if one != contract],
        band=risk.band if risk else "",
        score=risk.score if risk and sees_scores else None,
        change=_change(risk) if sees_scores else None,
        p=risk.p if risk and sees_scores else None,
        risk=risk if sees_scores else None,
        reasons=[_shown(reason) for reason in risk.reasons] if risk else [],
        benefits=[_use(one, now) for one in benefits] if contract else [],
        next_booking=coming[-1] if coming else None,
        last_visits=visits[:LAST_VISITS],
        weeks=weeks,
        missed=_missed(appointments, now),
        charges=list(
            Charge.objects.filter(guest=guest)
            .select_related("location")
            .order_by("-charged_on", "-pk")[:LAST_CHARGES]
        ),
        routes=contact_routes(guest),
        draft_id=guest.open_draft_id
        if user.has_perm("outreach.view_draft") and user.serves(guest.open_draft_location_id)
        else None,
    )


def _shown(reason: dict[str, Any]) -> dict[str, Any]:
    """What the page needs of a reason: its sentence, its direction and what would lower the score,
    not what it adds."""
    return {
        "text": reason["text"],
        "raises": reason.get("direction") == "raises",
        "ease": reason.get("ease", ""),
    }


def _change(risk: ChurnScore | None) -> int | None:
    if risk is None or risk.score_week_ago is None:
        return None
    return risk.score - risk.score_week_ago


def _use(benefit: Benefit, now: datetime) -> BenefitUse:
    share = round(100 * benefit.used / benefit.total) if benefit.total > 0 else 0
    soon = now.date() + timedelta(days=30)
    return BenefitUse(
        benefit=benefit,
        share=min(share, 100),
        expires_soon=benefit.balance > 0
        and benefit.expires_on is not None
        and now.date() <= benefit.expires_on <= soon,
    )


def _missed(appointments: Sequence[Appointment], now: datetime) -> str:
    """Cancellations and no-shows of the last 180 days in words; empty when there are none."""
    recent = [one for one in appointments if now - timedelta(days=180) < one.starts_at <= now]
    no_shows = sum(one.status == Appointment.Status.NO_SHOW for one in recent)
    cancelled = sum(one.status == Appointment.Status.CANCELLED for one in recent)
    late = sum(one.is_late_cancellation for one in recent)
    parts = []
    if cancelled:
        text = ngettext("%(n)d cancellation", "%(n)d cancellations", cancelled) % {"n": cancelled}
        parts.append(text + (_(", %(late)d of them late") % {"late": late} if late else ""))
    if no_shows:
        parts.append(ngettext("%(n)d no-show", "%(n)d no-shows", no_shows) % {"n": no_shows})
    return _(" and ").join(parts)


def guests_with_stops(guests: QuerySet[Guest, Guest], *, now: datetime) -> QuerySet[Guest, Any]:
    """Guests with what the page shows of outreach: the newest open draft and why an address must
    not be written to. Asked with the guest in one statement."""
    # One stop per address: the database refuses a second.
    stops = Suppression.objects.filter(lifted_at__isnull=True).values("reason")
    drafts = Draft.objects.open().filter(guest=OuterRef("pk"), expires_at__gt=now)
    return guests.annotate(
        open_draft_id=Subquery(drafts.order_by("-created_at").values("pk")[:1]),
        open_draft_location_id=Subquery(drafts.order_by("-created_at").values("location")[:1]),
        sms_stop=Subquery(stops.filter(channel=Channel.SMS, address=OuterRef("phone"))),
        email_stop=Subquery(stops.filter(channel=Channel.EMAIL, address=OuterRef("email"))),
    )


def contact_routes(guest: Any) -> list[ContactRoute]:
    """By which channels the guest may be sent an offer, and what stands against it."""
    routes = []
    for channel, address, agreed, stop in (
        (Channel.SMS, guest.phone, guest.sms_marketing, guest.sms_stop),
        (Channel.EMAIL, guest.email, guest.email_marketing, guest.email_stop),
    ):
        if not address:
            note = _("no number") if channel == Channel.SMS else _("no mailbox")
        elif stop is not None:
            note = _("stopped: %(reason)s") % {"reason": stop}
        elif not agreed:
            note = _("has not agreed to offers")
        else:
            note = _("agreed to offers")
        routes.append(
            ContactRoute(
                channel=channel,
                address=address,
                is_open=bool(address) and agreed and stop is None,
                note=note,
            )
        )
    return routes


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of the timeline. `tone` is "", "good" or "bad"; `quote` is what was written, by us
    or (`theirs`) by the guest. A moment without time is a local day, `at` being its beginning."""

    at: datetime
    has_time: bool
    icon: str
    text: str
    detail: str = ""
    tone: str = ""
    quote: str = ""
    theirs: bool = False
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A page of moments, newest first. `older_than` is where the next page begins, None at the
    end."""

    moments: list[Moment]
    older_than: datetime | None


def timeline(*, guest: Guest, before: datetime | None, now: datetime) -> Timeline:
    """What happened with the guest before an instant. Moments of the same instant stay on one
    page, so that none is lost between two."""
    until = before or now + timedelta(days=365)
    moments = [
        *_bookings(guest, until),
        *_contracts(guest),
        *_failed_charges(guest, until),
        *_reviews(guest, until),
        *_conversation(guest),
    ]
    found = sorted((m for m in moments if m.at < until), key=lambda m: m.at, reverse=True)
    if len(found) <= TIMELINE_PAGE:
        return Timeline(moments=found, older_than=None)
    edge = found[TIMELINE_PAGE - 1].at
    return Timeline(moments=[m for m in found if m.at >= edge], older_than=edge)


def _bookings(guest: Guest, until: datetime) -> list[Moment]:
    status = Appointment.Status
    words = {
        status.BOOKED: ("calendar", _("Booked: %(what)s"), ""),
        status.CONFIRMED: ("calendar-check", _("Booked and confirmed: %(what)s"), ""),
        status.CHECKED_IN: ("door-open", _("Checked in: %(what)s"), "good"),
        status.COMPLETED: ("check", _("Visit: %(what)s"), "good"),
        status.CANCELLED: ("x", _("Cancelled: %(what)s"), "bad"),
        status.NO_SHOW: ("user-x", _("Did not come: %(what)s"), "bad"),
    }
    moments = []
    for one in (
        Appointment.objects.filter(guest=guest, starts_at__lt=until, vanished_at__isnull=True)
        .exclude(status=status.VOIDED)
        .select_related("service", "therapist", "location")
        .order_by("-starts_at")[: TIMELINE_PAGE + 1]
    ):
        icon, text, tone = words[status(one.status)]
        service = one.service.name if one.service else _("a service")
        with_whom = one.therapist.name if one.therapist else ""
        detail = [with_whom, one.location.name if one.location_id != guest.location_id else ""]
        if one.status == status.CANCELLED:
            detail += [one.cancel_reason, _("late") if one.is_late_cancellation else ""]
        moments.append(
            Moment(
                at=one.starts_at,
                has_time=True,
                icon=icon,
                text=text % {"what": service},
                detail=" · ".join(part for part in detail if part),
                tone=tone,
            )
        )
    return moments


def _contracts(guest: Guest) -> list[Moment]:
    moments = []
    for one in Membership.objects.filter(guest=guest).select_related("plan", "location"):
        steps = [
            (one.started_on, "star", _("Joined %(plan)s"), "good"),
            (one.frozen_on, "pause", _("Paused %(plan)s"), ""),
            (one.suspended_on, "credit-card", _("%(plan)s suspended"), "bad"),
            (one.cancel_requested_on, "log-out", _("Asked to cancel %(plan)s"), "bad"),
            (one.ended_on, "log-out", _("%(plan)s ended"), "bad"),
        ]
        for on, icon, text, tone in steps:
            if on is not None:
                at = datetime.combine(on, time(0), one.location.zone)
                name = {"plan": one.plan.name}
                detail = one.get_ending_display() if on == one.ended_on and one.ending else ""
                moments.append(
                    Moment(
                        at=at,
                        has_time=False,
                        icon=icon,
                        text=text % name,
                        detail=str(detail),
                        tone=tone,
                        on=on,
                    )
                )
    return moments


def _failed_charges(guest: Guest, until: datetime) -> list[Moment]:
    charges = (
        Charge.objects.filter(
            guest=guest, status=Charge.Status.FAILED, charged_on__lte=until.date()
        )
        .select_related("location")
        .order_by("-charged_on")[: TIMELINE_PAGE + 1]
    )
    return [
        Moment(
            at=datetime.combine(one.charged_on, time(0), one.location.zone),
            has_time=False,
            icon="credit-card",
            text=_("Payment failed"),
            detail=one.decline_code,
            tone="bad",
            on=one.charged_on,
        )
        for one in charges
    ]


def _reviews(guest: Guest, until: datetime) -> list[Moment]:
    reviews = Review.objects.filter(guest=guest, written_at__lt=until).order_by("-written_at")
    return [
        Moment(
            at=one.written_at,
            has_time=True,
            icon="message-square",
            text=_("Rated %(rating)s of 5") % {"rating": f"{one.rating:g}"},
            quote=one.comment,
            theirs=True,
        )
        for one in reviews[: TIMELINE_PAGE + 1]
    ]


def _conversation(guest: Guest) -> list[Moment]:
    tones = {"ok": "good", "warn": "bad", "error": "bad"}
    return [
        Moment(
            at=line.at,
            has_time=True,
            icon=line.icon,
            text=line.title,
            detail=line.detail,
            tone=tones.get(line.tone, ""),
            quote=line.text,
            theirs=line.theirs,
        )
        for line in conversation(guest, limit=MOST_MESSAGES)
    ]
