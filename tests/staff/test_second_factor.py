"""Whoever may approve or administer shows a second factor."""

from __future__ import annotations

import time

import pytest
from django.test import Client
from django.urls import reverse
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.models import LedgerEntry
from staff.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"


@pytest.fixture(autouse=True)
def required(settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True


@pytest.fixture
def mia(manager: User) -> User:
    manager.set_password(PASSWORD)
    manager.save()
    return manager


def sign_in(name: str = "manager") -> Client:
    client = Client()
    client.post(reverse("sign-in"), {"username": name, "password": PASSWORD})
    return client


def code_of(user: User, steps: int = 0) -> str:
    """What the app shows now, or some half minutes later."""
    device = TOTPDevice.objects.get(user=user)
    return f"{totp(device.bin_key, drift=steps):06d}"


def set_up(client: Client, user: User) -> list[str]:
    client.get(reverse("second-factor-set-up"))
    answer = client.post(reverse("second-factor-set-up"), {"code": code_of(user)})
    codes: list[str] = answer.context["codes"]
    return codes


def test_a_password_alone_opens_nothing_to_an_approver(mia: User) -> None:
    client = sign_in()
    answer = client.get(reverse("activity"), {"event": "draft."})
    assert answer.headers["Location"] == "/second-factor/?next=/activity/%3Fevent%3Ddraft."
    assert client.post(reverse("preferences"), {"theme": "dark"}).status_code == 302
    assert client.get(reverse("second-factor")).headers["Location"] == reverse(
        "second-factor-set-up"
    )
    mia.refresh_from_db()
    assert mia.theme == "system"


def test_htmx_is_led_there_too(mia: User) -> None:
    answer = sign_in().get(reverse("activity"), headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/second-factor/")


def test_the_desk_needs_none(desk: User) -> None:
    client = Client()
    client.force_login(desk)
    assert client.get(reverse("preferences")).status_code == 200


def test_after_setting_up_the_pages_open_and_it_is_noted(mia: User) -> None:
    client = sign_in()
    codes = set_up(client, mia)
    assert len(set(codes)) == 10
    assert client.get(reverse("activity")).status_code == 200
    assert LedgerEntry.objects.filter(event="person.second_factor_set_up").count() == 1


def test_a_wrong_first_code_sets_nothing_up(mia: User) -> None:
    client = sign_in()
    client.get(reverse("second-factor-set-up"))
    answer = client.post(reverse("second-factor-set-up"), {"code": "000000"})
    assert answer.status_code == 422
    assert not TOTPDevice.objects.get().confirmed


def test_the_next_sign_in_asks_for_the_code_and_takes_it_once(mia: User, monkeypatch) -> None:
    set_up(sign_in(), mia)
    later = time.time() + 60
    monkeypatch.setattr("django_otp.plugins.otp_totp.models.time.time", lambda: later)
    monkeypatch.setattr("django_otp.oath.time", lambda: later)
    client = sign_in()
    assert client.get(reverse("activity")).status_code == 302
    code = code_of(mia)
    answer = client.post(reverse("second-factor"), {"code": code, "next": "/activity/"})
    assert answer.headers["Location"] == "/activity/"
    assert client.get(reverse("activity")).status_code == 200
    assert sign_in().post(reverse("second-factor"), {"code": code}).status_code == 422


def test_a_recovery_code_works_once(mia: User) -> None:
    codes = set_up(sign_in(), mia)
    client = sign_in()
    assert client.post(reverse("second-factor"), {"code": codes[0].upper()}).status_code == 302
    assert client.get(reverse("activity")).status_code == 200
    assert sign_in().post(reverse("second-factor"), {"code": codes[0]}).status_code == 422


def test_who_has_one_cannot_set_up_another_without_it(mia: User) -> None:
    set_up(sign_in(), mia)
    answer = sign_in().get(reverse("second-factor-set-up"))
    assert answer.headers["Location"] == reverse("second-factor")


def test_who_set_one_up_by_choice_is_asked_as_well(mia: User, settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = False
    set_up(sign_in(), mia)
    assert sign_in().get(reverse("activity")).status_code == 302


def test_an_administrator_can_take_away_the_factor_of_a_lost_phone(
    mia: User, admin: User, settings
) -> None:
    set_up(sign_in(), mia)
    settings.SECOND_FACTOR_REQUIRED = False
    chief = Client()
    chief.force_login(admin)
    chief.post(reverse("settings-person-second-factor", args=[mia.pk]))
    assert not TOTPDevice.objects.exists()
    assert sign_in().get(reverse("activity")).status_code == 200
