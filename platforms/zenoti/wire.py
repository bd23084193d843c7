"""Zenoti's JSON, validated: one model per kind of row, with the spellings and traps of the wire.

Every model gives a neutral record by `record(...)`. Fields we do not use are ignored. Whatever
raises ValueError on the way makes the row poison: it is parked with that text.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import orjson
import phonenumbers
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from platforms import records
from platforms.dead_letters import Poison

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
BROKEN = "�"


# --- Values --------------------------------------------------------------------------------------
def _text(value: Any) -> Any:
    if type(value) is str:  # nearly always: millions of rows pass here
        return value.strip() if "\x00" not in value else value.replace("\x00", "").strip()
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def _guid(value: Any) -> Any:
    """An id: 1 to 64 characters; missing and the zero GUID are empty."""
    value = _text(value)
    if not isinstance(value, str) or value == ZERO_GUID:
        return "" if value == ZERO_GUID else value
    if len(value) > 64:
        raise ValueError("an id is longer than 64 characters")
    return value.lower()


def _required_guid(value: Any) -> Any:
    value = _guid(value)
    if value == "":
        raise ValueError("an id is missing")
    return value


def _moment(value: Any) -> Any:
    """An ISO instant or date; empty values and the year 1 mean nothing is said."""
    if value in (None, ""):
        return None
    if isinstance(value, str):
        if value.startswith(("0001-01-01", "1900-01-01")):
            return None
        moment = datetime.fromisoformat(_short_fraction(value))
        if not 1950 <= moment.year <= 2200:
            raise ValueError(f"the date {value[:40]} cannot be true")
        return moment
    raise ValueError("a date is not text")


def _short_fraction(text: str) -> str:
    """Webhooks write seven digits of a second; Python reads six."""
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    match = re.match(r"(\d+)(.*)", tail)
    return f"{head}.{match[1][:6]}{match[2]}" if match else text


def _money(value: Any) -> Any:
    if value is None or value == "":
        return None
    cents = round(float(value) * 100)
    if not -1_000_000_000 < cents < 1_000_000_000:
        raise ValueError("an amount cannot be true")
    return cents


def _count(value: Any) -> Any:
    return 0 if value is None else round(float(value))


Text = Annotated[str, BeforeValidator(_text)]
Id = Annotated[str, BeforeValidator(_required_guid)]
MaybeId = Annotated[str, BeforeValidator(_guid)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Cents = Annotated[int | None, BeforeValidator(_money)]
Count = Annotated[int, BeforeValidator(_count)]


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


def day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def utc(moment: datetime | None) -> datetime | None:
    """A UTC wall time without a mark becomes aware."""
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def local_to_utc(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """A wall time of the location, to UTC. A doubled hour in autumn counts as the first."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)


def whole(text: str, what: str) -> str:
    """Refuses text with broken characters: nobody should be greeted by them."""
    if BROKEN in text:
        raise ValueError(f"{what} has broken characters")
    return text


@lru_cache(maxsize=20_000)
def e164(number: str, dialling: str) -> str:
    """A phone in E.164, or empty when it cannot be one."""
    text = number if number.startswith("+") or not dialling else f"+{dialling} {number}"
    try:
        parsed = phonenumbers.parse(text, None if text.startswith("+") else "US")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(parsed):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


# --- Statuses ------------------------------------------------------------------------------------
MEMBERSHIP_STATUS = {
    -1: "unknown",
    1: "active",
    2: "inactive",
    3: "frozen",
    4: "cancelled",
    5: "expired",
    6: "closed",
    7: "not_started",
    8: "suspended",
    9: "refunded",
    10: "deleted",
    12: "failed",
}
_STATUS_WORDS = {
    **{word.replace("_", ""): word for word in MEMBERSHIP_STATUS.values()},
    "default": "unknown",
    "refund": "refunded",
    "canceled": "cancelled",
    "paused": "frozen",
}


