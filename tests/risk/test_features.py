"""Inputs know nothing that came after their moment, and are the same wherever they are used."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from memberships.models import Appointment, Charge, GuestDay, Membership, Review
from risk.features import bookings, churn
from risk.features.months import rebuild_outcome_months
from risk.frame import Frame, currency_of
from risk.models import OutcomeMonth
from risk.targets import CANCELLATION, CHURN
from tests.factories import mirror
from tests.factories.memberships import (
    AppointmentFactory,
    BenefitFactory,
    ChargeFactory,
    GuestFactory,
    MembershipFactory,
    PlanFactory,
    TherapistFactory,
)

AS_OF = date(2026, 7, 1)


def forget_what_came_after(moment: datetime, day: date) -> None:
    """Take the mirror back to the moment, as a sync of that time would have left it. `day` is the
    local date of the moment: roll-ups and charges know whole days only."""
    Appointment.objects.filter(booked_at__gte=moment).delete()
    Appointment.objects.filter(status="cancelled", cancelled_at__gte=moment).update(
        status="booked", cancelled_at=None, is_late_cancellation=False
    )
    Appointment.objects.filter(
        starts_at__gte=moment, status__in=["completed", "no_show", "checked_in"]
    ).update(status="booked")
    GuestDay.objects.filter(on__gte=day).delete()
    Charge.objects.filter(charged_on__gte=day).delete()
    Review.objects.filter(written_at__gte=moment).delete()
    Membership.objects.filter(started_on__gt=day).delete()
    Membership.objects.filter(ended_on__gt=day).update(ended_on=None, ending="", status="active")


def assert_same(one: Frame, other: Frame, ignore: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    for name, ids in one.ids.items():
        assert ids.tolist() == other.ids[name].tolist(), name
    for name, values in one.columns.items():
        if name not in ignore:
            np.testing.assert_allclose(values, other.columns[name], atol=1e-9, err_msg=name)


def test_member_inputs_are_those_of_the_day_itself(small: mirror.Mirror) -> None:
    midnight = datetime(2026, 7, 1, 4, tzinfo=UTC)  # in New York
    later = churn.members(as_of_on=AS_OF, outcomes=True)
    assert len(later) > 20
    assert later.outcomes["any"].sum() > 0, "some of them left afterwards"
    forget_what_came_after(midnight, AS_OF)
    then = churn.members(as_of_on=AS_OF)
    assert_same(later, then)


def test_booking_inputs_are_those_of_the_moment_itself(small: mirror.Mirror) -> None:
    rebuild_outcome_months(from_on=date(2026, 1, 1), until_on=date(2026, 12, 1))
    past = bookings.past(from_on=date(2026, 8, 1), until_on=date(2026, 9, 1))
    assert set(past.columns["view"].tolist()) == {1.0, 2.0, 3.0}
    for row in range(0, len(past), len(past) // 12):
        one = past.where(np.arange(len(past)) == row)
        number = int(one.ids["appointment_id"][0])
        moment = datetime.fromtimestamp(one.columns["moment"][0], UTC)
        from django.db import transaction

        with transaction.atomic():
            # The booking itself is made in the very moment in the first view.
            Appointment.objects.filter(pk=number).update(
                booked_at=Appointment.objects.get(pk=number).booked_at - timedelta(seconds=1)
            )
            forget_what_came_after(moment, moment.date())
            live = bookings.chosen(appointment_ids=[number], now=moment)
            transaction.set_rollback(True)
        live.columns["lead_days"] -= 1 / 86400
        live.columns["view"] = one.columns["view"]
        assert_same(one, live)


def test_the_night_and_a_live_booking_agree(
    small: mirror.Mirror, today: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = mirror.midday(today)
    night = bookings.coming(
        location_ids=small.location_ids, now=now, from_on=today, until_on=today + timedelta(14)
    )
    ids = night.ids["appointment_id"].tolist()
    assert 5 < len(ids) <= bookings.FEW
    assert_same(night, bookings.chosen(appointment_ids=ids, now=now))
    one = bookings.chosen(appointment_ids=ids[2:3], now=now)
    assert_same(night.where(np.arange(len(ids)) == 2), one)
    monkeypatch.setattr(bookings, "FEW", 0)  # a long list is read as the night is
    assert_same(night, bookings.chosen(appointment_ids=ids, now=now))


def test_a_location_reads_the_same_as_all(small: mirror.Mirror) -> None:
    everywhere = churn.members(as_of_on=AS_OF)
    here = churn.members(as_of_on=AS_OF, location_ids=small.location_ids[:1])
    assert 0 < len(here) < len(everywhere)
    mask = everywhere.ids["location_id"] == small.location_ids[0]
    assert_same(everywhere.where(mask), here)


@pytest.mark.django_db
def test_the_number_of_statements_does_not_grow(today: date) -> None:
    counts = []
    for members in (10, 150):
        mirror.build(members=members, months=4, seed=members)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            churn.members(as_of_on=today)
            bookings.coming(
                location_ids=list(range(1, 50)),
                now=mirror.midday(today),
                from_on=today,
                until_on=today + timedelta(14),
            )
        counts.append(len(queries))
        Appointment.objects.all().delete()
    assert counts[0] == counts[1] <= 4


@pytest.mark.django_db
def test_every_declared_input_is_read(today: date) -> None:
    MembershipFactory()
    AppointmentFactory()
    member = churn.members(as_of_on=today)
    booking = bookings.chosen(
        appointment_ids=list(Appointment.objects.values_list("pk", flat=True)),
        now=mirror.midday(today),
    )
    assert {one.name for one in CHURN.inputs} <= set(member.columns)
    assert {one.name for one in CANCELLATION.inputs} <= set(booking.columns)


@pytest.mark.django_db
def test_the_own_gap_and_habit_come_from_the_persons_own_visits(today: date) -> None:
    membership = MembershipFactory(started_on=date(2025, 1, 1))
    for back in range(100, 500, 25):
        GuestDay.objects.create(
            guest=membership.guest,
            location=membership.location,
            on=today - timedelta(back),
            visits=1,
            spend_cents=10_000,
        )
    c = churn.members(as_of_on=today).columns
    assert c["days_since_visit"][0] == 100
    assert c["own_gap"][0] == pytest.approx((15 * 25 + 2 * 30) / 17)
    assert c["gap_ratio"][0] == pytest.approx(100 / c["own_gap"][0])
    assert c["visits_90"][0] == 0
    # 15 visits in the 365 days before the last 90.
    assert c["habit_90"][0] == pytest.approx(15 / 365 * 90)


@pytest.mark.django_db
def test_a_renewed_membership_has_not_churned(today: date) -> None:
    guest = GuestFactory()
    first = MembershipFactory(
        guest=guest, status="expired", ended_on=date(2026, 8, 1), ending="voluntary"
    )
    MembershipFactory(status="cancelled", ended_on=date(2026, 8, 1), ending="involuntary")
    MembershipFactory(guest=guest, started_on=date(2026, 8, 3))
    found = churn.members(as_of_on=AS_OF, outcomes=True)
    outcome = dict(zip(found.ids["membership_id"].tolist(), found.outcomes["any"], strict=True))
    assert outcome.pop(first.pk) == 0
    assert list(outcome.values()) == [1]
    assert found.outcomes["involuntary"].sum() == 1


@pytest.mark.django_db
def test_the_term_of_a_package_comes_from_its_plan(today: date) -> None:
    plan = PlanFactory(kind="non_recurring", period_months=12)
    # The platform moves the end date when a contract is cancelled: it would tell the future.
    MembershipFactory(plan=plan, started_on=date(2025, 12, 20), ends_on=date(2026, 11, 30))
    assert churn.members(as_of_on=today).columns["term_left_days"][0] == 30


@pytest.mark.django_db
def test_an_untold_cancellation_is_not_known_from_the_start(today: date) -> None:
    """Without a time, a late cancellation counts as known 12 hours before the start."""
    past = AppointmentFactory(
        status="cancelled",
        booked_at=datetime(2026, 8, 1, tzinfo=UTC),
        starts_at=datetime(2026, 8, 20, 15, tzinfo=UTC),
        is_late_cancellation=True,
        cancelled_at=datetime(2026, 11, 1, tzinfo=UTC),  # first seen by a later sync
    )
    found = bookings.past(from_on=date(2026, 8, 1), until_on=date(2026, 9, 1))
    assert found.ids["appointment_id"].tolist() == [past.pk] * 3
    assert found.outcomes["any"].tolist() == [1, 1, 1]


def test_months_count_what_ended_and_a_second_count_changes_nothing(
    small: mirror.Mirror, today: date
) -> None:
    assert rebuild_outcome_months(from_on=date(2026, 6, 1), until_on=today) > 0
    business = OutcomeMonth.objects.get(scope="business", month_on=date(2026, 9, 1))
    book = Appointment.objects.filter(starts_on__year=2026, starts_on__month=9)
    assert business.ended == book.exclude(status="booked").count()
    assert business.cancelled == book.filter(status="cancelled").count()
    assert not OutcomeMonth.objects.filter(month_on__gte=date(2026, 11, 1)).exists()
    assert rebuild_outcome_months(from_on=date(2026, 6, 1), until_on=today) == 0


@pytest.mark.django_db
def test_a_holiday_is_that_of_the_country(today: date) -> None:
    thanksgiving = datetime(2026, 11, 26, 17, tzinfo=UTC)
    here = AppointmentFactory(starts_at=thanksgiving)
    abroad = AppointmentFactory(starts_at=thanksgiving)
    abroad.location.country = "GB"
    abroad.location.save()
    found = bookings.chosen(appointment_ids=[here.pk, abroad.pk], now=mirror.midday(today))
    assert found.columns["holiday"].tolist() == [1, 0]


@pytest.mark.django_db
def test_a_frame_knows_the_currency_of_each_row(today: date) -> None:
    here, abroad = AppointmentFactory(), AppointmentFactory()
    abroad.location.currency = "CAD"
    abroad.location.save()
    MembershipFactory(guest=here.guest)
    MembershipFactory(guest=abroad.guest)
    booked = bookings.chosen(appointment_ids=[here.pk, abroad.pk], now=mirror.midday(today))
    for found in (booked, churn.members(as_of_on=today)):
        assert list(map(currency_of, found.columns["currency"].tolist())) == ["USD", "CAD"]


@pytest.mark.django_db
def test_a_therapist_nobody_is_treated_by_any_more_has_left(today: date) -> None:
    membership = MembershipFactory(started_on=date(2025, 1, 1))
    place = membership.location
    hers, his = TherapistFactory(location=place), TherapistFactory(location=place)
    for back, therapist, guest in (
        (90, hers, membership.guest),
        (60, hers, membership.guest),
        (40, his, membership.guest),
        (1, his, GuestFactory()),
    ):
        visited = mirror.midday(today - timedelta(back))
        AppointmentFactory(
            guest=guest, location=place, therapist=therapist, status="completed",
            booked_at=visited - timedelta(5), starts_at=visited,
        )  # fmt: skip
    c = churn.members(as_of_on=today).columns
    assert (c["lost_visits"][0], c["lost_days"][0]) == (2, 60)
    assert c["lost_share"][0] == 2 / 4
    # Seen from a week after her last treatment she may still be there.
    assert churn.members(as_of_on=today - timedelta(53)).columns["lost_visits"][0] == 0


@pytest.mark.django_db
def test_a_payment_that_failed_twice_is_one_and_open_since_it_first_failed(today: date) -> None:
    membership = MembershipFactory(started_on=date(2025, 1, 1))
    for back, status, invoice in (
        (40, "paid", "i1"),
        (10, "failed", "i2"),
        (7, "failed", "i2"),
        (70, "failed", "i0"),
        (68, "paid", "i0"),
    ):
        ChargeFactory(
            membership=membership,
            charged_on=today - timedelta(back), status=status, invoice_external_id=invoice,
        )  # fmt: skip
    c = churn.members(as_of_on=today).columns
    assert c["failed_90"][0] == 2
    assert c["unpaid_days"][0] == 10


@pytest.mark.django_db
def test_a_price_rise_is_felt_while_it_is_new(today: date) -> None:
    plan = PlanFactory(kind="recurring", period_months=1)
    membership = MembershipFactory(plan=plan, started_on=date(2025, 1, 1))
    for back in range(5, 300, 30):
        ChargeFactory(
            membership=membership,
            charged_on=today - timedelta(back), status="paid",
            amount_cents=11_000 if back < 40 else 10_000,
        )  # fmt: skip
    c = churn.members(as_of_on=today).columns
    assert c["price_rise"][0] == pytest.approx(0.1)
    # The next payment is a month after the last; the one after that is 55 days away.
    assert c["charge_in_days"][0] == 25
    assert c["decision_days"][0] == pytest.approx(25 + 30.44)


@pytest.mark.parametrize(
    ("first", "period", "days"),
    [(0, 30, 60), (20, 30, 50), (-9, 30, 60), (61, 30, 0), (40, 91, 40)],
)
def test_whoever_cancels_stays_until_the_paid_period_is_over(
    first: float, period: float, days: float
) -> None:
    assert churn.decision_days(np.array([first]), np.array([period])).tolist() == [days]


@pytest.mark.django_db
def test_credits_left_are_payments_less_treatments_on_the_plan(today: date) -> None:
    plan = PlanFactory(kind="recurring", period_months=1)
    membership = MembershipFactory(
        plan=plan,
        status="active",
        started_on=today - timedelta(300),
        detailed_at=mirror.midday(today),
    )
    # Two treatments a month: 20 granted in ten months.
    BenefitFactory(membership=membership, total=21, used=5, balance=16)
    for back in (10, 40, 70):
        ChargeFactory(
            membership=membership,
            charged_on=today - timedelta(back), status="paid",
        )  # fmt: skip
    for back, cents in ((20, 0), (21, 0), (50, 9_000)):
        visited = mirror.midday(today - timedelta(back))
        AppointmentFactory(
            guest=membership.guest, location=membership.location, status="completed",
            booked_at=visited - timedelta(5), starts_at=visited, price_cents=cents,
        )  # fmt: skip
    c = churn.members(as_of_on=today).columns
    assert (c["plan_benefits"][0], c["covered_120"][0]) == (2, 2)
    assert c["credits_left"][0] == 3 - 2 / 2


@pytest.mark.django_db
def test_a_complaint_weighs_less_with_the_weeks(today: date) -> None:
    membership = MembershipFactory(started_on=date(2025, 1, 1))
    midnight = datetime(2026, 11, 20, 5, tzinfo=UTC)  # in New York
    for back, rating in ((60, 2.0), (10, 5.0)):
        Review.objects.create(
            external_id=f"review-{back}",
            guest=membership.guest,
            location=membership.location,
            rating=rating,
            written_at=midnight - timedelta(back),
        )
    c = churn.members(as_of_on=today).columns
    assert c["grievance"][0] == pytest.approx(2 * np.exp(-1))
    assert (c["low_rating"][0], c["low_days"][0]) == (2, 60)


@pytest.mark.django_db
def test_who_cancels_and_books_nothing_else_has_given_up(today: date) -> None:
    membership = MembershipFactory(started_on=date(2025, 1, 1))
    AppointmentFactory(
        guest=membership.guest, location=membership.location, status="cancelled",
        cancelled_at=mirror.midday(today - timedelta(2)),
        booked_at=mirror.midday(today - timedelta(9)),
        starts_at=mirror.midday(today + timedelta(5)),
    )  # fmt: skip
    assert churn.members(as_of_on=today).columns["given_up"][0] == 1
    AppointmentFactory(
        guest=membership.guest, location=membership.location,
        booked_at=mirror.midday(today - timedelta(1)),
        starts_at=mirror.midday(today + timedelta(9)),
    )  # fmt: skip
    assert churn.members(as_of_on=today).columns["given_up"][0] == 0


def test_every_fallen_booking_fell_in_one_of_three_ways(small: mirror.Mirror) -> None:
    rebuild_outcome_months(from_on=date(2026, 1, 1), until_on=date(2026, 12, 1))
    outcomes = bookings.past(from_on=date(2026, 8, 1), until_on=date(2026, 11, 1)).outcomes
    kinds = [outcomes[name] for name in CANCELLATION.heads[1:]]
    assert all(kind.sum() > 0 for kind in kinds)
    np.testing.assert_array_equal(np.sum(kinds, axis=0), outcomes["any"])
