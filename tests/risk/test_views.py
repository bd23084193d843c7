"""The page of bands: who may change them, and what a change does."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import LedgerEntry
from risk.models import BandThreshold, InputExclusion, Target
from risk.selectors import thresholds
from staff.models import User
from tests.factories.memberships import GuestFactory

pytestmark = pytest.mark.django_db
URL = "/settings/thresholds/"


def test_the_address_is_named() -> None:
    assert reverse("settings-thresholds") == URL


def test_an_administrator_sets_the_bands(client: Client, admin: User) -> None:
    client.force_login(admin)
    sent = {"target": "churn", "churn-watch": 30, "churn-high": 60, "churn-very_high": 85}
    answer = client.post(URL, sent, follow=True)
    assert "Saved." in answer.text
    assert thresholds(Target.CHURN) == {"low": 0, "watch": 30, "high": 60, "very_high": 85}
    assert thresholds(Target.CANCELLATION)["watch"] == 20, "the other target keeps its bands"
    entry = LedgerEntry.objects.get(event="thresholds.changed")
    assert "High from 60" in entry.body


@pytest.mark.parametrize(
    ("watch", "high", "very_high", "says"),
    [
        (60, 60, 90, "must begin above"),
        (0, 60, 90, "greater than or equal to 1"),
        (40, 75, "", "required"),
    ],
)
def test_bands_that_do_not_rise_are_refused_and_kept_on_the_page(
    client: Client, admin: User, watch: Any, high: Any, very_high: Any, says: str
) -> None:
    client.force_login(admin)
    answer = client.post(
        URL,
        {
            "target": "cancellation",
            "cancellation-watch": watch,
            "cancellation-high": high,
            "cancellation-very_high": very_high,
        },
    )
    assert answer.status_code == 422
    assert says in answer.text
    assert f'value="{high}"' in answer.text
    assert not BandThreshold.objects.exists()


def test_a_form_without_a_target_changes_nothing(client: Client, admin: User) -> None:
    client.force_login(admin)
    assert client.post(URL, {"watch": 1}).status_code == 200
    assert not BandThreshold.objects.exists()


def test_a_regional_of_part_of_the_business_may_not(
    client: Client, regional: User, elsewhere: Any
) -> None:
    client.force_login(regional)
    assert client.get(URL).status_code == 403


def test_the_page_takes_few_queries(
    client: Client, admin: User, django_assert_max_num_queries: Any
) -> None:
    client.force_login(admin)
    client.get(URL)
    with django_assert_max_num_queries(12):
        client.get(URL)


def test_an_administrator_leaves_a_fact_out_and_lets_it_count_again(
    client: Client, admin: User
) -> None:
    client.force_login(admin)
    guest = GuestFactory(code="G-17")
    sent = {"what": "churn:rating", "code": "G-17", "reason": "asked at the desk"}
    answer = client.post("/settings/inputs/", sent, follow=True)
    assert "Saved." in answer.text
    assert "asked at the desk" in answer.text
    one = InputExclusion.objects.get()
    assert (one.target, one.input, one.guest, one.by) == ("churn", "rating", guest, admin)
    client.post(f"/settings/inputs/{one.pk}/")
    assert not InputExclusion.objects.exists()
    assert LedgerEntry.objects.filter(event__startswith="input.").count() == 2


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"what": "churn:rating", "code": "nobody", "reason": "x"}, "No guest has this code."),
        ({"what": "churn:name", "code": "", "reason": "x"}, "Select a valid choice"),
        ({"what": "churn:rating", "code": "", "reason": ""}, "required"),
    ],
)
def test_what_cannot_be_left_out_is_refused(
    client: Client, admin: User, sent: dict[str, str], says: str
) -> None:
    client.force_login(admin)
    answer = client.post("/settings/inputs/", sent)
    assert answer.status_code == 422
    assert says in answer.text
    assert not InputExclusion.objects.exists()