def membership_status(value: int | str | None) -> str:
    """Integers in #9, words in #7. Raises ValueError for what we never heard of."""
    if value is None or value == "":
        return "unknown"
    if isinstance(value, str) and not value.lstrip("-").isdigit():
        word = _STATUS_WORDS.get(re.sub(r"[^a-z]", "", value.lower()))
    else:
        word = MEMBERSHIP_STATUS.get(int(value))
    if word is None:
        raise ValueError(f"unknown membership status {str(value)[:40]!r}")
    return word


APPOINTMENT_STATUS = {
    -2: "no_show",
    -1: "cancelled",
    0: "booked",
    1: "completed",
    2: "checked_in",
    4: "confirmed",
    21: "voided",
}
# Rows of the book that are not bookings: breaks, free slots.
NOT_A_BOOKING = {10, 11, 20}


def months_of(frequency: str) -> int | None:
    """`payment_frequency` is text in days or months: "1 Month(s)", "30 days"."""
    match = re.search(r"(\d+)\s*(day|week|month|year)", frequency.lower())
    if not match:
        return None
    number, unit = int(match[1]), match[2]
    months = {"day": number / 30, "week": number / 4.345, "month": number, "year": number * 12}
    return max(1, round(months[unit]))


# --- Rows ----------------------------------------------------------------------------------------
class Phone(Wire):
    phone_code: Text = ""
    number: Text = ""
    display_number: Text = ""

    @property
    def given(self) -> str:
        return self.display_number or (
            f"+{self.phone_code} {self.number}" if self.phone_code and self.number else self.number
        )

    @property
    def e164(self) -> str:
        return e164(self.display_number or self.number, self.phone_code) if self.given else ""


class Named(Wire):
    id: MaybeId = ""
    name: Text = ""


class TimeZoneRow(Wire):
    name: Text = ""
    standard_name: Text = ""


class CenterPlace(Wire):
    time_zone: TimeZoneRow | None = None


class CodeRow(Wire):
    code: Text = ""


class ContactRow(Wire):
    email: Text = ""
    phone_1: Phone | None = None


class AddressRow(Wire):
    state: Text = ""


class AdditionalRow(Wire):
    notice_hours: int | None = None


class CenterRow(Wire):
    id: Id
    code: Text = ""
    name: Text = ""
    display_name: Text = ""
    currency: CodeRow | None = None
    country: CodeRow | None = None
    location: CenterPlace | None = None
    contact_info: ContactRow | None = None
    address_info: AddressRow | None = None
    additional_info: AdditionalRow | None = None

    def record(self) -> records.LocationRecord:
        zone = self.location.time_zone if self.location else None
        names = [zone.name, zone.standard_name] if zone else []
        known = available_timezones()
        contact = self.contact_info or ContactRow()
        return records.LocationRecord(
            external_id=self.id,
            code=self.code[:40],
            name=(self.display_name or self.name or self.code)[:120],
            # The platform's zone may not be an IANA name: then the mirror's own value stays.
            time_zone=next((name for name in names if name in known), ""),
            currency=(self.currency.code if self.currency else "")[:3],
            country=(self.country.code if self.country else "")[:2],
            region=(self.address_info.state if self.address_info else "")[:40],
            phone=contact.phone_1.e164 if contact.phone_1 else "",
            email=contact.email[:254],
            late_cancel_hours=self.additional_info.notice_hours if self.additional_info else None,
        )


class PlanRow(Wire):
    id: Id
    code: Text = ""
    name: Text = ""
    display_name: Text = ""
    price: Cents = None
    is_recurring_membership: bool | None = None
    membership_type: int | None = None
    payment_frequency: Text = ""
    description: Text = ""

    def record(self) -> records.PlanRecord:
        recurring = self.is_recurring_membership
        if recurring is None and self.membership_type is not None:
            recurring = self.membership_type == 1
        return records.PlanRecord(
            external_id=self.id,
            code=self.code[:60],
            name=(self.name or self.display_name)[:120],
            is_recurring=recurring,
            price_cents=self.price,
            period_months=months_of(self.payment_frequency),
            description=self.description,
        )


class PriceInfo(Wire):
    sale_price: Cents = None
    sales: Cents = None
    final_price: Cents = None
    final: Cents = None


