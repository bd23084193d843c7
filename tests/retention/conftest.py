"""Members with scores, as the night leaves them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from memberships.models import Appointment, Guest, GuestDay, Membership
from outreach.experiments.arms import falls_into_holdout
from outreach.library.seed import AT_RISK, seed_library
from risk.models import ChurnScore, ModelVersion
from tests.factories.memberships import NOW, AppointmentFactory, GuestFactory, MembershipFactory

TODAY = date(2026, 11, 20)

MakeMember = Callable[..., Membership]


@pytest.fixture
def model(db: None) -> ModelVersion:
    return ModelVersion.objects.create(
        target="churn",
        name="churn-2026-11",
        kind="additive",
        status="champion",
        trained_at=NOW,
        artefact="{}",
        signature="-",
    )


def reason(cause: str = "usage_drop", direction: str = "raises") -> dict[str, Any]:
    return {
        "cause": cause,
        "text": "no visit for 74 days, usual gap 28",
        "value": 74,
        "norm": 28,
        "contribution": 1.2,
        "direction": direction,
    }


def guest_in_arm(*, held_out: bool, **fields: Any) -> Guest:
    """A guest whom the draw of the at-risk experiment puts into the wanted arm."""
    while True:
        guest = GuestFactory(**fields)
        if falls_into_holdout(play_key=AT_RISK, guest_id=guest.pk, percent=10) == held_out:
            return guest
        guest.delete()


@pytest.fixture
def library(db: None) -> None:
    seed_library(by=None, now=NOW)


@pytest.fixture
def make_member(location: Any, model: ModelVersion) -> MakeMember:
    """A running member with a visit 74 days ago and a score; `score=None` leaves it out."""

    def make(
        *,
        score: int | None = 82,
        band: str = "high",
        cause: str = "usage_drop",
        last_visit_days: int | None = 74,
        **fields: Any,
    ) -> Membership:
        guest_fields = {k[7:]: fields.pop(k) for k in list(fields) if k.startswith("guest__")}
        place = fields.pop("location", location)
        held_out = fields.pop("held_out", False)
        guest = fields.pop("guest", None) or guest_in_arm(
            held_out=held_out, location=place, **guest_fields
        )
        member = MembershipFactory(guest=guest, location=place, **fields)
        if last_visit_days is not None:
            on = TODAY - timedelta(days=last_visit_days)
            GuestDay.objects.get_or_create(
                guest=guest,
                location=place,
                on=on,
                defaults={"visits": 1, "spend_cents": 9_500},
            )
            AppointmentFactory(
                guest=guest,
                location=place,
                status=Appointment.Status.COMPLETED,
                starts_at=NOW - timedelta(days=last_visit_days),
                booked_at=NOW - timedelta(days=last_visit_days + 5),
            )
        if score is not None:
            ChurnScore.objects.create(
                membership=member,
                guest=guest,
                location=place,
                p=score / 200,
                score=score,
                band=band,
                reasons=[reason("price", "lowers"), reason(cause)],
                model=model,
                as_of_on=TODAY,
                scored_at=NOW,
            )
        return member

    return make
