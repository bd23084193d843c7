"""The quality page: what a regional manager reads, who may read it, what it costs."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import LedgerEntry
from memberships.models import Location
from risk.models import DriftAlarm, ModelVersion, OutcomeGroup, Target
from risk.quality import charts, figures
from tests.factories.memberships import NOW, LocationFactory

pytestmark = pytest.mark.django_db
URL = "/quality/"


def version(name: str, status: str, **fields: Any) -> ModelVersion:
    tested = {
        "test": {"n": 900, "positives": 80, "lift": 3.1, "auc": 0.77, "log_loss": 0.25},
        "scorecard": {"log_loss": 0.27},
        "against": {"scorecard": {"mean": -0.02, "low": -0.03, "high": -0.01}},
        "calibration": [
            {"n": 450, "expected": 0.04, "seen": 0.05},
            {"n": 450, "expected": 0.14, "seen": 0.13},
        ],
        "choice": {
            "chosen": "small",
            "candidates": [
                {
                    "name": "small", "title": "small trees", "log_loss": 0.25, "auc": 0.77,
                    "against_best": {"mean": 0.0, "low": 0.0, "high": 0.0},
                }
            ],
        },
    }  # fmt: skip
    return ModelVersion.objects.create(
        target="churn", name=name, kind="additive", status=status, trained_at=NOW,
        served_at=NOW, data_from_on=date(2025, 1, 1), data_until_on=date(2026, 6, 1), rows=5000,
        positives=400, metrics=tested, artefact="{}", signature="x", **fields,
    )  # fmt: skip


def came_true(model: ModelVersion, place: Location, *, n: int = 100, seen: int = 41) -> None:
    """High said 38 of 100, low 10 of 1000; 41 and 9 came true."""
    month = NOW.date().replace(day=1)
    for division, value, cases, expected, true in [
        ("band", "high", n, n * 0.38, seen),
        ("band", "low", 10 * n, n * 0.1, n * 9 // 100),
        ("score", "20", n, n * 0.38, seen),
        ("score", "3", 10 * n, n * 0.1, n * 9 // 100),
        ("tenure", "to_1_year", 11 * n, n * 0.48, seen + n * 9 // 100),
    ]:
        OutcomeGroup.objects.create(
            target="churn", model=model, location=place, month_on=month, division=division,
            value=value, n=cases, expected=expected, seen=true,
        )  # fmt: skip


def test_before_anything_is_known_it_says_how_much_is_needed(client: Client, regional: Any) -> None:
    client.force_login(regional)
    page = client.get(URL).text
    assert "0 of 200 outcomes needed" in page
    assert "Nothing has been scored yet." in page


def test_until_outcomes_are_known_the_test_stands_in_and_says_so(
    client: Client, regional: Any
) -> None:
    version("tested", "champion")
    client.force_login(regional)
    page = client.get(URL).text
    assert "past cases that they had not been learned from" in page
    assert "The tenth with the highest scores holds 31 % of all who left." in page
    assert "77 % of the time" in page
    assert "7.4 %" in page, "by how much it errs less than the scorecard"
    assert "small trees" in page


def test_it_says_in_words_what_was_said_and_what_came_true(
    client: Client, regional: Any, location: Location
) -> None:
    came_true(version("serving", "champion"), location)
    client.force_login(regional)
    page = client.get(URL).text
    assert "Of 100 members we called high risk, 41 left; we had said 38." in page
    assert "3 to 12 months" in page
    assert client.get(URL, {"target": "cancellation"}).status_code == 200
    assert client.get(URL, {"target": "x"}).status_code == 404


def test_a_regional_sees_the_own_locations_only(
    client: Client, regional: Any, location: Location, elsewhere: Location
) -> None:
    model = version("serving", "champion")
    came_true(model, location)
    came_true(model, elsewhere, n=500, seen=400)
    client.force_login(regional)
    page = client.get(URL)
    assert "we had said 38" in page.text
    assert "South" not in page.text


def test_what_is_far_off_is_marked_and_what_is_few_is_counted(location: Location) -> None:
    assert figures.Said("a", 500, 50.0, 90).is_marked
    assert not figures.Said("a", 500, 50.0, 60).is_marked
    few = figures.Said("a", 12, 3.4, 5)
    assert (few.said, few.came, few.is_marked) == ("3", "5", False)


def test_alarms_say_what_to_do(client: Client, regional: Any) -> None:
    DriftAlarm.objects.create(
        target="churn", model=version("serving", "champion"), kind="missing", input="rating",
        size=1.0, sentence="Ratings: not known for 90 % of members, before for 40 %.",
        raised_at=NOW, seen_at=NOW,
    )  # fmt: skip
    client.force_login(regional)
    page = client.get(URL).text
    assert "not known for 90 % of members" in page
    assert "the platform may no longer send this" in page
    assert "No alarm" not in page


def test_going_back_is_one_button_for_whoever_serves_the_whole_business(
    client: Client, admin: Any, regional: Any, elsewhere: Location
) -> None:
    version("before", "retired")
    version("serving", "champion")
    client.force_login(regional)
    assert "Go back to it" not in client.get(URL).text
    assert client.post(reverse("quality-roll-back"), {"target": "churn"}).status_code == 403
    client.force_login(admin)
    assert "Go back to it" in client.get(URL).text
    refused = client.post(reverse("quality-roll-back"), {"target": "churn"}, follow=True)
    assert "The signature does not fit" in refused.text, "its tables are no model"
    assert ModelVersion.objects.get(status="champion").name == "serving"


def test_going_back_puts_the_model_before_to_work(client: Client, admin: Any) -> None:
    from risk import services

    first = services.serving_model(Target.CHURN, now=NOW)[0]
    newer = ModelVersion.objects.create(
        target="churn", name="newer", kind="additive", status="shadow", trained_at=NOW,
        artefact=first.artefact, signature=first.signature,
    )  # fmt: skip
    services.put_to_work(name=newer.name, now=NOW)
    client.force_login(admin)
    page = client.post(reverse("quality-roll-back"), {"target": "churn"}, follow=True)
    assert "Back at work: the scoring of members by general experience." in page.text
    entry = LedgerEntry.objects.filter(event="model.serves").latest("pk")
    assert entry.actor_id == admin.pk


@pytest.mark.parametrize("kind", ["calibration", "gains"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_need_neither_style_nor_script(
    client: Client, regional: Any, location: Location, kind: str, scheme: str
) -> None:
    came_true(version("serving", "champion"), location)
    client.force_login(regional)
    answer = client.get(reverse("quality-chart", args=["churn", kind, scheme]))
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer.text.startswith("<svg")
    assert charts.COLOURS[scheme]["main"] in answer.text
    assert "<style" not in answer.text
    assert "<script" not in answer.text


def test_a_chart_nobody_draws_is_not_found(client: Client, regional: Any) -> None:
    version("serving", "champion")
    client.force_login(regional)
    for args in [("churn", "pie", "light"), ("churn", "gains", "pink"), ("x", "gains", "light")]:
        assert client.get(reverse("quality-chart", args=args)).status_code == 404


def test_the_page_takes_few_queries_however_many_locations(
    client: Client, admin: Any, django_assert_max_num_queries: Any
) -> None:
    model = version("serving", "champion")
    version("before", "retired")
    version("shadow", "shadow")
    for place in LocationFactory.create_batch(60):
        came_true(model, place)
    client.force_login(admin)
    client.get(URL)
    with django_assert_max_num_queries(12):
        page = client.get(URL)
    assert "Page 1 of 2" in page.text