class ServiceRow(Wire):
    id: Id
    code: Text = ""
    name: Text = ""
    duration: int | None = None
    is_addon: bool | None = None
    category: Named | None = None
    price_info: PriceInfo | None = None

    def record(self) -> records.ServiceRecord:
        return records.ServiceRecord(
            external_id=self.id,
            name=self.name[:120],
            code=self.code[:60] or None,
            category=self.category.name[:80] if self.category else None,
            duration_minutes=self.duration,
            price_cents=self.price_info.sale_price if self.price_info else None,
            is_addon=self.is_addon,
        )


class PersonRow(Wire):
    first_name: Text = ""
    last_name: Text = ""
    name: Text = ""
    display_name: Text = ""

    @property
    def full_name(self) -> str:
        return (f"{self.first_name} {self.last_name}".strip() or self.display_name or self.name)[
            :120
        ]


class JobRow(Wire):
    name: Text = ""


class EmployeeRow(Wire):
    id: Id
    personal_info: PersonRow
    job_info: JobRow | None = None

    def record(self) -> records.TherapistRecord:
        return records.TherapistRecord(
            external_id=self.id,
            name=self.personal_info.full_name,
            job=self.job_info.name[:80] if self.job_info else None,
        )


class PersonalInfo(Wire):
    first_name: Text = ""
    last_name: Text = ""
    email: Text = ""
    gender: int | None = None
    mobile_phone: Phone | None = None


class Preferences(Wire):
    receive_marketing_email: bool | None = None
    receive_marketing_sms: bool | None = None
    receive_transactional_sms: bool | None = None
    preferred_language: Text = ""


GENDERS = {0: "female", 1: "male", 3: "other"}


class GuestRow(Wire):
    id: Id
    code: Text = ""
    center_id: MaybeId = ""
    created_date: Moment = None
    personal_info: PersonalInfo
    preferences: Preferences | None = None
    tags: list[Text] | None = None

    def record(self, zone: ZoneInfo) -> records.GuestRecord:
        info = self.personal_info
        phone = info.mobile_phone or Phone()
        wishes = self.preferences or Preferences()
        return records.GuestRecord(
            external_id=self.id,
            location=self.center_id,
            code=self.code[:40],
            first_name=whole(info.first_name, "first name")[:80],
            last_name=whole(info.last_name, "last name")[:80],
            email=info.email.strip().lower()[:254],
            phone=phone.e164,
            phone_as_given=phone.given[:40],
            gender=GENDERS.get(info.gender if info.gender is not None else -1, ""),
            registered_at=local_to_utc(self.created_date, zone),
            sms_marketing=wishes.receive_marketing_sms,
            sms_transactional=wishes.receive_transactional_sms,
            email_marketing=wishes.receive_marketing_email,
            language=wishes.preferred_language[:8] or None,
            tags=None if self.tags is None else [tag[:60] for tag in self.tags if tag],
        )


class MemberGuest(Wire):
    id: Id
    code: Text = ""
    name: Text = ""

    def stub(self) -> records.GuestStub:
        first, _, last = self.name.partition(" ")
        return records.GuestStub(
            external_id=self.id, code=self.code[:40], first_name=first[:80], last_name=last[:80]
        )


class PlanRef(Wire):
    id: Id
    code: Text = ""
    name: Text = ""
    type: int | str | None = None

    def record(self) -> records.PlanRecord:
        word = str(self.type if self.type is not None else "").lower().replace("-", "")
        recurring = {"1": True, "recurring": True, "0": False, "nonrecurring": False}.get(
            word.replace(" ", "")
        )
        return records.PlanRecord(
            external_id=self.id, code=self.code[:60], name=self.name[:120], is_recurring=recurring
        )


class RenewalRow(Wire):
    auto_renewal: bool | None = None


