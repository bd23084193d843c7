"""Signing in and out, and what keeps a sign-in short."""

from __future__ import annotations

import time

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import LedgerEntry
from staff.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"


@pytest.fixture
def dana(desk: User) -> User:
    desk.set_password(PASSWORD)
    desk.save()
    return desk


def sign_in(client: Client, name: str = "desk", password: str = PASSWORD, **more: str):
    return client.post(reverse("sign-in"), {"username": name, "password": password, **more})


def test_the_right_password_opens_and_is_noted(client: Client, dana: User) -> None:
    answer = sign_in(client, "Desk", next="/preferences/")
    assert answer.headers["Location"] == "/preferences/"
    assert LedgerEntry.objects.get().event == "person.signed_in"


def test_the_wrong_password_does_not_say_which_part_was_wrong(client: Client, dana: User) -> None:
    answers = [sign_in(client, password="wrong"), sign_in(client, name="nobody")]
    assert {answer.status_code for answer in answers} == {422}
    assert all("do not fit together" in answer.content.decode() for answer in answers)


def test_five_wrong_passwords_lock_the_name_however_it_is_written(
    client: Client, dana: User
) -> None:
    for name in ("desk", "DESK", "Desk", "dEsk", " desk"):
        sign_in(client, name, "wrong")
    answer = sign_in(client)
    assert answer.status_code == 429
    assert "Wait a little" in answer.content.decode()


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_sign_in_leads_nowhere_else(client: Client, dana: User, evil: str) -> None:
    assert sign_in(client, next=evil).headers["Location"] == reverse("home")


def test_a_person_who_left_may_not_come_back(client: Client, dana: User) -> None:
    sign_in(client)
    User.objects.filter(pk=dana.pk).update(is_active=False)
    assert client.get(reverse("preferences")).status_code == 302
    assert sign_in(client).status_code == 422


def test_nobody_there_for_an_hour_ends_the_sign_in(
    client: Client, dana: User, settings, monkeypatch
) -> None:
    client.force_login(dana)
    client.get(reverse("preferences"))
    present = time.time()
    monkeypatch.setattr("staff.middleware.time.time", lambda: present + 3_500)
    assert client.get(reverse("preferences"), headers={"X-Poll": "1"}).status_code == 200
    monkeypatch.setattr("staff.middleware.time.time", lambda: present + 3_700)
    assert client.get(reverse("preferences")).status_code == 302


def test_work_keeps_the_sign_in_open_but_not_past_the_day(
    client: Client, dana: User, monkeypatch
) -> None:
    client.force_login(dana)
    present = time.time()
    for hour in range(12):
        monkeypatch.setattr("staff.middleware.time.time", lambda: present + hour * 3_590)  # noqa: B023
        assert client.get(reverse("preferences")).status_code == 200, hour
    monkeypatch.setattr("staff.middleware.time.time", lambda: present + 12 * 3_600 + 5)
    assert client.get(reverse("preferences")).status_code == 302


def test_htmx_is_led_to_the_sign_in_and_back_to_the_page(client: Client) -> None:
    answer = client.get(
        reverse("preferences"),
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/review/?view=all"},
    )
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in/?next=/review/%3Fview%3Dall"


def test_pages_are_not_kept_and_differ_by_htmx(client: Client, dana: User) -> None:
    client.force_login(dana)
    answer = client.get(reverse("preferences"))
    assert "no-store" in answer.headers["Cache-Control"]
    assert "HX-Request" in answer.headers["Vary"]


def test_signing_out_needs_a_press_not_a_link(client: Client, dana: User) -> None:
    client.force_login(dana)
    assert client.get(reverse("sign-out")).status_code == 405
    client.post(reverse("sign-out"))
    assert client.get(reverse("preferences")).status_code == 302


def test_the_content_policy_allows_no_inline_script_or_style(client: Client, dana: User) -> None:
    client.force_login(dana)
    answer = client.get(reverse("preferences"))
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    page = answer.content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert "onclick" not in page
