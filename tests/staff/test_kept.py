"""What somebody sent when the sign-in had ended is kept for that person, and sent by a press."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from audit import clock
from config.tasks import forget_ended_sessions
from outreach.library.seed import seed_library
from outreach.models import Draft
from staff.models import User
from tests.factories.outreach import make_draft

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"
NOTE = "She moved to Lyon. Ask her again in spring, she liked it here."
OURS = {"Referer": "http://testserver/review/?draft=7", "Origin": "http://testserver"}
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/review/?draft=7"}


@pytest.fixture
def mira(manager: User) -> User:
    manager.set_password(PASSWORD)
    manager.save()
    return manager


@pytest.fixture
def draft(location: Any) -> Draft:
    seed_library(by=None, now=clock.now())
    return make_draft(location, now=clock.now())


@pytest.fixture
def late(client: Client, mira: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Mira's browser, an hour after she last did something."""
    client.force_login(mira)
    client.get(reverse("preferences"))
    present = time.time()
    monkeypatch.setattr("staff.middleware.time.time", lambda: present + 3_700)
    return client


def reject(client: Client, draft: Draft, **headers: str):
    form = {"version": draft.version, "reason": "person", "note": NOTE, "page": "own"}
    return client.post(reverse("draft-reject", args=[draft.pk]), form, headers={**OURS, **headers})


def sign_in(client: Client, person: User):
    form = {"username": person.username, "password": PASSWORD}
    return client.post(reverse("sign-in"), form)


def test_what_was_typed_waits_behind_the_sign_in_and_goes_on_by_a_press(
    late: Client, mira: User, draft: Draft
) -> None:
    answer = reject(late, draft)
    assert answer.headers["Location"] == "/sign-in/?next=/review/%3Fdraft%3D7"
    assert sign_in(late, mira).headers["Location"] == reverse("kept")
    shown = late.get(reverse("kept"))
    assert NOTE in shown.content.decode()
    draft.refresh_from_db()
    assert draft.status == Draft.Status.PENDING, "nothing is sent without a press"

    late.post(shown.context["kept"].path, dict(shown.context["kept"].fields))
    draft.refresh_from_db()
    assert (draft.status, draft.rejection_note) == (Draft.Status.REJECTED, NOTE)
    assert late.get(reverse("kept")).headers["Location"] == reverse("home")


def test_another_person_at_the_same_browser_does_not_see_it(
    late: Client, draft: Draft, desk: User
) -> None:
    reject(late, draft)
    desk.set_password(PASSWORD)
    desk.save()
    assert sign_in(late, desk).headers["Location"] == reverse("home")
    assert late.get(reverse("kept")).headers["Location"] == reverse("home")


def test_it_is_dropped_after_a_quarter_of_an_hour_and_when_it_is_left(
    late: Client, mira: User, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    reject(late, draft)
    sign_in(late, mira)
    assert late.post(reverse("kept")).headers["Location"] == "/review/?draft=7"
    assert late.get(reverse("kept")).headers["Location"] == reverse("home")

    late.logout()
    reject(late, draft)
    present = time.time()
    monkeypatch.setattr("staff.kept.time.time", lambda: present + 16 * 60)
    assert sign_in(late, mira).headers["Location"] == reverse("home")


def test_passwords_are_never_kept(client: Client) -> None:
    address = reverse("settings-person", args=[1])
    client.post(address, {"reason": "it is fine now", "password": "secret one", "password2": "x"})
    assert dict(client.session["kept"]["fields"]) == {"reason": "it is fine now"}


def test_a_form_sent_by_script_is_asked_for_again_as_a_page(late: Client, draft: Draft) -> None:
    answer = reject(late, draft, **HTMX)
    assert answer.status_code == 401
    assert "HX-Redirect" not in answer.headers


def test_a_part_that_looks_again_by_itself_leads_nobody_away(late: Client) -> None:
    answer = late.get(reverse("replies-news"), headers={**HTMX, "X-Poll": "1"})
    assert answer.status_code == 401
    assert "HX-Redirect" not in answer.headers


def test_a_page_older_than_the_sign_in_gets_its_words_back(mira: User, draft: Draft) -> None:
    """Signed in again in another tab: the token of this one is of before."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(mira)
    browser.cookies["csrf"] = "a" * 32
    answer = reject(browser, draft)
    assert answer.status_code == 403
    assert NOTE in answer.content.decode()
    assert reject(browser, draft, **HTMX).status_code == 401


def test_words_from_another_site_are_never_shown(mira: User, draft: Draft) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(mira)
    for origin in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}):
        answer = reject(browser, draft, **origin)
        assert answer.status_code == 403
        assert NOTE not in answer.content.decode()
        assert "kept" not in browser.session


def test_an_address_that_only_takes_a_press_says_so(client: Client, mira: User) -> None:
    client.force_login(mira)
    answer = client.get(reverse("sign-out"))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "only takes a press" in answer.content.decode()


def test_ended_sign_ins_are_forgotten(client: Client, mira: User) -> None:
    client.force_login(mira)
    client.get(reverse("preferences"))
    Session.objects.update(expire_date="2020-01-01T00:00:00Z")
    other = Client()
    other.force_login(mira)
    forget_ended_sessions()
    assert [row.session_key for row in Session.objects.all()] == [other.session.session_key]