class MemberRow(Wire):
    """A row of #7: statuses are words."""

    id: Id
    status: int | str
    recurrence_status: int | str | None = None
    guest: MemberGuest
    membership: PlanRef
    start_date: Moment = None
    end_date: Moment = None
    sold_date: Moment = None
    renewal_details: RenewalRow | None = None
    freeze_date: Moment = None
    cancelled_date: Moment = None
    closed_date: Moment = None

    def record(self) -> records.MembershipRecord:
        started = day(self.start_date) or day(self.sold_date)
        if started is None:
            raise ValueError("neither a start nor a sale date")
        return records.MembershipRecord(
            external_id=self.id,
            guest=self.guest.stub(),
            plan=self.membership.record(),
            status=membership_status(self.status),
            recurrence_status=membership_status(self.recurrence_status),
            started_on=started,
            ends_on=day(self.end_date),
            sold_on=day(self.sold_date),
            auto_renews=bool(self.renewal_details and self.renewal_details.auto_renewal),
            frozen_on=day(self.freeze_date),
            cancelled_on=day(self.cancelled_date),
            closed_on=day(self.closed_date),
        )


class ChangeRow(Wire):
    id: Id
    guest_id: Id
    status: int | str | None = None
    recurrence_status: int | str | None = None

    def record(self) -> records.MembershipChange:
        return records.MembershipChange(
            external_id=self.id,
            guest=self.guest_id,
            status=membership_status(self.status),
            recurrence_status=membership_status(self.recurrence_status),
        )


class BenefitService(Wire):
    id: MaybeId = ""
    name: Text = ""


class BenefitRow(Wire):
    service: BenefitService
    total: Count = 0
    used: Count = 0
    balance: Count = 0
    expired: Count = 0
    expiry_date: Moment = None
    last_usage_date: Moment = None

    def record(self) -> records.BenefitRecord:
        return records.BenefitRecord(
            service=self.service.id or self.service.name[:64],
            service_name=self.service.name[:120],
            total=self.total,
            used=self.used,
            balance=self.balance,
            expired=self.expired,
            expires_on=day(self.expiry_date),
            last_used_on=day(self.last_usage_date),
        )


class CreditRow(Wire):
    total: Cents = None


class RecurringDetails(Wire):
    cancellation_initiated_on: Moment = None
    cancelled_date: Moment = None
    termination_date: Moment = None
    paused_date: Moment = None
    paused_till: Moment = None
    suspended_on: Moment = None
    card_expiry: Text = ""


class InvoiceRef(Wire):
    id: MaybeId = ""
    no: Text = ""
    status: int | None = None


class HistoryRow(Wire):
    invoice: InvoiceRef
    sale_date: Moment = None
    price: Cents = None
    price_paid: Cents = None
    payment_type: Text = ""


def last_of_month(text: str) -> date | None:
    """A card is good until the last day of its month, written 2027-03 or 03/27."""
    match = re.fullmatch(r"(\d{4})-(\d{1,2})", text)
    year, month = (int(match[1]), int(match[2])) if match else (0, 0)
    if not match and (match := re.fullmatch(r"(\d{1,2})/(\d{2})", text)):
        year, month = 2000 + int(match[2]), int(match[1])
    if not 1 <= month <= 12:
        return None
    return date(year, month, calendar.monthrange(year, month)[1])


