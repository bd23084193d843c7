"""What the experiments of the plays say, from the draws of outreach to the words for staff."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from django.db import connection

from audit.models import JobRun, LedgerEntry
from memberships.models import Guest, Membership
from outreach.models import Holdout, Play
from risk import experiments, services, tasks
from risk.engine import uplift
from risk.models import UpliftEstimate
from tests.factories import mirror
from tests.owner import as_owner

PLAY = "at-risk-check-in"
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
TODAY = NOW.date()


def draw(guest: Guest, *, on: date, held: bool = False) -> None:
    Play.objects.get_or_create(key=PLAY, defaults={"name": "Check-in"})
    Holdout.objects.create(
        guest=guest,
        play_id=PLAY,
        is_held_out=held,
        assigned_at=datetime.combine(on, time(3), tzinfo=UTC),
    )


def cases(*, as_of_on: date = TODAY) -> experiments.Experiment:
    return experiments.cases(PLAY, as_of_on=as_of_on)


@pytest.fixture
def members(small: mirror.Mirror) -> list[Membership]:
    """Running memberships that have run for half a year."""
    long_ago = TODAY - timedelta(days=170)
    Membership.objects.filter(ended_on=None).update(started_on=long_ago)
    return list(
        Membership.objects.filter(status="active", ended_on=None)
        .order_by("guest_id")
        .distinct("guest_id")
        .select_related("guest")[:6]
    )


def only(membership: Membership, **changes: object) -> Membership:
    """The guest's one membership, so changed."""
    Membership.objects.filter(guest_id=membership.guest_id).exclude(pk=membership.pk).delete()
    Membership.objects.filter(pk=membership.pk).update(**changes)
    return membership


def test_an_arm_is_where_the_guest_was_drawn(members: list[Membership]) -> None:
    on = TODAY - timedelta(days=90)
    draw(only(members[0]).guest, on=on, held=True)
    draw(only(members[1]).guest, on=on)
    found = cases()
    assert found.treated.tolist() == [0, 1]
    assert found.outcome.tolist() == [1, 1]  # both are still members
    assert not np.isnan(found.columns["tenure_days"]).any()
    assert "plan" in found.categories


@pytest.mark.parametrize(("ended_after", "kept"), [(10, 0.0), (60, 0.0), (61, 1.0), (73, 1.0)])
def test_kept_means_bound_on_the_sixtieth_day(
    members: list[Membership], ended_after: int, kept: float
) -> None:
    on = TODAY - timedelta(days=90)
    one = only(
        members[0], ended_on=on + timedelta(days=ended_after), status="cancelled",
        ending="voluntary",
    )  # fmt: skip
    draw(one.guest, on=on)
    assert cases().outcome.tolist() == [kept]


def test_a_new_contract_within_two_weeks_counts_as_kept(members: list[Membership]) -> None:
    on = TODAY - timedelta(days=100)
    one = only(members[0], ended_on=on + timedelta(days=50), status="cancelled", ending="voluntary")
    draw(one.guest, on=on)
    assert cases().outcome.tolist() == [0]
    one.pk, one.external_id, one.started_on = 10**6, "renewed", on + timedelta(days=70)
    one.ended_on, one.status, one.ending = None, "active", ""
    one.save()
    assert cases().outcome.tolist() == [1]


def test_what_is_not_known_yet_is_no_case(members: list[Membership]) -> None:
    draw(members[0].guest, on=TODAY - timedelta(days=74))
    assert len(cases().treated) == 0
    assert len(cases(as_of_on=TODAY + timedelta(days=1)).treated) == 1


def test_guests_who_were_no_members_when_drawn_are_not_measured(members: list[Membership]) -> None:
    on = TODAY - timedelta(days=90)
    one = only(members[0], ended_on=on - timedelta(days=1), status="cancelled", ending="voluntary")
    draw(one.guest, on=on)
    assert len(cases().treated) == 0


def test_inputs_are_those_of_before_the_draw(members: list[Membership]) -> None:
    on = date(2026, 8, 13)  # a Thursday
    one = only(members[0])
    draw(one.guest, on=on)
    tenure = (date(2026, 8, 10) - (one.member_since_on or one.started_on)).days
    expected = max(tenure, (date(2026, 8, 10) - (TODAY - timedelta(days=170))).days)
    assert cases().columns["tenure_days"].tolist() == [expected]


def test_statements_do_not_grow_with_the_guests(
    members: list[Membership], django_assert_max_num_queries: object
) -> None:
    for membership in members:
        draw(membership.guest, on=TODAY - timedelta(days=90))
    with django_assert_max_num_queries(6):  # type: ignore[operator]
        cases()


def test_an_experiment_just_begun_is_not_enough_and_said_so(members: list[Membership]) -> None:
    draw(members[0].guest, on=TODAY - timedelta(days=90))
    draw(members[1].guest, on=TODAY - timedelta(days=90), held=True)
    found = services.estimate_uplift(play=PLAY, as_of_on=TODAY, now=NOW)
    assert found.verdict == UpliftEstimate.Verdict.NOT_ENOUGH
    assert found.sentence.startswith("Not enough data yet: 1 contacted, 1 held back")
    entry = LedgerEntry.objects.get(event="uplift.estimated")
    assert json.loads(entry.body)["detail"]["verdict"] == "not enough data yet"


def test_without_the_view_there_is_not_enough(db: None) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("DROP VIEW risk_experiment_case")
    assert experiments.plays() == []
    found = services.estimate_uplift(play=PLAY, as_of_on=TODAY, now=NOW)
    assert found.sentence == (
        "Not enough data yet: 0 contacted, 0 held back. Without both there is nothing to compare."
    )


def test_a_second_estimate_of_a_day_replaces_the_first(members: list[Membership]) -> None:
    services.estimate_uplift(play=PLAY, as_of_on=TODAY, now=NOW)
    draw(members[0].guest, on=TODAY - timedelta(days=90))
    services.estimate_uplift(play=PLAY, as_of_on=TODAY, now=NOW + timedelta(hours=1))
    assert UpliftEstimate.objects.get().treated == 1


def test_a_verdict_comes_with_its_report(
    members: list[Membership], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough people drawn: the report names learners, ranking and interval, and nobody."""
    rng = np.random.default_rng(1)
    n = 1_200
    treated = rng.integers(0, 2, n).astype(float)
    monkeypatch.setattr(uplift, "WORTH", 0.2)
    monkeypatch.setattr(
        experiments,
        "cases",
        lambda play, as_of_on: experiments.Experiment(
            columns={"tenure_days": rng.random(n)},
            categories=(),
            treated=treated,
            outcome=(rng.random(n) < 0.5 + 0.3 * treated).astype(float),
        ),
    )
    found = services.estimate_uplift(play=PLAY, as_of_on=TODAY, now=NOW)
    found.refresh_from_db()
    assert found.verdict == UpliftEstimate.Verdict.NO_DIFFERENCE
    assert set(found.report) == {"average", "learners", "chosen", "ranking"}
    assert found.report["average"]["low"] < 0.3 < found.report["average"]["high"]


def test_the_monthly_task_measures_each_play_once(members: list[Membership]) -> None:
    draw(members[0].guest, on=TODAY - timedelta(days=90))
    tasks.estimate_uplift()
    tasks.estimate_uplift()
    assert UpliftEstimate.objects.count() == 1
    assert JobRun.objects.get(job=f"risk.uplift.{PLAY}").status == JobRun.Status.DONE
    assert LedgerEntry.objects.filter(event="uplift.estimated").count() == 1
