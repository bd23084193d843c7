"""The people who work here: added, changed, never lost, never without an administrator."""

from __future__ import annotations

import json
import threading
from datetime import datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from audit.models import LedgerEntry
from memberships.models import Location
from staff import services
from staff.models import User
from tests.factories.staff import UserFactory

pytestmark = pytest.mark.django_db


def form(location: Location, **changes: object) -> dict[str, object]:
    usual = {
        "first_name": "Kim",
        "last_name": "Vale",
        "username": "kim",
        "email": "",
        "role": "manager",
        "locations": [location.pk],
        "limit": "50",
    }
    return {**usual, **changes}


@pytest.fixture
def chief(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def details(event: str) -> dict[str, object]:
    detail: dict[str, object] = json.loads(LedgerEntry.objects.get(event=event).body)["detail"]
    return detail


def test_an_added_person_gets_a_link_and_chooses_a_password(
    chief: Client, location: Location
) -> None:
    answer = chief.post(reverse("settings-person-add"), form(location))
    kim = User.objects.get(username="kim")
    assert (kim.role, kim.approval_limit_cents) == ("manager", 5_000)
    assert kim.location_ids() == [location.pk]
    assert not kim.has_usable_password()
    assert details("person.added") == {"role": "manager", "locations": [location.pk]}

    link = answer.context["link"].replace("http://testserver", "")
    stranger = Client()
    words = {"new_password1": "correct horse battery", "new_password2": "correct horse battery"}
    assert stranger.post(link, {**words, "new_password2": "other"}).status_code == 422
    assert stranger.post(link, words).headers["Location"] == reverse("sign-in")
    assert stranger.get(link).status_code == 410  # once
    kim.refresh_from_db()
    assert kim.check_password("correct horse battery")


def test_a_weak_password_is_refused(chief: Client, location: Location) -> None:
    link = chief.post(reverse("settings-person-add"), form(location)).context["link"]
    answer = Client().post(
        link.replace("http://testserver", ""), {"new_password1": "short", "new_password2": "short"}
    )
    assert answer.status_code == 422


def test_the_link_of_somebody_who_left_is_void(desk: User, admin: User, now: datetime) -> None:
    link = services.password_link(person=desk, by=admin, now=now)
    User.objects.filter(pk=desk.pk).update(is_active=False)
    assert Client().get(link).status_code == 410


def test_a_changed_role_counts_from_the_next_request(
    chief: Client, manager: User, location: Location
) -> None:
    theirs = Client()
    theirs.force_login(manager)
    assert theirs.get(reverse("activity")).status_code == 200
    answer = chief.post(
        reverse("settings-person", args=[manager.pk]),
        form(location, username="manager", role="desk", version=1, is_active="on"),
    )
    assert answer.status_code == 302
    assert theirs.get(reverse("activity")).status_code == 403
    assert details("person.changed")["changes"]["role"] == ["manager", "desk"]  # type: ignore[index]


def test_a_location_taken_away_counts_from_the_next_request(
    chief: Client, manager: User, location: Location, elsewhere: Location
) -> None:
    theirs = Client()
    theirs.force_login(manager)
    chief.post(
        reverse("settings-person", args=[manager.pk]),
        form(elsewhere, username="manager", version=1, is_active="on"),
    )
    assert theirs.get(reverse("activity"), {"location": location.pk}).status_code == 404
    assert theirs.get(reverse("activity"), {"location": elsewhere.pk}).status_code == 200


def test_two_administrators_at_one_form_do_not_overwrite_each_other(
    chief: Client, manager: User, location: Location
) -> None:
    address = reverse("settings-person", args=[manager.pk])
    first = form(location, username="manager", first_name="Mia", version=1, is_active="on")
    assert chief.post(address, first).status_code == 302
    answer = chief.post(address, {**first, "first_name": "Moe"})
    assert answer.status_code == 422
    assert "in the meantime" in answer.content.decode()
    manager.refresh_from_db()
    assert manager.first_name == "Mia"


@pytest.mark.parametrize("change", [{"role": "desk"}, {"is_active": ""}])
def test_the_last_administrator_stays(
    chief: Client, admin: User, location: Location, change: dict[str, str]
) -> None:
    answer = chief.post(
        reverse("settings-person", args=[admin.pk]),
        {**form(location, username="admin", role="admin", version=1, is_active="on"), **change},
    )
    assert answer.status_code == 422
    assert "last administrator" in answer.content.decode()
    admin.refresh_from_db()
    assert admin.all_locations


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_demote_each_other_leave_one(now: datetime) -> None:
    chiefs = [UserFactory(role="admin"), UserFactory(role="admin")]
    refused: list[Exception] = []

    def demote(who: User, by: User) -> None:
        try:
            services.change_person(
                person_id=who.pk, version=1, fields={"role": "desk"}, locations=[], by=by, now=now
            )
        except services.LastAdministrator as refusal:
            refused.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=demote, args=(chiefs[n], chiefs[1 - n])) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert User.objects.filter(role="admin", is_active=True).count() == 1


def test_everybody_but_administrators_needs_a_location(chief: Client, location: Location) -> None:
    answer = chief.post(reverse("settings-person-add"), form(location, locations=[]))
    assert answer.status_code == 422
    assert (
        chief.post(
            reverse("settings-person-add"), form(location, locations=[], role="admin")
        ).status_code
        == 200
    )


def test_a_sign_in_name_belongs_to_one_person_whatever_its_capitals(
    chief: Client, desk: User, location: Location
) -> None:
    answer = chief.post(reverse("settings-person-add"), form(location, username="DESK"))
    assert answer.status_code == 422
    assert "sign-in name already" in answer.content.decode()


def test_the_list_takes_no_more_queries_for_more_people(
    chief: Client, location: Location, django_assert_max_num_queries
) -> None:
    UserFactory.create_batch(20, locations=[location])
    with django_assert_max_num_queries(12):
        assert chief.get(reverse("settings-people")).status_code == 200


def test_preferences_are_ones_own(client: Client, desk: User) -> None:
    client.force_login(desk)
    client.post(reverse("preferences"), {"theme": "dark"})
    desk.refresh_from_db()
    assert (desk.theme, desk.single_keys) == ("dark", False)
    page = client.get(reverse("preferences")).content.decode()
    assert 'data-theme="dark"' in page
    assert 'data-single-keys="off"' in page


def test_the_demo_cast_is_made_once(location: Location, elsewhere: Location) -> None:
    for _ in range(2):
        call_command("seed_people", password="tenure-demo-2026", verbosity=0)
    assert User.objects.count() == 5
    assert User.objects.get(username="regional").serves(elsewhere.pk)
    assert User.objects.get(username="desk").check_password("tenure-demo-2026")


def test_the_demo_cast_is_refused_in_production(settings, location: Location) -> None:
    settings.IS_PRODUCTION = True
    with pytest.raises(CommandError, match="refuses"):
        call_command("seed_people", password="tenure-demo-2026")
    assert not User.objects.exists()