class GuestMembershipRow(Wire):
    """A row of #9: statuses are integers, no start date."""

    user_membership_id: Id
    status: int | str
    recurrence_status: int | str | None = None
    member_since: Moment = None
    expiry_date: Moment = None
    next_collection_date: Moment = None
    next_collection_amount: Cents = None
    membership: PlanRef
    credit_amount: CreditRow | None = None
    credit_balance: CreditRow | None = None
    services: list[BenefitRow] = Field(default_factory=list)
    recurring_details: RecurringDetails | None = None
    historical_invoices: list[HistoryRow] | None = None

    def record(self, guest: str) -> records.MembershipDetail:
        more = self.recurring_details or RecurringDetails()
        invoices = [
            records.InvoiceLine(
                invoice=row.invoice.id,
                invoice_no=row.invoice.no[:40],
                on=row.sale_date.date(),
                price_cents=row.price or 0,
                paid_cents=row.price_paid or 0,
                is_voided=row.invoice.status == 99,
                payment_type=row.payment_type[:40],
            )
            for row in self.historical_invoices or []
            if row.sale_date and row.invoice.id
        ]
        paid = [line for line in invoices if line.paid_cents > 0]
        benefits: dict[str, records.BenefitRecord] = {}
        for row in self.services:
            benefit = row.record()
            benefits[benefit.service] = benefit
        newest = max(paid, key=lambda line: line.on, default=None)
        return records.MembershipDetail(
            external_id=self.user_membership_id,
            guest=guest,
            plan=self.membership.record(),
            status=membership_status(self.status),
            recurrence_status=membership_status(self.recurrence_status),
            member_since_on=day(self.member_since),
            ends_on=day(self.expiry_date),
            price_cents=newest.price_cents if newest else None,
            next_charge_on=day(self.next_collection_date),
            next_charge_cents=self.next_collection_amount,
            card_expires_on=last_of_month(more.card_expiry),
            frozen_on=day(more.paused_date),
            frozen_until_on=day(more.paused_till),
            suspended_on=day(more.suspended_on),
            cancel_requested_on=day(more.cancellation_initiated_on),
            cancelled_on=day(more.cancelled_date),
            terminates_on=day(more.termination_date),
            credit_total_cents=self.credit_amount.total if self.credit_amount else None,
            credit_balance_cents=self.credit_balance.total if self.credit_balance else None,
            benefits=list(benefits.values()),
            invoices=invoices,
        )


class Mobile(Wire):
    display_number: Text = ""


class AppointmentGuest(Wire):
    id: Id
    first_name: Text = ""
    last_name: Text = ""
    email: Text = ""
    mobile: Mobile | None = None


class AppointmentService(Wire):
    id: MaybeId = ""
    name: Text = ""
    is_addon: bool | None = None
    category: Named | None = None


class AppointmentTherapist(PersonRow):
    id: MaybeId = ""


class AppointmentRow(Wire):
    """A row of #14 and #15. `guest` is set: block-outs are taken out before."""

    appointment_id: MaybeId = ""
    id: MaybeId = ""
    appointment_group_id: MaybeId = ""
    invoice_id: MaybeId = ""
    service: AppointmentService | None = None
    start_time: Moment = None
    start_time_utc: Moment = None
    end_time: Moment = None
    end_time_utc: Moment = None
    status: int
    guest: AppointmentGuest
    therapist: AppointmentTherapist | None = None
    price: PriceInfo | None = None
    creation_date: Moment = None
    creation_date_utc: Moment = None

    def record(self, zone: ZoneInfo) -> records.AppointmentRecord:
        external_id = self.appointment_id or self.id
        if not external_id:
            raise ValueError("an id is missing")
        status = APPOINTMENT_STATUS.get(self.status)
        if status is None:
            raise ValueError(f"unknown appointment status {self.status}")
        # Local times carry no offset and have a `_utc` twin; either may be missing.
        starts_at = utc(self.start_time_utc) or local_to_utc(self.start_time, zone)
        if starts_at is None:
            raise ValueError("no start time")
        ends_at = utc(self.end_time_utc) or local_to_utc(self.end_time, zone) or starts_at
        if ends_at < starts_at:
            raise ValueError("it ends before it starts")
        if ends_at - starts_at > timedelta(days=2):
            raise ValueError("it lasts longer than two days")
        phone = self.guest.mobile.display_number if self.guest.mobile else ""
        return records.AppointmentRecord(
            external_id=external_id,
            group=self.appointment_group_id,
            invoice=self.invoice_id,
            guest=records.GuestStub(
                external_id=self.guest.id,
                first_name=self.guest.first_name[:80].replace(BROKEN, ""),
                last_name=self.guest.last_name[:80].replace(BROKEN, ""),
                email=self.guest.email.strip().lower()[:254],
                phone=e164(phone, "") if phone else "",
                phone_as_given=phone[:40],
            ),
            service=self._service(),
            therapist=self._therapist(),
            status=status,
            booked_at=utc(self.creation_date_utc) or local_to_utc(self.creation_date, zone),
            starts_at=starts_at,
            ends_at=ends_at,
            starts_on=starts_at.astimezone(zone).date(),
            price_cents=self._price(),
        )

    def _service(self) -> records.ServiceRecord | None:
        if self.service is None or not self.service.id:
            return None
        return records.ServiceRecord(
            external_id=self.service.id,
            name=self.service.name[:120],
            category=self.service.category.name[:80] if self.service.category else None,
            is_addon=self.service.is_addon,
        )

    def _therapist(self) -> records.TherapistRecord | None:
        if self.therapist is None or not self.therapist.id:
            return None
        return records.TherapistRecord(external_id=self.therapist.id, name=self.therapist.full_name)

    def _price(self) -> int | None:
        if self.price is None:
            return None
        return self.price.final if self.price.final is not None else self.price.sales


