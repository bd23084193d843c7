"""Smallest valid rows of the mirror."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import factory
from factory.django import DjangoModelFactory

from memberships import models

NOW = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)  # a Friday, 12:00 in New York


class LocationFactory(DjangoModelFactory):
    class Meta:
        model = models.Location

    external_id = factory.Sequence(lambda n: f"center-{n}")
    code = factory.Sequence(lambda n: f"C{n}")
    name = factory.Sequence(lambda n: f"Location {n}")
    time_zone = "America/New_York"
    region = "NY"


class PlanFactory(DjangoModelFactory):
    class Meta:
        model = models.Plan

    external_id = factory.Sequence(lambda n: f"plan-{n}")
    name = factory.Sequence(lambda n: f"Glow {n}")
    kind = models.Plan.Kind.RECURRING
    price_cents = 8_900
    period_months = 1


class ServiceFactory(DjangoModelFactory):
    class Meta:
        model = models.Service

    external_id = factory.Sequence(lambda n: f"service-{n}")
    name = factory.Sequence(lambda n: f"Facial {n}")
    category = "Face"
    duration_minutes = 60
    price_cents = 9_500


class TherapistFactory(DjangoModelFactory):
    class Meta:
        model = models.Therapist

    external_id = factory.Sequence(lambda n: f"therapist-{n}")
    name = factory.Sequence(lambda n: f"Kim {n}")
    location = factory.SubFactory(LocationFactory)


class GuestFactory(DjangoModelFactory):
    class Meta:
        model = models.Guest

    external_id = factory.Sequence(lambda n: f"guest-{n}")
    code = factory.Sequence(lambda n: f"G{n}")
    location = factory.SubFactory(LocationFactory)
    first_name = "Ada"
    last_name = factory.Sequence(lambda n: f"Moss{n}")
    email = factory.Sequence(lambda n: f"ada{n}@example.test")
    phone = factory.Sequence(lambda n: f"+1212555{n % 10000:04d}")
    language = "en"
    sms_marketing = True
    sms_transactional = True
    email_marketing = True


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = models.Membership

    external_id = factory.Sequence(lambda n: f"membership-{n}")
    guest = factory.SubFactory(GuestFactory)
    location = factory.SelfAttribute("guest.location")
    plan = factory.SubFactory(PlanFactory)
    status = models.Membership.Status.ACTIVE
    started_on = date(2025, 11, 20)
    auto_renews = True
    price_cents = 8_900


class AppointmentFactory(DjangoModelFactory):
    class Meta:
        model = models.Appointment

    external_id = factory.Sequence(lambda n: f"appointment-{n}")
    guest = factory.SubFactory(GuestFactory)
    location = factory.SelfAttribute("guest.location")
    service = factory.SubFactory(ServiceFactory)
    status = models.Appointment.Status.BOOKED
    booked_at = NOW - timedelta(days=5)
    starts_at = NOW + timedelta(days=1)
    ends_at = factory.LazyAttribute(lambda a: a.starts_at + timedelta(hours=1))
    starts_on = factory.LazyAttribute(lambda a: a.location.today(a.starts_at))
    price_cents = 9_500


class ChargeFactory(DjangoModelFactory):
    class Meta:
        model = models.Charge

    external_id = factory.Sequence(lambda n: f"charge-{n}")
    membership = factory.SubFactory(MembershipFactory)
    guest = factory.SelfAttribute("membership.guest")
    location = factory.SelfAttribute("membership.location")
    charged_on = NOW.date()
    status = models.Charge.Status.PAID
    amount_cents = 8_900


class BenefitFactory(DjangoModelFactory):
    class Meta:
        model = models.Benefit

    membership = factory.SubFactory(MembershipFactory)
    service_external_id = factory.Sequence(lambda n: f"service-{n}")
    service_name = "Facial 60"


class ReviewFactory(DjangoModelFactory):
    class Meta:
        model = models.Review

    external_id = factory.Sequence("review-{}".format)
    rating = 4
    written_at = NOW
