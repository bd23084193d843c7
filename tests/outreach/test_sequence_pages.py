"""The list of sequences, one guest's sequences, and what may be done with them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from outreach import services
from outreach.models import Run
from tests.factories.outreach import make_draft

pytestmark = pytest.mark.usefixtures("library")
DAY = timedelta(days=1)


@pytest.fixture
def run(location, now) -> Run:
    run = make_draft(location, first_name="Marguerite").run
    Run.objects.filter(pk=run.pk).update(next_at=now + 4 * DAY)
    run.refresh_from_db()
    return run


@pytest.fixture
def page(client, manager):
    client.force_login(manager)

    def read(path: str = "", **query: str) -> str:
        answer = client.get(path or reverse("sequences"), query)
        assert answer.status_code == 200
        return answer.content.decode()

    return read


def test_the_list_says_where_a_guest_stands_and_what_comes_when(page, run) -> None:
    text = page()
    assert "Marguerite" in text
    assert "1 of 3 of At-risk check-in" in text
    assert "A message, words only" in text
    assert "24 Nov, 12:00" in text  # in the time of the location


def test_a_step_under_way_leads_to_its_draft(page, run) -> None:
    Run.objects.update(next_at=None)
    text = page(view="waiting")
    assert reverse("review-draft", args=[run.drafts.get().pk]) in text
    assert "Marguerite" not in page()


def test_the_desk_sees_the_list_without_scores_or_buttons(client, desk, run) -> None:
    client.force_login(desk)
    text = client.get(reverse("sequences")).content.decode()
    assert "Marguerite" in text
    assert ">82<" not in text
    assert reverse("sequence-pause", args=[run.pk]) not in text


def test_pausing_and_going_on_from_the_list(page, client, run, now, manager) -> None:
    client.post(reverse("sequence-pause", args=[run.pk]), {"next": "/sequences/?view=paused"})
    text = page(view="paused")
    assert "of the wait left" in text
    assert "Dana" in text
    client.post(reverse("sequence-resume", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == Run.State.RUNNING


def test_ending_from_the_list_says_who_ended_it(page, client, run) -> None:
    client.post(reverse("sequence-end", args=[run.pk]))
    assert "Left: ended by a person" in page(view="ended")


def test_all_of_a_play_at_a_location_at_once(client, manager, regional, run, location) -> None:
    client.force_login(manager)
    scope = {"play": run.play_id, "location": location.pk}
    client.post(reverse("sequences-pause"), scope)
    run.refresh_from_db()
    assert run.state == Run.State.PAUSED
    client.force_login(regional)
    client.post(reverse("sequences-resume"), scope)
    run.refresh_from_db()
    assert run.state == Run.State.RUNNING


def test_foreign_scopes_are_not_found(client, manager, run, elsewhere) -> None:
    client.force_login(manager)
    for scope in ({"play": "no-such"}, {"location": elsewhere.pk}, {"location": "x"}):
        assert client.post(reverse("sequences-pause"), scope).status_code == 404
    run.refresh_from_db()
    assert run.state == Run.State.RUNNING


def test_each_filter_names_itself_when_nothing_fits(page, run) -> None:
    assert "Nothing is paused" in page(view="paused")
    assert "No sequence here" in page(view="paused", play=run.play_id)


def test_a_guests_sequences_as_part_and_as_page(client, manager, run, now) -> None:
    client.force_login(manager)
    path = reverse("guest-sequences", args=[run.guest_id])
    whole = client.get(path).content.decode()
    part = client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert "<html" in whole
    assert "<html" not in part
    assert "1 of 3 of At-risk check-in" in part
    services.end_run(run_id=run.pk, by=manager, now=now)
    part = client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert "Left: ended by a person" in part
    assert reverse("member", args=[run.guest_id]) not in part  # nothing left to press


def test_the_card_and_outgoing_say_which_step_it_is(client, manager, run, now) -> None:
    client.force_login(manager)
    draft = run.drafts.get()
    assert "1 of 3 of At-risk check-in" in client.get(reverse("review")).content.decode()
    services.approve_draft(draft_id=draft.pk, version=1, by=manager, now=now)
    assert "1 of 3 of At-risk check-in" in client.get(reverse("outgoing")).content.decode()


@pytest.mark.parametrize("view", ["running", "waiting", "paused", "ended"])
def test_the_list_asks_the_same_number_of_questions_however_long_it_is(
    client, manager, location, now, view, django_assert_max_num_queries
) -> None:
    client.force_login(manager)
    for _ in range(6):
        make_draft(location)
    changes = {
        "running": {"next_at": now + DAY},
        "waiting": {},
        "paused": {"state": "paused", "paused_at": now, "remaining": DAY},
        "ended": {"state": "finished", "ended_at": now},
    }
    Run.objects.update(**changes[view])
    with django_assert_max_num_queries(14):  # with the two of the head of every page
        client.get(reverse("sequences"), {"view": view})
