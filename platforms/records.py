"""What a platform says, in the product's words: validated, neutral, without wire spellings.

Ids are the platform's. Instants are aware UTC, dates are local to the location, money is whole
cents. `None` means the platform did not say; the mirror then keeps what it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Generic, TypeVar

from platforms.dead_letters import Poison


@dataclass(slots=True)
class LocationRecord:
    external_id: str
    code: str
    name: str
    time_zone: str
    currency: str
    country: str
    region: str
    phone: str
    email: str
    late_cancel_hours: int | None


@dataclass(slots=True)
class PlanRecord:
    external_id: str
    code: str
    name: str
    is_recurring: bool | None
    price_cents: int | None = None
    period_months: int | None = None
    description: str | None = None


@dataclass(slots=True)
class ServiceRecord:
    external_id: str
    name: str
    code: str | None = None
    category: str | None = None
    duration_minutes: int | None = None
    price_cents: int | None = None
    is_addon: bool | None = None


@dataclass(slots=True)
class TherapistRecord:
    external_id: str
    name: str
    job: str | None = None


@dataclass(slots=True)
class GuestRecord:
    external_id: str
    location: str  # empty: the location it was read for
    code: str
    first_name: str
    last_name: str
    email: str
    phone: str
    phone_as_given: str
    gender: str
    registered_at: datetime | None
    sms_marketing: bool | None
    sms_transactional: bool | None
    email_marketing: bool | None
    language: str | None
    tags: list[str] | None


@dataclass(slots=True)
class GuestStub:
    """A guest named inside another record."""

    external_id: str
    code: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    phone_as_given: str = ""


@dataclass(slots=True)
class MembershipRecord:
    external_id: str
    guest: GuestStub
    plan: PlanRecord
    status: str
    recurrence_status: str
    started_on: date
    ends_on: date | None
    sold_on: date | None
    auto_renews: bool
    frozen_on: date | None
    cancelled_on: date | None
    closed_on: date | None


@dataclass(slots=True)
class BenefitRecord:
    service: str
    service_name: str
    total: int
    used: int
    balance: int
    expired: int
    expires_on: date | None
    last_used_on: date | None


@dataclass(slots=True)
class InvoiceLine:
    """A payment of a membership as its own record lists it."""

    invoice: str
    invoice_no: str
    on: date
    price_cents: int
    paid_cents: int
    is_voided: bool
    payment_type: str


@dataclass(slots=True)
class MembershipDetail:
    external_id: str
    guest: str
    plan: PlanRecord
    status: str
    recurrence_status: str
    member_since_on: date | None
    ends_on: date | None
    price_cents: int | None
    next_charge_on: date | None
    next_charge_cents: int | None
    card_expires_on: date | None
    frozen_on: date | None
    frozen_until_on: date | None
    suspended_on: date | None
    cancel_requested_on: date | None
    cancelled_on: date | None
    terminates_on: date | None
    credit_total_cents: int | None
    credit_balance_cents: int | None
    benefits: list[BenefitRecord] = field(default_factory=list)
    invoices: list[InvoiceLine] = field(default_factory=list)


@dataclass(slots=True)
class MembershipChange:
    external_id: str
    guest: str
    status: str
    recurrence_status: str


@dataclass(slots=True)
class ChargeRecord:
    external_id: str
    guest: str
    location: str
    membership: str  # empty when the platform does not say
    invoice: str
    invoice_no: str
    charged_on: date
    status: str
    amount_cents: int
    due_cents: int
    payment_type: str
    decline_code: str
    first_failed_on: date | None = None  # an earlier attempt that the platform no longer lists


@dataclass(slots=True)
class AppointmentRecord:
    external_id: str
    group: str
    invoice: str
    guest: GuestStub
    service: ServiceRecord | None
    therapist: TherapistRecord | None
    status: str
    booked_at: datetime | None
    starts_at: datetime
    ends_at: datetime
    starts_on: date
    price_cents: int | None
    location: str = ""


@dataclass(slots=True)
class AppointmentNote:
    """What only the report says about an appointment."""

    external_id: str
    channel: str
    is_first_visit: bool | None
    cancelled_at: datetime | None
    cancel_reason: str


@dataclass(slots=True)
class WaitlistRecord:
    external_id: str
    guest: GuestStub
    service: str
    therapist: str
    status: str
    from_at: datetime | None
    until_at: datetime | None
    added_at: datetime | None


@dataclass(slots=True)
class ReviewRecord:
    external_id: str
    guest: str
    appointment: str
    rating: float  # 0 to 5
    comment: str
    written_at: datetime


R = TypeVar("R")


@dataclass(frozen=True)
class Page(Generic[R]):
    """One answer of the platform: sane records, and those that could not be read.

    `asked_at` is when the call left: what is in it is at least that new. `number` and `of` count
    pages (or windows) of a run; `total` is the platform's count of rows, where it says so.
    """

    records: Sequence[R]
    poisons: Sequence[Poison]
    asked_at: datetime
    number: int = 1
    of: int | None = None
    total: int | None = None