class CollectionRow(Wire):
    """A row of the payments report (#31); the fields after `closed_date` are not documented."""

    payment_date: Moment = None
    invoice_no: Text = ""
    invoice_id: Id
    guest_id: Id
    center_id: MaybeId = ""
    payment_type: Text = ""
    amount_paid: Cents = None
    due: Cents = None
    invoice_status: int | str | None = None
    closed_date: Moment = None
    item_type: Text = ""
    user_membership_id: MaybeId = ""
    decline_reason: Text = ""
    due_date: Moment = None
    attempts: int | None = None

    def record(self) -> records.ChargeRecord:
        on = day(self.payment_date) or day(self.closed_date)
        if on is None:
            raise ValueError("no payment date")
        due_on = day(self.due_date)
        tried_before = due_on is not None and due_on < on and (self.attempts or 0) > 1
        paid, due = self.amount_paid or 0, self.due or 0
        status = str(self.invoice_status if self.invoice_status is not None else "").lower()
        if paid < 0:
            state = "refunded"
        elif due <= 0:
            state = "paid"
        elif status in ("voided", "99") or self.decline_reason or paid == 0:
            # Nothing came and something is owed: an attempt that failed.
            state = "failed"
        else:
            state = "open"
        return records.ChargeRecord(
            # Every attempt is a charge of its own: a failure stays known after the retry.
            external_id=f"{self.invoice_id}:{on.isoformat()}",
            guest=self.guest_id,
            location=self.center_id,
            membership=self.user_membership_id,
            invoice=self.invoice_id,
            invoice_no=self.invoice_no[:40],
            charged_on=on,
            status=state,
            amount_cents=paid + max(due, 0),
            due_cents=max(due, 0),
            payment_type=self.payment_type[:40],
            decline_code=self.decline_reason[:40],
            first_failed_on=due_on if tried_before else None,
        )


CHANNELS = {
    "externalwebstore": "online",
    "webstore": "online",
    "online": "online",
    "externalcma": "app",
    "cma": "app",
    "app": "app",
    "bot": "bot",
    "frontdesk": "desk",
    "desk": "desk",
    "phone": "phone",
}


def channel_of(source: str) -> str:
    """A booking source in our word; an unknown one keeps its own."""
    plain = re.sub(r"[^a-z]", "", source.lower())
    return CHANNELS.get(plain, source.lower()[:30])


class ReportRow(Wire):
    """A row of the appointments report (#32): its columns are text."""

    appointment_id: Id
    booking_source: Text = ""
    first_visit: Text = ""
    cancelled_date: Moment = None
    cancel_reason: Text = ""

    def record(self, zone: ZoneInfo) -> records.AppointmentNote:
        word = self.first_visit.lower()
        return records.AppointmentNote(
            external_id=self.appointment_id,
            channel=channel_of(self.booking_source),
            is_first_visit={"yes": True, "true": True, "no": False, "false": False}.get(word),
            cancelled_at=local_to_utc(self.cancelled_date, zone),
            cancel_reason=self.cancel_reason[:120],
        )


class WaitlistService(Wire):
    service_id: MaybeId = ""
    therapist_id: MaybeId = ""


class WaitlistRange(Wire):
    start_date: Moment = None
    end_date: Moment = None


WAITLIST_STATUS = {
    "open": "open",
    "0": "open",
    "booked": "booked",
    "1": "booked",
    "expired": "expired",
    "2": "expired",
    "removed": "withdrawn",
    "3": "withdrawn",
    "withdrawn": "withdrawn",
    "cancelled": "withdrawn",
}


class WaitlistRow(Wire):
    """A wish for an earlier slot. Zenoti documents no read: the shape follows #40's request."""

    waitlist_group_id: MaybeId = ""
    id: MaybeId = ""
    guest_id: Id
    status: int | str | None = None
    services_info: list[WaitlistService] = Field(default_factory=list)
    date_ranges: list[WaitlistRange] = Field(default_factory=list)
    created_date: Moment = None

    def record(self, zone: ZoneInfo) -> records.WaitlistRecord:
        external_id = self.waitlist_group_id or self.id
        if not external_id:
            raise ValueError("an id is missing")
        word = str(self.status if self.status is not None else "open").lower()
        if word not in WAITLIST_STATUS:
            raise ValueError(f"unknown waitlist status {word[:40]!r}")
        wish = self.services_info[0] if self.services_info else WaitlistService()
        starts = [row.start_date for row in self.date_ranges if row.start_date]
        # A plain date as the end means the whole day.
        ends = [
            row.end_date + timedelta(days=row.end_date.time() == datetime.min.time())
            for row in self.date_ranges
            if row.end_date
        ]
        return records.WaitlistRecord(
            external_id=external_id,
            guest=records.GuestStub(external_id=self.guest_id),
            service=wish.service_id,
            therapist=wish.therapist_id,
            status=WAITLIST_STATUS[word],
            from_at=local_to_utc(min(starts, default=None), zone),
            until_at=local_to_utc(max(ends, default=None), zone),
            added_at=local_to_utc(self.created_date, zone),
        )


class FeedbackRow(Wire):
    id: Id
    guest_id: Id
    appointment_id: MaybeId = ""
    rating: float
    scale: float = 5
    comments: Text = ""
    created_date: Moment = None

    def record(self, zone: ZoneInfo) -> records.ReviewRecord:
        written_at = local_to_utc(self.created_date, zone)
        if written_at is None:
            raise ValueError("no date")
        if self.scale <= 0 or not 0 <= self.rating <= self.scale:
            raise ValueError(f"the rating {self.rating} is not on the scale of {self.scale}")
        return records.ReviewRecord(
            external_id=self.id,
            guest=self.guest_id,
            appointment=self.appointment_id,
            rating=self.rating * 5 / self.scale,
            comment=self.comments,
            written_at=written_at,
        )


# --- Lists ---------------------------------------------------------------------------------------
W = TypeVar("W", bound=Wire)
R = TypeVar("R")


@lru_cache(maxsize=64)
def _adapter(model: type[Wire]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type]


def _id_of(row: Any) -> str:
    """Whatever may identify a row that could not be read."""
    if isinstance(row, dict):
        for name in ("appointment_id", "user_membership_id", "id", "invoice_id"):
            value = row.get(name)
            if isinstance(value, str) and value and value != ZERO_GUID:
                return value.lower()[:64]
    return ""


def poison(row: Any, error: Exception, location: str) -> Poison:
    """A row that could not be read, with the reason in words staff can act on."""
    if isinstance(error, ValidationError):
        parts = [
            f"{'.'.join(str(step) for step in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        ]
        reason = "; ".join(parts[:5])
    else:
        reason = str(error)
    return Poison(
        payload=orjson.dumps(row, default=str).decode(),
        reason=reason,
        external_id=_id_of(row),
        location_external_id=location,
    )


def read_rows(
    model: type[W], rows: Any, convert: Callable[[W], R], location: str
) -> tuple[list[R], list[Poison]]:
    """All rows at once; only a list with a bad row is read row by row. Never stops at one."""
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise ValueError("the rows are not a list")
    try:
        return [convert(row) for row in _adapter(model).validate_python(rows)], []
    except (ValueError, OverflowError):
        pass
    good: list[R] = []
    bad: list[Poison] = []
    for row in rows:
        try:
            good.append(convert(model.model_validate(row)))
        except (ValueError, OverflowError) as error:
            bad.append(poison(row, error, location))
    return good, bad
